"""Values of a store: all in memory, or read when they are used, as Dask's arrays."""

import functools
import itertools
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from jaxprune.sweep import chunks, layout
from jaxprune.sweep.experiment import Experiment
from jaxprune.sweep.layout import StoreError
from jaxprune.sweep.receipts import Chunk, Receipts

LARGE = 2**28  # bytes of samples, above which a store is read as it is used
SLAB = 2**26  # bytes of one part that is read at once
File = tuple[Path, Sequence[int]]  # of a chunk, with its checksum


class Kind(NamedTuple):
    """Of a metric: its type, the lengths of its chunk (block, inner...), and those of its inner axes."""

    dtype: np.dtype
    chunk: tuple[int, ...]
    inner: tuple[int, ...]

    def empty(self, shape: tuple[int, ...], whole: bool) -> np.ndarray:
        """Holds nothing yet: NaN, in a type that has one unless the array will be ``whole``."""
        dtype = self.dtype if whole or self.dtype.kind in "fc" else np.dtype(float)
        return np.full(shape, np.nan if dtype.kind in "fc" else 0, dtype)


class Chosen(NamedTuple):
    """What is read: the ``axes`` with their values, ``seeds``, ``found`` tasks with their receipts, and where each belongs in
    the grid of points and blocks, of this ``shape``."""

    axes: Mapping[str, Sequence]
    seeds: int
    shape: tuple[int, ...]
    found: Receipts
    at: dict[Chunk, tuple[int, ...]]


def samples(store: Any, experiment: Experiment | None, lazy: bool | None) -> tuple[xr.Dataset, Receipts, list[Chunk]]:
    """The samples of a ``Store``, as its ``read`` gives them, with the number of ``missing`` tasks; the receipts of their
    tasks, and which of these are damaged."""
    chosen, kinds = _chosen(store, experiment), store.kinds()
    if lazy is None:
        size = np.prod(chosen.shape[:-1], dtype=float) * chosen.seeds
        lazy = size * sum(kind.dtype.itemsize * np.prod(kind.inner) for kind in kinds.values()) > LARGE
    arrays, held, damaged = (_lazy if lazy else _loaded)(store, chosen, kinds)
    coords = {**chosen.axes, "seed": range(chosen.seeds), **store.run["definition"]["inner"]}
    dims = {name: [*chosen.axes, "seed", *names] for name, names in store.run["dims"].items()}
    data = xr.Dataset({name: (dims[name], arrays[name]) for name in dims}, {name: list(v) for name, v in coords.items()})
    for name, attributes in layout.described(store.path, store.run["dims"]).items():
        data[name].attrs = attributes
    if lazy:
        data["nonfinite"] = list(chosen.axes), _receipted(store, chosen, kinds, held)
    else:
        finished = np.repeat(held, store.run["block"], axis=-1)[..., : chosen.seeds]
        data["nonfinite"] = nonfinite(data, list(chosen.axes), xr.DataArray(finished, dims=[*chosen.axes, "seed"]))
    data.attrs["missing"] = int((~held).sum())
    return data, chosen.found, damaged


def _chosen(store: Any, experiment: Experiment | None) -> Chosen:
    axes = store.axes if experiment is None else experiment.axes
    seeds = store.run["blocks"] * store.run["block"] if experiment is None else experiment.seeds
    if lacking := [f"{name}={v}" for name, values in axes.items() for v in values if v not in store.axes.get(name, ())]:
        raise ValueError(f"experiment: {store.path} was never asked for {', '.join(lacking)}; run it there first")
    places = [{store.axes[name].index(v): i for i, v in enumerate(values)} for name, values in axes.items()]
    places.append({i: i for i in range(-(-seeds // store.run["block"]))})
    found = {c: r for c, r in store.receipts().items() if all(i in p for i, p in zip(c, places, strict=True))}
    at = {chunk: tuple(place[i] for place, i in zip(places, chunk, strict=True)) for chunk in found}
    return Chosen(axes, seeds, tuple(map(len, places)), found, at)


def _loaded(store: Any, chosen: Chosen, kinds: Mapping[str, Kind]) -> tuple[dict[str, np.ndarray], np.ndarray, list[Chunk]]:
    """Arrays of every metric, which tasks they hold, and those whose chunks are not what was written."""
    size, held, damaged = store.run["block"], np.zeros(chosen.shape, bool), []
    grid = (*chosen.shape[:-1], chosen.shape[-1] * size)
    found = {name: kind.empty((*grid, *kind.inner), True) for name, kind in kinds.items()}
    for chunk, where in chosen.at.items():
        sums = chosen.found[chunk]["chunks"]
        parts = {name: chunks.read(store.file(name, chunk), sums[name], kind.dtype, kind.chunk) for name, kind in kinds.items()}
        if any(part is None for part in parts.values()):
            damaged.append(chunk)
            continue
        held[where] = True
        for name, part in parts.items():
            found[name][(*where[:-1], slice(where[-1] * size, (where[-1] + 1) * size))] = part
    seeds = (*(slice(None) for _ in chosen.axes), slice(0, chosen.seeds))
    return {name: _masked(values, held, size)[seeds] for name, values in found.items()}, held, damaged


def _masked(values: np.ndarray, held: np.ndarray, size: int) -> np.ndarray:
    """NaN where a task is not held; integers and truth values that were never computed become NaN too."""
    if held.all():
        return values
    values = values if values.dtype.kind in "fc" else values.astype(float)
    values[~np.repeat(held, size, axis=-1)] = np.nan
    return values


def _lazy(store: Any, chosen: Chosen, kinds: Mapping[str, Kind]) -> tuple[dict[str, Any], np.ndarray, list[Chunk]]:
    """The same, of Dask's arrays; chunks are verified now, and again when they are used."""
    held, damaged = np.zeros(chosen.shape, bool), []
    for chunk, where in chosen.at.items():
        if not (good := store.intact(chunk, chosen.found[chunk])):
            damaged.append(chunk)
        held[where] = good
    files = {
        name: {w: (store.file(name, c), chosen.found[c]["chunks"][name]) for c, w in chosen.at.items() if held[w]}
        for name in kinds
    }
    shape, whole = chosen.shape[:-1], bool(held.all())
    return {n: lazily(n, kind, files[n], shape, chosen.seeds, whole) for n, kind in kinds.items()}, held, damaged


def _receipted(store: Any, chosen: Chosen, kinds: Mapping[str, Kind], held: np.ndarray) -> np.ndarray:
    """Numbers of non-finite trials at each point, from the receipts; a block that is not read to its end is looked into."""
    found = np.zeros(chosen.shape[:-1], np.int64)
    left = chosen.seeds - (chosen.shape[-1] - 1) * store.run["block"]
    for chunk, where in chosen.at.items():
        count = chosen.found[chunk]["nonfinite"] if held[where] else 0
        if count and where[-1] == chosen.shape[-1] - 1 and left < store.run["block"]:
            files = {name: (store.file(name, chunk), chosen.found[chunk]["chunks"][name]) for name in kinds}
            parts = [Part(kind, [files[name]], left, slice(None), True).read() for name, kind in kinds.items()]
            count = count_nonfinite(parts)
        found[where[:-1]] += count
    return found


def count_nonfinite(metrics: Iterable[np.ndarray]) -> int:
    """How many trials have a value that is not finite in any of the arrays (trials, ...)."""
    return int(np.sum(np.any([~np.isfinite(v.reshape(len(v), -1)).all(axis=1) for v in metrics], axis=0)))


def nonfinite(data: xr.Dataset, grid: Collection[str], finished: xr.DataArray | bool = True) -> xr.DataArray:
    """Number of ``finished`` trials per grid point with a value that is not finite in any metric."""
    flags = [(~xr.ufuncs.isfinite(v)).any(dim=[d for d in v.dims if d not in (*grid, "seed")]) for v in data.data_vars.values()]
    return (functools.reduce(operator.or_, flags) & finished).sum("seed").astype("int64")


class Part:
    """The seeds of one grid point of a metric, or a slice of its first inner axis, that are read when they are needed."""

    def __init__(self, kind: Kind, files: Sequence[File | None], seeds: int, cut: slice, whole: bool):
        self._kind, self._files, self._seeds, self._cut, self._whole = kind, files, seeds, cut, whole

    def read(self) -> np.ndarray:
        """Its values (seeds, inner...). Raises StoreError where a file is not what was written."""
        block = self._kind.chunk[0]
        length = (len(range(*self._cut.indices(self._kind.inner[0]))),) if self._kind.inner else ()
        found = self._kind.empty((self._seeds, *length, *self._kind.inner[1:]), self._whole)
        for start, file in zip(range(0, self._seeds, block), self._files, strict=True):
            if file is None:
                continue
            values = chunks.read(*file, self._kind.dtype, self._kind.chunk)
            if values is None:
                raise StoreError(f"{file[0]} is no longer what it was when the samples were opened; read them again")
            rows = values[: self._seeds - start]
            found[start : start + block] = rows[:, self._cut] if length else rows
        return found


def lazily(
    name: str, kind: Kind, files: Mapping[tuple[int, ...], File], shape: tuple[int, ...], seeds: int, whole: bool
) -> Any:
    """An array (axes..., seeds, inner...) of Dask's: a part for each grid point, or several where it is large, with all seeds.

    ``files``: of the chunk at (point..., block) in the axes' ``shape`` and the blocks; ``whole``: whether it has them all.
    """
    import dask.array as da  # takes a while, and few samples need it
    from dask.base import tokenize

    cuts = _cuts(kind, seeds)
    blocks = range(-(-seeds // kind.chunk[0]))
    word = f"{name}-{tokenize([str(f[0]) for f in files.values()], [list(f[1]) for f in files.values()], shape, seeds, whole)}"
    graph = {}
    for point in itertools.product(*map(range, shape)):
        found = [files.get((*point, block)) for block in blocks]
        for i, cut in enumerate(cuts):
            place = (*point, 0, i) if kind.inner else (*point, 0)
            graph[(word, *place, *(0 for _ in kind.inner[1:]))] = (_read, Part(kind, found, seeds, cut, whole), len(shape))
    lengths = [tuple(len(range(*cut.indices(kind.inner[0]))) for cut in cuts)] if kind.inner else []
    sizes = (*((1,) * n for n in shape), (seeds,), *lengths, *((n,) for n in kind.inner[1:]))
    return da.Array(graph, word, sizes, kind.empty((0,), whole).dtype)  # type: ignore[call-arg]


def _read(part: Part, axes: int) -> np.ndarray:
    return part.read()[(None,) * axes]


def _cuts(kind: Kind, seeds: int) -> list[slice]:
    """Slices of the first inner axis, of ``SLAB`` bytes at most where it has enough places."""
    if not kind.inner:
        return [slice(None)]
    size = seeds * int(np.prod(kind.inner)) * kind.dtype.itemsize
    step = max(kind.inner[0] * SLAB // max(size, 1), 1)
    return [slice(start, min(start + step, kind.inner[0])) for start in range(0, max(kind.inner[0], 1), step)]
