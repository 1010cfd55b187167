"""Narrow networks without optimisation, to compare at equal numbers of neurons: kept, clustered or greedily chosen rows.

All take a target, rows (N, d) and output weights (N,), and the number M of neurons; all give rows (M, d) and output weights
(M,), which ``refit`` replaces by the best ones for these rows. Activation: ReLU. Source: guide/two_layer.md, Exact loss.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from jaxprune.simulate import kernels, linalg
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.compression import rules
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.sorting import argsort_descending
from jaxprune.simulate.two_layer import checks
from jaxprune.simulate.two_layer.losses import EXACT
from jaxprune.simulate.two_layer.targets import Target

LLOYD = 30  # steps of k-means


def magnitude(target: Target, neurons: int) -> Target:
    """The neurons with the largest ``|A_i| |w_i|``, as they are.

    Args:
        target: Rows (N, d) and output weights (N,).
        neurons: M, the number of neurons, in 1 .. N.

    Returns:
        Rows (M, d) and output weights (M,).

    Raises:
        ValueError: For a target that is no network of finite floating-point numbers, and neurons outside 1 .. N.
    """
    target = _checked(target, neurons)
    scores = rules.magnitude(None, target.weights * polar(target.rows)[0])
    return _taken(target, argsort_descending(scores)[:neurons])


def random(key: Key[Array, ""], target: Target, neurons: int) -> Target:
    """Neurons chosen at random, output weights times N/M, so that the mean over choices is the target.

    Args:
        key: One typed JAX key.
        target: Rows (N, d) and output weights (N,).
        neurons: M, the number of neurons, in 1 .. N.

    Returns:
        Rows (M, d) and output weights (M,).

    Raises:
        ValueError: As ``magnitude`` does, and for no typed key.
    """
    check_key(key)
    target = _checked(target, neurons)
    chosen = jax.random.permutation(key, len(target.rows))[:neurons]
    kept = _taken(target, chosen)
    return Target(kept.rows, kept.weights * len(target.rows) / neurons)


def k_means(key: Key[Array, ""], target: Target, neurons: int) -> Target:
    """Clusters of the rows of like output. Lloyd's steps, from random rows.

    What is clustered is the row times |A_i|, with the sign of A_i: a neuron is as much as that. An empty cluster is zero.

    Args:
        key: One typed JAX key, for the first centres.
        target: Rows (N, d) and output weights (N,).
        neurons: M, the number of clusters, in 1 .. N.

    Returns:
        Centres (M, d), and as output weights (M,) the numbers of members, with their sign.

    Raises:
        ValueError: As ``magnitude`` does, and for no typed key.
    """
    check_key(key)
    target = _checked(target, neurons)
    points = jnp.abs(target.weights)[:, None] * target.rows
    signs = jnp.where(target.weights < 0, -1, 1).astype(points.dtype)
    chosen = jax.random.permutation(key, len(points))[:neurons]

    def belongs(centres, sides):
        distance = jnp.sum(centres**2, axis=1) - 2 * jnp.matmul(points, centres.T, precision=EXACT)
        distance = jnp.where(signs[:, None] == sides, distance, jnp.inf)
        return jax.nn.one_hot(jnp.argmin(distance, axis=1), neurons, dtype=points.dtype) * (signs[:, None] == sides)

    def step(centres, _):
        members = belongs(centres, signs[chosen])
        count = jnp.sum(members, axis=0)[:, None]
        return jnp.where(count > 0, members.T @ points / jnp.maximum(count, 1), centres), None

    centres = jax.lax.scan(step, points[chosen], None, length=LLOYD)[0]
    members = jnp.sum(belongs(centres, signs[chosen]), axis=0)
    return Target(centres, signs[chosen] * members)


def greedy(target: Target, neurons: int) -> Target:
    """Orthogonal matching pursuit among the target's own neurons. Exact kernels, no samples.

    Each step takes the neuron that explains most of what is left, and refits all output weights.

    Args:
        target: Rows (N, d) and output weights (N,).
        neurons: M, the number of neurons, in 1 .. N.

    Returns:
        Rows (M, d) and output weights (M,).

    Raises:
        ValueError: As ``magnitude`` does.
    """
    target = _checked(target, neurons)
    gram = kernels.second_moments(jax.nn.relu, target.rows)
    aim, energy = gram @ target.weights, jnp.diagonal(gram)

    def step(state, index):
        chosen, weights = state
        left = aim - gram[:, chosen] @ weights
        score = jnp.where(energy > 0, left**2 / jnp.where(energy > 0, energy, 1), 0)
        taken = jnp.any((chosen == jnp.arange(len(aim))[:, None]) & (jnp.arange(neurons) < index), axis=1)
        chosen = chosen.at[index].set(jnp.argmax(jnp.where(taken, -1, score)))
        live = jnp.arange(neurons) <= index
        weights = best_weights(gram[chosen][:, chosen], aim[chosen], live)
        return (chosen, weights), None

    start = jnp.zeros(neurons, int), jnp.zeros(neurons, gram.dtype)
    (chosen, weights), _ = jax.lax.scan(step, start, jnp.arange(neurons))
    return Target(target.rows[chosen], weights)


def refit(rows: Any, target: Target) -> Target:
    """The best output weights for fixed rows, of any sign; coincident rows share theirs.

    Args:
        rows: Rows (M, d), floating-point.
        target: Rows (N, d) and output weights (N,).

    Returns:
        The rows, and their output weights (M,).

    Raises:
        ValueError: For a target that is no network of finite floating-point numbers, and rows of other inputs.
    """
    target = _checked(target, 1)
    rows = jnp.asarray(rows)
    checks.same_inputs(rows, target.rows)
    gram = kernels.second_moments(jax.nn.relu, rows)
    aim = kernels.cross_moments(jax.nn.relu, rows, target.rows) @ target.weights
    return Target(rows, best_weights(gram, aim))


def best_weights(gram: Float[Array, "M M"], aim: Float[Array, " M"], live: Any = True) -> Float[Array, " M"]:
    """Least squares from the products of neurons with each other and with the target.

    Args:
        gram: Mean products of the neurons (M, M).
        aim: Mean products of the neurons with the target (M,).
        live: Which neurons there are, truth values (M,); True: all.

    Returns:
        Output weights (M,), 0 for neurons that are not live.
    """
    square = jnp.diagonal(gram)
    scale = jnp.where(live & (square > 0), 1 / jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
    return scale * linalg.pseudo_solve(scale[:, None] * gram * scale, (scale * aim)[:, None])[:, 0]


def _checked(target: Target, neurons: int) -> Target:
    rows, weights = checks.network("target_rows", target[0], "target_weights", target[1])
    checks.check_count("neurons", neurons, "neurons", high=len(rows))
    return Target(rows, weights)


def _taken(target: Target, chosen: Int[Array, " M"]) -> Target:
    return Target(target.rows[chosen], target.weights[chosen])
