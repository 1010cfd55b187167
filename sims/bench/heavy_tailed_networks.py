"""Benchmark: descent of the mean-field network with injected stable noise, against PyTorch loops.

One step is a mini-batch of 128 drawn without replacement, the gradient of the logistic loss of n = 2000 tanh neurons, and
noise of type I, II or III, alpha = 1.75, float32. The peers run the same step in a PyTorch loop; one takes its noise from
SciPy, as the released code of Wan et al. 2023 does, one draws it in PyTorch. Weights after noiseless steps and a quantile
of the noise are checked to agree before anything is timed. Peers alternate; medians and ranges are of such pairs.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _timing import optional, peak, range_of, seconds, setting
from scipy import stats

from jaxprune.simulate import sde, stable
from jaxprune.simulate.networks import losses
from jaxprune.simulate.sgd import mean_field
from jaxprune.sweep.tasks import pinned

N, SAMPLES, BATCH, ALPHA, SIGMA, STEP, PAIRS = 2000, 1400, 128, 1.75, 0.02, 1.0, 5
STEPS = {64: 20, 784: 5}
KINDS = ("I", "II", "III")
Peer = Callable[[], object]


def data(dim: int) -> tuple[Any, Any]:
    """Inputs (SAMPLES, dim) and labels -1 or 1."""
    inputs = np.random.default_rng(0).standard_normal((SAMPLES, dim)) / np.sqrt(dim)
    return jnp.asarray(inputs, jnp.float32), jnp.asarray(np.where(inputs[:, :1] > 0, 1.0, -1.0), jnp.float32)


def drift(n: int, dim: int, batch: int | None = BATCH) -> mean_field.Drift:
    return mean_field.Drift(mean_field.network(n), *data(dim), losses.Logistic(), batch=batch)


def start(n: int, dim: int) -> jax.Array:
    return mean_field.initial(mean_field.network(n), jax.random.key(0), dim)


def ours(n: int, dim: int, kind: str | None, seeds: int, steps: int, alphas: int = 1) -> Peer:
    """All seeds and indices in one program; without a kind, no noise."""
    indices = jax.vmap(stable.index)(jnp.linspace(ALPHA, 1.9, alphas))

    @jax.jit
    def work(keys, indices, first, field):
        def one(place):
            index, key = place
            law = None if kind is None else stable.neuron_noise(kind, index, SIGMA)
            return sde.euler(field, law, first, key, step_size=STEP, steps=steps).state.value

        return jax.lax.map(lambda index: jax.lax.map(lambda key: one((index, key)), keys), indices)

    keys, first, field = jax.random.split(jax.random.key(1), seeds), start(n, dim), drift(n, dim)
    return lambda: jax.block_until_ready(work(keys, indices, first, field))


def torch_noise(torch: Any, kind: str, shape: tuple[int, int], scipy: bool) -> Any:
    """Unit noise of one step, from SciPy or by the textbook formulas in PyTorch."""
    n, dim = shape
    if kind == "III":
        a = ALPHA / 2
        if scipy:
            mixing = np.asarray(stats.levy_stable.rvs(a, 1, scale=np.cos(np.pi * a / 2) ** (1 / a), size=(n, 1)))
            mixing = torch.from_numpy(mixing.astype(np.float32))
        else:
            angle, wait = torch.rand(n, 1) * np.pi, torch.empty(n, 1).exponential_()
            ratio = (torch.sin((1 - a) * angle) / wait) ** ((1 - a) / a)
            mixing = torch.sin(a * angle) / torch.sin(angle) ** (1 / a) * ratio
        return torch.sqrt(2 * mixing) * torch.randn(n, dim)
    size = (n, 1) if kind == "I" else (n, dim)
    if scipy:
        drawn = torch.from_numpy(np.asarray(stats.levy_stable.rvs(ALPHA, 0, size=size), np.float32))
    else:
        angle, wait = (torch.rand(size) - 0.5) * np.pi, torch.empty(size).exponential_()
        ratio = (torch.cos((1 - ALPHA) * angle) / wait) ** ((1 - ALPHA) / ALPHA)
        drawn = torch.sin(ALPHA * angle) / torch.cos(angle) ** (1 / ALPHA) * ratio
    return drawn.expand(n, dim)


def torch_steps(torch: Any, dim: int, kind: str | None, steps: int, scipy: bool, batch: int | None = BATCH) -> np.ndarray:
    """The loop; full batches where ``batch`` is None, no noise where ``kind`` is None."""
    inputs, targets = (torch.from_numpy(np.array(a)) for a in data(dim))
    outer = torch.from_numpy(np.array(mean_field.network(N).outer))
    theta, size = torch.from_numpy(np.array(start(N, dim))), SIGMA * STEP ** (1 / ALPHA)
    for _ in range(steps):
        chosen = slice(None) if batch is None else torch.randperm(SAMPLES)[:batch]
        x, y = inputs[chosen], targets[chosen]
        theta.requires_grad_()
        loss = torch.nn.functional.softplus(-y * (torch.tanh(x @ theta.T) @ outer / N)).mean()
        (slope,) = torch.autograd.grad(loss, theta)
        theta = theta.detach() - STEP * N * slope
        if kind is not None:
            theta = theta + size * torch_noise(torch, kind, (N, dim), scipy)
    return theta.numpy()


def check(torch: Any, dim: int) -> None:
    """Weights after 20 full-batch steps, and the 0.9-quantile of the size of one weight's noise, in standard errors."""
    field = drift(N, dim, None)
    mine = jax.jit(lambda first: sde.euler(field, None, first, jax.random.key(0), step_size=STEP, steps=20).state.value)
    theirs = torch_steps(torch, dim, None, 20, False, None)
    gap = np.max(np.abs(np.asarray(mine(start(N, dim))) - theirs)) / np.max(np.abs(theirs))
    words = [f"{kind} {_deviates(torch, kind, dim)}" for kind in KINDS]
    print(f"\nd = {dim}: after 20 noiseless steps weights differ by {gap:.1e}; quantile of the noise against")
    print(f"SciPy's and PyTorch's, in standard errors: type {'; '.join(words)}")


def _deviates(torch: Any, kind: str, dim: int) -> str:
    """The 0.9-quantile of the size of one weight's noise, SciPy's and PyTorch's less ours, in standard errors."""
    law = jax.jit(lambda key: stable.neuron_noise(kind, ALPHA).sample(key, (N, dim)))
    draws = [lambda i: law(jax.random.key(i))]
    draws += [lambda i, s=scipy: torch_noise(torch, kind, (N, dim), s) for scipy in (True, False)]
    mine, *theirs = (np.quantile(np.abs(np.concatenate([np.asarray(d(i))[:, 0] for i in range(10)])), 0.9) for d in draws)
    error = np.sqrt(2 * 0.09 / (10 * N)) / (0.1 * ALPHA / mine)  # a tail 0.1 (x / mine)^-alpha has this density there
    found = [(value - mine) / error for value in theirs]
    assert max(map(abs, found)) < 6, (kind, found)
    return ", ".join(f"{value:+.1f}" for value in found)


def compare(torch: Any, dim: int, seeds: int) -> None:
    """Milliseconds per step of one run."""
    steps, cores = STEPS[dim], len(os.sched_getaffinity(0))
    print(f"n = {N}, d = {dim}, {seeds} seed(s): ms per step of one run, median of {PAIRS} pairs (time over ours)")
    for kind in KINDS:
        work = ours(N, dim, kind, seeds, steps)
        work()
        count = 1 if seeds > 1 else 2  # of the slow loops; seeds follow one another there
        peers = {
            "PyTorch, SciPy noise": functools.partial(torch_steps, torch, dim, kind, count * min(steps, 5), True),
            "PyTorch, its own noise": functools.partial(torch_steps, torch, dim, kind, count * steps, False),
        }
        made = [count * min(steps, 5), count * steps]
        rows = []
        for _ in range(PAIRS):
            row = [seconds(work) / (steps * seeds)]
            for peer, total in zip(peers.values(), made, strict=True):
                best = []
                for threads in sorted({1, cores}):
                    torch.set_num_threads(threads)
                    best.append(seconds(peer) / total)
                row.append(min(best))
            rows.append(row)
        table = np.array(rows) * 1e3
        words = [f"jaxprune {np.median(table[:, 0]):7.2f}"]
        for who, theirs in zip(peers, table.T[1:], strict=True):
            words.append(f"{who} {np.median(theirs):7.2f}, ratio {range_of(theirs / table[:, 0])}")
        print(f"  type {kind:3}  {'  '.join(words)}")


def costs() -> None:
    """Where the time goes, and how it grows."""
    print("\nms per step of one run, no noise and types I, II, III; share of the matrix-product peak without noise")
    top = peak()
    cases = [
        (2000, 64, 1, 1),
        (500, 64, 1, 1),
        (8000, 64, 1, 1),
        (2000, 16, 1, 1),
        (2000, 784, 1, 1),
        (2000, 64, 20, 1),
        (2000, 64, 1, 4),
    ]
    for n, dim, seeds, alphas in cases:
        steps, times = 20 if n * dim < 10**6 else 5, []
        for kind in (None, *KINDS):
            count = alphas if kind else 1  # without noise every index is the same run
            work = ours(n, dim, kind, seeds, steps, count)
            work()
            times.append(min(seconds(work) for _ in range(PAIRS)) / (steps * seeds * count))
        share = 4 * n * dim * BATCH / times[0] / top
        ms = "".join(f"{1e3 * t:8.2f}" for t in times)
        print(f"  n {n:5} d {dim:4} seeds {seeds:3} alphas {alphas:2}  {ms}   {share:.0%} of {top / 1e9:.0f} GFLOP/s")


def main() -> None:
    """Print the tables; without PyTorch, the costs alone."""
    with pinned("float32"):
        torch = optional("torch")
        print(setting(torch))
        if torch is not None:
            for dim in STEPS:
                check(torch, dim)
                for seeds in (1, 20):
                    compare(torch, dim, seeds)
        costs()
