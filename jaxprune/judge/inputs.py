"""What is handed to the judge, checked, and made ready: samples, and a prediction for each of their points."""

import difflib
import functools
import operator
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.contracts import KINDS, Certificate, Prediction

DONE = "done"  # of a store: which trials have been run
BESIDE = ("nonfinite", DONE)  # what stands beside the metrics


def check(samples: Any, prediction: Any, level: Any, ladder: str, allowed: Collection[str]) -> None:
    """Refuse what cannot be judged, naming the argument."""
    if not isinstance(level, int | float | np.number) or not 0 < level < 1:
        raise ValueError(f"level: {level} is not a probability inside (0, 1)")
    _check_samples(samples)
    if trials := _undone(samples):
        raise ValueError(
            f"samples: {trials} trials have not been run, which is not the same as non-finite; finish the run, or read what is"
            " complete: Store(folder).read(experiment), with experiment.resized(...) for other values and seeds"
        )
    if prediction is None:
        raise ValueError(
            f"prediction: None, theory knows nothing of {metrics(samples)}; give your own numbers, such as"
            " {metric: array}, or {metric: Prediction(array, kind=...)} where they are not exact means"
        )
    if not isinstance(prediction, Mapping):
        raise ValueError(f"prediction: a {type(prediction).__name__}; give a mapping, {{metric: array}}")
    if ladder not in ("n", *samples.dims):
        raise ValueError(f"ladder: {ladder!r} is no axis of the samples, which have {tuple(samples.dims)}")
    if unknown := [name for name in allowed if name not in metrics(samples)]:
        raise ValueError(f"allow_nonfinite: {unknown[0]!r} is no metric of the samples, which are {metrics(samples)}")


def _check_samples(samples: Any) -> None:
    if not isinstance(samples, xr.Dataset):
        raise ValueError(f"samples: a {type(samples).__name__}; pass the dataset that run returns")
    if "seed" not in samples.dims:
        raise ValueError(f"samples: no dimension 'seed' among {tuple(samples.dims)}; keep raw values per seed")
    if empty := [name for name, size in samples.sizes.items() if size == 0]:
        raise ValueError(f"samples: the dimension {empty[0]!r} is empty; there is nothing to judge")
    for name, index in samples.indexes.items():
        if name in samples.dims and not index.is_unique:
            cure = "the same draws count once; number different draws apart" if name == "seed" else "keep one of each"
            raise ValueError(f"samples: {name}={index[index.duplicated()][0]} stands there more than once; {cure}")


def _undone(samples: xr.Dataset) -> int:
    """How many trials have not been run: a store tells, and in what was read from one they have no value at all."""
    if DONE in samples:
        return int((~samples[DONE].astype(bool)).sum())
    if not samples.attrs.get("missing", 0):
        return 0
    found = [samples[name] for name in metrics(samples)]
    grid = set.intersection(*(set(v.dims) for v in found))
    empty = [v.isnull().all([d for d in v.dims if d not in grid]) for v in found]
    return int(functools.reduce(operator.and_, empty).sum())


def metrics(samples: xr.Dataset) -> list[str]:
    """The names of what was measured for every seed."""
    return [str(name) for name in samples.data_vars if "seed" in samples[name].dims and name not in BESIDE]


def common(samples: xr.Dataset, given: Mapping[str, Any]) -> list[str]:
    """The metrics that are predicted, in the order of the samples; one that they lack is refused."""
    known = metrics(samples)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"prediction: {name!r} is no metric of the samples, which are {known}{hint}")
    if not given:
        raise ValueError(f"prediction: it is empty; give numbers for one of {known}")
    return [name for name in known if name in given]


def expected(name: str, given: Any, values: xr.DataArray) -> Prediction:
    """What is predicted at each point, how it is judged, and its standard error."""
    if isinstance(given, Certificate):
        raise ValueError(f"prediction: that of {name!r} is a certificate; hold its failures against it by judge.count_failures")
    whole = given if isinstance(given, Prediction) else Prediction(given)
    means = values.isel(seed=0, drop=True)
    mean, error = (_aligned(name, part, means, np.nan) for part in (whole.mean, whole.error))
    kind = _aligned(name, whole.kind, means, "none")
    if unknown := set(kind.values.ravel().tolist()) - set(KINDS):
        raise ValueError(f"prediction: the kind of {name!r} is {unknown.pop()!r} somewhere; use one of {', '.join(KINDS)}")
    for what, part in (("", mean), ("the error of ", error)):
        if part.dtype.kind not in "biuf":
            raise ValueError(f"prediction: {what}{name!r} holds {part.dtype}, not real numbers")
    error = error.where(mean.notnull(), 0.0)
    if not np.all(np.isfinite(error) & (error >= 0)):
        raise ValueError(f"prediction: the error of {name!r} is not finite and >= 0 everywhere; it is a standard error")
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"samples: {name!r} holds {values.dtype}, not real numbers; judge real and imaginary part by themselves"
        )
    return Prediction(mean, kind, error)


def _aligned(name: str, given: Any, means: xr.DataArray, hole: Any) -> xr.DataArray:
    """Of a prediction, for the points of the ``means``: it may hold more points by name, and lack none. ``hole`` stands where
    an array is masked."""
    if isinstance(given, xr.Dataset):
        raise ValueError(f"prediction: {name!r} is a dataset; pass the dataset itself, or an array for each metric")
    if isinstance(given, xr.DataArray):
        return means.copy(data=_picked(name, given, means))
    if isinstance(given, np.ma.MaskedArray):
        given = np.where(np.ma.getmaskarray(given), hole, given.data)
    if np.ndim(given) and np.shape(given) != means.shape:
        raise ValueError(f"prediction: {name!r} has shape {np.shape(given)}, the means have {means.shape} {means.dims}")
    return means.copy(data=np.broadcast_to(np.asarray(given), means.shape))


def _picked(name: str, given: xr.DataArray, means: xr.DataArray) -> np.ndarray:
    """The values of an array with names at the points of the means; positions, since xarray takes a list of truth values for a
    mask."""
    if extra := [d for d in given.dims if d not in means.dims]:
        raise ValueError(f"prediction: {name!r} has a dimension {extra[0]!r} that the samples lack; they have {means.dims}")
    for label in set(given.coords) & set(means.coords):
        there = means[label].values
        if given[label].ndim == 0 and not np.all(there == given[label].values):
            raise ValueError(f"prediction: {name!r} is of {label}={given[label].item()}, the samples are of {there}")
    places = {d: _places(name, str(d), given, means) for d in given.dims}
    return given.variable.isel(places).set_dims(dict(means.sizes)).transpose(*means.dims).values


def _places(name: str, dim: str, given: xr.DataArray, means: xr.DataArray) -> np.ndarray:
    """Where along a dimension of a prediction the points of the means stand."""
    here, wanted = given.indexes.get(dim), means.indexes.get(dim)
    fits = f"prediction: {name!r} does not fit the points of the samples"
    if here is None or wanted is None:
        if given.sizes[dim] != means.sizes[dim]:
            raise ValueError(f"{fits}: it has {given.sizes[dim]} along {dim!r}, they have {means.sizes[dim]}")
        return np.arange(means.sizes[dim])
    if not here.is_unique:
        raise ValueError(f"{fits}: {dim}={here[here.duplicated()][0]} stands there more than once")
    found = here.get_indexer(wanted)
    if np.any(found < 0):
        raise ValueError(f"{fits}: it lacks {dim}={wanted[found < 0][0]}")
    return found


def check_finite(expected: Mapping[str, Prediction]) -> None:
    """Refuse theories that were to say something and say NaN everywhere."""
    said = [p.mean.values[p.kind.values != "none"] for p in expected.values()]
    if sum(map(np.size, said)) and all(np.isnan(values).all() for values in said):
        raise ValueError(
            f"prediction: no prediction of {', '.join(expected)} is finite; look for the cause, or give the kind 'none'"
            " to what theory does not cover"
        )
