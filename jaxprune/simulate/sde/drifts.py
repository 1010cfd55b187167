"""Drifts of stochastic differential equations: callable structs, value -> velocity, whose numbers are leaves.

Derivations: guide/sde.md. Particle systems have their particles along the first axis.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.arguments import traced
from jaxprune.struct import as_given, leaf, struct

Value = Float[Array, "..."]


@struct
class Linear:
    """``-rate x``, an Ornstein-Uhlenbeck process (guide/sde.md, Ornstein-Uhlenbeck)."""

    rate: Any = as_given()

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * value


@struct
class Tanh:
    """``-rate tanh(slope x)``: bounded, with bounded derivatives (guide/sde.md, Nonlinear drifts)."""

    rate: Any = as_given()
    slope: Any = as_given(default=1.0)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return -self.rate * jnp.tanh(self.slope * value)


@struct
class Clipped:
    """``-rate x`` cut at ``-bound`` and ``bound``: bounded, with two kinks (guide/sde.md, Nonlinear drifts)."""

    rate: Any = as_given()
    bound: Any = as_given("(0, inf)", default=1.0)

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


def _members(name: str, counts: Any) -> Any:
    """Particles of each system, where they are known."""
    if not traced(counts) and (not np.issubdtype(np.asarray(counts).dtype, np.integer) or np.any(np.asarray(counts) < 0)):
        raise ValueError(f"{name}: {counts} must be integers >= 0, the particles of each system; 0 is the limit")
    return counts


@struct
class LinearInteraction:
    """``-(rate + coupling) x_i + coupling mean(x)`` for particles along the first axis.

    With ``counts`` (k,), the last axis holds k systems, of which system j consists of the first ``counts[j]``
    particles; 0 stands for the mean-field limit of a symmetric start, whose mean is 0. Under a law that copies its
    noise along the last axis (``stable.Common``) systems of all sizes and the limit are coupled, and drawn once.
    """

    rate: Any = as_given()
    coupling: Any = as_given()
    counts: Any = leaf(_members, default=None)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * _mean(value, self.counts) - (self.rate + self.coupling) * value


@struct
class BoundedInteraction:
    """``-rate x_i + coupling mean(tanh x)`` for particles along the first axis; ``counts`` as in
    ``LinearInteraction``."""

    rate: Any = as_given()
    coupling: Any = as_given()
    counts: Any = leaf(_members, default=None)

    def __call__(self, value: Value) -> Value:
        """The velocity at ``value``."""
        return self.coupling * _mean(jnp.tanh(value), self.counts) - self.rate * value


def members(counts: Any, most: int) -> Bool[Array, "n k"]:
    """Which particles belong to systems of several sizes.

    Args:
        counts: Particles of each of k systems (k,), integers >= 0.
        most: n, the number of all particles.

    Returns:
        Truth values (n, k).
    """
    return jnp.arange(most)[:, None] < jnp.asarray(counts)


def _mean(value, counts):
    """Over the particles of each system."""
    if counts is None:
        return jnp.mean(value, axis=0)
    counts = jnp.asarray(counts)
    total = jnp.sum(jnp.where(members(counts, len(value)), value, 0), axis=0)
    return total / jnp.maximum(counts, 1).astype(value.dtype)
