"""Half-spaces with heavy-tailed weights, chosen classifiers, cushions: what of them is known as a mean.

A half-space of Pareto weights: ``discarded``, with the inner axis ``kept``. Bounds of it are no predictions but certificates
of ``theory.bounds``. A network's stability: ``layer_mean``, exact for Gaussian inputs.
"""

from typing import Any

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import Cushions, HalfSpace
from jaxprune.theory.matrices import expected_discarded_fraction

STEADY = 0.8  # tail index


@predictors.register
def _(problem: HalfSpace) -> dict[str, Predictor]:
    known = problem.family == "Pareto" and float(problem.tail_index) < 2

    def discarded(place: dict[str, Any]) -> Value:
        share = expected_discarded_fraction(int(place["kept"]), float(problem.tail_index), problem.dim)
        # Its standard deviation is 2.2 times its mean at index 1, 8 times at 0.5, where a sample mean says little.
        return Value(share, "exact" if float(problem.tail_index) >= STEADY else "tail")

    return {"discarded": Predictor(discarded if known else lambda place: NONE, {"kept"})}


@predictors.register
def _(problem: Cushions) -> dict[str, Predictor]:
    return {"layer_mean": Predictor(lambda place: Value(1.0, "exact"))}
