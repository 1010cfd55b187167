"""From a problem to theory's numbers for the metrics of its samples.

Metrics are known by name, for each type of problem (see ``_predictors``), and only where every inner axis is one
that theory understands: ``width`` and ``kept`` (counts when they are integers, fractions of n when they are
floats), ``rule`` and ``ridge``. A metric of another name, or with another axis, is left alone.
A prediction is a dataset: ``metric`` holds the predicted means (NaN: none), ``metric_kind`` how to judge them:
"exact" at this size, "limit" for asymptotic theory with a gap O(1/n), "tail" where the mean, or the standard
error of a sample mean, does not exist, "none" where nothing can be judged: asymptotic theory of fixed counts.
"""

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from jaxprune.problems import LinearGaussian
from jaxprune.theory import correlated, sampled
from jaxprune.theory import least_squares as diagonal

# Moments of order k of the risk exist for |p - n| > 2k - 1; a trustworthy standard error needs the fourth.
TAIL = 7
DRAWS = 400  # of the Gaussian law, where coefficients are correlated


class Value(NamedTuple):
    """One predicted mean, how to judge it, and its standard error where it is itself an average of draws."""

    value: float
    kind: str
    error: float = 0.0


NONE = Value(np.nan, "none")
UNDERSTOOD = {"width", "kept", "rule", "ridge"}
Predictor = tuple[set[str], Callable[[dict[str, Any]], Value]]  # the inner axes it needs, and place -> value
UNKNOWN: Predictor = ({""}, lambda place: NONE)


def predict(make: Callable[..., Any], samples: xr.Dataset) -> xr.Dataset | None:
    """Predictions for every metric of ``samples`` that theory knows, or None when it knows none.

    ``make`` is the experiment's: grid point -> problem.
    """
    result = xr.Dataset()
    parameters = inspect.signature(make).parameters
    scalars = {str(name): c.item() for name, c in samples.coords.items() if c.ndim == 0}  # left over from a selection
    fixed = {name: value for name, value in scalars.items() if name in parameters}
    also = {name: value for name, value in scalars.items() if name in UNDERSTOOD}
    predictors: dict[tuple, dict[str, Predictor]] = {}
    for name, values in samples.data_vars.items():
        if "seed" not in values.dims:
            continue
        split = values.dims.index("seed")
        axes, inner = [str(d) for d in values.dims[:split]], [str(d) for d in values.dims[split + 1 :]]
        if not set(inner) <= UNDERSTOOD:
            continue
        coords = {d: samples[d].values for d in (*axes, *inner)}
        found = []
        for point in _places(coords, axes):
            if (key := tuple(point.items())) not in predictors:
                predictors[key] = _predictors(make(**{**fixed, **point}))
            needs, predictor = predictors[key].get(str(name), UNKNOWN)
            known = needs <= {*inner, *also}
            found += [predictor({**also, **place}) if known else NONE for place in _places(coords, inner)]
        if all(v.kind == "none" for v in found):
            continue
        shape = [len(coords[d]) for d in coords]
        parts = {name: [v.value for v in found], f"{name}_kind": [v.kind for v in found]}
        if any(v.error for v in found):
            parts[f"{name}_error"] = [v.error for v in found]
        for key, data in parts.items():
            result[key] = xr.DataArray(np.reshape(data, shape), coords=coords, dims=list(coords))
    return result if result.data_vars else None


def _places(coords: dict[str, np.ndarray], names: list[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, v, strict=True)) for v in itertools.product(*(coords[name].tolist() for name in names))]


def covariance(problem: LinearGaussian) -> np.ndarray:
    """The covariance (d, d) of a problem with a ``basis``, as ``theory.correlated`` takes it: NumPy, float64."""
    basis = np.asarray(problem.basis, float)
    return (basis * np.asarray(problem.eigs, float)) @ basis.T


@functools.singledispatch
def _predictors(problem: Any) -> dict[str, Predictor]:
    """Metric -> what it needs, and its prediction. Register a problem type here to give it theory lines."""
    return {}


@_predictors.register
def _(problem: LinearGaussian) -> dict[str, Predictor]:
    lens = _Lens(problem)
    dense, sparse = {"width"}, {"width", "rule", "kept"}
    return {
        "risk": (dense, lens.dense),
        "train_error": (dense, lens.train_error),
        "pruned_risk": (sparse, lens.pruned),
        "retrained_same": (sparse, functools.partial(lens.retrained, "same")),
        "retrained_fresh": (sparse, functools.partial(lens.retrained, "fresh")),
    }


class _Lens:
    """The theory of one linear Gaussian problem at any width."""

    def __init__(self, problem: LinearGaussian):
        self._theory: Any = diagonal if problem.basis is None else correlated
        self._features = np.asarray(problem.eigs, float) if problem.basis is None else covariance(problem)
        self._teacher, self._noise, self._n = np.asarray(problem.teacher, float), float(problem.noise), problem.n
        self._reduced = functools.lru_cache(maxsize=None)(self._reduce)

    def _reduce(self, width: int) -> tuple[tuple[Any, Any, Any, int], int]:
        reduced = self._theory.reduce(self._features, self._teacher, self._noise, width)
        spectrum = reduced[0] if self._theory is diagonal else correlated.spectral(*reduced[:2]).eigs
        return (*reduced, self._n), int(np.count_nonzero(spectrum))

    def _count(self, value: Any) -> int:
        return round(value * self._n) if isinstance(value, float) else int(value)

    def _model(self, place: dict[str, Any]) -> tuple[tuple[Any, Any, Any, int], int, int, str, float]:
        """The reduced problem and its rank, the kept count, the rule and the ridge of a place; a count above the width
        keeps all."""
        reduced, rank = self._reduced(self._count(place["width"]))
        kept = min(self._count(place.get("kept", 0)), len(reduced[1]))
        rule = place.get("rule", "")
        return reduced, rank, kept, "hessian" if rule == "empirical_hessian" else rule, float(place.get("ridge", 0.0))

    def _heavy(self, size: Any, noise: float, ridge: float = 0.0) -> bool:
        return abs(size - self._n) <= TAIL and noise > 0 and ridge == 0

    def _limit(self, place: dict[str, Any]) -> str:
        """A ladder of n needs models that grow with n: widths and kept counts that are fractions of it."""
        return "limit" if all(isinstance(place[name], float) for name in ("width", "kept") if name in place) else "none"

    def dense(self, place: dict[str, Any]) -> Value:
        reduced, rank, _, _, ridge = self._model(place)
        if self._heavy(rank, reduced[2], ridge):
            return Value(self._theory.risk(*reduced), "tail")
        if ridge == 0 and self._theory.finite_risk_exists(reduced[0], self._n):
            return Value(self._theory.finite_risk(*reduced), "exact")
        return Value(self._theory.risk(*reduced, ridge), self._limit(place))

    def train_error(self, place: dict[str, Any]) -> Value:
        reduced, rank, _, _, ridge = self._model(place)
        return Value(reduced[2] ** 2 * (1 - rank / self._n), "exact") if rank < self._n and ridge == 0 else NONE

    def pruned(self, place: dict[str, Any]) -> Value:
        reduced, rank, kept, rule, ridge = self._model(place)
        if rule not in diagonal.RULES:
            return NONE
        if self._heavy(rank, reduced[2], ridge) and kept:
            return Value(self._theory.pruned_risk(*reduced, kept, rule), "tail")
        if ridge == 0 and self._theory.finite_risk_exists(reduced[0], self._n, kept, rule):
            return Value(self._theory.finite_risk(*reduced, kept, rule), "exact")
        if self._theory is correlated and rule in diagonal.BY_FIT:
            found = sampled.pruned_risk(*reduced, kept, rule, ridge, draws=DRAWS, seed=0)
            return Value(float(found.value), self._limit(place), float(found.error))
        return Value(self._theory.pruned_risk(*reduced, kept, rule, ridge), self._limit(place))

    def retrained(self, sample: str, place: dict[str, Any]) -> Value:
        reduced, rank, kept, rule, ridge = self._model(place)
        if rule not in diagonal.RULES:
            return NONE
        size = min(kept, rank)
        if size == self._n:
            return Value(np.inf, "tail")
        heavy = size > 0 and self._heavy(size, reduced[2])
        if self._theory.finite_risk_exists(reduced[0], self._n, kept, rule, retrained=True) and not heavy:
            return Value(self._theory.finite_risk(*reduced, kept, rule, retrained=True), "exact")
        if self._theory is diagonal:
            value, error = diagonal.retrained_risk(*reduced, kept, rule, sample, ridge), 0.0
        elif rule in diagonal.BY_FIT and (sample == "same" or np.isinf(correlated.risk(*reduced, ridge))):
            return NONE
        else:
            found = sampled.retrained_risk(*reduced, kept, rule, sample, ridge, draws=DRAWS, seed=0)
            value, error = float(found.value), float(found.error)
        return Value(value, self._limit(place) if np.isfinite(value) and not heavy else "tail", error)
