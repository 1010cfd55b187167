"""A bound without data: sign(w.x) with heavy-tailed weights, replaced by the sign of its largest weights.

Derivations: guide/bounds.md.
"""

from typing import NamedTuple

import numpy as np

from jaxprune.theory import arguments
from jaxprune.theory.bounds import codes, occam
from jaxprune.theory.matrices.required import LARGEST_SIZE, LEAST_INDEX, expected_discarded_fraction

POINTS = 33  # first counts, evenly spaced in their logarithm
GOLDEN = (np.sqrt(5) - 1) / 2
JENSEN = 0.155  # share of energy up to which the chord from (1, 1/2) lies above the disagreement's curve


class HalfSpace(NamedTuple):
    """The ``bound``, how many weights are ``kept``, the ``disagreement`` with the label and the code length ``nats`` there, and
    whether it is ``proved`` to bound the mean, as far as concavity goes."""

    bound: float
    kept: int
    disagreement: float
    nats: float
    proved: bool


def half_space_bound(tail_index: float, d: int, m: int, delta: float, value_bits: int) -> HalfSpace:
    """The least bound over kept counts s of the error rate of the s largest of ``d`` weights, on ``m`` samples.

    Equation: min over s of kl_inverse(arcsin(sqrt(E D_s))/pi, (nats(s) + log(1/delta))/m), D_s the share of energy outside
    the s largest of d Pareto weights of ``tail_index``, exactly; nats(s) is ``sparse_code_nats(1, d, s, value_bits)``.
    Regime: for x isotropic Gaussian; bounds the mean over weights of the best ``occam_kl`` where E D_s <= 0.155
    (concavity), with values not yet rounded; too high by 1 to 3 % at index 1.5, by 13 to 22 % at 1, by 28 to 64 % at 0.5.
    Source: guide/bounds.md, Half-space.

    Args:
        tail_index: Index of the weights, in [0.02, 2).
        d: Number of weights, an integer in 1 .. 1e15.
        m: Number of samples, an integer >= 1.
        delta: Probability of failure, in (0, 1).
        value_bits: Bits of the magnitude of a value, an integer in 1 .. 24.

    Returns:
        The least bound, with the kept count, disagreement and code length in nats there, and whether it is proved.

    Raises:
        ValueError: Unless the index is in [0.02, 2), sizes are integers, d at most 1e15, delta in (0, 1) and value_bits in 1 ..
            24.
    """
    search = _Search(tail_index, d, m, delta, value_bits)
    total = search.total
    grid = np.unique(np.round(np.geomspace(1, total, POINTS)).astype(int)).tolist()
    best = min((search.at(s) for s in (0, total)), key=lambda found: found.bound)
    for s in grid:
        if search.least(s) < best.bound:
            best = min(best, search.at(s), key=lambda found: found.bound)
    place = grid.index(best.kept) if best.kept else 0
    return min(
        best, search.between(grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]), key=lambda found: found.bound
    )


def half_space_at(s: int, tail_index: float, d: int, m: int, delta: float, value_bits: int) -> HalfSpace:
    """As ``half_space_bound``, for one kept count.

    Equation, regime: as there. Source: guide/bounds.md, Half-space.

    Args:
        s: Kept count, an integer in 0 .. d.
        tail_index: Index of the weights, in [0.02, 2).
        d: Number of weights, an integer in 1 .. 1e15.
        m: Number of samples, an integer >= 1.
        delta: Probability of failure, in (0, 1).
        value_bits: Bits of the magnitude of a value, an integer in 1 .. 24.

    Returns:
        The bound, with the kept count, disagreement and code length in nats, and whether it is proved.

    Raises:
        ValueError: As ``half_space_bound`` does, and unless s is an integer in 0 .. d.
    """
    search = _Search(tail_index, d, m, delta, value_bits)
    return search.at(arguments.integer("s", s, 0, search.total))


def half_space_samples(tail_index: float, d: int, bound: float, delta: float, value_bits: int) -> int:
    """The least number of samples at which ``half_space_bound`` is at most ``bound``.

    Equation: as there, by bisection: a bound falls as samples grow. Regime: as there. Source: guide/bounds.md, Half-space.

    Args:
        tail_index: Index of the weights, in [0.02, 2).
        d: Number of weights, an integer in 1 .. 1e15.
        bound: Error rate to reach, in (0, 1/2).
        delta: Probability of failure, in (0, 1).
        value_bits: Bits of the magnitude of a value, an integer in 1 .. 24.

    Returns:
        The number of samples, in 1 .. 2^53.

    Raises:
        ValueError: As ``half_space_bound`` does, for a bound outside, and where more than 2^53 samples are asked for.
    """
    target = float(arguments.inside("bound", bound, 0, 0.5, cure="give an error rate below that of guessing"))

    def enough(m: int) -> bool:
        return half_space_bound(tail_index, d, m, delta, value_bits).bound <= target

    high = next((2**k for k in range(54) if enough(2**k)), None)
    if high is None:
        raise ValueError(f"bound: {target:g} asks for more than 2^53 samples; give a larger one")
    low = high // 2
    while high - low > 1:
        low, high = (low, middle) if enough(middle := (low + high) // 2) else (middle, high)
    return high


class _Search:
    """Bounds of one problem by kept count."""

    def __init__(self, tail_index: float, d: int, m: int, delta: float, value_bits: int):
        self.tail_index = arguments.non_negative("tail_index", tail_index)
        low = self.tail_index < LEAST_INDEX
        cure = "the integral over its weights is had from 0.02 on" if low else "from 2 on the energy is spread over all weights"
        arguments.inside("tail_index", tail_index, LEAST_INDEX, 2, "[)", cure)
        self.total, self.m = arguments.integer("d", d, 1, int(LARGEST_SIZE)), arguments.integer("m", m, 1)
        self.delta, self.bits = (
            float(arguments.probability("delta", delta)),
            arguments.integer("value_bits", value_bits, 1, codes.MOST_BITS),
        )

    def nats(self, s: int) -> float:
        return float(codes.sparse_code_nats(1, self.total, s, self.bits))

    def least(self, s: int) -> float:
        """What the bound cannot be below: that without errors."""
        return float(occam.occam_kl(0.0, self.nats(s), self.m, self.delta))

    def at(self, s: int) -> HalfSpace:
        share = min(max(expected_discarded_fraction(s, self.tail_index, self.total), 0.0), 1.0)
        wrong = float(np.arcsin(np.sqrt(share)) / np.pi)
        nats = self.nats(s)
        return HalfSpace(float(occam.occam_kl(wrong, nats, self.m, self.delta)), s, wrong, nats, share <= JENSEN)

    def between(self, low: int, high: int) -> HalfSpace:
        """The least by sections in the golden ratio, as errors fall and codes grow."""
        while high - low > 8:
            left, right = (round(high - GOLDEN * (high - low)), round(low + GOLDEN * (high - low)))
            low, high = (low, right) if self.at(left).bound <= self.at(right).bound else (left, high)
        return min((self.at(s) for s in range(low, high + 1)), key=lambda found: found.bound)
