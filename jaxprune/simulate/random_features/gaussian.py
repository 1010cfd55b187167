"""Regression on random features of Gaussian inputs: draws, and the population that a trial meets.

The first p rows of the weights are the features of width p, so models of all widths share one draw; a larger
sample begins with the smaller one. The population is exact (``kernels``): a trial needs no test set.
Source: guide/random_features.md, The model.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import Population, RandomFeatures
from jaxprune.simulate import kernels
from jaxprune.simulate.blocked import BLOCK, BlockedPopulation
from jaxprune.simulate.least_squares.fit import EXACT, Data


def draw_weights(problem: RandomFeatures, key: Key[Array, ""]) -> Float[Array, "d m"]:
    """R: those that the problem is conditioned on, or i.i.d. N(0, 1/d_in).

    Args:
        problem: Gives the number of features and of inputs, and perhaps R.
        key: One typed JAX key; not used where the problem has R.

    Returns:
        R (dim, d_in), one row per feature.
    """
    if problem.weights is not None:
        return jnp.asarray(problem.weights)
    dtype = jnp.asarray(problem.teacher).dtype
    return jax.random.normal(key, (problem.dim, problem.d_in), dtype) / jnp.sqrt(jnp.asarray(problem.d_in, dtype))


def draw(problem: RandomFeatures, weights: Float[Array, "d m"], key: Key[Array, ""]) -> Data:
    """One sample of size n on random features.

    Args:
        problem: Gives teacher, activation, noise and n.
        weights: R (d, d_in), as of ``draw_weights``.
        key: One typed JAX key, for inputs and noise.

    Returns:
        The sample, ``features`` (d, n) and ``target`` (n,).
    """
    input_key, noise_key = jax.random.split(key)
    inputs = jax.random.normal(input_key, (problem.n, problem.d_in), weights.dtype)
    noise = problem.noise * jax.random.normal(noise_key, (problem.n,), weights.dtype)
    features = problem.activation(jnp.matmul(weights, inputs.T, precision=EXACT))
    hidden = inputs if problem.inner is None else problem.activation(jnp.matmul(inputs, problem.inner.T, precision=EXACT))
    return Data(features=features, target=jnp.matmul(hidden, problem.teacher, precision=EXACT) + noise)


def population(problem: RandomFeatures, weights: Float[Array, "d m"]) -> Population:
    """Second moments of random features and the target.

    An entry that the kernel of the activation cannot give to eight digits is NaN, and so are all risks: see ``kernels``.

    Args:
        problem: Gives teacher, activation and noise.
        weights: R (d, d_in), as of ``draw_weights``.

    Returns:
        The exact population, of d features.
    """
    covariance = kernels.second_moments(problem.activation, weights)
    cross = _cross(problem, weights)
    return Population(covariance, cross, _signal(problem) + problem.noise**2)


def blocked_population(problem: RandomFeatures, weights: Float[Array, "d m"], block: int = BLOCK) -> BlockedPopulation:
    """Second moments of random features and the target, as ``population`` has them, with no d x d array.

    Args:
        problem: Gives teacher, activation and noise.
        weights: R (d, d_in), as of ``draw_weights``.
        block: Features that meet as many others at a time, an integer >= 1: memory grows with its square and with the number
            of coefficients that are asked for, and is linear in d.

    Returns:
        The exact population, of d features; ``pruning.risks`` takes one pass over it for all its models.

    Raises:
        ValueError: For a block that is not an integer >= 1.
    """
    check_count("block", block, "features")
    cross = kernels.by_blocks(lambda rows: _cross(problem, rows), weights, block)
    return BlockedPopulation(weights, cross, _signal(problem) + problem.noise**2, problem.activation, block)


def _cross(problem, rows):
    """``E[x g]`` of the features of these rows."""
    if problem.inner is None:
        return kernels.linear_moments(problem.activation, rows, jnp.asarray(problem.teacher))
    return kernels.cross_moments(problem.activation, rows, jnp.asarray(problem.inner)) @ jnp.asarray(problem.teacher)


def _signal(problem):
    """``E g^2``."""
    teacher = jnp.asarray(problem.teacher)
    if problem.inner is None:
        return jnp.sum(teacher**2)
    return teacher @ kernels.second_moments(problem.activation, jnp.asarray(problem.inner)) @ teacher
