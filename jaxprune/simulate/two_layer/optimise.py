"""Optima of narrow networks: all restarts of a problem in one program, to gradients of round-off.

Adam with a cosine schedule, then second-order steps: Newton steps within a trust region, whose linear systems are solved by
conjugate gradients in plain matrix products. Every stage has a fixed number of steps, and there is no factorisation, so that a
program batches over restarts and problems (``jax.vmap``) alike on a CPU and on an accelerator. The modes of rotation, along
which the Hessian vanishes, need no care: gradients have no part along them, and conjugate gradients stay where the gradient is.
Source: guide/two_layer.md, Theorem A.
"""

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, Key

from jaxprune.simulate.arguments import check_key, traced
from jaxprune.simulate.lengths import polar
from jaxprune.simulate.two_layer import checks
from jaxprune.simulate.two_layer.objectives import Objective, affine_part, hessian_product, loss_and_gradient
from jaxprune.struct import count, number, struct

FREE, NONNEGATIVE = SIGNS = ("free", "nonnegative")
GAIN = 2.5  # times the size of the target over the number of neurons: near the gains of the optimum
ROUNDS = 2  # of merging and second-order steps, where outputs have both signs
ALIKE, LITTLE = 0.9, 0.02  # cosine of rows that may be one, and what that may cost, of the loss
SAME = 1e-9  # of E f*^2: losses that are the same optimum, where precision allows
FAINT = 0.1  # of the largest gain: a neuron below it whose own line has its minimum at 0 is dead


@struct
class Schedule:
    """How long to optimise: ``adam`` steps, whose first is ``rate`` of an entry of a typical row, then ``newton`` steps with
    ``inner`` conjugate-gradient steps each.

    The default follows most of the flat curved valleys of a finite target, along which the narrow network turns at next to no
    cost; ``gradient`` tells of those that it did not follow to their end. ``AFFINE`` is enough against an affine target with at
    most as many neurons as inputs, where there are no such valleys: the same optima in a third of the time, to round-off for
    slopes of up to 20 means, to 1e-10 of the loss for 100. It is not where signs are given, as neurons of the wrong one have to
    die: one start in twelve is not at its end."""

    rate: Any = number("(0, inf)", default=0.3)
    adam: int = count("steps", default=100)
    newton: int = count("steps", default=64)
    inner: int = count("steps", default=24)


AFFINE = Schedule(adam=80, newton=20, inner=20)


def same_loss(dtype: Any) -> float:
    """Share of the target's square by which losses of one optimum may differ: in float32 its round-off is more than 1e-9."""
    return max(SAME, 64 * float(jnp.finfo(dtype).eps))


class Runs(NamedTuple):
    """Where restarts ended: ``rows`` (M, d) ``= |B| v`` and ``signs`` (M,) of the outputs; ``loss``; ``gradient``, the norm of
    the gradient in the rows that are not zero; ``dead``, how many rows are zero; ``negative``, how many of the others have a
    negative output. Of many restarts every field has one more axis, the first."""

    rows: Float[Array, "*n M d"]
    signs: Float[Array, "*n M"]
    loss: Float[Array, "*n"]
    gradient: Float[Array, "*n"]
    dead: Int[Array, "*n"]
    negative: Int[Array, "*n"]

    def success(self, optimum: Any, tolerance: Any = 1e-9) -> Float[Array, ""]:
        """The fraction of restarts whose loss is ``optimum`` or below, within ``tolerance``."""
        return jnp.mean(self.loss <= optimum + tolerance, axis=-1)

    def best(self) -> "Runs":
        """The restart with the smallest loss, and of losses that round-off makes equal with the smallest gradient; one that
        diverged is none."""
        loss = jnp.where(jnp.isfinite(self.loss), self.loss, jnp.inf)
        lowest = jnp.min(loss)
        equal = loss <= lowest + 64 * jnp.finfo(loss.dtype).eps * jnp.abs(lowest)
        index = jnp.argmin(jnp.where(equal, self.gradient, jnp.inf))
        return jax.tree.map(lambda field: jnp.asarray(field)[index], self)


def starts(
    key: Key[Array, ""], objective: Objective, neurons: int, restarts: int, signs: Any = NONNEGATIVE
) -> tuple[Float[Array, "n M d"], Float[Array, "n M"]]:
    """Gaussian rows and output signs of ``restarts`` restarts; each has the key ``fold_in(key, restart)``, so that more
    restarts, and more neurons, begin with the fewer.

    ``signs``: "nonnegative"; "free": every number of negative outputs is equally likely; or signs (M,) to be kept."""
    dim = objective.slope.shape[-1]
    mean, slope = affine_part(objective)
    gain = GAIN * (jnp.abs(mean) + jnp.linalg.norm(slope)) / neurons

    def one(index):
        row, share, sign = jax.random.split(jax.random.fold_in(key, index), 3)
        rows = gain * jax.random.normal(row, (neurons, dim), gain.dtype) / dim**0.5
        if not isinstance(signs, str):
            return rows, jnp.asarray(signs, gain.dtype)
        negative = jax.random.uniform(sign, (neurons,)) < jax.random.uniform(share)
        return rows, jnp.where(negative & (signs == FREE), -1, 1).astype(gain.dtype)

    return jax.vmap(one)(jnp.arange(restarts))


def minimise(
    objective: Objective,
    key: Key[Array, ""],
    neurons: int,
    restarts: int = 32,
    signs: Any = NONNEGATIVE,
    live: Bool[Array, " M"] | None = None,
    schedule: Schedule | None = None,
) -> Runs:
    """Optima from random starts.

    Signs do not change: a neuron of the wrong sign dies, and with "free" the best of many restarts has the best signs.
    Precision is that of the objective; gradients of 1e-12 need float64. Warns where the best nonnegative network is zero.
    Source: guide/two_layer.md, Theorem A; Outputs of any sign.

    Args:
        objective: What is minimised, of d inputs.
        key: One typed JAX key, for the starts; more restarts, and more neurons, begin with the fewer.
        neurons: M, the number of neurons, >= 1.
        restarts: n, the number of starts, >= 1.
        signs: "nonnegative"; "free": every number of negative outputs is equally likely; or signs (M,) to be kept, 1.0 or -1.0.
        live: Which neurons there are, truth values (M,); the others are padding and stay zero. None: all.
        schedule: How long to optimise; None: the default of ``Schedule``.

    Returns:
        Where all restarts ended, with n along the first axis.

    Raises:
        ValueError: For no typed key, counts < 1, and signs that are not known or do not fit.
    """
    check_key(key)
    checks.check_count("neurons", neurons, "neurons")
    checks.check_count("restarts", restarts, "restarts")
    _check_signs(signs, neurons)
    _warn_of_nothing(objective, signs)
    rows, drawn = starts(key, objective, neurons, restarts, signs)
    if live is not None:  # the gains of as many neurons as there are
        rows = jnp.where(live[:, None], rows * neurons / jnp.sum(live), 0)
    return _descend(objective, rows, drawn, schedule, mixed=not isinstance(signs, str) or signs == FREE)


def descend(objective: Objective, rows: Any, signs: Any, schedule: Schedule | None = None) -> Runs:
    """Optima from given starts. A zero row stays zero.

    Args:
        objective: What is minimised, of d inputs.
        rows: Starts (n, M, d), floating-point, which may be what diverged.
        signs: Signs of the outputs (n, M), 1.0 or -1.0.
        schedule: How long to optimise; None: the default of ``Schedule``.

    Returns:
        Where all starts ended, with n along the first axis.

    Raises:
        ValueError: For shapes that do not fit, and signs that are not 1.0 or -1.0.
    """
    shape, dim = np.shape(rows), objective.slope.shape[-1]
    if len(shape) != 3 or shape[-1] != dim or not jnp.issubdtype(jnp.result_type(rows), jnp.floating):
        raise ValueError(f"rows: {jnp.result_type(rows)} of shape {shape}; use floating-point starts of shape (n, M, {dim})")
    if np.shape(signs) != shape[:2]:
        raise ValueError(f"signs: shape {np.shape(signs)} is not {shape[:2]}; give one to each neuron of each start")
    if not traced(signs):
        checks.signs("signs", np.ravel(np.asarray(signs)), np.size(signs))
    return _descend(
        objective, jnp.asarray(rows), jnp.asarray(signs), schedule, traced(signs) or bool(np.any(np.asarray(signs) < 0))
    )


def _descend(objective, rows, signs, schedule, mixed: bool) -> Runs:
    """``mixed``: outputs may have both signs, so that neurons may cancel each other."""
    plan, rounds = Schedule() if schedule is None else schedule, ROUNDS if mixed else 1

    def one(rows, signs):
        def stage(rows, _):
            rows = _merge(objective, rows, signs) if mixed else rows
            return _newton(objective, _bury(objective, rows, signs), signs, -(-plan.newton // rounds), plan.inner), None

        rows, _ = jax.lax.scan(stage, _adam(objective, rows, signs, plan), None, length=rounds)
        return _summary(objective, rows, signs)

    return jax.vmap(one)(rows, signs)


def _check_signs(signs, neurons):
    if not isinstance(signs, str):
        checks.signs("signs", signs, neurons)
    elif signs not in SIGNS:
        raise ValueError(f"signs: {signs!r} is unknown; use {FREE!r}, {NONNEGATIVE!r}, or an array of 1.0 and -1.0")


def _warn_of_nothing(objective, signs):
    if traced(objective) or not isinstance(signs, str) or signs != NONNEGATIVE:
        return
    with jax.ensure_compile_time_eval():
        mean, slope = affine_part(objective)
        nothing = mean.ndim == 0 and mean <= 0 and not jnp.any(slope)
    if nothing:
        warnings.warn("objective: mean <= 0 and no slope, so the best nonnegative network is zero", stacklevel=3)


def _gradient(objective, rows, signs):
    """Of the rows that are not zero."""
    loss, gradient = loss_and_gradient(objective, rows, signs)
    return loss, jnp.where(jnp.any(rows != 0, axis=1, keepdims=True), gradient, 0)


def _adam(objective, rows, signs, plan: Schedule):
    typical = jnp.sqrt(jnp.sum(rows**2) / jnp.maximum(jnp.sum(rows != 0), 1))
    rate = jnp.asarray(plan.rate, rows.dtype)
    optimiser: Any = optax.adam(optax.cosine_decay_schedule(rate, plan.adam), eps=1e-30)

    def step(state, _):
        rows, moments = state
        updates, moments = optimiser.update(_gradient(objective, rows, signs)[1], moments)
        return (rows + typical * updates, moments), None

    return jax.lax.scan(step, (rows, optimiser.init(rows)), None, length=plan.adam)[0][0]


def _bury(objective, rows, signs):
    """Faint rows whose loss along their own line is smallest at 0 become zero."""
    gradient = _gradient(objective, rows, signs)[1]
    size = jnp.linalg.norm(rows, axis=1)
    inward = jnp.sum(gradient * rows, axis=1) >= size**2
    return jnp.where((inward & (size < FAINT * jnp.max(size)))[:, None], 0, rows)


def _merge(objective, rows, signs):
    """Rows of opposite signs that point almost the same way are one, and the other is zero: along their difference the loss is
    flat, and only its third order would tell."""

    def one(rows, j):
        size, unit = polar(rows)
        cosine = jnp.where((signs != signs[j]) & (size > 0) & (size[j] > 0), unit @ unit[j], -1)
        near = jnp.argmax(cosine)
        merged = rows.at[near].add(-rows[j]).at[j].set(0)
        keep, change = loss_and_gradient(objective, rows, signs)[0], loss_and_gradient(objective, merged, signs)[0]
        same = (cosine[near] > ALIKE) & (size[j] <= size[near]) & (change < keep + LITTLE * jnp.abs(keep))
        return jnp.where(same, merged, rows), None

    return jax.lax.scan(one, rows, jnp.arange(len(rows)))[0]


def _newton(objective, rows, signs, steps: int, inner: int):
    """Steps in a region that grows and shrinks with how well the quadratic model foretold the loss; one that lowers neither the
    loss, by more than its round-off, nor the gradient is not taken. Off a stationary point the modes of rotation have
    curvatures of the size of the gradient and of either sign: as much is added to all."""
    loss, gradient = _gradient(objective, rows, signs)
    noise = 64 * jnp.finfo(rows.dtype).eps * (jnp.abs(objective.constant) + jnp.abs(loss))

    def step(state, _):
        rows, loss, gradient, radius = state
        hessian = hessian_product(objective, rows, signs)
        damping = jnp.linalg.norm(gradient) / jnp.maximum(4 * jnp.linalg.norm(rows), jnp.finfo(rows.dtype).tiny)
        change, foretold, cut = _truncated(
            lambda change: hessian(change) + damping * change, gradient, radius, _round_off(rows), inner
        )
        tried = _bury(objective, _outside_zero(rows, change), signs)
        new_loss, new_gradient = _gradient(objective, tried, signs)
        good = (loss - new_loss) / jnp.maximum(foretold, noise)
        better = (new_loss < loss - noise) | (jnp.linalg.norm(new_gradient) < jnp.linalg.norm(gradient))
        radius = jnp.where(~better | (good < 0.25), radius / 4, jnp.where(cut & (good > 0.75), radius * 2, radius))
        new, old = (tried, new_loss, new_gradient), (rows, loss, gradient)
        return (*jax.tree.map(lambda a, b: jnp.where(better, a, b), new, old), radius), None

    start = rows, loss, gradient, jnp.linalg.norm(rows) / 4
    return jax.lax.scan(step, start, None, length=steps)[0][0]


def _round_off(rows):
    """Size of the round-off of a gradient."""
    return jnp.finfo(rows.dtype).eps * jnp.sum(jnp.linalg.norm(rows, axis=1))


def _outside_zero(rows, change):
    """The changed rows; none runs through zero: it shrinks."""
    moved = rows + change
    through = jnp.sum(moved * rows, axis=1, keepdims=True) < FAINT / 2 * jnp.sum(rows**2, axis=1, keepdims=True)
    return jnp.where(through, rows * (FAINT / 2), moved)


def _truncated(product, gradient, radius, floor, steps: int):
    """The step that ``steps`` conjugate-gradient steps find: it ends at the radius where it would leave it or meets negative
    curvature, and where the residual is small, or below ``floor``, its round-off: that has a part along the modes where the
    Hessian vanishes. Also by how much the quadratic model falls, and whether the radius has cut it."""
    first = jnp.sum(gradient * gradient)
    enough = jnp.maximum(first * jnp.finfo(gradient.dtype).eps, floor**2)

    def step(state, _):
        change, residual, direction, square, going, cut = state
        image = product(direction)
        curvature = jnp.sum(direction * image)
        length = square / jnp.where(curvature > 0, curvature, 1)
        leaves = (curvature <= 0) | (jnp.linalg.norm(change + length * direction) >= radius)
        length = jnp.where(going, jnp.where(leaves, _to_radius(change, direction, radius), length), 0)
        residual = residual - length * image
        new = jnp.sum(residual * residual)
        turned = residual + new / jnp.where(square > 0, square, 1) * direction
        change, cut = change + length * direction, cut | (going & leaves)
        return (change, residual, turned, new, going & ~leaves & (new > enough), cut), None

    start = jnp.zeros_like(gradient), -gradient, -gradient, first, first > enough, jnp.zeros((), bool)
    change, residual, *_, cut = jax.lax.scan(step, start, None, length=steps)[0]
    return change, jnp.sum(change * (residual - gradient)) / 2, cut


def _to_radius(change, direction, radius):
    """How far along a direction the change has that norm."""
    square = jnp.sum(direction * direction)
    along = jnp.sum(change * direction)
    room = jnp.maximum(radius**2 - jnp.sum(change * change), 0)
    return (jnp.sqrt(along**2 + square * room) - along) / jnp.where(square > 0, square, 1)


def _summary(objective, rows, signs) -> Runs:
    loss, gradient = _gradient(objective, rows, signs)
    dead = jnp.all(rows == 0, axis=1)
    negative = jnp.sum((signs < 0) & ~dead)
    return Runs(rows, signs, loss, jnp.linalg.norm(gradient), jnp.sum(dead), negative)
