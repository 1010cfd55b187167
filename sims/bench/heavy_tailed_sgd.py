"""Benchmark: stochastic differential equations and gradient descent driven by stable noise, against their peers.

Sections: ``euler``, steps of the integrator against a scan written by hand, diffrax (Brownian noise) and a PyTorch loop
(stable noise). Peers are timed one after the other in the same run, on the same cores; a ratio is that of a pair, and its
median and range over pairs are printed. Results are checked to agree before anything is timed; compiling is not counted.
"""

import functools
import os
import time
from collections.abc import Callable
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
from _timing import optional, range_of, seconds, setting

from jaxprune.simulate import sde
from jaxprune.simulate.sde import drifts
from jaxprune.simulate.stable import laws as stable
from jaxprune.sweep.tasks import pinned

RUNS, STEPS, STEP_SIZE, ALPHA, PAIRS = 10_000, 200, 0.01, 1.5, 7
REST = 0.3  # seconds
RATE = 1.0
Peer = Callable[[], object]


def rested(work: Peer) -> float:
    """Seconds, once the threads that a peer leaves spinning have come to rest."""
    time.sleep(REST)
    return seconds(work)


def ready(program: Callable, *arguments) -> Peer:
    """A compiled program, waited for; compiled and run once here."""
    work = functools.partial(program, *arguments)
    jax.block_until_ready(work())
    return lambda: jax.block_until_ready(work())


def euler(law: stable.Law, rows: bool) -> Callable:
    """End points of all runs: rows of one array under one key, or a vmap over keys."""

    def one(key, shape):
        return sde.euler(
            drifts.Linear(RATE), law, jnp.zeros(shape), key, step_size=STEP_SIZE, steps=STEPS, rows=rows
        ).state.value

    return jax.jit(lambda key: one(key, RUNS) if rows else jax.vmap(lambda k: one(k, ()))(jax.random.split(key, RUNS)))


def by_hand(law: stable.Law) -> Callable:
    """The same in a few lines, with nothing carried but the value, and nothing checked."""

    def run(key):
        def step(x, i):
            return x - STEP_SIZE * RATE * x + law.increment(jax.random.fold_in(key, i), x.shape, STEP_SIZE), None

        return jax.lax.scan(step, jnp.zeros(RUNS), jnp.arange(STEPS))[0]

    return jax.jit(run)


def by_diffrax(diffrax: ModuleType, rows: bool) -> Callable:
    """Brownian noise: one array of runs under one path, or a vmap over paths, with its fastest path for fixed steps."""

    def one(key, shape):
        noise = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(shape, jnp.float32), key)
        diffusion = diffrax.ControlTerm(lambda t, y, args: _diagonal(diffrax, y), noise)
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, y, args: -RATE * y), diffusion)
        end = STEPS * STEP_SIZE
        solved = diffrax.diffeqsolve(
            terms, diffrax.Euler(), 0.0, end, STEP_SIZE, jnp.zeros(shape), max_steps=STEPS + 1, adjoint=diffrax.DirectAdjoint()
        )
        return solved.ys[0]

    return jax.jit(lambda key: one(key, (RUNS,)) if rows else jax.vmap(lambda k: one(k, ()))(jax.random.split(key, RUNS)))


def _diagonal(diffrax, y):
    import lineax  # type: ignore[import-not-found]

    return lineax.DiagonalLinearOperator(jnp.ones_like(y)) if y.ndim else jnp.ones_like(y)


def by_torch(torch: ModuleType) -> np.ndarray:
    """A loop in float32 with the textbook sampler."""
    x, size = torch.zeros(RUNS), STEP_SIZE ** (1 / ALPHA)
    for _ in range(STEPS):
        angle = (torch.rand(RUNS) - 0.5) * np.pi
        wait = torch.empty(RUNS).exponential_()
        ratio = (torch.cos((1 - ALPHA) * angle) / wait) ** ((1 - ALPHA) / ALPHA)
        x = x - STEP_SIZE * RATE * x + size * ratio * torch.sin(ALPHA * angle) / torch.cos(angle) ** (1 / ALPHA)
    return x.numpy()


def spread(values: np.ndarray, alpha: float) -> tuple[float, int]:
    """Mean log magnitude of the finite end points against the exact one of the scheme, in standard errors; how many end
    points are not finite."""
    alive = STEP_SIZE * np.sum(np.abs(1 - RATE * STEP_SIZE) ** (alpha * np.arange(STEPS)))
    unit = 0.5 if alpha == 2 else 1.0  # Brownian motion has unit variance, a stable law of index 2 variance 2
    exact = np.log(unit * alive) / alpha + np.euler_gamma * (1 / alpha - 1)
    logs = np.log(np.abs(np.asarray(values, float)))
    logs = logs[np.isfinite(logs)]
    return (logs.mean() - exact) / (logs.std() / np.sqrt(len(logs))), len(values) - len(logs)


def compare(name: str, alpha: float, draw: Callable, peers: dict[str, Peer]) -> None:
    """Check that every peer ends with the exact law, then time them against the first, pair by pair."""
    print(f"\n{name}: mean log |X_T| less the exact one, in standard errors: ", end="")
    found = {who: spread(np.asarray(work()), alpha) for who, work in peers.items()}
    print(", ".join(f"{who} {gap:+.1f}" + (f" ({bad} not finite)" if bad else "") for who, (gap, bad) in found.items()))
    times = np.array([[rested(work) for work in peers.values()] for _ in range(PAIRS)])
    alone = min(seconds(ready(draw, jax.random.key(9))) for _ in range(PAIRS))
    for (who, _), taken in zip(peers.items(), times.T, strict=True):
        rate, ratios = RUNS * STEPS / np.median(taken), taken / times[:, 0]
        print(f"  {who:34} {rate / 1e6:7.1f} million steps/s   {1e9 / rate:6.1f} ns per step   time {range_of(ratios, 2)}")
    share = alone * STEPS / np.median(times[:, 0])
    print(f"  drawing the noise alone takes {share:.0%} of the time of the first")


def stable_section(torch: ModuleType | None) -> None:
    """Stable noise: our two layouts, a scan by hand, PyTorch at one thread and at all."""
    law, key = stable.Symmetric(ALPHA), jax.random.key(1)
    peers = {
        "jaxprune, rows": ready(euler(law, True), key),
        "jaxprune, vmap over keys": ready(euler(law, False), key),
        "scan by hand": ready(by_hand(law), key),
    }
    if torch is not None:
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            peers[f"PyTorch loop, {threads} thread(s)"] = functools.partial(_threads, torch, threads)
    compare(f"stable noise, alpha {ALPHA}", ALPHA, jax.jit(lambda k: law.sample(k, (RUNS,))), peers)


def _threads(torch, threads):
    torch.set_num_threads(threads)
    return by_torch(torch)


def brownian_section(diffrax: ModuleType | None) -> None:
    """Brownian noise: our two layouts, a scan by hand, diffrax in its two layouts."""
    law, key = stable.Gaussian(), jax.random.key(2)
    peers = {
        "jaxprune, rows": ready(euler(law, True), key),
        "jaxprune, vmap over keys": ready(euler(law, False), key),
        "scan by hand": ready(by_hand(law), key),
    }
    if diffrax is not None:
        peers["diffrax, one array"] = ready(by_diffrax(diffrax, True), key)
        peers["diffrax, vmap over keys"] = ready(by_diffrax(diffrax, False), key)
    compare("Brownian noise", 2.0, jax.jit(lambda k: law.sample(k, (RUNS,))), peers)


def costs() -> None:
    """Cost of a step of one run against the number of seeds, and of tail indices: one program each."""

    def batch(keys, alphas):
        def one(index, key):
            law = stable.Symmetric(index)
            return sde.euler(drifts.Linear(RATE), law, jnp.zeros(()), key, step_size=STEP_SIZE, steps=STEPS).state.value

        return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(alphas, keys)

    print("\nscalar runs, vmap over keys and indices: ns per step of one run")
    for count, alphas in [(1, 1), (10, 1), (100, 1), (1000, 1), (10000, 1), (1000, 2), (1000, 4), (1000, 8)]:
        index = jax.vmap(stable.index)(jnp.linspace(1.2, 1.9, alphas))
        work = ready(jax.jit(batch), jax.random.split(jax.random.key(3), count), index)
        taken = np.array([seconds(work) for _ in range(PAIRS)]) / (STEPS * count * alphas) * 1e9
        print(f"  {count:6} seeds x {alphas} indices   {range_of(taken)}")


def main() -> None:
    """Steps of the integrator, against its peers."""
    torch, diffrax = optional("torch"), optional("diffrax")
    with pinned("float32"):
        print(f"{setting(torch, diffrax)}\neuler: {RUNS} runs of {STEPS} steps, dX = -X dt + dL, float32")
        stable_section(torch)
        brownian_section(diffrax)
        costs()
