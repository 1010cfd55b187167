"""The judge: samples against a prediction.

Exact predictions are judged by Student's t, shown as the normal deviate z of the same probability. Asymptotic
ones have a gap O(1/n): where the samples hold several n, the gap is extrapolated to 1/n = 0 and must vanish there;
with a single n it cannot be told from an error, and the point is not judged. Where a mean or its standard error
does not exist, the prediction must lie within the range of at least 200 seeds. A prediction that is NaN is not judged, and
counted unless its kind is "none". The level is that of the whole comparison.
"""

import functools
import operator
from collections.abc import Collection
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from jaxprune.report import Report

ROUND_OFF = 1e-9
NOTHING = 1e-20  # as good as zero, where zero is predicted
KINDS = ("exact", "limit", "tail", "none")
LOGARITHM = "log_"  # begins the name of a metric that is a natural logarithm
TAIL_SEEDS = 200  # with fewer, a true mean may well lie outside the sample


def compare(
    samples: xr.Dataset,
    prediction: Any,
    level: float = 1e-6,
    *,
    ladder: str = "n",
    allow_nonfinite: Collection[str] = (),
) -> Report:
    """Judge ``samples`` (dimension ``seed``) by ``prediction``: a dataset, or a mapping of metrics to numbers or arrays.

    A variable ``metric_kind`` ("exact", "limit", "tail" or "none") says how to judge; without one, as exact.
    A variable ``metric_error`` is the standard error of a prediction that is itself an average of draws.
    ``level`` is the probability that a true theory fails anywhere in the report. ``ladder`` names the axis of
    sizes. Metrics in ``allow_nonfinite`` may lose non-finite trials; otherwise these make the report refuse.
    A metric called ``log_...`` is a natural logarithm: its gap is that of the quantity itself, expm1 of the difference.

    Raises ValueError when nothing matches, no prediction is finite, or level is no probability.
    """
    _check(samples, prediction, level)
    samples = samples.load()
    predicted = _as_dataset(samples, prediction)
    names = _common(samples, predicted, prediction)
    expected = {name: _expected(name, predicted, samples[name]) for name in names}
    _check_finite(expected)
    points = {name: _judge(name, samples[name].where(np.isfinite), *expected[name], ladder) for name in names}
    limit = _limit(points.values(), level)
    for name, d in points.items():
        detectable = _detectable(name, limit * d["resolution"], d)
        d["resolution"] = xr.where(d["judged"], detectable, np.nan)
    lost = {name: int((~np.isfinite(samples[name])).sum()) for name in names}
    allowed = (allow_nonfinite,) if isinstance(allow_nonfinite, str) else tuple(allow_nonfinite)
    refused = tuple(name for name in names if lost[name] and name not in allowed)
    return Report(points, limit, lost, refused)


def _check(samples: xr.Dataset, prediction: Any, level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level: {level} is not a probability inside (0, 1)")
    if "seed" not in samples.dims:
        raise ValueError(f"samples: no dimension 'seed' among {tuple(samples.dims)}; keep raw values per seed")
    if samples.attrs.get("missing", 0) and (trials := _undone(samples)):
        raise ValueError(
            f"samples: {trials} trials have not been run, which is not the same as non-finite; finish the run, or read what is"
            " complete: Store(folder).read(experiment), with experiment.resized(...) for other values and seeds"
        )
    if prediction is None:
        raise ValueError(
            f"prediction: None, theory knows nothing of {list(samples.data_vars)}; give your own numbers, such as"
            " {metric: array}, with metric_kind beside where they are not exact means"
        )


def _undone(samples: xr.Dataset) -> int:
    """How many trials have no value at all."""
    metrics = [v for v in samples.data_vars.values() if "seed" in v.dims]
    grid = set.intersection(*(set(v.dims) for v in metrics))
    empty = [v.isnull().all([d for d in v.dims if d not in grid]) for v in metrics]
    return int(functools.reduce(operator.and_, empty).sum())


def _common(samples: xr.Dataset, predicted: xr.Dataset, prediction: Any) -> list[str]:
    """The metrics that are both simulated and predicted."""
    metrics = [str(name) for name in samples.data_vars if "seed" in samples[name].dims]
    names = [name for name in metrics if name in predicted]
    if not names:
        metrics = [name for name in metrics if name != "nonfinite"]
        raise ValueError(f"prediction: none of {[str(name) for name in prediction]} is a metric of the samples {metrics}")
    return names


def _expected(name: str, predicted: xr.Dataset, values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """What is predicted at each point, its standard error, and its kind."""
    expected = _aligned(name, predicted[name], values)
    kind, doubt = xr.full_like(expected, "exact", dtype="<U5"), xr.zeros_like(expected)
    if f"{name}_kind" in predicted:
        kind = _aligned(f"{name}_kind", predicted[f"{name}_kind"], values)
        if unknown := set(np.unique(kind)) - set(KINDS):
            raise ValueError(f"prediction: {name}_kind is {unknown.pop()!r} somewhere; use one of {', '.join(KINDS)}")
    if f"{name}_error" in predicted:
        doubt = _aligned(f"{name}_error", predicted[f"{name}_error"], values)
    return expected, doubt, kind


def _check_finite(expected: dict[str, tuple[xr.DataArray, ...]]) -> None:
    """Refuse theories that were to say something and say NaN everywhere."""
    said = [value.values[kind.values != "none"] for value, _, kind in expected.values()]
    if sum(map(np.size, said)) and all(np.isnan(values).all() for values in said):
        raise ValueError(
            f"prediction: no prediction of {', '.join(expected)} is finite; look for the cause, or give the kind 'none'"
            " to what theory does not cover"
        )


def _sized(points: xr.Dataset) -> xr.DataArray:
    """Where the prediction is more than round-off beside the spread of the samples: only then is a gap a fraction of it."""
    return abs(points["prediction"]) > ROUND_OFF * (points["high"] - points["low"])


def _limit(points: Collection[xr.Dataset], level: float) -> float:
    """The |z| that any of all tests exceeds by chance with probability ``level`` at most."""
    tests = sum(int(d["judged"].sum()) for d in points)
    return float(stats.norm.isf(level / (2 * max(tests, 1))))


def _gap(name: str, points: xr.Dataset):
    """Of the mean, relative; of a logarithm, that of the quantity itself."""
    mean, known = points["mean"], points["prediction"].where(np.isfinite(points["prediction"]))
    drowned = abs(known) < points["se"] / 10  # a fraction of what noise alone exceeds tenfold tells nothing
    return np.expm1(mean - known) if name.startswith(LOGARITHM) else mean / known.where(_sized(points) & ~drowned) - 1


def _detectable(name: str, error: xr.DataArray, points: xr.Dataset):
    """An absolute ``error`` in the measure of ``_gap``."""
    return np.expm1(error) if name.startswith(LOGARITHM) else error / abs(points["prediction"]).where(_sized(points))


def _as_dataset(samples: xr.Dataset, prediction: Any) -> xr.Dataset:
    """Plain arrays get the dimensions of the metric they predict."""
    if isinstance(prediction, xr.Dataset):
        return prediction
    named = {}
    for name, value in dict(prediction).items():
        if isinstance(value, xr.Dataset):
            raise ValueError(f"prediction: {name!r} is a dataset; pass the dataset itself, or an array for each metric")
        metric = str(name).removesuffix("_kind").removesuffix("_error")
        if np.ndim(value) and not isinstance(value, xr.DataArray) and metric in samples:
            mean = samples[metric].isel(seed=0, drop=True)
            if np.shape(value) != mean.shape:
                raise ValueError(f"prediction: {name!r} has shape {np.shape(value)}, the means have {mean.shape} {mean.dims}")
            value = mean.copy(data=np.asarray(value))
        named[name] = value
    return xr.Dataset(named)


def _aligned(name: str, expected: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
    """A prediction for exactly the points of the samples: anything else is refused, never dropped in silence."""
    means = values.isel(seed=0, drop=True)
    extra = [d for d in expected.dims if d not in means.dims]
    if extra:
        raise ValueError(f"prediction: {name!r} has a dimension {extra[0]!r} that the samples lack; they have {means.dims}")
    try:
        chosen = {d: means[d] for d in expected.dims if d in expected.coords and d in means.coords}
        expected = expected.sel(chosen)
        return expected.broadcast_like(means).transpose(*means.dims)
    except Exception as error:  # pandas and xarray have many names for a bad index
        raise ValueError(f"prediction: {name!r} does not fit the points of the samples: {error}") from error


def _judge(name, values, expected, doubt, kind, ladder: str) -> xr.Dataset:
    """Statistics and deviates of one metric; ``resolution`` is the standard error of what was tested, till the limit is
    known, and ``doubt`` that of the prediction."""
    count = values.notnull().sum("seed")
    mean, median = values.mean("seed"), values.median("seed")
    se = values.std("seed", ddof=1) / np.sqrt(count)
    low, high = values.min("seed"), values.max("seed")
    error = np.hypot(se, doubt)
    tests = [
        _exact_test(mean, expected, error, count, kind),
        _range_test(low, high, expected, count, kind),
        *_limit_tests(mean, expected, error, count, kind, ladder),
    ]
    z, judged = xr.full_like(mean, np.nan), xr.zeros_like(mean, bool)
    for at, deviate, spread in tests:
        z, error, judged = xr.where(at, deviate, z), xr.where(at, spread, error), judged | at
    fields = dict(mean=mean, se=se, median=median, low=low, high=high, prediction=expected, z=z)
    result = xr.Dataset({**fields, "resolution": error, "judged": judged, "kind": kind})
    return result.assign(gap=_gap(name, result)).transpose(*mean.dims)


# A test of all points of a metric: where it is made, the deviate, and the standard error of what it looks at.


def _exact_test(mean, expected, error, count, kind):
    """Student's, of the mean."""
    at = (count >= 2) & expected.notnull() & (kind == "exact")
    return at, _deviate(mean - expected, error, count - 1, np.abs(expected)), error


def _range_test(low, high, expected, count, kind):
    """Whether the prediction lies among the seeds: a deviate of 0, or an infinite one."""
    at = (count >= TAIL_SEEDS) & np.isfinite(expected) & (kind == "tail")
    slack = np.maximum(ROUND_OFF * np.abs(expected), NOTHING)
    within = (expected >= low - slack) & (expected <= high + slack)
    return at, xr.where(within, 0.0, np.inf), np.nan


def _limit_tests(mean, expected, error, count, kind, ladder):
    """No mean has an infinite limit; others are judged where the gap is extrapolated to."""
    testable = (count >= 2) & expected.notnull() & (kind == "limit")
    yield testable & np.isinf(expected), np.inf, error
    if ladder in mean.dims and mean.sizes[ladder] > 1:
        usable = testable & np.isfinite(expected)
        at, far, spread, freedom = _extrapolate(mean - expected, error, count, usable, ladder)
        yield at, _deviate(far, spread, freedom, np.abs(expected)), spread


def _deviate(gap, se, freedom, scale):
    """The normal deviate with the tail probability of t = gap / se; round-off alone is no deviation."""
    negligible = np.isfinite(gap) & (np.abs(gap) <= np.maximum(ROUND_OFF * scale, NOTHING))
    t = gap / se.where(se > 0)
    log_tail = stats.t.logsf(np.abs(t), np.maximum(freedom, 1))
    z = np.sign(gap) * xr.where(np.isfinite(t), _normal_isf(log_tail), np.inf)
    return xr.where(negligible, 0.0, z)


def _normal_isf(log_tail):
    """x with log P(N(0,1) > x) = log_tail, also where the probability underflows."""
    with np.errstate(all="ignore"):
        far = np.sqrt(np.maximum(-2 * log_tail, 0))
        far = np.sqrt(np.maximum(-2 * log_tail - np.log(2 * np.pi * np.maximum(far, 1) ** 2), 0))
        near = stats.norm.isf(np.exp(log_tail))
    return np.where(log_tail > -600, near, np.where(np.isinf(log_tail), np.inf, far))


def _extrapolate(gap, se, count, usable, ladder):
    """The gap at 1/n = 0 by Richardson's polynomial through the usable rungs, its error and degrees of freedom.

    The result stands at the largest usable rung; ``at`` marks it. A single rung cannot be extrapolated.
    """
    sizes = gap[ladder]
    step = 1.0 / sizes
    weights = xr.ones_like(gap)
    for other in sizes.values:
        x = 1.0 / other
        factor = xr.where(step == x, 1.0, x / (x - step.where(step != x)))
        weights = weights * xr.where(usable.sel({ladder: other}), factor, 1.0)
    weights = weights.where(usable, 0.0)
    variance = (weights * se.where(usable, 0.0)) ** 2
    total = variance.sum(ladder)
    freedom = total**2 / (variance**2 / (count - 1).where(usable, 1)).sum(ladder)
    far = (weights * gap.where(usable, 0.0)).sum(ladder)
    top = sizes.where(usable).max(ladder)
    at = usable & (sizes == top) & (usable.sum(ladder) > 1)
    full = xr.ones_like(gap)
    return at, far * full, np.sqrt(total) * full, freedom.fillna(1.0) * full
