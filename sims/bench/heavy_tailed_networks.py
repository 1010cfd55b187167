"""Benchmark: descent of the mean-field network with injected stable noise, against PyTorch loops.

One step is a mini-batch of 128 drawn without replacement, the gradient of the logistic loss of n = 2000 tanh neurons, and
noise of type I, II or III, alpha = 1.75, float32. The peers run the same step in a PyTorch loop; one takes its noise from
SciPy, as the released code of Wan et al. 2023 does, one draws it in PyTorch. Weights after noiseless steps and a quantile
of the noise are checked to agree before anything is timed.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _record import Bench
from _timing import Torch, Work, faster, host, peak, precision, ready
from scipy import stats

from jaxprune.simulate import sde, stable
from jaxprune.simulate.networks import losses
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sgd import mean_field

N, SAMPLES, BATCH, ALPHA, SIGMA, STEP, PAIRS = 2000, 1400, 128, 1.75, 0.02, 1.0, 5
STEPS = {64: 20, 784: 5}
SEEDS = (1, 20)
KINDS = ("I", "II", "III")
BASE = dict(neurons=2000, inputs=64, seeds=1, indices=1)
GROWTH = dict(neurons=(500, 2000, 8000), inputs=(16, 64, 784), seeds=(1, 20), indices=(1, 4))  # the others as in BASE
SMALL = dict(neurons=(100, 200))
QUICK = dict(
    KINDS=("III",),
    N=100,
    SAMPLES=200,
    PAIRS=2,
    STEPS={16: 4},
    SEEDS=(1,),
    BASE=BASE | dict(neurons=100, inputs=16),
    GROWTH=SMALL,
)


def data(dim: int) -> tuple[Any, Any]:
    """Inputs (SAMPLES, dim) and labels -1 or 1."""
    inputs = np.random.default_rng(0).standard_normal((SAMPLES, dim)) / np.sqrt(dim)
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(np.where(inputs[:, :1] > 0, 1.0, -1.0), jnp.float32)


def drift(n: int, dim: int, batch: int | None = BATCH) -> mean_field.Drift:
    return mean_field.Drift(mean_field.network(n), *data(dim), losses.Logistic(), batch=batch)


def start(n: int, dim: int) -> jax.Array:
    return mean_field.initial(mean_field.network(n), jax.random.key(0), dim)


def ours(n: int, dim: int, kind: str | None, seeds: int, steps: int, alphas: int = 1) -> Callable[[], Any]:
    """All seeds and indices in one program; without a kind, no noise."""
    indices = jax.vmap(stable.index)(jnp.linspace(ALPHA, 1.9, alphas))

    def work(keys, indices, first, field):
        def one(index, key):
            law = None if kind is None else stable.neuron_noise(kind, index, SIGMA)
            return sde.euler(field, law, first, key, step_size=STEP, steps=steps).state.value

        return each(lambda index: each(functools.partial(one, index), keys), indices)

    return ready(work, jax.random.split(jax.random.key(1), seeds), indices, start(n, dim), drift(n, dim))


def torch_noise(torch: Torch, kind: str, shape: tuple[int, int], scipy: bool) -> Any:
    """Unit noise of one step, from SciPy or by the textbook formulas in PyTorch."""
    module, place, (n, dim) = torch.module, torch.place, shape
    if kind == "III":
        a = ALPHA / 2
        if scipy:
            mixing = np.asarray(stats.levy_stable.rvs(a, 1, scale=np.cos(np.pi * a / 2) ** (1 / a), size=(n, 1)))
            mixing = module.tensor(mixing.astype(np.float32), device=place)
        else:
            angle, wait = module.rand(n, 1, device=place) * np.pi, module.empty(n, 1, device=place).exponential_()
            ratio = (module.sin((1 - a) * angle) / wait) ** ((1 - a) / a)
            mixing = module.sin(a * angle) / module.sin(angle) ** (1 / a) * ratio
        return module.sqrt(2 * mixing) * module.randn(n, dim, device=place)
    size = (n, 1) if kind == "I" else (n, dim)
    if scipy:
        drawn = module.tensor(np.asarray(stats.levy_stable.rvs(ALPHA, 0, size=size), np.float32), device=place)
    else:
        angle = (module.rand(size, device=place) - 0.5) * np.pi
        ratio = (module.cos((1 - ALPHA) * angle) / module.empty(size, device=place).exponential_()) ** ((1 - ALPHA) / ALPHA)
        drawn = module.sin(ALPHA * angle) / module.cos(angle) ** (1 / ALPHA) * ratio
    return drawn.expand(n, dim)


def torch_steps(torch: Torch, dim: int, kind: str | None, steps: int, scipy: bool, batch: int | None = BATCH) -> np.ndarray:
    """The loop; full batches where ``batch`` is None, no noise where ``kind`` is None."""
    module, place = torch.module, torch.place
    inputs, targets, outer, theta = (
        module.tensor(np.array(a), device=place) for a in (*data(dim), mean_field.network(N).outer, start(N, dim))
    )
    size = SIGMA * STEP ** (1 / ALPHA)
    for _ in range(steps):
        chosen = slice(None) if batch is None else module.randperm(SAMPLES, device=place)[:batch]
        x, y = inputs[chosen], targets[chosen]
        theta.requires_grad_()
        loss = module.nn.functional.softplus(-y * (module.tanh(x @ theta.T) @ outer / N)).mean()
        (slope,) = module.autograd.grad(loss, theta)
        theta = theta.detach() - STEP * N * slope
        if kind is not None:
            theta = theta + size * torch_noise(torch, kind, (N, dim), scipy)
    return host(theta)


def check(bench: Bench, torch: Torch, dim: int) -> None:
    """Weights after 20 full-batch steps, and the 0.9-quantile of the size of one weight's noise, in standard errors."""
    field = drift(N, dim, None)
    mine = jax.jit(lambda first: sde.euler(field, None, first, jax.random.key(0), step_size=STEP, steps=20).state.value)
    theirs = torch_steps(torch, dim, None, 20, False, None)
    gap = np.max(np.abs(host(mine(start(N, dim))) - theirs)) / np.max(np.abs(theirs))
    bench.agree(f"d = {dim}: weights differ after 20 noiseless steps by", float(gap), 1e-3)
    for kind in KINDS:
        bench.say(
            f"  quantile of noise {kind} against SciPy's and PyTorch's, in standard errors: {_deviates(torch, kind, dim)}"
        )


def _deviates(torch: Torch, kind: str, dim: int) -> str:
    """The 0.9-quantile of the size of one weight's noise, SciPy's and PyTorch's less ours, in standard errors."""
    law = jax.jit(lambda key: stable.neuron_noise(kind, ALPHA).sample(key, (N, dim)))
    draws = [lambda i: law(jax.random.key(i))]
    draws += [lambda i, s=scipy: torch_noise(torch, kind, (N, dim), s) for scipy in (True, False)]
    mine, *theirs = (np.quantile(np.abs(np.concatenate([host(d(i))[:, 0] for i in range(10)])), 0.9) for d in draws)
    error = np.sqrt(2 * 0.09 / (10 * N)) / (0.1 * ALPHA / mine)  # a tail 0.1 (x / mine)^-alpha has this density there
    found = [(value - mine) / error for value in theirs]
    if not max(map(abs, found)) < 6:
        raise RuntimeError(f"noise {kind}: draws of other laws, {found} standard errors away")
    return ", ".join(f"{value:+.1f}" for value in found)


def compare(bench: Bench, torch: Torch, dim: int, seeds: int) -> None:
    """A step of one run; the seeds of the loops would follow one another."""
    steps, count = STEPS[dim], 1 if seeds > 1 else 2
    slow, fast = count * min(steps, 5), count * steps
    for kind in KINDS:
        works = {"jaxprune": Work(ours(N, dim, kind, seeds, steps), steps * seeds)}
        for noise, scipy, total in (("SciPy noise", True, slow), ("its own noise", False, fast)):
            ways = torch.ways(functools.partial(torch_steps, torch, dim, kind, total, scipy))
            how = faster(ways)
            works[f"PyTorch, {noise}, {how}"] = Work(ways[how], total, torch.device)
        bench.race(f"steps, n = {N}", f"type {kind}, d = {dim}, seeds: {seeds}", "ms a step", works, PAIRS)


def costs(bench: Bench) -> None:
    """Where the time goes, and how it grows; products of matrices are all that a step without noise needs."""
    for along, values in GROWTH.items():
        for value in values:
            n, dim, seeds, alphas = (BASE | {along: value}).values()
            steps, bound = 20 if n * dim < 10**6 else 5, peak(4 * n * dim * BATCH)
            for kind in (None, *KINDS):
                count = alphas if kind else 1  # without noise every index is the same run
                runs = steps * seeds * count
                work = Work(ours(n, dim, kind, seeds, steps, count), runs, bound=None if kind else bound)
                what = f"type {kind}" if kind else "no noise"
                bench.race("one run", what, "ms a step", {"jaxprune": work}, PAIRS, size=value, along=along)


def main(bench: Bench) -> None:
    """Steps against PyTorch, then how they grow; without it, the latter alone."""
    with precision("float32"):
        if torch := Torch.of(bench):
            for dim in STEPS:
                check(bench, torch, dim)
                for seeds in SEEDS:
                    compare(bench, torch, dim, seeds)
        costs(bench)
