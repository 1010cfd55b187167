"""Symmetric and positive stable draws from given random numbers, in a form that keeps float32 right in the far tails.

A draw is a sine times a power of 2 whose exponent has a part that is exact in float32 and a small one. Every angle is
measured from its nearer pole and is a sum of positive numbers: nothing cancels, at any alpha in (0, 2], 1 and 2 included,
and no case is special. Source: guide/stable.md, Draws in float32.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate.arguments import check_key, check_shape
from jaxprune.simulate.stable import elementary
from jaxprune.simulate.stable.counters import Angle
from jaxprune.simulate.stable.tail_index import Index

Method = TypeVar("Method", bound=Callable)


def draws(method: Method) -> Method:
    """A method that draws, as one loop, also outside compiled programs. Raises ValueError for what is no key or no shape."""
    compiled = jax.jit(method, static_argnames=("shape", "dtype"))

    @functools.wraps(method)
    def checked(law, key, shape=(), dtype=None):
        check_key(key)
        _check_batch(law, shape := check_shape(shape))
        return compiled(law, key, shape, dtype)

    drawn: Any = checked
    return drawn


def _check_batch(law, shape: tuple[int, ...]) -> None:
    """One law, or laws that broadcast against the draws: a batch along a new axis is for ``jax.vmap``."""
    for batch in {np.shape(leaf) for leaf in jax.tree.leaves(law)}:
        ends = zip(reversed(batch), reversed(shape), strict=False)
        if len(batch) > len(shape) or any(one not in (1, draws) for one, draws in ends):
            raise ValueError(f"index, scale: {batch} laws do not fit draws of shape {shape}; jax.vmap over the laws")


def angle_from(radians: Any) -> Angle:
    """The angle U in (-pi/2, pi/2) that the textbook uses. Near the poles it has lost digits that ``Angle`` has."""
    radians = jnp.asarray(radians)
    far = jnp.abs(radians) / (np.pi / 2)
    return Angle(radians > 0, 1 - far, far)


def symmetric_from(index: Index, angle: Angle, exponential: Any) -> Float[Array, "..."]:
    """The unit symmetric draw of given random numbers, guide/stable.md, Draws: ``sin(alpha U) / cos(U)^(1/alpha)
    (cos((1 - alpha) U) / W)^((1 - alpha)/alpha)``."""
    size, coarse, fine = symmetric_parts(index, angle, exponential)
    draw = elementary.scaled_exp2(size, coarse, fine)
    return jnp.where(angle.right, draw, -draw)


def positive_from(index: Index, angle: Angle, exponential: Any) -> Float[Array, "..."]:
    """The unit positive draw at the angle ``theta = U + pi/2`` in (0, pi), guide/stable.md, Draws: ``sin(a theta) /
    sin(theta)^(1/a) (sin((1 - a) theta) / W)^((1 - a)/a)``; 1 for a = 1."""
    draw = elementary.scaled_exp2(*positive_parts(index, angle, exponential))
    return jnp.where(jnp.asarray(index.rest) == 0, jnp.ones_like(draw), draw)


def symmetric_parts(index: Index, angle: Angle, exponential) -> tuple[Array, Array, Array]:
    """|draw| as a factor and the two parts of the exponent of 2."""
    c = _cast(index, angle.near.dtype)
    numerator = elementary.sine(jnp.minimum(c.alpha * angle.far, c.below_two + c.alpha * angle.near))
    other = elementary.sine(jnp.minimum(c.alpha, c.below_two) + jnp.abs(c.rest) * angle.near)
    return numerator, *exponent(c, angle.near, other, exponential)


def positive_parts(index: Index, angle: Angle, exponential) -> tuple[Array, Array, Array]:
    """The same for the positive law; at a = 1 safe numbers stand in for the vanishing sine."""
    c = _cast(index, angle.near.dtype)
    theta = jnp.where(angle.right, 1 + angle.far, angle.near)
    left = jnp.where(angle.right, angle.near, 1 + angle.far)
    rest = jnp.where(c.rest == 0, 0.5, c.rest)
    numerator = elementary.sine(jnp.minimum(c.alpha * theta, 2 * c.rest + c.alpha * left))
    other = elementary.sine(jnp.minimum(rest * theta, 2 * (1 - rest) + rest * left))
    return numerator, *exponent(c, angle.near, other, exponential)


def exponent(c: Index, near, cosine, exponential) -> tuple[Array, Array]:
    """Base-2 logarithm of ``sin^(-1/alpha) (cosine / exponential)^((1 - alpha)/alpha)``: a part that is exact in float32,
    and a small one. Two logarithms, because a division would end the vectorised loop."""
    high, low = elementary.split_log2_sine(near)
    above_high, above_low = elementary.split_log2(cosine)
    below_high, below_low = elementary.split_log2(exponential)
    ratio_high, ratio_low = above_high - below_high, above_low - below_low
    coarse = c.power_coarse * ratio_high - c.inverse_coarse * high
    fine = c.power * ratio_low + c.power_fine * ratio_high - (c.inverse * low + c.inverse_fine * high)
    return coarse, fine


def log_scale(scale, like) -> Array:
    """Log of a scale, in the precision of ``like``."""
    return jnp.log(jnp.asarray(scale, like.dtype))


def side(angle: Angle, like: Array) -> Array:
    """The signs of the draws at an angle."""
    return jnp.where(angle.right, 1.0, -1.0).astype(like.dtype)


def _cast(index: Index, dtype) -> Index:
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), index)
