"""Networks of every width trained, pruned to every budget, and trained again, in one program.

Widths are data. They are padded to the next power of two, so that the waste is bounded and programs do not grow with
the number of widths; those of one padded size are one batch. Source: guide/networks.md, Protocol.
"""

from collections.abc import Callable, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key

from jaxprune.simulate.least_squares.fit import strictly_increasing
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks import pruning
from jaxprune.simulate.networks.labelled import Batch
from jaxprune.simulate.networks.model import Model
from jaxprune.simulate.networks.pruning import Reduction, Trained
from jaxprune.simulate.platforms import each

STARTS = ("trained", "original", "fresh")
Family = Callable[[int], Model]  # largest width -> model
MAGNITUDE = pruning.globally(pruning.magnitude)
Treatment = tuple[Reduction, str]  # how to prune, and the weights from which to train again
# Every rule from the trained weights, and magnitude from each start.
TREATMENTS: Mapping[str, Treatment] = {
    **{f"magnitude, {start}": (MAGNITUDE, start) for start in STARTS},
    "layerwise, trained": (pruning.layerwise(pruning.magnitude), "trained"),
    "hessian, trained": (pruning.globally(pruning.hessian), "trained"),
    "random, trained": (pruning.globally(pruning.random), "trained"),
}


def buckets(widths: Sequence[int]) -> list[tuple[int, list[int]]]:
    """Groups of widths with the power of two to which each group is padded.

    Args:
        widths: Increasing integers >= 1.

    Returns:
        (padded width, its widths) of every group, in the order of the widths.
    """
    groups: dict[int, list[int]] = {}
    for width in widths:
        groups.setdefault(1 << (width - 1).bit_length(), []).append(width)
    return list(groups.items())


def surfaces(
    family: Family,
    widths: Sequence[int],
    bases: Sequence[int],
    treatments: Mapping[str, Treatment],
    train: Batch,
    test: Batch,
    optimiser: optax.GradientTransformation,
    steps: int,
    key: Key[Array, ""],
) -> dict[str, Float[Array, "..."]]:
    """Errors and losses of every width, budget and treatment.

    Each network is trained, pruned by the rule of each treatment, and trained again from its trained weights, its original ones
    or fresh ones, with a new state of the optimiser.

    Args:
        family: From the largest width to the architecture.
        widths: The W widths, strictly increasing integers in 1 .. 2^20.
        bases: Widths whose dense networks have the B budgets of weights, strictly increasing integers in 1 .. 2^20; a budget
            above the number of weights keeps all.
        treatments: T of them by name: a reduction, and "trained", "original" or "fresh", the weights from which to train again.
        train, test: Training and test set.
        optimiser: What makes steps of gradients.
        steps: Number of steps before pruning, and again after it.
        key: One typed JAX key, for first weights, fresh weights and random rules.

    Returns:
        A dict. Each name is of four measures: ``X_error``, ``X_loss`` on the test set, ``X_train_error``, ``X_train_loss`` on
        the training set (with its noisy labels). X is ``dense`` (W,), ``longer`` (W,), the same network trained on to 2 * steps
        without a break, ``pruned`` (W, B, T) without retraining, and ``retrained`` (W, B, T). ``collapsed`` (W, B, T) is 1
        where a layer is empty, ``density`` (W, B, T) that of the emptiest layer. Losses are in nats.

    Raises:
        ValueError: For widths or bases that are not strictly increasing integers >= 1, no treatments, and an unknown start.
    """
    widths = strictly_increasing("widths", widths, 1, 2**20)
    bases = strictly_increasing("bases", bases, 1, 2**20)
    if not treatments:
        raise ValueError("treatments: none is given; use one or more, such as those of TREATMENTS")
    for name, (_, start) in treatments.items():
        if start not in STARTS:
            raise ValueError(f"treatments: {name!r} starts from {start!r}; use one of {', '.join(STARTS)}")
    groups = buckets(widths)
    budgets = jnp.asarray([networks.weight_count(family(base), base) for base in bases])
    # One draw for all: original weights, fresh weights, and chance for the rules. Every bucket would be slow to compile.
    drawn = jax.vmap(lambda k: networks.noise(family(groups[-1][0]), k))(jax.random.split(key, 3))
    parts = []
    for padded, group in groups:
        model = family(padded)
        noise = networks.cropped(drawn, model)
        one = _protocol(model, budgets, list(treatments.values()), train, test, optimiser, steps, noise)
        here = jnp.asarray(group)
        parts.append(jax.lax.map(one, here) if model.large else jax.vmap(one)(here))
    return jax.tree.map(lambda *found: jnp.concatenate(found), *parts)


def _protocol(model, budgets, treatments, train, test, optimiser, steps, noise):
    """The function of a width that does all of it. Its runs are the dense network trained on, then every treatment at
    every budget."""
    rules = list(dict.fromkeys(rule for rule, _ in treatments))
    which_rule = np.repeat([rules.index(rule) for rule, _ in treatments], len(budgets))
    which_start = np.repeat([STARTS.index(start) for _, start in treatments], len(budgets))
    which_budget = np.tile(np.arange(len(budgets)), len(treatments))

    def one_width(width):
        whole = networks.live(model, width)
        drawn = jax.vmap(lambda n: networks.init(model, n, width))(_at(noise, slice(2)))
        dense = networks.train(model, _at(drawn, 0), whole, train, optimiser, steps)
        masks = _stack([_masks(rule, model, dense.params, whole, budgets, train, _at(noise, 2)) for rule in rules])
        starts = _after(dense.params, drawn)
        kept = _after(whole, _at(masks, (which_rule, which_budget)))
        first = _after(dense.params, _at(starts, which_start))
        state = _after(dense.state, _at(jax.vmap(optimiser.init)(starts), which_start))

        def again(run):
            return networks.train(model, run[0], run[1], train, optimiser, steps, run[2]).params

        runs = first, kept, state
        retrained = jax.lax.map(again, runs) if model.large else each(again, runs)
        pruned = jax.vmap(lambda mask: networks.masked(dense.params, mask))(kept)
        density = jax.vmap(lambda mask: pruning.layer_density(mask, whole))(kept)
        return {
            **_named("dense", "pruned", _measures(model, pruned, train, test), len(budgets)),
            **_named("longer", "retrained", _measures(model, retrained, train, test), len(budgets)),
            "collapsed": _table(pruning.collapsed(density).astype(density.dtype), len(budgets)),
            "density": _table(jnp.min(density, axis=-1), len(budgets)),
        }

    return one_width


def _masks(rule, model, params, whole, budgets, train, noise):
    """One mask per budget."""
    network = Trained(model, params, whole, train.inputs, noise)
    return jax.vmap(lambda budget: rule(network, budget))(budgets)


def _measures(model, several, train, test):
    """Four measures of a stack of networks, one network after another."""

    def one(params):
        error, loss = networks.evaluate(model, params, test)
        train_error, train_loss = networks.evaluate(model, params, train)
        return dict(error=error, loss=loss, train_error=train_error, train_loss=train_loss)

    return jax.lax.map(one, several)


def _named(single: str, many: str, measures, budgets: int):
    dense = {f"{single}_{name}": value[0] for name, value in measures.items()}
    return dense | {f"{many}_{name}": _table(value, budgets) for name, value in measures.items()}


def _table(runs, budgets: int):
    """(budget, treatment) of all runs but the first."""
    return runs[1:].reshape(-1, budgets).T


def _stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def _after(first, others):
    """``others`` with ``first`` before them, along their leading axis."""
    return jax.tree.map(lambda one, more: jnp.concatenate([one[None], more]), first, others)


def _at(tree, index):
    return jax.tree.map(lambda leaf: leaf[index], tree)
