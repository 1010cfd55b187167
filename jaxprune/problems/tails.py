"""Laws whose tail index is known, for trying estimators on."""

from typing import Any, ClassVar

import numpy as np

from jaxprune.contracts import Metric
from jaxprune.struct import count, leaf, number, struct

FAMILIES = ("stable", "Student", "Pareto", "Lomax")


def _number_of(name: str, value: Any) -> np.ndarray:
    """The number of a family."""
    if value not in FAMILIES:
        raise ValueError(f"{name}: {value!r} is unknown; use one of {', '.join(FAMILIES)}")
    return np.asarray(FAMILIES.index(value))


@struct
class TailSample:
    """``n`` draws of a symmetric law with tail index ``index``, shifted by ``shift``. ``family``: "stable" (index <= 2; 2 is
    normal), "Student" (``index`` degrees of freedom), "Pareto" (|x| = u^(-1/index)), "Lomax" (|x| = u^(-1/index) - 1).

    ``family`` becomes its number among ``FAMILIES``, a leaf, so that one program does for all.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("block_inverse", "1/index by block sums"),
        Metric("hill_inverse", "1/index by Hill's estimate"),
    )
    index: Any = number("(0, inf)")
    family: Any = leaf(_number_of)
    n: int = count("draws")
    shift: Any = number(default=0.0)

    def __post_init__(self):
        if self.name == "stable" and self.index > 2:
            raise ValueError(f"index: {self.index} is no index of a stable law; use a number in (0, 2], or another family")

    @property
    def name(self) -> str:
        """The family in words."""
        return FAMILIES[int(self.family)]
