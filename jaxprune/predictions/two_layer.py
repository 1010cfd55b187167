"""Least losses of narrow ReLU networks that are proved."""

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import Isotropic
from jaxprune.theory import two_layer as theory


@predictors.register
def _(problem: Isotropic) -> dict[str, Predictor]:
    """The smallest loss where a frame attains its lower bound."""
    known = theory.frames.best_known(int(problem.neurons), problem.dim).optimum
    if known.status != "proved":
        return {"loss": Predictor(lambda place: NONE)}
    value = theory.limit_of(known.value, problem.dim) if problem.target == "limit" else known.value
    return {"loss": Predictor(lambda place: Value(float(problem.mean) ** 2 * value, "exact"))}
