"""Risks averaged over draws of the Gaussian law of the coefficients: no least squares is solved.

Each draw keeps exactly ``kept`` coefficients, so nothing is assumed of their dependence. Arguments as in ``correlated``;
answers are ``Estimate(value, error)`` with the shape of ``kept``, the error a standard error over ``draws``.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments, correlated
from jaxprune.theory.fit import first_fit
from jaxprune.theory.least_squares import BY_FIT, RULES, SAMPLES

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over draws and its standard error."""

    value: Array
    error: Array


def pruned_risk(
    covariance: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: ArrayLike,
    rule: str = "magnitude",
    ridge: float = 0.0,
    *,
    draws: int = 400,
    seed: int,
) -> Estimate:
    """What it predicts: the risk after keeping exactly ``kept`` coefficients of the fit by ``rule``.

    Equation: noise^2 + E[(T - teacher)^T S (T - teacher)], T the pruned draws of the law (14).
    Regime: limit; any correlation between coefficients. Source: section 6.2(c). Test: tests/theory/test_correlated.py.
    """
    problem = _Problem(covariance, teacher, noise, n, kept, rule, ridge, draws)
    coef, orders = problem.draw(np.random.default_rng(seed), draws)
    rank = np.argsort(orders, axis=-1)
    risks = np.empty((draws, len(problem.counts)))
    for column, size in zip(risks.T, problem.counts, strict=True):
        errors = np.where(rank < size, coef, 0) - problem.teacher
        column[:] = problem.noise**2 + np.sum((errors @ problem.covariance) * errors, axis=-1)
    return problem.estimate(risks)


def retrained_risk(
    covariance: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: ArrayLike,
    rule: str = "magnitude",
    sample: str = "fresh",
    ridge: float = 0.0,
    *,
    draws: int = 400,
    seed: int,
) -> Estimate:
    """What it predicts: the risk after refitting the kept coefficients on an independent sample of size n.

    Equation: E_S[noise_S^2] / (1 - s/n) over the drawn supports S, noise_S^2 what remains for the best model of S (2);
    for s > n the dense risk of the problem reduced to S. ``sample="same"`` is the same thing for the supports of
    ``oracle`` and ``random``, and unknown for those chosen by the fit. Regime: limit. Source: section 6.3.
    Test: tests/theory/test_correlated.py.

    Raises ValueError for supports chosen by the fit on the same sample, and where n coefficients are refitted.
    """
    arguments.choice("sample", sample, SAMPLES)
    if sample == "same" and rule in BY_FIT:
        raise ValueError(
            "sample: no theory is known for retraining on the same sample with a covariance that is not diagonal;"
            " simulate it, or use sample='fresh'"
        )
    problem = _Problem(covariance, teacher, noise, n, kept, rule, ridge, draws)
    if np.any(at := problem.counts == n):
        raise ValueError(f"kept: {problem.counts[at][0]} puts the refit at its interpolation threshold n = {n}")
    orders = problem.draw(np.random.default_rng(seed), draws if rule != "oracle" else 2)[1]
    return problem.estimate(np.array([problem.refit(order) for order in orders]))


class _Problem:
    """A validated problem, its law, and draws of it."""

    def __init__(self, covariance, teacher, noise, n, kept, rule, ridge, draws):
        arguments.choice("rule", rule, RULES)
        arguments.integer("draws", draws, 2)
        self.noise, self.n = arguments.non_negative("noise", noise), arguments.integer("n", n, 1)
        ridge = arguments.non_negative("ridge", ridge)
        self.eigs, self.basis, inside = correlated.spectral(covariance, teacher)
        self.covariance, self.teacher, self.rule = np.asarray(covariance), np.asarray(teacher), rule
        self.kept = arguments.kept_counts(kept, len(self.teacher))
        self.counts, self._where = np.unique(self.kept, return_inverse=True)
        self._fit = first_fit(self.eigs, inside, self.noise, self.n, ridge)
        if np.isinf(self._fit.risk):
            raise ValueError(f"n: the fit is at its interpolation threshold, rank {len(self.eigs)} = n; it has no law there")
        self._mean, self._spread = self.basis @ (self._fit.shrink * inside), self.basis * self._fit.sd
        self.cross = self.covariance @ self.teacher

    def draw(self, rng, draws: int) -> tuple[Array, NDArray[np.intp]]:
        """Coefficients (draws, p), and the features in the order in which the rule keeps them."""
        coef = self._mean + rng.standard_normal((draws, len(self.eigs))) @ self._spread.T
        if self.rule == "oracle":
            return coef, np.tile(correlated.oracle_order(self.covariance, self.teacher), (draws, 1))
        if self.rule == "random":
            return coef, np.argsort(rng.random(coef.shape), axis=-1)
        weight = np.sqrt(np.diag(self.covariance)) if self.rule == "hessian" else 1.0
        return coef, np.argsort(-weight * np.abs(coef), axis=-1, kind="stable")

    def refit(self, order) -> Array:
        """The risk (K,) after a refit of the first s features of ``order``, for every s of ``counts``."""
        narrow = self.counts[self.counts < self.n]
        left = self._left(order, narrow) / (1 - narrow / self.n)
        return np.concatenate([left, [self._wide(order[:s]) for s in self.counts[self.counts > self.n]]])

    def _left(self, order, counts) -> Array:
        """noise_S^2 for nested supports, from one Cholesky factor; one by one where the covariance is singular."""
        if len(self.eigs) < len(self.teacher):
            parts = [correlated.refitted_noise(self.covariance, self.teacher, self.noise, order[:s]) for s in counts]
            return np.array(parts) ** 2
        chosen = order[: max(counts, default=0)]
        factor = np.linalg.cholesky(self.covariance[np.ix_(chosen, chosen)]) if len(chosen) else np.zeros((0, 0))
        half = scipy.linalg.solve_triangular(factor, self.cross[chosen], lower=True) if len(chosen) else np.zeros(0)
        explained = np.concatenate([[0.0], np.cumsum(half**2)])[counts]
        return self.noise**2 + np.maximum(self.teacher @ self.cross - explained, 0.0)

    def _wide(self, support) -> float:
        order = np.concatenate([support, np.setdiff1d(np.arange(len(self.teacher)), support)])
        reduced = correlated.reduce(self.covariance[np.ix_(order, order)], self.teacher[order], self.noise, len(support))
        return correlated.risk(*reduced, self.n)

    def estimate(self, risks) -> Estimate:
        """Mean and standard error over the first axis, in the shape of ``kept``."""
        value, error = risks.mean(0), risks.std(0, ddof=1) / np.sqrt(len(risks))
        shape = self.kept.shape
        return Estimate(value[self._where].reshape(shape), error[self._where].reshape(shape))
