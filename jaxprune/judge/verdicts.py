"""The judge: samples against a prediction.

Exact predictions are judged by the deviate of their mean (``deviates``: Student's, cautious where the samples are skewed).
Asymptotic ones have a gap O(1/n): where the samples hold several n, the gap is extrapolated to 1/n = 0 and must vanish
there, but for what the next order in 1/n may leave; with a single n it cannot be told from an error, and the point is not
judged. Where a mean or its standard error does not exist, the prediction must lie within the range of at least 200 seeds,
which few theories could fail: that is no agreement, and is called "in range". Nor is it one where the typical test would not
have seen an error of 100 %: that is "weak". Every point that is not judged has its reason. The level is that of the whole
comparison.

Seeds that are all equal may have missed a rare event (``kinds.unmet``). Where the metric varies among the seeds of other
points, or counts events, being whole everywhere, theory must make it likely that they all missed one that would move them up
to three times as far. A metric that varies at no point is taken for deterministic, and must meet its theory to round-off: of
an event that no seed at any point has met, and that is no whole number, samples alone cannot tell.
"""

import functools
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from jaxprune.contracts import Metric, Prediction
from jaxprune.judge import inputs, kinds, slabs
from jaxprune.judge.deviates import detectable, detectable_unmet, skewness
from jaxprune.judge.report import REASONS, Report

ROUND_OFF = 1e-9
FAR = 200  # powers of two whose fourth powers are still numbers
SHOWN = ("mean", "se", "median", "low", "high")  # of the seeds of each point
SIZED = 3.0  # standard errors that a prediction must have from zero: a gap relative to less tells of noise alone


def compare(
    samples: xr.Dataset,
    prediction: Mapping[str, Any] | xr.Dataset | None,
    level: float = 1e-6,
    *,
    ladder: str = "n",
    allow_nonfinite: Collection[str] = (),
) -> Report:
    """Judge samples by a prediction.

    What is declared of a metric (``Metric``) is read from the attributes of its samples, as ``run`` gives them.

    Args:
        samples: What ``run`` returns, with the dimension ``seed``; or a store that xarray opened, all of its trials done.
        prediction: Metric -> ``Prediction``, or numbers that are exact means. An array with names is read at the points of the
            samples: it may hold more, such as the finer grid of a figure, and lack none. Nothing is predicted where an array
            is masked.
        level: Probability that a true theory fails anywhere in the report, in (0, 1).
        ladder: The axis of sizes n, along which limits are extrapolated.
        allow_nonfinite: Metrics that may lose non-finite trials; of any other these make the report refuse.

    Returns:
        The ``Report``.

    Raises:
        ValueError: Naming the argument, where trials have not been run, where a prediction is None, is of no metric of the
            samples, does not fit their points, or is nowhere finite, where a seed or a coordinate stands twice, and where
            level, ladder or allow_nonfinite say nothing.
    """
    allowed = (allow_nonfinite,) if isinstance(allow_nonfinite, str) else tuple(allow_nonfinite)
    inputs.check(samples, prediction, level, ladder, allowed)
    given: dict[str, Any] = dict(prediction)  # type: ignore[arg-type]
    names = inputs.common(samples, given)
    expected = {name: inputs.expected(name, given[name], samples[name]) for name in names}
    inputs.check_finite(expected)
    metrics = {name: Metric.of(name, samples[name].attrs) for name in names}
    judged = {name: _judge(metrics[name], samples[name], expected[name], ladder) for name in names}
    limit = _limit([seen for _, seen, _ in judged.values()], level)
    measured = {name: _measured(metrics[name], points, seen, limit) for name, (points, seen, _) in judged.items()}
    points = {name: _as_given(found, expected[name].mean) for name, (found, _) in measured.items()}
    lost = {name: count for name, (*_, count) in judged.items()}
    refused = tuple(name for name in names if lost[name] and name not in allowed)
    silent = tuple(name for name in inputs.metrics(samples) if name not in names)
    return Report(points, limit, lost, refused, silent, {name: typical for name, (_, typical) in measured.items()})


def _as_given(points: xr.Dataset, like: xr.DataArray) -> xr.Dataset:
    """In the order of the samples."""
    places = {d: points.indexes[d].get_indexer(like.indexes[d]) for d in like.dims if d in like.indexes}
    return points.isel(places).transpose(*like.dims)


def _limit(seen: Collection[kinds.Test], level: float) -> float:
    """The |z| that any of all tests exceeds by chance with probability ``level`` at most."""
    tests = sum(int(np.sum(test.at)) for test in seen)
    return float(stats.norm.isf(level / (2 * max(tests, 1))))


def _judge(metric: Metric, values: xr.DataArray, expected: Prediction, ladder: str) -> tuple[xr.Dataset, kinds.Test, int]:
    """The points of one metric, the ladder first, what the test of each looked at, and how many values are not finite."""
    order = sorted(expected.mean.dims, key=lambda name: name != ladder)
    climbs = ladder in order
    grown = {ladder: np.argsort(expected.mean[ladder].values)} if climbs and ladder in expected.mean.coords else {}
    known, kind, doubt = (p.transpose(*order).isel(grown) for p in (expected.mean, expected.kind, expected.error))
    raw = values.transpose("seed", *order).isel(grown)
    sizes = _sizes(known, ladder) if climbs and known.sizes[ladder] > 1 and np.any(kind == "limit") else None
    joint = sizes is not None and values.dims.index(ladder) > values.dims.index("seed")
    at, round_off = slabs.places(raw, [ladder]), _round_off(values.dtype)
    seeds = functools.lru_cache(maxsize=1)(lambda i: slabs.finite(raw[(slice(None), *at[i])]))  # the only one is read once
    widest = max(kinds.widest(seeds(i), round_off) for i in range(len(at)))

    def part(i):
        told = [given.values[(*at[i], ...)] for given in (known, kind, doubt)]  # an array, where there is one point too
        shown, sample, scale = _sampled(metric, seeds(i), climbs, round_off, widest)
        seen = _tested(metric, sample, told[0] / scale, told[1], told[2] / scale, sizes, joint)
        seen = seen._replace(**{name: getattr(seen, name) * scale for name in ("error", "allowance", "jump")})
        reason = _reasons(metric, sample.count, raw.sizes["seed"], told[0], told[1], seen.at, sizes is not None)
        return *shown, sample.count, reason, *seen

    *shown, count, reason, judged, z, error, freedom, skew, doubted, allowance, jump = slabs.joined(
        known.shape, at, map(part, range(len(at)))
    )
    seen = kinds.Test(judged, z, error, freedom, skew, doubted, allowance, jump)
    tested = dict(zip(SHOWN, shown, strict=True)) | dict(z=np.where(judged, z, np.nan), judged=judged, reason=reason)
    points = {name: known.copy(data=array) for name, array in tested.items()} | dict(prediction=known, kind=kind)
    return xr.Dataset(points), seen, int(raw.size - count.sum())


def _sampled(metric: Metric, seeds: np.ndarray, climbs: bool, round_off: float, widest: float):
    """What is ``SHOWN`` of the seeds (seeds, ladder or point, ...) of each point, and the ``Sample`` of them over its scale."""
    scale = np.ones(seeds.shape[1:]) if metric.scale == "logarithm" else _scale(seeds, climbs)
    small = seeds / scale
    count, low, high = map(np.asarray, (np.sum(~np.isnan(seeds), axis=0), np.fmin.reduce(seeds), np.fmax.reduce(seeds)))
    equal, jump = kinds.unmet(count, low, high, round_off, widest)
    with np.errstate(all="ignore"):
        mean = np.where(count > 0, np.nansum(small, axis=0) / count, np.nan)
        centred = small - mean
        variance = np.nansum(centred * centred, axis=0) / (count - 1)
        plain = np.where(count > 1, np.sqrt(variance) * scale / np.sqrt(count), np.nan)
        se = np.where(equal, jump / count, plain)
    skew = np.where(equal, 0.0, skewness(centred, count))
    parts = (small, count, mean, se / scale, low / scale, high / scale, skew, jump / scale)
    return (mean * scale, se, _median(small, count) * scale, low, high), kinds.Sample(*parts, round_off), scale


def _median(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Along the first axis, of the numbers that are no NaN, which sort behind all others."""
    ordered = np.sort(values, axis=0)
    middle = [np.take_along_axis(ordered, np.maximum(place, 0)[None], 0)[0] for place in ((count - 1) // 2, count // 2)]
    return np.where(count > 0, (middle[0] + middle[1]) / 2, np.nan)


def _scale(seeds: np.ndarray, climbs: bool) -> np.ndarray:
    """A power of two over which the squares of a point are numbers, one along the ladder: 1 but for numbers beyond 1e60."""
    top = np.max(np.nan_to_num(np.abs(seeds)), axis=(0, 1) if climbs else 0)
    exponent = np.frexp(top)[1]
    scale = np.where(np.abs(exponent) > FAR, np.ldexp(1.0, exponent - 1), 1.0)
    return np.broadcast_to(scale, seeds.shape[1:])


def _round_off(dtype: np.dtype) -> float:
    """What of a number is round-off in the precision of the samples."""
    return max(ROUND_OFF, 8 * float(np.finfo(dtype).eps)) if dtype.kind == "f" else ROUND_OFF


def _sizes(known: xr.DataArray, ladder: str) -> np.ndarray:
    """The sizes n of a ladder, which grow."""
    sizes = known[ladder].values if ladder in known.coords else np.array(["unknown"])
    if sizes.dtype.kind not in "iuf" or not np.all((sizes > 0) & np.isfinite(sizes)):
        raise ValueError(
            f"ladder: {ladder!r} holds {sizes.tolist()}, which are no sizes n > 0; name the axis of sizes (ladder=...)"
        )
    return sizes.astype(float)


def _tested(metric: Metric, sample: kinds.Sample, known, kind, doubt, sizes, joint: bool) -> kinds.Test:
    """The test of every point: one at most is made at each."""
    told = (sample.count >= metric.seeds) & ~np.isnan(known)
    asymptotic = told & (kind == "limit")
    tests = [
        kinds.exact(told & (kind == "exact"), sample, known, doubt),
        kinds.in_range(np.isfinite(known) & (kind == "tail"), sample, known),
        kinds.Test(asymptotic & np.isinf(known), np.inf),  # no mean has an infinite limit
    ]
    if sizes is not None:
        whole = 1.0 if metric.scale == "logarithm" else None
        tests.append(kinds.limit(asymptotic & np.isfinite(known), sample, known, doubt, sizes, joint, whole))
    made = [test.at for test in tests]
    fields = [
        np.select(made, [np.broadcast_to(part, known.shape) for part in parts], np.nan) for parts in zip(*tests, strict=True)
    ]
    return kinds.Test(np.any(made, axis=0), *fields[1:])


def _reasons(metric: Metric, count, seeds: int, known, kind, judged, climbed: bool):
    """Why a point is not judged: a key of ``REASONS``, "" where it is."""
    asymptotic, tail, silent = kind == "limit", kind == "tail", kind == "none"
    fewest = np.where(tail, kinds.TAIL_SEEDS, metric.seeds)
    carried = asymptotic & np.any(judged & asymptotic, axis=0) if climbed else np.zeros_like(judged)
    applies = dict(
        silent=silent & np.isnan(known),
        fixed=silent,
        nan=np.isnan(known),
        infinite=tail & np.isinf(known),
        lost=(count < fewest) & (fewest <= seeds),
        range=tail & (count < fewest),
        seeds=~tail & (count < fewest),
        rung=carried,
        several=asymptotic,
    )
    assert set(applies) == set(REASONS)
    return np.where(judged, "", np.select(list(applies.values()), list(applies), ""))


def _measured(metric: Metric, points: xr.Dataset, seen: kinds.Test, limit: float) -> tuple[xr.Dataset, float]:
    """The points with their gaps, and with the error of theory, in the same measure, that each test would have shown; and that
    of the typical test."""
    known: xr.DataArray = points["prediction"].where(np.isfinite(points["prediction"]))
    noisy = np.where(seen.error > 0, detectable(limit, seen.freedom, seen.skew, seen.doubt), 0.0) * seen.error
    unmet = np.hypot(detectable_unmet(limit, seen.jump, seen.freedom + 1), limit * seen.error)
    noisy = np.where(seen.jump > 0, unmet, noisy)
    outside = np.maximum((points["high"] - known).values, (known - points["low"]).values)
    tested = np.where(points["kind"].values == "tail", outside, noisy + seen.allowance)
    far = known.copy(data=np.where(seen.at, tested, np.nan))
    noise = SIZED * points["se"].fillna(0.0)
    if metric.scale == "logarithm":
        found = points.assign(gap=np.expm1((points["mean"] - known).where(noise < 1)), resolution=np.expm1(far))
    else:
        size, wide = abs(known), ROUND_OFF * (points["high"] - points["low"])
        gap = points["mean"] / known.where(size > np.maximum(noise, wide)) - 1
        found = points.assign(gap=gap, resolution=far / size.where(size > wide))
    return found, _typical(found, far.values)


def _typical(points: xr.Dataset, far: np.ndarray) -> float:
    """The error of theory that the typical test of a mean, or else of a range, would have shown, as a share of the prediction;
    where this is 0 everywhere, of the largest value. NaN where all are 0."""
    means = (points["judged"] & (points["kind"] != "tail")).values
    at = means if means.any() else points["judged"].values
    shares = points["resolution"].values[at]
    if np.all(np.isnan(shares)):
        top = max(float(abs(points[name]).max()) for name in ("low", "high"))
        shares = far[at] / top if top > 0 else shares
    shares = shares[~np.isnan(shares)]
    return float(np.median(shares)) if shares.size else np.nan
