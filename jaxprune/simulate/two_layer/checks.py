"""What networks are accepted; anything else is a ValueError that names the argument, the value and the cure."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_number, traced

__all__ = [
    "check_count",
    "check_number",
    "floats",
    "network",
    "same_inputs",
    "signs",
    "target_factors",
    "traced",
    "unit_vector",
]


def network(rows_name: str, rows: Any, weights_name: str, weights: Any) -> tuple[Array, Array]:
    """Rows (M, d) and output weights (M,) of a network, of one floating type."""
    rows = floats(rows_name, rows, 2, "(neurons, inputs)")
    weights = floats(weights_name, weights, 1, "(neurons,)")
    if 0 in rows.shape:
        raise ValueError(f"{rows_name}: shape {rows.shape} is empty; use at least one neuron and one input")
    if len(rows) != len(weights):
        raise ValueError(f"{weights_name}: {len(weights)} output weights for {len(rows)} neurons; give one to each row")
    dtype = jnp.result_type(rows, weights)
    return rows.astype(dtype), weights.astype(dtype)


def same_inputs(rows: Array, target_rows: Array) -> None:
    """Both networks have the same inputs."""
    if rows.shape[1] != target_rows.shape[1]:
        raise ValueError(f"rows: {rows.shape[1]} inputs, where the target has {target_rows.shape[1]}; use as many")


def signs(name: str, value: Any, count: int) -> Array:
    """Signs of ``count`` outputs."""
    array = floats(name, value, 1, "(neurons,)")
    if len(array) != count:
        raise ValueError(f"{name}: {len(array)} signs for {count} neurons; give one to each")
    if not traced(value) and not np.all(np.abs(np.asarray(value)) == 1):
        raise ValueError(f"{name}: {np.asarray(value)} are not all 1.0 or -1.0; use the signs of the outputs")
    return array


def target_factors(target: Any) -> None:
    """Mean, slope and rest of a target."""
    check_number("mean", target.mean, "(-inf, inf)")
    check_number("rest", target.rest, "(-inf, inf)")
    if np.ndim(target.slope) != 1 or not np.size(target.slope):
        raise ValueError(f"slope: shape {np.shape(target.slope)} is not (inputs,); use a vector, of zeros for none")
    check_number("slope", target.slope, "(-inf, inf)")


def unit_vector(name: str, value: Any) -> Array:
    """A vector of length 1."""
    array = floats(name, value, 1, "(inputs,)")
    if not traced(value) and abs(np.linalg.norm(np.asarray(value)) - 1) > 1e-6:
        raise ValueError(f"{name}: length {np.linalg.norm(np.asarray(value)):g} is not 1; divide by it")
    return array


def floats(name: str, value: Any, rank: int, shape: str) -> Array:
    """A finite array of a floating type and of a rank; a traced one may be anything."""
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"{name}: dtype {dtype} would be cast silently; pass floating-point numbers")
    array = jnp.asarray(value)
    if array.ndim != rank:
        raise ValueError(f"{name}: shape {array.shape} has {array.ndim} axes; use shape {shape}")
    if not traced(value) and not np.all(np.isfinite(np.asarray(value))):
        raise ValueError(f"{name}: has numbers that are not finite; leave them out")
    return array
