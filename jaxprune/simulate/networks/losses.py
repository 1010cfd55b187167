"""Losses of a network's outputs (samples, k) against targets of the same shape, one number per sample.

``bounded_slope`` and ``smooth`` say whether the derivative in the outputs is bounded, and Lipschitz: what the theory of
mean-field networks asks for. ``check(targets)`` refuses targets of another kind. Source: guide/networks.md,
Losses.
"""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float


@runtime_checkable
class Loss(Protocol):
    """A loss; static, so that it is part of a program. ``name``: for people."""

    bounded_slope: bool
    smooth: bool

    def __call__(self, outputs: Array, targets: Array) -> Array: ...  # noqa: D102
    def check(self, targets: Any) -> None: ...  # noqa: D102


@dataclasses.dataclass(frozen=True)
class Logistic:
    """``log(1 + exp(-y f))``, in nats; summed over outputs. Targets are -1 or 1."""

    bounded_slope = True
    smooth = True

    def __call__(self, outputs: Float[Array, "b k"], targets: Float[Array, "b k"]) -> Float[Array, " b"]:
        """The loss of every sample."""
        return jnp.sum(jax.nn.softplus(-targets * outputs), axis=-1)

    def check(self, targets: Any) -> None:
        """Raises ValueError for targets other than -1 and 1."""
        wrong = np.asarray(targets)[~np.isin(np.asarray(targets), (-1, 1))]
        if wrong.size:
            raise ValueError(f"targets: {wrong.flat[0]} is no label of the logistic loss; use -1 and 1, or CrossEntropy")


@dataclasses.dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy of the softmax, in nats. Targets are one-hot rows of at least two classes."""

    bounded_slope = True
    smooth = True

    def __call__(self, outputs: Float[Array, "b k"], targets: Float[Array, "b k"]) -> Float[Array, " b"]:
        """The loss of every sample."""
        return optax.losses.softmax_cross_entropy(outputs, targets)

    def check(self, targets: Any) -> None:
        """Raises ValueError for targets that are not one-hot."""
        values = np.asarray(targets)
        if values.shape[1] < 2 or not np.all(np.isin(values, (0, 1))) or not np.all(values.sum(1) == 1):
            shown = values[0].tolist()
            raise ValueError(f"targets: {shown} is not a one-hot row of two classes or more; use np.eye(classes)[labels]")


@dataclasses.dataclass(frozen=True)
class Squared:
    """``|f - y|^2 / 2``. Any finite targets."""

    bounded_slope = False
    smooth = True

    def __call__(self, outputs: Float[Array, "b k"], targets: Float[Array, "b k"]) -> Float[Array, " b"]:
        """The loss of every sample."""
        return jnp.sum(optax.losses.l2_loss(outputs, targets), axis=-1)

    def check(self, targets: Any) -> None:
        """Raises ValueError for targets that are not finite."""
        if not np.all(np.isfinite(np.asarray(targets))):
            raise ValueError("targets: hold NaN or infinity; leave such samples out")


def accuracy(outputs: Float[Array, "b k"], targets: Float[Array, "b k"]) -> Float[Array, ""]:
    """Fraction of samples whose sign (one output), or whose largest output, is that of the target.

    Args:
        outputs: Outputs (samples, k).
        targets: Targets (samples, k): signs for k = 1, otherwise the largest number is at the class.

    Returns:
        The fraction, in [0, 1].
    """
    if outputs.shape[-1] == 1:
        right: Bool[Array, " b"] = ((outputs > 0) == (targets > 0))[:, 0]
    else:
        right = jnp.argmax(outputs, axis=-1) == jnp.argmax(targets, axis=-1)
    return jnp.mean(right, dtype=outputs.dtype)
