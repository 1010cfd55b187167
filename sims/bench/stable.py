"""Speed of stable draws: ten million float32 numbers per call, against SciPy, NumPy and PyTorch on the same cores.

The peers draw by the method of Chambers, Mallows and Stuck too, each in the faster of two ways: whole arrays, or pieces
that stay in the cache. Each ratio is of two times measured one after the other, the median of several such pairs. The
laws are checked to agree before anything is timed; compiling is timed apart.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _timing import optional, range_of, seconds, setting
from scipy import stats

from jaxprune.simulate import stable
from jaxprune.sweep import Experiment
from jaxprune.sweep.executors import LocalProcesses
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.program import pinned
from jaxprune.sweep.tasks import execute

ALPHA, SIZE, DIM, PIECE, PAIRS = 1.5, 10_000_000, 64, 16_384, 5
ALPHAS = (0.5, 1.0, 1.5, 1.9, 2.0)


def laws() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """What is timed, and the shape of one call."""
    return {
        "Symmetric": (stable.Symmetric(ALPHA), (SIZE,)),
        "Positive": (stable.Positive(ALPHA / 2), (SIZE,)),
        "Skewed": (stable.Skewed(ALPHA, 0.5), (SIZE,)),
        f"Isotropic, d = {DIM}": (stable.Isotropic(ALPHA), (SIZE // DIM, DIM)),
        "Gaussian": (stable.Gaussian(), (SIZE,)),
    }


def compiled(law, shape) -> tuple[Callable[[], Any], float]:
    """One call, and the seconds that compiling took."""
    key, started = jax.random.key(1), time.perf_counter()
    program = jax.jit(lambda law, key: law.sample(key, shape)).lower(law, key).compile()
    took = time.perf_counter() - started
    return lambda: jax.block_until_ready(program(law, key)), took


def from_scipy() -> np.ndarray:
    return np.asarray(stats.levy_stable.rvs(ALPHA, 0.0, size=SIZE, random_state=np.random.default_rng(1)))


def from_numpy(dtype, piece: int) -> np.ndarray:
    rng, out = np.random.default_rng(1), np.empty(SIZE, dtype)
    with np.errstate(all="ignore"):
        _fill(rng, out, dtype, piece)
    return out


def _fill(rng, out, dtype, piece: int) -> None:
    for start in range(0, SIZE, piece):
        part = out[start : start + piece]
        angle = (rng.random(len(part), dtype) - dtype(0.5)) * dtype(np.pi)
        wait = rng.standard_exponential(len(part), dtype)
        part[:] = np.sin(dtype(ALPHA) * angle) / np.cos(angle) ** dtype(1 / ALPHA)
        part *= (np.cos(dtype(1 - ALPHA) * angle) / wait) ** dtype((1 - ALPHA) / ALPHA)


def from_torch(torch, piece: int) -> Any:
    out = torch.empty(SIZE)
    for start in range(0, SIZE, piece):
        part = out[start : start + piece]
        angle = (torch.rand(len(part)) - 0.5) * np.pi
        wait = -torch.log1p(-torch.rand(len(part)))
        tail = (torch.cos((1 - ALPHA) * angle) / wait) ** ((1 - ALPHA) / ALPHA)
        torch.mul(torch.sin(ALPHA * angle) / torch.cos(angle) ** (1 / ALPHA), tail, out=part)
    return out


def peers(torch) -> dict[str, Callable[[], Any]]:
    """One call of each; the size of the pieces is the faster one."""
    found: dict[str, Callable[[], Any]] = {"scipy.stats.levy_stable.rvs": from_scipy}
    for name, dtype in (("NumPy float64", np.float64), ("NumPy float32", np.float32)):
        found[name] = faster(lambda piece, dtype=dtype: from_numpy(dtype, piece))
    if torch is not None:
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            torch.set_num_threads(threads)
            best = faster(lambda piece: from_torch(torch, piece))
            found[f"PyTorch float32, {threads} thread(s)"] = lambda n=threads, best=best: (torch.set_num_threads(n), best())[1]
    return found


def faster(work: Callable[[int], Any]) -> Callable[[], Any]:
    """The call with whichever of pieces or whole arrays takes less time."""
    times = {piece: min(seconds(lambda p=piece: work(p)) for _ in range(2)) for piece in (PIECE, SIZE)}
    best = min(times, key=lambda piece: times[piece])
    return lambda: work(best)


def check(draws: dict[str, Callable[[], Any]]) -> None:
    """The law of each: characteristic function and tail within five standard errors. Raises RuntimeError."""
    far = (2 / np.pi) * 0.5 * np.sqrt(np.pi) * np.sin(np.pi * ALPHA / 2) * 1000.0**-ALPHA  # two terms agree to 1e-5 there
    for name, draw in draws.items():
        x = np.asarray(draw(), np.float64)
        broken = np.sum(~np.isfinite(x))
        wave, beyond = np.mean(np.cos(x[np.isfinite(x)])), np.mean(np.abs(x) > 1000)
        gaps = (wave - np.exp(-1)) / (0.6 / np.sqrt(SIZE)), (beyond - far) / np.sqrt(far / SIZE)
        print(f"  {name:32s} mean cos X {wave:.5f}, P(|X| > 1000) {beyond:.2e}, {broken} not finite")
        if max(map(abs, gaps)) > 5:
            raise RuntimeError(f"{name}: draws of another law, {gaps} standard errors away")


def make(scale):
    return stable.Symmetric(ALPHA, scale)


def trial(key, law):
    """One call of ten million draws, as the engine runs it: nothing but a summary leaves the process."""
    return {"largest": jnp.max(jnp.abs(law.sample(key, (SIZE,))))}


def processes(workers: int) -> Callable[[], object]:
    """The engine's own way: one warm process of one thread for each core."""
    experiment = Experiment("bench", {"scale": [1.0]}, make, trial, block=1, precision="float32")
    common = Prepared(experiment, 0).common(experiment.points())
    pool = LocalProcesses(workers)

    def work():
        return [f.result() for f in [pool.submit(execute, common, [{"scale": 1.0}], [[b]]) for b in range(workers)]]

    work()
    return work


def peaks() -> dict[str, float]:
    """Nanoseconds per number of what bounds a draw, on the same thread: writing it, one logarithm of the library, and
    the bits of JAX for one uniform number."""
    key, x = jax.random.key(1), jnp.linspace(0.1, 1.0, SIZE)
    programs = {
        "read and write one number": (lambda x: x + 1, x),
        "one logarithm": (jnp.log, x),
        "jax.random.uniform, one": (lambda k: jax.random.uniform(k, (SIZE,)), key),
        "jax.random.normal, one": (lambda k: jax.random.normal(k, (SIZE,)), key),
    }
    found = {}
    for name, (function, given) in programs.items():
        program = jax.jit(function).lower(given).compile()
        work = lambda program=program, given=given: jax.block_until_ready(program(given))  # noqa: E731
        found[name] = min(seconds(work) for _ in range(PAIRS)) / SIZE * 1e9
    return found


def compare(torch) -> None:
    """Check, then time the symmetric law against every peer, pair by pair."""
    ours, took = compiled(*laws()["Symmetric"])
    others = peers(torch)
    print(f"\nthe laws agree: mean cos X is {np.exp(-1):.5f}, and in ten million draws a textbook float32 may not be finite")
    check({"jaxprune": ours, **others})
    rows = {name: [(seconds(ours), seconds(theirs)) for _ in range(PAIRS)] for name, theirs in others.items()}
    mine = np.median([one for pairs in rows.values() for one, _ in pairs]) / SIZE * 1e9
    print(f"\nns per float32 draw of the symmetric law, alpha = {ALPHA}, {SIZE:.0e} per call, median of {PAIRS} pairs")
    print(f"  {'jaxprune, this process':32s} {mine:7.2f}   {1e3 / mine:7.1f} million per second; compiling took {took:.1f} s")
    for name, pairs in rows.items():
        theirs = np.median([other for _, other in pairs]) / SIZE * 1e9
        print(f"  {name:32s} {theirs:7.2f}   ratio {range_of([other / one for one, other in pairs])}")
    _compare_engine(others)


def _compare_engine(others: dict[str, Callable[[], Any]]) -> None:
    cores = len(os.sched_getaffinity(0))
    engine = processes(cores)
    name, best = list(others.items())[-1]
    pairs = [(seconds(engine) / cores, seconds(best)) for _ in range(PAIRS)]
    mine = np.median([one for one, _ in pairs]) / SIZE * 1e9
    print(f"  {f'jaxprune, {cores} processes':32s} {mine:7.2f}   ratio {range_of([b / a for a, b in pairs])} to it of {name}")


def every_law() -> None:
    """Each law, the cost against alpha, and what bounds it."""
    print(f"\nns per entry of each law (best of {PAIRS})")
    for name, (law, shape) in laws().items():
        work, took = compiled(law, shape)
        best = min(seconds(work) for _ in range(PAIRS)) / SIZE * 1e9
        print(f"  {name:32s} {best:7.2f}   compiling took {took:.1f} s")
    program = jax.jit(lambda law, key: law.sample(key, (SIZE,)))
    costs = {}
    for alpha in ALPHAS:
        law, key = stable.Symmetric(alpha), jax.random.key(1)
        costs[alpha] = min(seconds(lambda law=law, key=key: jax.block_until_ready(program(law, key))) for _ in range(1 + PAIRS))
    print("  against alpha, one program:      " + ", ".join(f"{a}: {t / SIZE * 1e9:.2f}" for a, t in costs.items()))
    mine = costs[ALPHA] / SIZE * 1e9
    print("what bounds it, ns per number in the same process, and their share of a draw:")
    for name, cost in peaks().items():
        print(f"  {name:32s} {cost:7.2f}   {cost / mine:.0%}")


def main() -> None:
    """Print the tables; PyTorch is left out where it is not installed."""
    torch = optional("torch")
    with pinned("float32"):
        print(f"{setting(torch)}, threads of this process: {os.environ.get('NPROC', 'all')}")
        compare(torch)
        every_law()
