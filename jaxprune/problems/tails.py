"""Laws whose tail index is known, for trying estimators on."""

from typing import Any, ClassVar

import numpy as np

from jaxprune.checks import check_count
from jaxprune.contracts import Metric
from jaxprune.struct import static, struct

FAMILIES = ("stable", "Student", "Pareto", "Lomax")


@struct
class TailSample:
    """``n`` draws of a symmetric law with tail index ``index``, shifted by ``shift``. ``family``: "stable" (index <= 2; 2 is
    normal), "Student" (``index`` degrees of freedom), "Pareto" (|x| = u^(-1/index)), "Lomax" (|x| = u^(-1/index) - 1).

    ``family`` becomes its number among ``FAMILIES``, a leaf, so that one program does for all.
    Raises ValueError, naming the argument, for another family, or an index or count that is not positive.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("block_inverse", "1/index by block sums"),
        Metric("hill_inverse", "1/index by Hill's estimate"),
    )
    index: Any
    family: Any
    n: int = static()
    shift: Any = 0.0

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise ValueError(f"family: {self.family!r} is not known; use one of {', '.join(FAMILIES)}")
        check_count("n", self.n, "draws")
        object.__setattr__(self, "family", np.asarray(FAMILIES.index(self.family)))
        for name in ("index", "shift"):
            value = np.asarray(getattr(self, name), float)
            if value.ndim or not np.isfinite(value):
                raise ValueError(f"{name}: {getattr(self, name)!r} is not one finite number")
            object.__setattr__(self, name, value)
        if not 0 < self.index <= (2 if self.name == "stable" else np.inf):
            raise ValueError(f"index: {self.index} is no tail index of this family; use a number > 0, at most 2 if stable")

    @property
    def name(self) -> str:
        """The family in words."""
        return FAMILIES[int(self.family)]
