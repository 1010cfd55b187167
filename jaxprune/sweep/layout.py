"""The files of a store: laid out at once, enlarged without moving a chunk, replaced whole."""

import contextlib
import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from jaxprune.sweep.experiment import Experiment
from jaxprune.sweep.origin import describe_run


def create(path: Path, experiment: Experiment, root: int, metrics: Mapping, dims: Mapping) -> None:
    """Lay the store out beside its place and rename it: a half-made layout never carries the final name."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "receipts").mkdir(parents=True)
    asked = request(experiment)
    axes, grid = asked["axes"], (*experiment.shape, experiment.blocks * experiment.block)
    group = zarr.open_group(beside / "data.zarr", mode="w", zarr_format=3)
    for name, shape in metrics.items():
        group.create_array(
            name,
            shape=(*grid, *shape.shape),
            chunks=(*(1 for _ in axes), experiment.block, *(max(s, 1) for s in shape.shape)),
            dtype=shape.dtype,
            fill_value=np.nan if np.issubdtype(shape.dtype, np.floating) else 0,
            compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle"),
            dimension_names=[*axes, "seed", *dims[name]],
        )
    coordinates(group, {**axes, **(experiment.inner or {}), "seed": range(grid[-1])})
    layout = dict(asked, asked=[asked], dims={name: list(dims[name]) for name in metrics})
    layout["definition"] = experiment.definition(root)
    replace(beside / "run.json", {**describe_run(experiment, root), **layout})
    if path.exists() and not any(path.iterdir()):
        path.rmdir()
    if path.exists():
        raise ValueError(f"store: {path} exists and holds no samples; choose another folder (store=, or --out), or remove it")
    os.rename(beside, path)


def request(experiment: Experiment) -> dict[str, Any]:
    """What a run asks for: the values of its axes and the blocks of seeds."""
    return dict(axes={name: list(values) for name, values in experiment.axes.items()}, blocks=experiment.blocks)


def covers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether ``one`` asks for all that ``other`` does."""
    within = all(set(values) <= set(one["axes"][name]) for name, values in other["axes"].items())
    return within and other["blocks"] <= one["blocks"]


def grow(path: Path, metrics: Iterable[str], axes: Mapping[str, Sequence], seeds: int) -> None:
    """Arrays and coordinates follow the extents of the grid, also when an earlier extension was killed in between."""
    group = zarr.open_group(path / "data.zarr", mode="r+")
    grid = (*(len(values) for values in axes.values()), seeds)
    for name in metrics:
        array: Any = group[name]
        if array.shape[: len(grid)] != grid:
            array.resize((*grid, *array.shape[len(grid) :]))
    coordinates(group, {**axes, "seed": range(seeds)})


def coordinates(group, axes: Mapping) -> None:
    """For readers of the bare Zarr store; ours go by run.json."""
    for name, values in axes.items():
        if name in group and group[name].shape == (len(values),) and list(group[name][...]) == list(values):
            continue
        words = isinstance(values[0], str)
        data = np.asarray(values, dtype=np.dtypes.StringDType() if words else None)
        array = group.create_array(
            name, shape=data.shape, dtype="string" if words else data.dtype, dimension_names=[name], overwrite=True
        )
        array[...] = data


def checksum(path: Path) -> tuple[int, int]:
    """CRC and length of a file."""
    blob = path.read_bytes()
    return zlib.crc32(blob), len(blob)


def replace(path: Path, value: Any) -> None:
    """A JSON file: the old one or the new one is there whenever the process is killed."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(beside, "w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


@contextlib.contextmanager
def locked(path: Path):
    """Only one process lays out or resizes; the lock goes with the process."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
