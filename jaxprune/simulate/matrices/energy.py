"""What lies beyond the largest entries, and in levels. Source: guide/matrices.md, Shares; Level sets."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.problems import LevelSets
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.stable import Symmetric


def discarded(matrix: Float[Array, "n1 n2"]) -> Float[Array, " N_plus_1"]:
    """D_s, the share of the energy beyond the ``s`` largest entries, for every s = 0 .. N at once, from one sort.

    Args:
        matrix: Real numbers (n1, n2), N in all.

    Returns:
        Shares (N + 1,), from 1 at s = 0 to 0 at s = N.

    Raises:
        ValueError: For a matrix that is empty, all zero, or not finite.
    """
    return compressibility.removed_share(jnp.ravel(matrix))[::-1]


def residuals(matrix: Float[Array, "n1 n2"], kept: Sequence[int]) -> Float[Array, "k n1 n2"]:
    """What remains of a matrix without its largest entries, for several counts; of equal ones the lower index is kept.

    Args:
        matrix: Real numbers (n1, n2), N in all.
        kept: How many of the largest are left out, k integers in 0 .. N.

    Returns:
        Matrices (k, n1, n2), with zeros in place of the largest.

    Raises:
        ValueError: For counts outside 0 .. N.
    """
    for s in kept:
        check_count("kept", s, "entries kept", 0, matrix.size)
    ranks = compressibility.ranks(jnp.abs(jnp.ravel(matrix))).reshape(matrix.shape)
    return jnp.where(ranks >= np.asarray(kept)[:, None, None], matrix, 0)


def level_counts(key: Key[Array, ""], problem: LevelSets) -> Int[Array, "draws levels"]:
    """How many entries of each set lie in each of its levels. Compared by logarithms, so that no level is beyond the floats.

    Args:
        key: One typed JAX key.
        problem: Gives the law of the entries, the number of sets, and the levels, which positive entries alone reach.

    Returns:
        Counts (draws, levels).
    """
    sign, log = Symmetric(problem.tail_index).log_sample(key, (problem.draws, problem.entries))
    ends = jnp.log(jnp.asarray(problem.base, log.dtype)) * jnp.arange(problem.levels + 1)
    above = jnp.stack([jnp.sum((sign > 0) & (log > end), axis=1) for end in ends], axis=1)
    return above[:, :-1] - above[:, 1:]
