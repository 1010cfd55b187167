"""Where two curves cross: the place at which the mean of paired differences changes sign, with its standard error.

Give the differences seed by seed, both curves measured on the same draw: what the two share cancels.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Crossing(NamedTuple):
    """``place`` of the sign change, its standard ``error``, and the bootstrap interval ``low`` .. ``high``."""

    place: float
    error: float
    low: float
    high: float


def crossing(
    x: ArrayLike, differences: ArrayLike, *, seed: int, resamples: int = 1000, limit: float = 4.0, coverage: float = 0.95
) -> Crossing:
    """The x at which the mean of ``differences`` (seeds, points) over seeds changes sign; ``x`` (points,) increases.

    Points whose mean is ``limit`` standard errors from zero must show one sign on one side and the other on the other.
    Between the two that stand nearest the mean is taken to be monotone (isotonic means, weighted by their variances)
    and interpolated by Steffen's monotone cubic; outside it may do as it likes. The error and the interval of
    probability ``coverage`` come from ``resamples`` bootstrap samples of the seeds, drawn from ``seed``. Where x spans
    decades pass its logarithm. The error of interpolation is not included: compare with every other point left out.

    Raises ValueError for shapes that do not fit, values that are not finite, fewer than 8 seeds, and where the sign
    does not change, not significantly, or more than once.
    """
    x, differences = _checked(x, differences, resamples, coverage)
    count = len(differences)
    mean, variance = np.mean(differences, axis=0), np.var(differences, axis=0, ddof=1) / count
    first, last = _bracket(x, mean, np.sqrt(variance), limit)
    start, stop = max(first - 1, 0), min(last + 2, len(x))
    # A variance of zero would take all the weight; the floor is far below anything that noise can tell.
    weight = 1 / np.maximum(variance, 1e-12 * np.max(variance, initial=1e-300))[start:stop]

    def zero(means: Array) -> float:
        return _zero(x[start:stop], np.sign(mean[last]) * means[start:stop], weight, first - start, last - start)

    counts = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    places = np.array([zero(means) for means in (counts / count) @ differences])
    low, high = np.quantile(places, [(1 - coverage) / 2, (1 + coverage) / 2])
    return Crossing(zero(mean), float(np.std(places, ddof=1)), float(low), float(high))


def _checked(x, differences, resamples, coverage) -> tuple[Array, Array]:
    x, differences = np.asarray(x, float), np.asarray(differences, float)
    if x.ndim != 1 or len(x) < 2 or not np.all(np.isfinite(x)) or np.any(np.diff(x) <= 0):
        raise ValueError(f"x: {x!r} is not a list of at least two increasing finite numbers")
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


def _zero(x, y, weight, first, last) -> float:
    """Zero of a curve that rises from ``first`` to ``last``; the nearer end where a resample has lost its sign."""
    centre, level = _isotonic(x[first : last + 1], y[first : last + 1], weight[first : last + 1])
    if level[0] >= 0 or level[-1] <= 0:
        return float(centre[0] if level[0] >= 0 else centre[-1])
    x = np.concatenate([x[:first], centre, x[last + 1 :]])
    y = np.concatenate([y[:first], level, y[last + 1 :]])
    at = first + int(np.searchsorted(level, 0.0, side="right")) - 1
    step = float(x[at + 1] - x[at])
    (a, b), (up, down) = y[at : at + 2].tolist(), (step * _slopes(x, y)[at : at + 2]).tolist()
    low, high = 0.0, 1.0
    for _ in range(50):
        t = 0.5 * (low + high)
        rest = 1 - t
        value = rest**2 * ((1 + 2 * t) * a + t * up) + t**2 * ((1 + 2 * rest) * b - rest * down)
        low, high = (t, high) if value < 0 else (low, t)
    return float(x[at]) + 0.5 * (low + high) * step


def _isotonic(x, y, weight) -> tuple[Array, Array]:
    """Weighted least-squares means that rise, one for each pool of points, at the pool's centre of weight."""
    pools: list[list[float]] = []  # weight, weighted mean of x, of y
    for point in zip(weight, x, y, strict=True):
        pools.append(list(point))
        while len(pools) > 1 and pools[-2][2] >= pools[-1][2]:
            b, a = pools.pop(), pools.pop()
            total = a[0] + b[0]
            pools.append([total, *((a[0] * a[k] + b[0] * b[k]) / total for k in (1, 2))])
    return np.array([p[1] for p in pools]), np.array([p[2] for p in pools])


def _slopes(x, y) -> Array:
    """Slopes at the knots that keep a piecewise cubic monotone wherever its knots are (Steffen 1990)."""
    step, secant = np.diff(x), np.diff(y) / np.diff(x)
    if len(secant) == 1:
        return np.repeat(secant, 2)
    left, right = secant[:-1], secant[1:]
    parabola = (left * step[1:] + right * step[:-1]) / (step[:-1] + step[1:])
    inner = (np.sign(left) + np.sign(right)) * np.minimum(np.minimum(np.abs(left), np.abs(right)), 0.5 * np.abs(parabola))
    ends = []
    for near, far, h, k in ((secant[0], secant[1], step[0], step[1]), (secant[-1], secant[-2], step[-1], step[-2])):
        slope = near + (near - far) * h / (h + k)
        ends.append(0.0 if slope * near <= 0 else np.sign(near) * min(abs(slope), 2 * abs(near)))
    return np.array([ends[0], *inner, ends[1]])
