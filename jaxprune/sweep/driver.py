"""The driver: which tasks are left, who runs them, where their samples go."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.sweep import tasks
from jaxprune.sweep.executors import InProcess, LocalProcesses
from jaxprune.sweep.experiment import RESERVED, Experiment, Loading, Point, loading
from jaxprune.sweep.memory import Memory
from jaxprune.sweep.progress import Progress, shown
from jaxprune.sweep.store import Store, StoreError

POLL_SECONDS = 0.5


class Stopped(RuntimeError):
    """Some tasks failed; the others are in the store. ``failures``: {label: error}."""

    def __init__(self, failures: Mapping[str, BaseException], finished: int, total: int):
        self.failures = dict(failures)
        lines = [f"  {label}: {type(error).__name__}: {error}" for label, error in list(self.failures.items())[:5]]
        more = [f"  and {len(self.failures) - 5} more"] if len(self.failures) > 5 else []
        super().__init__("\n".join([f"{len(self.failures)} of {total} tasks failed, {finished} are done:", *lines, *more]))


def run(
    experiment: Experiment,
    *,
    root: int = 0,
    executor: Executor | None = None,
    store: str | Path | None = None,
    workers: int | None = None,
    shard: tuple[int, int] = (0, 1),
    time_limit: float | None = None,
    budget: float | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run an experiment and return its samples: dimensions axes + ``seed`` + inner axes, raw values per seed.

    ``store``: a folder; finished tasks in it are not run again, and a kill loses only the tasks in flight.
    ``executor``: any ``concurrent.futures.Executor``. Without one: one process per core on a CPU (``workers`` of
    them; 0 runs in this process), in this process on an accelerator or when ``make`` and ``trial`` live in a
    notebook. ``shard=(k, K)``: only every K-th task from the k-th on; needs a store. ``time_limit``: seconds after
    which a task counts as hung. ``budget``: bytes that one process may use (default: its share of 70 % of the memory).

    The samples do not depend on the executor, the order or number of tasks, or interruptions.

    Raises ValueError for bad arguments before anything is compiled, StoreError for a store of something else or a
    full disk, Stopped when tasks failed.
    """
    if loading():
        raise Loading
    started = time.monotonic()
    _check(experiment, root, executor, store, workers, shard, time_limit, budget)
    shapes, sink = _open(experiment, root, store)
    todo, held = _plan(experiment, sink, shard)
    _check_room(experiment, shapes, len(todo), sink)
    bar = shown(experiment.name) if progress is None else progress
    with _pool(executor, experiment, workers, len(todo), time_limit) as pool, _shown(bar, held, len(todo), experiment.block):
        common = tasks.describe(experiment, root, budget or _fair_budget(pool), here=isinstance(pool, InProcess))
        _drive(pool, common, todo, sink, time_limit, bar, held)
    samples = sink.read(experiment)
    samples.attrs.update(new_tasks=len(todo), wall_seconds=round(time.monotonic() - started, 3))
    return samples


def _open(experiment, root, store) -> tuple[dict[str, Any], Store | Memory]:
    """The shapes of all metrics, and the place for samples of them."""
    shapes = tasks.shapes(experiment, root)
    dims = metric_dims(experiment, shapes)
    if store is None:
        return shapes, Memory(experiment, root, shapes, dims)
    return shapes, Store.open(store, experiment, root, shapes, dims)


@contextlib.contextmanager
def _pool(executor, experiment, workers, tasks_left, time_limit) -> Iterator[Executor]:
    """The caller's executor, or one that ends with the run."""
    if executor is not None:
        yield executor
        return
    own = _default_executor(experiment, workers, tasks_left, time_limit)
    try:
        yield own
    finally:
        own.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _shown(bar: Progress, held: int, tasks_left: int, size: int) -> Iterator[None]:
    try:
        bar.start(held, held + tasks_left, size)
        yield
    finally:
        bar.stop()


def metric_dims(experiment: Experiment, shapes: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The inner dimensions of each metric: declared, or the only ones in order whose lengths fit its shape."""
    lengths = {name: len(values) for name, values in (experiment.inner or {}).items()}
    found = {}
    for name, value in shapes.items():
        if not name.isidentifier() or name in (*RESERVED, *experiment.axes, *lengths):
            raise ValueError(f"trial: a metric cannot be called {name!r}; use an identifier that names nothing else")
        if name in (experiment.dims or {}):
            fits = [tuple((experiment.dims or {})[name])]
            fits = [f for f in fits if tuple(lengths.get(d) for d in f) == value.shape]
        else:
            fits = list(_subsequences(tuple(lengths), value.shape, lengths))
        if len(fits) != 1:
            what = "no" if not fits else "more than one"
            raise ValueError(
                f"dims: metric {name!r} of shape {value.shape} fits {what} choice of the inner axes {lengths};"
                f" return another shape or declare dims={{{name!r}: (...)}}"
            )
        found[name] = fits[0]
    return found


def _subsequences(names, shape, lengths) -> Iterator[tuple[str, ...]]:
    if not shape:
        yield ()
        return
    for i, name in enumerate(names):
        if lengths[name] == shape[0]:
            for rest in _subsequences(names[i + 1 :], shape[1:], lengths):
                yield (name, *rest)


def _plan(experiment, sink, shard) -> tuple[list[tuple[Any, Point, int]], int]:
    """Tasks left for this shard, and how many of its tasks are done."""
    finished = sink.done()
    every = [(sink.chunk(p, b), p, b) for p in experiment.points() for b in range(experiment.blocks)]
    mine = every[shard[0] :: shard[1]]
    left = [task for task in mine if task[0] not in finished]
    return left, len(mine) - len(left)


def _drive(executor, common, todo, sink, time_limit, bar, held) -> None:
    """Keep the executor busy, write what it returns, and give up on what fails or hangs."""
    pending: dict[Future, tuple[Any, float | None]] = {}
    failures: dict[str, BaseException] = {}
    waiting, window, finished = iter(todo), getattr(executor, "window", 256), held
    fatal = False
    while True:
        while len(pending) < window and not fatal and (task := next(waiting, None)) is not None:
            chunk, point, block = task
            pending[executor.submit(tasks.execute, common, point, block)] = (chunk, None)
        if not pending:
            break
        ready, _ = wait(list(pending), timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        for future in ready:
            chunk, _ = pending.pop(future)
            error = future.exception()
            if error is None:
                outcome = future.result()
                sink.write(chunk, outcome)
                finished += 1
                bar.step(_count_nonfinite(outcome["metrics"]))
            else:
                failures[sink.label(chunk)] = error
                fatal = fatal or not isinstance(error, TimeoutError)
        _abandon_hung(pending, failures, sink, time_limit)
    if failures:
        raise Stopped(failures, finished, held + len(todo))


def _abandon_hung(pending, failures, sink, time_limit) -> None:
    """For executors that do not end hung tasks themselves: stop waiting for them."""
    if time_limit is None:
        return
    now = time.monotonic()
    for future, (chunk, since) in list(pending.items()):
        if since is None and future.running():
            pending[future] = (chunk, now)
        elif since is not None and now - since > 1.5 * time_limit + 5:
            del pending[future]
            failures[sink.label(chunk)] = TimeoutError(f"no answer within {time_limit:g} s; the executor still runs it")


def _default_executor(experiment, workers, tasks_left, time_limit) -> Executor:
    import jax

    on_cpu = jax.default_backend() == "cpu"
    if workers is None:
        workers = _cores() if on_cpu and tasks.portable(experiment) else 0
    workers = min(workers, tasks_left)
    return LocalProcesses(workers, time_limit) if workers else InProcess()


def _count_nonfinite(metrics) -> int:
    bad = [~np.isfinite(v.reshape(len(v), -1)).all(axis=1) for v in metrics.values()]
    return int(np.sum(np.any(bad, axis=0)))


def _check_room(experiment, shapes, tasks_left, sink) -> None:
    """Refuse what cannot fit, with the estimate."""
    need = tasks_left * experiment.block * sum(int(np.prod(s.shape)) * s.dtype.itemsize for s in shapes.values())
    if isinstance(sink, Store):
        free, where = shutil.disk_usage(sink.path).free, f"free on the disk of {sink.path}"
    else:
        free, where = 0.5 * _memory_bytes(), "half of the memory; pass a store"
    if need > free:
        raise StoreError(f"the samples need {need / tasks.GIB:.3g} GiB, more than the {free / tasks.GIB:.3g} GiB {where}")


def _check(experiment, root, executor, store, workers, shard: Sequence[int], time_limit, budget) -> None:
    """Refuse bad arguments before anything is compiled or laid out."""
    if _integer("root", root, 0) >= 2**64:
        raise ValueError(f"root: {root} is not below 2**64")
    if workers is not None:
        _integer("workers", workers, 0)
    elsewhere = workers if executor is None else not isinstance(executor, InProcess)
    if elsewhere and not tasks.portable(experiment):
        raise ValueError(
            "executor: make and trial must stand at the top level of a file or a module for another process to find"
            " them; move them there, or run with workers=0"
        )
    for name, value in dict(time_limit=time_limit, budget=budget).items():
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise ValueError(f"{name}: {value!r}; use a positive number")
    if time_limit is not None and (workers == 0 if executor is None else isinstance(executor, InProcess)):
        raise ValueError("time_limit: a task in this process cannot be ended; use workers")
    index, count = shard
    if not 0 <= _integer("shard", index, 0) < _integer("shard", count, 1):
        raise ValueError(f"shard: {index}/{count}; use k/K with 0 <= k < K")
    if count > 1 and store is None:
        raise ValueError("shard: needs a store, where the shards meet")


def _integer(name: str, value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise ValueError(f"{name}: {value!r} is not an integer >= {low}")
    return int(value)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fair_budget(executor: Executor) -> float:
    """70 % of the device's memory, or of this machine's divided by the processes."""
    import jax

    stats = jax.devices()[0].memory_stats() or {}
    return 0.7 * stats.get("bytes_limit", _memory_bytes() / max(getattr(executor, "window", 2) // 2, 1))


def _memory_bytes() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
