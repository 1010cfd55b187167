"""Least losses of narrow ReLU networks that are proved."""

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import Isotropic
from jaxprune.theory import two_layer as theory

IN_PLANE = 9  # neurons: of more, fewer than one start in a hundred reaches the polygons, and the best of many may be none


@predictors.register
def _(problem: Isotropic) -> dict[str, Predictor]:
    """The smallest loss where a frame attains its lower bound and random starts find it."""
    known = theory.frames.best_known(int(problem.neurons), problem.dim).optimum
    if known.status != "proved" or (problem.dim == 2 and problem.neurons > IN_PLANE):
        return {"loss": Predictor(lambda place: NONE)}
    value = theory.limit_of(known.value, problem.dim) if problem.target == "limit" else known.value
    return {"loss": Predictor(lambda place: Value(float(problem.mean) ** 2 * value, "exact"))}
