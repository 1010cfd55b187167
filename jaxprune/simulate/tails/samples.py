"""Samples of laws whose tail index is known."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import TailSample
from jaxprune.problems.tails import FAMILIES
from jaxprune.simulate.stable.laws import Symmetric


def draw(problem: TailSample, key: Key[Array, ""]) -> Float[Array, " n"]:
    """``n`` draws of the problem's law, shifted; one program for every family."""

    def power(key):
        size, sign = jax.random.split(key)
        x = jax.random.uniform(size, (problem.n,), minval=jnp.finfo(float).tiny) ** (-1 / problem.index)
        return jax.random.rademacher(sign, x.shape, x.dtype) * (x - (problem.family == FAMILIES.index("Lomax")))

    def stable(key):
        return Symmetric(jnp.minimum(problem.index, 2.0)).sample(key, (problem.n,))

    def student(key):
        return jax.random.t(key, problem.index, (problem.n,))

    return jax.lax.switch(problem.family, [stable, student, power, power], key) + problem.shift
