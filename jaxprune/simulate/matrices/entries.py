"""Entries of heavy-tailed matrices, by sign and logarithm, so that the largest, which decides, is neither cut off nor overflows.

The uniform numbers behind a draw are as dense next to 0 as floating point is (``simulate.stable.counters``): those of
``jax.random.uniform`` lie on a grid, which cuts every power of their inverse. Source: guide/matrices.md, Draws.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import HeavyTailedMatrix
from jaxprune.simulate.stable import Gaussian, Symmetric, counters


class Entries(NamedTuple):
    """A matrix over its largest magnitude, which is 1, and the logarithm of that."""

    matrix: Float[Array, "n1 n2"]
    log_largest: Float[Array, ""]


def draw(key: Key[Array, ""], problem: HeavyTailedMatrix) -> Entries:
    """A matrix of the problem's law. Entries below 1e-38 of the largest in float32, 1e-308 in float64, are 0."""
    sign, log = log_entries(key, problem)
    largest = jnp.max(log)
    return Entries(sign * jnp.exp(log - largest), largest)


def log_entries(
    key: Key[Array, ""], problem: HeavyTailedMatrix
) -> tuple[Float[Array, "n1 n2"], Float[Array, "n1 n2"]]:
    """Signs and log magnitudes of the entries."""
    shape = problem.rows, problem.columns
    return dict(pareto=_pareto, stable=_stable, student=_student)[problem.law](key, problem.tail_index, shape)


def _pareto(key, tail_index, shape) -> tuple[Array, Array]:
    """|a|^-alpha is uniform, so alpha log|a| is exponential; the side of an independent angle is the sign."""
    angle, exponential = counters.draw(key, shape, counters.precision(None))
    return jnp.where(angle.right, 1.0, -1.0).astype(exponential.dtype), exponential / tail_index


def _stable(key, tail_index, shape) -> tuple[Array, Array]:
    return Symmetric(tail_index).log_sample(key, shape)


def _student(key, tail_index, shape) -> tuple[Array, Array]:
    """A normal number over the root of an independent chi^2/nu, whose logarithm stays finite where it is next to 0."""
    above, below = jax.random.split(key)
    sign, log = Gaussian().log_sample(above, shape)
    half: Any = jnp.asarray(tail_index, log.dtype) / 2
    return sign, log - (jax.random.loggamma(below, half, shape, log.dtype) - jnp.log(half)) / 2
