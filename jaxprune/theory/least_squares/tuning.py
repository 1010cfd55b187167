"""The best ridge of the first fit: for the dense risk, after pruning, after retraining, and under a budget.

Arguments as in ``least_squares``; ``kept`` is one count. Minima are global over a grid in log ridge and then refined;
the ends count too: no penalty, and a penalty without bound, whose fit vanishes while its ranking of the coefficients
does not.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import diagonal as theory

MARGIN = 8.0  # decades below the smallest eigenvalue and above the trace; beyond, risks stand still
DENSITY = 4  # points in a decade
TIE = 1e-12


class Best(NamedTuple):
    """The best ``ridge`` (0 and ``inf`` included), the ``kept`` count it goes with (p: dense) and their ``risk``."""

    ridge: float
    kept: int
    risk: float


def dense(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int) -> Best:
    """The ridge with the least dense risk.

    Equation: argmin over ridge of (7); for equal eigenvalues ridge = noise^2 p / |teacher|^2.
    Regime: limit, relative error O(1/n). Source: guide/least_squares.md, Best ridge.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.

    Returns:
        The ``Best`` ridge, with p as its count.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    return _best(lambda ridge: theory.risk(eigs, teacher, noise, n, ridge), eigs, len(eigs))


def pruned(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, kept: int, rule: str = "magnitude") -> Best:
    """The ridge with the least risk after keeping ``kept`` coefficients by ``rule``.

    Equation: argmin over ridge of (11). Regime: limit, relative error O(1/n). Source: guide/least_squares.md, Best ridge.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, an integer in 0 .. p.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.

    Returns:
        The ``Best`` ridge, with ``kept`` as its count.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise, kept = _problem(eigs, teacher, noise, kept)
    return _best(lambda ridge: theory.pruned_risk(eigs, teacher, noise, n, kept, rule, ridge), eigs, kept)


def retrained(
    eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, kept: int, rule: str = "magnitude", sample: str = "same"
) -> Best:
    """The ridge of the first fit with the least risk after a refit, without ridge, of what is kept.

    Equation: argmin over ridge of (12) or (13); at ridge = inf the coefficients are ranked by the correlations
    ``X^T y``. Regime: limit, relative error O(1/n). Source: guide/least_squares.md, Best ridge.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1, of the first fit and of the second.
        kept: How many coefficients are kept, an integer in 0 .. p.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        sample: "same" or "fresh": what the kept coefficients are refitted on.

    Returns:
        The ``Best`` ridge, with ``kept`` as its count.

    Raises:
        ValueError: For an argument of another type, shape or range, and where n coefficients are refitted, with noise.
    """
    eigs, teacher, noise, kept = _problem(eigs, teacher, noise, kept)
    return _best(lambda ridge: theory.retrained_risk(eigs, teacher, noise, n, kept, rule, sample, ridge), eigs, kept)


def pruned_within(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, budget: int, rule: str = "magnitude") -> Best:
    """The ridge and the kept count, at most ``budget``, with the least risk after pruning.

    Equation: argmin over ridge and kept of (11). Counts (all, or 128 of them) at every ridge of the grid; around the
    three deepest valleys among the counts the pair is refined until it stands still.
    Regime: limit, relative error O(1/n). Source: guide/least_squares.md, Best ridge.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        budget: The largest count that may be kept, an integer in 0 .. p.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.

    Returns:
        The ``Best`` ridge and count.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise, budget = _problem(eigs, teacher, noise, budget)
    counts = np.unique(np.round(np.linspace(0, budget, min(budget, 128) + 1)).astype(int))

    def risks(ridge, kept):
        return theory.pruned_risk(eigs, teacher, noise, n, kept, rule, ridge)

    depth = np.min([risks(ridge, counts) for ridge in _grid(eigs)], axis=0)
    walls = np.concatenate([[np.inf], depth, [np.inf]])
    valleys = np.flatnonzero((depth <= walls[:-2]) & (depth <= walls[2:]))
    step = int(np.max(np.diff(counts), initial=1))
    found = []
    for start in valleys[np.argsort(depth[valleys], kind="stable")[:3]]:
        best = pruned(eigs, teacher, noise, n, int(counts[start]), rule)
        while True:
            near = np.arange(max(best.kept - step, 0), min(best.kept + step, budget) + 1)
            likely = int(near[np.argmin(risks(min(best.ridge, _grid(eigs)[-1]), near))])
            others = {likely, max(best.kept - 1, 0), min(best.kept + 1, budget)} - {best.kept}
            better = min((pruned(eigs, teacher, noise, n, k, rule) for k in others), key=_by_risk, default=best)
            if not better.risk < best.risk:
                break
            best = better
        found.append(best)
    return min(found, key=_by_risk)


def _by_risk(best: Best) -> float:
    return best.risk


def _problem(eigs, teacher, noise, kept):
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    return eigs, teacher, noise, arguments.integer("kept", kept, 0, len(eigs))


def _grid(eigs):
    low, high = np.log10(np.min(eigs[eigs > 0])) - MARGIN, np.log10(np.sum(eigs)) + MARGIN
    return np.concatenate([[0.0], np.logspace(low, high, int(np.ceil(DENSITY * (high - low))) + 1)])


def _best(risk: Callable[[float], float], eigs, kept: int) -> Best:
    """The least of a grid, refined between its neighbours; an end wins ties to round-off."""
    grid = _grid(eigs)
    risks = np.array([risk(ridge) for ridge in grid])
    at = int(np.argmin(risks))
    for end, ridge in ((-1, np.inf), (0, 0.0)):
        if risks[end] <= (1 + TIE) * risks[at]:
            return Best(ridge, kept, float(risks[end]))
    around = np.log(grid[[max(at - 1, 1), at + 1]])
    found: Any = minimize_scalar(lambda u: risk(np.exp(u)), bounds=around, method="bounded", options=dict(xatol=1e-7))
    if found.fun <= risks[at]:
        return Best(float(np.exp(found.x)), kept, float(found.fun))
    return Best(float(grid[at]), kept, float(risks[at]))
