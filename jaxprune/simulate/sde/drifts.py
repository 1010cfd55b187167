"""Drifts of stochastic differential equations: callable structs, value -> velocity, whose numbers are leaves.

Derivations: guide/sde.md. Particle systems have their particles along the first axis.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.arguments import check_number, traced
from jaxprune.struct import struct

Value = Float[Array, "..."]


@struct
class Linear:
    """``-rate x``, an Ornstein-Uhlenbeck process (guide/sde.md, Ornstein-Uhlenbeck)."""

    rate: Any

    def __post_init__(self):
        _number("rate", self.rate)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * value


@struct
class Tanh:
    """``-rate tanh(slope x)``: bounded, with bounded derivatives (guide/sde.md, Nonlinear drifts)."""

    rate: Any
    slope: Any = 1.0

    def __post_init__(self):
        _number("rate", self.rate)
        _number("slope", self.slope)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * jnp.tanh(self.slope * value)


@struct
class Clipped:
    """``-rate x`` cut at ``-bound`` and ``bound``: bounded, with two kinks (guide/sde.md, Nonlinear drifts).
    Raises ValueError for a bound <= 0."""

    rate: Any
    bound: Any = 1.0

    def __post_init__(self):
        _number("rate", self.rate)
        check_number("bound", self.bound, lambda x: (x > 0) & np.isfinite(x), "a finite number > 0")

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return jnp.clip(-self.rate * value, -self.bound, self.bound)


@struct
class DoubleWell:
    """``x - x^3``, faster than linear: Euler's scheme runs away from ``|x| > sqrt((2 + step_size) / step_size)``.

    Source: guide/sde.md, Explosion."""

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return value - value**3


@struct
class LinearInteraction:
    """``-(rate + coupling) x_i + coupling mean(x)`` for particles along the first axis.

    With ``counts`` (k,), the last axis holds k systems, of which system j consists of the first ``counts[j]``
    particles; 0 stands for the mean-field limit of a symmetric start, whose mean is 0. Under a law that copies its
    noise along the last axis (``stable.Common``) systems of all sizes and the limit are coupled, and drawn once.
    Raises ValueError for numbers that are not finite and counts below 0.
    """

    rate: Any
    coupling: Any
    counts: Any = None

    def __post_init__(self):
        _number("rate", self.rate)
        _number("coupling", self.coupling)
        _counts(self.counts)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * _mean(value, self.counts) - (self.rate + self.coupling) * value


@struct
class BoundedInteraction:
    """``-rate x_i + coupling mean(tanh x)`` for particles along the first axis; ``counts`` as in
    ``LinearInteraction``."""

    rate: Any
    coupling: Any
    counts: Any = None

    def __post_init__(self):
        _number("rate", self.rate)
        _number("coupling", self.coupling)
        _counts(self.counts)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * _mean(jnp.tanh(value), self.counts) - self.rate * value


def members(counts: Any, most: int) -> Bool[Array, "n k"]:
    """Which of ``most`` particles belong to systems of ``counts`` (k,) particles."""
    return jnp.arange(most)[:, None] < jnp.asarray(counts)


def _mean(value, counts):
    """Over the particles of each system."""
    if counts is None:
        return jnp.mean(value, axis=0)
    counts = jnp.asarray(counts)
    total = jnp.sum(jnp.where(members(counts, len(value)), value, 0), axis=0)
    return total / jnp.maximum(counts, 1).astype(value.dtype)


def _counts(counts):
    if counts is None or traced(counts):
        return
    if not np.issubdtype(np.asarray(counts).dtype, np.integer) or np.any(np.asarray(counts) < 0):
        raise ValueError(f"counts: {counts} must be integers >= 0, the particles of each system; 0 is the limit")


def _number(name, value):
    """A finite real number, or an array of such, one per run."""
    check_number(name, value, np.isfinite, "a finite number")
