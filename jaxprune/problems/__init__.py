"""Problems: what a grid point is. Numbers are leaves, shapes are static; a problem knows nothing of how it is solved."""

from jaxprune.problems.diffusions import BoundedChaos, BoundedDrift, Explosion, LinearChaos, OrnsteinUhlenbeck
from jaxprune.problems.labelled import Labelled, PlainDescent, Training
from jaxprune.problems.least_squares import Finite, LinearGaussian, Population
from jaxprune.problems.multiplicative import MultiplicativeSGD
from jaxprune.problems.neurons import NoisyDescent, NoisyNeurons
from jaxprune.problems.random_features import RandomFeatures
from jaxprune.problems.stable import StableNoise
from jaxprune.problems.tail_laws import TailSample

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
