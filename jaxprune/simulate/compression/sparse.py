"""Sparse reductions that are no fixed count of the largest: a threshold, and random sets that are right on average.

Weights are a vector, a layer or a tree of layers; sets are drawn from all of them together. Every function runs under jit and
vmap; a traced number outside what a function takes gives NaN. Sources: guide/compression.md, Reductions.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.simulate.arguments import check_arrays, check_key, check_shapes, or_nan, sound_number, traced
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed, Weights
from jaxprune.simulate.lengths import power_of_two, safe_norm


def threshold(weights: Weights, size: Any) -> Compressed:
    """The weights with ``|w| > size``, strictly, and zeros.

    Source: guide/compression.md, Reductions.

    Args:
        weights: An array, or a tree of arrays.
        size: The magnitude that a kept weight exceeds, >= 0; traced: NaN otherwise.

    Returns:
        The weights in their shapes; ``nats`` pays for which are kept, and for their values.

    Raises:
        ValueError: For a size that is not >= 0.
    """
    check_arrays("weights", weights)
    sound = sound_number("size", size, "[0, inf)", "a magnitude")
    masks = jax.tree.map(lambda w: ~(w <= size), rules.magnitude(None, weights))  # what is no number is not hidden
    return rules.masked(weights, masks).nan_unless(sound)


def activation_aware(key: Any, weights: Float[Array, "n d"], inputs: Float[Array, "m d"]) -> Float[Array, "n d"]:
    """``|w_ij| r_j`` with r_j the root mean square of input j: a rule, whose largest scores matter most for the outputs.

    For ``rules.compress`` with ``context`` the inputs. Any rule may look at the data, since the code says which weights are
    kept. Inputs are divided by a power of two near the largest of them, which changes no order. Source:
    guide/compression.md, Reductions.

    Args:
        key: Not used; it makes this a rule.
        weights: A layer (n, d).
        inputs: What the layer takes in, m samples (m, d).

    Returns:
        Scores (n, d).

    Raises:
        ValueError: For inputs of another width, or none.
    """
    if jnp.ndim(inputs) != 2 or jnp.shape(inputs)[1:] != jnp.shape(weights)[1:] or jnp.size(inputs) == 0:
        raise ValueError(
            f"inputs: shape {jnp.shape(inputs)}; weights {jnp.shape(weights)} need inputs (m, {jnp.shape(weights)[-1]})"
        )
    scaled = inputs / power_of_two(jnp.max(jnp.abs(inputs)))
    return jnp.abs(weights) * safe_norm(scaled.T) / math.sqrt(len(inputs))


def inclusion(weights: Weights, size: Any, power: int = 2) -> Weights:
    """Probabilities ``min(1, (|w|/size)^power)`` with which weights are kept.

    Source: guide/compression.md, Random sets.

    Args:
        weights: An array, or a tree of arrays.
        size: The magnitude from which on weights are kept for certain, > 0; traced: NaN otherwise.
        power: 2 is Arora et al.'s; 1 has the least mean squared error at a given mean number kept.

    Returns:
        Probabilities in the shapes of the weights, of half precision in float32.

    Raises:
        ValueError: Unless size > 0 and power is 1 or 2.
    """
    _check_power(power)
    sound = sound_number("size", size, "(0, inf)", "a magnitude that is kept for certain")
    return or_nan(sound, jax.tree.map(lambda w: jnp.minimum(1.0, jnp.abs(w) / size) ** power, _precise(weights)))


def inclusion_of(weights: Weights, budget: Any, power: int = 2) -> Weights:
    """The probabilities of ``inclusion`` that keep ``budget`` weights on average.

    The largest are kept for certain: so many that the rest, in proportion to |w|^power, has probabilities up to 1. Source:
    guide/compression.md, Random sets.

    Args:
        weights: An array, or a tree of arrays.
        budget: The mean number of weights that are kept, >= 0; all that are not 0 where there are fewer. Traced: NaN below 0.
        power: 1 or 2, as of ``inclusion``.

    Returns:
        Probabilities in the shapes of the weights, of half precision in float32.

    Raises:
        ValueError: For a power other than 1 or 2, and a budget < 0.
    """
    _check_power(power)
    sound = sound_number("budget", budget, "[0, inf)", "a mean number of weights")
    flat, back = rules.flattened(_precise(weights))
    sizes = jnp.abs(flat)
    ordered = jnp.sort(sizes, descending=True)
    rest = budget - jnp.arange(len(flat))
    tail = _tail(ordered, power)
    good = (rest > 0) & (rest <= tail)
    certain = jnp.argmax(good)  # how many are kept for certain
    top = jnp.where(ordered[certain] > 0, ordered[certain], 1)
    some = jnp.minimum(1.0, (jnp.minimum(sizes / top, 1)) ** power * (rest[certain] / tail[certain]))
    some = jnp.where(sizes > top, 1.0, jnp.where(jnp.any(good), some, 0.0))
    return or_nan(sound, back(jnp.where(budget >= jnp.sum(sizes > 0), jnp.where(sizes > 0, 1.0, 0.0), some)))


def _tail(ordered: Array, power: int) -> Array:
    """sum_{i >= k} (|w_i|/|w_k|)^power of descending sizes: relative to each, since those of the largest may vanish."""
    ratios = (ordered[1:] / jnp.where(ordered[:-1] > 0, ordered[:-1], 1)) ** power
    steps = jnp.append(ratios, 0.0), jnp.ones_like(ordered)  # tail_k = 1 + ratio_k tail_{k+1}
    return jax.lax.associative_scan(lambda a, b: (a[0] * b[0], b[1] + b[0] * a[1]), steps, reverse=True)[1]


def random_keep(key: Key[Array, ""], weights: Weights, probabilities: Weights) -> Compressed:
    """Each weight w is ``w/p`` with its probability p, and 0 otherwise, independently: w on average.

    The squared error is sum w^2 (1/p - 1) on average. Source: guide/compression.md, Random sets.

    Args:
        key: One typed JAX key.
        weights: An array, or a tree of arrays.
        probabilities: One for each weight, in [0, 1], and above 0 where the weight is not 0. Traced: all is NaN where one is
            outside.

    Returns:
        The weights in their shapes; ``kept`` and ``nats`` are those of the draw.

    Raises:
        ValueError: For probabilities outside [0, 1], of other shapes than the weights, and 0 where a weight is not; for weights
            that are not finite (traced: NaN), as a draw may leave them out; for no typed key.
    """
    check_key(key)
    flat, back = rules.flattened(weights)
    chances, _ = rules.flattened(_precise(probabilities))
    check_shapes("probabilities", probabilities, weights)
    sound = sound_number("probabilities", chances, "[0, 1]") & rules.finite("weights", weights)
    lost = jnp.any((chances == 0) & (flat != 0))
    if traced(lost):
        sound = jnp.all(sound) & ~lost
    elif bool(lost):
        raise ValueError(
            "probabilities: 0 for a weight that is not 0, whose mean would be lost; use inclusion or a larger budget"
        )
    chosen = _happens(key, chances)
    value = jnp.where(chosen, flat / jnp.where(chosen, chances, 1), 0)
    kept = jnp.sum(chosen)
    return Compressed(back(value), kept, rules.code_length(kept, flat.size, VALUE_BITS)).nan_unless(sound)


def _happens(key: Key[Array, ""], chances: Array) -> Array:
    """Uniform numbers below the chances. Those of one draw lie on a grid of eps, too coarse for small chances: a second draw
    divides its cells. The difference is exact."""
    coarse, fine = jax.random.uniform(key, (2, *chances.shape), chances.dtype)
    return jnp.finfo(chances.dtype).eps * fine < chances - coarse


def uniform_mask(key: Key[Array, ""], weights: Weights, share: Any) -> Compressed:
    """Each weight over ``share`` with probability ``share``, whatever its size.

    The set is drawn before the data are seen, a helper string, so that ``nats`` pays for the values alone. The squared error is
    (1/share - 1) |w|^2 on average. Source: guide/compression.md, Random sets.

    Args:
        key: One typed JAX key.
        weights: An array, or a tree of arrays.
        share: The probability that a weight is kept, in (0, 1]; traced: NaN otherwise.

    Returns:
        The weights in their shapes.

    Raises:
        ValueError: For a share outside (0, 1], and for weights that are not finite (traced: NaN).
    """
    sound = sound_number("share", share, "(0, 1]", "a probability")
    chances = jax.tree.map(lambda w: jnp.full_like(w, share), _precise(weights))
    found = random_keep(key, weights, chances)
    nats = found.kept * (VALUE_BITS * math.log(2))
    return found._replace(nats=nats).nan_unless(sound & rules.finite("weights", weights))


def _precise(weights: Weights) -> Weights:
    """Floating-point numbers of 32 bits or more: fewer do not tell a probability of 0.999 from 1, and lose sums."""
    check_arrays("weights", weights)
    return jax.tree.map(lambda w: jnp.asarray(w, jnp.promote_types(jnp.result_type(w, float), jnp.float32)), weights)


def _check_power(power):
    if power not in (1, 2):
        raise ValueError(f"power: {power!r} is not known; use 1 or 2")
