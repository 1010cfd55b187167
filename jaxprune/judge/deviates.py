"""How far a mean of a few skewed numbers lies from what was expected, as a normal deviate that keeps its level.

Student's t of n numbers with skewness g > 0 falls below -x more often than for normal numbers, by the factor
exp(g x^3 / (3 sqrt n)) (Wang 2005, Electron. J. Probab. 10, 1260, for x = O(n^(1/6)); doi 10.1214/EJP.v10-289): samples
without a large number have a small mean and a small standard error. A deviate is therefore divided by

    1 + (2/3) G u,    u = |t| / sqrt(n - 1 + t^2),

where G is the largest skewness towards the expected mean that the samples do not exclude: their own, and two standard
errors sqrt(6/n). For numbers with at least five moments the level then holds within a factor of about two down to ten
numbers, and what it costs goes with n^-1/2.

Where all n numbers are equal, and an event that moves one by J at most would explain a gap g to the expected mean, its
probability is g/J or more, and that of meeting none (1 - g/J)^n or less. Arrays are NumPy's, and broadcast.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
CAUTION = 2 / 3
DOUBTS = 2.0  # standard errors of a skewness


def skewness(centred: Array, count: Array) -> Array:
    """Of samples along the first axis, bias corrected, from their distances to the mean, NaN where there is none; 0 where
    there are fewer than three numbers, or all are equal."""
    with np.errstate(all="ignore"):
        square, cube = (np.nansum(centred**power, axis=0) / count for power in (2, 3))
        found = np.sqrt(count * (count - 1.0)) / (count - 2.0) * cube / square**1.5
    return np.where((count > 2) & (square > 0) & np.isfinite(found), found, 0.0)


def deviate(gap: Array, error: Array, freedom: Array, skew: Array, doubt: Array) -> Array:
    """The normal deviate of ``gap`` with standard ``error`` of ``freedom`` degrees; ``skew`` is the skewness of one of
    ``freedom + 1`` numbers whose mean has that error, and ``doubt`` its standard error. Infinite where the error is 0."""
    with np.errstate(all="ignore"):
        t = np.abs(gap) / error
        z = -special.ndtri_exp(_log_tail(t, freedom)) / _caution(t, freedom, -np.sign(gap) * skew + DOUBTS * doubt)
    return np.copysign(np.where(error > 0, z, np.inf), gap)


def detectable(limit: float, freedom: Array, skew: Array, doubt: Array) -> Array:
    """How many standard errors a gap must have, towards the worse side, to give a deviate of ``limit``."""
    worst = np.abs(skew) + DOUBTS * doubt
    t = np.full(np.broadcast(freedom, worst).shape, np.inf)
    with np.errstate(all="ignore"):
        for _ in range(20):  # from above, where the caution is largest; a step leaves a fifth of what is left, or less
            t = -special.stdtrit(freedom, special.ndtr(-limit * _caution(t, freedom, worst)))
    return t


def deviate_unmet(gap: Array, jump: Array, count: Array, error: Array) -> Array:
    """The normal deviate of ``gap`` where ``count`` equal numbers have met no event of this ``jump``, and what was expected has
    a standard ``error``; the events have half of the level, since numbers that met one are tested too."""
    with np.errstate(all="ignore"):
        chance = count * np.log1p(-np.minimum(np.abs(gap) / jump, 1.0))
        z = np.maximum(-special.ndtri_exp(chance), 0.0)
        return np.copysign(1 / np.hypot(1 / z, error / np.abs(gap)), gap)


def detectable_unmet(limit: float, jump: Array, count: Array) -> Array:
    """The gap that gives a deviate of ``limit`` where no event was met."""
    return -jump * np.expm1(special.log_ndtr(-limit) / count)


def _caution(t, freedom, skew):
    return 1 + CAUTION * np.maximum(skew, 0) / np.sqrt(1 + freedom / np.square(t))


def _log_tail(t, freedom):
    """log P(T > t) of Student's law, t >= 0; where the probability underflows, by its series in x = f / (f + t^2)."""
    near, half = special.stdtr(freedom, -t), freedom / 2
    x = freedom / (freedom + np.square(t))
    series = np.log(special.hyp2f1(half, 0.5, half + 1, x) / (2 * half)) - special.betaln(half, 0.5)
    return np.where(near > 0, np.log(near), half * (np.log(freedom) - 2 * np.log(np.hypot(t, np.sqrt(freedom)))) + series)
