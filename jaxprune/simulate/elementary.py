"""Elementary functions on the ranges that stable laws need."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

HALF = np.pi / 2


def minus_log(low: Float[Array, "..."], high: Float[Array, "..."]) -> Float[Array, "..."]:
    """``-log(low)`` where ``high = 1 - low`` is known to its own digits: relatively exact at both ends."""
    small = low < 0.5
    return jnp.where(small, -jnp.log(jnp.where(small, low, 0.5)), -jnp.log1p(-jnp.where(small, 0.5, high)))


def sine(quarters: Float[Array, "..."]) -> Float[Array, "..."]:
    """``sin(pi x / 2)`` for x in [-1, 1]."""
    return jnp.sin(quarters * HALF)


def split_log2(x: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Base-2 logarithm of x > 0 as an integer and a rest."""
    return jnp.zeros_like(x), jnp.log2(x)


def split_log2_sine(near: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Base-2 logarithm of ``sin(pi x / 2)``, x in (0, 1], as an integer and a rest."""
    return split_log2(sine(near))


def scaled_exp2(x: Float[Array, "..."], coarse: Float[Array, "..."], fine: Float[Array, "..."]) -> Float[Array, "..."]:
    """``x 2^(coarse + fine)``."""
    return x * jnp.exp2(coarse + fine)
