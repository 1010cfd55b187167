"""What a bound says: non-vacuous is three different things, and only the last one beats a predictor that looks at nothing.

Derivations: guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain


class Vacuity(NamedTuple):
    """Whether bounds are below 1, below the risk 1 - 1/K of guessing, and below that of the most frequent class."""

    below_one: Any
    below_chance: Any
    below_majority: Any


@arguments.broadcasts
def of(bound: ArrayLike, classes: ArrayLike, majority: ArrayLike) -> Vacuity:
    """The three levels for bounds of the error rate.

    Equation: bound < 1, bound < 1 - 1/classes, bound < 1 - majority. Regime: exact.
    Source: guide/bounds.md, Three levels of vacuity.

    Args:
        bound: Bounds of the error rate, >= 0, infinite ones included.
        classes: Number of classes, whole and >= 2.
        majority: Frequency of the most frequent class, in [1/classes, 1].

    Returns:
        Whether bounds are below each level, bools of the broadcast shape.

    Raises:
        ValueError: For bounds below 0 or NaN, fewer than two classes, and a majority that is not in [1/classes, 1].
    """
    bound = arguments.inside("bound", bound, 0, float("inf"), "[]")
    classes = arguments.whole("classes", classes, 2)
    majority = arguments.probability("majority", majority, "(]")
    if (majority * classes < 1 - 1e-9).any():
        raise ValueError(f"majority: {majority} is below 1/{classes}, so another class is more frequent; give the largest")
    return Vacuity(
        *(plain(bound < level) if bound.ndim else bool(bound < level) for level in (1, 1 - 1 / classes, 1 - majority))
    )
