"""Risks averaged over draws of the Gaussian law of the coefficients: no least squares is solved.

Each draw keeps exactly ``kept`` coefficients, so nothing is assumed of their dependence. Arguments as in ``correlated``;
answers are ``Estimate(value, error)`` with the shape of ``kept``, the error a standard error over ``draws``.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import correlated
from jaxprune.theory.least_squares.diagonal import BY_FIT, RULES, SAMPLES
from jaxprune.theory.least_squares.fit import first_fit
from jaxprune.theory.least_squares.order import descending
from jaxprune.theory.numerics.estimate import Estimate

Array = NDArray[np.float64]


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
    """The risk after keeping exactly ``kept`` coefficients of the fit by ``rule``.

    Equation: noise^2 + E[(T - teacher)^T S (T - teacher)], T the pruned draws of the law (14).
    Regime: limit; any correlation between coefficients. Source: guide/least_squares.md, Pruning correlated features.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``correlated.spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, in 0 .. p: an integer, or integers of any shape.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        ridge: Penalty of the fit, >= 0.
        draws: How many draws of the coefficients are averaged, >= 2.
        seed: Seed of the draws, an integer >= 0.

    Returns:
        The ``Estimate`` of the risk, ``noise**2`` included.

    Raises:
        ValueError: For an argument of another type, shape or range, and where the risk of the fit is infinite, at rank n.
    """
    problem = _Problem(covariance, teacher, noise, n, kept, rule, ridge, draws, seed)
    rng = np.random.default_rng(seed)
    coef = problem.coefficients(rng, draws)
    rank = np.argsort(problem.orders(rng, draws, coef), axis=-1)
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
    """The risk after refitting the kept coefficients on an independent sample of size n.

    Equation: E_S[noise_S^2] / (1 - s/n) over the drawn supports S, noise_S^2 what remains for the best model of S (2);
    for s > n the dense risk of the problem reduced to S; s is the rank of S where features depend on each other.
    ``sample="same"`` is the same thing for the supports of ``oracle`` and ``random``, and for those chosen by a fit of
    rank n, all noise, N(0, S^+) up to scale, which knows nothing of the data: see ``least_squares.retrained_risk``;
    or by one that is exact; otherwise it is unknown. Regime: limit.
    Source: guide/least_squares.md, Retraining correlated features.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``correlated.spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1, of the first fit and of the second.
        kept: How many coefficients are kept, in 0 .. p: an integer, or integers of any shape.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        sample: "same" or "fresh": what the kept coefficients are refitted on.
        ridge: Penalty of the first fit, >= 0.
        draws: How many draws of the support are averaged, >= 2; ``oracle`` has a single one.
        seed: Seed of the draws, an integer >= 0.

    Returns:
        The ``Estimate`` of the risk, ``noise**2`` included; infinite where a support of a singular covariance has rank n.

    Raises:
        ValueError: For an argument of another type, shape or range, for supports chosen by the fit on the same sample, and
            where n coefficients are refitted and the covariance is not singular.
    """
    arguments.choice("sample", sample, SAMPLES)
    problem = _Problem(covariance, teacher, noise, n, kept, rule, ridge, draws, seed)
    if sample == "same" and rule in BY_FIT and 0 < problem.risk < np.inf:
        raise ValueError(
            "sample: no theory is known for retraining on the same sample with a covariance that is not diagonal;"
            " simulate it, or use sample='fresh'"
        )
    if np.any(at := problem.counts == n) and not problem.singular:
        raise ValueError(f"kept: {problem.counts[at][0]} puts the refit at its interpolation threshold n = {n}")
    orders = problem.orders(np.random.default_rng(seed), draws if rule != "oracle" else 2)
    return problem.estimate(np.array([problem.refit(order) for order in orders]))


class _Problem:
    """A validated problem, its law, and draws of it."""

    def __init__(self, covariance, teacher, noise, n, kept, rule, ridge, draws, seed):
        arguments.choice("rule", rule, RULES)
        arguments.integer("draws", draws, 2)
        arguments.integer("seed", seed, 0)
        self.noise, self.n = arguments.non_negative("noise", noise), arguments.integer("n", n, 1)
        ridge = arguments.non_negative("ridge", ridge)
        self.eigs, self.basis, inside = correlated.spectral(covariance, teacher)
        self.covariance, self.teacher, self.rule = np.asarray(covariance), np.asarray(teacher), rule
        self.kept = arguments.kept_counts(kept, len(self.teacher))
        self.counts, self._where = np.unique(self.kept, return_inverse=True)
        self._fit = first_fit(self.eigs, inside, self.noise, self.n, ridge)
        self.risk = self._fit.risk
        self._mean = self.basis @ (self._fit.shrink * inside)
        self.cross = self.covariance @ self.teacher
        self.singular = len(self.eigs) < len(self.teacher)

    def coefficients(self, rng, draws: int) -> Array:
        """Draws of the law (draws, p). By the symmetric root, which does not depend on the choice of eigenvectors."""
        if np.isinf(self.risk):
            raise ValueError(f"n: the fit is at its interpolation threshold, rank {len(self.eigs)} = n; it has no law there")
        return self._mean + self._noise(rng, draws, self._fit.sd)

    def _noise(self, rng, draws: int, sd: Array) -> Array:
        white = rng.standard_normal((draws, len(self.teacher))) @ self.basis
        return (white * sd) @ self.basis.T

    def orders(self, rng, draws: int, coef: Array | None = None) -> NDArray[np.intp]:
        """The features in the order in which the rule keeps them (draws, p); of ``coef``, drawn if need be."""
        if self.rule == "oracle":
            return np.tile(correlated.oracle_order(self.covariance, self.teacher), (draws, 1))
        if self.rule == "random":
            return np.argsort(rng.random((draws, len(self.teacher))), axis=-1)
        if coef is None:  # at rank n the noise outgrows every mean, and its scale orders nothing
            coef = self._noise(rng, draws, self.eigs**-0.5) if np.isinf(self.risk) else self.coefficients(rng, draws)
        weight = np.sqrt(np.diag(self.covariance)) if self.rule == "hessian" else 1.0
        if self.risk == 0:  # all draws are one
            return np.tile(descending(weight * np.abs(self._mean), solved=True), (draws, 1))
        return np.argsort(-weight * np.abs(coef), axis=-1, kind="stable")

    def refit(self, order) -> Array:
        """The risk (K,) after a refit of the first s features of ``order``, for every s of ``counts``."""
        if self.singular:
            return np.array([self._alone(order[:s]) for s in self.counts])
        narrow = self.counts[self.counts < self.n]
        left = self._left(order, narrow) / (1 - narrow / self.n)
        return np.concatenate([left, [self._alone(order[:s]) for s in self.counts[self.counts > self.n]]])

    def _left(self, order, counts) -> Array:
        """noise_S^2 for nested supports, from one Cholesky factor."""
        chosen = order[: max(counts, default=0)]
        factor = np.linalg.cholesky(self.covariance[np.ix_(chosen, chosen)]) if len(chosen) else np.zeros((0, 0))
        half = scipy.linalg.solve_triangular(factor, self.cross[chosen], lower=True) if len(chosen) else np.zeros(0)
        explained = np.concatenate([[0.0], np.cumsum(half**2)])[counts]
        return self.noise**2 + np.maximum(self.teacher @ self.cross - explained, 0.0)

    def _alone(self, support) -> float:
        """The dense risk of the problem reduced to one support, by its rank."""
        covariance, teacher, noise = correlated.restrict(self.covariance, self.teacher, self.noise, support)
        return correlated.risk(covariance, teacher, noise, self.n) if len(teacher) else noise**2

    def estimate(self, risks) -> Estimate:
        """Mean and standard error over the first axis, in the shape of ``kept``."""
        value, exists = risks.mean(0), np.all(np.isfinite(risks), axis=0)
        error = np.where(exists, np.where(exists, risks, 0.0).std(0, ddof=1) / np.sqrt(len(risks)), np.inf)
        shape = self.kept.shape
        return Estimate(value[self._where].reshape(shape), error[self._where].reshape(shape))
