"""Gaussians outside an interval: the moments that magnitude pruning needs, and the threshold that keeps a count.

Throughout X_i ~ N(mean_i, sd_i^2) independently with sd_i > 0, X_i = mean_i + sd_i h_i, and X_i is kept when
``weight_i |X_i| > t``. With ``centre = mean/sd`` and ``cut = t/(weight sd)`` the event is ``|centre + h| > cut``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]


class Moments(NamedTuple):
    """Over the event K that X is kept: ``share`` = P(K), ``lost`` = 1 - P(K) without cancellation,
    ``first`` = E[h; K], ``second`` = E[h^2; K], ``excess`` = E[h^2 - 1; K]."""

    share: Array
    lost: Array
    first: Array
    second: Array
    excess: Array


def moments(centre: Array, cut: Array) -> Moments:
    """Moments of h ~ N(0, 1) over |centre + h| > cut, elementwise.

    Equation: with a = cut - centre, c = -cut - centre: P = Phi(-a) + Phi(c), E[h] = phi(a) - phi(c),
    E[h^2 - 1] = a phi(a) - c phi(c). Regime: exact, any cut >= 0 (infinity included).
    Source: truncated normal moments, (10) of guide/least_squares.md, centred so that
    risks are sums of squares.
    """
    upper, lower = cut - centre, -cut - centre
    up, low = _density(upper), _density(lower)
    share = ndtr(-upper) + ndtr(lower)
    size = np.abs(centre)
    lost = ndtr(cut - size) - ndtr(-cut - size)
    excess = _times(upper, up) - _times(lower, low)
    return Moments(share, lost, up - low, share + excess, excess)


def threshold(mean: Array, sd: Array, weight: Array, kept: NDArray[np.int64]) -> Array:
    """The t at which ``kept`` of the X_i exceed it on average, for each entry of ``kept`` (K,).

    Equation: sum_i P(weight_i |X_i| > t) = kept. Regime: exact, 0 < kept < len(mean).
    Method: Newton steps inside a bracket that every step tightens; all of ``kept`` at once.
    Source: guide/least_squares.md, The risk after pruning.
    """
    target, centre, scale = kept[:, None].astype(float), mean / sd, weight * sd
    high = np.full_like(target, np.max(weight * (np.abs(mean) + 10 * sd)))
    while np.any(short := _count(centre, high / scale)[0] > target):
        high = np.where(short, 2 * high, high)
    low = np.zeros_like(high)
    t = np.sort(weight * np.hypot(mean, sd))[::-1][kept][:, None]
    for _ in range(200):
        count, density = _count(centre, t / scale)
        low, high = np.where(count > target, t, low), np.where(count > target, high, t)
        with np.errstate(all="ignore"):
            newton = t + (count - target) / np.sum(density / scale, axis=-1, keepdims=True)
        step = np.where((newton >= low) & (newton <= high), newton, 0.5 * (low + high))
        # Round-off in the count can keep the last digit of t from standing still.
        done = (np.abs(step - t) <= 4e-16 * np.abs(t)) | (np.abs(count - target) <= 4e-15 * target)
        t = step
        if np.all(done):
            break
    return t[:, 0]


def _count(centre, cut):
    """Expected number beyond ``cut`` (K, p), and the density of |centre + h| there."""
    upper, lower = cut - centre, -cut - centre
    count = np.sum(ndtr(-upper) + ndtr(lower), axis=-1, keepdims=True)
    return count, _density(upper) + _density(lower)


def _density(z):
    with np.errstate(under="ignore", over="ignore"):
        return np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)


def _times(z, density):
    """``z * density``, 0 at infinity."""
    return np.where(density > 0, z, 0.0) * density
