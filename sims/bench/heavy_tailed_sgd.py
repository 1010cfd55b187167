"""Benchmark: steps of Euler's scheme with stable and Brownian noise, dX = -X dt + dL, against peers.

These are a scan written by hand, which is the floor, diffrax (Brownian noise) and a PyTorch loop (stable noise). Results
are checked to agree before anything is timed; compiling is not counted.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _record import Bench
from _timing import Torch, Work, host, precision, ready

from jaxprune.simulate import sde
from jaxprune.simulate.sde import drifts
from jaxprune.simulate.stable import laws as stable

RUNS, STEPS, STEP_SIZE, ALPHA, PAIRS = 10_000, 200, 0.01, 1.5, 7
RATE = 1.0
GROWTH = {"seeds": (1, 10, 100, 1000, 10_000), "indices": (1, 2, 4, 8)}  # one index, or as many seeds as MANY
MANY = 1000
QUICK = dict(RUNS=1000, STEPS=20, PAIRS=2, GROWTH={"seeds": (1, 10), "indices": (1, 2)}, MANY=10)


def euler(law: stable.Law, rows: bool) -> Callable:
    """End points of all runs: rows of one array under one key, or a vmap over keys."""

    def one(key, shape):
        return sde.euler(
            drifts.Linear(RATE), law, jnp.zeros(shape), key, step_size=STEP_SIZE, steps=STEPS, rows=rows
        ).state.value

    return lambda key: one(key, RUNS) if rows else jax.vmap(lambda k: one(k, ()))(jax.random.split(key, RUNS))


def by_hand(law: stable.Law) -> Callable:
    """The same in a few lines, with nothing carried but the value, and nothing checked."""

    def run(key):
        def step(x, i):
            return x - STEP_SIZE * RATE * x + law.increment(jax.random.fold_in(key, i), x.shape, STEP_SIZE), None

        return jax.lax.scan(step, jnp.zeros(RUNS), jnp.arange(STEPS))[0]

    return run


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

    return lambda key: one(key, (RUNS,)) if rows else jax.vmap(lambda k: one(k, ()))(jax.random.split(key, RUNS))


def _diagonal(diffrax, y):
    import lineax  # type: ignore[import-not-found]

    return lineax.DiagonalLinearOperator(jnp.ones_like(y)) if y.ndim else jnp.ones_like(y)


def by_torch(torch: Torch) -> np.ndarray:
    """A loop in float32 with the textbook sampler."""
    module, place = torch.module, torch.place
    x, size = module.zeros(RUNS, device=place), STEP_SIZE ** (1 / ALPHA)
    for _ in range(STEPS):
        angle = (module.rand(RUNS, device=place) - 0.5) * np.pi
        wait = module.empty(RUNS, device=place).exponential_()
        ratio = (module.cos((1 - ALPHA) * angle) / wait) ** ((1 - ALPHA) / ALPHA)
        x = x - STEP_SIZE * RATE * x + size * ratio * module.sin(ALPHA * angle) / module.cos(angle) ** (1 / ALPHA)
    return host(x)


def spread(values: np.ndarray, alpha: float) -> tuple[float, int]:
    """Mean log magnitude of the finite end points against the exact one of the scheme, in standard errors; how many end
    points are not finite."""
    alive = STEP_SIZE * np.sum(np.abs(1 - RATE * STEP_SIZE) ** (alpha * np.arange(STEPS)))
    unit = 0.5 if alpha == 2 else 1.0  # Brownian motion has unit variance, a stable law of index 2 variance 2
    exact = np.log(unit * alive) / alpha + np.euler_gamma * (1 / alpha - 1)
    logs = np.log(np.abs(np.asarray(values, float)))
    logs = logs[np.isfinite(logs)]
    return (logs.mean() - exact) / (logs.std() / np.sqrt(len(logs))), len(values) - len(logs)


def compare(bench: Bench, name: str, law: stable.Law, peers: dict[str, Work]) -> None:
    """Check that all end with the exact law, then time them, and the draws of the noise alone."""
    key, alpha = jax.random.key(1), float(law.index.alpha)
    works = {
        "jaxprune, rows": Work(ready(euler(law, True), key), RUNS * STEPS),
        "jaxprune, vmap over keys": Work(ready(euler(law, False), key), RUNS * STEPS),
        "scan by hand": Work(ready(by_hand(law), key), RUNS * STEPS, jax.devices()[0].device_kind),
        **peers,
    }
    bench.say(f"{name}: mean log |X_T| less the exact one, in standard errors")
    for who, work in works.items():
        gap, bad = spread(host(work.call()), alpha)
        bench.say(f"  {who}: {gap:+.1f}" + (f", {bad} not finite" if bad else ""))
        if abs(gap) > 5:
            raise RuntimeError(f"{who}: end points of another law, {gap} standard errors away")
    bench.race(name, f"{RUNS:,} runs of {STEPS} steps", "ns a step", works, PAIRS)
    draw = Work(ready(lambda k: law.sample(k, (RUNS,)), key), RUNS)
    bench.race(name, "drawing the noise alone", "ns a step", {"jaxprune": draw}, PAIRS)


def by_diffrax_twice(diffrax: Any) -> dict[str, Work]:
    """One array, and a vmap over keys."""
    found, device = {}, jax.devices()[0].device_kind
    for who, rows in (("one array", True), ("vmap over keys", False)) if diffrax else ():
        found[f"diffrax, {who}"] = Work(ready(by_diffrax(diffrax, rows), jax.random.key(2)), RUNS * STEPS, device)
    return found


def costs(bench: Bench) -> None:
    """Cost of a step of one run against the number of seeds, and of tail indices: one program each."""

    def batch(keys, alphas):
        def one(index, key):
            law = stable.Symmetric(index)
            return sde.euler(drifts.Linear(RATE), law, jnp.zeros(()), key, step_size=STEP_SIZE, steps=STEPS).state.value

        return jax.vmap(jax.vmap(one, (None, 0)), (0, None))(alphas, keys)

    for along, counts in GROWTH.items():
        for count in counts:
            seeds, indices = (count, 1) if along == "seeds" else (MANY, count)
            index = jax.vmap(stable.index)(jnp.linspace(1.2, 1.9, indices))
            work = ready(batch, jax.random.split(jax.random.key(3), seeds), index)
            works = {"jaxprune": Work(work, STEPS * seeds * indices)}
            what = "one index" if along == "seeds" else f"{MANY:,} seeds"
            bench.race("runs of numbers, vmap", what, "ns a step", works, PAIRS, size=count, along=along)


def main(bench: Bench) -> None:
    """Steps of the integrator, against its peers."""
    torch, diffrax = Torch.of(bench), bench.peer("diffrax")
    loops = torch.ways(lambda: by_torch(torch)) if torch else {}
    with precision("float32"):
        peers = {f"PyTorch loop, {how}": Work(loop, RUNS * STEPS, torch.device) for how, loop in loops.items() if torch}
        compare(bench, f"stable noise, alpha {ALPHA}", stable.Symmetric(ALPHA), peers)
        compare(bench, "Brownian noise", stable.Gaussian(), by_diffrax_twice(diffrax))
        costs(bench)
