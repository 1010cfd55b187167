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
from jaxprune.theory import least_squares as theory

# Moments of order k of the risk exist for |p - n| > 2k - 1; a trustworthy standard error needs the fourth.
TAIL = 7


class Value(NamedTuple):
    """One predicted mean and how to judge it."""

    value: float
    kind: str


NONE = Value(np.nan, "none")
UNDERSTOOD = {"width", "kept", "rule", "ridge"}
Predictor = tuple[set[str], Callable[[dict[str, Any]], Value]]  # the inner axes it needs, and place -> value


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
            needs, predictor = predictors[key].get(str(name), ({""}, lambda place: NONE))
            known = needs <= {*inner, *also}
            found += [predictor({**also, **place}) if known else NONE for place in _places(coords, inner)]
        if all(v.kind == "none" for v in found):
            continue
        shape = [len(coords[d]) for d in coords]
        for key, data in ((name, [v.value for v in found]), (f"{name}_kind", [v.kind for v in found])):
            result[key] = xr.DataArray(np.reshape(data, shape), coords=coords, dims=list(coords))
    return result if result.data_vars else None


def _places(coords: dict[str, np.ndarray], names: list[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, v, strict=True)) for v in itertools.product(*(coords[name].tolist() for name in names))]


@functools.singledispatch
def _predictors(problem: Any) -> dict[str, Predictor]:
    """Metric -> what it needs, and its prediction. Register a problem type here to give it theory lines."""
    return {}


@_predictors.register
def _(problem: LinearGaussian) -> dict[str, Predictor]:
    if problem.basis is not None:
        return {}
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
    """The theory of one linear Gaussian problem with diagonal covariance, at any width."""

    def __init__(self, problem: LinearGaussian):
        self._problem, self._n = problem, problem.n
        self._reduced = functools.lru_cache(maxsize=None)(self._reduce)

    def _reduce(self, width: int):
        triple = (np.asarray(self._problem.eigs), np.asarray(self._problem.teacher), float(self._problem.noise))
        eigs, teacher, noise = theory.reduce(*triple, width)
        return eigs, teacher, noise, self._n

    def _count(self, value: Any) -> int:
        return round(value * self._n) if isinstance(value, float) else int(value)

    def _model(self, place: dict[str, Any]):
        """The reduced problem, the kept count, the rule and the ridge of a place; a count above the width keeps all."""
        reduced = self._reduced(self._count(place["width"]))
        kept = min(self._count(place.get("kept", 0)), len(reduced[0]))
        rule = place.get("rule", "")
        return reduced, kept, "hessian" if rule == "empirical_hessian" else rule, float(place.get("ridge", 0.0))

    def _heavy(self, size: Any, noise: float, ridge: float = 0.0) -> bool:
        return abs(size - self._n) <= TAIL and noise > 0 and ridge == 0

    def _limit(self, place: dict[str, Any]) -> str:
        """A ladder of n needs models that grow with n: widths and kept counts that are fractions of it."""
        return "limit" if all(isinstance(place[name], float) for name in ("width", "kept") if name in place) else "none"

    def dense(self, place: dict[str, Any]) -> Value:
        reduced, _, _, ridge = self._model(place)
        eigs, _, noise, n = reduced
        if self._heavy(np.count_nonzero(eigs), noise, ridge):
            return Value(theory.risk(*reduced), "tail")
        if ridge == 0 and theory.finite_risk_exists(eigs, n):
            return Value(theory.finite_risk(*reduced), "exact")
        return Value(theory.risk(*reduced, ridge), self._limit(place))

    def train_error(self, place: dict[str, Any]) -> Value:
        (eigs, _, noise, n), _, _, ridge = self._model(place)
        rank = np.count_nonzero(eigs)
        return Value(noise**2 * (1 - rank / n), "exact") if rank < n and ridge == 0 else NONE

    def pruned(self, place: dict[str, Any]) -> Value:
        reduced, kept, rule, ridge = self._model(place)
        eigs, _, noise, n = reduced
        if rule not in theory.RULES:
            return NONE
        if self._heavy(np.count_nonzero(eigs), noise, ridge) and kept:
            return Value(theory.pruned_risk(*reduced, kept, rule), "tail")
        if ridge == 0 and theory.finite_risk_exists(eigs, n, kept, rule):
            return Value(theory.finite_risk(*reduced, kept, rule), "exact")
        return Value(theory.pruned_risk(*reduced, kept, rule, ridge), self._limit(place))

    def retrained(self, sample: str, place: dict[str, Any]) -> Value:
        reduced, kept, rule, ridge = self._model(place)
        eigs, _, _, n = reduced
        if rule not in theory.RULES:
            return NONE
        size = min(kept, np.count_nonzero(eigs))
        if size == n:
            return Value(np.inf, "tail")
        if theory.finite_risk_exists(eigs, n, kept, rule, retrained=True) and not self._heavy(size, reduced[2]):
            return Value(theory.finite_risk(*reduced, kept, rule, retrained=True), "exact")
        value = theory.retrained_risk(*reduced, kept, rule, sample, ridge)
        return Value(value, self._limit(place) if np.isfinite(value) and not self._heavy(size, reduced[2]) else "tail")
