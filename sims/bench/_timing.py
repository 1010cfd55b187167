"""What every benchmark measures with: calls by the clock, in turn; the peaks of the same run; peers on their own devices."""

import contextlib
import functools
import os
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.sweep import Experiment
from jaxprune.sweep.executors import LocalDevices, LocalProcesses
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.program import pinned
from jaxprune.sweep.tasks import execute

REST = 0.3  # seconds, after which threads that a peer leaves spinning are asleep
LEAST, WIDEST = 5e-3, 16_384  # seconds of a product of matrices that tells the peak, and the widest that is tried
Way = TypeVar("Way", bound=Hashable)


class Bound(NamedTuple):
    """The seconds that a peak would take for one item, and what it is."""

    seconds: float
    words: str


class Work(NamedTuple):
    """A call, how many items it does (or a function of what it returns), where it is done if not where one expects, and what
    bounds it."""

    call: Callable[[], Any] = lambda: None
    items: float | Callable[[Any], float] = 1.0
    device: str = ""
    bound: Bound | None = None


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def seconds(work: Callable[[], object]) -> float:
    """One run, by the clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alternate(works: Mapping[str, Work], repeats: int, rest: float | None = None) -> dict[str, list[float]]:
    """Seconds for an item: one call of each, one after another, ``repeats`` times; between different ones, a ``rest``.

    Raises RuntimeError where a call does no item.
    """
    times: dict[str, list[float]] = {who: [] for who in works}
    pause = REST * (len(works) > 1) if rest is None else rest
    for _ in range(repeats):
        for who, work in works.items():
            time.sleep(pause)
            started = time.perf_counter()
            found = work.call()
            took = time.perf_counter() - started
            done = work.items(found) if callable(work.items) else work.items
            if not done > 0:
                raise RuntimeError(f"{who}: a call did {done} items")
            times[who].append(took / done)
    return times


def faster(ways: Mapping[Way, Callable[[], object]]) -> Way:
    """The way that takes less time, the better of two calls."""
    times = {way: min(seconds(work) for _ in range(2)) for way, work in ways.items()}
    return min(times, key=lambda way: times[way])


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Callable[..., Any], float]:
    """A program that is waited for, compiled for such arguments, and the seconds that took; it has run once."""
    started = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    took = time.perf_counter() - started
    jax.block_until_ready(program(*arguments))
    return lambda *values: jax.block_until_ready(program(*values)), took


def ready(function: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """A call of a program with these arguments that is waited for, compiled and run once here."""
    return functools.partial(compiled(function, *arguments)[0], *arguments)


def host(array: Any) -> np.ndarray:
    """An array of NumPy, JAX or PyTorch, wherever it is."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


@contextlib.contextmanager
def precision(name: str) -> Iterator[None]:
    """As the sweeps compute: "float32" or "float64", and products of matrices in it on an accelerator, too."""
    with pinned(name), jax.default_matmul_precision("highest"):
        yield


def peak(flop: float) -> Bound:
    """What a product of matrices takes for ``flop`` floating-point operations: in this precision, with these threads."""
    rate, side, took = 0.0, 512, 0.0
    while took < LEAST and side < WIDEST:
        side *= 2
        work = ready(lambda a: a @ a, jax.random.normal(jax.random.key(0), (side, side)))
        took = min(seconds(work) for _ in range(7))
        rate = max(rate, 2 * side**3 / took)
    return Bound(flop / rate, f"{rate / 1e9:,.0f} GFLOP/s of a matrix product, {jnp.zeros(()).dtype}")


def bandwidth(nbytes: float, size: int) -> Bound:
    """What the memory would take to move so many bytes, as it moves an array of ``size`` numbers."""
    x = jnp.linspace(0.1, 1.0, size)
    work = ready(lambda x: x + 1, x)
    rate = 2 * x.nbytes / min(seconds(work) for _ in range(7))
    return Bound(nbytes / rate, f"{rate / 1e9:,.1f} GB/s of memory, read and written")


def accelerated() -> bool:
    """Whether programs run on an accelerator."""
    return jax.default_backend() != "cpu"


@contextlib.contextmanager
def engine(bench: Any, experiment: Experiment, each: float = 1) -> Iterator[dict[str, Work]]:
    """The sweep's own way, warm: a worker process for each core; beside an accelerator, all of this process's devices.

    Each of them runs all the seeds that the experiment declares, of its one point; a seed does ``each`` items.
    """
    places = jax.local_devices() if (beside := accelerated()) else range(cores())
    if beside:
        bench.say(f"without worker processes, which compute on the CPU; the sweep uses all {len(places)} device(s) instead")
    experiment = experiment.resized(seeds=experiment.seeds * len(places))
    (point,) = experiment.points()
    prepared = Prepared(experiment, 0)
    common, wide = prepared.common([point]), prepared.batch.blocks if prepared.batch else 1
    calls = [list(range(first, first + wide)) for first in range(0, experiment.blocks, wide)]
    pool = LocalDevices(jax.local_devices()) if beside else LocalProcesses(len(places))

    def work() -> None:
        for future in [pool.submit(execute, common, [point], [blocks]) for blocks in calls]:
            future.result()

    try:
        work()
        words = f"{len(places)} {'device(s)' if beside else 'processes'}"
        yield {f"jaxprune, {words}": Work(work, len(calls) * wide * experiment.block * each)}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Torch:
    """PyTorch on its own device: CUDA where it has that, else the CPU."""

    def __init__(self, module: Any):
        self.module, self.cuda = module, module.cuda.is_available()
        self.place = "cuda" if self.cuda else "cpu"
        self.device = module.cuda.get_device_name() if self.cuda else "cpu"

    @classmethod
    def of(cls, bench: Any) -> "Torch | None":
        """If it is installed."""
        module: ModuleType | None = bench.peer("torch")
        return module and cls(module)

    def ways(self, work: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
        """A call with one thread and with all, or on CUDA and waited for."""
        if self.cuda:
            return {"CUDA": functools.partial(self._waited, work)}
        return {f"{n} thread{'s' * (n > 1)}": functools.partial(self._threaded, n, work) for n in sorted({1, cores()})}

    def _waited(self, work: Callable[[], Any]) -> Any:
        found = work()
        self.module.cuda.synchronize()
        return found

    def _threaded(self, threads: int, work: Callable[[], Any]) -> Any:
        self.module.set_num_threads(threads)
        return work()
