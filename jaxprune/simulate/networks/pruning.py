"""Pruning a network to an exact number of weights; biases are kept.

A rule is a function ``(key, weights, network) -> scores``, as in ``compression.rules``: ``network`` is a ``Trained`` one. A
reduction is a function ``(network, budget) -> mask``: ``budget`` is the number of weights to keep (data; more than there are
keeps all). Ties go to the lower layer and index. Scores that are not finite keep nothing, so that a network that diverged
shows as collapsed. Source: guide/networks.md, Budgets and rules.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.rules import Rule
from jaxprune.simulate.compression.rules import magnitude as magnitude  # of weights too
from jaxprune.simulate.networks.model import Model, Parameters

Budget = Int[Array, ""] | int
Weights = tuple[Array, ...]


class Trained(NamedTuple):
    """A network, its parameters, the mask ``live`` of the dense one, the training set's ``inputs``, and ``noise``, independent
    N(0, 1) numbers, one per weight."""

    model: Model
    params: Parameters
    live: Parameters
    inputs: Array
    noise: Weights


Reduction = Callable[[Trained, Budget], Parameters]


def hessian(key: Any, weights: Weights, network: Trained) -> Weights:
    """``w^2`` times the Gauss-Newton diagonal of the training loss: the rise of the loss to second order.

    Args:
        key: Not used; it makes this a rule.
        weights: One array per layer.
        network: The trained network, with the inputs of its training set.

    Returns:
        Scores in the shapes of the weights.
    """
    curved = network.model.curvature(network.params, network.inputs)
    return tuple(w**2 * h for w, h in zip(weights, curved, strict=True))


def random(key: Any, weights: Weights, network: Trained) -> Weights:
    """A random order of all weights, the control; drawn beforehand, so that it is the same for networks of all widths.

    Args:
        key, weights: Not used; they make this a rule.
        network: The trained network, with its ``noise``.

    Returns:
        Scores in the shapes of the weights.
    """
    return network.noise


def globally(rule: Rule) -> Reduction:
    """All layers in one order.

    Args:
        rule: What scores the weights.

    Returns:
        A reduction, (network, budget) to mask.
    """

    def reduce(network: Trained, budget: Budget) -> Parameters:
        scores = rule(None, network.params.weights, network)
        return Parameters(rules.keep_largest(scores, budget, network.live.weights), network.live.biases)

    return reduce


def layerwise(rule: Rule) -> Reduction:
    """Every layer keeps the same fraction of its weights; the total is exact by largest remainders.

    Args:
        rule: What scores the weights.

    Returns:
        A reduction, (network, budget) to mask.
    """

    def reduce(network: Trained, budget: Budget) -> Parameters:
        scores, live = rule(None, network.params.weights, network), network.live.weights
        kept = quotas(jnp.stack([jnp.sum(m) for m in live]), budget)
        masks = [rules.keep_largest(s, kept[i], m) for i, (s, m) in enumerate(zip(scores, live, strict=True))]
        return Parameters(tuple(masks), network.live.biases)

    return reduce


def quotas(sizes: Int[Array, " layers"], budget: Budget) -> Int[Array, " layers"]:
    """A budget shared among layers in proportion to their sizes, in integers.

    Each layer's share is rounded down, then one more goes to the largest remainders (ties to the lower layer). Exact for totals
    up to 2^29.

    Args:
        sizes: Weights of each layer (layers,), integers.
        budget: How many weights are kept of all, an integer >= 0 that may be traced; more than there are keeps all.

    Returns:
        How many each layer keeps (layers,), the budget in all.
    """
    total = jnp.sum(sizes)
    budget = jnp.minimum(budget, total)
    whole, rest = jax.vmap(lambda size: _ratio(size, budget, total))(sizes)
    rank = jnp.argsort(jnp.argsort(-rest))
    return whole + (rank < budget - jnp.sum(whole))


def _ratio(a, b, total):
    """``a * b // total`` and the remainder, for a, b <= total, bit by bit: the product may not fit an integer."""

    def double(bit, state):
        whole, rest = 2 * state[0], 2 * state[1]
        rest = rest + jnp.where((a >> (30 - bit)) & 1, b, 0)
        more = rest // total
        return whole + more, rest - more * total

    zero = jnp.zeros_like(a)
    return jax.lax.fori_loop(0, 31, double, (zero, zero))


def layer_density(mask: Parameters, live: Parameters) -> Float[Array, " layers"]:
    """Fraction of each layer's live weights that the mask keeps; a layer at zero has collapsed.

    Args:
        mask: Truth values of what is kept.
        live: Those of the dense network.

    Returns:
        Fractions (layers,) in [0, 1].
    """
    kept = [jnp.sum(m) / jnp.sum(whole) for m, whole in zip(mask.weights, live.weights, strict=True)]
    return jnp.stack(kept)


def collapsed(density: Float[Array, "*batch layers"]) -> Bool[Array, "*batch"]:
    """Whether some layer is empty, so that nothing passes.

    Args:
        density: Fractions (..., layers), as of ``layer_density``.

    Returns:
        Truth values (...).
    """
    return jnp.any(density == 0, axis=-1)
