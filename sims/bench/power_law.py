"""Benchmark: power laws fitted to tails, against the package powerlaw; and reductions of batches of 512 x 512 matrices.

A fit tries every datum as the lower end of the tail up to 50,000 data, and 2,000 of them above, in float64. The package has
a wide range of exponents, without which it leaves candidates out. Exponents and lower ends are checked to agree before anything
is timed. Reductions keep a hundredth of the entries, float32, a batch in one program.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _timing import optional, range_of, seconds, setting

from jaxprune.simulate.compression import quantiser, released_split, rules, sparse
from jaxprune.simulate.tails import power_law
from jaxprune.sweep.tasks import pinned

SIZES, PEER_SIZES, REPEATS = (1000, 10_000, 50_000, 500_000, 5_000_000), (1000, 3000), 5
BATCH, SIDE = 16, 512
BUDGET = SIDE * SIDE // 100


def laws(n: int) -> dict[str, np.ndarray]:
    """Magnitudes of n numbers."""
    rng = np.random.default_rng(0)
    return {
        "Pareto 1.5": rng.random(n) ** (-1 / 1.5),
        "Student 3": np.abs(rng.standard_t(3, n)),
        "normal": np.abs(rng.standard_normal(n)),
    }


def fits() -> None:
    """Seconds of one fit."""
    print(f"\nseconds of a fit, median of {REPEATS} (least to largest)")
    for n in SIZES:
        for name, x in laws(n).items():
            found = power_law.fit(x)
            times = [seconds(lambda x=x: power_law.fit(x)) for _ in range(REPEATS)]
            print(f"  n {n:8} {name:11} {range_of(times, 4)}   {int(found.candidates)} candidates")


def against(powerlaw: Any) -> None:
    """Ratios of times, pair by pair."""
    print(f"\nagainst {powerlaw.__name__}: seconds of both, median of pairs, and time over ours")
    for n in PEER_SIZES:
        for name, x in laws(n).items():

            def theirs(x=x):
                return powerlaw.Fit(x, verbose=False, parameter_ranges=dict(alpha=(1.0, 1000.0)))

            ours, fitted = power_law.fit(x), theirs()
            assert abs(float(ours.pdf_exponent) / fitted.alpha - 1) < 1e-9 and float(ours.xmin) == fitted.xmin, (n, name)
            pairs = np.array([(seconds(lambda x=x: power_law.fit(x)), seconds(theirs)) for _ in range(3)])
            mine, other = np.median(pairs, axis=0)
            print(f"  n {n:6} {name:11} {mine:.4f} and {other:.2f}, ratio {range_of(pairs[:, 1] / pairs[:, 0], 0)}")


def reductions() -> None:
    """Matrices per second."""
    work: dict[str, Callable[..., Any]] = {
        "top 1 %": lambda key, w: rules.compress(rules.magnitude, key, w, BUDGET),
        "random 1 %, power 2": lambda key, w: sparse.random_keep(key, w, sparse.inclusion_of(w, BUDGET)),
        "top 1 % in 5 bits": lambda key, w: quantiser.quantised(rules.compress(rules.magnitude, key, w, BUDGET), 4),
        "released split": released_split.split,
    }
    print(f"\nmatrices {SIDE} x {SIDE} per second, batches of {BATCH} in one program, median of {REPEATS} (least to largest)")
    keys = jax.random.split(jax.random.key(0), BATCH)
    matrices = jax.random.t(jax.random.key(1), 1.5, (BATCH, SIDE, SIDE))
    for name, reduce in work.items():
        batch = jax.jit(jax.vmap(reduce))
        jax.block_until_ready(batch(keys, matrices))
        rates = [BATCH / seconds(lambda b=batch: jax.block_until_ready(b(keys, matrices))) for _ in range(REPEATS)]
        print(f"  {name:20} {range_of(rates)}")


def main() -> None:
    """Print the tables; without the package, ours alone."""
    with pinned("float32"):
        powerlaw = optional("powerlaw")
        print(setting(powerlaw) if hasattr(powerlaw, "__version__") else setting())
        print(f"{jnp.zeros(()).dtype} reductions, float64 fits")
        fits()
        if powerlaw is not None:
            against(powerlaw)
        reductions()


if __name__ == "__main__":
    main()
