"""Speed of optima of narrow ReLU networks, against SciPy's L-BFGS-B and a PyTorch loop.

An optimum counts as certified where its loss is the proved minimum (a tangent bound, theory's) within ``CLOSE``; peers
minimise the same simplified objective from starts of the same law, their gradients by hand. All use one process.
"""

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _record import Bench
from _timing import Torch, Work, compiled, precision
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from jaxprune.simulate import two_layer
from jaxprune.simulate.two_layer import Schedule, losses, objectives
from jaxprune.simulate.two_layer.optimise import starts
from jaxprune.theory import two_layer as theory

CLOSE, PAIRS, STARTS, LOOPS = 1e-9, 5, 2000, 200
ADAM = 1000  # steps of a plain run, of which restart-steps per second are counted
PLAN = Schedule(adam=80, newton=6, inner=20)
SIZES = (4, 8, 16, 32)
GROWTH = {"N": (256, 1024, 4096), "M": (4, 8, 16), "d": (16, 32, 64)}  # of the exact loss; the others are those of BASE
BASE = {"N": 1024, "M": 4, "d": 16}
QUICK = dict(PAIRS=2, STARTS=50, LOOPS=4, ADAM=20, SIZES=(4, 8), GROWTH={"N": (64, 128)}, BASE={"N": 64, "M": 4, "d": 8})


def problem(dim: int) -> objectives.Objective:
    """The simplified objective without a slope."""
    return objectives.simplified(losses.Factors(1.0, np.zeros(dim), 0.0))


def optima(objective: objectives.Objective, neurons: int, restarts: int, plan: Schedule):
    """Seeds, one after another -> runs; and the seconds that compiling took."""
    seeds = itertools.count()
    run, took = compiled(lambda key: two_layer.minimise(objective, key, neurons, restarts, schedule=plan), jax.random.key(0))
    return lambda: run(jax.random.key(next(seeds))), took


def value_and_slope(rows: Any, library: Any) -> tuple[Any, Any]:
    """The same objective of ``rows`` (M, d) for the peers, in NumPy or PyTorch."""
    size = library.sqrt(library.sum(rows**2, axis=1))
    unit = rows / size[:, None]
    cosine = library.clip(unit @ unit.T, -1, 1)
    cosine[range(len(rows)), range(len(rows))] = 1
    left, sine = np.pi - library.arccos(cosine), library.sqrt(1 - cosine**2)
    along, toward = sine @ size / np.pi - (2 / np.pi) ** 0.5, left @ rows / np.pi
    pairs = size @ ((sine + left * cosine) @ size) / (2 * np.pi)
    return 1 - (2 / np.pi) ** 0.5 * library.sum(size) + pairs, along[:, None] * unit + toward


def scipy_optima(first: np.ndarray) -> list[float]:
    """Losses of one L-BFGS-B run after another."""
    options: dict[str, Any] = dict(ftol=1e-15, gtol=1e-9, maxiter=2000)

    def flat(x):
        value, slope = value_and_slope(x.reshape(first.shape[1:]), np)
        return value, slope.ravel()

    return [float(minimize(flat, x.ravel(), method="L-BFGS-B", jac=True, options=options).fun) for x in first]


def torch_optima(torch: Torch, first: np.ndarray) -> list[float]:
    """Losses of one run of PyTorch's L-BFGS after another, with the same gradient."""
    module, found = torch.module, []
    for start in first:
        rows = module.tensor(start, device=torch.place, requires_grad=True)
        optimiser = module.optim.LBFGS(
            [rows], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-15, line_search_fn="strong_wolfe"
        )

        def closure(rows=rows):
            with module.no_grad():  # on a CPU NumPy takes less time for such small arrays
                value, slope = value_and_slope(rows, module) if torch.cuda else value_and_slope(rows.detach().numpy(), np)
            rows.grad = module.as_tensor(slope)
            return module.as_tensor(value)

        optimiser.step(closure)
        found.append(float(closure()))
    return found


def certified(found: Any, neurons: int) -> int:
    """How many losses are the proved minimum; raises RuntimeError where one is below it."""
    gap = np.asarray(found) - theory.simplex_value(neurons)
    if np.min(gap) < -1e-12:
        raise RuntimeError(f"a loss is {np.min(gap)} below the proved minimum")
    return int(np.sum(gap < CLOSE))


def compare(bench: Bench, neurons: int = 8) -> None:
    """Time of a certified optimum at M = d = 8; every call of ours has a seed of its own."""
    objective, torch = problem(neurons), Torch.of(bench)
    ours, took = optima(objective, neurons, STARTS, PLAN)
    first = np.array(starts(jax.random.key(0), objective, neurons, LOOPS)[0])
    done, what = ours(), f"M = d = {neurons}"
    reached, gradient = certified(done.loss, neurons) / STARTS, float(jnp.max(done.gradient))
    bench.say(f"{STARTS} starts in one program, {reached:.1%} certified, largest gradient {gradient:.0e}")
    count = functools.partial(certified, neurons=neurons)
    works = {
        "jaxprune, one process": Work(ours, lambda found: count(found.loss)),
        "SciPy L-BFGS-B, a loop": Work(lambda: scipy_optima(first), count),
    }
    if torch is not None:
        how, loop = next(iter(torch.ways(lambda: torch_optima(torch, first)).items()))
        works[f"PyTorch L-BFGS, a loop, {how}"] = Work(loop, count, torch.device)
    bench.race("optima", what, "µs a certified optimum", works, PAIRS)
    bench.keep("compiling", what, "s", {"jaxprune": [took]})


def steps_of_adam(bench: Bench) -> None:
    """Adam alone (and one second-order step), against the number of neurons and inputs."""
    for size in SIZES:
        restarts = max(4096 // size**2, 16)
        work, _ = optima(problem(size), size, restarts, Schedule(adam=ADAM, newton=1, inner=1))
        works = {"jaxprune": Work(work, restarts * ADAM)}
        bench.race("a step of Adam of one start", "", "µs a step", works, PAIRS, size=size, along="M = d")


def growth(bench: Bench) -> None:
    """A step of the exact loss against N, M and d; the others stay."""
    for name, values in GROWTH.items():
        for value in values:
            sizes = BASE | {name: value}
            rows = np.random.default_rng(0).normal(size=(sizes["N"], sizes["d"])) / np.sqrt(sizes["d"])
            objective = objectives.exact(rows, np.full(len(rows), 1 / len(rows)))
            work, _ = optima(objective, sizes["M"], 16, Schedule(adam=50, newton=1, inner=1))
            works = {"jaxprune": Work(work, 16 * 50)}
            bench.race("a step of the exact loss", "", "µs a step", works, min(PAIRS, 3), size=value, along=name)


def main(bench: Bench) -> None:
    """Optima against peers, then what a step costs."""
    with precision("float64"), threadpool_limits(1, "blas"):
        compare(bench)
        steps_of_adam(bench)
        growth(bench)
