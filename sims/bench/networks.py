"""Speed of full-batch training: networks 64 - k - 10 of nine widths on 500 digits, float32 Adam, against PyTorch.

The PyTorch user trains one network after another, with the faster of its Adam implementations, from the same initial weights
on the same data. Losses and weights are checked to agree before anything is timed; compiling is timed apart.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from _record import Bench
from _timing import Torch, Work, compiled, engine, faster, host, peak, precision

from jaxprune import datasets
from jaxprune.problems import Labelled, Training
from jaxprune.simulate.networks import labelled, pruning
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.simulate.networks.double_descent import buckets
from jaxprune.sweep import Experiment

WIDTH = [8, 12, 16, 24, 32, 48, 64, 96, 128]
N, RATE, STEPS, PAIRS = 500, 0.01, 200, 5
BUDGET = networks.weight_count(MLP(64, (8,), 10), 8)
KINDS = ("dense", "pruned")
CHECKED = 100  # steps, after which weights are compared
QUICK = dict(KINDS=("pruned",), WIDTH=[8, 16], N=100, STEPS=10, PAIRS=2, CHECKED=10)


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


def for_torch(torch: Torch, problem, kind, dtype: str):
    """The same data, initial weights and masks, as tensors: (inputs, labels, [(params, masks) per width])."""

    def tensor(array):
        return torch.module.tensor(np.array(array), dtype=getattr(torch.module, dtype), device=torch.place)

    batch, noise = jax.jit(draw)(jax.random.key(1), problem)
    nets = []
    for width in WIDTH:
        params, mask = jax.jit(initial, static_argnums=(0, 3))(MLP(64, (width,), 10), noise, width, kind)
        order = [leaf for pair in zip(params.weights, params.biases, strict=True) for leaf in pair]
        nets.append(([tensor(leaf) for leaf in order], [tensor(m) for m in mask.weights]))
    labels = torch.module.tensor(np.array(jnp.argmax(batch.labels, axis=0), np.int64), device=torch.place)
    return tensor(batch.inputs), labels, nets


def train_torch(module: Any, data, steps: int, kind: str, fused: bool) -> tuple[list[float], list[Any]]:
    """One network after another; a pruned one multiplies its weights by the mask in every step."""
    inputs, labels, nets = data
    functional, losses, trained = module.nn.functional, [], []
    for start, (first_mask, second_mask) in nets:
        params = [p.clone().requires_grad_() for p in start]
        adam = module.optim.Adam(params, lr=RATE, **(dict(fused=True) if fused else dict(foreach=True)))
        w1, b1, w2, b2 = params
        loss = module.zeros(())
        for _ in range(steps):
            adam.zero_grad(set_to_none=True)
            first, second = (w1, w2) if kind == "dense" else (w1 * first_mask, w2 * second_mask)
            hidden = module.relu(functional.linear(inputs, first, b1))
            loss = functional.cross_entropy(functional.linear(hidden, second, b2), labels)
            loss.backward()
            adam.step()
        losses.append(loss.item())
        trained.append([host(p.detach()) for p in params])
    return losses, trained


def check(bench: Bench, torch: Torch, kind: str) -> None:
    """Differences after some steps: of live weights in float64 (over the largest weight), of losses in float32."""
    both = jax.jit(train_all, static_argnums=2)
    with jax.enable_x64(True):
        _, trained = both(jax.random.key(1), make(CHECKED), kind)
        _, theirs = train_torch(torch.module, for_torch(torch, make(CHECKED), kind, "float64"), CHECKED, kind, fused=False)
        ours = [(b.weights[0][i], b.weights[1][i]) for b in trained for i in range(len(b.weights[0]))]
        worst = 0.0
        for (w1, w2), params, width in zip(ours, theirs, WIDTH, strict=True):
            for mine, other in ((w1[:width], params[0]), (w2[:, :width], params[2])):
                live = np.asarray(mine) != 0
                worst = max(worst, float(np.max(np.abs(mine - other)[live]) / np.max(np.abs(other))))
    bench.agree(f"{kind}: weights after {CHECKED} steps, in float64, differ by", worst, 1e-10)
    found, _ = both(jax.random.key(1), make(CHECKED), kind)
    theirs, _ = train_torch(torch.module, for_torch(torch, make(CHECKED), kind, "float32"), CHECKED, kind, fused=False)
    bench.agree(f"{kind}: losses, in float32, differ by", float(np.max(np.abs(np.asarray(found) / theirs - 1))), 1e-2)


def flops() -> float:
    """Of one step of all widths, unpadded: products with the inputs forward and back, with the hidden units thrice."""
    return sum(2 * N * width * (2 * 64 + 3 * 10) for width in WIDTH)


def peers(torch: Torch, kind: str) -> dict[str, Work]:
    """PyTorch with each number of threads, and the Adam that is faster with it."""
    data = for_torch(torch, make(STEPS), kind, "float32")

    def ways(steps: int, fused: bool) -> dict[str, Callable]:
        return torch.ways(functools.partial(train_torch, torch.module, data, steps, kind, fused))

    found = {}
    for how in ways(1, True):
        fused = faster({fused: ways(min(STEPS, 50), fused)[how] for fused in (False, True)})
        who = f"PyTorch, {how}, {'fused' if fused else 'foreach'} Adam"
        found[who] = Work(ways(STEPS, fused)[how], STEPS, torch.device)
    return found


def compare(bench: Bench, torch: Torch | None, kind: str) -> None:
    """Check and time one kind of training: a step is one of every width."""
    if torch is not None:
        check(bench, torch, kind)
    key, problem = jax.random.key(1), make(STEPS)
    train, took = compiled(lambda key, problem: train_all(key, problem, kind), key, problem)
    function = dict(dense=dense_trial, pruned=pruned_trial)[kind]
    inner = {"width": WIDTH}
    experiment = Experiment("bench", {"steps": [STEPS]}, make, function, inner=inner, seeds=2, block=1, precision="float32")
    what = f"{len(WIDTH)} widths 64 - k - 10, k = {WIDTH[0]} to {WIDTH[-1]}, {N} digits"
    with engine(bench, experiment, STEPS) as every:
        works = {"jaxprune, one process": Work(functools.partial(train, key, problem), STEPS, bound=peak(flops())), **every}
        bench.race(kind, what, "µs a step", works | (peers(torch, kind) if torch else {}), PAIRS)
    bench.keep("compiling", kind, "s", {"jaxprune": [took]})


def main(bench: Bench) -> None:
    """Dense networks, then pruned ones; without PyTorch, ours alone."""
    torch = Torch.of(bench)
    with precision("float32"):
        for kind in KINDS:
            compare(bench, torch, kind)
