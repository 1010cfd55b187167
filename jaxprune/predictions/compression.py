"""Pure stable noise: what is left of it when it is pruned.

Metrics ``squared_error``, ``share_beyond``, ``within``, ``pruning_ratio``, ``participation``, ``squared_spectral_error``.

Inner axes: ``kappa`` the fraction kept, ``kept`` a count, ``error`` a relative error. Errors are l2.
"""

import functools
import math
from typing import Any

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import StableLayer
from jaxprune.theory import compression as theory

RARE = 0.05  # a few hundred runs cannot judge the chance of what happens in fewer, or in all but as few


@predictors.register
def _(problem: StableLayer) -> dict[str, Predictor]:
    layer = _Layer(problem)
    return {
        "squared_error": Predictor(layer.squared_error, {"kappa"}),
        "share_beyond": Predictor(layer.share_beyond, {"kept"}),
        "within": Predictor(layer.within, {"kappa", "error"}),
        "pruning_ratio": Predictor(layer.pruning_ratio),
        "participation": Predictor(layer.participation),
        "squared_spectral_error": Predictor(layer.spectral, {"kappa"}),
    }


class _Layer:
    """The theory of one layer of noise."""

    def __init__(self, problem: StableLayer):
        self._alpha, self._n, self._dim, self._noise = float(problem.alpha), problem.n, problem.dim, problem.noise
        self._entries = problem.dim == 1 or problem.noise == "I"  # one number per neuron, up to scale

    def share_beyond(self, place: dict[str, Any]) -> Value:
        """Mean squared error of a kept count: exact for independent entries."""
        kept = min(int(place["kept"]), self._n)
        return Value(_share(self._n, kept, self._alpha), "exact") if self._entries else NONE

    def squared_error(self, place: dict[str, Any]) -> Value:
        kept = math.floor(place["kappa"] * self._n * (1 + 4e-16))
        return self.share_beyond({"kept": kept})

    def within(self, place: dict[str, Any]) -> Value:
        """The fraction of runs with at most this error."""
        if not self._entries or self._alpha == 2:
            return NONE
        chance = float(theory.error_cdf(place["error"], self._alpha, place["kappa"], self._n))
        return Value(chance, "limit" if RARE < chance < 1 - RARE else "none")

    def pruning_ratio(self, place: dict[str, Any]) -> Value:
        dim, noise = (1, "I") if self._entries else (self._dim, self._noise)
        doubt = 3e-4 if noise == "II" else 1e-5  # of layers whose law that of type III stands for; of the quadrature
        return Value(float(theory.pruning_ratio_mean(self._alpha, self._n, dim, noise)), "exact", doubt)

    def spectral(self, place: dict[str, Any]) -> Value:
        """Of the best approximation of rank kappa n; known for Gaussian matrices."""
        if self._alpha < 2 or self._noise == "I":
            return NONE
        few, many = sorted((self._n, self._dim))
        return Value(float(theory.singular_value_limit_gaussian(place["kappa"], few / many)), "limit")

    def participation(self, place: dict[str, Any]) -> Value:
        if self._alpha == 2:
            dim = 1 if self._entries else self._dim
            return Value((dim + 2) / (self._n * dim + 2), "exact")  # the energies are Gamma(dim / 2), their shares Dirichlet
        # A few runs with one giant neuron carry the mean, and a sample that holds too few of them has a small standard error
        # too: Student's t of 20 seeds rejects what is true. Nor does the gap fall like 1/n, but like n^(1-2/alpha).
        return Value(float(theory.participation(self._alpha, 2.0)), "tail")


@functools.cache
def _share(n: int, kept: int, alpha: float) -> float:
    return float(theory.stable_finite(n, kept, alpha))
