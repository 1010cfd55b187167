"""Code lengths in nats: of sparse layers, of files, of choices.

A code must be fixed before the data. What depends on them, such as which weights are kept, has to be in it. Derivations:
guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain
from jaxprune.theory.numerics.gamma import log_ratio

LOG2 = np.log(2.0)
GRID_BITS = 64  # two single-precision ends of the grid of values
MOST_BITS = 24  # of a value: those of a single-precision number
COUNTED = 2.0**53  # up to which floats are whole numbers
LENGTH_BITS = 72  # of the length of a file, in Zhou et al. (2019)
PRIORS = ("square", "printed", "uniform")
FIXED_SUPPORT = "which weights are kept was fixed before the data"


class Code(NamedTuple):
    """``nats`` of a description, and what else it ``assumes`` beside a prior that was fixed before the data."""

    nats: float
    assumes: tuple[str, ...] = ()


@arguments.broadcasts
def sparse_code_nats(n1: ArrayLike, n2: ArrayLike, s: ArrayLike, value_bits: ArrayLike):
    """The code length of ``s`` non-zero entries of an n1 x n2 matrix, which may be chosen after the data.

    Equation: log(N+1) + log C(N, s) + s (1 + value_bits) log 2, and 64 log 2 if s > 0, with N = n1 n2: their number, which they
    are, a sign and a value of each on a logarithmic grid, and the two ends of the grid. Regime: exact; a sum over s of it has a
    Kraft sum of at most 1, so that the least over s is free. Source: guide/bounds.md, Code of a sparse layer.

    Args:
        n1, n2: Numbers of rows and columns, whole and >= 1, of at most 2^53 entries.
        s: Number of non-zero entries, whole, 0 <= s <= n1 n2.
        value_bits: Bits of the magnitude of a value, whole, 1 .. 24.

    Returns:
        The length in nats, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless the sizes are whole, 0 <= s <= N <= 2^53 and 1 <= value_bits <= 24.
    """
    total, s, bits = _layer(n1, n2, s, value_bits)
    return plain(np.log1p(total) + log_binomial(total, s) + _values(s, bits))


@arguments.broadcasts
def coordinates_nats(n1: ArrayLike, n2: ArrayLike, s: ArrayLike, value_bits: ArrayLike):
    """As ``sparse_code_nats``, with a row and a column for every entry in whole bits: what "row, column, value" costs.

    Equation: log(N+1) + s (ceil(log2 n1) + ceil(log2 n2) + 1 + value_bits) log 2, and 64 log 2 if s > 0. Regime: exact; at
    least log s! longer than need be. Source: guide/bounds.md, Code of a sparse layer.

    Args:
        n1, n2: Numbers of rows and columns, whole and >= 1, of at most 2^53 entries.
        s: Number of non-zero entries, whole, 0 <= s <= n1 n2.
        value_bits: Bits of the magnitude of a value, whole, 1 .. 24.

    Returns:
        The length in nats, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: As ``sparse_code_nats`` does.
    """
    total, s, bits = _layer(n1, n2, s, value_bits)
    index = sum(_index_bits(n) for n in (n1, n2))
    return plain(np.log1p(total) + s * index * LOG2 + _values(s, bits))


@arguments.broadcasts
def values_only(s: ArrayLike, value_bits: ArrayLike) -> Code:
    """The code length of the signs and values of ``s`` entries alone: no code where they were chosen after the data.

    Equation: s (1 + value_bits) log 2, "q log r" with q = s. Regime: exact, if the support and the grid were fixed before the
    data. Source: guide/bounds.md, Code of a sparse layer.

    Args:
        s: Number of entries, whole and >= 1.
        value_bits: Bits of the magnitude of a value, whole, 1 .. 24.

    Returns:
        The length in nats, of the broadcast shape, with what it assumes.

    Raises:
        ValueError: Unless s >= 1 is whole and 1 <= value_bits <= 24.
    """
    s, bits = arguments.whole("s", s), _value_bits(value_bits)
    return Code(plain(s * (1 + bits) * LOG2), (FIXED_SUPPORT, "the grid of values was fixed before the data"))


def file_nats(bits: ArrayLike, prior: str = "square"):
    """The code length of a file of ``bits`` bits, its length included.

    Equation: bits log 2, and for the length 2 log bits + log(pi^2/6) ("square"), 2 log bits ("printed", whose Kraft sum is
    above 1: nothing is proved by it), or 72 log 2 ("uniform", lengths below 2^72; Zhou et al. 2019, arXiv 1804.05862). Regime:
    exact. Source: guide/bounds.md, Compressed size.

    Args:
        bits: Bits of the file, whole and >= 1.
        prior: Prior of the length, "square", "printed" or "uniform".

    Returns:
        The length in nats, > 0, of the shape of ``bits``; a float for a scalar.

    Raises:
        ValueError: Unless ``bits`` is whole and >= 1, for 2^72 bits or more with "uniform", and for another prior.
    """
    bits, prior = arguments.whole("bits", bits), arguments.choice("prior", prior, PRIORS)
    if prior == "uniform":
        if np.any(bits >= 2.0**LENGTH_BITS):
            raise ValueError(f"bits: {arguments.shown(bits)} is no length below 2^72, as this prior needs; use prior='square'")
        return plain((bits + LENGTH_BITS) * LOG2)
    extra = np.log(np.pi**2 / 6) if prior == "square" else 0.0
    return plain(bits * LOG2 + 2 * np.log(bits) + extra)


def choice_nats(*counts: ArrayLike):
    """What choices cost that were made after the data, each among as many as counted: the sum of log(count).

    Equation: sum log counts, a uniform prior over settings. Regime: exact. Source: guide/bounds.md, Choices are paid.

    Args:
        *counts: Of every choice among how many it was made, whole and >= 1.

    Returns:
        The length in nats, >= 0, of the broadcast shape; a float for scalars and for no choice.

    Raises:
        ValueError: Unless counts are whole and >= 1.
    """
    arguments.fit({f"counts[{place}]": count for place, count in enumerate(counts)})
    return plain(sum((np.log(arguments.whole("counts", count)) for count in counts), np.zeros(())))


@arguments.broadcasts
def log_binomial(total: ArrayLike, s: ArrayLike):
    """log C(total, s), to its last digits where both are huge.

    Equation: log Gamma(N+1)/Gamma(N-s+1) - log Gamma(s+1) with s and N - s exchanged where s is the larger; ratios without the
    cancellation of logarithms. Regime: exact. Source: guide/bounds.md, Code of a sparse layer.

    Args:
        total, s: Whole numbers, 0 <= s <= total and 1 <= total <= 2^53.

    Returns:
        The logarithm, >= 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless whole, 0 <= s <= total and 1 <= total <= 2^53.
    """
    total, s = np.broadcast_arrays(arguments.whole("total", total), arguments.whole("s", s, 0))
    if np.any(total > COUNTED) or np.any(s > total):
        given = f"{arguments.shown(s)} of {arguments.shown(total)}"
        raise ValueError(f"s, total: {given} is no count up to 2^53; choose 0 <= s <= total")
    few = np.minimum(s, total - s)
    return plain(np.where(few == 0, 0.0, log_ratio(total - few + 1, few) - special.gammaln(few + 1)))


def _layer(n1: ArrayLike, n2: ArrayLike, s: ArrayLike, value_bits: ArrayLike) -> tuple[Array, Array, Array]:
    """Entries, kept entries and bits of a value."""
    total, s = arguments.whole("n1", n1) * arguments.whole("n2", n2), arguments.whole("s", s, 0)
    if np.any(total > COUNTED):
        given = f"{arguments.shown(n1)} x {arguments.shown(n2)}"
        raise ValueError(f"n1, n2: {given} are more than the 2^53 entries that floats can count; code parts of the matrix")
    if np.any(s > total):
        raise ValueError(f"s: {arguments.shown(s)} exceeds n1 n2 = {total}; keep at most all of them")
    return total, s, _value_bits(value_bits)


def _value_bits(value_bits: ArrayLike) -> Array:
    bits = arguments.whole("value_bits", value_bits)
    return arguments.inside("value_bits", bits, 1, MOST_BITS, "[]", "use the width of a quantiser")


def _values(s: Array, bits: Array) -> Array:
    return s * (1 + bits) * LOG2 + np.where(s > 0, GRID_BITS * LOG2, 0.0)


def _index_bits(n: ArrayLike) -> Array:
    """ceil(log2 n) of whole numbers, without rounding."""
    mantissa, exponent = np.frexp(arguments.whole("n", n))
    return exponent - (mantissa == 0.5)
