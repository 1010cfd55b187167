"""The mean share of energy outside the largest entries of a finite Pareto sample: until ``theory.matrices`` has it, then to
be deleted."""

import functools

import numpy as np

from jaxprune.theory.compression import expected_tail_share, finite_size

CLOSE = 0.1  # tail index from which entries are floats; below, what the limit omits is N^(1 - 2/index)
FEWEST = 50


@functools.lru_cache(maxsize=4096)
def expected_discarded_fraction(s: int, tail_index: float, N: int) -> float:
    """E D_s of ``N`` independent entries with P(|x| > t) = t^-tail_index, t >= 1.

    Equation: ``finite_size.expected_share`` at the quantile p^(-1/tail_index); below index 0.1 the limit. Regime: exact, to
    about 1e-11. Source: guide/bounds.md, Half-space.
    """
    if s in (0, N):
        return float(s == 0)
    if tail_index >= CLOSE:
        return finite_size.expected_share(N, s, lambda p: p ** (-1 / tail_index), min(1.0, 2 * tail_index))
    if N < FEWEST:
        raise ValueError(
            f"tail_index: {tail_index} of {N} entries is below {CLOSE}, where fewer than {FEWEST} have no value here"
        )
    return float(np.asarray(expected_tail_share(tail_index, 2.0, s)))
