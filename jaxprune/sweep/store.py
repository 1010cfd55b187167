"""Samples on disk: a Zarr v3 group that xarray opens, and one receipt per finished task.

DIR/run.json                 what the run is, and its digest
DIR/data.zarr/               metric[axes..., seed, inner...], one task = one chunk of each metric
DIR/receipts/2.0.5.json      written last: a task is done when its receipt exists and its checksums hold
"""

import datetime
import functools
import json
import operator
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

from jaxprune.sweep import layout
from jaxprune.sweep.experiment import Coordinate, Experiment
from jaxprune.sweep.origin import provenance

Chunk = tuple[int, ...]
SETTINGS = {"array.write_empty_chunks": True}  # an all-NaN chunk is a result too
LAYOUT = ("axes", "blocks", "dims", "definition")
ASKED = "asked"  # what runs have asked for; stores of earlier versions lack it
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
        with layout.locked(path.parent / f".{path.name}.lock"):
            if not (path / "run.json").exists():
                layout.create(path, experiment, root, metrics, dims)
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

    def asked(self) -> np.ndarray:
        """Which tasks of the extents (axes..., blocks) a run has asked for."""
        found = np.zeros((*(len(values) for values in self.axes.values()), self.run["blocks"]), bool)
        for request in self._requests():
            places = [[values.index(v) for v in request["axes"][name]] for name, values in self.axes.items()]
            found[np.ix_(*places, range(request["blocks"]))] = True
        return found

    def _requests(self) -> list[dict[str, Any]]:
        """What runs have asked for; everything within the extents where the store does not say."""
        return self.run.get(ASKED, [dict(axes=self.axes, blocks=self.run["blocks"])])

    def expected(self) -> list[Chunk]:
        """The tasks asked for, in the order of the grid."""
        return [tuple(map(int, chunk)) for chunk in np.argwhere(self.asked())]

    def missing(self) -> list[Chunk]:
        """Tasks asked for that are not done."""
        done = self.done()
        return [chunk for chunk in self.expected() if chunk not in done]

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
            return all(list(layout.checksum(self._file(name, chunk))) == sums for name, sums in receipt["chunks"].items())
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
                chunks={name: layout.checksum(self._file(name, chunk)) for name in outcome["metrics"]},
                nonfinite=int(np.sum(nonfinite)),
                seconds=round(outcome["seconds"], 6),
                host=outcome["host"],
                written=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            )
            layout.replace(self.path / "receipts" / (".".join(map(str, chunk)) + ".json"), receipt)
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
        data.attrs = {key: value for key, value in self.run.items() if key not in (*LAYOUT, ASKED)}
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
                " Samples of two definitions do not mix: choose another folder (store=, or --out), or remove this one"
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
        the arrays then follow it."""
        axes = {name: [*old, *(v for v in experiment.axes[name] if v not in old)] for name, old in self.axes.items()}
        blocks = max(self.run["blocks"], experiment.blocks)
        before, new = self._requests(), layout.request(experiment)
        if not any(layout.covers(old, new) for old in before):
            asked = [*(old for old in before if not layout.covers(new, old)), new]
            self.run.update(axes=axes, blocks=blocks, asked=asked)
            layout.replace(self.path / "run.json", self.run)
        layout.grow(self.path, self.run["dims"], axes, blocks * self.run["block"])


def task_label(axes: Mapping[str, Sequence[Coordinate]], size: int, chunk: Chunk) -> str:
    """A task in words: its point and its seeds, ``size`` to a block."""
    names = [f"{name}={values[i]}" for (name, values), i in zip(axes.items(), chunk[:-1], strict=True)]
    return ", ".join([*names, f"seeds {chunk[-1] * size}..{(chunk[-1] + 1) * size - 1}"])


def nonfinite(data: xr.Dataset, grid: Sequence[str], finished: xr.DataArray | bool = True) -> xr.DataArray:
    """Number of ``finished`` trials per grid point with a value that is not finite in any metric."""
    flags = [(~xr.ufuncs.isfinite(v)).any(dim=[d for d in v.dims if d not in (*grid, "seed")]) for v in data.data_vars.values()]
    return (functools.reduce(operator.or_, flags) & finished).sum("seed").astype("int64")
