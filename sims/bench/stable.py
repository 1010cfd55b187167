"""Speed of stable draws: ten million float32 numbers per call, against SciPy, NumPy and PyTorch.

The peers draw by the method of Chambers, Mallows and Stuck too, each in the faster of two ways: whole arrays, or pieces
that stay in the cache. The laws are checked to agree before anything is timed; compiling is timed apart.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _record import Bench
from _timing import Torch, Work, bandwidth, compiled, engine, faster, host, precision, ready
from scipy import stats

from jaxprune.simulate import stable
from jaxprune.sweep import Experiment

ALPHA, SIZE, DIM, PIECE, PAIRS = 1.5, 10_000_000, 64, 16_384, 5
ALPHAS = (0.5, 1.0, 1.5, 1.9, 2.0)
QUICK = dict(SIZE=200_000, PAIRS=2, ALPHAS=(1.0, 2.0))


def laws() -> dict[str, tuple[Any, tuple[int, ...]]]:
    """What is timed, and the shape of one call."""
    return {
        "Symmetric": (stable.Symmetric(ALPHA), (SIZE,)),
        "Positive": (stable.Positive(ALPHA / 2), (SIZE,)),
        "Skewed": (stable.Skewed(ALPHA, 0.5), (SIZE,)),
        f"Isotropic, d = {DIM}": (stable.Isotropic(ALPHA), (SIZE // DIM, DIM)),
        "Gaussian": (stable.Gaussian(), (SIZE,)),
    }


def drawn(law, shape) -> tuple[Callable[[], Any], float]:
    """One call, and the seconds that compiling took."""
    program, took = compiled(lambda law, key: law.sample(key, shape), law, jax.random.key(1))
    return functools.partial(program, law, jax.random.key(1)), took


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


def from_torch(torch: Torch, piece: int) -> Any:
    module, place = torch.module, torch.place
    out = module.empty(SIZE, device=place)
    for start in range(0, SIZE, piece):
        part = out[start : start + piece]
        angle = (module.rand(len(part), device=place) - 0.5) * np.pi
        wait = -module.log1p(-module.rand(len(part), device=place))
        tail = (module.cos((1 - ALPHA) * angle) / wait) ** ((1 - ALPHA) / ALPHA)
        module.mul(module.sin(ALPHA * angle) / module.cos(angle) ** (1 / ALPHA), tail, out=part)
    return out


def peers(torch: Torch | None) -> dict[str, Work]:
    """One call of each, in whichever of pieces or whole arrays takes less time."""
    found = {"scipy.stats.levy_stable.rvs": Work(from_scipy, SIZE)}
    for name, dtype in (("NumPy float64", np.float64), ("NumPy float32", np.float32)):
        ways = {piece: lambda piece=piece, dtype=dtype: from_numpy(dtype, piece) for piece in (PIECE, SIZE)}
        found[name] = Work(ways[faster(ways)], SIZE)
    if torch is not None:
        pieces = [torch.ways(functools.partial(from_torch, torch, piece)) for piece in (PIECE, SIZE)]
        for how in pieces[0]:
            ways = {piece: ways[how] for piece, ways in zip((PIECE, SIZE), pieces, strict=True)}
            found[f"PyTorch float32, {how}"] = Work(ways[faster(ways)], SIZE, torch.device)
    return found


def check(bench: Bench, works: dict[str, Work]) -> None:
    """The law of each: characteristic function and tail within five standard errors. Raises RuntimeError."""
    bench.say(f"{SIZE:,} draws: mean cos X is {np.exp(-1):.5f}; of many millions a textbook float32 may not be finite")
    far = (2 / np.pi) * 0.5 * np.sqrt(np.pi) * np.sin(np.pi * ALPHA / 2) * 1000.0**-ALPHA  # two terms agree to 1e-5 there
    for name, work in works.items():
        x = np.asarray(host(work.call()), np.float64)
        broken = np.sum(~np.isfinite(x))
        wave, beyond = np.mean(np.cos(x[np.isfinite(x)])), np.mean(np.abs(x) > 1000)
        gaps = (wave - np.exp(-1)) / (0.6 / np.sqrt(SIZE)), (beyond - far) / np.sqrt(far / SIZE)
        bench.say(f"{name}: mean cos X {wave:.5f}, P(|X| > 1000) {beyond:.2e}, {broken} not finite")
        if max(map(abs, gaps)) > 5:
            raise RuntimeError(f"{name}: draws of another law, {gaps} standard errors away")


def make(scale):
    return stable.Symmetric(ALPHA, scale)


def trial(key, law):
    """One call of ten million draws, as the engine runs it: nothing but a summary leaves the process."""
    return {"largest": jnp.max(jnp.abs(law.sample(key, (SIZE,))))}


def compare(bench: Bench) -> None:
    """Check, then time the symmetric law against every peer."""
    ours, took = drawn(*laws()["Symmetric"])
    own, others, what = {"jaxprune, one process": Work(ours, SIZE)}, peers(Torch.of(bench)), f"symmetric law, alpha = {ALPHA}"
    check(bench, {**own, **others})
    experiment = Experiment("bench", {"scale": [1.0]}, make, trial, seeds=1, block=1, precision="float32")
    with engine(bench, experiment, SIZE) as every:
        bench.race("against others", what, "ns a draw", {**own, **every, **others}, PAIRS)
    bench.keep("compiling", what, "s", {"jaxprune": [took]})


def every_law(bench: Bench) -> None:
    """Each law, the cost against alpha, and what bounds it: writing a number, one logarithm, the bits of one number."""
    bound = bandwidth(4, SIZE)
    for name, (law, shape) in laws().items():
        bench.race("every law", name, "ns an entry", {"jaxprune": Work(drawn(law, shape)[0], SIZE, bound=bound)}, PAIRS)
    key, x = jax.random.key(1), jnp.linspace(0.1, 1.0, SIZE)
    program, _ = compiled(lambda law, key: law.sample(key, (SIZE,)), stable.Symmetric(ALPHA), key)
    for alpha in ALPHAS:
        works = {"jaxprune": Work(functools.partial(program, stable.Symmetric(alpha), key), SIZE)}
        bench.race("tail index", "symmetric law, one program", "ns a draw", works, PAIRS, size=alpha, along="alpha")
    for name, function, given in (
        ("read and write one number", lambda x: x + 1, x),
        ("one logarithm", jnp.log, x),
        ("jax.random.uniform", lambda k: jax.random.uniform(k, (SIZE,)), key),
        ("jax.random.normal", lambda k: jax.random.normal(k, (SIZE,)), key),
    ):
        work = Work(ready(function, given), SIZE, jax.devices()[0].device_kind)
        bench.race("what bounds a draw", name, "ns a number", {"JAX": work}, PAIRS)


def main(bench: Bench) -> None:
    """The symmetric law against peers, then every law alone."""
    with precision("float32"):
        compare(bench)
        every_law(bench)
