"""Orthonormal teachers: a critical point above loss 0 of d neurons that learn d others."""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from jaxprune.theory import arguments
from jaxprune.theory.two_layer.inputs import Array
from jaxprune.theory.two_layer.population import loss_gradient

START = (1.0, 0.0, 2.0, 2.0, -0.6)  # the third and fourth are to be divided by d


def symmetric_minimum(dim: int) -> tuple[float, Array]:
    """Of ``dim`` ReLU neurons of output weight 1 against the unit vectors: a critical point at which the last neuron points
    away from the last teacher and all others are alike and lean to it.

    Equation: the gradient's means over the five kinds of entries vanish. Regime: exact, to the round-off of ``loss_gradient``;
    found numerically, not proved to be the only one. Source: guide/two_layer.md, Orthonormal teachers.

    Args:
        dim: Number d of neurons, of teachers and of inputs, an integer >= 3.

    Returns:
        (loss, rows (d, d)), the loss E(f* - f)^2 / 2.

    Raises:
        ValueError: For what is no integer, fewer than three neurons, and where no root is found.
    """
    if arguments.integer("dim", dim, 1) < 3:
        raise ValueError(f"dim: {dim} neurons have no such point above loss 0; use 3 or more")
    kinds, ones, teachers = _kinds(dim), np.ones(dim), np.eye(dim)

    def slope(entries: Array) -> Array:
        _, rows, _ = loss_gradient(entries[kinds], ones, teachers, ones)
        return np.array([np.mean(rows[kinds == kind]) for kind in range(len(START))])

    start = np.array(START) / [1, 1, dim, dim, 1]
    found = optimize.root(slope, start, tol=1e-13)
    if np.max(np.abs(slope(found.x))) > 1e-10:
        raise ValueError(f"dim: no critical point was found for {dim} neurons; {found.message}")
    rows = found.x[kinds]
    return loss_gradient(rows, ones, teachers, ones)[0] / 2, rows


def _kinds(dim: int) -> NDArray[np.int64]:
    """Which entries are equal: the diagonal, the rest of the like neurons, their last, those of the last neuron, the corner."""
    kinds = np.where(np.eye(dim, dtype=bool), 0, 1)
    kinds[:-1, -1], kinds[-1, :-1], kinds[-1, -1] = 2, 3, 4
    return kinds
