"""Regression on random features of Gaussian inputs: draws, and the population that a trial meets.

The first p rows of the weights are the features of width p, so models of all widths share one draw; a larger
sample begins with the smaller one. The population is exact (``kernels``): a trial needs no test set.
Source: guide/random_features.md, The model.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import Population, RandomFeatures
from jaxprune.simulate import kernels
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
    teacher = jnp.asarray(problem.teacher)
    covariance = kernels.second_moments(problem.activation, weights)
    if problem.inner is None:
        cross, signal = kernels.linear_moments(problem.activation, weights, teacher), jnp.sum(teacher**2)
    else:
        inner = jnp.asarray(problem.inner)
        cross = kernels.cross_moments(problem.activation, weights, inner) @ teacher
        signal = teacher @ kernels.second_moments(problem.activation, inner) @ teacher
    return Population(covariance, cross, signal + problem.noise**2)
