"""Bounds inside compiled code, and the code that they pay for. Source: guide/bounds.md, Occam bounds."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy
from jaxtyping import Array, Float

from jaxprune.simulate.compression import quantiser, rules

STEPS = 60  # of bisection


def kl_inverse(risk: Any, budget: Any) -> Float[Array, "..."]:
    """The largest p >= risk whose binary divergence from it is at most ``budget``, by bisection; from above. They broadcast."""
    risk, budget = jnp.broadcast_arrays(jnp.asarray(risk, float), jnp.asarray(budget, float))

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        inside = _divergence(risk, middle) <= budget
        return jnp.where(inside, middle, low), jnp.where(inside, high, middle)

    found = jax.lax.fori_loop(0, STEPS, halve, (risk, jnp.ones_like(risk)))[1]
    return jnp.where(risk == 0, -jnp.expm1(-budget), found)


def _divergence(q, p):
    """kl(q || p) by relative distances, whose first orders cancel in the sum."""
    return -q * jnp.log1p((p - q) / q) - xlogy(1 - q, (1 - p) / (1 - q))


def sparse_nats(kept: Any, total: int, value_bits: Any) -> Float[Array, "..."]:
    """Nats of ``kept`` entries of ``total``: how many, which, sign and value of each, and the ends of the grid of values."""
    kept = jnp.asarray(kept, float)
    ends = jnp.where(kept > 0, quantiser.ENDS, 0)
    which = jax.vmap(lambda count: rules.code_length(count, total, 0))(jnp.ravel(kept)).reshape(kept.shape)
    return math.log(total + 1) + which + kept * (1 + value_bits) * math.log(2) + ends


def bounds(risk: Any, nats: Any, samples: Any, delta: Any) -> tuple[Array, Array]:
    """Occam-kl and Hoeffding-Occam bounds of the risk. They broadcast."""
    budget = (nats - jnp.log(delta)) / samples
    return kl_inverse(risk, budget), risk + jnp.sqrt(budget / 2)
