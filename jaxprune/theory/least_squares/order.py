"""The order in which features are kept: by decreasing score, ties to the lower index."""

import numpy as np
from numpy.typing import NDArray

EQUAL = 1e-12  # of two scores: less is the round-off of products and roots
SOLVED = 1e-9  # of the largest score: less is the round-off of scores that come from a solve


def descending(scores: NDArray[np.float64], solved: bool = False) -> NDArray[np.intp]:
    """Indices by decreasing score (p,), where scores that differ by round-off go by index.

    ``solved``: the scores come from a linear solve or a rotation, so that small ones are as uncertain as the largest.
    Regime: a definition. Source: guide/least_squares.md, Pruning rules.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    slack = np.maximum(EQUAL * ranked[:-1], SOLVED * ranked[0] if solved else 0.0)
    level = np.concatenate([[0], np.cumsum(ranked[:-1] - ranked[1:] > slack)])
    return order[np.lexsort((order, level))]
