"""The files of a store: laid out at once, enlarged without moving a chunk, replaced whole, checked before they are believed."""

import contextlib
import errno
import fcntl
import json
import math
import os
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from jaxprune.sweep import chunks
from jaxprune.sweep.experiment import Experiment
from jaxprune.sweep.origin import describe_run
from jaxprune.sweep.prepared import Prepared

LAYOUT = 2  # of the folder; 1 had no ``done``, and knew samples by the text of their sources
DONE = "done"
MOST_TASKS = 10**8
MOST_STATES = 10  # of the sources, all of which gave the same programs
ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EACCES: "make the folder writable for you, or choose another (store=, or --out)",
    errno.EPERM: "make the folder writable for you, or choose another (store=, or --out)",
    errno.EROFS: "the file system is read-only: choose another folder (store=, or --out)",
}


class StoreError(OSError):
    """The folder cannot be read or written: it holds no samples, it is damaged, or the disk is full."""


def create(path: Path, experiment: Experiment, root: int, prepared: Prepared, dims: Mapping) -> None:
    """Lay the store out beside its place and rename it: a half-made layout never carries the final name."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        (beside / "receipts").mkdir(parents=True)
        _arrays(beside, experiment, root, prepared.metrics, dims)
        asked = request(experiment)
        run: dict[str, Any] = dict(
            layout=LAYOUT, axes=asked["axes"], blocks=asked["blocks"], asked=[asked], sources=[dict(prepared.sources)]
        )
        run.update(dims={name: list(dims[name]) for name in prepared.metrics}, definition=experiment.definition(root))
        run.update(batched(prepared))
        replace(beside / "run.json", {**describe_run(experiment, root), **run})
        if path.exists() and not any(path.iterdir()):
            path.rmdir()
        if path.exists():
            raise ValueError(
                f"store: {path} exists and holds no samples; choose another folder (store=, or --out), or remove it"
            )
        os.rename(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _arrays(path: Path, experiment: Experiment, root: int, metrics: Mapping, dims: Mapping) -> None:
    axes, grid = experiment.axes, (*experiment.shape, experiment.blocks * experiment.block)
    told = dict(describe_run(experiment, root), note="done tells which trials have been run; others hold no values")
    group = zarr.open_group(path / "data.zarr", mode="w", zarr_format=3, attributes=told)
    kinds = {name: (shape.dtype, shape.shape, dims[name]) for name, shape in metrics.items()}
    for name, (dtype, inner, names) in {**kinds, DONE: (np.dtype(bool), (), ())}.items():
        empty, marked = _empty(np.dtype(dtype))
        group.create_array(
            name,
            shape=(*grid, *inner),
            chunks=(*(1 for _ in axes), experiment.block, *(max(s, 1) for s in inner)),
            dtype=dtype,
            fill_value=empty,
            compressors=BloscCodec(cname=chunks.CODEC, clevel=chunks.LEVEL, shuffle=chunks.SHUFFLE),
            dimension_names=[*axes, "seed", *names],
            attributes=marked,
        )
    group[DONE].attrs["description"] = "whether the trial has been run; where it has not, the other arrays hold no values"
    coordinates(path, {**axes, **(experiment.inner or {}), "seed": range(grid[-1])})


def _empty(dtype: np.dtype) -> tuple[Any, dict[str, Any]]:
    """What stands where nothing is done, and how xarray knows it: NaN, or an integer too large to be met. Small integers and
    truth values have none to spare; there only ``done`` tells."""
    if dtype.kind in "fc":
        return np.nan, {}
    if dtype.kind in "iu" and dtype.itemsize >= 4:
        worst = np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
        return worst, {"_FillValue": int(worst)}
    return dtype.type(0), {}


def batched(prepared: Prepared) -> dict[str, list[int]]:
    """What a call of an accelerator carries, on which last digits depend, so that later ones carry the same."""
    return {} if prepared.batch is None else dict(batch=list(prepared.batch))


def request(experiment: Experiment) -> dict[str, Any]:
    """What a run asks for: the values of its axes, seeds, and the blocks that hold these."""
    axes = {name: list(values) for name, values in experiment.axes.items()}
    return dict(axes=axes, blocks=experiment.blocks, seeds=experiment.seeds)


def covers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether ``one`` asks for all tasks that ``other`` does."""
    within = all(set(values) <= set(one["axes"][name]) for name, values in other["axes"].items())
    return within and other["blocks"] <= one["blocks"]


def grow(path: Path, metrics: Iterable[str], axes: Mapping[str, Sequence], seeds: int) -> None:
    """Arrays and coordinates follow the extents of the grid, also when an earlier extension was killed in between."""
    group = zarr.open_group(path / "data.zarr", mode="r+", use_consolidated=False)
    grid = (*(len(values) for values in axes.values()), seeds)
    for name in (*metrics, DONE):
        array: Any = group[name]
        if array.shape[: len(grid)] != grid:
            array.resize((*grid, *array.shape[len(grid) :]))
    coordinates(path, {**axes, "seed": range(seeds)})


def describe(path: Path, attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """What is declared of each metric, for readers of the bare Zarr store and of ours."""
    group = zarr.open_group(path / "data.zarr", mode="r+", use_consolidated=False)
    stale = [name for name, said in attributes.items() if said.items() - dict(group[name].attrs).items()]
    for name in stale:
        group[name].attrs.update(attributes[name])
    if stale:
        _consolidate(group)


def described(path: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What ``describe`` has written."""
    files = {name: read_json(path / "data.zarr" / name / "zarr.json") for name in names}
    return {
        name: {key: value for key, value in said.get("attributes", {}).items() if not key.startswith("_")}
        for name, said in files.items()
    }


def coordinates(path: Path, axes: Mapping) -> None:
    """For readers of the bare Zarr store; ours go by run.json."""
    group = zarr.open_group(path / "data.zarr", mode="r+", use_consolidated=False)
    for name, values in axes.items():
        held: Any = _coordinate(path / "data.zarr" / name, group)
        if held is not None and held.shape == (len(values),) and list(held[...]) == list(values):
            continue
        words = isinstance(values[0], str)
        data = np.asarray(values, dtype=np.dtypes.StringDType() if words else None)
        if held is None:
            kind = "string" if words else data.dtype
            held = group.create_array(name, shape=data.shape, dtype=kind, dimension_names=[name])
        held.resize(data.shape)
        held[...] = data
    _consolidate(group)


def _consolidate(group: Any) -> None:
    with warnings.catch_warnings():  # xarray asks for consolidated metadata; Zarr calls them an addition to its format
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(group.store)


def _coordinate(folder: Path, group: Any) -> Any:
    """An array that holds a coordinate, if it can be read; a damaged one is removed, since run.json knows its values."""
    try:
        for file in folder.rglob("*"):
            if not file.is_dir():
                chunks.regular(file)
        held = group.get(folder.name)
        if held is not None:
            held[...]
        return held
    except Exception:
        shutil.rmtree(folder, ignore_errors=True)
        return None


def arrays(path: Path, run: Mapping[str, Any]) -> dict[str, tuple[np.dtype, tuple[int, ...]]]:
    """Type and chunk of each metric, from what Zarr's files say. Raises StoreError unless they say what ``create`` writes:
    no other code decodes chunks."""
    lengths = {name: len(values) for name, values in run["definition"]["inner"].items()}
    found = {}
    for name, dims in (run["dims"] | ({DONE: []} if run.get("layout", 1) > 1 else {})).items():
        file = path / "data.zarr" / name / "zarr.json"
        chunk = (*(1 for _ in run["axes"]), run["block"], *(max(lengths[d], 1) for d in dims))
        try:
            said = read_json(file)
            found[name] = np.dtype(said["data_type"]), chunk
            grid, codecs = said["chunk_grid"]["configuration"]["chunk_shape"], [c["name"] for c in said["codecs"]]
            good = found[name][0].kind in "biufc" and said["node_type"] == "array" and codecs == ["bytes", "blosc"]
            good = good and tuple(grid) == chunk and len(said["shape"]) == len(chunk)
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise StoreError(f"{file} is damaged ({error or type(error).__name__}); remove {path} and run again") from error
        if not good:
            raise StoreError(f"{file} is not what a run has written (type, chunks or codecs); remove {path} and run again")
    found.pop(DONE, None)
    return found


def run_of(path: Path) -> dict[str, Any]:
    """What ``run.json`` says. Raises StoreError, telling why, when it cannot be believed."""
    file = path / "run.json"
    if not file.exists():
        raise StoreError(f"{path} holds no samples (no run.json)")
    try:
        run = read_json(file)
        number = run.get("layout", 1)
        if type(number) is not int or number < 1:
            raise ValueError(f"layout is {number!r}")
        if number > LAYOUT:
            raise StoreError(f"{path} was written by a newer jaxprune (layout {number}, this one reads up to {LAYOUT}); update")
        _check_run(run)
    except StoreError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else error or type(error).__name__
        raise StoreError(f"{file} is damaged ({why}); remove the folder and run again") from error
    return run


def _check_run(run: dict[str, Any]) -> None:
    """ValueError, KeyError or TypeError unless every entry that we use has its type."""
    extents = [*run["axes"].values(), *run["definition"]["inner"].values()]
    if not all(isinstance(v, list) and all(isinstance(x, int | float | str) for x in v) for v in extents):
        raise ValueError("an axis is no list of values")
    if not all(run["axes"].values()):
        raise ValueError("an axis is empty")
    for name in ("blocks", "block"):
        if isinstance(run[name], bool) or not isinstance(run[name], int) or run[name] < 1:
            raise ValueError(f"{name} is {run[name]!r}")
    if math.prod(len(v) for v in run["axes"].values()) * run["blocks"] > MOST_TASKS:
        raise ValueError(f"it claims more than {MOST_TASKS} tasks")
    known = set(run["definition"]["inner"])
    if not run["dims"] or not all(name.isidentifier() and set(dims) <= known for name, dims in run["dims"].items()):
        raise ValueError("dims name what is no inner axis")
    for asked in run.get("asked", []):
        if not all(set(asked["axes"][name]) <= set(values) for name, values in run["axes"].items()):
            raise ValueError("it was asked for values that its axes lack")
        if type(asked["blocks"]) is not int or not 0 < asked["blocks"] <= run["blocks"]:
            raise ValueError(f"{asked['blocks']!r} blocks were asked for")
    batch = run.get("batch", [1, 1, 1])
    if len(batch) != 3 or not all(type(size) is int and size > 0 for size in batch):
        raise ValueError(f"batch is {batch!r}")
    words = ("name", "precision", "version", "commit", "jax", "device")
    if type(run["root"]) is not int or not all(isinstance(run[word], str) for word in words):
        raise ValueError("root, name or provenance is of another type")
    if not all(isinstance(state, dict) for state in run.get("sources", [])):
        raise ValueError("sources are no list of mappings")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object in a regular file. Raises OSError and ValueError."""
    try:
        value = json.loads(chunks.regular(path))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def replace(path: Path, value: Any) -> None:
    """A JSON file: the old one or the new one is there whenever the process is killed."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def check_room(folder: Path, need: float) -> None:
    """StoreError, with the estimate, where ``need`` bytes do not fit on the disk."""
    if need > (free := shutil.disk_usage(folder).free):
        raise StoreError(no_room(need, free, f"free on the disk of {folder}"))


def no_room(need: float, free: float, where: str) -> str:
    """In words."""
    return f"the samples need {need / 2**30:.3g} GiB, more than the {free / 2**30:.3g} GiB {where}"


def cannot(what: str, error: OSError) -> StoreError:
    """What could not be written, why, and what to do about it."""
    cure = ADVICE.get(error.errno or 0, "see to it")
    reason = error.strerror or error
    return StoreError(f"cannot write {what}: {reason}. Every finished task is safe; {cure} and run the same command again")


@contextlib.contextmanager
def locked(path: Path):
    """Only one process lays out or resizes; the lock goes with the process."""
    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            raise StoreError(
                f"{path.parent} is on a file system without locks ({error.strerror}), and two runs could lay out one store;"
                " choose a folder on another one (store=, or --out), or mount this one with locks"
            ) from error
        yield
