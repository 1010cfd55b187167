"""From a problem to theory's numbers for the metrics of its samples.

Coordinates ``width`` and ``kept`` are counts when they are integers, fractions of n when they are floats.
A prediction is a dataset: ``metric`` holds the predicted means (NaN: none), ``metric_kind`` how to judge them:
"exact" at this size, "limit" for asymptotic theory with a gap O(1/n), "tail" where the mean, or the standard
error of a sample mean, does not exist.
"""

import functools
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
Predictor = Callable[[dict[str, Any]], Value]


def predict(make: Callable[..., Any], samples: xr.Dataset) -> xr.Dataset | None:
    """Predictions for every metric of ``samples`` that theory knows, or None when it knows none.

    ``make`` is the experiment's: grid point -> problem.
    """
    axes = [str(name) for name in samples["nonfinite"].dims]
    grid = [dict(zip(axes, v, strict=True)) for v in itertools.product(*(samples[a].values.tolist() for a in axes))]
    predictors = [_predictors(make(**point)) for point in grid]
    known = [str(name) for name in samples.data_vars if predictors and name in predictors[0]]
    if not known:
        return None
    result = xr.Dataset()
    for name in known:
        dims = [str(d) for d in samples[name].dims if d != "seed"]
        inner = [d for d in dims if d not in axes]
        coords = {d: samples[d].values for d in dims}
        places = [dict(zip(inner, v, strict=True)) for v in itertools.product(*(coords[d].tolist() for d in inner))]
        values = [predictor[name](place) for predictor in predictors for place in places]
        shape = [len(coords[d]) for d in [*axes, *inner]]
        for key, data in ((name, [v.value for v in values]), (f"{name}_kind", [v.kind for v in values])):
            result[key] = xr.DataArray(np.reshape(data, shape), coords=coords, dims=[*axes, *inner])
    return result


@functools.singledispatch
def _predictors(problem: Any) -> dict[str, Predictor]:
    """Metric -> prediction at an inner point. Register a problem type here to give it theory lines."""
    return {}


@_predictors.register
def _(problem: LinearGaussian) -> dict[str, Predictor]:
    if problem.basis is not None:
        return {}
    lens = _Lens(problem)
    return {
        "risk": lens.dense,
        "train_error": lens.train_error,
        "pruned_risk": lens.pruned,
        "retrained_same": functools.partial(lens.retrained, "same"),
        "retrained_fresh": functools.partial(lens.retrained, "fresh"),
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
        """The reduced problem, the kept count and the rule of a place; a count above the width keeps all."""
        reduced = self._reduced(self._count(place["width"]))
        kept = min(self._count(place.get("kept", 0)), len(reduced[0]))
        rule = place.get("rule", "magnitude")
        return reduced, kept, "hessian" if rule == "empirical_hessian" else rule

    def _heavy(self, size: Any) -> bool:
        return abs(size - self._n) <= TAIL and self._problem.noise > 0

    def dense(self, place: dict[str, Any]) -> Value:
        reduced, _, _ = self._model(place)
        eigs, _, _, n = reduced
        kind = "tail" if self._heavy(np.count_nonzero(eigs)) else "exact" if theory.finite_risk_exists(eigs, n) else "limit"
        return Value(theory.finite_risk(*reduced) if kind == "exact" else theory.risk(*reduced), kind)

    def train_error(self, place: dict[str, Any]) -> Value:
        eigs, _, noise, n = self._reduced(self._count(place["width"]))
        rank = np.count_nonzero(eigs)
        return Value(noise**2 * (1 - rank / n), "exact") if rank < n else NONE

    def pruned(self, place: dict[str, Any]) -> Value:
        reduced, kept, rule = self._model(place)
        eigs, _, _, n = reduced
        if self._heavy(np.count_nonzero(eigs)) and kept:
            return Value(theory.pruned_risk(*reduced, kept, rule), "tail")
        if theory.finite_risk_exists(eigs, n, kept, rule):
            return Value(theory.finite_risk(*reduced, kept, rule), "exact")
        return Value(theory.pruned_risk(*reduced, kept, rule), "limit")

    def retrained(self, sample: str, place: dict[str, Any]) -> Value:
        reduced, kept, rule = self._model(place)
        eigs, _, _, n = reduced
        size = min(kept, np.count_nonzero(eigs))
        if size == n:
            return Value(np.inf, "tail")
        if self._heavy(size):
            return Value(theory.retrained_risk(*reduced, kept, rule, sample), "tail")
        if theory.finite_risk_exists(eigs, n, kept, rule, retrained=True):
            return Value(theory.finite_risk(*reduced, kept, rule, retrained=True), "exact")
        value = theory.retrained_risk(*reduced, kept, rule, sample)
        return Value(value, "limit" if np.isfinite(value) else "tail")
