"""What the theory of heavy-tailed matrices accepts: tail indices, counts that fit, and results that floats can hold."""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain

STEEPEST = 1e6  # largest power of 1/u whose moments are had: relative errors grow with it, to 1e-9 here


def tail_index(value: ArrayLike) -> Array:
    """Tail indices, finite and > 0."""
    return arguments.positive("tail_index", value, "give alpha of P(|a| > t) ~ C t^-alpha")


def heavy(value: ArrayLike, cure: str = "from 2 on the energy is spread over all entries, see kept_fraction") -> Array:
    """Tail indices in (0, 2), where the largest entries carry the energy."""
    return arguments.inside("tail_index", value, 0, 2, "()", cure)


def light(value: ArrayLike) -> Array:
    """Tail indices above 2, where entries have a variance."""
    return arguments.inside("tail_index", value, 2, np.inf, "()", "up to 2 the energy has no mean, see entries_for_frobenius")


def kept_of(s: ArrayLike, N: ArrayLike, low: int = 0) -> tuple[Array, Array]:
    """Kept counts from ``low`` to the size."""
    kept, size = arguments.whole("s", s, low), arguments.whole("N", N)
    if np.any(kept > size):
        raise ValueError(f"s: {arguments.shown(s)} exceeds N = {arguments.shown(N)}; keep at most all entries")
    return kept, size


def moderate(power: Array) -> Array:
    """Powers of 1/u whose digits can be had."""
    if np.any(wrong := np.abs(power) > STEEPEST):
        steep = power[wrong].flat[0]
        raise ValueError(f"tail_index: the moment takes the power {steep:g} of a uniform number; keep it below {STEEPEST:g}")
    return power


def representable(name: str, value: ArrayLike, cure: str, infinite: ArrayLike = False):
    """A result as it is returned, where it is a float; ``infinite`` tells where it is truly so."""
    if np.any(~np.isfinite(value) & ~np.asarray(infinite)):
        raise ValueError(f"{name}: the result is beyond the largest float, about 1e308; {cure}")
    return plain(value)


def whole_above(x: ArrayLike) -> Array:
    """The least whole number >= x > 0, forgiving round-off in x; at least 1."""
    return np.maximum(np.ceil(np.asarray(x) * (1 - 1e-14)), 1.0)
