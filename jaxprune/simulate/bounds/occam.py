"""Bounds inside compiled code, and the code that they pay for. Source: guide/bounds.md, Occam bounds."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprune.simulate.arc_cosine import polynomial
from jaxprune.simulate.compression import quantiser, rules

STEPS = 60  # of bisection
SERIES = 0.1, tuple((-1) ** k / k for k in range(2, 18))  # of x - log(1 + x): up to which |x|, and its coefficients from x^2 on


def kl_inverse(risk: Any, budget: Any) -> Float[Array, "..."]:
    """The largest p >= risk whose binary divergence from it is at most ``budget``, by bisection; from above.

    Args:
        risk: Training error in [0, 1]; an array or a number.
        budget: Nats per sample, >= 0; it broadcasts with ``risk``.

    Returns:
        Upper bounds of the risk, in [0, 1], of the common shape.
    """
    risk, budget = jnp.broadcast_arrays(jnp.asarray(risk, float), jnp.asarray(budget, float))

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        inside = _divergence(risk, middle) <= budget
        return jnp.where(inside, middle, low), jnp.where(inside, high, middle)

    found = jax.lax.fori_loop(0, STEPS, halve, (risk, jnp.ones_like(risk)))[1]
    return jnp.where(risk == 0, -jnp.expm1(-budget), found)


def _divergence(q, p):
    """kl(q || p) as a sum of terms >= 0, so that the first orders, which cancel, never appear."""
    rest, more = 1 - q, p - q
    return q * _beyond_linear(more / q) + jnp.where(rest > 0, rest * _beyond_linear(-more / jnp.where(rest > 0, rest, 1)), 0)


def _beyond_linear(x):
    """x - log(1 + x), >= 0, relatively exact near 0 too."""
    few, coefficients = SERIES
    near = jnp.where(jnp.abs(x) < few, x, 0)
    return jnp.where(jnp.abs(x) < few, near**2 * polynomial(coefficients, near), x - jnp.log1p(x))


def sparse_nats(kept: Any, total: int, value_bits: Any) -> Float[Array, "..."]:
    """Nats of some entries of an array: how many, which, sign and value of each, and the ends of the grid of values.

    Args:
        kept: Entries that are kept, in 0 .. total; an array or a number.
        total: Entries of the array.
        value_bits: Bits of the size of a value, beside its sign; an array or a number, which broadcasts with ``kept``.

    Returns:
        Code lengths in nats, of the common shape.
    """
    kept = jnp.asarray(kept, float)
    ends = jnp.where(kept > 0, quantiser.ENDS, 0)
    which = jax.vmap(lambda count: rules.code_length(count, total, 0))(jnp.ravel(kept)).reshape(kept.shape)
    return math.log(total + 1) + which + kept * (1 + value_bits) * math.log(2) + ends


def bounds(risk: Any, nats: Any, samples: Any, delta: Any) -> tuple[Array, Array]:
    """Occam-kl and Hoeffding-Occam bounds of the risk. All arguments broadcast.

    Args:
        risk: Training error in [0, 1].
        nats: Code length of the classifier in nats, >= 0.
        samples: Number of training samples, >= 1.
        delta: Probability that a bound fails, in (0, 1).

    Returns:
        The two bounds, each of the common shape; the second may exceed 1.
    """
    budget = (nats - jnp.log(delta)) / samples
    return kl_inverse(risk, budget), risk + jnp.sqrt(budget / 2)
