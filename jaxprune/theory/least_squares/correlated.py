"""Risks of pruned and retrained least squares for a Gaussian design with any covariance.

``covariance`` (p, p), ``teacher`` (p,) and ``noise`` (a standard deviation) describe the reduced problem of one width
(see ``reduce``); every risk includes ``noise**2``. ``kept`` is an integer or an array of integers; the answer has its
shape. A singular covariance is treated by its rank.
Equations are numbered as in guide/least_squares.md; every equation is written out where it is used.

Supports chosen by the fit and refitted on a fresh sample, or at rank n on either, are averaged over draws: see ``sampled``.
On the same sample no theory is known at other ranks: simulate, or use the diagonal theory.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import diagonal as least_squares
from jaxprune.theory.least_squares.dependent import Law, fixed, is_diagonal, oracle_order, spectral, spread
from jaxprune.theory.least_squares.diagonal import BY_FIT, RULES
from jaxprune.theory.least_squares.fit import first_fit
from jaxprune.theory.least_squares.order import descending

Array = NDArray[np.float64]
METHODS = ("pairs", "series")


def reduce(covariance: ArrayLike, teacher: ArrayLike, noise: float, width: int) -> tuple[Array, Array, float]:
    """The problem seen by a model of the first ``width`` features.

    Equation: with D the features used and c the others, teacher_D + S_DD^-1 S_Dc teacher_c, and noise^2 grows by the variance
    that the others keep given those used (2); a pseudo-inverse where S_DD is singular, which changes no risk. Regime: exact.
    Source: guide/least_squares.md, A width.

    Args:
        covariance, teacher: Covariance (d, d) of the features and their true coefficients (d,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        width: How many features the model uses, in 1 .. d.

    Returns:
        ``(covariance, teacher, noise)`` of the reduced problem, of shapes (width, width), (width,) and ().

    Raises:
        ValueError: For an argument of another type, shape or range, and where the used features do not vary.
    """
    matrix, beta = arguments.covariance(covariance), arguments.vector("teacher", teacher)
    noise = arguments.non_negative("noise", noise)
    p = arguments.integer("width", width, 1, len(matrix))
    spectral(matrix, beta)  # refuses a matrix that is not positive semi-definite
    if p == len(matrix):
        return matrix, beta, noise
    used, other = matrix[:p, :p], beta[p:]
    shared = matrix[:p, p:] @ other
    eigs, basis, inside = spectral(used, shared)
    energy = float(other @ matrix[p:, p:] @ other)
    unseen = energy - float(np.sum(inside**2 / eigs))
    unseen = unseen if unseen > 1e-14 * energy else 0.0  # less is round-off
    return used, beta[:p] + basis @ (inside / eigs), float(np.sqrt(noise**2 + unseen))


def law(covariance: ArrayLike, teacher: ArrayLike, noise: float, n: int, ridge: float = 0.0) -> Law:
    """The law of the fitted coefficients, and the risk of the dense model.

    Equation: N(S (S + nu)^-1 teacher, (gamma / n) S (S + nu)^-2), nu and gamma from the eigenvalues (14).
    Regime: limit, for functionals that average over many coefficients; at rank n no law, and infinities.
    Source: guide/least_squares.md, Correlated features.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The ``Law``.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, basis, inside = spectral(covariance, teacher)
    fit = _fit(eigs, inside, noise, n, ridge)
    if np.isinf(fit.risk):
        return Law(basis @ inside, np.full((len(basis), len(basis)), np.inf), fit.risk)
    return Law(basis @ (fit.shrink * inside), (basis * fit.sd**2) @ basis.T, fit.risk)


def risk(covariance: ArrayLike, teacher: ArrayLike, noise: float, n: int, ridge: float = 0.0) -> float:
    """The risk of the dense model.

    Equation: (7) on the eigenvalues: a rotation of the features changes nothing. Regime: limit, relative error O(1/n).
    Source: guide/least_squares.md, Correlated features.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The risk, ``noise**2`` included; ``inf`` at rank n without ridge, unless nothing is noisy.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, _, inside = spectral(covariance, teacher)
    return _fit(eigs, inside, noise, n, ridge).risk


def pruned_risk(
    covariance: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: ArrayLike,
    rule: str = "magnitude",
    ridge: float = 0.0,
    method: str = "pairs",
) -> Any:
    """The risk after keeping ``kept`` coefficients of the fit by ``rule``.

    Equation: noise^2 + e^T S e + sum_ij S_ij Cov(T_i, T_j), T the pruned coefficients and e = E[T] - teacher (15).
    Regime: limit, for coefficients so weakly dependent that the number beyond the threshold hardly varies;
    otherwise use ``sampled.pruned_risk``, which keeps exactly that many.
    Source: guide/least_squares.md, Pruning correlated features.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, in 0 .. p: an integer, or integers of any shape.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        ridge: Penalty of the fit, >= 0.
        method: How covariances are computed: "pairs" (closed form, any correlation) or "series" (Mehler, weak correlation).

    Returns:
        The risk, ``noise**2`` included: a float for one count, else an array in the shape of ``kept``.

    Raises:
        ValueError: For an argument of another type, shape or range, and for correlations too strong for the series.
    """
    matrix, beta = arguments.covariance(covariance), arguments.vector("teacher", teacher)
    arguments.choice("rule", rule, RULES)
    arguments.choice("method", method, METHODS)
    counts = arguments.kept_counts(kept, len(matrix))
    found = law(matrix, beta, noise, n, ridge)
    risk_of = {int(s): spread(matrix, beta, found, int(s), rule, method) for s in np.unique(counts)}
    risks = np.array([noise**2 + risk_of[int(s)] for s in counts.ravel()]).reshape(counts.shape)
    return float(risks) if counts.ndim == 0 else risks


def finite_risk_exists(
    covariance: ArrayLike, n: int, kept: int | None = None, rule: str = "oracle", retrained: bool = False
) -> bool:
    """Whether ``finite_risk`` knows the exact expectation.

    Args:
        covariance: Covariance of the features (p, p), as of ``spectral``.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, an integer in 0 .. p; None for the dense model.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        retrained: Whether the kept coefficients are refitted.

    Returns:
        True where ``finite_risk`` has a value, False where it raises ValueError.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    matrix = arguments.covariance(covariance)
    arguments.choice("rule", rule, RULES)
    n = arguments.integer("n", n, 1)
    if is_diagonal(matrix):
        return least_squares.finite_risk_exists(np.diag(matrix).copy(), n, kept, rule, retrained)
    rank = len(spectral(matrix, np.zeros(len(matrix))).eigs)
    if kept is None:
        return rank < n - 1
    size = min(arguments.integer("kept", kept, 0, len(matrix)), rank)
    by_fit = rule in BY_FIT and rank > 1
    return (size if retrained else rank) < n - 1 and not by_fit and not (retrained and rule == "random" and rank > 1)


def finite_risk(
    covariance: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: int | None = None,
    rule: str = "oracle",
    retrained: bool = False,
) -> float:
    """The exact expected risk at this n and p, of the dense model or with a fixed support.

    Equation: below rank n - 1 the coefficients have mean P teacher (P projects on the range) and covariance
    noise^2 S^+ / (n - rank - 1); a refit of rank r has risk noise_S^2 (n - 1) / (n - r - 1). Regime: exact; supports
    that do not look at the data, and any rule for a covariance of rank one, where magnitudes are proportional; a
    diagonal covariance is handed to ``least_squares``.
    Source: guide/least_squares.md, Exact means at finite size; guide/least_squares.md, Rank one.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, an integer in 0 .. p; None for the dense model.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        retrained: Whether the kept coefficients are refitted.

    Returns:
        The expected risk, ``noise**2`` included.

    Raises:
        ValueError: For an argument of another type, shape or range, and where no exact value is known or the mean is infinite.
    """
    matrix, beta = arguments.covariance(covariance), arguments.vector("teacher", teacher)
    noise = arguments.non_negative("noise", noise)
    if not finite_risk_exists(matrix, n, kept, rule, retrained):
        raise ValueError(
            f"n, kept, rule: no exact mean for n = {n}, p = {len(matrix)}, kept = {kept}, rule = {rule!r},"
            f" retrained = {retrained}; it exists for fixed supports of ranks below n - 1, and for rank one"
        )
    if is_diagonal(matrix):
        return least_squares.finite_risk(np.diag(matrix).copy(), beta, noise, n, kept, rule, retrained)
    eigs, basis, inside = spectral(matrix, beta)
    size = len(matrix) if kept is None else int(kept)
    if retrained and kept is not None:
        support = _fixed_support(matrix, beta, size, rule, basis)
        inner, coefficients, left = restrict(matrix, beta, noise, support)
        rank = len(spectral(inner, coefficients).eigs) if len(coefficients) else 0
        return left**2 * (n - 1) / (n - rank - 1)
    variance = noise**2 / (n - len(eigs) - 1)
    if kept is None:
        return noise**2 + variance * len(eigs)
    found = Law(basis @ inside, variance * (basis / eigs) @ basis.T, noise**2 + variance * len(eigs))
    if rule in BY_FIT:
        return noise**2 + fixed(matrix, beta, found, _fixed_support(matrix, beta, size, rule, basis))
    return noise**2 + spread(matrix, beta, found, size, rule, "pairs")


def restrict(covariance: Array, teacher: Array, noise: float, support: NDArray[np.intp]) -> tuple[Array, Array, float]:
    """The problem seen by a model of the features ``support``.

    Equation: (2) for any subset; features that do not vary are left out, be it all of them. Regime: exact.
    Source: guide/least_squares.md, A width.

    Args:
        covariance, teacher: Covariance (p, p) of the features and their true coefficients (p,), as of ``spectral``.
        noise: Standard deviation of the label noise, >= 0.
        support: Indices (s,) of different features.

    Returns:
        ``(covariance, teacher, noise)`` of the reduced problem, in the order of ``support``.

    Raises:
        ValueError: As ``reduce``.
    """
    support = support[np.diag(covariance)[support] > 0]
    order = np.concatenate([support, np.setdiff1d(np.arange(len(teacher)), support)])
    matrix, beta = covariance[np.ix_(order, order)], teacher[order]
    if not len(support):
        return matrix[:0, :0], beta[:0], float(np.sqrt(noise**2 + beta @ matrix @ beta))
    return reduce(matrix, beta, noise, len(support))


def _fit(eigs, inside, noise, n, ridge):
    noise = arguments.non_negative("noise", noise)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    return first_fit(eigs, inside, noise, n, ridge)


def _fixed_support(matrix, beta, size, rule, basis):
    """The oracle's choice; under rank one that of any other rule: all coefficients are multiples of one variable."""
    if rule == "oracle":
        return oracle_order(matrix, beta)[:size]
    score = np.abs(basis[:, 0]) * (np.sqrt(np.diag(matrix)) if rule == "hessian" else 1)
    return descending(score, solved=True)[:size]
