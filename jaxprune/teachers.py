"""Teacher coefficients beta (shape (d,)), scaled so that the signal ``sum(eigs * beta**2)`` has a given size.

Pass ``eigs = spectra.constant(d)`` and ``signal = norm**2`` to fix the l2 norm instead.
"""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def with_signal(teacher: Vector, eigs: Vector, signal: float = 1.0) -> Vector:
    """``teacher`` rescaled so that ``sum(eigs * teacher**2) == signal``."""
    energy = float(np.sum(eigs * teacher**2))
    if not energy > 0:
        raise ValueError("teacher: its signal sum(eigs * teacher**2) is zero, so it cannot be rescaled")
    return teacher * np.sqrt(signal / energy)


def constant(eigs: Vector, signal: float = 1.0) -> Vector:
    """All coefficients equal."""
    return with_signal(np.ones(len(eigs)), eigs, signal)


def cosine(eigs: Vector, signal: float = 1.0) -> Vector:
    """``cos(i**2)`` for i = 1 .. d: no order, no repetition, no randomness."""
    return with_signal(np.cos(np.arange(1.0, len(eigs) + 1) ** 2), eigs, signal)


def power(eigs: Vector, exponent: float, signal: float = 1.0) -> Vector:
    """``i**-exponent`` for i = 1 .. d."""
    return with_signal(np.arange(1.0, len(eigs) + 1) ** -float(exponent), eigs, signal)


def linear(eigs: Vector, first: float, last: float, signal: float = 1.0, alternate: bool = False) -> Vector:
    """Evenly spaced from ``first`` to ``last``, with alternating signs on request."""
    ramp = np.linspace(first, last, len(eigs))
    signs = np.where(np.arange(len(eigs)) % 2, -1.0, 1.0) if alternate else 1.0
    return with_signal(ramp * signs, eigs, signal)


def head_and_tail(eigs: Vector, count: int, share: float, signal: float = 1.0) -> Vector:
    """Equal coefficients in the first ``count`` places holding ``share`` of the signal, equal ones behind."""
    if not (0 < count < len(eigs) and 0 <= share <= 1):
        raise ValueError(f"count, share: {count}, {share} do not describe a head of {len(eigs)} coefficients")
    head = np.arange(len(eigs)) < count
    energy = np.where(head, share / np.sum(eigs[:count]), (1 - share) / np.sum(eigs[count:]))
    return with_signal(np.sqrt(energy), eigs, signal)
