"""Compression of two-layer networks.

An affine target: ``loss``, ``cosine``, ``cosine_sd`` and ``gram`` (inner axes ``row`` and ``column``) of its optimum. Inner
axis: ``neurons``. Theory knows nonnegative outputs and outputs of any sign with at most as many neurons as inputs, one more
where eta = 0, and at eta = 0 also signs that were drawn and are kept.

An isotropic target: ``loss``, where a frame attains its lower bound and random starts find it.

Orthonormal teachers: metrics ``zero_loss`` and ``symmetric_loss``, both exact.
"""

from typing import Any

import numpy as np
from scipy.stats import binom

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import AffineTarget, Isotropic, OrthonormalTeachers
from jaxprune.theory import two_layer

IN_PLANE = 9  # neurons: of more, fewer than one start in a hundred reaches the polygons, and the best of many may be none


@predictors.register
def _(problem: AffineTarget) -> dict[str, Predictor]:
    eta, most = float(problem.eta), problem.dim + (problem.eta == 0)
    by_signs = dict(nonnegative=_cone, free=_free, random=_frozen)[problem.signs]

    def loss(place: dict[str, Any]) -> Value:
        neurons = int(place["neurons"])
        return by_signs(neurons, eta) if neurons <= most else NONE

    def of_cosine(value: Any, place: dict[str, Any]) -> Value:
        neurons = int(place["neurons"])
        known = 2 <= neurons <= most and (problem.signs == "nonnegative" or _in_cone(neurons, eta, problem.signs))
        return Value(value(two_layer.cone_optimum(neurons, eta)[1]), "exact") if known else NONE

    def gram(place: dict[str, Any]) -> Value:
        return of_cosine(lambda cosine: 1.0 if place["row"] == place["column"] else cosine, place)

    return {
        "loss": Predictor(loss, {"neurons"}),
        "cosine": Predictor(lambda place: of_cosine(float, place), {"neurons"}),
        "gram": Predictor(gram, {"neurons", "row", "column"}),
    }


def _cone(neurons: int, eta: float) -> Value:
    return Value(two_layer.cone_optimum(neurons, eta)[0], "exact")


def _free(neurons: int, eta: float) -> Value:
    return Value(two_layer.free_sign_optimum(neurons, eta)[0], "exact")


def _in_cone(neurons: int, eta: float, signs: str) -> bool:
    return signs == "free" and two_layer.free_sign_optimum(neurons, eta)[1] == "cone"


def _frozen(neurons: int, eta: float) -> Value:
    """The mean over fair coins: neurons of the wrong sign die, and the others stand as a simplex."""
    if eta > 0:
        return NONE
    values = [1.0, *(two_layer.simplex_value(count) for count in range(1, neurons + 1))]
    return Value(float(np.sum(binom.pmf(range(neurons + 1), neurons, 0.5) * values)), "exact")


@predictors.register
def _(problem: OrthonormalTeachers) -> dict[str, Predictor]:
    teachers, ones = np.eye(problem.dim), np.ones(problem.dim)
    nothing = two_layer.loss(np.zeros((1, problem.dim)), np.zeros(1), teachers, ones) / 2

    def symmetric(place: dict[str, Any]) -> Value:
        return Value(two_layer.symmetric_minimum(problem.dim)[0], "exact") if problem.dim > 2 else NONE

    return {"zero_loss": Predictor(lambda place: Value(nothing, "exact")), "symmetric_loss": Predictor(symmetric)}


@predictors.register
def _(problem: Isotropic) -> dict[str, Predictor]:
    known = two_layer.frames.best_known(int(problem.neurons), problem.dim).optimum
    if known.status != "proved" or (problem.dim == 2 and problem.neurons > IN_PLANE):
        return {"loss": Predictor(lambda place: NONE)}
    value = two_layer.limit_of(known.value, problem.dim) if problem.target == "limit" else known.value
    return {"loss": Predictor(lambda place: Value(float(problem.mean) ** 2 * value, "exact"))}
