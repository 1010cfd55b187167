"""Entries of heavy-tailed matrices, by sign and logarithm: the largest, which decides, is not cut off and does not overflow.

The uniform numbers behind a draw are as dense next to 0 as floating point is (``simulate.stable.counters``): those of
``jax.random.uniform`` lie on a grid, which cuts every power of their inverse. Source: guide/matrices.md, Draws.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate.stable import Symmetric, counters, elementary


class Entries(NamedTuple):
    """A matrix over its largest magnitude, which is 1, and the logarithm of that."""

    matrix: Float[Array, "n1 n2"]
    log_largest: Float[Array, ""]


def draw(key: Key[Array, ""], problem: HeavyTailedMatrix) -> Entries:
    """A matrix of the problem's law, over its largest magnitude.

    Args:
        key: One typed JAX key.
        problem: Gives shape, law and tail index.

    Returns:
        The matrix and the logarithm of what it was divided by. Entries below 1e-38 of the largest in float32, 1e-308 in
        float64, are 0.
    """
    sign, log = log_entries(key, problem)
    largest = jnp.max(log)
    return Entries(sign * jnp.exp(log - largest), largest)


def log_entries(key: Key[Array, ""], problem: HeavyTailedMatrix) -> tuple[Float[Array, "n1 n2"], Float[Array, "n1 n2"]]:
    """Signs and log magnitudes of the entries.

    Args:
        key: One typed JAX key.
        problem: Gives shape, law and tail index.

    Returns:
        Signs, -1 or 1, and natural logarithms, each (rows, columns).
    """
    shape = problem.rows, problem.columns
    return dict(pareto=_pareto, stable=_stable, student=_student)[problem.law](key, problem.tail_index, shape)


def _pareto(key, tail_index, shape) -> tuple[Array, Array]:
    """|a|^-alpha is uniform, so alpha log|a| is exponential; the side of an independent angle is the sign."""
    angle, exponential = counters.draw(key, shape, counters.precision(None))
    return _sign(angle), exponential / tail_index


def _stable(key, tail_index, shape) -> tuple[Array, Array]:
    return Symmetric(tail_index).log_sample(key, shape)


def _student(key, tail_index, shape) -> tuple[Array, Array]:
    """Bailey's polar draw: sqrt(nu (U^(-2/nu) - 1)) times the sine of an independent angle."""
    angle, exponential = counters.draw(key, shape, counters.precision(None))
    power = 2 * exponential / tail_index
    log = power + jnp.log(-jnp.expm1(-power)) + jnp.log(tail_index)
    return _sign(angle), log / 2 + jnp.log(elementary.sine(angle.far))


def _sign(angle: counters.Angle) -> Array:
    return jnp.where(angle.right, 1, -1).astype(angle.far.dtype)
