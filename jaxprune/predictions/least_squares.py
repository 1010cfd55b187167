"""Least squares: metrics ``risk``, ``pruned_risk``, ``retrained_same``, ``retrained_fresh``, ``train_error``.

Inner axes: ``width`` and ``kept`` (counts when they are integers, fractions of n when they are floats), ``rule``, ``ridge``.
"""

import functools
from typing import Any

import numpy as np

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import LinearGaussian
from jaxprune.theory.least_squares import correlated, diagonal, sampled

# Moments of order k of the risk exist for |p - n| > 2k - 1; a trustworthy standard error needs the fourth.
TAIL = 7
DRAWS = 400  # of the Gaussian law, where coefficients are correlated
AXES = {"width", "kept", "rule", "ridge"}


def covariance(problem: LinearGaussian) -> np.ndarray:
    """The covariance of a problem with a ``basis``.

    Args:
        problem: One whose ``basis`` is not None.

    Returns:
        The covariance (d, d), NumPy, float64, as ``theory.least_squares.correlated`` takes it.
    """
    basis = np.asarray(problem.basis, float)
    return (basis * np.asarray(problem.eigs, float)) @ basis.T


@predictors.register
def _(problem: LinearGaussian) -> dict[str, Predictor]:
    lens = _Lens(problem)
    dense, sparse = {"width"}, {"width", "rule", "kept"}
    return {
        "risk": Predictor(lens.dense, dense, AXES),
        "train_error": Predictor(lens.train_error, dense, AXES),
        "pruned_risk": Predictor(lens.pruned, sparse, AXES),
        "retrained_same": Predictor(functools.partial(lens.retrained, "same"), sparse, AXES),
        "retrained_fresh": Predictor(functools.partial(lens.retrained, "fresh"), sparse, AXES),
    }


class _Lens:
    """The theory of one linear Gaussian problem at any width."""

    def __init__(self, problem: LinearGaussian):
        self._theory: Any = diagonal if problem.basis is None else correlated
        self._features = np.asarray(problem.eigs, float) if problem.basis is None else covariance(problem)
        self._teacher, self._noise, self._n = np.asarray(problem.teacher, float), float(problem.noise), problem.n
        self._reduced = functools.lru_cache(maxsize=None)(self._reduce)

    def _reduce(self, width: int) -> tuple[tuple[Any, Any, Any, int], int]:
        used = self._features[:width] if self._theory is diagonal else self._features[:width, :width]
        if not np.any(used):  # nothing varies: all of the signal is noise
            apply = np.multiply if used.ndim == 1 else np.matmul
            null = self._noise**2 + self._teacher @ apply(self._features, self._teacher)
            return (used, self._teacher[:width], float(np.sqrt(null)), self._n), 0
        reduced = self._theory.reduce(self._features, self._teacher, self._noise, width)
        spectrum = reduced[0] if self._theory is diagonal else correlated.spectral(*reduced[:2]).eigs
        return (*reduced, self._n), int(np.count_nonzero(spectrum))

    def _count(self, value: Any) -> int:
        return round(value * self._n) if isinstance(value, float) else int(value)

    def _model(self, place: dict[str, Any]) -> tuple[tuple[Any, Any, Any, int], int, int, str, float]:
        """The reduced problem and its rank, the kept count, the rule and the ridge of a place; a count above the width
        keeps all."""
        reduced, rank = self._reduced(self._count(place["width"]))
        kept = min(self._count(place.get("kept", 0)), len(reduced[1]))
        rule = place.get("rule", "")
        return reduced, rank, kept, "hessian" if rule == "empirical_hessian" else rule, float(place.get("ridge", 0.0))

    def _heavy(self, size: Any, noise: float, ridge: float = 0.0) -> bool:
        return abs(size - self._n) <= TAIL and noise > 0 and ridge == 0

    def _limit(self, place: dict[str, Any]) -> str:
        """A ladder of n needs models that grow with n: widths and kept counts that are fractions of it."""
        return "limit" if all(isinstance(place[name], float) for name in ("width", "kept") if name in place) else "none"

    def dense(self, place: dict[str, Any]) -> Value:
        reduced, rank, _, _, ridge = self._model(place)
        if rank == 0:
            return Value(reduced[2] ** 2, "exact")
        if self._heavy(rank, reduced[2], ridge):
            return Value(self._theory.risk(*reduced), "tail")
        if ridge == 0 and self._theory.finite_risk_exists(reduced[0], self._n):
            return Value(self._theory.finite_risk(*reduced), "exact")
        return Value(self._theory.risk(*reduced, ridge), self._limit(place))

    def train_error(self, place: dict[str, Any]) -> Value:
        reduced, rank, _, _, ridge = self._model(place)
        return Value(reduced[2] ** 2 * (1 - rank / self._n), "exact") if rank < self._n and ridge == 0 else NONE

    def pruned(self, place: dict[str, Any]) -> Value:
        reduced, rank, kept, rule, ridge = self._model(place)
        if rule not in diagonal.RULES:
            return NONE
        if rank == 0:
            return Value(reduced[2] ** 2, "exact")
        if kept == 0:
            return Value(self._theory.pruned_risk(*reduced, kept, rule, ridge), "exact")
        if self._heavy(rank, reduced[2], ridge):
            return Value(self._theory.pruned_risk(*reduced, kept, rule), "tail")
        if ridge == 0 and self._theory.finite_risk_exists(reduced[0], self._n, kept, rule):
            return Value(self._theory.finite_risk(*reduced, kept, rule), "exact")
        if self._theory is correlated and rule in diagonal.BY_FIT:
            found = sampled.pruned_risk(*reduced, kept, rule, ridge, draws=DRAWS, seed=0)
            return Value(float(found.value), self._limit(place), float(found.error))
        return Value(self._theory.pruned_risk(*reduced, kept, rule, ridge), self._limit(place))

    def retrained(self, sample: str, place: dict[str, Any]) -> Value:
        reduced, rank, kept, rule, ridge = self._model(place)
        if rule not in diagonal.RULES:
            return NONE
        if rank == 0:
            return Value(reduced[2] ** 2, "exact")
        size = float(self._ranks(reduced, rank, kept, rule))
        if abs(size - self._n) < 1e-9 * self._n:
            exact = reduced[2] == 0 and size == rank  # all is kept and nothing is noisy
            return Value(0.0, self._limit(place)) if exact else Value(np.inf, "tail")
        heavy = size > 0 and self._heavy(size, reduced[2])
        if self._theory.finite_risk_exists(reduced[0], self._n, kept, rule, retrained=True) and not heavy:
            return Value(self._theory.finite_risk(*reduced, kept, rule, retrained=True), "exact")
        dense = self._theory.risk(*reduced, ridge) if rule in diagonal.BY_FIT else 0.0
        blind = np.isinf(dense)
        if self._theory is diagonal:
            value, error = diagonal.retrained_risk(*reduced, kept, rule, sample, ridge), 0.0
        elif sample == "same" and 0 < dense < np.inf:
            return NONE
        else:
            found = sampled.retrained_risk(*reduced, kept, rule, sample, ridge, draws=DRAWS, seed=0)
            value, error = float(found.value), float(found.error)
        if heavy or not np.isfinite(value):
            return Value(value, "tail", error)
        # At the threshold of the first fit no rate of 1/n holds on the same sample, nor where coefficients stand out.
        slow = blind and (sample == "same" or self._stands_out(reduced))
        return Value(value, "none" if slow else self._limit(place), error)

    def _ranks(self, reduced: tuple[Any, Any, Any, int], rank: int, kept: int, rule: str) -> Any:
        """The rank of what is refitted; its mean where it is random."""
        if self._theory is correlated:
            return min(kept, rank)
        return diagonal.refit_ranks(*reduced[:2], np.array([kept]), rule)[0]

    def _stands_out(self, reduced: tuple[Any, Any, Any, int]) -> bool:
        variances = reduced[0] if self._theory is diagonal else np.diag(reduced[0])
        return bool(np.max(variances * reduced[1] ** 2) > (reduced[2] / 2) ** 2)
