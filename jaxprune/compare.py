"""The judge: samples against a prediction.

Exact predictions are judged by Student's t, shown as the normal deviate z of the same probability. Asymptotic
ones have a gap O(1/n): where the samples hold several n, the gap is extrapolated to 1/n = 0 and must vanish there;
with a single n it cannot be told from an error, and the point is not judged. Where a mean or its standard error
does not exist, the prediction must lie within the range of at least 200 seeds. The level is that of the whole comparison.
"""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

ROUND_OFF = 1e-9
NOTHING = 1e-20  # as good as zero, where zero is predicted
KINDS = ("exact", "limit", "tail", "none")
TAIL_SEEDS = 200  # with fewer, a true mean may well lie outside the sample
FIELDS = ("mean", "se", "median", "low", "high", "prediction", "gap", "z", "resolution", "judged", "kind")


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcome. ``points``: metric -> dataset over grid and inner axes with the ``FIELDS``; ``limit``: the |z|
    that a point may reach; ``refused``: metrics with non-finite trials that nobody allowed."""

    points: Mapping[str, xr.Dataset]
    limit: float
    nonfinite: Mapping[str, int]
    refused: tuple[str, ...]

    @property
    def judged(self) -> int:
        """Number of tests made."""
        return int(sum(d["judged"].sum() for d in self.points.values()))

    @property
    def ok(self) -> bool:
        """Whether something was judged, nothing refused, and every test passed."""
        return self.judged > 0 and not self.refused and all(self.passes(name) for name in self.points)

    def passes(self, metric: str) -> bool:
        """Whether every test of one metric passed."""
        d = self.points[metric]
        return metric not in self.refused and not bool((~(abs(d["z"]) <= self.limit) & d["judged"]).any())

    def worst(self, count: int = 5) -> list[dict[str, Any]]:
        """The judged points with the largest |z|, worst first: metric, coordinates, mean, prediction, z, gap."""
        rows = []
        for name, d in self.points.items():
            where = np.argwhere(d["judged"].values)
            for index in where:
                place = {str(k): int(i) for k, i in zip(d["z"].dims, index, strict=True)}
                here = {str(k): v.item() for k, v in d.isel(place).coords.items()}
                values = {f: d[f].values[tuple(index)].item() for f in ("mean", "se", "prediction", "z", "gap")}
                rows.append(dict(metric=name, **here, **values))
        return sorted(rows, key=lambda r: -abs(r["z"]))[:count]

    def to_dataset(self) -> xr.Dataset:
        """Every field of every metric, as ``metric_field``."""
        return xr.merge([d.rename({f: f"{name}_{f}" for f in FIELDS}) for name, d in self.points.items()])

    def __str__(self) -> str:
        head = ("metric", "points", "judged", "worst |z|", "largest gap", "would detect", "non-finite", "verdict")
        rows = [head, *(self._row(name) for name in self.points)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths, strict=True)))
            for r in rows
        ]
        lines.insert(1, "  ".join("-" * w for w in widths))
        return "\n".join([*lines, f"|z| may reach {self.limit:.2f}. {self._sentence()}"])

    def _row(self, name: str) -> tuple[str, ...]:
        d = self.points[name]
        judged, predicted = d["judged"].values, np.isfinite(d["prediction"].values)
        z = np.max(np.abs(d["z"].values[judged]), initial=0.0)
        mean_exists = judged & predicted & (d["kind"].values != "tail")
        gaps = np.abs(d["gap"].values[mean_exists])
        known = gaps[np.isfinite(gaps)]  # not where zero, or infinity, is predicted
        sharp = d["resolution"].values[judged & np.isfinite(d["resolution"].values)]
        detect = f"{np.median(sharp):.1%}" if sharp.size else "-"
        verdict = "agree" if self.passes(name) else "REFUSED" if name in self.refused else "DISAGREE"
        verdict = verdict if judged.any() else "not judged"
        return (
            name,
            str(judged.size),
            str(int(judged.sum())),
            f"{z:.2f}" if judged.any() else "-",
            f"{np.max(known):.1%}" if known.size else "-",
            detect,
            str(self.nonfinite.get(name, 0)),
            verdict,
        )

    def _sentence(self) -> str:
        if self.refused:
            return (
                f"Refused: non-finite trials in {', '.join(self.refused)}; look at them, then allow them by name"
                " (allow_nonfinite)."
            )
        if not self.judged:
            return "Nothing was judged: asymptotic predictions need samples at several n, and every test at least 2 seeds."
        if not self.ok:
            return "Simulation and theory DISAGREE."
        missed = [name for name, d in self.points.items() if d["resolution"].notnull().any() and self._blunt(d)]
        if missed:
            return f"Simulation and theory agree. (Few seeds: an error of 10 % would have gone unseen in {', '.join(missed)}.)"
        return "Simulation and theory agree."

    @staticmethod
    def _blunt(points: xr.Dataset) -> bool:
        return bool(points["resolution"].median() > 0.1)


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

    Raises ValueError when nothing matches, or level is no probability.
    """
    if not 0 < level < 1:
        raise ValueError(f"level: {level} is not a probability inside (0, 1)")
    if "seed" not in samples.dims:
        raise ValueError(f"samples: no dimension 'seed' among {tuple(samples.dims)}; keep raw values per seed")
    if prediction is None:
        raise ValueError(
            f"prediction: None, theory knows nothing of {list(samples.data_vars)}; give your own numbers, such as"
            " {metric: array}, with metric_kind beside where they are not exact means"
        )
    samples = samples.load()
    predicted = _as_dataset(samples, prediction)
    names = [str(name) for name in samples.data_vars if name in predicted and "seed" in samples[name].dims]
    if not names:
        metrics = [str(name) for name in samples.data_vars if "seed" in samples[name].dims and name != "nonfinite"]
        raise ValueError(f"prediction: none of {[str(name) for name in prediction]} is a metric of the samples {metrics}")
    points, lost = {}, {}
    for name in names:
        values = samples[name]
        finite = np.isfinite(values)
        lost[name] = int((~finite).sum())
        expected = _aligned(name, predicted[name], values)
        kind = xr.full_like(expected, "exact", dtype="<U5")
        if f"{name}_kind" in predicted:
            kind = _aligned(f"{name}_kind", predicted[f"{name}_kind"], values)
            if unknown := set(np.unique(kind)) - set(KINDS):
                raise ValueError(f"prediction: {name}_kind is {unknown.pop()!r} somewhere; use one of {', '.join(KINDS)}")
        doubt = xr.zeros_like(expected)
        if f"{name}_error" in predicted:
            doubt = _aligned(f"{name}_error", predicted[f"{name}_error"], values)
        points[name] = _judge(values.where(finite), expected, doubt, kind, ladder)
    tests = sum(int(d["judged"].sum()) for d in points.values())
    limit = float(stats.norm.isf(level / (2 * max(tests, 1))))
    for d in points.values():
        scale = np.abs(d["prediction"])
        d["resolution"] = xr.where(d["judged"] & (scale > 0), limit * d["resolution"] / scale, np.nan)
    allowed = (allow_nonfinite,) if isinstance(allow_nonfinite, str) else tuple(allow_nonfinite)
    refused = tuple(name for name in names if lost[name] and name not in allowed)
    return Report(points, limit, lost, refused)


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


def _judge(values: xr.DataArray, expected: xr.DataArray, doubt: xr.DataArray, kind: xr.DataArray, ladder: str) -> xr.Dataset:
    """Statistics and deviates of one metric; ``doubt`` is the standard error of the prediction."""
    count = values.notnull().sum("seed")
    mean, median = values.mean("seed"), values.median("seed")
    se = values.std("seed", ddof=1) / np.sqrt(count)
    low, high = values.min("seed"), values.max("seed")
    order = mean.dims
    gap = mean / expected.where(np.isfinite(expected) & (expected != 0)) - 1
    z, error = xr.full_like(mean, np.nan), np.hypot(se, doubt)
    testable = (count >= 2) & expected.notnull()

    exact = testable & (kind == "exact")
    z = xr.where(exact, _deviate(mean - expected, error, count - 1, np.abs(expected)), z)

    slack = np.maximum(ROUND_OFF * np.abs(expected), NOTHING)
    within = (expected >= low - slack) & (expected <= high + slack)
    tail = (count >= TAIL_SEEDS) & np.isfinite(expected) & (kind == "tail")
    z = xr.where(tail, xr.where(within, 0.0, np.inf), z)

    judged = exact | tail
    infinite = testable & (kind == "limit") & np.isinf(expected)
    z, judged = xr.where(infinite, np.inf, z), judged | infinite
    limits = testable & (kind == "limit") & np.isfinite(expected)
    if ladder in mean.dims and mean.sizes[ladder] > 1:
        at, far, spread, freedom = _extrapolate(mean - expected, error, count, limits, ladder)
        z = xr.where(at, _deviate(far, spread, freedom, np.abs(expected)), z)
        error, judged = xr.where(at, spread, error), judged | at
    error = xr.where(tail, np.nan, error)
    fields = dict(mean=mean, se=se, median=median, low=low, high=high, prediction=expected, gap=gap, z=z)
    result = xr.Dataset({**fields, "resolution": error, "judged": judged, "kind": kind})
    return result.transpose(*order)


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
