"""Samples on disk: a Zarr v3 group that xarray opens, and one receipt per finished task.

DIR/run.json                 what the run is, and what it has been asked for
DIR/data.zarr/               metric[axes..., seed, inner...] and done[axes..., seed], one task = one chunk of each
DIR/receipts/2.0.5.json      written last: a task is done when its receipt exists and its checksums hold
"""

import datetime
import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.sweep import chunks, layout, reading, receipts
from jaxprune.sweep.calls import Batch
from jaxprune.sweep.experiment import Coordinate, Experiment
from jaxprune.sweep.fingerprint import check_same, summary
from jaxprune.sweep.layout import StoreError
from jaxprune.sweep.origin import provenance
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.receipts import Chunk, Receipts

PRIVATE = ("axes", "blocks", "dims", "definition", "asked", "sources", "batch")  # of run.json, not for samples
DIFFERS = dict(axes="the axes or their types", inner="the inner axes", block="the block size")
OLD_KIND = "old: known by the text of its sources, not by its program"


class Store:
    """The folder of one experiment, ``path``. Raises StoreError for a folder that holds no samples, or damaged ones."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.run: dict[str, Any] = layout.run_of(self.path)
        self._kinds = layout.arrays(self.path, self.run)
        self._shape = (*(len(values) for values in self.axes.values()), self.run["blocks"])
        self._mark = hashlib.sha256(json.dumps(self.run["definition"], sort_keys=True).encode()).hexdigest()[:16]

    @classmethod
    def open(cls, path: str | Path, experiment: Experiment, root: int, prepared: Prepared, dims: Mapping) -> "Store":
        """Open or create the store of an experiment, enlarged to hold its grid and seeds.

        Raises ValueError when the folder holds samples of another experiment, root, precision, block size, program or data,
        and StoreError when it is damaged, cannot be written, or what is left to do does not fit on the disk.
        """
        path, tasks = Path(path), math.prod(experiment.shape) * experiment.blocks
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with layout.locked(path.parent / f".{path.name}.lock"):
                if not (path / "run.json").exists():
                    layout.check_room(path.parent, tasks * prepared.task_bytes)
                    layout.create(path, experiment, root, prepared, dims)
                store = cls(path)
                done = store.receipts()
                store.check(experiment, root, prepared, done)
                held = sum(store._asked_by(experiment, chunk) for chunk in done)
                layout.check_room(path, (tasks - held) * prepared.task_bytes)
                store._extend(experiment, prepared)
        except StoreError:
            raise
        except OSError as error:
            raise layout.cannot(f"samples to {path}", error) from error
        store._warn_of_changes()
        return store

    @property
    def axes(self) -> dict[str, list[Coordinate]]:
        """The grid held so far, in the order in which it was asked for."""
        return self.run["axes"]

    @property
    def old(self) -> bool:
        """Whether an earlier version wrote it, which knew samples by the text of their sources."""
        return self.run.get("layout", 1) < layout.LAYOUT

    def chunk(self, point: Mapping[str, Coordinate], block: int) -> Chunk:
        """Where a task lives."""
        return (*(self.axes[name].index(point[name]) for name in self.axes), block)

    def point(self, chunk: Chunk) -> dict[str, Coordinate]:
        """The grid point of a task."""
        return {name: values[i] for (name, values), i in zip(self.axes.items(), chunk, strict=False)}

    def label(self, chunk: Chunk) -> str:
        """A task in words."""
        return task_label(self.axes, self.run["block"], chunk)

    def asked(self) -> np.ndarray:
        """Which tasks of the extents (axes..., blocks) a run has asked for."""
        found = np.zeros(self._shape, bool)
        for request in self._requests():
            places = [[values.index(v) for v in request["axes"][name]] for name, values in self.axes.items()]
            found[np.ix_(*places, range(request["blocks"]))] = True
        return found

    def _requests(self) -> list[dict[str, Any]]:
        """What runs have asked for; everything within the extents where the store does not say."""
        return self.run.get("asked", [dict(axes=self.axes, blocks=self.run["blocks"])])

    def expected(self) -> list[Chunk]:
        """The tasks asked for, in the order of the grid."""
        return [tuple(map(int, chunk)) for chunk in np.argwhere(self.asked())]

    def missing(self) -> list[Chunk]:
        """Tasks asked for that are not done."""
        done = self.done()
        return [chunk for chunk in self.expected() if chunk not in done]

    def receipts(self) -> Receipts:
        """The receipts of tasks within the extents; one that is unreadable or incomplete counts as absent."""
        return receipts.read(self.path / "receipts", self._shape, self._kinds, self._origin)

    def _origin(self, chunk: Chunk) -> dict[str, str]:
        """What a receipt says of the task and the run that it belongs to."""
        return dict(task=self.label(chunk)) | ({} if self.old else dict(run=self._mark))

    def intact(self, chunk: Chunk, receipt: Mapping[str, Any]) -> bool:
        """Whether the chunks on disk are those that the receipt was written for."""
        return all(chunks.verified(self.file(name, chunk), sums) is not None for name, sums in receipt["chunks"].items())

    def done(self) -> set[Chunk]:
        """Tasks with a receipt whose checksums hold."""
        return {chunk for chunk, receipt in self.receipts().items() if self.intact(chunk, receipt)}

    def write(self, chunk: Chunk, outcome: Mapping[str, Any]) -> None:
        """One task: its chunks first, then its receipt by fsync and rename."""
        metrics = outcome["metrics"]
        try:
            sums = {name: chunks.write(self.file(name, chunk), values) for name, values in metrics.items()}
            sums[layout.DONE] = chunks.write(self.file(layout.DONE, chunk), np.ones(self.run["block"], bool))
            receipt = dict(
                self._origin(chunk),
                chunks=sums,
                nonfinite=reading.count_nonfinite(metrics.values()),
                seconds=round(outcome["seconds"], 6),
                written=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                **{name: outcome[name] for name in receipts.WORDS},
            )
            layout.replace(self.path / "receipts" / receipts.name(chunk), receipt)
        except OSError as error:
            raise layout.cannot(f"{self.label(chunk)} to {self.path}", error) from error

    def read(self, experiment: Experiment | None = None, lazy: bool | None = False) -> xr.Dataset:
        """The samples of ``experiment``'s grid and seeds, or all that is held: in memory, or ``lazy``, as arrays of Dask's that
        are read when they are used; None for lazy ones above 256 MiB.

        Every chunk is verified. What is not done, or is damaged, is NaN (integers and truth values become numbers then), is
        counted in the attributes ``missing`` and ``damaged`` (tasks), and damage is warned of.

        Raises ValueError for an experiment of another definition, and for coordinates that the store was never asked for.
        """
        if experiment is not None:
            self.check(experiment)
        data, found, damaged = reading.samples(self, experiment, lazy)
        if damaged:
            self._warn_of_damage(damaged)
        self._refuse_mixture(found)
        good = [(self.point(chunk), found[chunk]) for chunk in found.keys() - damaged]
        data.attrs = {key: value for key, value in self.run.items() if key not in PRIVATE} | data.attrs
        data.attrs.update(summary(good, self.run["definition"]), damaged=len(damaged))
        if self.old:
            data.attrs.update(digest=self.run.get("digest", ""), kind=OLD_KIND)
        return data

    def kinds(self) -> dict[str, reading.Kind]:
        """Type and shape of every metric."""
        inner, axes = self.run["definition"]["inner"], len(self.axes)
        lengths = {name: tuple(len(inner[d]) for d in dims) for name, dims in self.run["dims"].items()}
        return {name: reading.Kind(dtype, chunk[axes:], lengths[name]) for name, (dtype, chunk) in self._kinds.items()}

    def file(self, name: str, chunk: Chunk) -> Path:
        """Where the values of a metric's task are."""
        inner = ["0"] * len(self.run["dims"].get(name, ()))
        return self.path.joinpath("data.zarr", name, "c", *map(str, chunk), *inner)

    def check(
        self,
        experiment: Experiment,
        root: int | None = None,
        prepared: Prepared | None = None,
        done: Receipts | None = None,
    ) -> None:
        """ValueError, telling what differs, unless these are samples of this experiment (and root); with ``prepared``, of its
        program and its problems. ``done``: the receipts of the store, where they have been read."""
        mine, asked = self.run["definition"], experiment.definition(self.run["root"] if root is None else root)
        differing = [DIFFERS.get(key, key) for key in asked if json.dumps(asked[key]) != json.dumps(mine.get(key))]
        if prepared is not None and set(prepared.metrics) != set(self.run["dims"]):
            differing.append("the metrics")
        hint = ""
        if prepared is not None and not differing:
            if self.old:
                raise ValueError(
                    f"store: {self.path} was written by an earlier version, and whether its samples belong to this program"
                    " cannot be told; Store(...).read() still reads them, for new ones choose another folder (store=, or --out)"
                )
            differing, hint = check_same(self._known(experiment, done), prepared, self.run["sources"])
        if differing:
            raise ValueError(
                f"store: the samples in {self.path} were made with another definition; what differs: {', '.join(differing)}."
                f" Samples of two definitions do not mix: choose another folder (store=, or --out), or remove this one.{hint}"
            )

    def _known(self, experiment: Experiment, done: Receipts | None) -> Iterator[tuple[bool, dict[str, Coordinate], Any]]:
        """Whether a run of ``experiment`` asks for it, grid point and receipt of one finished task of each point."""
        seen = set()
        for chunk, receipt in sorted((self.receipts() if done is None else done).items()):
            mark = (chunk[:-1], receipt["program"], receipt["problem"], receipt["jax"])
            if mark not in seen:
                seen.add(mark)
                yield self._asked_by(experiment, (*chunk[:-1], 0)), self.point(chunk), receipt

    def _asked_by(self, experiment: Experiment, chunk: Chunk) -> bool:
        point = self.point(chunk)
        return chunk[-1] < experiment.blocks and all(point[name] in values for name, values in experiment.axes.items())

    def _warn_of_changes(self) -> None:
        now = provenance()
        changed = [f"{k} {self.run[k]} -> {now[k]}" for k in ("version", "commit", "jax", "device") if self.run[k] != now[k]]
        if changed:
            warnings.warn(f"{self.path} was begun elsewhere ({', '.join(changed)})", stacklevel=4)

    def _warn_of_damage(self, damaged: Sequence[Chunk]) -> None:
        warnings.warn(
            f"{self.path}: {len(damaged)} tasks are damaged and read as missing, the first is {self.label(damaged[0])};"
            " run the experiment again to mend them",
            stacklevel=3,
        )

    def _refuse_mixture(self, found: Receipts) -> None:
        """Of tasks of one point that different programs have computed with one version of jax."""
        seen: dict[tuple, str] = {}
        for chunk, receipt in found.items():
            known = seen.setdefault((chunk[:-1], receipt.get("jax")), receipt.get("program", ""))
            if known != receipt.get("program", ""):
                raise StoreError(
                    f"{self.path}: the tasks of one point come from two programs, one of them at {self.label(chunk)}: somebody"
                    " has mixed the files of two stores; remove the folder, or the receipts that are not its own"
                )

    def _extend(self, experiment: Experiment, prepared: Prepared) -> None:
        """New coordinates go behind the old ones, so that no chunk moves. The intention is written down first, and
        the arrays then follow it."""
        axes = {name: [*old, *(v for v in experiment.axes[name] if v not in old)] for name, old in self.axes.items()}
        blocks = max(self.run["blocks"], experiment.blocks)
        before, new = self._requests(), layout.request(experiment)
        known = [state for state in self.run["sources"] if state != prepared.sources]
        update: dict[str, Any] = dict(sources=[*known, prepared.sources][-layout.MOST_STATES :], **layout.batched(prepared))
        if not any(layout.covers(old, new) for old in before):
            update.update(axes=axes, blocks=blocks, asked=[*(old for old in before if not layout.covers(new, old)), new])
        if any(self.run.get(key) != value for key, value in update.items()):
            self.run.update(update)
            layout.replace(self.path / "run.json", self.run)
            self._shape = (*(len(values) for values in axes.values()), blocks)
        layout.grow(self.path, self.run["dims"], axes, blocks * self.run["block"])
        layout.describe(self.path, prepared.attributes)


def batch_of(path: str | Path | None) -> Batch | None:
    """What calls carried that made the samples of a folder on an accelerator; None where there are none yet."""
    if path is None or not (Path(path) / "run.json").exists():
        return None
    batch = layout.run_of(Path(path)).get("batch")
    return batch and Batch(*batch)


def task_label(axes: Mapping[str, Sequence[Coordinate]], size: int, chunk: Chunk) -> str:
    """A task in words: its point and its seeds, ``size`` to a block."""
    names = [f"{name}={values[i]}" for (name, values), i in zip(axes.items(), chunk[:-1], strict=True)]
    return ", ".join([*names, f"seeds {chunk[-1] * size}..{(chunk[-1] + 1) * size - 1}"])
