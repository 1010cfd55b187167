"""Teacher coefficients beta (shape (d,)), scaled so that the signal ``sum(eigs * beta**2)`` has a given size.

Pass ``eigs = spectra.constant(d)`` and ``signal = norm**2`` to fix the l2 norm instead.
"""

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def with_signal(teacher: Vector, eigs: Vector, signal: float = 1.0) -> Vector:
    """``teacher`` rescaled so that ``sum(eigs * teacher**2) == signal``.

    Args:
        teacher: Coefficients (d,).
        eigs: Variances of the features (d,), >= 0.
        signal: The size, >= 0.

    Returns:
        Coefficients (d,).

    Raises:
        ValueError: For a teacher without a signal.
    """
    energy = float(np.sum(eigs * teacher**2))
    if not energy > 0:
        raise ValueError("teacher: its signal sum(eigs * teacher**2) is zero, so it cannot be rescaled")
    return teacher * np.sqrt(signal / energy)


def constant(eigs: Vector, signal: float = 1.0) -> Vector:
    """All coefficients equal.

    Args:
        eigs: Variances of the features (d,), >= 0.
        signal: The size of ``sum(eigs * beta**2)``, >= 0.

    Returns:
        Coefficients (d,).

    Raises:
        ValueError: Where all variances are 0.
    """
    return with_signal(np.ones(len(eigs)), eigs, signal)


def cosine(eigs: Vector, signal: float = 1.0) -> Vector:
    """``cos(i**2)`` for i = 1 .. d: no order, no repetition, no randomness.

    Args:
        eigs: Variances of the features (d,), >= 0.
        signal: The size of ``sum(eigs * beta**2)``, >= 0.

    Returns:
        Coefficients (d,).

    Raises:
        ValueError: Where all variances are 0.
    """
    return with_signal(np.cos(np.arange(1.0, len(eigs) + 1) ** 2), eigs, signal)


def power(eigs: Vector, exponent: float, signal: float = 1.0) -> Vector:
    """``i**-exponent`` for i = 1 .. d.

    Args:
        eigs: Variances of the features (d,), >= 0.
        exponent: Exponent of the power law; > 0 for falling coefficients.
        signal: The size of ``sum(eigs * beta**2)``, >= 0.

    Returns:
        Coefficients (d,).

    Raises:
        ValueError: Where all variances are 0.
    """
    return with_signal(np.arange(1.0, len(eigs) + 1) ** -float(exponent), eigs, signal)


def linear(eigs: Vector, first: float, last: float, signal: float = 1.0, alternate: bool = False) -> Vector:
    """Evenly spaced coefficients.

    Args:
        eigs: Variances of the features (d,), >= 0.
        first, last: The ends, before they are scaled.
        signal: The size of ``sum(eigs * beta**2)``, >= 0.
        alternate: Whether every other coefficient, from the second on, changes its sign.

    Returns:
        Coefficients (d,).

    Raises:
        ValueError: Where all variances are 0, or both ends.
    """
    ramp = np.linspace(first, last, len(eigs))
    signs = np.where(np.arange(len(eigs)) % 2, -1.0, 1.0) if alternate else 1.0
    return with_signal(ramp * signs, eigs, signal)


def head_and_tail(eigs: Vector, count: int, share: float, signal: float = 1.0) -> Vector:
    """Equal coefficients in the first places, and equal ones behind.

    Args:
        eigs: Variances of the features (d,), >= 0, in head and tail not all 0.
        count: How many coefficients the head has, in 1 .. d - 1.
        share: Fraction of the signal in the head, in [0, 1].
        signal: The size of ``sum(eigs * beta**2)``, >= 0.

    Returns:
        Coefficients (d,), >= 0.

    Raises:
        ValueError: For a count or a share out of range.
    """
    if not (0 < count < len(eigs) and 0 <= share <= 1):
        raise ValueError(f"count, share: {count}, {share} do not describe a head of {len(eigs)} coefficients")
    head = np.arange(len(eigs)) < count
    energy = np.where(head, share / np.sum(eigs[:count]), (1 - share) / np.sum(eigs[count:]))
    return with_signal(np.sqrt(energy), eigs, signal)
