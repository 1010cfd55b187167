"""Samples kept in memory: the face of a store, without its promises."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.sweep.experiment import Coordinate, Experiment
from jaxprune.sweep.fingerprint import summary
from jaxprune.sweep.origin import describe_run
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.reading import nonfinite
from jaxprune.sweep.store import task_label


class Memory:
    """Arrays metric[axes..., seed, inner...], filled task by task."""

    def __init__(self, experiment: Experiment, root: int, prepared: Prepared, dims: Mapping):
        self._experiment, self._root, self._dims, metrics = experiment, root, dims, prepared.metrics
        grid = (*experiment.shape, experiment.blocks * experiment.block)
        empty = {name: np.nan if np.issubdtype(m.dtype, np.floating) else 0 for name, m in metrics.items()}
        self._arrays = {name: np.full((*grid, *m.shape), empty[name], m.dtype) for name, m in metrics.items()}
        self._outcomes: list[tuple[dict[str, Coordinate], dict[str, Any]]] = []

    def done(self) -> set:
        """Nothing: every run starts afresh."""
        return set()

    def chunk(self, point: Mapping[str, Coordinate], block: int) -> tuple[int, ...]:
        """Where a task lives."""
        return (*(values.index(point[name]) for name, values in self._experiment.axes.items()), block)  # type: ignore[attr-defined]

    def label(self, chunk: tuple[int, ...]) -> str:
        """A task in words."""
        return task_label(self._experiment.axes, self._experiment.block, chunk)

    def write(self, chunk: tuple[int, ...], outcome: Mapping[str, Any]) -> None:
        """One task."""
        size = self._experiment.block
        seeds = slice(chunk[-1] * size, (chunk[-1] + 1) * size)
        for name, values in outcome["metrics"].items():
            self._arrays[name][(*chunk[:-1], seeds)] = values
        point = {name: values[i] for (name, values), i in zip(self._experiment.axes.items(), chunk, strict=False)}
        self._outcomes.append((point, {name: value for name, value in outcome.items() if name != "metrics"}))

    def read(self, experiment: Experiment) -> xr.Dataset:
        """The samples, less the spare seeds of the last block."""
        axes = experiment.axes
        variables = {name: ([*axes, "seed", *self._dims[name]], values) for name, values in self._arrays.items()}
        coords = {**axes, **(experiment.inner or {}), "seed": range(experiment.blocks * experiment.block)}
        data = xr.Dataset(variables, {name: list(values) for name, values in coords.items()})
        data = data.isel(seed=slice(0, experiment.seeds))
        data["nonfinite"] = nonfinite(data, list(axes))
        data.attrs = describe_run(experiment, self._root) | summary(self._outcomes, experiment.definition(self._root))
        data.attrs["missing"] = 0
        return data
