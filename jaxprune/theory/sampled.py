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
    rng = np.random.default_rng(seed)
    risks = np.empty((draws, len(problem.counts)))
    for row in risks:
        coef, order = problem.draw(rng)
        errors = np.where(np.argsort(order) < problem.counts[:, None], coef, 0) - problem.teacher
        row[:] = problem.noise**2 + np.sum((errors @ problem.covariance) * errors, axis=-1)
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
    rng = np.random.default_rng(seed)
    risks = np.array([problem.refit(problem.draw(rng)[1]) for _ in range(draws)])
    return problem.estimate(risks)


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

    def draw(self, rng) -> tuple[Array, NDArray[np.intp]]:
        """Coefficients (p,), and the features in the order in which the rule keeps them."""
        coef = self._mean + self._spread @ rng.standard_normal(len(self.eigs))
        variance = np.diag(self.covariance)
        scores = dict(
            magnitude=lambda: np.abs(coef),
            hessian=lambda: np.sqrt(variance) * np.abs(coef),
            oracle=lambda: variance * self.teacher**2,
            random=lambda: rng.random(len(coef)),
        )
        return coef, np.argsort(-scores[self.rule](), kind="stable")

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
