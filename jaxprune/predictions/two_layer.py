"""Compression of two-layer networks.

Random targets of finite width: means of what the simplification knows of them, and limits of optima. Inner axes: none, or
``n`` neurons of the target in a fixed number of inputs, or ``n`` inputs with ``ratio`` times as many neurons. In a fixed number
of inputs the exact optimum meets its limit only like n^(-1/2), so that it is not judged there.

An affine target: ``loss``, ``cosine`` and ``gram`` (inner axes ``row`` and ``column``) of its optimum. Inner
axis: ``neurons``. Theory knows nonnegative outputs and outputs of any sign with at most as many neurons as inputs, one more
where eta = 0, and at eta = 0 also signs that were drawn and are kept.

An isotropic target: ``loss``, where a frame attains its lower bound and random starts find it.

Orthonormal teachers: metrics ``zero_loss`` and ``symmetric_loss``, both exact.
"""

import math
from typing import Any

import numpy as np
from scipy.stats import binom

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import AffineTarget, Compression, Isotropic, OrthonormalTeachers
from jaxprune.theory import two_layer

ISOTROPIC = ("gaussian", "sphere")
UNIT = ("rademacher", "sphere")  # rows of one length
LIGHT = ("gaussian", "rademacher", "sphere", "uniform")
STEADY = ("constant", "uniform", "gaussian")  # outputs with a mean and a standard deviation
WIDER = 16  # times as many neurons as the narrow network: in narrower targets 1/n is not small
FEWEST = 3  # neurons: of one or two the simplified optimum meets its limit more slowly than 1/n
IN_PLANE = 9  # neurons: of more, fewer than one start in a hundred reaches the polygons, and the best of many may be none


@predictors.register
def _(problem: Compression) -> dict[str, Predictor]:
    target = _Target(problem)
    tied = {"n", "ratio"}
    return {
        "mean": Predictor(target.mean, allows=tied),
        "square_slope": Predictor(target.square_slope, allows=tied),
        "rest": Predictor(target.rest, allows=tied),
        "simplified_loss": Predictor(target.simplified_loss, allows=tied),
        "simplified_cosine": Predictor(target.simplified_cosine, allows=tied),
        "loss": Predictor(target.loss, allows=tied),
        "cosine": Predictor(target.cosine, allows=tied),
    }


class _Target:
    """The theory of one law of targets, at any width and in any number of inputs."""

    def __init__(self, problem: Compression):
        self._problem, self._neurons = problem, problem.neurons
        constant = problem.outputs == "constant"
        self._output = float(problem.output_mean)
        self._output_square = self._output**2 + (0.0 if constant else float(problem.output_sd) ** 2)
        self._steady = problem.outputs in STEADY and float(problem.cosine) == 0 and problem.rows in LIGHT

    def _sizes(self, place: dict[str, Any]) -> tuple[int, int]:
        """Inputs, and neurons of the target."""
        if "ratio" in place:
            return int(place["n"]), round(place["ratio"] * place["n"])
        return self._problem.dim, int(place.get("n", self._problem.width))

    def _norm(self, dim: int) -> float:
        """Mean length of a row; of uniform entries that in many inputs."""
        size = float(self._problem.size)
        return size / math.sqrt(1 + two_layer.norm_excess(dim)) if self._problem.rows == "gaussian" else size

    def _factors(self, place: dict[str, Any]) -> tuple[float, float, float]:
        dim, width = self._sizes(place)
        scale = dict(mean=1 / width, clt=width**-0.5, sum=1.0)[self._problem.scaling]
        moments = scale * self._output, scale**2 * self._output_square, self._norm(dim), float(self._problem.size) ** 2
        return two_layer.expected_factors(width, dim, *moments)

    def mean(self, place: dict[str, Any]) -> Value:
        known = self._steady and self._problem.rows in (*ISOTROPIC, *UNIT)
        return Value(self._factors(place)[0], "exact") if known else NONE

    def square_slope(self, place: dict[str, Any]) -> Value:
        return Value(self._factors(place)[1], "exact") if self._steady else NONE

    def rest(self, place: dict[str, Any]) -> Value:
        known = self._steady and self._problem.rows in ISOTROPIC
        return Value(self._factors(place)[2], "exact") if known else NONE

    def _has_limit(self, place: dict[str, Any]) -> bool:
        """Many rows of mean zero, outputs of a mean above zero; in a fixed number of inputs directions must be isotropic."""
        problem = self._problem
        universal = "ratio" in place or problem.rows in ISOTROPIC
        wide = problem.scaling == "mean" and self._output > 0 and FEWEST <= self._neurons <= self._sizes(place)[0]
        return self._steady and universal and wide

    def _kind(self, place: dict[str, Any], tied: bool = False) -> str:
        """Of limits that are met like 1/n; ``tied``, only where inputs grow with the target."""
        wide = self._sizes(place)[1] >= WIDER * self._neurons
        return "limit" if wide and ("ratio" in place or not tied) else "none"

    def _square(self, dim: int) -> float:
        """Of the target's mean."""
        return (self._output * self._norm(dim)) ** 2 / (2 * math.pi)

    def simplified_loss(self, place: dict[str, Any]) -> Value:
        if not self._has_limit(place):
            return NONE
        dim, _ = self._sizes(place)
        return Value(
            self._square(dim) * (two_layer.norm_excess(dim) + two_layer.simplex_value(self._neurons)), self._kind(place)
        )

    def loss(self, place: dict[str, Any]) -> Value:
        if not self._has_limit(place):
            return NONE
        dim, _ = self._sizes(place)
        return Value(self._square(dim) * two_layer.limit_value(self._neurons, dim), self._kind(place, tied=True))

    def simplified_cosine(self, place: dict[str, Any]) -> Value:
        return Value(-1 / (self._neurons - 1), self._kind(place)) if self._has_limit(place) else NONE

    def cosine(self, place: dict[str, Any]) -> Value:
        return Value(-1 / (self._neurons - 1), self._kind(place, tied=True)) if self._has_limit(place) else NONE


@predictors.register
def _(problem: AffineTarget) -> dict[str, Predictor]:
    eta = float(problem.eta)
    # Of two neurons in one input half of all starts stay on one side, so that what is found is not the optimum.
    most = problem.dim + (problem.eta == 0 and problem.dim > 1)
    by_signs = dict(nonnegative=_cone, free=_free, random=_frozen)[problem.signs]

    def loss(place: dict[str, Any]) -> Value:
        neurons = int(place["neurons"])
        return by_signs(neurons, eta) if neurons <= most else NONE

    def of_cosine(value: Any, place: dict[str, Any]) -> Value:
        neurons = int(place["neurons"])
        known = 2 <= neurons <= most and _in_cone(neurons, eta, problem.signs)
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
    return signs == "nonnegative" or (signs == "free" and two_layer.free_sign_optimum(neurons, eta)[1] == "cone")


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
