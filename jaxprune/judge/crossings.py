"""Where two curves cross: the place at which the mean of paired differences changes sign, with its standard error.

Give the differences seed by seed, both curves measured on the same draw: what the two share cancels.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq, isotonic_regression

Array = NDArray[np.float64]


class Crossing(NamedTuple):
    """``place`` of the sign change, its standard ``error``, and the interval ``low`` .. ``high``."""

    place: float
    error: float
    low: float
    high: float


def crossing(
    x: ArrayLike, differences: ArrayLike, *, seed: int, resamples: int = 1000, limit: float = 4.0, coverage: float = 0.95
) -> Crossing:
    """The x at which the mean of differences over seeds changes sign.

    Points whose mean is more than ``limit`` standard errors from zero must show one sign on one side and the other on the
    other. Between the two that stand nearest the mean is taken to be monotone (isotonic means, weighted by their variances) and
    interpolated by a monotone cubic; outside it may do as it likes. The error and the interval come from bootstrap
    samples of the seeds, widened by an error of interpolation: how far the zero moves when straight lines join the same means.

    Args:
        x: Increasing places (points,), 4 or more; where they span decades pass their logarithm.
        differences: Differences of the two curves, (seeds, points), finite, of 8 seeds or more.
        seed: Seed of the bootstrap samples, an integer >= 0.
        resamples: How many bootstrap samples, >= 100.
        limit: Standard errors from zero beyond which the sign of a mean is certain.
        coverage: Probability of the interval, in (0, 1).

    Returns:
        The ``Crossing``.

    Raises:
        ValueError: For shapes that do not fit, values that are not finite, too few points, seeds or resamples, and where the
            sign does not change, not significantly, or more than once.
    """
    x, differences = _checked(x, differences, resamples, coverage)
    count = len(differences)
    mean, variance = np.mean(differences, axis=0), np.var(differences, axis=0, ddof=1) / count
    first, last = _bracket(x, mean, np.sqrt(variance), limit)
    start, stop = max(first - 1, 0), min(last + 2, len(x))
    # A variance of zero would take all the weight; the floor is far below anything that noise can tell.
    weight = 1 / np.maximum(variance, 1e-12 * np.max(variance, initial=1e-300))[start:stop]

    def zero(means: Array, straight: bool = False) -> float:
        return _zero(x[start:stop], np.sign(mean[last]) * means[start:stop], weight, first - start, last - start, straight)

    counts = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    places = np.array([zero(means) for means in (counts / count) @ differences])
    low, high = np.quantile(places, [(1 - coverage) / 2, (1 + coverage) / 2])
    place = zero(mean)
    bent = abs(place - zero(mean, straight=True))
    return Crossing(place, float(np.hypot(np.std(places, ddof=1), bent)), float(low - bent), float(high + bent))


def _checked(x, differences, resamples, coverage) -> tuple[Array, Array]:
    x, differences = np.asarray(x, float), np.asarray(differences, float)
    if x.ndim != 1 or len(x) < 4 or not np.all(np.isfinite(x)) or np.any(np.diff(x) <= 0):
        raise ValueError(f"x: {x!r} is not a list of at least four increasing finite numbers")
    if differences.ndim != 2 or differences.shape[1] != len(x):
        raise ValueError(f"differences: shape {differences.shape} is not (seeds, {len(x)})")
    if not np.all(np.isfinite(differences)):
        raise ValueError("differences: hold NaN or infinity; leave out seeds that failed, and say so")
    if len(differences) < 8:
        raise ValueError(f"differences: {len(differences)} seeds give no standard error worth the name; use 8 or more")
    if isinstance(resamples, bool) or not isinstance(resamples, int | np.integer) or resamples < 100:
        raise ValueError(f"resamples: {resamples!r} is not an integer >= 100")
    if not 0 < coverage < 1:
        raise ValueError(f"coverage: {coverage!r} is not a probability inside (0, 1)")
    return x, differences


def _bracket(x, mean, error, limit) -> tuple[int, int]:
    """The two neighbours, among points whose sign is certain, between which the sign changes."""
    certain = np.flatnonzero((np.abs(mean) > limit * error) & (mean != 0))
    signs = np.sign(mean[certain])
    turns = np.flatnonzero(np.diff(signs))
    if len(turns) == 0:
        what = "no mean is" if len(certain) == 0 else f"all {len(certain)} means are of one sign that are"
        raise ValueError(f"differences: no sign change; {what} more than {limit:g} standard errors from zero")
    if len(turns) > 1:
        places = ", ".join(f"{x[certain[t]]:g} .. {x[certain[t + 1]]:g}" for t in turns)
        raise ValueError(f"differences: the sign changes {len(turns)} times, in {places}; pass the points around one of them")
    return int(certain[turns[0]]), int(certain[turns[0] + 1])


def _zero(x, y, weight, first, last, straight) -> float:
    """Zero of a curve that rises from ``first`` to ``last``; the nearer end where a resample has lost its sign."""
    inside = slice(first, last + 1)
    rising = isotonic_regression(y[inside], weights=weight[inside])
    starts, mass = rising.blocks[:-1], weight[inside]  # points pooled at one level stand at their centre of weight
    centre = np.add.reduceat(mass * x[inside], starts) / np.add.reduceat(mass, starts)
    level = rising.x[starts]
    if level[0] >= 0 or level[-1] <= 0:
        return float(centre[0] if level[0] >= 0 else centre[-1])
    at = int(np.searchsorted(level, 0.0, side="right")) - 1
    if level[at] == 0:
        return float(centre[at])
    if straight:
        return float(np.interp(0.0, level[at : at + 2], centre[at : at + 2]))
    curve = PchipInterpolator(
        np.concatenate([x[:first], centre, x[last + 1 :]]), np.concatenate([y[:first], level, y[last + 1 :]])
    )
    root: Any = brentq(curve, centre[at], centre[at + 1], xtol=1e-15)
    return float(root)
