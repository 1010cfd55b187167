"""How each kind of prediction is tested: arrays over the points of one metric, the samples' side of each in a ``Sample``."""

from typing import Any, NamedTuple

import numpy as np

from jaxprune.judge.deviates import Array, deviate, deviate_unmet, skewness

NOTHING = 1e-20  # as good as zero, where zero is predicted
TAIL_SEEDS = 200  # with fewer, a true mean may well lie outside the sample
UNSEEN = 3.0  # how much further an event may move a seed than any that was met
CERTAIN = 2.0  # standard errors from which on a correction of the extrapolation is more than noise


class Sample(NamedTuple):
    """Of the seeds at each point: the finite ones (seeds, ...), NaN where there is none, how many, their mean and its standard
    error, their extent and skewness; where all are equal the ``jump`` of an event that they may have missed, else 0; and what
    of a number is ``round_off`` in their precision."""

    seeds: Array
    count: Array
    mean: Array
    se: Array
    low: Array
    high: Array
    skew: Array
    jump: Array
    round_off: float


class Test(NamedTuple):
    """Of all points: ``at`` where it is made, ``z`` the deviate, and what it looks at: a gap with its standard ``error``, its
    degrees of ``freedom``, its skewness and the ``doubt`` of that, and what it may have without an error of theory, its
    ``allowance``. Where seeds may have missed an event of some ``jump``, ``error`` is that of the prediction alone."""

    at: Any
    z: Any
    error: Any = np.nan
    freedom: Any = 1.0
    skew: Any = 0.0
    doubt: Any = 0.0
    allowance: Any = 0.0
    jump: Any = 0.0


def exact(at: Array, sample: Sample, known: Array, doubt: Array) -> Test:
    """Of the mean; ``doubt`` is the standard error of the prediction."""
    error = np.hypot(sample.se, doubt)
    with np.errstate(all="ignore"):
        shrunk = np.where(error > 0, sample.se / error, 1.0) ** 3
        seen = dict(freedom=np.maximum(sample.count - 1.0, 1.0), skew=sample.skew * shrunk)
        seen["doubt"] = np.sqrt(6 / sample.count) * shrunk
    gap, slack, missed = sample.mean - known, _slack(sample, known), sample.jump > 0
    unmet = deviate_unmet(gap, sample.jump, sample.count, doubt)
    z = np.where(missed & (np.abs(gap) > slack), unmet, _deviate(gap, error, slack, **seen))
    return Test(at, z, np.where(missed, doubt, error), **seen, jump=sample.jump)


def in_range(at: Any, sample: Sample, known: Array) -> Test:
    """Whether the prediction lies among the seeds: a deviate of 0, or an infinite one."""
    slack = _slack(sample, known)
    within = (known >= sample.low - slack) & (known <= sample.high + slack)
    return Test(at & (sample.count >= TAIL_SEEDS), np.where(within, 0.0, np.inf))


def limit(
    usable: Array, sample: Sample, known: Array, doubt: Array, sizes: Array, joint: bool = False, whole: float | None = None
) -> Test:
    """The gap at 1/n = 0 by Richardson's polynomial through the ``usable`` rungs, whose ``sizes`` n grow along the first axis;
    a single rung cannot be extrapolated.

    The result stands at the largest usable rung. The polynomial leaves what is of the next order in 1/n, which is
    allowed for. ``joint``: the rungs of one seed come from one draw, and its own extrapolation is a sample. ``whole``: the size
    that distances from the limit are fractions of, None for the mean's own.
    """
    weights = _weights(1.0 / sizes, usable)
    gap = _total(usable, weights * (sample.mean - known))
    spread, freedom, skew, shaky = (_of_seeds if joint else _of_rungs)(weights, usable, sample, doubt)
    seen = dict(freedom=np.where(freedom >= 1, freedom, 1.0), skew=np.nan_to_num(skew), doubt=np.nan_to_num(shaky))
    allowance = np.maximum(_next_order(1.0 / sizes, usable, sample.mean, whole), _corrected(weights, usable, sample, sizes))
    beyond = np.sign(gap) * np.maximum(np.abs(gap) - allowance, 0.0)
    place = np.cumsum(usable, axis=0)
    top = usable & (place == place[-1]) & (place[-1] > 1)
    return Test(top, _deviate(beyond, spread, _slack(sample, known), **seen), spread, **seen, allowance=allowance)


def _of_rungs(weights, usable, sample, doubt):
    """Standard error, degrees of freedom, skewness and its doubt of an extrapolation through independent rungs."""
    with np.errstate(all="ignore"):
        variance = (weights * np.hypot(sample.se, doubt)) ** 2
        spread = np.sqrt(_total(usable, variance))
        freedom = spread**4 / _total(usable, variance**2 / (sample.count - 1))
        cubes = (weights * sample.se) ** 3 / np.sqrt(sample.count)  # third cumulants of means, over their skewness
        cube = spread**3 / np.sqrt(freedom + 1)
        return (
            spread,
            freedom,
            _total(usable, cubes * sample.skew) / cube,
            np.sqrt(_total(usable, cubes**2 * 6 / sample.count)) / cube,
        )


def _of_seeds(weights, usable, sample, doubt):
    """The same, of an extrapolation for every seed."""
    each = np.sum(np.where(usable, weights * sample.seeds, 0.0), axis=1)
    with np.errstate(all="ignore"):
        count = np.sum(np.isfinite(each), axis=0)
        centred = each - np.nansum(each, axis=0) / count
        se = np.sqrt(np.nansum(centred**2, axis=0) / (count - 1) / count)
        sure = np.sqrt(_total(usable, (weights * np.where(sample.jump > 0, sample.se, 0.0)) ** 2))
        spread = np.sqrt(se**2 + sure**2 + _total(usable, (weights * doubt) ** 2))
        shrunk = np.where(spread > 0, se / spread, 1.0) ** 3
        return spread, count - 1.0, skewness(centred, count) * shrunk, np.sqrt(6 / count) * shrunk


def _corrected(weights, usable, sample, sizes):
    """By how much the smallest rung moves the extrapolation, as far as that is more than noise: the next rung would move it by
    less."""
    fewer = usable & (np.cumsum(usable, axis=0) > 1)
    moved = np.where(usable, weights, 0.0) - np.where(fewer, _weights(1.0 / sizes, fewer), 0.0)
    with np.errstate(all="ignore"):
        noise = np.sqrt(_total(usable, (moved * sample.se) ** 2))
        return np.nan_to_num(np.maximum(np.abs(_total(usable, moved * sample.mean)) - CERTAIN * noise, 0.0))


def widest(seeds: Array, round_off: float) -> float:
    """The widest extent of the seeds (seeds, ...) at one point among those where not all are equal to ``round_off``; at least 1
    where the metric counts events, being whole everywhere, so that each moves it by 1; else 0 where there is none."""
    count, low, high = np.sum(~np.isnan(seeds), axis=0), np.fmin.reduce(seeds), np.fmax.reduce(seeds)
    events = bool(np.all(np.isnan(seeds) | (seeds == np.round(seeds))))
    apart = (count > 1) & ~_equal(count, low, high, round_off)
    return float(np.max(high - low, where=apart, initial=1.0 if events else 0.0))


def unmet(count: Array, low: Array, high: Array, round_off: float, widest: float) -> tuple[Array, Array]:
    """Where two or more seeds of a point, which lie in ``low`` .. ``high``, are equal to ``round_off``; and how far an event
    that they may have missed would move one of them, 0 elsewhere.

    Only other points tell: ``UNSEEN`` times the ``widest`` extent of seeds at one point of the metric. Any metric whose seeds
    are equal at every point, and that counts no events, is deterministic.
    """
    equal = _equal(count, low, high, round_off)
    return equal, np.where(equal, UNSEEN * widest, 0.0)


def _equal(count, low, high, round_off):
    return (count > 1) & (high - low <= round_off * np.maximum(np.abs(low), np.abs(high)))


def _slack(sample, known):
    """What is no deviation from what is known: round-off, and next to nothing where that is 0."""
    return np.where(known == 0, NOTHING, sample.round_off * np.abs(known))


def _deviate(gap, error, slack, freedom, skew, doubt):
    """As ``deviate``; round-off alone is no deviation."""
    negligible = np.isfinite(gap) & (np.abs(gap) <= slack)
    return np.where(negligible, 0.0, deviate(gap, error, freedom, skew, doubt))


def _total(usable, values):
    """Over the rungs that are usable."""
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
