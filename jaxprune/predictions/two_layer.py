"""Two-layer networks. Orthonormal teachers: metrics ``zero_loss`` and ``symmetric_loss``, both exact."""

import numpy as np

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import OrthonormalTeachers
from jaxprune.theory import two_layer as theory


@predictors.register
def _(problem: OrthonormalTeachers) -> dict[str, Predictor]:
    teachers, ones = np.eye(problem.dim), np.ones(problem.dim)
    nothing = theory.loss(np.zeros((1, problem.dim)), np.zeros(1), teachers, ones) / 2

    def symmetric(place):
        return Value(theory.symmetric_minimum(problem.dim)[0], "exact") if problem.dim > 2 else NONE

    return {"zero_loss": Predictor(lambda place: Value(nothing, "exact")), "symmetric_loss": Predictor(symmetric)}
