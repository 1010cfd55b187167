"""Uniform and exponential numbers from a counter-based hash, written out so that it fuses with what is done to them.

Entry i of a draw is a pure function of (key, i): the first rows of a larger draw are the smaller draw, in whatever
program, and float64 numbers refine the float32 numbers of the same key. The hash is Threefry-2x32 with 20 rounds
(Salmon et al. 2011), one block of 64 bits for a pair of float32 numbers, two blocks for float64; its two seed words come
from the key, of whichever implementation. Near 0 and near 1 the numbers are as dense as floating point is.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Key

from jaxprune.simulate.stable import elementary

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA
IMPLEMENTATION = "threefry2x32"

Words = tuple[Array, Array]  # of unsigned integers of 32 bits


class Angle(NamedTuple):
    """A uniform angle U on (-pi/2, pi/2), in quarter turns from its nearer pole: |U| = (pi/2) far, near = 1 - far."""

    right: Bool[Array, "..."]  # U > 0
    near: Float[Array, "..."]
    far: Float[Array, "..."]


def threefry(seed: Words, count: Words) -> Words:
    """The hash of two words under a seed of two words."""
    keys = (*seed, seed[0] ^ seed[1] ^ jnp.uint32(PARITY))
    first, second = count[0] + keys[0], count[1] + keys[1]
    for step in range(5):
        for rotation in ROTATIONS[step % 2]:
            first = first + second
            second = first ^ ((second << rotation) | (second >> (32 - rotation)))
        first = first + keys[(step + 1) % 3]
        second = second + keys[(step + 2) % 3] + jnp.uint32(step + 1)
    return first, second


def words(key: Key[Array, ""], size: int, block: int) -> Words:
    """Two words of 32 bits for each of ``size`` entries. Raises ValueError above 2^32 entries."""
    if size > 2**32:
        raise ValueError(f"shape: {size} entries are more than the 2^32 of one key; split the key")
    return threefry(_seed(key), (lax.iota(jnp.uint32, size), jnp.uint32(block)))


def fold(key: Key[Array, ""], data: Any) -> Key[Array, ""]:
    """``jax.random.fold_in(key, data)``, bit for bit, in a form that fuses: of use where keys are many, under ``jax.vmap``."""
    if not _plain(key):
        return jax.random.fold_in(key, data)
    folded = threefry(_halves(key), (jnp.uint32(0), jnp.asarray(data).astype(jnp.uint32)))
    return jax.random.wrap_key_data(jnp.stack(folded, axis=-1), impl=IMPLEMENTATION)


def _seed(key) -> Words:
    """``jax.random.bits(key, (2,))``, in a form that fuses."""
    if not _plain(key):
        bits = jax.random.bits(key, (2,), jnp.uint32)
        return bits[0], bits[1]
    first, second = (threefry(_halves(key), (jnp.uint32(0), jnp.uint32(i))) for i in range(2))
    return first[0] ^ first[1], second[0] ^ second[1]


def _halves(key) -> Words:
    data = jax.random.key_data(key)
    return data[0], data[1]


def _plain(key) -> bool:
    """Whether JAX hashes this key as we do."""
    return str(jax.random.key_impl(key)) == IMPLEMENTATION


def draw(key: Key[Array, ""], shape: tuple[int, ...], dtype: Any) -> tuple[Angle, Float[Array, "..."]]:
    """An angle and an independent Exp(1) variable for every entry of ``shape``, in float32 or float64."""
    size = math.prod(shape)
    first, second = words(key, size, 0)
    if jnp.dtype(dtype) == jnp.float64:
        angle, exponential = _double(first, second, *words(key, size, 1))
    else:
        angle, exponential = _single(first, second)
    return jax.tree.map(lambda x: x.reshape(shape), (angle, exponential))


def _single(first, second) -> tuple[Angle, Array]:
    """31 bits of angle and its side, 32 bits of uniform number: values (k + 1/2) 2^-31 and (k + 1/2) 2^-32."""
    count = (first & 0x7FFFFFFF).astype(jnp.int32)
    near, far = _fraction(count, 2.0**-31), _fraction(0x7FFFFFFF - count, 2.0**-31)
    angle = Angle((first >> 31).astype(bool), near, far)
    low, high = _fraction(second, 2.0**-32), _fraction(~second, 2.0**-32)
    return angle, elementary.minus_log(low, high)


def _fraction(count, unit: float) -> Float[Array, "..."]:
    return count.astype(jnp.float32) * unit + unit / 2


def _double(first, second, third, fourth) -> tuple[Angle, Array]:
    """The same with 32 bits more: a double has them only near 0, and the complement near 1."""

    def fraction(coarse, fine, unit):
        return coarse.astype(jnp.float64) * unit + (fine.astype(jnp.float64) + 0.5) * (unit * 2.0**-32)

    count = first & 0x7FFFFFFF
    near, far = fraction(count, third, 2.0**-31), fraction(0x7FFFFFFF - count, ~third, 2.0**-31)
    low, high = fraction(second, fourth, 2.0**-32), fraction(~second, ~fourth, 2.0**-32)
    return Angle((first >> 31).astype(bool), near, far), elementary.minus_log(low, high)


def target(dtype: Any) -> Any:
    """The precision of the answer. Raises ValueError for one that is not floating, or that JAX has switched off."""
    wanted = jnp.dtype(jnp.result_type(float) if dtype is None or dtype is float else dtype)
    if not jnp.issubdtype(wanted, jnp.floating):
        raise ValueError(f"dtype: {wanted} is not floating; use float32 or float64")
    if wanted == jnp.float64 and jnp.result_type(float) != jnp.float64:
        raise ValueError("dtype: float64 needs jax.enable_x64; draw inside `with jax.enable_x64(True):`, or use float32")
    return wanted


def precision(dtype: Any) -> Any:
    """The precision of the work: float64 for float64, float32 for all others."""
    return jnp.float64 if target(dtype) == jnp.float64 else jnp.float32
