"""Labelled data, and networks trained on them."""

from typing import Any

import numpy as np

from jaxprune.checks import check_count, check_schedule
from jaxprune.struct import static, struct


@struct
class Labelled:
    """Labelled data to learn from: ``inputs`` (samples, d_in) or (samples, rows, columns, channels), one-hot ``labels``
    (samples, classes).

    A trial trains on ``n`` of the samples, drawn without replacement, and tests on the others. A fraction
    ``label_noise`` of the training labels is replaced by labels of random samples of the whole set.
    Raises ValueError, naming the argument, when the shapes do not fit, n leaves nothing to test on, or label_noise is
    no fraction.
    """

    inputs: Any
    labels: Any
    n: int = static()
    label_noise: Any = 0.0

    def __post_init__(self):
        if np.ndim(self.inputs) not in (2, 4) or not np.all(np.isfinite(self.inputs)):
            raise ValueError("inputs: must be a finite array (samples, d_in) or (samples, rows, columns, channels)")
        if np.ndim(self.labels) != 2 or len(self.labels) != len(self.inputs) or not np.shape(self.labels)[1]:
            raise ValueError(
                f"labels: shape {np.shape(self.labels)} is not ({len(self.inputs)}, classes); one-hot: np.eye(classes)[labels]"
            )
        if not np.all((np.asarray(self.labels) == 0) | (np.asarray(self.labels) == 1)):
            raise ValueError("labels: must be one-hot, of zeros and ones; np.eye(classes)[digits] makes them")
        check_count("n", self.n, "samples")
        if not self.n < len(self.inputs):
            raise ValueError(f"n: {self.n} training samples of {len(self.inputs)} leave no test set")
        if np.ndim(self.label_noise) or not 0 <= self.label_noise <= 1:
            raise ValueError(f"label_noise: {self.label_noise} is not a fraction; use one number in 0 .. 1")
        object.__setattr__(self, "label_noise", np.asarray(self.label_noise, float))


@struct
class Training:
    """Networks trained on ``data``, every training sample in every step: ``steps`` of them before pruning and as many
    after, at learning rate ``rate`` > 0, a leaf.

    Raises ValueError, naming the argument, for a rate or a number of steps that is not positive.
    """

    data: Labelled
    rate: Any
    steps: int = static()

    def __post_init__(self):
        if np.ndim(self.rate) or not 0 < self.rate < np.inf:
            raise ValueError(f"rate: {self.rate} is not a learning rate; use one finite number > 0")
        check_count("steps", self.steps, "steps")
        object.__setattr__(self, "rate", np.asarray(self.rate, float))


@struct
class SGD:
    """A network without biases, of ``depth`` weight matrices and hidden layers of ``n`` units, learns ``data`` by descent on
    mini-batches of ``batch`` samples at a constant ``step_size``, a leaf: at most ``steps`` steps, until an evaluation, one
    after every ``every`` steps, finds the training ``accuracy``. Then the iterates of ``averaged`` more steps are averaged.

    Raises ValueError, naming the argument, for numbers out of range, fewer than three weight matrices, and a batch that is
    larger than the training set.
    """

    data: Labelled
    step_size: Any
    n: int = static()
    depth: int = static()
    steps: int = static()
    batch: int = static()
    averaged: int = static(default=1000)
    every: int | None = static(default=None)
    accuracy: Any = 1.0

    def __post_init__(self):
        check_count("n", self.n, "hidden units")
        check_count("depth", self.depth, "weight matrices, a first, a last and one between", 3)
        check_count("averaged", self.averaged, "steps")
        check_schedule(self)
        if np.ndim(self.step_size) or not 0 < self.step_size < np.inf:
            raise ValueError(f"step_size: {self.step_size} is not a step size; use one finite number > 0")
        for name in ("step_size", "accuracy"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), float))
