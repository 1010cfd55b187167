"""Values in few bits: a grid of equal cells of the logarithm, since heavy tails have values of every size.

Source: guide/compression.md, Log-grid quantiser.
"""

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import or_nan, sound_count, traced
from jaxprune.simulate.compression import rules
from jaxprune.simulate.compression.rules import Compressed, Weights

MOST_BITS = 24
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
        ValueError: For bits outside 1 .. 24, what no reduction left, and values that are not finite or all 0 (traced: NaN).
    """
    _check_bits(bits)
    Compressed.check(found)
    flat, back = rules.flattened(found.value)
    sound = _sound_values(flat)
    live = flat != 0
    kept = jnp.sum(live)
    nats = rules.code_length(kept, flat.size, 1 + bits) + ENDS
    return Compressed(back(on_grid(flat, live, bits)), kept, nats).nan_unless(sound)


def on_grid(values: Float[Array, "..."], mask: Bool[Array, "..."], bits: Any) -> Float[Array, "..."]:
    """Values where the mask is true, with their signs, at the middles of equal cells of the logarithm; 0 elsewhere.

    The cells lie between the smallest and the largest size where the mask is true. A value 0 has no logarithm, and stays 0.
    Source: guide/compression.md, Log-grid quantiser.

    Args:
        values: Numbers of any shape.
        mask: Where values are kept, of the same shape.
        bits: There are 2^bits cells; an integer in 1 .. 24; traced: NaN where it is none.

    Returns:
        The rounded values, of the same shape.

    Raises:
        ValueError: For bits outside 1 .. 24.
    """
    sound = sound_count("bits", bits, "bits of a value beside its sign", 1, MOST_BITS)
    live, logs, top, span = _grid(values, mask)
    cells = 2.0 ** jnp.asarray(bits, logs.dtype)
    cell = jnp.clip(jnp.floor((top - logs) / jnp.where(span > 0, span, 1) * cells), 0, cells - 1)
    largest = jnp.max(jnp.abs(values), where=live, initial=0)
    size = jnp.exp(top - jnp.where(span > 0, (cell + 0.5) / cells * span, 0))
    size = jnp.minimum(size, largest)  # where rounding went beyond it, and near the end of the range to infinity
    return or_nan(sound, jnp.where(live, jnp.sign(values) * size, 0))


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
    sound = _sound_values(flat)
    span = _grid(flat, flat != 0)[3]
    return or_nan(sound, jnp.expm1(span / 2**bits / 2))


def _grid(values: Array, mask: Array) -> tuple[Array, Array, Array, Array]:
    """Which values are on the grid, the logarithms of their sizes, the largest of these and its distance to the smallest."""
    values = values.astype(jnp.promote_types(values.dtype, jnp.float32))  # half precision cannot count the cells
    live = mask & (values != 0)
    logs = jnp.log(jnp.where(live, jnp.abs(values), 1))
    top = jnp.max(logs, where=live, initial=-jnp.inf)
    return live, logs, top, top - jnp.min(logs, where=live, initial=jnp.inf)


def _sound_values(flat: Array) -> Any:
    sound = jnp.all(jnp.isfinite(flat)) & jnp.any(flat != 0)
    if traced(sound):
        return sound
    if not bool(sound):
        raise ValueError("found: its values are all 0, or not all finite, and have no grid; keep some first")
    return True


def _check_bits(bits):
    check_count("bits", bits, "bits of a value beside its sign", 1, MOST_BITS)
