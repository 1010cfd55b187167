"""Lengths whose squares neither overflow nor underflow: numbers are first divided by a power of two, which rounds nothing."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float


def safe_norm(rows: Float[Array, "*n d"]) -> Float[Array, "*n"]:
    """Lengths, with derivative 0 at a zero row; see ``polar``."""
    return polar(rows)[0]


def polar(rows: Float[Array, "*n d"]) -> tuple[Float[Array, "*n"], Float[Array, "*n d"]]:
    """Lengths and directions; a zero row has none, and gets zeros. Their derivatives are finite."""
    scale = power_of_two(jnp.max(jnp.abs(rows), axis=-1))
    even = rows / scale[..., None]
    root = safe_root(jnp.sum(even**2, axis=-1))
    return scale * root, even / jnp.where(root > 0, root, 1)[..., None]


def power_of_two(size: Float[Array, "*n"]) -> Float[Array, "*n"]:
    """Near a size, so that what is divided by it is near 1; 1 for a size that is zero or not finite.

    Args:
        size: The largest magnitude of some numbers, >= 0.

    Returns:
        Powers of two, of the same shape; constants to derivatives.
    """
    size = jax.lax.stop_gradient(size)
    bits = jnp.finfo(size.dtype)
    power = 2 * jax.lax.reduce_precision(size / 4, bits.nexp, 0)
    return jnp.where((power > 0) & jnp.isfinite(power), power, 1)


def safe_root(square):
    """0 below 0, and derivative 0 there: in a ``scan`` JAX takes second derivatives from the code, not from the rules here.
    NaN stays."""
    return jnp.where(square <= 0, 0, jnp.sqrt(jnp.where(square <= 0, 1, square)))
