"""The judge: samples against a prediction.

Exact predictions are judged by the deviate of their mean (``deviates``: Student's, cautious where the samples are skewed).
Asymptotic ones have a gap O(1/n): where the samples hold several n, the gap is extrapolated to 1/n = 0 and must vanish
there, but for what the next order in 1/n may leave; with a single n it cannot be told from an error, and the point is not
judged. Where a mean or its standard error does not exist, the prediction must lie within the range of at least 200 seeds,
which few theories could fail: that is no agreement, and is called "in range". Every point that is not judged has its
reason. The level is that of the whole comparison.
"""

import difflib
import functools
import operator
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from jaxprune.contracts import KINDS, Certificate, Metric, Prediction
from jaxprune.judge import kinds
from jaxprune.judge.deviates import detectable, skewness
from jaxprune.judge.report import REASONS, Report

ROUND_OFF = 1e-9
SIZED = 3.0  # standard errors that a prediction must have from zero: a gap relative to less tells of noise alone


def compare(
    samples: xr.Dataset,
    prediction: Mapping[str, Any] | xr.Dataset | None,
    level: float = 1e-6,
    *,
    ladder: str = "n",
    allow_nonfinite: Collection[str] = (),
) -> Report:
    """Judge ``samples`` (dimension ``seed``) by ``prediction``: metric -> ``Prediction``, or numbers that are exact means.

    ``level`` is the probability that a true theory fails anywhere in the report. ``ladder`` names the axis of
    sizes. Metrics in ``allow_nonfinite`` may lose non-finite trials; otherwise these make the report refuse.
    What is declared of a metric (``Metric``) is read from the attributes of its samples, as ``run`` gives them.

    Raises ValueError, naming the argument, where a prediction is of no metric of the samples, fits no point of them, or is
    nowhere finite, and where level is no probability.
    """
    _check(samples, prediction, level)
    samples = samples.load()
    given: dict[str, Any] = dict(prediction)  # type: ignore[arg-type]
    names = _common(samples, given)
    expected = {name: _expected(name, given[name], samples[name]) for name in names}
    _check_finite(expected)
    metrics = {name: Metric.of(name, samples[name].attrs) for name in names}
    judged = {name: _judge(metrics[name], samples[name], expected[name], ladder) for name in names}
    limit = _limit([seen for _, seen in judged.values()], level)
    points = {name: _as_given(_measured(metrics[name], *found, limit), expected[name].mean) for name, found in judged.items()}
    lost = {name: int((~np.isfinite(samples[name])).sum()) for name in names}
    allowed = (allow_nonfinite,) if isinstance(allow_nonfinite, str) else tuple(allow_nonfinite)
    refused = tuple(name for name in names if lost[name] and name not in allowed)
    return Report(points, limit, lost, refused, tuple(name for name in _metrics(samples) if name not in names))


def _as_given(points: xr.Dataset, like: xr.DataArray) -> xr.Dataset:
    """In the order of the samples."""
    return points.sel({d: like[d] for d in like.dims if d in like.coords}).transpose(*like.dims)


def _check(samples: xr.Dataset, prediction: Any, level: float) -> None:
    if not isinstance(level, int | float | np.number) or not 0 < level < 1:
        raise ValueError(f"level: {level} is not a probability inside (0, 1)")
    if not isinstance(samples, xr.Dataset):
        raise ValueError(f"samples: a {type(samples).__name__}; pass the dataset that run returns")
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
            " {metric: array}, or {metric: Prediction(array, kind=...)} where they are not exact means"
        )
    if not isinstance(prediction, Mapping):
        raise ValueError(f"prediction: a {type(prediction).__name__}; give a mapping, {{metric: array}}")


def _undone(samples: xr.Dataset) -> int:
    """How many trials have no value at all."""
    metrics = [v for v in samples.data_vars.values() if "seed" in v.dims]
    grid = set.intersection(*(set(v.dims) for v in metrics))
    empty = [v.isnull().all([d for d in v.dims if d not in grid]) for v in metrics]
    return int(functools.reduce(operator.and_, empty).sum())


def _metrics(samples: xr.Dataset) -> list[str]:
    return [str(name) for name in samples.data_vars if "seed" in samples[name].dims and name != "nonfinite"]


def _common(samples: xr.Dataset, given: Mapping[str, Any]) -> list[str]:
    """The metrics that are predicted, in the order of the samples; one that they lack is refused."""
    metrics = _metrics(samples)
    for name in given:
        if name not in metrics:
            close = difflib.get_close_matches(str(name), metrics, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"prediction: {name!r} is no metric of the samples, which are {metrics}{hint}")
    if not given:
        raise ValueError(f"prediction: it is empty; give numbers for one of {metrics}")
    return [name for name in metrics if name in given]


def _expected(name: str, given: Any, values: xr.DataArray) -> Prediction:
    """What is predicted at each point, how it is judged, and its standard error."""
    if isinstance(given, Certificate):
        raise ValueError(f"prediction: that of {name!r} is a certificate; hold its failures against it by judge.count_failures")
    whole = given if isinstance(given, Prediction) else Prediction(given)
    mean, kind, error = (_aligned(name, part, values) for part in (whole.mean, whole.kind, whole.error))
    if unknown := set(np.unique(kind)) - set(KINDS):
        raise ValueError(f"prediction: the kind of {name!r} is {unknown.pop()!r} somewhere; use one of {', '.join(KINDS)}")
    for what, part in (("", mean), ("the error of ", error)):
        if part.dtype.kind not in "biuf":
            raise ValueError(f"prediction: {what}{name!r} holds {part.dtype}, not real numbers")
    if not np.all(np.isfinite(error) & (error >= 0)):
        raise ValueError(f"prediction: the error of {name!r} is not finite and >= 0 everywhere; it is a standard error")
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"samples: {name!r} holds {values.dtype}, not real numbers; judge real and imaginary part by themselves"
        )
    return Prediction(mean, kind, error)


def _aligned(name: str, given: Any, values: xr.DataArray) -> xr.DataArray:
    """Of a prediction, for exactly the points of the samples: anything else is refused, never dropped in silence."""
    means = values.isel(seed=0, drop=True)
    if isinstance(given, xr.Dataset):
        raise ValueError(f"prediction: {name!r} is a dataset; pass the dataset itself, or an array for each metric")
    if not isinstance(given, xr.DataArray):
        if np.ndim(given) and np.shape(given) != means.shape:
            raise ValueError(f"prediction: {name!r} has shape {np.shape(given)}, the means have {means.shape} {means.dims}")
        return means.copy(data=np.broadcast_to(np.asarray(given), means.shape))
    if extra := [d for d in given.dims if d not in means.dims]:
        raise ValueError(f"prediction: {name!r} has a dimension {extra[0]!r} that the samples lack; they have {means.dims}")
    try:
        chosen = {d: means[d] for d in given.dims if d in given.coords and d in means.coords}
        return given.sel(chosen).broadcast_like(means).transpose(*means.dims)
    except Exception as error:  # pandas and xarray have many names for a bad index
        raise ValueError(f"prediction: {name!r} does not fit the points of the samples: {error}") from error


def _check_finite(expected: dict[str, Prediction]) -> None:
    """Refuse theories that were to say something and say NaN everywhere."""
    said = [p.mean.values[p.kind.values != "none"] for p in expected.values()]
    if sum(map(np.size, said)) and all(np.isnan(values).all() for values in said):
        raise ValueError(
            f"prediction: no prediction of {', '.join(expected)} is finite; look for the cause, or give the kind 'none'"
            " to what theory does not cover"
        )


def _limit(seen: Collection[kinds.Test], level: float) -> float:
    """The |z| that any of all tests exceeds by chance with probability ``level`` at most."""
    tests = sum(int(np.sum(test.at)) for test in seen)
    return float(stats.norm.isf(level / (2 * max(tests, 1))))


def _judge(metric: Metric, values: xr.DataArray, expected: Prediction, ladder: str) -> tuple[xr.Dataset, kinds.Test]:
    """The points of one metric, the ladder first, and what the test of each looked at."""
    order = sorted(expected.mean.dims, key=lambda name: name != ladder)
    grown = [ladder] if ladder in expected.mean.coords and ladder in order else []
    known, kind, doubt = (p.transpose(*order).sortby(grown) for p in (expected.mean, expected.kind, expected.error))
    seeds = values.transpose("seed", *order).sortby(grown).astype(float)
    seeds = seeds.where(np.isfinite(seeds))
    count, mean = seeds.notnull().sum("seed"), seeds.mean("seed")
    low, high = seeds.min("seed"), seeds.max("seed")
    spread = count.values, seeds.std("seed", ddof=1).values, low.values, high.values
    se = known.copy(data=np.where(count.values > 1, kinds.standard_error(*spread), np.nan))
    found = dict(mean=mean, se=se, median=seeds.median("seed"), low=low, high=high, prediction=known, kind=kind)
    sample = kinds.Sample(
        seeds.values,
        count.values,
        mean.values,
        se.values,
        low.values,
        high.values,
        skewness((seeds - mean).values, count.values),
        _round_off(values.dtype),
    )
    sizes = _sizes(known, ladder) if ladder in order and known.sizes[ladder] > 1 and np.any(kind == "limit") else None
    joint = sizes is not None and values.dims.index(ladder) > values.dims.index("seed")
    seen = _tested(metric, sample, known.values, kind.values, doubt.values, sizes, joint)
    reason = _reasons(metric, sample.count, known.values, kind.values, seen.at, sizes is not None)
    for name, array in dict(z=np.where(seen.at, seen.z, np.nan), judged=seen.at, reason=reason).items():
        found[name] = known.copy(data=array)
    return xr.Dataset(found), seen


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


def _reasons(metric: Metric, count, known, kind, judged, climbed: bool):
    """Why a point is not judged: a key of ``REASONS``, "" where it is."""
    asymptotic, tail, silent = kind == "limit", kind == "tail", kind == "none"
    carried = asymptotic & np.any(judged & asymptotic, axis=0) if climbed else np.zeros_like(judged)
    applies = dict(
        silent=silent & np.isnan(known),
        fixed=silent,
        nan=np.isnan(known),
        infinite=tail & np.isinf(known),
        range=tail & (count < kinds.TAIL_SEEDS),
        seeds=~tail & (count < metric.seeds),
        rung=carried,
        several=asymptotic,
    )
    assert set(applies) == set(REASONS)
    return np.where(judged, "", np.select(list(applies.values()), list(applies), ""))


def _measured(metric: Metric, points: xr.Dataset, seen: kinds.Test, limit: float) -> xr.Dataset:
    """The points with their gaps, and with the error of theory, in the same measure, that each test would have shown."""
    known: xr.DataArray = points["prediction"].where(np.isfinite(points["prediction"]))
    tested = detectable(limit, seen.freedom, seen.skew, seen.doubt) * seen.error + seen.allowance
    outside = np.maximum((points["high"] - known).values, (known - points["low"]).values)
    far = known.copy(data=np.where(seen.at, np.where(points["kind"].values == "tail", outside, tested), np.nan))
    noise = SIZED * points["se"].fillna(0.0)
    if metric.scale == "logarithm":
        return points.assign(gap=np.expm1((points["mean"] - known).where(noise < 1)), resolution=np.expm1(far))
    size, wide = abs(known), ROUND_OFF * (points["high"] - points["low"])
    gap = points["mean"] / known.where(size > np.maximum(noise, wide)) - 1
    return points.assign(gap=gap, resolution=far / size.where(size > wide))
