"""Random wide networks to be compressed. The rows of a narrower target are the first of a wider one.

Source: guide/two_layer.md, Exact loss.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import Compression
from jaxprune.simulate import stable
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.lengths import polar


class Target(NamedTuple):
    """A network: ``rows`` (N, d) and output ``weights`` (N,), scaling included."""

    rows: Float[Array, "N d"]
    weights: Float[Array, " N"]


def draw(problem: Compression, key: Key[Array, ""]) -> Target:
    """A target. ``dim`` aside, a narrower one has the same neurons, scaled otherwise.

    Args:
        problem: Gives width N and dim d, the laws of rows and outputs, and the scaling.
        key: One typed JAX key.

    Returns:
        Rows (N, d) and output weights (N,), scaling included.

    Raises:
        ValueError: For no typed key.
    """
    check_key(key)
    row_key, output_key = jax.random.split(key)
    entries = _entries(problem, row_key)
    along = jnp.asarray(problem.cosine, entries.dtype)
    common = along * (jnp.arange(problem.dim) == 0)
    rows = problem.size * (common + jnp.sqrt(1 - along**2) * entries)
    scale = dict(mean=1 / problem.width, clt=problem.width**-0.5, sum=1.0)[problem.scaling]
    return Target(rows.astype(entries.dtype), (scale * _outputs(problem, output_key)).astype(entries.dtype))


def _entries(problem: Compression, key: Key[Array, ""]) -> Float[Array, "N d"]:
    """Of variance 1/dim, where there is one."""
    shape, root = (problem.width, problem.dim), problem.dim**0.5
    if problem.rows == "rademacher":
        return jax.random.rademacher(key, shape, jnp.result_type(float)) / root
    if problem.rows == "uniform":
        return jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5) / root
    if problem.rows == "student":
        return jax.random.t(key, problem.tail_index, shape, jnp.result_type(float)) / root
    if problem.rows == "stable":
        return stable.Symmetric(problem.tail_index).sample(key, shape) / (2**0.5 * root)
    if problem.rows == "sparse":
        value_key, mask_key = jax.random.split(key)
        chosen = jax.random.uniform(mask_key, shape) < problem.density
        return jnp.where(chosen, jax.random.normal(value_key, shape) / jnp.sqrt(problem.density), 0) / root
    entries = jax.random.normal(key, shape)
    return polar(entries)[1] if problem.rows == "sphere" else entries / root


def _outputs(problem: Compression, key: Key[Array, ""]) -> Float[Array, " N"]:
    shape, dtype = (problem.width,), jnp.result_type(float)
    mean, sd = (jnp.asarray(value, dtype) for value in (problem.output_mean, problem.output_sd))
    if problem.outputs == "constant":
        return jnp.broadcast_to(mean, shape)
    if problem.outputs == "rademacher":
        return jax.random.rademacher(key, shape, dtype)
    if problem.outputs == "uniform":
        return mean + sd * jax.random.uniform(key, shape, minval=-(3**0.5), maxval=3**0.5)
    if problem.outputs == "student":
        return mean + sd * jax.random.t(key, problem.tail_index, shape, dtype)
    return mean + sd * jax.random.normal(key, shape)
