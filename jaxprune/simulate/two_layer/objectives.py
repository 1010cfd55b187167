"""What a narrow ReLU network minimises, with its gradient and its Hessian from closed formulae.

A neuron is one row ``p = B v`` up to a sign: only the gain ``|p|`` and the direction matter. One struct holds every objective:
the exact loss against a network, the simplified one against an affine function, the limit of many neurons, and rows with a
common mean. All are differentiable by hand, since automatic second derivatives of the kernel are infinite where rows coincide.
Source: guide/two_layer.md, Gradient.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate.arc_cosine import EXACT, cosines, kappa, sine, turn
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer import checks
from jaxprune.simulate.two_layer.losses import Factors, energy
from jaxprune.struct import struct

BLOCK = 1024  # target rows at a time
ROOT = float(np.sqrt(2 / np.pi))
SERIES = 60  # inputs

Rows = Float[Array, "M d"]
Signs = Float[Array, " M"]


@struct
class Objective:
    """``constant - sqrt(2/pi) mean S - <slope, p> - 2 sum_ij weights_i s_j kappa(<rows_i, u_j>) + sum_jk s_j s_k kappa``.

    ``s_j`` are the gains, with signs, of the narrow network, ``u_j`` its directions, S and p the sums of gains and rows.
    ``mean`` () and ``slope`` (d,): an affine target; ``rows`` (N, d) of length at most 1 and ``weights`` (N,): a network.
    """

    constant: Float[Array, ""]
    mean: Float[Array, ""]
    slope: Float[Array, " d"]
    rows: Float[Array, "N d"]
    weights: Float[Array, " N"]

    def __call__(self, rows: Any, signs: Any) -> Float[Array, ""]:
        """The loss of the network with rows ``p`` (M, d) and output signs (M,); a zero row is no neuron.

        Raises ValueError for shapes that do not fit, numbers that are not finite, and signs that are not 1.0 or -1.0."""
        rows, signs = checks.network("rows", rows, "signs", signs)
        checks.signs("signs", signs, len(rows))
        checks.same_inputs(rows, self.slope[None])
        return loss_and_gradient(self, rows, signs)[0]


class Angles(NamedTuple):
    """Of directions u_j against others: cosines, sines, and 1 over the sines (0 where they vanish)."""

    cosine: Float[Array, "M K"]
    sine: Float[Array, "M K"]
    inverse: Float[Array, "M K"]


def exact(target_rows: Any, target_weights: Any) -> Objective:
    """The population loss against ``sum A_i relu(<w_i, x>)``; N*N numbers are never held.

    Source: guide/two_layer.md, Exact loss.

    Args:
        target_rows: Rows w_i (N, d).
        target_weights: Output weights A_i (N,).

    Returns:
        The objective.

    Raises:
        ValueError: For shapes that do not fit, types that are not floating, and numbers that are not finite.
    """
    rows, weights = checks.network("target_rows", target_rows, "target_weights", target_weights)
    size, unit = polar(rows)
    more = -len(rows) % BLOCK if len(rows) > BLOCK else 0
    padded, gains = jnp.pad(unit, ((0, more), (0, 0))), jnp.pad(weights * size, (0, more))
    return Objective(energy("relu", rows, weights), jnp.zeros((), rows.dtype), jnp.zeros_like(rows[0]), padded, gains)


def simplified(target: Factors) -> Objective:
    """The loss against the affine part ``mean + <slope, x>`` of a target, and what no narrow network can reach of it.

    It depends on the target by its factors only. Source: guide/two_layer.md, Simplification.

    Args:
        target: Mean, slope (d,) and rest.

    Returns:
        The objective.

    Raises:
        ValueError: For numbers that are not finite, and a slope that is not (d,).
    """
    checks.target_factors(target)
    slope = jnp.asarray(target.slope, jnp.result_type(float))
    mean, rest = (jnp.asarray(value, slope.dtype) for value in (target.mean, target.rest))
    return Objective(rest + mean**2 + jnp.sum(slope**2), mean, slope, *_no_rows(slope))


def limit(mean: Any, dim: int) -> Objective:
    """The exact loss of infinitely many neurons with isotropic rows, ``f*(x) = mean |x| / E|x|``.

    Source: guide/two_layer.md, Infinitely many rows.

    Args:
        mean: E f*, >= 0.
        dim: Number of inputs, >= 1.

    Returns:
        The objective.

    Raises:
        ValueError: For a mean or a dim out of range.
    """
    checks.check_count("dim", dim, "inputs")
    mean = jnp.asarray(checks.check_number("mean", mean, "[0, inf)"), jnp.result_type(float))
    ratio = _square_over_mean(dim)
    slope = jnp.zeros((dim,), mean.dtype)
    return Objective(ratio * mean**2, ratio * mean, slope, *_no_rows(slope))


def common_mean(direction: Any, cosine: Any, mean: Any = 1.0) -> Objective:
    """The loss against rows with one cosine to a direction, in high dimension.

    Source: guide/two_layer.md, Common mean.

    Args:
        direction: A unit vector (d,), floating-point.
        cosine: That of the rows to it, in [-1, 1].
        mean: ``E a|w|``, >= 0.

    Returns:
        The objective.

    Raises:
        ValueError: For a direction whose length is not 1, and a cosine or a mean out of range.
    """
    direction = checks.unit_vector("direction", direction)
    cosine = jnp.asarray(checks.check_number("cosine", cosine, "[-1, 1]"), direction.dtype)
    mean = jnp.asarray(checks.check_number("mean", mean, "[0, inf)"), direction.dtype)
    zero = jnp.zeros((), direction.dtype)
    return Objective(mean**2 * kappa(cosine**2), zero, 0 * direction, cosine * direction[None], mean[None])


def affine_part(objective: Objective) -> tuple[Float[Array, ""], Float[Array, " d"]]:
    """Mean of the target, and its covariance with the inputs, whichever the objective holds.

    Args:
        objective: Holds the target.

    Returns:
        The mean, and the covariance (d,).
    """
    mean = objective.mean + jnp.sum(objective.weights) / np.sqrt(2 * np.pi)
    return mean, objective.slope + objective.weights @ objective.rows / 2


def loss_and_gradient(objective: Objective, rows: Rows, signs: Signs) -> tuple[Float[Array, ""], Rows]:
    """The loss, and its gradient in the rows; at a zero row that of its other terms, with the direction 0.

    Source: guide/two_layer.md, Gradient.

    Args:
        objective: What is minimised.
        rows: Where (M, d).
        signs: Signs of the outputs (M,), 1.0 or -1.0.

    Returns:
        The loss, and the gradient (M, d).
    """
    size, unit = polar(rows)
    cosine, away = cosines(unit, unit), ~jnp.eye(len(rows), dtype=bool)
    left, opposite = jnp.where(away, turn(cosine), 0), jnp.where(away, sine(cosine), 0)
    gains = signs * size
    own = opposite @ gains, jnp.matmul(left, signs[:, None] * rows, precision=EXACT)
    target = _sum(objective, lambda rows, weights: _pull(unit, rows, weights))
    along = (own[0] - target[0]) / np.pi - ROOT * objective.mean
    toward = (own[1] - target[1]) / np.pi - objective.slope
    # Of the pairs both neurons see the kernel whole, so the loss counts it half.
    halves = jnp.sum(gains * (own[0] + jnp.sum(unit * own[1], axis=1))) / (2 * np.pi)
    loss = objective.constant + jnp.sum(size**2) / 2 - halves + jnp.sum(gains * (along + jnp.sum(unit * toward, axis=1)))
    return loss, rows + signs[:, None] * (along[:, None] * unit + toward)


def hessian_product(objective: Objective, rows: Rows, signs: Signs) -> Callable[[Rows], Rows]:
    """The Hessian as a function of a change of the rows; zero rows and their changes are left out.

    Source: guide/two_layer.md, Gradient.

    Args:
        objective: What is minimised.
        rows: Where (M, d).
        signs: Signs of the outputs (M,), 1.0 or -1.0.

    Returns:
        A function of changes (M, d), which gives the product (M, d).
    """
    size, unit = polar(rows)
    live = size > 0
    own, inverse = _angles(unit, unit), jnp.where(live, 1 / jnp.where(live, size, 1), 0)
    away = ~jnp.eye(len(rows), dtype=bool) & live & live[:, None]
    pair = jnp.where(away, signs[:, None] * signs / np.pi, 0)
    opposite, left = pair * own.sine, pair * turn(own.cosine)
    over, ratio = pair * own.inverse, inverse[:, None] * size
    kept = _angles(unit, objective.rows) if len(objective.rows) <= BLOCK else None

    def angles(others):
        return _angles(unit, others) if kept is None else kept

    pulled = _sum(objective, lambda others, weights: angles(others).sine @ weights)
    across = jnp.sum(ratio * opposite, axis=1) - signs * inverse * (pulled / np.pi + ROOT * objective.mean)

    def product(change):
        change = jnp.where(live[:, None], change, 0)
        radial = jnp.sum(unit * change, axis=1)
        bent = jnp.matmul(change, unit.T, precision=EXACT) - own.cosine * radial[:, None]
        both = over * (ratio * bent + bent.T)
        outer, inner = _sum(objective, lambda others, weights: _bend(change, radial, others, weights, angles(others)))
        scale = signs * inverse / np.pi
        along = opposite @ radial - jnp.sum(own.cosine * both, axis=1) - across * radial + scale * inner
        total = change + across[:, None] * change + along[:, None] * unit - scale[:, None] * outer
        total += jnp.matmul(both, unit, precision=EXACT) + jnp.matmul(left, change, precision=EXACT)
        return jnp.where(live[:, None], total, 0)

    return product


def _square_over_mean(dim: int) -> float:
    """``E|x|^2 / (E|x|)^2`` in ``dim`` inputs, by Wallis's product up to where a series has all digits. Logarithms of gamma
    functions would lose them, in float32 all of them from a million inputs on."""
    product = 1.0
    while dim < SERIES:
        product, dim = product * (dim + 1) ** 2 / (dim * (dim + 2)), dim + 2
    return product * float(np.exp(1 / (2 * dim) - 1 / (12 * dim**3) + 1 / (10 * dim**5) - 17 / (56 * dim**7)))


def _no_rows(slope):
    return jnp.zeros((0, len(slope)), slope.dtype), jnp.zeros((0,), slope.dtype)


def _angles(unit, others) -> Angles:
    cosine = cosines(unit, others)
    opposite = sine(cosine)
    return Angles(cosine, opposite, jnp.where(opposite > 0, 1 / jnp.where(opposite > 0, opposite, 1), 0))


def _pull(unit, rows, weights):
    """``sum_i weights_i sin`` (M,) and ``sum_i weights_i (pi - angle) rows_i`` (M, d)."""
    cosine = cosines(unit, rows)
    return sine(cosine) @ weights, jnp.matmul(turn(cosine) * weights, rows, precision=EXACT)


def _bend(change, radial, others, weights, angles: Angles):
    """What a change does to the directions of the target: sums of the others (M, d), and of their cosines (M,)."""
    bent = jnp.matmul(change, others.T, precision=EXACT) - angles.cosine * radial[:, None]
    bent = bent * angles.inverse * weights
    return jnp.matmul(bent, others, precision=EXACT), jnp.sum(bent * angles.cosine, axis=1)


def _sum(objective: Objective, terms: Callable[..., Any]) -> Any:
    """The sum of ``terms(rows, weights)`` over blocks of the target."""
    rows, weights = objective.rows, objective.weights
    if len(rows) <= BLOCK:
        return terms(rows, weights)
    blocks = rows.reshape(-1, BLOCK, rows.shape[1]), weights.reshape(-1, BLOCK)
    zero = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), jax.eval_shape(terms, blocks[0][0], blocks[1][0]))
    return jax.lax.scan(lambda total, block: (jax.tree.map(jnp.add, total, terms(*block)), None), zero, blocks)[0]
