"""Ratios of gamma functions without the cancellation of large logarithms."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln, loggamma

# B_2k / (2k (2k - 1)), k = 1 .. 8, of Stirling's series.
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def log_ratio(z: Any, shift: Any) -> Any:
    """What it predicts: log Gamma(z + shift) - log Gamma(z), complex or real (real: of positive arguments).

    Equation: Stirling's series term by term where |z| and |z + shift| exceed 20, log1p in place of a difference of logarithms.
    Regime: exact to round-off of the result, not of the two logarithms; not on the negative real axis.
    Source: Stirling. Test: tests/theory/test_positive_stable.py.
    """
    z, shift = np.broadcast_arrays(z, shift)
    log_gamma = loggamma if np.iscomplexobj(z) or np.iscomplexobj(shift) else gammaln
    large = np.minimum(np.abs(z), np.abs(z + shift)) > 20
    base, step = np.where(large, z, 30.0), np.where(large, shift, 0.0)
    end = base + step
    with np.errstate(all="ignore"):
        near = np.abs(step / base) < 0.5
        growth = np.where(near, np.log1p(np.where(near, step / base, 0.0)), np.log(end) - np.log(base))
        series = sum(b * (end ** (-2 * k - 1) - base ** (-2 * k - 1)) for k, b in enumerate(SERIES))
        stirling = (end - 0.5) * growth + step * (np.log(base) - 1) + series
        direct = log_gamma(np.where(large, 1.0, z + shift)) - log_gamma(np.where(large, 1.0, z))
    return np.where(large, stirling, direct)
