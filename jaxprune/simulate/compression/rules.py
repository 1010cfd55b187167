"""What linear models, networks and layers have in common when they are pruned: rules, and what cutting an order leaves.

A rule is a function ``(key, weights, context) -> scores``. ``weights`` are those of a vector, a layer, or a tree of layers,
and scores have their shapes; larger is kept, ties go to the lower index. ``context`` is whatever else the rule looks at, such
as a fit and its problem, or a network and its data; a rule that needs nothing else takes None.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from jaxprune.simulate.sorting import argsort_descending

Weights = PyTree[Array]
Rule = Callable[..., Weights]
VALUE_BITS = 32  # of a number that is kept as it is


class Compressed(NamedTuple):
    """What is left of weights: ``value`` in their shapes, ``kept`` numbers that describe it, and the code length ``nats`` that
    says which and what."""

    value: Weights
    kept: Any
    nats: Any


def magnitude(key: Any, weights: Weights, context: Any = None) -> Weights:
    """``|w|``.

    Args:
        key, context: Not used; they make it a rule.
        weights: An array, or a tree of arrays.

    Returns:
        Scores in the shapes of the weights.
    """
    return jax.tree.map(jnp.abs, weights)


def keep_largest(scores: Weights, budget: Any, live: Weights | None = None) -> Weights:
    """Masks of the weights with the largest scores, all leaves in one order.

    Scores that are not finite keep nothing, so that what diverged shows as empty.

    Args:
        scores: An array, or a tree of arrays.
        budget: How many are kept, an integer >= 0 that may be traced; more than there are keeps all.
        live: Which may be kept, booleans in the shapes of the scores; None: all.

    Returns:
        Booleans in the shapes of the scores.
    """
    leaves, shape = jax.tree.flatten(scores)
    flat = jnp.concatenate([jnp.ravel(s) for s in leaves])
    alive = _alive(live, flat)
    order = argsort_descending(jnp.where(alive, flat, -jnp.inf))
    chosen = jnp.zeros(flat.shape, bool).at[order].set(jnp.arange(len(flat)) < budget, unique_indices=True)
    kept = chosen & alive & jnp.all(jnp.isfinite(flat) | ~alive)
    ends = [sum(s.size for s in leaves[: i + 1]) for i in range(len(leaves) - 1)]
    return jax.tree.unflatten(shape, [p.reshape(s.shape) for p, s in zip(jnp.split(kept, ends), leaves, strict=True)])


def compress(
    rule: Rule, key: Any, weights: Weights, budget: Any, context: Any = None, value_bits: int = VALUE_BITS
) -> Compressed:
    """The weights that a rule keeps, exactly as many as asked for where there are as many, and zeros.

    Args:
        rule: A rule, ``(key, weights, context) -> scores``.
        key: What the rule draws with; None where it draws nothing.
        weights: An array, or a tree of arrays.
        budget: How many are kept, an integer >= 0 that may be traced.
        context: Whatever else the rule looks at.
        value_bits: Bits that a kept number costs.

    Returns:
        The weights in their shapes; ``nats`` pays for which are kept, and for their values.
    """
    masks = keep_largest(rule(key, weights, context), budget)
    return masked(weights, masks, value_bits)


def flattened(weights: Weights) -> tuple[Float[Array, " n"], Callable[[Array], Weights]]:
    """All weights as one vector, leaf after leaf, and what brings a vector back into their shapes and precisions; integers
    become floating-point numbers.

    Args:
        weights: An array, or a tree of arrays, of n numbers.

    Returns:
        The vector (n,), and a function of such a vector.
    """
    leaves, shape = jax.tree.flatten(weights)
    ends = [sum(np.size(w) for w in leaves[: i + 1]) for i in range(len(leaves) - 1)]

    def back(flat):
        parts = jnp.split(flat, ends)
        kinds = [w.dtype if jnp.issubdtype(w.dtype, jnp.floating) else flat.dtype for w in leaves]
        found = [p.reshape(jnp.shape(w)).astype(kind) for p, w, kind in zip(parts, leaves, kinds, strict=True)]
        return jax.tree.unflatten(shape, found)

    flat = jnp.concatenate([jnp.ravel(w) for w in leaves])
    return flat if jnp.issubdtype(flat.dtype, jnp.floating) else flat.astype(float), back


def masked(weights: Weights, masks: Weights, value_bits: int = VALUE_BITS) -> Compressed:
    """Weights where the masks are true, and zeros.

    Args:
        weights: An array, or a tree of arrays.
        masks: Booleans in the shapes of the weights.
        value_bits: Bits that a kept number costs.

    Returns:
        The weights in their shapes; ``nats`` pays for which are kept, and for their values.
    """
    value = jax.tree.map(lambda w, m: jnp.where(m, w, 0), weights, masks)
    total = sum(m.size for m in jax.tree.leaves(masks))
    kept = sum(jnp.sum(m) for m in jax.tree.leaves(masks))
    return Compressed(value, kept, code_length(kept, total, value_bits))


def code_length(kept: Any, total: int, value_bits: int = VALUE_BITS) -> Float[Array, ""]:
    """Nats that say which weights of an array are kept, log C(total, kept), and each of them in ``value_bits`` bits.

    Right to a few roundings of itself in float32 too, where differences of log-gamma functions would lose it.

    Args:
        kept: How many, in 0 .. total; may be traced.
        total: How many there are.
        value_bits: Bits that a kept number costs.

    Returns:
        The code length in nats, >= 0.
    """
    return log_ways(kept, total) + jnp.asarray(kept, float) * value_bits * math.log(2)


def log_ways(kept: Any, total: int) -> Float[Array, ""]:
    """log C(total, kept), by Stirling's formula with what it leaves: a sum of terms >= 0 and of small ones.

    Args:
        kept: A count in 0 .. total; may be traced.
        total: A count.

    Returns:
        The logarithm, in nats.

    Raises:
        ValueError: For a total beyond the integers of the program, 2^31 - 1 in single precision.
    """
    whole = jnp.asarray(kept)
    if total > jnp.iinfo(jnp.asarray(0).dtype).max:
        raise ValueError(f"total: {total} is more than a count can hold here; use jax.enable_x64(True)")
    few = jnp.minimum(whole, total - whole).astype(float)
    some = jnp.maximum(few, 1.0)
    share, rest = some / total, total - some
    entropy = -some * jnp.log(share) - rest * jnp.log1p(-share)
    ends = -jnp.log(2 * math.pi * some * (1 - share)) / 2 + _beyond_stirling(float(total))
    found = entropy + ends - _beyond_stirling(some) - _beyond_stirling(rest)
    return jnp.where(few == 1, math.log(max(total, 1)), jnp.where(few > 0, jnp.maximum(found, 0.0), 0.0))


def _beyond_stirling(x: Any) -> Array:
    """log(x!) less Stirling's formula, x >= 1."""
    x = jnp.maximum(jnp.asarray(x, float), 1.0)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / x**2) / x**2) / x**2) / x**2) / x
    small = jnp.minimum(x, 10.0)
    exact = jax.lax.lgamma(small + 1) - (small * jnp.log(small) - small + jnp.log(2 * math.pi * small) / 2)
    return jnp.where(x > 9, series, exact)


def _alive(live: Weights | None, flat: Array) -> Bool[Array, " n"]:
    if live is None:
        return jnp.ones(flat.shape, bool)
    return jnp.concatenate([jnp.ravel(m) for m in jax.tree.leaves(live)])
