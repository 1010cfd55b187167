"""Matrices with independent heavy-tailed entries."""

from typing import Any, ClassVar

from jaxprune.contracts import Metric
from jaxprune.struct import choice, count, number, struct

LAWS = ("pareto", "stable", "student")
SHARE = "share of the squared Frobenius norm"


@struct
class HeavyTailedMatrix:
    """``rows`` x ``columns`` independent symmetric entries with P(|a| > t) ~ C t^-tail_index.

    ``law``: "pareto", |a| = U^(-1/tail_index), a power at every t >= 1; "stable", symmetric stable of unit scale, tail_index
    <= 2, that of index 2 is N(0, 2); "student", Student's t with tail_index degrees of freedom.

    Raises ValueError, naming the argument. Source: guide/matrices.md, Setting.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("discarded", f"{SHARE} beyond the largest entries"),
        Metric("entry_participation", "sum of fourth powers of the entries over the square of that of squares"),
        Metric("norm_over_largest", "operator norm over the largest entry"),
        Metric("norm_over_spike", "operator norm over that of the largest entry on a bulk of the others"),
        Metric("log_norm", "operator norm", scale="logarithm"),
        Metric("norm_residual", "of the power iteration, relative to the square of the norm"),
        Metric("entry_gap", "relative gap of the two largest entries"),
        Metric("output_gap", "relative gap of the two largest coordinates of A x"),
        Metric("output_participation", "sum of fourth powers of the coordinates of A x over the square of that of squares"),
        Metric("agreement", "whether A x and the kept part of A x have the same largest coordinate"),
        Metric("survival", "whether noise on x leaves the largest coordinate of A x where it is"),
        Metric("count_above", "entries above a fraction tau of the Frobenius norm", unit="entries"),
        Metric("tail_exponent", "tail index of the eigenvalues of A'A by Hill's estimate, plus one"),
        Metric("log_eigenvalue", "eigenvalue of A'A over the square of the largest entry", scale="logarithm"),
    )
    tail_index: Any = number("(0, inf)")
    rows: int = count("rows")
    columns: int = count("columns")
    law: str = choice(*LAWS, default="pareto")

    def __post_init__(self):
        if self.law == "stable" and self.tail_index > 2:
            raise ValueError(
                f"tail_index: {self.tail_index} is no index of a stable law; use a number in (0, 2], or another law"
            )

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.rows * self.columns


@struct
class LevelSets:
    """``draws`` sets of ``entries`` independent symmetric stable numbers, and levels (base^(i-1), base^i], i = 1 .. ``levels``,
    of which level i may hold base^(levels - i): then all have the same sum.

    Raises ValueError, naming the argument. Source: guide/matrices.md, Level sets.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("in_level", "share of the entries in a level"),
        Metric("full_level", "share of the sets of which a level holds at least as many entries as it may"),
    )
    tail_index: Any = number("(0, 2)")
    entries: int = count("entries of a set")
    levels: int = count("levels", default=5)
    draws: int = count("sets", default=200)
    base: Any = number("(1, inf)", default=1.3)
