"""Labelled data, and networks trained on them."""

from typing import Any

import numpy as np

from jaxprune.struct import count, number, struct


@struct
class Labelled:
    """Labelled data to learn from: ``inputs`` (samples, d_in) or (samples, rows, columns, channels), one-hot ``labels``
    (samples, classes).

    A trial trains on ``n`` of the samples, drawn without replacement, and tests on the others. A fraction
    ``label_noise`` of the training labels is replaced by labels of random samples of the whole set.
    """

    inputs: Any
    labels: Any
    n: int = count("samples")
    label_noise: Any = number("[0, 1]", default=0.0)

    def __post_init__(self):
        if np.ndim(self.inputs) not in (2, 4) or not np.all(np.isfinite(self.inputs)):
            raise ValueError("inputs: must be a finite array (samples, d_in) or (samples, rows, columns, channels)")
        if np.ndim(self.labels) != 2 or len(self.labels) != len(self.inputs) or not np.shape(self.labels)[1]:
            raise ValueError(
                f"labels: shape {np.shape(self.labels)} is not ({len(self.inputs)}, classes); one-hot: np.eye(classes)[labels]"
            )
        if not np.all((np.asarray(self.labels) == 0) | (np.asarray(self.labels) == 1)):
            raise ValueError("labels: must be one-hot, of zeros and ones; np.eye(classes)[digits] makes them")
        if not self.n < len(self.inputs):
            raise ValueError(f"n: {self.n} training samples of {len(self.inputs)} leave no test set; use fewer")


@struct
class Training:
    """Networks trained on ``data``, every training sample in every step: ``steps`` of them before pruning and as many
    after, at learning rate ``rate``.
    """

    data: Labelled
    rate: Any = number("(0, inf)")
    steps: int = count("steps")


@struct
class SGD:
    """A network without biases, of ``depth`` weight matrices and hidden layers of ``n`` units, learns ``data`` by descent on
    mini-batches of ``batch`` samples (None: all of them) at a constant ``step_size``: at most ``steps`` steps, until an
    evaluation, one after every ``every`` steps (None: the last), finds the training ``accuracy``. Then the iterates of
    ``averaged`` more steps are averaged.
    """

    data: Labelled
    step_size: Any = number("(0, inf)")
    n: int = count("hidden units")
    depth: int = count("weight matrices, a first, a last and one between", low=3)
    steps: int = count("steps")
    batch: int | None = count("samples", default=None)
    averaged: int = count("steps", default=1000)
    every: int | None = count("steps", default=None)
    accuracy: Any = number("(0, 1]", default=1.0)

    def __post_init__(self):
        settle_schedule(self)


def settle_schedule(problem: Any) -> None:
    """Mini-batches that the training set has, and evaluations that reach the end of the steps; ``every`` None becomes all."""
    batch, size, steps = problem.batch, problem.data.n, problem.steps
    if batch is not None and batch > size:
        raise ValueError(f"batch: {batch} of {size} training samples without replacement; use fewer")
    every = steps if problem.every is None else problem.every
    if steps % every:
        raise ValueError(f"every: {every} does not divide {steps} steps; evaluations must reach the end")
    object.__setattr__(problem, "every", every)
