"""Orders by decreasing score: the larger first, of equal ones the lower index, NaN last."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def argsort_descending(scores: Float[Array, "*batch d"]) -> Int[Array, "*batch d"]:
    """Indices by decreasing score, of equal ones the lower first, NaN after everything else. In float64, scores within about
    ``d * 2e-16`` of their size are equal.

    Numbers are compared by their bits, which XLA does not flush to zero where they are small. It sorts plain integers five
    times faster than pairs, so in float64 the index travels in the last bits of the score.
    """
    if scores.dtype != jnp.float64:
        return jnp.argsort(~_ordered(scores.astype(jnp.float32), jnp.int32), axis=-1, stable=True)
    index = jnp.arange(scores.shape[-1]).reshape((1,) * (scores.ndim - 1) + (-1,))
    low = (1 << int(scores.shape[-1] - 1).bit_length()) - 1
    return jax.lax.sort((~_ordered(scores, jnp.int64) & ~low) | index, is_stable=False) & low


def argsort_live(scores: Float[Array, "*batch d"], live: Bool[Array, "*#batch d"]) -> Int[Array, "*batch d"]:
    """The live features by decreasing score, then the others. Scores of which a live one is NaN rank nothing: -1 throughout,
    which ``least_squares.retrain_path`` answers by NaN."""
    failed = jnp.any(live & jnp.isnan(scores), axis=-1, keepdims=True)
    return jnp.where(failed, -1, argsort_descending(jnp.where(live, scores, -jnp.inf)))


def _ordered(scores, integer):
    """Integers in the order of the scores; the least one for NaN."""
    least, most = jnp.iinfo(integer).min, jnp.iinfo(integer).max
    bits = jax.lax.bitcast_convert_type(scores, integer)  # in that order, but for negative scores
    bits = jnp.where(bits == least, 0, bits)  # minus zero; a sum would lose small numbers
    return jnp.where(jnp.isnan(scores), least, jnp.where(bits < 0, bits ^ most, bits))
