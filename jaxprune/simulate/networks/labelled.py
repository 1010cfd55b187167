"""Training and test sets of labelled data."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import Labelled
from jaxprune.struct import struct


@struct
class Batch:
    """``inputs`` (n, ...) and one-hot ``labels`` (classes, n)."""

    inputs: Float[Array, "n ..."]
    labels: Float[Array, "c n"]


def split(problem: Labelled, key: Key[Array, ""]) -> tuple[Batch, Batch]:
    """A random training set of n samples, with its label noise, and the clean rest to test on.

    ``label_noise * n`` training labels, rounded, are those of samples drawn from the whole set: random classes, some of them
    right.

    Args:
        problem: The labelled data, n and the label noise.
        key: One typed JAX key.

    Returns:
        Training set and test set.
    """
    order_key, noise_key = jax.random.split(key)
    inputs, labels = jnp.asarray(problem.inputs), jnp.asarray(problem.labels)
    order = jax.random.permutation(order_key, len(inputs))
    train, test = order[: problem.n], order[problem.n :]
    other = jax.random.randint(noise_key, (problem.n,), 0, len(inputs))
    noisy = jnp.arange(problem.n) < jnp.round(problem.label_noise * problem.n)
    shown = jnp.where(noisy, other, train)
    return Batch(inputs[train], labels[shown].T), Batch(inputs[test], labels[test].T)
