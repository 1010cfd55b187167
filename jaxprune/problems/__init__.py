"""Problems: what a grid point is. Numbers are leaves, shapes are static; a problem knows nothing of how it is solved.

Every field says what it accepts; anything else is a ValueError that names the argument, the value and the cure.
"""

from jaxprune.problems.bounds import ChosenClassifier, Cushions, HalfSpace, LearntHalfSpace, PlantedNetwork
from jaxprune.problems.compression import StableLayer
from jaxprune.problems.least_squares import FinitePopulation, LinearGaussian, Population
from jaxprune.problems.matrices import HeavyTailedMatrix, LevelSets
from jaxprune.problems.networks import SGD, Labelled, Training
from jaxprune.problems.random_features import RandomFeatures
from jaxprune.problems.sde import BoundedChaos, BoundedDrift, Explosion, LinearChaos, OrnsteinUhlenbeck
from jaxprune.problems.sgd import HeavyTailedSGD, MultiplicativeSGD, NoisyNeurons
from jaxprune.problems.tails import TailSample
from jaxprune.problems.two_layer import AffineTarget, Compression, Isotropic, OrthonormalTeachers

__all__ = [
    "SGD",
    "AffineTarget",
    "BoundedChaos",
    "BoundedDrift",
    "ChosenClassifier",
    "Compression",
    "Cushions",
    "Explosion",
    "FinitePopulation",
    "HalfSpace",
    "HeavyTailedMatrix",
    "HeavyTailedSGD",
    "Isotropic",
    "Labelled",
    "LearntHalfSpace",
    "LevelSets",
    "LinearChaos",
    "LinearGaussian",
    "MultiplicativeSGD",
    "NoisyNeurons",
    "OrnsteinUhlenbeck",
    "OrthonormalTeachers",
    "PlantedNetwork",
    "Population",
    "RandomFeatures",
    "StableLayer",
    "TailSample",
    "Training",
]
