"""Stochastic gradient descent with injected heavy-tailed noise: training with stopping rules, and its record.

Training is ``sde.euler`` with a network's drift, so noise and mini-batches come from keys folded with the absolute step.
Derivations: guide/sgd.md.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Key

from jaxprune.simulate.arguments import check_compat
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.networks import losses
from jaxprune.simulate.networks.losses import Loss
from jaxprune.simulate.sde import integrate as sde
from jaxprune.simulate.sgd import released_code
from jaxprune.simulate.sgd.stopping import ACCURATE, ALL_STEPS, BY_CHANCE, NOT_FINITE, REASONS, RUNNING, Run, Stopping
from jaxprune.struct import struct

__all__ = [
    "ACCURATE", "ALL_STEPS", "BY_CHANCE", "NOT_FINITE", "REASONS", "RUNNING", "PaddedLaw", "Run", "Stopping",
    "assumptions", "longest_step", "record", "train",
]  # fmt: skip

SMOOTH = (jnp.tanh, jax.nn.tanh, jax.nn.sigmoid)

Set = tuple[Array, Array]  # inputs (m, d) and targets (m, k)
Outputs = Callable[[Sequence[Array], Array], Array]  # hidden layers, inputs -> (m, k)


@struct
class PaddedLaw:
    """A noise law for a padded layer: nothing in the rows of the padding. ``law``: that of the live rows."""

    law: Any
    live: Bool[Array, " n"]

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Array:
        """That of ``law`` in live rows, zero elsewhere."""
        return jnp.where(self.live[:, None], self.law.increment(key, shape, step_size), 0.0)


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
    """Descend until a rule stops. Runs that have stopped wait for the others of a batch.

    Args:
        drift, law, start: As of ``sde.euler``.
        key: One typed JAX key.
        step_size: Time of one step, > 0.
        stopping: The rule.
        score: Value to loss and accuracy on the training set.
        compat: None, or "released-code": the loop of ``released_code.train``, whose drift must draw its mini-batches as that
            code does.

    Returns:
        How the run ended, and its value.

    Raises:
        ValueError: For another ``compat``, and as ``sde.euler`` does.
    """
    check_compat(compat)
    if compat is not None:
        return released_code.train(drift, law, start, key, step_size=step_size, stopping=stopping, score=score)

    def to_evaluation(carry):
        state = sde.euler(drift, law, carry[0], key, step_size=step_size, steps=stopping.every).state
        return state, stopping.decide(state.step, state.alive, *score(state.value))

    first = (sde.begin(start), jnp.asarray(RUNNING))
    state, reason = jax.lax.while_loop(lambda carry: carry[1] == RUNNING, to_evaluation, first)
    return Run(state.value, state.step, reason, state.alive, state.first_bad)


def record(
    outputs: Outputs, layers: Sequence[Array], train: Set, test: Set, empty: Any = 0, compat: str | None = None
) -> dict[str, Array]:
    """The columns of the papers' tables for a trained network, and the errors of pruning beside them.

    How the run ended is in its ``Run``. Neurons are pruned layer by layer, while the removed share of squared norms is at most
    0.1. Source: guide/sgd.md, Columns of the tables.

    Args:
        outputs: ``(layers, inputs)`` to outputs (m, k): the network as a function of its hidden layers.
        layers: The hidden layers (the last layer excluded), each (n, d), one row per neuron.
        train, test: Inputs (m, d) and targets (m, k) of the two sets.
        empty: Rows of padding of a single layer; may be traced.
        compat: None, or "released-code": a layer with a side as long as the number of classes stays whole, and is counted as
            pruned.

    Returns:
        A dict of scalars: train_accuracy, test_accuracy, pruning_ratio, pruned_train_accuracy, pruned_test_accuracy,
        functional_error (on test inputs), parameter_error (the root of the removed share of all layers), participation (of the
        first layer).

    Raises:
        ValueError: For layers that are not a list, and another ``compat``.
    """
    check_compat(compat)
    if not isinstance(layers, Sequence):
        raise ValueError(f"layers: one array of shape {jnp.shape(layers)}; pass a list of layers, [layer]")
    stay, counted = zip(*(_masks(layer, test[1].shape[1], compat) for layer in layers), strict=True)
    pruned = [compressibility.prune(layer, mask) for layer, mask in zip(layers, stay, strict=True)]
    before, after = outputs(layers, test[0]), outputs(pruned, test[0])
    padding = empty * layers[0].shape[1]
    removed = sum(jnp.sum(mask) * layer.shape[1] for layer, mask in zip(layers, counted, strict=True)) - padding
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

    The drift must be bounded and Lipschitz (a smooth activation and loss with bounded derivatives, no weight decay), the index
    in (1, 2), the step size at most n^(-alpha/2-1), the gradient on the mean-field time scale. Data are bounded. A violation is
    no error but a warning: simulations run, and report it. Source: guide/sgd.md, Assumptions.

    Args:
        alpha: Index of the noise.
        step_size: Time of one step.
        n: Number of neurons.
        activation: That of the network; known to be smooth are tanh and the sigmoid.
        loss: That of the network, which says itself whether it is smooth.
        decay: Rate of weight decay.
        time_scale: "mean-field", or "raw" for the gradient as it is.

    Returns:
        Whether all hold, and the violations in words.
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
    """n^(-alpha/2-1), the longest step of the theorem (guide/sde.md, Step of the theorem), with room for round-off."""
    return float(n) ** (-alpha / 2 - 1) * (1 + 1e-12)


def _masks(layer: Array, classes: int, compat: str | None) -> tuple[Array, Array]:
    """Which neurons of a layer stay, and which are counted as removed."""
    if compat is not None and released_code.spared(layer, classes):
        return jnp.ones(len(layer), bool), jnp.ones(len(layer), bool)
    stay = compressibility.ratio_mask(layer)
    return stay, ~stay
