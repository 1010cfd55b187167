"""The compression of Shin's released code: large entries are kept, noise stands for the rest.

Read in the public repository johnshin86/compressing-heavy-tails. Source: guide/compression.md, The released split.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.compressibility import checked, measurable
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed
from jaxprune.simulate.lengths import power_of_two

SCALES = ("released", "matched")


def large(matrix: Float[Array, " *shape"]) -> Any:
    """Where ``|w|`` exceeds one standard deviation of all entries, which are not centred; the deviation has N - 1 for N.

    Args:
        matrix: Real numbers of any shape, at least 2.

    Returns:
        Booleans in the shape of the matrix; of a traced matrix that is not finite none are true.

    Raises:
        ValueError: For a matrix that is all zero or not finite, or one number.
    """
    matrix = _checked(matrix)
    return _large(matrix / _scale(matrix))


def _checked(matrix):
    matrix = checked("matrix", matrix, axes=None)
    if matrix.size < 2:
        raise ValueError(f"matrix: {matrix.size} entries have no standard deviation; pass at least 2")
    return matrix


def _large(matrix):
    return jnp.abs(matrix) > jnp.std(matrix, ddof=1)


def _scale(matrix):
    return power_of_two(jnp.max(jnp.abs(matrix)))


def split(key: Key[Array, ""], matrix: Float[Array, " *shape"], scale: str = "released") -> Compressed:
    """Entries with |w| > s are kept exactly; the others are replaced by independent N(m, s^2), m the mean and s the deviation.

    ``kept``: the large entries and the two numbers of the noise; the noise itself is nobody's information, so ``nats`` says
    which entries are kept, and these numbers. The relative squared Frobenius error of a centred matrix is D + 1 - kappa on
    average, D the share of energy that is replaced and kappa the fraction kept, since the noise has more energy than what it
    replaces; matched 2 D. ``squared_error`` is that of a draw. Source: guide/compression.md, The released split.

    Args:
        key: One typed JAX key, for the noise.
        matrix: Real numbers of any shape, at least 2.
        scale: Whose mean and deviation the noise has: "released", of *all* entries, or "matched", of the replaced ones.

    Returns:
        The matrix in its shape, and what it costs.

    Raises:
        ValueError: For a matrix that is all zero or not finite (traced: NaN) or one number, another scale, and no typed key.
    """
    check_key(key)
    if scale not in SCALES:
        raise ValueError(f"scale: {scale!r} is not known; use 'released' or 'matched'")
    matrix = _checked(matrix)
    size = _scale(matrix)
    unit = matrix / size
    chosen = _large(unit)
    mean, deviation = jnp.mean(unit), jnp.std(unit, ddof=1)
    if scale == "matched":
        some = jnp.sum(~chosen)
        mean = jnp.sum(jnp.where(chosen, 0, unit)) / jnp.maximum(some, 1)
        squares = jnp.sum(jnp.where(chosen, 0, unit - mean) ** 2)
        deviation = jnp.sqrt(squares / jnp.maximum(some - 1, 1))
    noise = size * (mean + deviation * jax.random.normal(key, matrix.shape, matrix.dtype))
    count = jnp.sum(chosen)
    nats = rules.code_length(count, matrix.size, VALUE_BITS) + 2 * VALUE_BITS * math.log(2)
    return Compressed(jnp.where(chosen, matrix, noise), count + 2, nats).nan_unless(measurable(matrix))


def squared_error(found: Float[Array, " *shape"], matrix: Float[Array, " *shape"]) -> Float[Array, ""]:
    """``|found - W|_F^2 / |W|_F^2``.

    Args:
        found: What stands for the matrix, in its shape.
        matrix: W, real numbers of any shape.

    Returns:
        The relative squared error, >= 0.

    Raises:
        ValueError: For a matrix that is empty, all zero or not finite (traced: NaN), and for ``found`` of another shape.
    """
    if np.shape(found) != np.shape(matrix):
        raise ValueError(f"found: shape {np.shape(found)} is not that of matrix, {np.shape(matrix)}; pass what stands for it")
    matrix = checked("matrix", matrix, axes=None)
    largest = jnp.max(jnp.abs(matrix))  # squares may leave the range of float32
    return jnp.sum(((found - matrix) / largest) ** 2) / jnp.sum((matrix / largest) ** 2)
