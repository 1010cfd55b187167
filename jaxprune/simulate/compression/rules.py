"""What linear models, networks and layers have in common when they are pruned: rules, and what cutting an order leaves.

A rule is a function ``(key, weights, context) -> scores``. ``weights`` are those of a vector, a layer, or a tree of layers,
and scores have their shapes; larger is kept, ties go to the lower index. ``context`` is whatever else the rule looks at, such
as a fit and its problem, or a network and its data; a rule that needs nothing else takes None.

A count that is traced, and outside what a function takes, gives NaN, and so do weights and scores that are not finite; masks,
which cannot be NaN, keep nothing then.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import at_most, check_arrays, check_shapes, or_nan, sound_count, traced
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

    @staticmethod
    def check(found: Any) -> None:
        """What a reduction left; anything else is refused."""
        if not isinstance(found, Compressed):
            kind = type(found).__name__
            raise ValueError(f"found: {kind} is not what a reduction leaves; pass a Compressed, as of rules.compress")

    def nan_unless(self, sound: Any) -> "Compressed":
        """The same, with NaN for ``value`` and ``nats`` where ``sound`` is not true: ``kept`` is a count, and has none."""
        return self._replace(value=or_nan(sound, self.value), nats=or_nan(sound, self.nats))


def magnitude(key: Any, weights: Weights, context: Any = None) -> Weights:
    """``|w|``.

    Args:
        key, context: Not used; they make it a rule.
        weights: An array, or a tree of arrays.

    Returns:
        Scores in the shapes of the weights.
    """
    return jax.tree.map(lambda w: jnp.abs(jnp.asarray(w, jnp.result_type(w, float))), weights)  # -128 has no |w| in 8 bits


def keep_largest(scores: Weights, budget: Any, live: Weights | None = None) -> Weights:
    """Masks of the weights with the largest scores, all leaves in one order.

    Scores that are not finite keep nothing, so that what diverged shows as empty.

    Args:
        scores: An array, or a tree of arrays.
        budget: How many are kept, an integer >= 0 that may be traced, and keeps nothing where it is none; more than there are
            keeps all.
        live: Which may be kept, booleans in the shapes of the scores; None: all.

    Returns:
        Booleans in the shapes of the scores.

    Raises:
        ValueError: For a budget that is not an integer >= 0, scores that are no arrays, and ``live`` of other shapes.
    """
    check_arrays("scores", scores)
    if live is not None:
        check_shapes("live", live, scores)
    sound = sound_count("budget", budget, "weights", 0)
    leaves, shape = jax.tree.flatten(scores)
    flat = jnp.concatenate([jnp.ravel(s) for s in leaves])
    alive = _alive(live, flat)
    order = argsort_descending(jnp.where(alive, flat, -jnp.inf))
    chosen = jnp.zeros(flat.shape, bool).at[order].set(jnp.arange(len(flat)) < at_most(budget, len(flat)), unique_indices=True)
    kept = chosen & alive & jnp.all(jnp.isfinite(flat) | ~alive) & sound
    ends = [sum(s.size for s in leaves[: i + 1]) for i in range(len(leaves) - 1)]
    return jax.tree.unflatten(shape, [p.reshape(s.shape) for p, s in zip(jnp.split(kept, ends), leaves, strict=True)])


def compress(
    rule: Rule, key: Any, weights: Weights, budget: Any, context: Any = None, value_bits: Any = VALUE_BITS
) -> Compressed:
    """The weights that a rule keeps, exactly as many as asked for where there are as many, and zeros.

    Args:
        rule: A rule, ``(key, weights, context) -> scores``.
        key: What the rule draws with; None where it draws nothing.
        weights: An array, or a tree of arrays.
        budget: How many are kept, an integer >= 0 that may be traced, and gives NaN where it is none; more than there are
            keeps all.
        context: Whatever else the rule looks at.
        value_bits: Bits that a kept number costs, an integer >= 0; traced: NaN in ``nats`` where it is none.

    Returns:
        The weights in their shapes; ``nats`` pays for which are kept, and for their values.

    Raises:
        ValueError: For a rule that is no function or gives scores of other shapes, weights that are no arrays of numbers,
            weights or scores that are not finite (traced: NaN), and for a budget or bits that are not integers >= 0.
    """
    if not callable(rule):
        raise ValueError(f"rule: {rule!r} is no rule; pass a function (key, weights, context) -> scores, as rules.magnitude")
    check_arrays("weights", weights)
    scores = rule(key, weights, context)
    check_shapes("scores of the rule", scores, weights)
    sound = sound_count("budget", budget, "weights", 0) & finite("weights", weights) & finite("scores of the rule", scores)
    return masked(weights, keep_largest(scores, budget), value_bits).nan_unless(sound)


def finite(name: str, value: Weights) -> Any:
    """True for arrays of finite numbers, a ValueError otherwise; for traced ones, whether they are.

    Args:
        name: What an error calls the value.
        value: An array, or a tree of arrays.

    Returns:
        True, or a traced boolean.

    Raises:
        ValueError: For NaN or infinity where it is known.
    """
    found = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(value)]))
    if traced(found):
        return found
    if not bool(found):
        raise ValueError(f"{name}: NaN or infinity; leave failed runs out and count them")
    return True


def flattened(weights: Weights) -> tuple[Float[Array, " n"], Callable[[Array], Weights]]:
    """All weights as one vector, leaf after leaf, and what brings a vector back into their shapes and precisions; integers
    become floating-point numbers.

    Args:
        weights: An array, or a tree of arrays, of n numbers.

    Returns:
        The vector (n,), and a function of such a vector.

    Raises:
        ValueError: For weights that are no arrays of numbers.
    """
    check_arrays("weights", weights)
    leaves, shape = jax.tree.flatten(jax.tree.map(jnp.asarray, weights))
    ends = [sum(w.size for w in leaves[: i + 1]) for i in range(len(leaves) - 1)]

    def back(flat):
        parts = jnp.split(flat, ends)
        kinds = [w.dtype if jnp.issubdtype(w.dtype, jnp.floating) else flat.dtype for w in leaves]
        found = [p.reshape(w.shape).astype(kind) for p, w, kind in zip(parts, leaves, kinds, strict=True)]
        return jax.tree.unflatten(shape, found)

    flat = jnp.concatenate([jnp.ravel(w) for w in leaves])
    return flat if jnp.issubdtype(flat.dtype, jnp.floating) else flat.astype(float), back


def masked(weights: Weights, masks: Weights, value_bits: Any = VALUE_BITS) -> Compressed:
    """Weights where the masks are true, and zeros.

    Args:
        weights: An array, or a tree of arrays.
        masks: Booleans in the shapes of the weights.
        value_bits: Bits that a kept number costs, an integer >= 0; traced: NaN in ``nats`` where it is none.

    Returns:
        The weights in their shapes; ``nats`` pays for which are kept, and for their values.

    Raises:
        ValueError: For weights that are no arrays of numbers, masks of other shapes, and bits that are not an integer >= 0.
    """
    check_arrays("weights", weights)
    check_shapes("masks", masks, weights)
    value = jax.tree.map(lambda w, m: jnp.where(m, w, 0), weights, masks)
    total = sum(m.size for m in jax.tree.leaves(masks))
    kept = sum(jnp.sum(m) for m in jax.tree.leaves(masks))
    return Compressed(value, kept, code_length(kept, total, value_bits))


def code_length(kept: Any, total: int, value_bits: Any = VALUE_BITS) -> Float[Array, ""]:
    """Nats that say which weights of an array are kept, log C(total, kept), and each of them in ``value_bits`` bits.

    Right to a few roundings of itself in float32 too, where differences of log-gamma functions would lose it.

    Args:
        kept: How many, an integer in 0 .. total; traced: NaN where it is none.
        total: How many there are.
        value_bits: Bits that a kept number costs, an integer >= 0; traced: NaN where it is none.

    Returns:
        The code length in nats, >= 0.

    Raises:
        ValueError: As ``log_ways`` does, and for bits that are not an integer >= 0.
    """
    sound = sound_count("value_bits", value_bits, "bits", 0)
    return or_nan(sound, log_ways(kept, total) + jnp.asarray(kept, float) * value_bits * math.log(2))


def log_ways(kept: Any, total: int) -> Float[Array, ""]:
    """log C(total, kept), by Stirling's formula with what it leaves: a sum of terms >= 0 and of small ones.

    Args:
        kept: An integer in 0 .. total; traced: NaN where it is none.
        total: An integer >= 0.

    Returns:
        The logarithm, in nats.

    Raises:
        ValueError: For counts that are not integers or outside, and a total beyond the integers of the program, 2^31 - 1 in
            single precision.
    """
    check_count("total", total, "weights", 0)
    if total > jnp.iinfo(jnp.asarray(0).dtype).max:
        raise ValueError(f"total: {total} is more than a count can hold here; use jax.enable_x64(True)")
    sound, whole = sound_count("kept", kept, f"the {total} weights", 0, total), jnp.asarray(kept)
    whole = whole.astype(int if jnp.issubdtype(whole.dtype, jnp.integer) else float)  # short numbers cannot hold the total
    few = jnp.minimum(whole, total - whole).astype(float)
    some = jnp.maximum(few, 1.0)
    share, rest = some / total, total - some
    entropy = -some * jnp.log(share) - rest * jnp.log1p(-share)
    ends = -jnp.log(2 * math.pi * some * (1 - share)) / 2 + _beyond_stirling(float(total))
    found = entropy + ends - _beyond_stirling(some) - _beyond_stirling(rest)
    found = jnp.where(few == 1, math.log(max(total, 1)), jnp.where(few > 0, jnp.maximum(found, 0.0), 0.0))
    return or_nan(sound, found)


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
