"""How far a mean of a few skewed numbers lies from what was expected, as a normal deviate that keeps its level.

Student's t of n numbers with skewness g > 0 falls below -x more often than for normal numbers, since samples without a large
number have a small mean and a small standard error: by the factor exp(g x^3 / (3 sqrt n)) for x = O(n^(1/6)) (Wang 2005,
Electron. J. Probab. 10, 1260; doi 10.1214/EJP.v10-289), and by exp(n h) where x grows like sqrt n, with a rate h that is
Shao's (1997, Ann. Probab. 25, 285; doi 10.1214/aop/1024404289). For Gamma laws of skewness up to 3

    h = (g u^3 / 3) (1 + u^64),    u = |t| / sqrt(n - 1 + t^2),

to within a tenth of a nat, which is Wang's factor for small u. A deviate is that of Student's probability times this factor,
for the largest skewness towards the expected mean that the samples do not exclude: their own, and two standard errors
sqrt(6/n). For such laws, and numbers with at least five moments, the level then holds within a factor of about two down to
eight numbers, and what it costs goes with n^-1/2.

Where all n numbers are equal, and an event that moves one by J at most would explain a gap g to the expected mean, its
probability is g/J or more, and that of meeting none (1 - g/J)^n or less. Arrays are NumPy's, and broadcast.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
DOUBTS = 2.0  # standard errors of a skewness
STEEPEST = 2.6  # skewness from which a larger gap would seem less unlikely
ROUNDS, CLOSE = 100, 1e-4  # of solving for what can be detected


def skewness(centred: Array, count: Array) -> Array:
    """Of samples along the first axis, bias corrected, from their distances to the mean, NaN where there is none; 0 where
    there are fewer than three numbers, or all are equal."""
    with np.errstate(all="ignore"):
        squares = centred * centred
        square, cube = (np.nansum(power, axis=0) / count for power in (squares, squares * centred))
        found = np.sqrt(count * (count - 1.0)) / (count - 2.0) * cube / square**1.5
    return np.where((count > 2) & (square > 0) & np.isfinite(found), found, 0.0)


def deviate(gap: Array, error: Array, freedom: Array, skew: Array, doubt: Array) -> Array:
    """The normal deviate of ``gap`` with standard ``error`` of ``freedom`` degrees; ``skew`` is the skewness of one of
    ``freedom + 1`` numbers whose mean has that error, and ``doubt`` its standard error. Infinite where the error is 0."""
    with np.errstate(all="ignore"):
        t = np.abs(gap) / error
        chance = _log_tail(t, freedom) + _caution(t, freedom, DOUBTS * doubt - np.sign(gap) * skew)
        z = -special.ndtri_exp(np.minimum(chance, np.log(0.5)))
    return np.copysign(np.where(error > 0, z, np.inf), gap)


def detectable(limit: float, freedom: Array, skew: Array, doubt: Array) -> Array:
    """How many standard errors a gap must have, towards the worse side, to give a deviate of ``limit``."""
    worst, chance = np.abs(skew) + DOUBTS * doubt, special.log_ndtr(-limit)
    t = np.zeros(np.broadcast(freedom, worst).shape)
    with np.errstate(all="ignore"):
        for _ in range(ROUNDS):  # from below, to the only solution, since the chance falls with t
            before, t = t, -special.stdtrit(freedom, np.exp(chance - _caution(t, freedom, worst)))
            if np.allclose(before, t, rtol=CLOSE, atol=0, equal_nan=True):
                break
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
    """The logarithm of the factor by which samples of this ``skew`` fall so far more often than normal ones."""
    u = 1 / np.sqrt(1 + freedom / np.square(t))
    return np.clip((freedom + 1) * skew, 0, STEEPEST * freedom) * u**3 / 3 * (1 + u**64)


def _log_tail(t, freedom):
    """log P(T > t) of Student's law, t >= 0; where the probability underflows, by its series in x = f / (f + t^2)."""
    near, half = special.stdtr(freedom, -t), freedom / 2
    x = freedom / (freedom + np.square(t))
    series = np.log(special.hyp2f1(half, 0.5, half + 1, x) / (2 * half)) - special.betaln(half, 0.5)
    return np.where(near > 0, np.log(near), half * (np.log(freedom) - 2 * np.log(np.hypot(t, np.sqrt(freedom)))) + series)
