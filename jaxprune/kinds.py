"""How each kind of prediction is tested: arrays over the points of one metric, the samples' side of each in a ``Sample``."""

from typing import Any, NamedTuple

import numpy as np

from jaxprune.deviates import Array, deviate

ROUND_OFF = 1e-9
NOTHING = 1e-20  # as good as zero, where zero is predicted
TAIL_SEEDS = 200  # with fewer, a true mean may well lie outside the sample


class Sample(NamedTuple):
    """Of the seeds at each point: how many are finite, their mean and its standard error, their extent and skewness."""

    count: Array
    mean: Array
    se: Array
    low: Array
    high: Array
    skew: Array


class Test(NamedTuple):
    """Of all points: ``at`` where it is made, ``z`` the deviate, and what it looks at: a gap with its standard ``error``, its
    degrees of ``freedom``, its skewness and the ``doubt`` of that, and what it may have without an error of theory, its
    ``allowance``."""

    at: Any
    z: Any
    error: Any = np.nan
    freedom: Any = 1.0
    skew: Any = 0.0
    doubt: Any = 0.0
    allowance: Any = 0.0


def exact(at: Array, sample: Sample, known: Array, doubt: Array) -> Test:
    """Of the mean; ``doubt`` is the standard error of the prediction."""
    error = np.hypot(sample.se, doubt)
    with np.errstate(all="ignore"):
        shrunk = np.where(error > 0, sample.se / error, 1.0) ** 3
        seen = dict(freedom=np.maximum(sample.count - 1.0, 1.0), skew=sample.skew * shrunk)
        seen["doubt"] = np.sqrt(6 / sample.count) * shrunk
    return Test(at, _deviate(sample.mean - known, error, known, **seen), error, **seen)


def in_range(at: Any, sample: Sample, known: Array) -> Test:
    """Whether the prediction lies among the seeds: a deviate of 0, or an infinite one."""
    slack = np.maximum(ROUND_OFF * np.abs(known), NOTHING)
    within = (known >= sample.low - slack) & (known <= sample.high + slack)
    return Test(at & (sample.count >= TAIL_SEEDS), np.where(within, 0.0, np.inf))


def limit(usable: Array, sample: Sample, known: Array, doubt: Array, sizes: Array, whole: float | None = None) -> Test:
    """The gap at 1/n = 0 by Richardson's polynomial through the ``usable`` rungs, whose ``sizes`` n run along the first axis;
    a single rung cannot be extrapolated.

    The result stands at the largest usable rung. The polynomial leaves what is of the next order in 1/n, which is
    allowed for. ``whole``: the size that distances from the limit are fractions of, None for the mean's own.
    """
    x = 1.0 / sizes
    weights = _weights(x, usable)
    with np.errstate(all="ignore"):
        error = np.hypot(sample.se, doubt)
        gap, variance = _total(usable, weights * (sample.mean - known)), (weights * error) ** 2
        spread = np.sqrt(_total(usable, variance))
        freedom = spread**4 / _total(usable, variance**2 / (sample.count - 1))
        cubes = (weights * sample.se) ** 3 / np.sqrt(sample.count)  # third cumulants of means, over their skewness
        cube = spread**3 / np.sqrt(freedom + 1)
        skew, shaky = _total(usable, cubes * sample.skew) / cube, np.sqrt(_total(usable, cubes**2 * 6 / sample.count)) / cube
    seen = {"freedom": np.where(freedom >= 1, freedom, 1.0), "skew": np.nan_to_num(skew), "doubt": np.nan_to_num(shaky)}
    allowance = _next_order(x, usable, sample.mean, whole)
    beyond = np.sign(gap) * np.maximum(np.abs(gap) - allowance, 0.0)
    top = usable & (np.cumsum(usable, axis=0) == np.sum(usable, axis=0)) & (np.sum(usable, axis=0) > 1)
    return Test(top, _deviate(beyond, spread, known, **seen), spread, **seen, allowance=allowance)


def _deviate(gap, error, scale, freedom, skew, doubt):
    """As ``deviate``; round-off alone is no deviation."""
    negligible = np.isfinite(gap) & (np.abs(gap) <= np.maximum(ROUND_OFF * np.abs(scale), NOTHING))
    return np.where(negligible, 0.0, deviate(gap, error, freedom, skew, doubt))


def _total(usable, values):
    return np.sum(np.where(usable, values, 0.0), axis=0)


def _weights(x, usable):
    """Of each rung in the extrapolated value."""
    weights = np.ones(usable.shape)
    for i, one in enumerate(x):
        for j, other in enumerate(x):
            if i != j:
                weights[i] *= np.where(usable[j], other / (other - one), 1.0)
    return weights


def _next_order(x, usable, mean, whole):
    """What is left of a limit of size M whose means at rungs of size n lie M r(n) off, with r(n) = a/n: M times the product
    of all r(n). The two largest rungs tell a; their noise can only widen it."""
    place = np.cumsum(usable, axis=0)
    last, before = usable & (place == place[-1]), usable & (place == place[-1] - 1)
    columns = x.reshape(-1, *(1 for _ in mean.shape[1:]))
    with np.errstate(all="ignore"):
        change, step = (_total(last, v) - _total(before, v) for v in (mean, columns))
        size = np.abs(_total(last, mean)) if whole is None else whole
        distance = np.where(usable, np.abs(change / step) * columns / size, 1.0)
        return np.nan_to_num(size * np.prod(distance, axis=0))
