"""Samples on disk: a Zarr v3 group that xarray opens, and one receipt per finished task.

DIR/run.json                 what the run is, and its digest
DIR/data.zarr/               metric[axes..., seed, inner...], one task = one chunk of each metric
DIR/receipts/2.0.5.json      written last: a task is done when its receipt exists and its checksums hold
"""

import contextlib
import datetime
import fcntl
import functools
import json
import operator
import os
import platform
import shutil
import subprocess
import warnings
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec

from jaxprune.sweep.experiment import Coordinate, Experiment

Chunk = tuple[int, ...]
SETTINGS = {"array.write_empty_chunks": True}  # an all-NaN chunk is a result too
LAYOUT = ("axes", "blocks", "dims", "definition")
DIFFERS = dict(code="the code of make or trial", axes="the axes or their types", inner="the inner axes", block="the block size")


class StoreError(OSError):
    """The folder cannot be read or written: it holds no samples, or the disk is full."""


class Store:
    """The folder of one experiment. ``dims``: the dimensions of each metric after the grid axes and ``seed``."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        if not (self.path / "run.json").is_file():
            raise StoreError(f"{self.path} holds no samples (no run.json)")
        try:
            self.run: dict[str, Any] = dict(json.loads((self.path / "run.json").read_text()))
            if not {*LAYOUT, "root", "block"} <= set(self.run):
                raise ValueError("it lacks entries")
        except (ValueError, TypeError) as error:
            raise StoreError(f"{self.path / 'run.json'} is damaged ({error}); remove the folder and run again") from error

    @classmethod
    def open(cls, path: str | Path, experiment: Experiment, root: int, metrics: Mapping, dims: Mapping) -> "Store":
        """Open or create the store of an experiment, enlarged to hold its grid and seeds.

        Raises StoreError when the folder holds another experiment, root, precision or block size.
        """
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent / f".{path.name}.lock"):
            if not (path / "run.json").exists():
                _create(path, experiment, root, metrics, dims)
            store = cls(path)
            store.check(experiment, root, metrics)
            store._extend(experiment)
        store._warn_of_changes()
        return store

    @property
    def axes(self) -> dict[str, list[Coordinate]]:
        """The grid held so far, in the order in which it was asked for."""
        return self.run["axes"]

    def chunk(self, point: Mapping[str, Coordinate], block: int) -> Chunk:
        """Where a task lives."""
        return (*(self.axes[name].index(point[name]) for name in self.axes), block)

    def label(self, chunk: Chunk) -> str:
        """A task in words."""
        return task_label(self.axes, self.run["block"], chunk)

    def missing(self) -> list[Chunk]:
        """Tasks of the store's extents that are not done."""
        done = self.done()
        return [chunk for chunk in self.expected() if chunk not in done]

    def expected(self) -> Iterator[Chunk]:
        """Every task of the store's extents."""
        return iter(np.ndindex(*(len(values) for values in self.axes.values()), self.run["blocks"]))

    def receipts(self) -> dict[Chunk, dict[str, Any]]:
        """The receipts of tasks within the extents; one that is unreadable or incomplete counts as absent."""
        found = {}
        shape = (*(len(v) for v in self.axes.values()), self.run["blocks"])
        for path in (self.path / "receipts").glob("*.json"):
            try:
                receipt = json.loads(path.read_text())
                chunk = tuple(int(i) for i in path.stem.split("."))
                whole = dict(receipt["chunks"]).keys() == self.run["dims"].keys() and {"seconds", "nonfinite"} <= set(receipt)
            except (ValueError, OSError, TypeError, KeyError):
                continue
            if whole and len(chunk) == len(shape) and all(i < size for i, size in zip(chunk, shape, strict=True)):
                found[chunk] = receipt
        return found

    def intact(self, chunk: Chunk, receipt: Mapping[str, Any]) -> bool:
        """Whether the chunks on disk are those that the receipt was written for."""
        try:
            return all(list(_checksum(self._file(name, chunk))) == sums for name, sums in receipt["chunks"].items())
        except OSError:
            return False

    def done(self) -> set[Chunk]:
        """Tasks with a receipt whose checksums hold."""
        return {chunk for chunk, receipt in self.receipts().items() if self.intact(chunk, receipt)}

    def write(self, chunk: Chunk, outcome: Mapping[str, Any]) -> None:
        """One task: its chunks first, then its receipt by fsync and rename."""
        nonfinite = np.zeros(self.run["block"], bool)
        try:
            with zarr.config.set(SETTINGS):
                group = zarr.open_group(self.path / "data.zarr", mode="r+")
                for name, values in outcome["metrics"].items():
                    inner = (0,) * (values.ndim - 1)
                    group[name].set_block_selection((*chunk, *inner), values.reshape((1,) * (len(chunk) - 1) + values.shape))  # type: ignore[union-attr]
                    nonfinite |= ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            receipt = dict(
                task=self.label(chunk),
                chunks={name: _checksum(self._file(name, chunk)) for name in outcome["metrics"]},
                nonfinite=int(np.sum(nonfinite)),
                seconds=round(outcome["seconds"], 6),
                host=outcome["host"],
                written=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            )
            _replace(self.path / "receipts" / (".".join(map(str, chunk)) + ".json"), receipt)
        except OSError as error:
            raise StoreError(
                f"cannot write {self.label(chunk)} to {self.path}: {error.strerror or error}. Every finished task is safe;"
                " free some space and run the same command again"
            ) from error

    def read(self, experiment: Experiment | None = None) -> xr.Dataset:
        """The samples of ``experiment``'s grid and seeds, or all that is held; tasks not done yet are NaN."""
        group = zarr.open_group(self.path / "data.zarr", mode="r")
        coords = {**self.axes, "seed": range(self.run["blocks"] * self.run["block"]), **self.run["definition"]["inner"]}
        variables = {}
        for name, dims in self.run["dims"].items():
            names = [*self.axes, "seed", *dims]
            values = np.asarray(group[name][...])  # type: ignore[index]
            lengths = [len(coords[d]) for d in names]
            values = values[tuple(slice(length) for length in lengths)]  # another run may have enlarged the store
            if values.shape != tuple(lengths):  # an extension was killed before the arrays had grown
                fill = np.nan if values.dtype.kind == "f" else 0
                margins = [(0, length - size) for length, size in zip(lengths, values.shape, strict=True)]
                values = np.pad(values, margins, constant_values=fill)
            variables[name] = (names, values)
        data = xr.Dataset(variables, {name: list(values) for name, values in coords.items()})
        axes = self.axes if experiment is None else experiment.axes
        where: dict[str, Any] = {name: [self.axes[name].index(v) for v in values] for name, values in axes.items()}
        where["seed"] = slice(0, data.sizes["seed"] if experiment is None else experiment.seeds)
        receipts = self.receipts()
        data, finished = data.isel(where), self._finished(receipts).isel(where)
        if not bool(finished.all()):
            data = data.where(finished)  # integers that were never computed become NaN too
        data["nonfinite"] = nonfinite(data, list(axes), finished)
        data.attrs = {key: value for key, value in self.run.items() if key not in LAYOUT}
        data.attrs["compute_seconds"] = round(sum(r["seconds"] for r in receipts.values()), 3)
        return data

    def _finished(self, chunks: Iterable[Chunk]) -> xr.DataArray:
        """Which trials have been run: (axes..., seed)."""
        held = np.zeros((*(len(v) for v in self.axes.values()), self.run["blocks"]), bool)
        for chunk in chunks:
            held[chunk] = True
        return xr.DataArray(np.repeat(held, self.run["block"], axis=-1), dims=[*self.axes, "seed"])

    def _file(self, name: str, chunk: Chunk) -> Path:
        inner = ["0"] * len(self.run["dims"][name])
        return self.path.joinpath("data.zarr", name, "c", *map(str, chunk), *inner)

    def check(self, experiment: Experiment, root: int | None = None, metrics: Collection[str] | None = None) -> None:
        """ValueError, telling what differs, unless these are samples of this experiment (and root)."""
        mine, asked = self.run["definition"], experiment.definition(self.run["root"] if root is None else root)
        differing = [DIFFERS.get(key, key) for key in asked if json.dumps(asked[key]) != json.dumps(mine.get(key))]
        if metrics is not None and set(metrics) != set(self.run["dims"]):
            differing.append("the metrics")
        if differing:
            raise ValueError(
                f"store: the samples in {self.path} were made with another definition; what differs: {', '.join(differing)}."
                " Samples of two definitions do not mix: choose another folder (--out), or remove this one"
            )

    def _warn_of_changes(self) -> None:
        now = provenance()
        changed = [f"{k} {self.run[k]} -> {now[k]}" for k in ("version", "commit", "jax", "device") if self.run[k] != now[k]]
        if changed:
            warnings.warn(
                f"{self.path} was begun elsewhere ({', '.join(changed)}): new samples come from another program than the old",
                stacklevel=4,
            )

    def _extend(self, experiment: Experiment) -> None:
        """New coordinates go behind the old ones, so that no chunk moves. The intention is written down first, and
        the arrays then follow it, also when an earlier extension was killed in between."""
        axes = {name: [*old, *(v for v in experiment.axes[name] if v not in old)] for name, old in self.axes.items()}
        blocks = max(self.run["blocks"], experiment.blocks)
        if axes != self.axes or blocks != self.run["blocks"]:
            self.run.update(axes=axes, blocks=blocks)
            _replace(self.path / "run.json", self.run)
        group = zarr.open_group(self.path / "data.zarr", mode="r+")
        grid = (*(len(v) for v in axes.values()), blocks * self.run["block"])
        for name in self.run["dims"]:
            array: Any = group[name]
            if array.shape[: len(grid)] != grid:
                array.resize((*grid, *array.shape[len(grid) :]))
        _coordinates(group, {**axes, "seed": range(grid[-1])})


def task_label(axes: Mapping[str, Sequence[Coordinate]], size: int, chunk: Chunk) -> str:
    """A task in words: its point and its seeds, ``size`` to a block."""
    names = [f"{name}={values[i]}" for (name, values), i in zip(axes.items(), chunk[:-1], strict=True)]
    return ", ".join([*names, f"seeds {chunk[-1] * size}..{(chunk[-1] + 1) * size - 1}"])


def nonfinite(data: xr.Dataset, grid: Sequence[str], finished: xr.DataArray | bool = True) -> xr.DataArray:
    """Number of ``finished`` trials per grid point with a value that is not finite in any metric."""
    flags = [(~xr.ufuncs.isfinite(v)).any(dim=[d for d in v.dims if d not in (*grid, "seed")]) for v in data.data_vars.values()]
    return (functools.reduce(operator.or_, flags) & finished).sum("seed").astype("int64")


def describe_run(experiment: Experiment, root: int) -> dict[str, Any]:
    """What samples say of their origin."""
    settings = dict(precision=experiment.precision, block=experiment.block)
    return dict(name=experiment.name, digest=experiment.digest(root), root=root, **settings, **provenance())


def provenance() -> dict[str, str]:
    """Versions, commit and device of this process."""
    import jax

    from jaxprune import __version__

    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    git = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return dict(
        version=__version__,
        commit=git.stdout.strip() or "unknown",
        python=platform.python_version(),
        jax=jax.__version__,
        device=jax.devices()[0].device_kind,
    )


def _create(path: Path, experiment: Experiment, root: int, metrics: Mapping, dims: Mapping) -> None:
    """Lay the store out beside its place and rename it: a half-made layout never carries the final name."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "receipts").mkdir(parents=True)
    axes = {name: list(values) for name, values in experiment.axes.items()}
    grid = (*experiment.shape, experiment.blocks * experiment.block)
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
    _coordinates(group, {**axes, **(experiment.inner or {}), "seed": range(grid[-1])})
    layout = dict(axes=axes, blocks=experiment.blocks, dims={name: list(dims[name]) for name in metrics})
    layout["definition"] = experiment.definition(root)
    _replace(beside / "run.json", {**describe_run(experiment, root), **layout})
    if path.exists() and not any(path.iterdir()):
        path.rmdir()
    if path.exists():
        raise ValueError(f"store: {path} exists and holds no samples; choose another folder (--out), or remove it")
    os.rename(beside, path)


def _coordinates(group, axes: Mapping) -> None:
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


def _checksum(path: Path) -> tuple[int, int]:
    blob = path.read_bytes()
    return zlib.crc32(blob), len(blob)


def _replace(path: Path, value: Any) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(beside, "w") as file:
        json.dump(value, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


@contextlib.contextmanager
def _locked(path: Path):
    """Only one process lays out or resizes; the lock goes with the process."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
