"""Evaluation of networks a part of the samples at a time, so that memory does not grow with samples times units."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

HELD = 2**25  # numbers in the signals of the widest layer that are held at once: 128 MiB in float32


def together(units: int) -> int:
    """How many samples are evaluated at a time.

    Args:
        units: Numbers that the widest layer makes of one sample, over all networks that are evaluated at once.

    Returns:
        The number, >= 1.
    """
    return max(1, HELD // units)


def in_parts(outputs: Callable[[Array], Array], inputs: Float[Array, "m ..."], units: int) -> Float[Array, "m k"]:
    """``outputs(inputs)`` of a function that treats every sample alike; of large sets in equal parts, one after another.

    A product of fewer samples may round otherwise, so numbers are those of the whole up to round-off.

    Args:
        outputs: Samples (b, ...) to outputs (b, k).
        inputs: Samples (m, ...).
        units: As of ``together``.

    Returns:
        Outputs (m, k).
    """
    count = -(-len(inputs) // together(units))
    if count <= 1:
        return outputs(inputs)
    size = -(-len(inputs) // count)
    filled = jnp.pad(inputs, ((0, count * size - len(inputs)), *[(0, 0)] * (inputs.ndim - 1)))
    found = jax.lax.map(outputs, filled.reshape(count, size, *inputs.shape[1:]))
    return found.reshape(count * size, -1)[: len(inputs)]
