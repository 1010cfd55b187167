"""Layers without heavy tails, to read beside a layer: what an estimator says of them says nothing of heavy tails.

Source: guide/tails.md, Spectra.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key


@jax.jit
def gaussian(layer: Float[Array, "n d"], key: Key[Array, ""]) -> tuple[Float[Array, "n d"], Float[Array, "n d"]]:
    """Two controls of a layer, with all moments: independent Gaussian entries of equal variance, and the same numbers scaled.

    The second have the layer's mean squares of every row and column, as far as a product of the two can have them.

    Args:
        layer: Real numbers (n, d), not all zero.
        key: One typed JAX key.

    Returns:
        The two controls, each (n, d).
    """
    normal, square = jax.random.normal(key, layer.shape, layer.dtype), layer**2
    whole = jnp.sqrt(jnp.mean(square))
    rows, columns = (jnp.sqrt(jnp.mean(square, axis=axis, keepdims=True)) for axis in (1, 0))
    return whole * normal, rows * columns / whole * normal


@jax.jit
def shuffled(layer: Float[Array, "n d"], key: Key[Array, ""]) -> Float[Array, "n d"]:
    """The layer's own entries in random places (the control of Martin and Mahoney).

    Their law stays, and what the spectrum had of their arrangement goes.

    Args:
        layer: Numbers (n, d).
        key: One typed JAX key.

    Returns:
        The control (n, d).
    """
    return jax.random.permutation(key, layer.ravel()).reshape(layer.shape)
