"""Ratios of gamma functions without the cancellation of large logarithms."""

from typing import Any

import numpy as np
from scipy.special import gammaln, loggamma

# B_2k / (2k (2k - 1)), k = 1 .. 8, of Stirling's series.
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


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
