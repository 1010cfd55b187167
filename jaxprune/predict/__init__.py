"""From a problem to theory's numbers: one file per family of problems, which registers its types."""

from jaxprune.predict import diffusions, multiplicative, neurons, stable, tail_laws
from jaxprune.predict.core import NONE, Predictor, Value, predict, predictors
from jaxprune.predict.least_squares import TAIL, covariance

__all__ = [
    "NONE",
    "TAIL",
    "Predictor",
    "Value",
    "covariance",
    "diffusions",
    "multiplicative",
    "neurons",
    "predict",
    "predictors",
    "stable",
    "tail_laws",
]
