"""Benchmark: power laws fitted to tails, against the package powerlaw; and reductions of batches of 512 x 512 matrices.

A fit tries every datum as the lower end of the tail up to 50,000 data, and 2,000 of them above, in float64. The package has
a wide range of exponents, without which it leaves candidates out. Exponents and lower ends are checked to agree before anything
is timed. Reductions keep a hundredth of the entries, float32, a batch in one program.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from _record import Bench
from _timing import Work, precision, ready

from jaxprune.simulate.compression import quantiser, released_split, rules, sparse
from jaxprune.simulate.tails import power_law

SIZES, PEER_SIZES, REPEATS = (1000, 10_000, 50_000, 500_000, 5_000_000), (1000, 3000), 5
BATCH, SIDE = 16, 512
QUICK = dict(SIZES=(500, 1000), PEER_SIZES=(300,), REPEATS=2, SIDE=64)


def laws(n: int) -> dict[str, np.ndarray]:
    """Magnitudes of n numbers."""
    rng = np.random.default_rng(0)
    return {
        "Pareto 1.5": rng.random(n) ** (-1 / 1.5),
        "Student 3": np.abs(rng.standard_t(3, n)),
        "normal": np.abs(rng.standard_normal(n)),
    }


def fitted(x: np.ndarray) -> Any:
    return jax.block_until_ready(power_law.fit(x))


def fits(bench: Bench) -> None:
    """Time of one fit."""
    for n in SIZES:
        for name, x in laws(n).items():
            works = {"jaxprune": Work(lambda x=x: fitted(x))}
            works["jaxprune"].call()
            bench.race("fits", name, "ms a fit", works, REPEATS, size=n, along="data")


def against(bench: Bench, powerlaw: Any) -> None:
    """Both, pair by pair."""
    for n in PEER_SIZES:
        for name, x in laws(n).items():

            def theirs(x=x):
                return powerlaw.Fit(x, verbose=False, parameter_ranges=dict(alpha=(1.0, 1000.0)))

            ours, other = fitted(x), theirs()
            if float(ours.xmin) != other.xmin:
                raise RuntimeError(f"{name}, n = {n}: tails from {float(ours.xmin)} and {other.xmin}")
            bench.agree(f"{name}, n = {n}: exponents differ by", abs(float(ours.pdf_exponent) / other.alpha - 1), 1e-9)
            works = {"jaxprune": Work(lambda x=x: fitted(x)), "powerlaw": Work(theirs)}
            bench.race("against powerlaw", f"{name}, n = {n:,}", "ms a fit", works, min(REPEATS, 3))


def reductions(bench: Bench) -> None:
    """Matrices, a batch of them in one program."""
    budget = SIDE * SIDE // 100
    work: dict[str, Callable[..., Any]] = {
        "top 1 %": lambda key, w: rules.compress(rules.magnitude, key, w, budget),
        "random 1 %, power 2": lambda key, w: sparse.random_keep(key, w, sparse.inclusion_of(w, budget)),
        "top 1 % in 5 bits": lambda key, w: quantiser.quantised(rules.compress(rules.magnitude, key, w, budget), 4),
        "released split": released_split.split,
    }
    keys = jax.random.split(jax.random.key(0), BATCH)
    matrices = jax.random.t(jax.random.key(1), 1.5, (BATCH, SIDE, SIDE))
    for name, reduce in work.items():
        batch = ready(jax.vmap(reduce), keys, matrices)
        section = f"reductions of {SIDE} x {SIDE} matrices, {BATCH} in a program"
        bench.race(section, name, "ms a matrix", {"jaxprune": Work(batch, BATCH)}, REPEATS)


def main(bench: Bench) -> None:
    """Fits, reductions, and where the package is installed, fits by both."""
    with precision("float32"):
        fits(bench)
        if powerlaw := bench.peer("powerlaw"):
            against(bench, powerlaw)
        reductions(bench)
