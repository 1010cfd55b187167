"""Speed of optima of narrow ReLU networks, against SciPy's L-BFGS-B and a PyTorch loop on the same cores.

An optimum counts as certified where its loss is the proved minimum (a tangent bound, theory's) within ``CLOSE``; peers
minimise the same simplified objective from starts of the same law, their gradients by hand. Rates are of one process;
each ratio is of two times measured one after the other, the median of several such pairs.
"""

import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from _timing import optional, range_of, seconds, setting
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from jaxprune.simulate import two_layer
from jaxprune.simulate.two_layer import Schedule, losses, objectives
from jaxprune.simulate.two_layer.optimise import starts
from jaxprune.sweep.program import pinned
from jaxprune.theory import two_layer as theory

CLOSE, PAIRS, LOOPS = 1e-9, 5, 200
ADAM = 1000  # steps of a plain run, of which restart-steps per second are counted
PLAN = Schedule(adam=80, newton=6, inner=20)
SIZES = (4, 8, 16, 32)


def problem(dim: int) -> objectives.Objective:
    """The simplified objective without a slope."""
    return objectives.simplified(losses.Factors(1.0, np.zeros(dim), 0.0))


def compiled(neurons: int, dim: int, restarts: int, plan: Schedule) -> tuple[Callable[[int], Any], float]:
    """Seed -> runs, and the seconds that compiling took."""
    objective, started = problem(dim), time.perf_counter()
    run = jax.jit(lambda key: two_layer.minimise(objective, key, neurons, restarts, schedule=plan))
    program = run.lower(jax.random.key(0)).compile()
    took = time.perf_counter() - started
    return lambda seed: jax.block_until_ready(program(jax.random.key(seed))), took


def value_and_slope(flat: np.ndarray, neurons: int, dim: int) -> tuple[float, np.ndarray]:
    """The same objective for SciPy, in NumPy."""
    rows = flat.reshape(neurons, dim)
    size = np.sqrt(np.sum(rows**2, axis=1))
    unit = rows / size[:, None]
    cosine = np.clip(unit @ unit.T, -1, 1)
    np.fill_diagonal(cosine, 1)
    left, sine = np.pi - np.arccos(cosine), np.sqrt(1 - cosine**2)
    along, toward = sine @ size / np.pi - np.sqrt(2 / np.pi), left @ rows / np.pi
    pairs = size @ ((sine + left * cosine) @ size) / (2 * np.pi)
    return 1 - np.sqrt(2 / np.pi) * np.sum(size) + pairs, (along[:, None] * unit + toward).ravel()


def scipy_optima(first: np.ndarray) -> list[float]:
    """Losses of one L-BFGS-B run after another."""
    options: dict[str, Any] = dict(ftol=1e-15, gtol=1e-9, maxiter=2000)
    shape = first.shape[1:]
    runs = (minimize(value_and_slope, x.ravel(), shape, "L-BFGS-B", jac=True, options=options) for x in first)
    return [float(run.fun) for run in runs]


def torch_optima(torch, first: np.ndarray) -> list[float]:
    """Losses of one run of PyTorch's L-BFGS after another, with the same gradient."""
    found = []
    for start in first:
        rows = torch.tensor(start, requires_grad=True)
        optimiser = torch.optim.LBFGS(
            [rows], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-15, line_search_fn="strong_wolfe"
        )

        def closure(rows=rows):
            value, slope = value_and_slope(rows.detach().numpy().ravel(), *rows.shape)
            rows.grad = torch.from_numpy(slope.reshape(rows.shape))
            return torch.tensor(value)

        optimiser.step(closure)
        found.append(float(closure()))
    return found


def certified(found: Any, neurons: int) -> int:
    """How many losses are the proved minimum; raises RuntimeError where one is below it."""
    gap = np.asarray(found) - theory.simplex_value(neurons)
    if np.min(gap) < -1e-12:
        raise RuntimeError(f"a loss is {np.min(gap)} below the proved minimum")
    return int(np.sum(gap < CLOSE))


def rate(work: Callable[[], Any], neurons: int) -> float:
    """Certified optima per second of one call."""
    started = time.perf_counter()
    found = work()
    return certified(found, neurons) / (time.perf_counter() - started)


def compare(torch, neurons: int = 8, restarts: int = 2000) -> None:
    """Certified optima per second at M = d = 8."""
    ours, took = compiled(neurons, neurons, restarts, PLAN)
    first = np.asarray(starts(jax.random.key(0), problem(neurons), neurons, LOOPS)[0])
    peers: dict[str, Callable[[], Any]] = {"SciPy L-BFGS-B, a loop": lambda: scipy_optima(first)}
    if torch is not None:
        torch.set_num_threads(1)
        peers["PyTorch L-BFGS, a loop"] = lambda: torch_optima(torch, first)
    last = ours(1)
    reached, gradient = certified(last.loss, neurons) / restarts, float(jnp.max(last.gradient))
    print(f"\ncertified optima per second, M = d = {neurons}; compiling took {took:.1f} s")
    print(f"jaxprune: {restarts} starts, {reached:.1%} certified, largest gradient {gradient:.0e}")
    for name, work in peers.items():
        pairs = [(rate(lambda s=s: ours(s).loss, neurons), rate(work, neurons)) for s in range(PAIRS)]
        mine, theirs = np.median(pairs, axis=0)
        print(f"  {name:24s} {theirs:8.0f}   jaxprune {mine:8.0f}   ratio {range_of([a / b for a, b in pairs])}")


def restart_steps() -> None:
    """Adam alone, against the number of neurons and inputs."""
    print(f"\nrestart-steps per second: {ADAM} steps of Adam (and one second-order step)")
    for size in SIZES:
        restarts = max(4096 // size**2, 16)
        work, _ = compiled(size, size, restarts, Schedule(adam=ADAM, newton=1, inner=1))
        work(0)
        best = min(seconds(lambda w=work: w(1)) for _ in range(PAIRS))
        print(f"  M = d = {size:3d}   {restarts * ADAM / best:12.0f}   {best / restarts / ADAM * 1e6:8.2f} us a step")


def growth() -> None:
    """Seconds of a step of the exact loss against N, M and d; the others stay."""
    print("\nmicroseconds of one restart-step of the exact loss, 16 restarts")
    for name, values in {"N": (256, 1024, 4096), "M": (4, 8, 16), "d": (16, 32, 64)}.items():
        times = []
        for value in values:
            sizes = dict(N=1024, M=4, d=16) | {name: value}
            rows = np.random.default_rng(0).normal(size=(sizes["N"], sizes["d"])) / np.sqrt(sizes["d"])
            objective = objectives.exact(rows, np.full(len(rows), 1 / len(rows)))
            plan = Schedule(adam=50, newton=1, inner=1)
            run = jax.jit(lambda key, o=objective, m=sizes["M"], p=plan: two_layer.minimise(o, key, m, 16, schedule=p))
            jax.block_until_ready(run(jax.random.key(0)))
            times.append(min(seconds(lambda r=run: jax.block_until_ready(r(jax.random.key(1)))) for _ in range(3)) / 800)
        exponent = np.polyfit(np.log(values), np.log(times), 1)[0]
        shown = ", ".join(f"{v}: {1e6 * t:.1f}" for v, t in zip(values, times, strict=True))
        print(f"  {name}   {shown}   like {name}^{exponent:.2f}")


def main() -> None:
    """Print the tables; PyTorch is left out where it is not installed."""
    torch = optional("torch")
    with pinned("float64"), threadpool_limits(1, "blas"):
        print(f"{setting(scipy, torch)}, threads of this process: {os.environ.get('NPROC', 'all')}")
        compare(torch)
        restart_steps()
        growth()
