"""Stochastic gradient descent with injected heavy-tailed noise: training with stopping rules, and its record.

Training is ``sde.euler`` with a network's drift, so noise and mini-batches come from keys folded with the absolute step.
Sections are those of our notes on Wan et al. 2023: 2.1 (the update), 2.2 (assumptions), 3.1 (measures), 6 (stopping rules
and columns of the tables).
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from jaxprune.problems.checks import check_count
from jaxprune.simulate import compressibility, losses, sde
from jaxprune.simulate.arguments import check_compat, check_number
from jaxprune.simulate.losses import Loss
from jaxprune.struct import static, struct

RUNNING, ALL_STEPS, ACCURATE, NOT_FINITE, BY_CHANCE = -1, 0, 1, 2, 3
REASONS = ("all steps made", "training accuracy reached", "loss not finite", "no better than chance")
SMOOTH = (jnp.tanh, jax.nn.tanh, jax.nn.sigmoid)

Set = tuple[Array, Array]  # inputs (m, d) and targets (m, k)
Outputs = Callable[[Sequence[Array], Array], Array]  # hidden layers, inputs -> (m, k)


@struct
class Live:
    """A noise law for a padded layer: nothing in the rows of the padding. ``law``: that of the live rows."""

    law: Any
    live: Bool[Array, " n"]

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Array:
        """That of ``law`` in live rows, zero elsewhere."""
        return jnp.where(self.live[:, None], self.law.increment(key, shape, step_size), 0.0)


@struct
class Stopping:
    """When training ends: after ``steps``; and, looked at after every ``every`` steps only, when the training accuracy is
    at least ``accuracy``, when the loss is not finite, and when after ``patience`` steps the accuracy is no more than
    ``margin`` times ``chance`` (that of guessing). Source: section 6; the released code evaluates every 100 steps, has
    patience for 1e5 and a margin of 1.25.

    Raises ValueError for counts that are not integers >= 1, or do not fit, for fractions outside (0, 1],
    and for a margin that is negative or not finite.
    """

    steps: int = static()
    every: int = static(default=100)
    accuracy: Any = 0.95
    chance: Any = 0.5
    patience: int = static(default=100_000)
    margin: float = static(default=1.25)

    def __post_init__(self):
        for name in ("steps", "every", "patience"):
            check_count(name, getattr(self, name), "steps")
        if self.steps % self.every:
            raise ValueError(f"every: {self.every} does not divide {self.steps} steps; evaluations must reach the end")
        for name in ("accuracy", "chance"):
            check_number(name, getattr(self, name), lambda x: (x > 0) & (x <= 1), "a fraction of right answers, in (0, 1]")
        check_number("margin", self.margin, lambda x: (x >= 0) & np.isfinite(x), "a finite multiple of chance, >= 0")

    def decide(self, step: Int[Array, ""], alive: Bool[Array, ""], loss: Float[Array, ""], right: Float[Array, ""]) -> Array:
        """The reason to stop at an evaluation, or ``RUNNING``. A run that the integrator froze has no finite loss."""
        reason = jnp.where(step >= self.steps, ALL_STEPS, RUNNING)
        guessing = (step >= self.patience) & (right <= self.margin * self.chance)
        reason = jnp.where(guessing, BY_CHANCE, reason)
        reason = jnp.where(right >= self.accuracy, ACCURATE, reason)
        return jnp.where(alive & jnp.isfinite(loss), reason, NOT_FINITE)


@struct
class Run:
    """The last ``value``, the number of ``steps`` made, the ``reason`` (an index into ``REASONS``), whether the run is
    ``alive`` (one that is not ends at its last finite value), and the ``first_bad`` step of one that is not, else -1."""

    value: Any
    steps: Int[Array, ""]
    reason: Int[Array, ""]
    alive: Bool[Array, ""]
    first_bad: Int[Array, ""]


def train(
    drift: Callable,
    law: Any,
    start: Any,
    key: Key[Array, ""],
    *,
    step_size: Any,
    stopping: Stopping,
    score: Callable[[Any], tuple[Array, Array]],
    compat: str | None = None,
) -> Run:
    """Descend until a rule stops. ``drift``, ``law``, ``start``, ``step_size`` as in ``sde.euler``; ``score(value)``: loss and
    accuracy on the training set.

    ``compat="released-code"``: an evaluation looks at the iterate between the gradient step and its noise, and the last
    step has no noise (section 1.2, item 7). Runs that have stopped wait for the others of a batch.
    Raises ValueError for another ``compat``, and as ``sde.euler`` does.
    """
    check_compat(compat)

    def ahead(state, drift, law, steps):
        return sde.euler(drift, law, state, key, step_size=step_size, steps=steps).state

    def to_evaluation(carry):
        state, _ = carry
        if compat is None:
            seen = after = ahead(state, drift, law, stopping.every)
        else:
            before = state if stopping.every == 1 else ahead(state, drift, law, stopping.every - 1)
            seen = ahead(before, drift, None, 1)
            # Its noise, of the same step: a step without drift.
            after = ahead(sde.State(seen.value, before.step, seen.alive, seen.first_bad), _still, law, 1)
        reason = stopping.decide(seen.step, seen.alive, *score(seen.value))
        going = reason == RUNNING
        return jax.tree.map(lambda a, b: jnp.where(going, a, b), after, seen), reason

    first = (sde.begin(start), jnp.asarray(RUNNING))
    state, reason = jax.lax.while_loop(lambda carry: carry[1] == RUNNING, to_evaluation, first)
    return Run(state.value, state.step, reason, state.alive, state.first_bad)


def record(outputs: Outputs, layers: Sequence[Array], train: Set, test: Set, empty: Any = 0) -> dict[str, Array]:
    """The columns of the papers' tables for a trained network, and the errors of pruning beside them; how the run ended is in
    its ``Run``.

    ``outputs(layers, inputs)``: the network as a function of its hidden layers (the last layer excluded), each (n, d), of
    which neurons are pruned, layer by layer, while the removed share of squared norms is at most 0.1. ``empty``: rows of
    padding of a single layer. Returns train_accuracy, test_accuracy, pruning_ratio, pruned_train_accuracy,
    pruned_test_accuracy, functional_error (on test inputs), parameter_error (the root of the removed share of all
    layers), participation (of the first layer). Raises ValueError for layers that are not a list. Source: sections 3.1, 6.
    """
    if not isinstance(layers, Sequence):
        raise ValueError(f"layers: one array of shape {jnp.shape(layers)}; pass a list of layers, [layer]")
    stay = [compressibility.ratio_mask(layer) for layer in layers]
    pruned = [compressibility.prune(layer, mask) for layer, mask in zip(layers, stay, strict=True)]
    before, after = outputs(layers, test[0]), outputs(pruned, test[0])
    padding = empty * layers[0].shape[1]
    removed = sum(jnp.sum(~mask) * layer.shape[1] for layer, mask in zip(layers, stay, strict=True)) - padding
    total = sum(layer.size for layer in layers) - padding
    scale = jnp.max(jnp.stack([jnp.max(jnp.abs(w)) for w in layers]))
    lost = sum(jnp.sum(((w - p) / scale) ** 2) for w, p in zip(layers, pruned, strict=True))
    whole = sum(jnp.sum((w / scale) ** 2) for w in layers)
    return {
        "train_accuracy": losses.accuracy(outputs(layers, train[0]), train[1]),
        "test_accuracy": losses.accuracy(before, test[1]),
        "pruning_ratio": jnp.asarray(removed / total, before.dtype),
        "pruned_train_accuracy": losses.accuracy(outputs(pruned, train[0]), train[1]),
        "pruned_test_accuracy": losses.accuracy(after, test[1]),
        "functional_error": compressibility.functional_error(after, before),
        "parameter_error": jnp.sqrt(lost / whole),
        "participation": compressibility.participation(layers[0]),
    }


def assumptions(
    alpha: Any, step_size: Any, n: int, activation: Callable, loss: Loss, decay: Any = 0.0, time_scale: str = "mean-field"
) -> tuple[bool, list[str]]:
    """Whether a configuration satisfies what the theorem of Wan et al. 2023 assumes, and the items that it violates.

    The drift must be bounded and Lipschitz (a smooth activation and loss with bounded derivatives, no weight decay), the
    index in (1, 2), the step size at most n^(-alpha/2-1), the gradient on the mean-field time scale. Data are bounded.
    A violation is no error but a warning: simulations run, and report it.
    Source: sections 2.2, 2.3, 8.
    """
    name = getattr(activation, "__name__", str(activation))
    items = {
        f"alpha: {alpha:g} is outside (1, 2)": not 1 < alpha < 2,
        f"activation: {name} is not known to be smooth and bounded": activation not in SMOOTH,
        f"loss: the slope of {type(loss).__name__} is unbounded": not loss.bounded_slope,
        f"loss: {type(loss).__name__} is not smooth": not loss.smooth,
        f"decay: {decay:g} makes the drift unbounded": decay > 0,
        f"time_scale: {time_scale!r} is not that of the limit": time_scale != "mean-field",
        f"step_size: {step_size:g} > n^(-alpha/2-1) = {longest_step(alpha, n):.2g}": step_size > longest_step(alpha, n),
    }
    found = [text for text, violated in items.items() if violated]
    if found:
        warnings.warn(f"outside the assumptions of the theorem: {'; '.join(found)}", stacklevel=2)
    return not found, found


def longest_step(alpha: Any, n: int) -> Any:
    """n^(-alpha/2-1), the longest step of the theorem (section 2.3), with room for round-off."""
    return float(n) ** (-alpha / 2 - 1) * (1 + 1e-12)


def _still(value):
    return jax.tree.map(jnp.zeros_like, value)
