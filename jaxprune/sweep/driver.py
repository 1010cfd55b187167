"""The driver: which tasks are left, who runs them, where their samples go."""

import contextlib
import itertools
import math
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from jaxprune.sweep import chunks, layout
from jaxprune.sweep.calls import Task
from jaxprune.sweep.drive import Drive, Stopped
from jaxprune.sweep.executors import InProcess, LocalDevices, LocalProcesses
from jaxprune.sweep.experiment import RESERVED, Experiment, Loading, loading
from jaxprune.sweep.interrupts import Interrupts
from jaxprune.sweep.memory import Memory
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.program import one_thread
from jaxprune.sweep.progress import Progress, shown
from jaxprune.sweep.store import Store, StoreError, batch_of

__all__ = ["Stopped", "read", "run"]


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
    lazy: bool | None = None,
) -> xr.Dataset:
    """Run an experiment and return its samples.

    ``make`` and ``trial`` are called in this process only, before anything is computed: every other one runs the program that
    was lowered here. The samples do not depend on the executor, the order or number of tasks, or interruptions.
    Ctrl-C and SIGTERM drop the tasks in flight and keep the others.

    ``workers=0`` runs in this process where XLA has one thread in it, as it has when a run is what starts JAX,
    or with NPROC=1 in the environment; elsewhere in one process beside it, since the number of threads changes last digits.

    Args:
        experiment: What is run.
        root: Number from which all keys are made, in 0 .. 2**64 - 1.
        executor: Any ``concurrent.futures.Executor`` that does not fork; None for ``workers`` processes of our own.
        store: A folder; finished tasks in it are not run again, and a kill loses only the tasks in flight. None: memory.
        workers: How many processes; 0 for this process and its devices, None for one per core on a CPU, and for this process
            on an accelerator.
        shard: ``(k, K)``: only every K-th task from the k-th on, 0 <= k < K; needs a store.
        time_limit: Seconds after which a task counts as hung, > 0, if it is in another process; None for no limit.
        budget: Bytes that one process may use, > 0; None for its share of 70 % of the memory.
        progress: What is told of finished tasks; None for a bar on a terminal, and a line a minute elsewhere.
        lazy: Whether the samples of a store are arrays of Dask's, read when they are used; None for those above 256 MiB.

    Returns:
        The samples: raw values per seed, dimensions axes + ``seed`` + inner axes; their ``attrs`` hold ``new_tasks`` and
        ``wall_seconds``.

    Raises:
        ValueError: For bad arguments, and for a store of other code, data or settings, before anything is compiled.
        StoreError: For a damaged store, a full disk, or samples that do not fit.
        Stopped: When some tasks failed, after all others have been done.
        KeyboardInterrupt: On Ctrl-C.
        SystemExit: On SIGTERM, with status 143.
    """
    if loading():
        raise Loading
    started = time.monotonic()
    _check(experiment, root, executor, store, workers, shard, time_limit, budget)
    _start_jax()
    with Interrupts() as interrupts:
        processes = _processes(executor, experiment, workers)
        prepared = Prepared(experiment, root, budget or _fair_budget(processes), batch_of(store))
        sink = _open(experiment, root, store, prepared)
        interrupts.check()
        todo, held = _plan(experiment, sink, shard)
        bar = shown(experiment.name) if progress is None else progress
        with _pool(executor, min(processes, len(todo)), time_limit) as pool, _shown(bar, held, len(todo), experiment.block):
            Drive(pool, prepared, sink, time_limit, bar, interrupts).run(todo, held)
    whole = sink.read(experiment) if isinstance(sink, Memory) else sink.read(experiment, lazy)
    samples = _described(whole, prepared)
    samples.attrs.update(new_tasks=len(todo), wall_seconds=round(time.monotonic() - started, 3))
    return samples


def read(experiment: Experiment, store: str | Path, lazy: bool | None = None) -> xr.Dataset:
    """The samples of an experiment in a store, once it is sure that its present code and data would give them.

    Args:
        experiment: Whose samples they are, with the grid and the seeds to read.
        store: The folder of a run.
        lazy: As in ``run``.

    Returns:
        The samples, as ``run`` returns them; what is not done is NaN and counted in ``attrs["missing"]``.

    Raises:
        ValueError: Naming what differs, or what the store was never asked for.
        StoreError: For what is no store, and for one that is damaged.
    """
    held = Store(store)
    held.check(experiment)
    prepared = Prepared(experiment, held.run["root"], batch=batch_of(store))
    if not held.old:
        held.check(experiment, prepared=prepared)
    return _described(held.read(experiment, lazy), prepared)


def _described(samples: xr.Dataset, prepared: Prepared) -> xr.Dataset:
    """With what is declared of each metric now, whatever a store has kept of it."""
    for name, attributes in prepared.attributes.items():
        samples[name].attrs = attributes
    return samples


def _open(experiment: Experiment, root: int, store: str | Path | None, prepared: Prepared) -> Store | Memory:
    """The place for samples; what cannot fit there is refused with the estimate."""
    dims = metric_dims(experiment, prepared.metrics)
    for name, metric in prepared.metrics.items():
        size = experiment.block * math.prod(metric.shape) * metric.dtype.itemsize
        if store is not None and size > chunks.LARGEST:
            raise ValueError(
                f"block: {experiment.block} seeds of metric {name!r} are {size / 2**30:.3g} GiB, a task can store 2 of each;"
                " use a smaller block, or return less from the trial"
            )
    if store is not None:
        return Store.open(store, experiment, root, prepared, dims)
    need, free = math.prod(experiment.shape) * experiment.blocks * prepared.task_bytes, 0.5 * _memory_bytes()
    if need > free:
        raise StoreError(layout.no_room(need, free, "half of the memory; pass a store"))
    return Memory(experiment, root, prepared, dims)


@contextlib.contextmanager
def _pool(executor: Executor | None, processes: int, time_limit: float | None) -> Iterator[Executor]:
    """The caller's executor, or one that ends with the run."""
    if executor is not None:
        yield executor
        return
    own = LocalProcesses(processes, time_limit) if processes else _in_this_process()
    try:
        yield own
    finally:
        own.shutdown(wait=True, cancel_futures=True)


def _in_this_process() -> Executor:
    """On all devices that it has; an accelerator computes in a thread, beside which samples are written."""
    import jax

    devices = jax.local_devices()
    return InProcess() if len(devices) == 1 and jax.default_backend() == "cpu" else LocalDevices(devices)


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
    if unknown := [name for name in experiment.dims or {} if name not in shapes]:
        raise ValueError(f"dims: {unknown[0]!r} is no metric of the trial, which returns {', '.join(shapes)}")
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


def _plan(experiment: Experiment, sink: Store | Memory, shard: Sequence[int]) -> tuple[list[Task], int]:
    """Tasks left for this shard, and how many of its tasks are done."""
    finished = sink.done()
    every = ((sink.chunk(p, b), p, b) for p in experiment.points() for b in range(experiment.blocks))
    mine = 0
    left = []
    for task in itertools.islice(every, shard[0], None, shard[1]):
        mine += 1
        if task[0] not in finished:
            left.append(task)
    return left, mine - len(left)


def _start_jax() -> None:
    """With one thread on a CPU, if it has not been started yet."""
    import jax

    chosen = os.environ.get("NPROC")
    os.environ.setdefault("NPROC", "1")
    try:
        jax.devices()
    finally:
        if chosen is None:
            del os.environ["NPROC"]


def _processes(executor: Executor | None, experiment: Experiment, workers: int | None) -> int:
    """How many processes of our own to start; 0: everything runs here, or by the caller's executor."""
    import jax

    if executor is not None:
        return 0
    on_cpu = jax.default_backend() == "cpu"
    if workers is None:
        workers = _cores() if on_cpu else 0
    elif workers > 0 and not on_cpu:
        raise ValueError(
            f"workers: {workers} processes would compute on the CPU, and samples are made here on"
            f" {jax.devices()[0].device_kind}; leave workers out, or set JAX_PLATFORMS=cpu"
        )
    elif workers == 0 and on_cpu and not one_thread():
        workers = 1  # this process would give other last digits
    return min(workers, math.prod(experiment.shape) * experiment.blocks)


def _check(experiment, root, executor, store, workers, shard: Sequence[int], time_limit, budget) -> None:
    """Refuse bad arguments before anything is compiled or laid out."""
    if _integer("root", root, 0) >= 2**64:
        raise ValueError(f"root: {root} is not below 2**64")
    if workers is not None:
        _integer("workers", workers, 0)
    for name, value, most in (("time_limit", time_limit, threading.TIMEOUT_MAX), ("budget", budget, sys.float_info.max)):
        if value is not None and not (isinstance(value, int | float) and 0 < value <= most):
            raise ValueError(f"{name}: {value!r}; use a positive number, or leave it out")
    if time_limit is not None and (workers == 0 if executor is None else isinstance(executor, InProcess)):
        raise ValueError("time_limit: a task in this process cannot be ended; use workers")
    index, count = shard
    if not 0 <= _integer("shard", index, 0) < _integer("shard", count, 1):
        raise ValueError(f"shard: {index}/{count}; use k/K with 0 <= k < K")
    if count > 1 and store is None:
        raise ValueError("shard: needs a store, where the shards meet")
    if (tasks := math.prod(experiment.shape) * experiment.blocks) > layout.MOST_TASKS:
        raise ValueError(f"seeds: {experiment.seeds} seeds make {tasks} tasks, above {layout.MOST_TASKS}; use a larger block")
    _check_executor(executor)


def _check_executor(executor: Executor | None) -> None:
    """A process that is forked after JAX has started waits for ever at its first factorisation."""
    if isinstance(executor, ProcessPoolExecutor):
        context = getattr(executor, "_mp_context", None) or multiprocessing
        if context.get_start_method() == "fork":
            raise ValueError(
                "executor: a ProcessPoolExecutor that forks hangs once JAX has started; give it"
                " mp_context=multiprocessing.get_context('spawn'), or leave executor out and use workers"
            )


def _integer(name: str, value: Any, low: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise ValueError(f"{name}: {value!r} is not an integer >= {low}")
    return int(value)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _fair_budget(processes: int) -> float:
    """70 % of a device's memory, or of this machine's divided by the processes, or by the devices of this one."""
    import jax

    stats = jax.local_devices()[0].memory_stats() or {}
    return 0.7 * stats.get("bytes_limit", _memory_bytes() / (processes or jax.local_device_count()))


def _memory_bytes() -> float:
    return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
