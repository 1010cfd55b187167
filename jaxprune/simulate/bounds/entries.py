"""Independent heavy-tailed numbers in units of the largest: nothing measured here depends on their scale."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.simulate import stable
from jaxprune.simulate.arguments import check_key


def draw(problem: Any, key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Entries of the ``family`` and the ``tail_index`` of a problem, divided by the largest."""
    check_key(key)
    if problem.family == "Pareto":
        size_key, sign_key = jax.random.split(key)
        log_size = jax.random.exponential(size_key, shape, jnp.result_type(float)) / problem.tail_index
        return jax.random.rademacher(sign_key, shape, log_size.dtype) * jnp.exp(log_size - jnp.max(log_size))
    if problem.family == "stable":
        found = stable.Symmetric(problem.tail_index).sample(key, shape)
    else:
        found = jax.random.t(key, problem.tail_index, shape, jnp.result_type(float))
    return found / jnp.max(jnp.abs(found))
