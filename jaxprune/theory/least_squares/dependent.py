"""What pruning does to dependent coefficients whose law is Gaussian: the risk of the law of ``correlated`` after each rule.

Equations are numbered as in guide/least_squares.md; every equation is written out where it is used.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import pairs, truncated
from jaxprune.theory.least_squares.order import descending

Array = NDArray[np.float64]
BLOCK = 1 << 18  # pairs of coefficients at a time


class Law(NamedTuple):
    """The Gaussian law of the coefficients: ``mean`` (p,), ``covariance`` (p, p); and the ``risk`` of the dense model."""

    mean: Array
    covariance: Array
    risk: float


class Spectral(NamedTuple):
    """A covariance in its eigenbasis: positive eigenvalues (r,), directions (p, r), and the teacher there (r,)."""

    eigs: Array
    basis: Array
    teacher: Array


def spectral(covariance: ArrayLike, teacher: ArrayLike) -> Spectral:
    """The eigenbasis, in which the features of any covariance are uncorrelated.

    Equation: covariance = basis diag(eigs) basis^T, eigenvalues below p * 2e-16 of the largest count as zero. Regime: exact.
    Source: guide/least_squares.md, Correlated features.

    Args:
        covariance: Covariance of the features (p, p), symmetric and positive semi-definite, not all zero, float64.
        teacher: Their true coefficients (p,), float64.

    Returns:
        The ``Spectral`` problem, of the rank r of the covariance, its eigenvalues increasing.

    Raises:
        ValueError: For an argument of another type or shape, and for a matrix that is not positive semi-definite.
    """
    covariance, teacher = arguments.covariance(covariance), arguments.vector("teacher", teacher)
    if len(teacher) != len(covariance):
        raise ValueError(f"teacher: shape {teacher.shape} does not fit a covariance of shape {covariance.shape}")
    eigs, basis = np.linalg.eigh((covariance + covariance.T) / 2)
    round_off = len(eigs) * np.finfo(float).eps * eigs[-1]
    if eigs[0] < -max(round_off, 1e-8 * eigs[-1]):
        raise ValueError(f"covariance: not positive semi-definite, smallest eigenvalue {eigs[0]:.3g}")
    live = eigs > round_off
    return Spectral(eigs[live], basis[:, live], basis[:, live].T @ teacher)


def oracle_order(covariance: Array, teacher: Array) -> NDArray[np.intp]:
    """The features in the order in which ``oracle`` keeps them.

    Equation: S_ii b_i^2, decreasing, b the teacher, of minimum norm where S is singular; ties of round-off go to the lower
    index, see ``order``. Regime: a definition. Source: guide/least_squares.md, Pruning rules.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.

    Returns:
        Indices of the features (p,), the first to be kept first.

    Raises:
        ValueError: As ``spectral``.
    """
    solved, (_, basis, inside) = not is_diagonal(covariance), spectral(covariance, teacher)
    best = basis @ inside if solved and basis.shape[1] < len(teacher) else teacher
    return descending(np.diag(covariance) * best**2, solved)


def is_diagonal(matrix: Array) -> bool:
    """Whether nothing beside the diagonal of a matrix (p, p) differs from 0."""
    return not np.any(matrix - np.diag(np.diag(matrix)))


def spread(matrix: Array, beta: Array, found: Law, size: int, rule: str, method: str) -> float:
    """Risk less noise^2 of the law ``found`` pruned to ``size`` coefficients."""
    if size == 0:
        return float(beta @ matrix @ beta)
    if np.isinf(found.risk):
        return np.inf
    if rule == "random":
        return _random(matrix, beta, found, size)
    if rule == "oracle":
        return fixed(matrix, beta, found, oracle_order(matrix, beta)[:size])
    weight = np.sqrt(np.diag(matrix)) if rule == "hessian" else np.ones(len(beta))
    live = np.flatnonzero(np.diag(found.covariance) > 0)
    if size >= len(live) or found.risk == 0:
        return fixed(matrix, beta, found, descending(weight * np.abs(found.mean), not is_diagonal(matrix))[:size])
    return _by_threshold(matrix, beta, found, weight, live, size, method)


def fixed(matrix: Array, beta: Array, found: Law, support: NDArray[np.intp]) -> float:
    """The same for a ``support`` (size,) that does not depend on the draw."""
    error = -beta.copy()
    error[support] += found.mean[support]
    inside = np.ix_(support, support)
    wrong, spread = error @ matrix @ error, np.sum(matrix[inside] * found.covariance[inside])
    null = float(beta @ matrix @ beta)
    return float(wrong if wrong > 1e-15 * null else 0.0) + float(max(spread, 0.0))  # less is round-off


def _random(matrix, beta, found: Law, size: int) -> float:
    one = size / len(beta)
    two = one * (size - 1) / max(len(beta) - 1, 1)
    error = one * found.mean - beta
    outer = np.outer(found.mean, found.mean)
    both = two * (outer + found.covariance)
    np.fill_diagonal(both, one * (np.diag(outer) + np.diag(found.covariance)))
    return float(error @ matrix @ error + np.sum(matrix * (both - one**2 * outer)))


def _by_threshold(matrix, beta, found: Law, weight, live, size, method) -> float:
    """(15) over the features that vary; the others have the coefficient zero."""
    sigma = matrix[np.ix_(live, live)]
    sd = np.sqrt(np.diag(found.covariance)[live])
    mean, weight = found.mean[live], weight[live]
    cut = truncated.threshold(mean, sd, weight, np.array([size]))[0] / (weight * sd)
    kept = truncated.moments(centre := mean / sd, cut)
    first = centre * kept.share + kept.first
    second = centre**2 * kept.share + 2 * centre * kept.first + kept.second
    error = sd * first - beta[live]
    rho = np.clip(found.covariance[np.ix_(live, live)] / np.outer(sd, sd), -1, 1)
    weights = sigma * np.outer(sd, sd)
    own = float(np.sum(np.diag(weights) * (second - first**2)))
    shared = pairs.series(centre, cut, rho, weights) if method == "series" else _all_pairs(centre, cut, rho, weights)
    return float(error @ sigma @ error) + own + shared


def _all_pairs(centre, cut, rho, weights) -> float:
    """sum over i != j of weights_ij Cov(T_i, T_j); pairs of weight or correlation zero add nothing."""
    i, j = np.nonzero(np.triu((weights != 0) & (rho != 0), 1))
    total = 0.0
    for start in range(0, len(i), BLOCK):
        a, b = i[start : start + BLOCK], j[start : start + BLOCK]
        shared = pairs.covariance((centre[a], centre[b]), (cut[a], cut[b]), rho[a, b])
        total += 2 * float(np.sum(weights[a, b] * shared))
    return total
