"""Regression on random features."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import numpy as np

from jaxprune.contracts import Metric
from jaxprune.problems.least_squares import RISKS
from jaxprune.struct import count, floats, static, struct

BLOCK = 256  # rows that meet all others at a time
PARALLEL = 1e-12  # directions whose cosine is that close to one count as the same


@struct
class RandomFeatures:
    """``y = teacher(a) + noise * z`` with inputs ``a ~ N(0, I)`` of d_in entries, learnt from ``n`` samples by a model
    that is linear in ``dim`` random features ``x = activation(R a)``, where ``R_ij ~ N(0, 1/d_in)``.

    ``teacher`` (d_in,) is a linear one, ``teacher . a``. With ``inner``, ``teacher`` (k,) holds the outer weights of a
    network, ``teacher . activation(inner a)``. ``weights`` fixes R, so that a trial is conditioned on it; None: every trial
    draws its own. No row of it is zero or parallel to another: features would depend on each other. ``activation`` is an
    elementwise function: hand over the same object every time (``jax.nn.relu``, not a new lambda), because it is part of
    the compiled program. Source: Chang et al. 2020; guide/random_features.md, The model.
    """

    metrics: ClassVar[tuple[Metric, ...]] = RISKS
    teacher: Any = floats(shape="(k,)")
    noise: Any = floats("[0, inf)")
    n: int = count("samples")
    dim: int = count("features")
    activation: Callable = static(default=jax.nn.relu)
    inner: Any = floats(shape="(k, d_in)", default=None)
    weights: Any = floats(shape="(dim, d_in)", default=None)

    def __post_init__(self):
        if not callable(self.activation):
            raise ValueError(f"activation: {self.activation!r} is not a function; pass one such as jax.nn.relu")
        if self.d_in == 1 and self.dim > 2:
            raise ValueError(f"dim: {self.dim} features of one input are parallel; use more inputs, or at most 2 features")
        if self.weights is not None:
            self._check_weights()

    def _check_weights(self):
        if self.weights.shape[1] != self.d_in:
            raise ValueError(f"weights: shape {self.weights.shape} is not ({self.dim}, {self.d_in}); use one column per input")
        sizes = np.linalg.norm(self.weights, axis=1, keepdims=True)
        if not np.all(sizes):
            raise ValueError(f"weights: row {np.argmin(sizes)} is zero, so its feature does not vary; leave it out")
        closest, first, second = _closest(self.weights / sizes, signed=self.activation is jax.nn.relu)
        if closest >= 1 - PARALLEL:
            raise ValueError(f"weights: rows {first} and {second} are parallel; leave one of them out")

    @property
    def d_in(self) -> int:
        """Number of inputs."""
        return self.teacher.shape[-1] if self.inner is None else self.inner.shape[-1]


def _closest(rows, signed):
    """The largest cosine of two unit rows, and which they are, by blocks of them against those from there on. Not ``signed``:
    of the lines that they span, as tanh(h) and tanh(-h) are one feature, while relu(h) and relu(-h) are two."""
    found = (-1.0, 0, 0)
    for start in range(0, len(rows), BLOCK):
        cosine = rows[start : start + BLOCK] @ rows[start:].T
        np.fill_diagonal(cosine, 0)
        cosine = cosine if signed else np.abs(cosine)
        first, second = (int(i) for i in np.unravel_index(np.argmax(cosine), cosine.shape))
        found = max(found, (float(cosine[first, second]), *sorted((start + first, start + second))), key=lambda pair: pair[0])
    return found
