"""Designs that are not Gaussian: laws of the entries z of ``x = basis sqrt(eigs) z``, and rows of a finite data set.

A law is ``(key, shape, dtype) -> z`` with independent entries of mean 0 and variance 1, such as
``jax.random.normal``; hand it to ``least_squares.draw``. With a diagonal covariance z are the features up to scale;
with any other one they are the principal components. Universality says that risks have the Gaussian limit; what is
exact at finite n for Gaussian designs is not so here, therefore name such metrics otherwise than ``predict`` does.
Source: guide/least_squares.md, Other designs.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from jaxprune.problems import FinitePopulation
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.least_squares.fit import Data

Law = Callable[..., Array]


def rademacher(key: Key[Array, ""], shape: tuple[int, ...], dtype) -> Array:
    """+1 or -1.

    Args:
        key: One typed JAX key.
        shape: That of the entries.
        dtype: Their type.

    Returns:
        Entries of mean 0 and variance 1.
    """
    return jax.random.rademacher(key, shape, dtype)


def uniform(key: Key[Array, ""], shape: tuple[int, ...], dtype) -> Array:
    """Uniform on (-sqrt 3, sqrt 3).

    Args:
        key: One typed JAX key.
        shape: That of the entries.
        dtype: Their type.

    Returns:
        Entries of mean 0 and variance 1.
    """
    return jax.random.uniform(key, shape, dtype, -(3**0.5), 3**0.5)


def student(freedom: float) -> Law:
    """Student's t, scaled to variance 1.

    Args:
        freedom: Degrees of freedom, a finite number > 2; the fourth moment exists above 4.

    Returns:
        The law, ``(key, shape, dtype) -> z``.

    Raises:
        ValueError: For freedom <= 2, where there is no variance, and for infinite freedom.
    """
    if not 2 < freedom < float("inf"):
        raise ValueError(f"freedom: Student's t with {freedom} degrees of freedom has no variance to scale; use a number > 2")

    def entries(key: Key[Array, ""], shape: tuple[int, ...], dtype) -> Array:
        return jax.random.t(key, freedom, shape, dtype) * ((freedom - 2) / freedom) ** 0.5

    return entries


def resample(problem: FinitePopulation, key: Key[Array, ""], method: str = "rank") -> Data:
    """A sample of n rows of a finite data set, with replacement, so that they are independent; the noise is new for each.

    A row that is drawn twice makes a sample's Gram matrix singular: above n features solve by rank.

    Args:
        problem: The rows, the standard deviation of the noise, and n.
        key: One typed JAX key, for rows and noise.
        method: How to solve, as of ``Data``.

    Returns:
        The sample, ``features`` (d, n) and ``target`` (n,).

    Raises:
        ValueError: For no typed key.
    """
    check_key(key)
    rows_key, noise_key = jax.random.split(key)
    features, target = jnp.asarray(problem.features), jnp.asarray(problem.target)
    rows = jax.random.randint(rows_key, (problem.n,), 0, len(target))
    noise = problem.noise * jax.random.normal(noise_key, (problem.n,), target.dtype)
    return Data(features[rows].T, target[rows] + noise, method)
