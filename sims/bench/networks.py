"""Speed of full-batch training: networks 64 - k - 10 of nine widths on 500 digits, float32 Adam, against PyTorch.

The PyTorch user trains one network after another, with the faster of its Adam implementations and number of threads,
from the same initial weights on the same data. Each ratio is of two times measured one after the other, the median
of several such pairs. Losses and weights are checked to agree before anything is timed; compiling is timed apart.
"""

import functools
import os
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _timing import optional, peak, range_of, seconds, setting

from jaxprune import datasets
from jaxprune.problems import Labelled, Training
from jaxprune.simulate.networks import labelled, pruning
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.simulate.networks.double_descent import buckets
from jaxprune.sweep import Experiment
from jaxprune.sweep.executors import LocalProcesses
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.program import pinned
from jaxprune.sweep.tasks import execute

WIDTH = [8, 12, 16, 24, 32, 48, 64, 96, 128]
N, RATE, STEPS, PAIRS = 500, 0.01, 200, 5
BUDGET = networks.weight_count(MLP(64, (8,), 10), 8)
KINDS = ("dense", "pruned")


@functools.cache
def digits():
    inputs, labels = datasets.digits()
    return inputs / np.sqrt(np.mean(inputs**2)), labels


KEEP_LARGEST = pruning.globally(pruning.magnitude)


def make(steps):
    return Training(Labelled(*digits(), n=N, label_noise=0.2), rate=RATE, steps=steps)


def draw(key, problem):
    """The training set, and N(0, 1) numbers for the weights."""
    sample, weights = jax.random.split(key)
    batch, _ = labelled.split(problem.data, sample)
    return batch, networks.noise(MLP(64, (WIDTH[-1],), 10), weights)


def initial(model, noise, width, kind):
    """First weights and mask of one network; "pruned" keeps BUDGET weights of the largest magnitude."""
    whole = networks.live(model, width)
    params = networks.init(model, networks.cropped(noise, model), width)
    if kind == "dense":
        return params, whole
    return params, KEEP_LARGEST(pruning.Trained(model, params, whole, jnp.zeros(()), ()), BUDGET)


def train_all(key, problem, kind):
    """Every width, by buckets: final loss (W,) and final parameters of each bucket."""
    batch, noise = draw(key, problem)
    losses, trained = [], []
    for padded, group in buckets(WIDTH):
        model = MLP(64, (padded,), 10)

        def one(width, model=model):
            params, mask = initial(model, noise, width, kind)
            return networks.train(model, params, mask, batch, optax.adam(problem.rate), problem.steps)

        found = jax.vmap(one)(jnp.asarray(group))
        losses.append(found.curve[:, -1])
        trained.append(found.params)
    return jnp.concatenate(losses), trained


def dense_trial(key, problem):
    return {"dense": train_all(key, problem, "dense")[0]}


def pruned_trial(key, problem):
    return {"pruned": train_all(key, problem, "pruned")[0]}


def for_torch(torch, problem, kind, dtype):
    """The same data, initial weights and masks, as tensors: (inputs, labels, [(params, masks) per width])."""

    def tensor(array):
        return torch.tensor(np.array(array), dtype=dtype)

    batch, noise = jax.jit(draw)(jax.random.key(1), problem)
    nets = []
    for width in WIDTH:
        params, mask = jax.jit(initial, static_argnums=(0, 3))(MLP(64, (width,), 10), noise, width, kind)
        order = [leaf for pair in zip(params.weights, params.biases, strict=True) for leaf in pair]
        nets.append(([tensor(leaf) for leaf in order], [tensor(m) for m in mask.weights]))
    return tensor(batch.inputs), torch.tensor(np.array(jnp.argmax(batch.labels, axis=0), np.int64)), nets


def train_torch(torch, data, steps: int, kind: str, fused: bool) -> tuple[list[float], list[Any]]:
    """One network after another; a pruned one multiplies its weights by the mask in every step."""
    inputs, labels, nets = data
    functional, losses, trained = torch.nn.functional, [], []
    for start, (first_mask, second_mask) in nets:
        params = [p.clone().requires_grad_() for p in start]
        adam = torch.optim.Adam(params, lr=RATE, **(dict(fused=True) if fused else dict(foreach=True)))
        w1, b1, w2, b2 = params
        loss = torch.zeros(())
        for _ in range(steps):
            adam.zero_grad(set_to_none=True)
            first, second = (w1, w2) if kind == "dense" else (w1 * first_mask, w2 * second_mask)
            hidden = torch.relu(functional.linear(inputs, first, b1))
            loss = functional.cross_entropy(functional.linear(hidden, second, b2), labels)
            loss.backward()
            adam.step()
        losses.append(loss.item())
        trained.append([p.detach().numpy() for p in params])
    return losses, trained


def check(torch, kind: str) -> tuple[float, float]:
    """Largest differences after 100 steps: of live weights in float64 (of the largest weight), of losses in float32."""
    with jax.enable_x64(True):
        problem = make(100)
        _, trained = jax.jit(train_all, static_argnums=2)(jax.random.key(1), problem, kind)
        _, theirs = train_torch(torch, for_torch(torch, problem, kind, torch.float64), 100, kind, fused=False)
        ours = [(b.weights[0][i], b.weights[1][i]) for b in trained for i in range(len(b.weights[0]))]
        worst = 0.0
        for (w1, w2), params, width in zip(ours, theirs, WIDTH, strict=True):
            for mine, other in ((w1[:width], params[0]), (w2[:, :width], params[2])):
                live = np.asarray(mine) != 0
                worst = max(worst, float(np.max(np.abs(mine - other)[live]) / np.max(np.abs(other))))
    problem = make(100)
    ours, _ = jax.jit(train_all, static_argnums=2)(jax.random.key(1), problem, kind)
    theirs, _ = train_torch(torch, for_torch(torch, problem, kind, torch.float32), 100, kind, fused=False)
    return worst, float(np.max(np.abs(np.asarray(ours) / theirs - 1)))


def flops() -> float:
    """Of one step of all widths, unpadded: products with the inputs forward and back, with the hidden units thrice."""
    return sum(2 * N * width * (2 * 64 + 3 * 10) for width in WIDTH)


def compiled(kind: str) -> tuple[Callable[[], object], float]:
    """One seed of all widths in this process, and the seconds that compiling took."""
    problem, key = make(STEPS), jax.random.key(1)
    started = time.perf_counter()
    program = jax.jit(train_all, static_argnums=2).lower(key, problem, kind).compile()
    took = time.perf_counter() - started
    return lambda: jax.block_until_ready(program(key, problem)), took


def processes(workers: int, kind: str) -> Callable[[], object]:
    """The engine's own way: warm worker processes, two tasks of one seed each."""
    function = dict(dense=dense_trial, pruned=pruned_trial)[kind]
    experiment = Experiment("bench", {"steps": [STEPS]}, make, function, inner={"width": WIDTH}, block=1, precision="float32")
    common = Prepared(experiment, 0).common(experiment.points())
    pool = LocalProcesses(workers)
    [f.result() for f in [pool.submit(execute, common, [{"steps": STEPS}], [[b]]) for b in range(2 * workers)]]
    return lambda: [f.result() for f in [pool.submit(execute, common, [{"steps": STEPS}], [[b]]) for b in range(2 * workers)]]


def best_torch(torch, data, kind: str) -> tuple[int, bool]:
    """The faster number of threads and implementation of Adam."""
    times = {}
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        for fused in (False, True):
            torch.set_num_threads(threads)
            train_torch(torch, data, 5, kind, fused)
            times[threads, fused] = min(seconds(lambda f=fused: train_torch(torch, data, 50, kind, f)) for _ in range(3))
    return min(times, key=lambda choice: times[choice])


def compare(torch, kind: str, cores: int) -> None:
    """Check, time and print one kind of training."""
    weights, losses = check(torch, kind)
    print(f"\n{kind}: after 100 steps weights differ by {weights:.1e} (float64), losses by {losses:.1e} (float32)")
    data = for_torch(torch, make(STEPS), kind, torch.float32)
    threads, fused = best_torch(torch, data, kind)
    (ours, compiling), engine = compiled(kind), processes(cores, kind)
    ours()
    rows = []
    for _ in range(PAIRS):
        one, every = seconds(ours), seconds(engine) / (2 * cores)
        times = []
        for count in (1, threads):
            torch.set_num_threads(count)
            times.append(seconds(lambda: train_torch(torch, data, STEPS, kind, fused)))
        rows.append((one, every, *times))
    one, every, single, best = np.median(rows, axis=0) / STEPS * 1e6
    ratios = [np.array([r[theirs] / r[mine] for r in rows]) for theirs, mine in ((3, 0), (3, 1), (2, 0))]
    print(f"microseconds per step of all {len(WIDTH)} widths (median of {PAIRS} pairs; compiling took {compiling:.1f} s)")
    print(f"  jaxprune, one process        {one:8.0f}")
    print(f"  jaxprune, {cores} processes        {every:8.0f}")
    both = f"ratio {range_of(ratios[0])} to one process, {range_of(ratios[1])} to {cores}"
    print(f"  PyTorch, {threads} thread(s), best   {best:8.0f}   {both}")
    print(f"  PyTorch, 1 thread            {single:8.0f}   ratio {range_of(ratios[2])} to one process")
    work, top = flops(), peak()
    print(f"{work / 1e6:.1f} MFLOP per step; {work / one / 1e3:.1f} GFLOP/s on one thread, {work / one * 1e6 / top:.0%} of the")
    print(f"matrix-product peak of {top / 1e9:.1f} GFLOP/s; Adam of PyTorch: {'fused' if fused else 'foreach'}")


def main() -> None:
    """Print the tables; without PyTorch, say how to get it."""
    if (torch := optional("torch")) is None:
        return
    cores = len(os.sched_getaffinity(0))
    with pinned("float32"):
        print(setting(torch))
        print(f"networks 64 - k - 10, k = {WIDTH}, {N} digits, full-batch Adam, float32, {STEPS} steps")
        for kind in KINDS:
            compare(torch, kind, cores)
