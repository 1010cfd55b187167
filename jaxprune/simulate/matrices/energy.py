"""What lies beyond the largest entries, and in levels. Source: guide/matrices.md, Shares; Level sets."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_number, traced
from jaxprune.simulate.compression import compressibility


def discarded(matrix: Float[Array, "n1 n2"]) -> Float[Array, " N_plus_1"]:
    """D_s, the share of the energy beyond the ``s`` largest entries, for every s = 0 .. N at once, from one sort: 1 at s = 0
    and 0 at s = N.

    Raises ValueError for a matrix that is empty, all zero, or not finite.
    """
    return compressibility.removed_share(jnp.ravel(matrix))[::-1]


def residuals(matrix: Float[Array, "n1 n2"], kept: Sequence[int]) -> Float[Array, "k n1 n2"]:
    """What remains of a matrix without its ``kept`` largest entries, for several counts; of equal ones the lower index is kept.

    Raises ValueError for counts outside 0 .. N.
    """
    for s in kept:
        check_count("kept", s, "entries kept", 0, matrix.size)
    ranks = compressibility.ranks(jnp.abs(jnp.ravel(matrix))).reshape(matrix.shape)
    return jnp.where(ranks >= np.asarray(kept)[:, None, None], matrix, 0)


def level_counts(entries: Float[Array, "*shape"], base: ArrayLike, levels: int) -> Int[Array, " levels"]:
    """How many entries lie in each of the levels (base^(i-1), base^i], i = 1 .. levels.

    Raises ValueError unless 1 < base < inf and for fewer than one level.
    """
    check_number("base", base, "(1, inf)", "the ratio of two levels")
    check_count("levels", levels, "levels")
    ends = jnp.asarray(base, entries.dtype) ** jnp.arange(levels + 1)
    if not traced(ends) and not bool(jnp.isfinite(ends[-1])):
        raise ValueError(f"levels: the end of level {levels} is beyond {entries.dtype}; use fewer, or a smaller base")
    above = jax.lax.map(lambda end: jnp.sum(entries > end), ends)
    return above[:-1] - above[1:]
