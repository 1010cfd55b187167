"""Large then pruned against small: closed forms for equal eigenvalues, and for spikes of boundless variance.

``kept_ratio`` s/n in (0, 1) and ``width_ratio`` p/n > 1 are real numbers; ``noise`` is a standard deviation; every
risk includes ``noise**2``. The small model is fitted to the s kept features alone and knows which they are; the large
one is fitted to all p and pruned to the same s (``oracle``).
Equations are numbered as in guide/least_squares.md; every equation is written out where it is used.
"""

from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from jaxprune.theory import arguments


def identity_small(kept_ratio: float, share: float, noise: float, signal: float = 1.0) -> float:
    """The risk of the small model, all eigenvalues equal.

    Equation: (noise^2 + (1 - share) signal) / (1 - s/n). Regime: limit, relative error O(1/n).
    Source: guide/least_squares.md, Identity covariance.

    Args:
        kept_ratio: s/n, in (0, 1).
        share: Fraction of the signal in the features of the small model, in (0, 1].
        noise: Standard deviation of the label noise, >= 0.
        signal: Energy sum eigs * teacher^2 of all features, > 0.

    Returns:
        The risk.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, tail, _, variance = _identity(kept_ratio, share, noise, signal)
    return (variance + tail) / (1 - kept_ratio)


def identity_large(kept_ratio: float, width_ratio: float, share: float, noise: float, signal: float = 1.0) -> float:
    """The risk of the large model pruned to those features; the null risk as p/n grows.

    Equation: with u = n/p: noise^2 + tail + head (1 - u)^2 + (s/n) u^2 [noise^2/(1 - u) + signal (1 - u)].
    Regime: limit, relative error O(1/n), p > n, no features beyond the p.
    Source: guide/least_squares.md, Identity covariance.

    Args:
        kept_ratio: s/n, in (0, 1).
        width_ratio: p/n, > 1.
        share: Fraction of the signal in the kept features, in (0, 1].
        noise: Standard deviation of the label noise, >= 0.
        signal: Energy sum eigs * teacher^2 of all features, > 0.

    Returns:
        The risk.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, tail, head, variance = _identity(kept_ratio, share, noise, signal)
    return _identity_large(kept_ratio, 1 / _above("width_ratio", width_ratio, 1.0), tail, head, variance)


def identity_best_width(kept_ratio: float, share: float, noise: float, signal: float = 1.0) -> float:
    """The width at which the pruned large model is best.

    Equation: with g = 1 - n/p the derivative of ``identity_large`` in g, times g^2, is
    2 head g^3 - (s/n)[noise^2 (1 - g^2) + signal (1 - g)(3 g - 1) g^2]; the best of its roots in (0, 1). Such a root
    exists: the risk falls as p/n grows from 1, and rises to the null risk in the end.
    Regime: limit. Source: guide/least_squares.md, Identity covariance.

    Args:
        kept_ratio: s/n, in (0, 1).
        share: Fraction of the signal in the kept features, in (0, 1].
        noise: Standard deviation of the label noise, >= 0.
        signal: Energy sum eigs * teacher^2 of all features, > 0.

    Returns:
        p/n, > 1; 1, which is not attained, without noise.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, tail, head, variance = _identity(kept_ratio, share, noise, signal)
    if variance == 0:
        return 1.0

    def slope(log_gap):
        g = np.exp(log_gap)
        noisy = variance * -np.expm1(2 * log_gap) + (head + tail) * -np.expm1(log_gap) * (3 * g - 1) * g**2
        return 2 * head * g**3 - kept_ratio * noisy

    # The last point is the far side of a root that may lie as close to 1 as the numbers of this size allow.
    grid = np.concatenate([np.linspace(-60.0, -1e-3, 4000), -np.logspace(-3, -14, 400)])
    up = np.flatnonzero((slope(grid[:-1]) < 0) & (slope(grid[1:]) >= 0))
    found: list[Any] = [brentq(slope, grid[i], grid[i + 1], xtol=1e-15) for i in up]
    roots = np.exp(found)
    best = min(roots, key=lambda g: _identity_large(kept_ratio, 1 - g, tail, head, variance))
    return float(1 / (1 - best))


def identity_least_kept_ratio(share: float, noise: float, signal: float = 1.0) -> float:
    """The a such that some large model, pruned, beats the small one exactly when s/n > a.

    Equation: at u = n/p the risks meet at the one root in (0, 1) of b a^2 + (c + t - b) a = c, with
    c = head (1 - u)^2, t = noise^2 + tail, b = u^2 [noise^2/(1 - u) + signal (1 - u)]; the answer is the least over u.
    Above it the large model stays ahead, since small - large grows through zero once, at every u.
    Regime: limit. Source: guide/least_squares.md, Identity covariance.

    Args:
        share: Fraction of the signal in the kept features, in (0, 1].
        noise: Standard deviation of the label noise, >= 0.
        signal: Energy sum eigs * teacher^2 of all features, > 0.

    Returns:
        a, in [0, 1); 0 without noise.

    Raises:
        ValueError: For an argument out of range.
    """
    _, tail, head, variance = _identity(0.5, share, noise, signal)
    if variance == 0:
        return 0.0

    def meet(log_gap):
        gap = np.exp(log_gap)
        c, b = head * gap**2, (1 - gap) ** 2 * (variance / gap + (head + tail) * gap)
        half = 0.5 * (c + variance + tail - b)
        root = np.hypot(half, np.sqrt(b * c))
        with np.errstate(divide="ignore", invalid="ignore"):  # each form where it does not cancel
            return np.where(half > 0, c / (half + root), (root - half) / b)

    grid = np.linspace(np.log(1e-9), -1e-9, 2000)
    best = int(np.argmin(meet(grid)))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    found: Any = minimize_scalar(meet, bounds=around, method="bounded", options=dict(xatol=1e-12))
    return float(found.fun)


def strong_spike_small(kept_ratio: float, tail: float, noise: float) -> float:
    """The risk of the small model on s spikes of boundless variance.

    Equation: (noise^2 + tail) / (1 - s/n): the tail is label noise. Regime: limit, relative error O(1/n).
    Source: guide/least_squares.md, Strong spikes.

    Args:
        kept_ratio: s/n, in (0, 1).
        tail: Energy sum eigs * teacher^2 of the other features, >= 0.
        noise: Standard deviation of the label noise, >= 0.

    Returns:
        The risk.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, tail, noise = _spiked(kept_ratio, tail, noise)
    return (noise**2 + tail) / (1 - kept_ratio)


def strong_spike_large(kept_ratio: float, width_ratio: float, tail: float, noise: float) -> float:
    """The risk of the large model, spikes and all p - s tail features of equal variance, pruned to the spikes.

    Equation: noise^2 + tail + a/(1 - a) [noise^2 + tail (1 - t)^2]/(1 - t), a = s/n, t = (n - s)/(p - s):
    the fraction t of the tail is absorbed. Regime: limit of large spikes, then relative error O(1/n).
    Source: guide/least_squares.md, Strong spikes.

    Args:
        kept_ratio: s/n, in (0, 1).
        width_ratio: p/n, > 1.
        tail: Energy sum eigs * teacher^2 of the tail features, >= 0.
        noise: Standard deviation of the label noise, >= 0.

    Returns:
        The risk.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, tail, noise = _spiked(kept_ratio, tail, noise)
    missed = 1 - _absorbed(kept_ratio, width_ratio)
    return noise**2 + tail + kept_ratio / (1 - kept_ratio) * (noise**2 / missed + tail * missed)


def strong_spike_least_tail(kept_ratio: float, width_ratio: float, noise: float) -> float:
    """The tail energy above which, exactly, the large model is better than the small one.

    Equation: large - small = t a/(1 - a) [noise^2/(1 - t) - tail]; it vanishes at tail = noise^2/(1 - t).
    Regime: exact for the two limits above. Source: guide/least_squares.md, Strong spikes.

    Args:
        kept_ratio: s/n, in (0, 1).
        width_ratio: p/n, > 1.
        noise: Standard deviation of the label noise, >= 0.

    Returns:
        The energy, >= 0.

    Raises:
        ValueError: For an argument out of range.
    """
    kept_ratio, _, noise = _spiked(kept_ratio, 0.0, noise)
    return noise**2 / (1 - _absorbed(kept_ratio, width_ratio))


def _identity_large(kept_ratio, u, tail, head, variance):
    return variance + tail + head * (1 - u) ** 2 + kept_ratio * u**2 * (variance / (1 - u) + (head + tail) * (1 - u))


def _absorbed(kept_ratio, width_ratio):
    return (1 - kept_ratio) / (_above("width_ratio", width_ratio, 1.0) - kept_ratio)


def _identity(kept_ratio, share, noise, signal):
    """Checked: s/n, energy of the tail, energy of the head, noise variance."""
    kept_ratio, noise = _inside("kept_ratio", kept_ratio), arguments.non_negative("noise", noise)
    signal, share = _above("signal", signal, 0.0), arguments.non_negative("share", share)
    if not 0 < share <= 1:
        raise ValueError(f"share: {share!r} is no fraction of the signal in (0, 1]")
    return kept_ratio, (1 - share) * signal, share * signal, noise**2


def _spiked(kept_ratio, tail, noise):
    return _inside("kept_ratio", kept_ratio), arguments.non_negative("tail", tail), arguments.non_negative("noise", noise)


def _inside(name, value):
    value = arguments.non_negative(name, value)
    if not 0 < value < 1:
        raise ValueError(f"{name}: {value!r} is not inside (0, 1); it is a count divided by n")
    return value


def _above(name, value, low):
    value = arguments.non_negative(name, value)
    if value <= low:
        raise ValueError(f"{name}: {value!r} must be greater than {low:g}")
    return value
