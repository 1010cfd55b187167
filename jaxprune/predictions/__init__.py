"""From a problem to theory's numbers: one file a subject, which registers its types of problems."""

from jaxprune.predictions import bounds, compression, matrices, sde, sgd, tails, two_layer
from jaxprune.predictions.core import NONE, Predictor, Value, predict, predictors
from jaxprune.predictions.least_squares import TAIL, covariance

__all__ = [
    "NONE",
    "TAIL",
    "Predictor",
    "Value",
    "bounds",
    "compression",
    "covariance",
    "matrices",
    "predict",
    "predictors",
    "sde",
    "sgd",
    "tails",
    "two_layer",
]
