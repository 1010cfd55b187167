"""From a problem to theory's numbers for the metrics of its samples.

Metrics are known by name, for each type of problem, which declares them, and only where every inner axis is one that theory
understands. A metric of another name, or with another axis, is left alone.
"""

import functools
import inspect
import itertools
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from jaxprune.contracts import Prediction, check_make


class Value(NamedTuple):
    """One predicted mean, how to judge it, and its standard error where it is itself an average of draws."""

    value: float
    kind: str
    error: float = 0.0


class Predictor(NamedTuple):
    """The prediction of one metric: inner coordinates -> value, the inner axes that it needs, and others it allows."""

    value: Callable[[dict[str, Any]], Value]
    needs: Collection[str] = ()
    allows: Collection[str] = ()

    def knows(self, inner: Collection[str], also: Collection[str]) -> bool:
        """Whether it understands every inner axis, and finds those it needs, among them scalar coordinates ``also``."""
        return {*self.needs} <= {*inner, *also} and {*inner} <= {*self.needs, *self.allows}


NONE = Value(np.nan, "none")
UNKNOWN = Predictor(lambda place: NONE)


@functools.singledispatch
def predictors(problem: Any) -> dict[str, Predictor]:
    """What theory knows of a problem. Register a problem type here to give it theory lines.

    Args:
        problem: Any problem; a type that is not registered has no theory.

    Returns:
        Metric -> ``Predictor``.
    """
    return {}


def predict(make: Callable[..., Any], samples: xr.Dataset) -> dict[str, Prediction] | None:
    """Predictions for every metric of samples that theory knows.

    Args:
        make: The experiment's function, grid point -> problem.
        samples: Its samples, as ``run`` returns them; what a selection has left as scalar coordinates is known too.

    Returns:
        Metric -> ``Prediction``, of arrays over the points of the metric; None where theory knows none of the metrics.

    Raises:
        ValueError: Where ``make`` does not take the axes of the samples.
    """
    result = {}
    parameters = inspect.signature(make).parameters
    scalars = {str(name): c.item() for name, c in samples.coords.items() if c.ndim == 0}  # left over from a selection
    fixed = {name: value for name, value in scalars.items() if name in parameters}
    known: dict[tuple, dict[str, Predictor]] = {}
    for name, values in samples.data_vars.items():
        if "seed" not in values.dims:
            continue
        split = values.dims.index("seed")
        axes, inner = [str(d) for d in values.dims[:split]], [str(d) for d in values.dims[split + 1 :]]
        coords = {d: samples[d].values for d in (*axes, *inner)}
        found = []
        for point in _places(coords, axes):
            if (key := tuple(point.items())) not in known:
                known[key] = predictors(_made(make, {**fixed, **point}))
            predictor = known[key].get(str(name), UNKNOWN)
            value = predictor.value if predictor.knows(inner, scalars) else UNKNOWN.value
            found += [value({**scalars, **place}) for place in _places(coords, inner)]
        if all(v.kind == "none" and np.isnan(v.value) for v in found):
            continue
        shape = [len(coords[d]) for d in coords]
        parts = [xr.DataArray(np.reshape(part, shape), coords, list(coords)) for part in zip(*found, strict=True)]
        result[str(name)] = Prediction(*parts)
    return result or None


def _made(make: Callable[..., Any], point: dict[str, Any]) -> Any:
    check_make(make, point, "the samples have the axes", "give the function of the experiment that made them")
    return make(**point)


def _places(coords: dict[str, np.ndarray], names: list[str]) -> list[dict[str, Any]]:
    return [dict(zip(names, v, strict=True)) for v in itertools.product(*(coords[name].tolist() for name in names))]
