"""The best frame known here for a number of vectors and a dimension."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import gains
from jaxprune.theory.two_layer.frames import basic, designs, roots

Array = NDArray[np.floating]
CENTRED: dict[tuple[int, int], tuple[str, Callable[[], Array]]] = {  # (M, d) of frames that attain the bound, with sum zero
    (10, 5): ("pairs of 5 points", designs.petersen),
    (16, 6): ("pairs of 4 points with Hadamard's matrix", designs.steiner_pairs),
    (16, 10): ("characters on the complement of a bent set", lambda: designs.bent(2, larger=True)),
    (28, 7): ("lines of the Fano plane with Hadamard's matrix", designs.steiner_fano),
    (64, 28): ("characters on a bent set", lambda: designs.bent(3)),
    (64, 36): ("characters on the complement of a bent set", lambda: designs.bent(3, larger=True)),
    (120, 35): ("lines of a projective space with Hadamard's matrix", lambda: designs.steiner_projective(3)),
    (12, 4): ("lines of Hurwitz's unit quaternions", roots.hurwitz),
    (36, 6): ("lines of the roots of E6", lambda: roots.exceptional(6)),
    (120, 8): ("lines of the roots of E8", lambda: roots.exceptional(8)),
}


class Known(NamedTuple):
    """``frame`` (M, d), what it is in words, and its ``optimum``: value, bound, gap and status."""

    frame: Array
    words: str
    optimum: gains.Optimum


def best_known(M: int, d: int) -> Known:
    """The frame of M vectors in R^d with the least simplified loss at eta = 0 that is constructed here.

    Proved are a simplex for M <= d + 1, polygons where M is no power of 2 and d = 2, and the centred frames of the catalogue;
    else the best of these, "best found" (descent finds better): a simplex and every frame of the catalogue in at most d
    dimensions, padded with zeros, some of whose vectors are repeated if it has fewer than M, the first M if it has more; and
    polygons for d = 2. Source: guide/two_layer.md, Frames; Bounds by quadrature.

    Args:
        M, d: Number of vectors and dimension, >= 1.

    Returns:
        The frame (M, d), what it is in words, and its optimum: value, bound, gap and status.

    Raises:
        ValueError: Unless M and d are integers >= 1.
    """
    M, d = arguments.integer("M", M, 1), arguments.integer("d", d, 1)
    if d + 1 >= M:
        return _known(basic.simplex(M, d), "simplex")
    if (M, d) in CENTRED:
        words, make = CENTRED[M, d]
        return _known(make(), words)
    if d == 2 and M & (M - 1):
        return _known(roots.polygons(M), "regular polygons on equally spaced lines")
    tried = [_known(_of_count(basic.simplex(d + 1, d), M), f"simplex of {d + 1}, vectors repeated")]
    if d == 2:
        tried += [_known(_of_count(basic.polygon(k), M), f"polygon of {k} corners") for k in (M, M - 1)]
    for (count, dim), (words, make) in CENTRED.items():
        if dim <= d:
            change = "vectors repeated" if count < M else f"the first {M}" if count > M else "padded"
            tried.append(_known(np.pad(_of_count(make(), M), ((0, 0), (0, d - dim))), f"{words} ({count}, {dim}), {change}"))
    return min(tried, key=lambda known: known.optimum.value)


def _known(frame: Array, words: str) -> Known:
    return Known(frame, words, gains.frame_optimum(frame))


def _of_count(frame: Array, count: int) -> Array:
    return frame[np.arange(count) % len(frame)]
