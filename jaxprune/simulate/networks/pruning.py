"""Pruning a network to an exact number of weights; biases are kept.

A rule is a function ``(model, params, live, budget, inputs, noise) -> mask``: ``live`` is the mask of the dense network,
``budget`` the number of weights to keep (data; more than there are keeps all), ``inputs`` the training set, ``noise``
independent N(0, 1) numbers, one per weight. Larger scores are kept, ties go to the lower layer and index. Scores that
are not finite keep nothing, so that a network that diverged shows as collapsed. Source: guide/networks.md, Budgets and rules.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxprune.simulate.networks.model import Model, Parameters
from jaxprune.simulate.sorting import descending

Rule = Callable[..., Parameters]
Budget = Int[Array, ""] | int
Noise = tuple[Array, ...]


def global_magnitude(
    model: Model, params: Parameters, live: Parameters, budget: Budget, inputs: Array, noise: Noise
) -> Parameters:
    """``|w|``, all layers in one order."""
    return keep_largest([jnp.abs(w) for w in params.weights], live, budget)


def layerwise_magnitude(
    model: Model, params: Parameters, live: Parameters, budget: Budget, inputs: Array, noise: Noise
) -> Parameters:
    """``|w|``, every layer keeping the same fraction of its weights; the total is exact by largest remainders."""
    kept = quotas(jnp.stack([jnp.sum(m) for m in live.weights]), budget)
    weights = []
    for layer, (w, mask) in enumerate(zip(params.weights, live.weights, strict=True)):
        alone = keep_largest([jnp.abs(w)], Parameters((mask,), ()), kept[layer])
        weights.append(alone.weights[0])
    return Parameters(tuple(weights), live.biases)


def hessian(model: Model, params: Parameters, live: Parameters, budget: Budget, inputs: Array, noise: Noise) -> Parameters:
    """``w^2`` times the Gauss-Newton diagonal of the training loss: the rise of the loss to second order."""
    curved = model.curvature(params, inputs)
    return keep_largest([w**2 * h for w, h in zip(params.weights, curved, strict=True)], live, budget)


def random(model: Model, params: Parameters, live: Parameters, budget: Budget, inputs: Array, noise: Noise) -> Parameters:
    """A random order of all weights, the control."""
    return keep_largest(noise, live, budget)


def keep_largest(scores: Sequence[Array], live: Parameters, budget: Budget) -> Parameters:
    """The mask of the ``budget`` live weights with the largest scores, all layers in one order."""
    flat = jnp.concatenate([s.ravel() for s in scores])
    alive = jnp.concatenate([m.ravel() for m in live.weights])
    order = descending(jnp.where(alive, flat, -jnp.inf))
    chosen = jnp.zeros(flat.shape, bool).at[order].set(jnp.arange(len(flat)) < budget, unique_indices=True)
    kept = chosen & alive & jnp.all(jnp.isfinite(flat) | ~alive)
    ends = [sum(s.size for s in scores[: i + 1]) for i in range(len(scores) - 1)]
    parts = jnp.split(kept, ends)
    return Parameters(tuple(p.reshape(s.shape) for p, s in zip(parts, scores, strict=True)), live.biases)


def quotas(sizes: Int[Array, " layers"], budget: Budget) -> Int[Array, " layers"]:
    """``budget`` shared among layers in proportion to their ``sizes``, in integers: each layer's share rounded down,
    then one more to the largest remainders (ties to the lower layer). Exact for totals up to 2^29."""
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
    """Fraction of each layer's live weights that the mask keeps; a layer at zero has collapsed."""
    kept = [jnp.sum(m) / jnp.sum(whole) for m, whole in zip(mask.weights, live.weights, strict=True)]
    return jnp.stack(kept)


def collapsed(density: Float[Array, "*batch layers"]) -> Bool[Array, "*batch"]:
    """Whether some layer is empty, so that nothing passes."""
    return jnp.any(density == 0, axis=-1)
