"""Drifts of stochastic differential equations: callable structs, value -> velocity, whose numbers are leaves.

Sections are those of our notes on Wan et al. 2023. Particle systems have their particles along the first axis.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.struct import struct

Value = Float[Array, "..."]


@struct
class Linear:
    """``-rate x``, an Ornstein-Uhlenbeck process (2.4b)."""

    rate: Any

    def __post_init__(self):
        _number("rate", self.rate)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * value


@struct
class Tanh:
    """``-rate tanh x``: bounded, with bounded derivatives (2.4c)."""

    rate: Any

    def __post_init__(self):
        _number("rate", self.rate)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * jnp.tanh(value)


@struct
class Clipped:
    """``-rate x`` cut at ``-bound`` and ``bound``: bounded, with two kinks (2.4c). Raises ValueError for a bound <= 0."""

    rate: Any
    bound: Any = 1.0

    def __post_init__(self):
        _number("rate", self.rate)
        _number("bound", self.bound)
        if not np.all(np.asarray(self.bound) > 0):
            raise ValueError(f"bound: {self.bound} is not a bound of the drift; use a number > 0")

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return jnp.clip(-self.rate * value, -self.bound, self.bound)


@struct
class DoubleWell:
    """``x - x^3``, faster than linear: Euler's scheme runs away from ``|x| > sqrt((2 + step_size) / step_size)`` (2.4e)."""

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return value - value**3


@struct
class LinearInteraction:
    """``-(rate + coupling) x_i + coupling mean(x)`` for particles along the first axis (2.4d)."""

    rate: Any
    coupling: Any

    def __post_init__(self):
        _number("rate", self.rate)
        _number("coupling", self.coupling)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * jnp.mean(value, axis=0) - (self.rate + self.coupling) * value


@struct
class BoundedInteraction:
    """``-rate x_i + coupling mean(tanh x)`` for particles along the first axis (2.4d)."""

    rate: Any
    coupling: Any

    def __post_init__(self):
        _number("rate", self.rate)
        _number("coupling", self.coupling)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * jnp.mean(jnp.tanh(value), axis=0) - self.rate * value


@struct
class Beside:
    """Two systems side by side, columns 0 and 1 of the last axis: under a law that copies its noise along this axis
    (``stable.Common``) they are coupled, such as particles with their mean-field limit."""

    first: Any
    second: Any

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return jnp.stack([self.first(value[..., 0]), self.second(value[..., 1])], axis=-1)


def _number(name, value):
    """A finite real number, or an array of such, one per run."""
    number = np.asarray(value)
    if not np.issubdtype(number.dtype, np.floating) and not np.issubdtype(number.dtype, np.integer):
        raise ValueError(f"{name}: {value!r} is not a number")
    if not np.all(np.isfinite(number)):
        raise ValueError(f"{name}: {value} must be finite")
