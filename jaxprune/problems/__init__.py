"""Problems: what a grid point is. Numbers are leaves, shapes are static; a problem knows nothing of how it is solved."""

from jaxprune.problems.compression import StableNoise
from jaxprune.problems.least_squares import Finite, LinearGaussian, Population
from jaxprune.problems.networks import Labelled, PlainDescent, Training
from jaxprune.problems.random_features import RandomFeatures
from jaxprune.problems.sde import BoundedChaos, BoundedDrift, Explosion, LinearChaos, OrnsteinUhlenbeck
from jaxprune.problems.sgd import MultiplicativeSGD, NoisyDescent, NoisyNeurons
from jaxprune.problems.tails import TailSample

__all__ = [
    "BoundedChaos",
    "BoundedDrift",
    "Explosion",
    "Finite",
    "Labelled",
    "LinearChaos",
    "LinearGaussian",
    "MultiplicativeSGD",
    "NoisyDescent",
    "NoisyNeurons",
    "OrnsteinUhlenbeck",
    "PlainDescent",
    "Population",
    "RandomFeatures",
    "StableNoise",
    "TailSample",
    "Training",
]
