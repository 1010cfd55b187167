"""When training ends, and what it leaves. Derivations: guide/sgd.md."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from jaxprune.simulate.arguments import check_number
from jaxprune.struct import as_given, count, static, struct

RUNNING, ALL_STEPS, ACCURATE, NOT_FINITE, BY_CHANCE = -1, 0, 1, 2, 3
REASONS = ("all steps made", "training accuracy reached", "loss not finite", "no better than chance")


@struct
class Stopping:
    """When training ends: after ``steps``; and, looked at after every ``every`` steps only, when the training accuracy is
    at least ``accuracy``, when the loss is not finite, and when after ``patience`` steps the accuracy is no more than
    ``margin`` times ``chance`` (that of guessing).
    Source: guide/sgd.md, Stopping rules; the released code evaluates every 100 steps, has
    patience for 1e5 and a margin of 1.25 (of two classes another bound: ``released_code.QUIRKS``).

    Raises ValueError for ``every`` that does not divide the steps.
    """

    steps: int = count("steps")
    every: int = count("steps", default=100)
    accuracy: Any = as_given("(0, 1]", hint="a fraction of right answers", default=0.95)
    chance: Any = as_given("(0, 1]", hint="a fraction of right answers", default=0.5)
    patience: int = count("steps", default=100_000)
    margin: float = static(default=1.25)

    def __post_init__(self):
        if self.steps % self.every:
            raise ValueError(f"every: {self.every} does not divide {self.steps} steps; evaluations must reach the end")
        check_number("margin", self.margin, "[0, inf)", "a multiple of chance")

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
