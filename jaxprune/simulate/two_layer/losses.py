"""Population losses ``E (f* - f)^2`` of two networks with inputs N(0, I), exact; and their Monte Carlo check.

Rows are (N, d) and (M, d), output weights (N,) and (M,), no factor 1/2. Pairs of target rows are taken in blocks, so that
memory does not grow with N*N. Source: guide/two_layer.md, Exact loss.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.simulate import linalg
from jaxprune.simulate.arc_cosine import EXACT, cosines, kappa, polynomial
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer import checks
from jaxprune.simulate.two_layer.activations import SMOOTH, Kernel, balanced, function_of, kernel_of
from jaxprune.struct import struct

BLOCK, SMOOTH_BLOCK, CHUNK = 512, 32, 4096
NEAR_ORTHOGONAL = 0.25


def _even_series(terms: int) -> tuple[float, ...]:
    """Coefficients of cosine^2, cosine^4, ... of ``kappa - 1/(2 pi) - cosine/4``."""
    found = [1 / (4 * np.pi)]
    for n in range(1, terms):
        found.append(found[-1] * (2 * n - 1) ** 2 / ((2 * n + 2) * (2 * n + 1)))
    return tuple(found)


EVEN = _even_series(12)


@struct
class Factors:
    """All that the simplified objective knows of a target: ``mean`` () is E f*, ``slope`` (d,) is E x f*, ``rest`` () what is
    left of E f*^2 beyond both. Source: guide/two_layer.md, Simplification."""

    mean: Any
    slope: Any
    rest: Any


def factors(target_rows: Any, target_weights: Any) -> Factors:
    """The realised factors of a ReLU network.

    Args:
        target_rows: Rows (N, d).
        target_weights: Output weights (N,).

    Returns:
        Mean, slope (d,) and rest.

    Raises:
        ValueError: For shapes that do not fit, types that are not floating, and numbers that are not finite.
    """
    rows, weights = checks.network("target_rows", target_rows, "target_weights", target_weights)
    unit, gains = balanced("relu", rows, weights)
    rest = _quadratic(_beyond_affine, unit, gains, BLOCK)
    return Factors(jnp.sum(gains) / np.sqrt(2 * np.pi), jnp.matmul(weights, rows, precision=EXACT) / 2, rest)


def loss(
    rows: Any, weights: Any, target_rows: Any, target_weights: Any, activation: str = "relu", slope: Any = None
) -> Float[Array, ""]:
    """The loss of a network against a target network, for any activation of ``kernel_of``.

    Small losses lose digits to cancellation: see ``split_loss``. Source: guide/two_layer.md, Kernels.

    Args:
        rows: Rows (M, d).
        weights: Output weights (M,).
        target_rows: Rows of the target (N, d).
        target_weights: Its output weights (N,).
        activation: Name of the activation of both.
        slope: That of "leaky", ``max(z, slope z)``, in [-1, 1); None for others.

    Returns:
        E (f* - f)^2.

    Raises:
        ValueError: For shapes that do not fit, types that are not floating, numbers that are not finite, an unknown activation,
            and a slope that is missing, out of range or not asked for.
    """
    rows, weights, others, outer = _both(rows, weights, target_rows, target_weights)
    kernel = kernel_of(activation, slope)
    block = _block(activation)
    (rows, weights), (others, outer) = balanced(activation, rows, weights), balanced(activation, others, outer)
    size, unit = polar(rows)
    count = -(-len(others) // block)
    padded = jnp.pad(others, ((0, -len(others) % block), (0, 0))).reshape(count, block, -1)
    outers = jnp.pad(outer, (0, -len(outer) % block)).reshape(count, block)

    def add(total, part):
        length, direction = polar(part[0])
        return total + weights @ kernel(size, length, cosines(unit, direction)) @ part[1], None

    cross = jax.lax.scan(add, jnp.zeros((), rows.dtype), (padded, outers))[0]
    return _quadratic(kernel, others, outer, block) - 2 * cross + _quadratic(kernel, rows, weights, block)


def energy(activation: str, rows: Float[Array, "N d"], weights: Float[Array, " N"], slope: Any = None) -> Float[Array, ""]:
    """``E f^2`` of a network, by blocks of pairs.

    Args:
        activation: Name of the activation.
        rows: Rows (N, d).
        weights: Output weights (N,).
        slope: That of "leaky", in [-1, 1); None for others.

    Returns:
        The mean square.

    Raises:
        ValueError: For an unknown activation, and a slope that is missing, out of range or not asked for.
    """
    return _quadratic(kernel_of(activation, slope), *balanced(activation, rows, weights), _block(activation))


def split_loss(rows: Any, weights: Any, target_rows: Any, target_weights: Any) -> Float[Array, ""]:
    """The ReLU loss as a sum over degrees, each a square of a difference.

    So a loss that is small beside both networks keeps its digits, also in float32. Source: guide/two_layer.md, Small losses.

    Args:
        rows: Rows (M, d).
        weights: Output weights (M,).
        target_rows: Rows of the target (N, d).
        target_weights: Its output weights (N,).

    Returns:
        E (f* - f)^2.

    Raises:
        ValueError: For shapes that do not fit, types that are not floating, and numbers that are not finite.
    """
    rows, weights, others, outer = _both(rows, weights, target_rows, target_weights)
    every, signed = jnp.concatenate([others, rows]), jnp.concatenate([outer, -weights])
    unit, gains = balanced("relu", every, signed)
    slope = jnp.matmul(signed, every, precision=EXACT)
    return jnp.sum(gains) ** 2 / (2 * np.pi) + jnp.sum(slope**2) / 4 + _quadratic(_beyond_affine, unit, gains, BLOCK)


def _beyond_affine(size, other, cosine):
    return size[:, None] * other * beyond_affine(cosine)


def beyond_affine(cosine: Float[Array, "..."]) -> Float[Array, "..."]:
    """``kappa - 1/(2 pi) - cosine/4``, relatively exact at 0.

    Source: guide/two_layer.md, Simplification.

    Args:
        cosine: Cosines in [-1, 1], of any shape.

    Returns:
        Values of the same shape, >= 0.
    """
    small = jnp.abs(cosine) < NEAR_ORTHOGONAL
    square = jnp.where(small, cosine, 0) ** 2
    series = square * polynomial(EVEN, square)
    return jnp.where(small, series, kappa(cosine) - 1 / (2 * np.pi) - cosine / 4)


def monte_carlo_loss(
    key: Key[Array, ""],
    rows: Any,
    weights: Any,
    target_rows: Any,
    target_weights: Any,
    activation: str = "relu",
    slope: Any = None,
    pairs: int = 100_000,
    inputs: Callable[..., Array] = jax.random.normal,
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The loss as a mean over antithetic pairs of inputs.

    Args:
        key: One typed JAX key, for the inputs.
        rows: Rows (M, d).
        weights: Output weights (M,).
        target_rows: Rows of the target (N, d).
        target_weights: Its output weights (N,).
        activation: Name of the activation of both.
        slope: That of "leaky", in [-1, 1); None for others.
        pairs: About how many pairs, >= 2; above 4,096 a multiple of it.
        inputs: ``(key, shape, dtype)`` to independent entries of a symmetric law.

    Returns:
        The loss, and its standard error.

    Raises:
        ValueError: As ``loss`` does, for fewer than 2 pairs, and for no typed key.
    """
    check_key(key)
    checks.check_count("pairs", pairs, "pairs of inputs", low=2)
    rows, weights, others, outer = _both(rows, weights, target_rows, target_weights)
    every, signed, function = (
        jnp.concatenate([others, rows]),
        jnp.concatenate([outer, -weights]),
        function_of(activation, slope),
    )
    chunk, chunks = min(pairs, CHUNK), -(-pairs // CHUNK)

    def squares(index):
        x = inputs(jax.random.fold_in(key, index), (chunk, rows.shape[1]), rows.dtype)
        heights = jnp.matmul(x, every.T, precision=EXACT)
        values = ((function(heights) @ signed) ** 2 + (function(-heights) @ signed) ** 2) / 2
        return jnp.mean(values), jnp.mean(values**2)

    means, seconds = jax.lax.map(squares, jnp.arange(chunks))
    mean, total = jnp.mean(means), chunk * chunks
    return mean, jnp.sqrt(jnp.maximum(jnp.mean(seconds) - mean**2, 0) / (total - 1))


def in_white_inputs(rows: Any, covariance: Any) -> Float[Array, "M d"]:
    """Rows of the network that does to white inputs what the given one does to inputs with a covariance.

    Exact losses of anisotropic Gaussian inputs are those of such rows, on both sides. Source: guide/two_layer.md, Exact loss.

    Args:
        rows: Rows (M, d).
        covariance: That of the inputs (d, d).

    Returns:
        Rows (M, d).

    Raises:
        ValueError: For a covariance that is not square, symmetric and positive semi-definite, and for what is not finite or not
            of a floating type.
    """
    rows, covariance = checks.floats("rows", rows, 2, "(neurons, inputs)"), checks.floats("covariance", covariance, 2, "(d, d)")
    if covariance.shape != (rows.shape[-1],) * 2:
        raise ValueError(f"covariance: shape {covariance.shape} for {rows.shape[-1]} inputs; use a square matrix of that size")
    if not checks.traced(covariance) and not np.allclose(
        covariance, covariance.T, rtol=0, atol=1e-6 * np.max(np.abs(covariance))
    ):
        raise ValueError("covariance: not symmetric; pass (S + S.T) / 2")
    eigs, basis = linalg.eigh(covariance)
    if not checks.traced(eigs) and eigs[0] < -1e-6 * jnp.max(jnp.abs(eigs)):
        raise ValueError(f"covariance: has the eigenvalue {eigs[0]:.3g}; that of inputs has none below 0")
    return jnp.matmul(jnp.matmul(rows, basis, precision=EXACT) * jnp.sqrt(jnp.maximum(eigs, 0)), basis.T, precision=EXACT)


def _both(rows, weights, target_rows, target_weights):
    rows, weights = checks.network("rows", rows, "weights", weights)
    others, outer = checks.network("target_rows", target_rows, "target_weights", target_weights)
    checks.same_inputs(rows, others)
    dtype = jnp.result_type(rows, others)
    return rows.astype(dtype), weights.astype(dtype), others.astype(dtype), outer.astype(dtype)


def _block(activation: str) -> int:
    return SMOOTH_BLOCK if activation in SMOOTH else BLOCK


def _quadratic(kernel: Kernel, rows: Array, weights: Array, block: int) -> Float[Array, ""]:
    """``sum_ij weights_i weights_j K_ij`` over pairs of blocks, each once; a row and itself have the cosine 1 exactly."""
    block = min(block, len(rows))
    count, more = -(-len(rows) // block), -len(rows) % block
    size, unit = polar(jnp.pad(rows, ((0, more), (0, 0))))
    size, unit = size.reshape(count, block), unit.reshape(count, block, -1)
    weights = jnp.pad(weights, (0, more)).reshape(count, block)

    def add(total, pair):
        i, j = pair
        itself = jnp.eye(block, dtype=bool) & (i == j) & (size[i] > 0)
        cosine = jnp.where(itself, 1, cosines(unit[i], unit[j]))
        return total + jnp.where(i == j, 1, 2) * (weights[i] @ kernel(size[i], size[j], cosine) @ weights[j]), None

    pairs = tuple(jnp.asarray(part) for part in np.triu_indices(count))
    return jax.lax.scan(add, jnp.zeros((), rows.dtype), pairs)[0]
