"""Ratios of gamma functions without the cancellation of large logarithms."""

from typing import Any

import numpy as np
from scipy.special import gammaln, loggamma, zeta

# B_2k / (2k (2k - 1)), k = 1 .. 8, of Stirling's series.
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
DIGAMMA = tuple((2 * k - 1) * term for k, term in enumerate(SERIES, 1))  # of log(x) - 1/(2x) - digamma(x), in 1/x^2
FEW = 20  # from where Stirling's series has all digits
SMALL = 1e-3  # shifts, relative to the first factor, below which six powers of them do


def log_ratio(z: Any, shift: Any) -> Any:
    """Log Gamma(z + shift) - log Gamma(z), complex or real (real: of positive arguments).

    Equation: Stirling's series term by term where |z| and |z + shift| exceed 20, log1p in place of a difference
    of logarithms.
    Regime: exact to round-off of the result, not of the two logarithms; not on the negative real axis.
    Source: Stirling.
    """
    z, shift = np.broadcast_arrays(z, shift)
    # Next to the negative real axis, where the poles are, Stirling's series fails.
    away = (np.minimum(z.real, (z + shift).real) > 0) | (np.minimum(np.abs(z.imag), np.abs((z + shift).imag)) > 7)
    large = away & (np.minimum(np.abs(z), np.abs(z + shift)) > 20)
    result = np.empty(z.shape, np.result_type(z, shift, float))
    result[large] = _stirling(z[large], shift[large])
    log_gamma = loggamma if np.iscomplexobj(result) else gammaln
    result[~large] = log_gamma((z + shift)[~large]) - log_gamma(z[~large])
    return result[()]


def _stirling(z, shift):
    end = z + shift
    near = np.abs(shift) < 0.5 * np.abs(z)
    growth = np.where(near, np.log1p(np.where(near, shift / z, 0.0)), np.log(end) - np.log(z))
    return (end - 0.5) * growth + shift * (np.log(z) - 1) + _series(end) - _series(z)


def _series(z):
    return np.polyval(SERIES[::-1], z**-2) / z


def log_product(first: Any, count: Any, shift: Any) -> Any:
    """The logarithm of i / (i - shift) multiplied over i = first, ..., first + count - 1, real numbers, shift < first > 0.

    Equation: log of Gamma(b) Gamma(a - c) / (Gamma(a) Gamma(b - c)), a = first, b = a + count, c = shift: factor by factor
    up to 20, then Stirling's series, whose large terms are ones of log1p; a power series in c where |c| is small.
    Regime: relative error about 1e-14, for any count, and for a shift that tends to 0.
    Source: Stirling.
    """
    first, count, shift = (np.array(x, np.float64) for x in np.broadcast_arrays(first, count, shift))
    small = np.abs(shift) < SMALL * np.minimum(first, 1)
    total = np.zeros(first.shape)
    total[small] = _small_shift(first[small], count[small], shift[small])
    total[~small] = _any_shift(first[~small], count[~small], shift[~small])
    return total[()]


def _any_shift(a, count, c):
    total, least = np.zeros(a.shape), a - np.maximum(c, 0)
    for _ in range(FEW):
        low = (least < FEW) & (count > 0)
        ratio = np.where(low, c / a, 0.0)
        near = np.abs(ratio) < 0.5
        far = np.log(a) - np.log(np.where(low, a - c, 1.0))
        total += np.where(low, np.where(near, -np.log1p(-np.where(near, ratio, 0.0)), far), 0.0)
        a, least, count = a + low, least + low, count - low
    b, done = a + count, count <= 0
    a, b = np.where(done, FEW, a), np.where(done, FEW, b)
    count, c = np.where(done, 0.0, count), np.where(done, 0.0, c)
    change = -c / a * (count / (b - c))
    apart = np.log1p(count / a) - np.log1p(count / (a - c))
    faster = np.where(
        change > -0.5, np.log1p(np.maximum(change, -0.5)), apart
    )  # growth of Gamma(a + m) against Gamma(a - c + m)
    grown = (a - 0.5) * faster + c * np.log1p(count / (a - c)) - count * np.log1p(-c / b)
    return total + grown + (_series(b) - _series(b - c)) - (_series(a) - _series(a - c))


def _small_shift(a, count, c):
    """-log1p(-c/i) is a series in c, whose powers have the sums 1/i^k; that of k = 1 without the cancellation of digammas."""
    harmonic, start = np.zeros(a.shape), a
    for _ in range(FEW):
        low = (a < FEW) & (count > 0)
        harmonic += np.where(low, 1 / a, 0.0)
        a, count = a + low, count - low
    b = a + count
    ends = [np.polyval(DIGAMMA[::-1], x**-2.0) / x**2 for x in (a, b)]
    harmonic += np.where(count > 0, np.log1p(count / a) + count / (2 * a * b) + ends[0] - ends[1], 0.0)
    others = (c**k / k * (zeta(k, start) - zeta(k, b)) for k in range(2, 7))
    return c * harmonic + sum(others)
