"""Values in few bits: a grid of equal cells of the logarithm, since heavy tails have values of every size.

Source: guide/compression.md, Log-grid quantiser.
"""

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.rules import Compressed, Weights

ENDS = 64 * math.log(2)  # nats of the two ends of a grid, in float32


def quantised(found: Compressed, bits: int) -> Compressed:
    """What a sparse reduction kept, each value in few bits: a sign, and in which cell of the logarithm of its size it lies.

    There are 2^bits equal cells of log |v|, from the smallest to the largest kept; the middle of the cell stands for the value.
    It has a relative error up to e^(w/2) - 1, w = log(max/min)/2^bits the width of a cell (``relative_bound``), beside
    round-off, some 1e-5 in float32. One grid serves all leaves of a tree. Values that are 0 stay 0. Source:
    guide/compression.md, Log-grid quantiser.

    Args:
        found: What the sparse reduction left; only its ``value`` is used.
        bits: Bits of the size of a value, an integer in 1 .. 24.

    Returns:
        The weights in their shapes; ``nats``: which are not 0, 1 + ``bits`` bits each, and two ends of 32 bits.

    Raises:
        ValueError: For bits outside 1 .. 24, and values that are not finite or all 0.
    """
    _check_bits(bits)
    flat, back = rules.flattened(found.value)
    live, low, width = _grid(flat, bits)
    cell = jnp.clip(jnp.floor((_logs(flat, live) - low) / jnp.where(width > 0, width, 1)), 0, 2**bits - 1)
    middle = jnp.exp(low + (cell + 0.5) * width)
    kept = jnp.sum(live)
    value = back(jnp.where(live, jnp.sign(flat) * middle, 0))
    return Compressed(value, kept, rules.code_length(kept, flat.size, 1 + bits) + jnp.where(kept > 0, ENDS, 0.0))


def relative_bound(weights: Weights, bits: int) -> Float[Array, ""]:
    """``e^(w/2) - 1``: no value that is kept of these weights is off by a larger share of itself after ``quantised``.

    Source: guide/compression.md, Log-grid quantiser.

    Args:
        weights: An array, or a tree of arrays.
        bits: Bits of the size of a value, an integer in 1 .. 24.

    Returns:
        The largest relative error, >= 0.

    Raises:
        ValueError: As ``quantised`` does.
    """
    _check_bits(bits)
    flat, _ = rules.flattened(weights)
    return jnp.expm1(_grid(flat, bits)[2] / 2)


def _grid(flat: Array, bits: int) -> tuple[Any, Any, Any]:
    """Which values are not 0, the logarithm of the smallest, and the width of a cell."""
    sound = jnp.all(jnp.isfinite(flat)) & jnp.any(flat != 0)
    if not traced(sound) and not bool(sound):
        raise ValueError("found: its values are all 0, or not all finite, and have no grid; keep some first")
    live = flat != 0
    logs = _logs(flat, live)
    low, high = jnp.min(jnp.where(live, logs, jnp.inf)), jnp.max(jnp.where(live, logs, -jnp.inf))
    return live, low, (high - low) / 2**bits


def _logs(flat, live):
    return jnp.log(jnp.where(live, jnp.abs(flat), 1))


def _check_bits(bits):
    check_count("bits", bits, "bits of a value beside its sign", 1, 24)
