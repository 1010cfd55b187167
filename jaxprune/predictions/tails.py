"""Samples whose tail index is known: metrics ``block_inverse`` and ``hill_inverse``, where they are unbiased for 1/alpha."""

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import TailSample


@predictors.register
def _(problem: TailSample) -> dict[str, Predictor]:
    """Block sums are unbiased for stable laws, Hill's estimate for Pareto's, whatever the number of data."""
    value = Value(1 / float(problem.index), "exact") if float(problem.shift) == 0 else NONE
    return {
        "block_inverse": Predictor(lambda place: value if problem.name == "stable" else NONE),
        "hill_inverse": Predictor(lambda place: value if problem.name == "Pareto" else NONE),
    }
