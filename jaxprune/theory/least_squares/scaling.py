"""Scaling laws of power-law problems: how dense and pruned risks fall with n.

eigs_i = i^-``decay``, eigs_i teacher_i^2 = i^-``energy`` for i = 1 .. p, with p = ``width_ratio`` n > n and a fixed
fraction of n kept. Assumed: decay > 0 (> 1 where p is infinite), energy > 1, n large. Then nu = c n^-decay, and in the
profile x = i/n everything has a limit: theta = 1/(1 + c x^decay), and the noise of the fit is gamma/n in each whitened
coordinate. Sums over i that converge at x -> 0 become integrals (risk ~ n^(1 - energy)); those that do not are ruled by
the first coordinates, whose squared bias is nu^2 ~ n^(-2 decay). Equations: guide/least_squares.md, Scaling laws.

No clean exponent exists at energy = 2 decay + 1, where a logarithm enters, and for ``magnitude`` at energy = decay, where
the leading coefficients are all equal: they survive when more than ``marginal_kept_ratio`` n are kept, and not below.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import beta, ndtr

from jaxprune.theory import arguments

FAR = 700.0  # of log x: beyond, powers overflow


def ridge_constant(decay: float, width_ratio: float = np.inf) -> float:
    """The c of nu ~ c n^-decay.

    Equation: integral over 0 < x < p/n of dx/(1 + c x^decay) = 1; c = ((pi/a)/sin(pi/a))^a for infinite p, a = decay > 1.
    Regime: limit of large n at fixed p/n, relative error O(1/n). Source: (6) in the profile x = i/n, derived here.

    Args:
        decay: Exponent of the eigenvalues, > 0; > 1 where p is infinite.
        width_ratio: p/n, > 1, ``inf`` included.

    Returns:
        c, > 0.

    Raises:
        ValueError: For an argument out of range, and where an integral converges too slowly.
    """
    decay, width_ratio = _spectrum(decay, width_ratio)
    if np.isinf(width_ratio):
        return float((np.pi / decay / np.sin(np.pi / decay)) ** decay)

    def excess(log_c):
        return _integral(lambda x: 1 / (1 + np.exp(log_c) * x**decay), width_ratio) - 1

    log_c: Any = brentq(excess, -60.0 * max(decay, 1.0), 60.0 * max(decay, 1.0), xtol=1e-13)
    return float(np.exp(log_c))


def noisy_limit(decay: float, noise: float, width_ratio: float = np.inf) -> float:
    """The dense risk without ridge as n grows, when there is noise: above noise^2, so no exponent.

    Equation: noise^2 / (1 - integral dx/(1 + c x^decay)^2); decay noise^2 for infinite p.
    Regime: limit of large n; the signal's part falls as without noise. Source: (7) in the profile x = i/n, derived here.

    Args:
        decay: Exponent of the eigenvalues, > 0; > 1 where p is infinite.
        noise: Standard deviation of the label noise, >= 0.
        width_ratio: p/n, > 1, ``inf`` included.

    Returns:
        The limit of the risk.

    Raises:
        ValueError: For an argument out of range, and where an integral converges too slowly.
    """
    decay, width_ratio = _spectrum(decay, width_ratio)
    return arguments.non_negative("noise", noise) ** 2 / _slack(decay, width_ratio)


def dense_exponent(decay: float, energy: float) -> float:
    """The e of risk ~ n^-e, dense, without noise and ridge.

    Equation: min(energy - 1, 2 decay). Regime: limit of large n; at energy = 2 decay + 1 times log n.
    Source: (7), derived here; the exponents of source and capacity of kernel regression.

    Args:
        decay: Exponent of the eigenvalues, > 0.
        energy: Exponent of the energies eigs * teacher^2, > 1.

    Returns:
        e, > 0.

    Raises:
        ValueError: For an argument out of range.
    """
    return float(min(_energy(energy) - 1, 2 * _positive("decay", decay)))


def dense_constant(decay: float, energy: float, width_ratio: float = np.inf) -> float:
    """The limit of risk n^(energy - 1), dense, without noise.

    Equation: integral x^-energy (1 - theta)^2 dx / (1 - integral theta^2 dx), theta = 1/(1 + c x^decay), x < p/n; for
    infinite p c^q B(2 - q, q), q = (energy - 1)/decay.
    Regime: limit of large n. Source: (7) in the profile x = i/n, derived here.

    Args:
        decay: Exponent of the eigenvalues, > 0; > 1 where p is infinite.
        energy: Exponent of the energies eigs * teacher^2, in (1, 2 decay + 1).
        width_ratio: p/n, > 1, ``inf`` included.

    Returns:
        The limit, > 0.

    Raises:
        ValueError: For an argument out of range, and where an integral converges too slowly.
    """
    decay, width_ratio = _spectrum(decay, width_ratio)
    if not _energy(energy) < 2 * decay + 1:
        raise ValueError(f"energy: {energy!r} is not below 2 decay + 1 = {2 * decay + 1:g}; no integral rules the risk there")
    c = ridge_constant(decay, width_ratio)
    if np.isinf(width_ratio):
        place = (energy - 1) / decay
        return float(c**place * beta(2 - place, place))
    # Where c x^decay < 1e-14 only a power of x is left, which may fall so slowly that it is integrated by hand.
    start, power = np.exp((np.log(1e-14) - np.log(c)) / decay), 2 * decay - energy
    head = c**2 * start ** (power + 1) / (power + 1)
    rest = _integral(lambda x: c**2 * x**power / (1 + c * x**decay) ** 2, width_ratio, start)
    return float(head + rest) / _slack(decay, width_ratio)


def pruned_exponent(decay: float, energy: float, rule: str = "magnitude") -> float:
    """The e of risk ~ n^-e when a fixed fraction of n is kept, without noise and ridge.

    Equation: ``oracle``, ``hessian``: that of the dense risk (lost energies fall at least as fast); ``random``: 0.
    ``magnitude``: the coefficients grow like i^((decay - energy)/2). 0 for energy < decay, where the first ones are the
    smallest and are lost; energy - 1 up to energy = 2 decay + 1; beyond, the noise of the fit, largest at i ~ n,
    hides all coefficients after the first n^((decay + 1)/(energy - decay)): then
    min(2 decay, (energy - 1)(decay + 1)/(energy - decay)), below the dense exponent when decay > 1. Regime: limit of large n.
    Source: (8) and (11) by power counting, derived here.

    Args:
        decay: Exponent of the eigenvalues, > 0.
        energy: Exponent of the energies eigs * teacher^2, > 1.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.

    Returns:
        e, >= 0; NaN for ``magnitude`` at energy = decay.

    Raises:
        ValueError: For an argument out of range.
    """
    dense = dense_exponent(decay, energy)
    arguments.choice("rule", rule, ("magnitude", "hessian", "oracle", "random"))
    if rule == "random":
        return 0.0
    if rule != "magnitude":
        return dense
    if energy <= decay:
        return np.nan if energy == decay else 0.0
    if energy <= 2 * decay + 1:
        return dense
    return float(min(dense, (energy - 1) * (decay + 1) / (energy - decay)))


def marginal_kept_ratio(decay: float, width_ratio: float = np.inf) -> float:
    """At energy = decay, without noise, the s/n above which ``magnitude`` keeps the leading coefficients.

    Equation: integral P(|theta + sd h| > 1) dx, sd^2 = gamma x^decay theta^2, gamma = ``dense_constant``: the expected
    number, over n, of coefficients larger than the leading ones, which are 1 and free of noise.
    Regime: limit of large n. Source: (8) and (10) in the profile x = i/n, derived here.

    Args:
        decay: Exponent of the eigenvalues and of the energies, > 1.
        width_ratio: p/n, > 1, ``inf`` included.

    Returns:
        s/n, > 0.

    Raises:
        ValueError: For an argument out of range, and where an integral converges too slowly.
    """
    decay, width_ratio = _spectrum(decay, width_ratio)
    c, gamma = ridge_constant(decay, width_ratio), dense_constant(decay, decay, width_ratio)

    def above(x):
        shrink = 1 / (1 + c * x**decay)
        sd = np.sqrt(gamma * x**decay) * shrink
        return ndtr(-(1 - shrink) / sd) + ndtr(-(1 + shrink) / sd)

    return _integral(above, width_ratio)


def local_exponents(sizes: ArrayLike, risks: ArrayLike) -> NDArray[np.float64]:
    """Measured exponents, -d log risk / d log n between neighbouring sizes.

    Equation: difference quotient. Regime: exact for a power law. Source: definition.

    Args:
        sizes: Increasing sizes n (K,), K >= 2, > 0.
        risks: The risk at each size (K,), > 0.

    Returns:
        Exponents (K - 1,).

    Raises:
        ValueError: For lists of other shapes, and for sizes that do not increase.
    """
    sizes, risks = np.asarray(sizes, float), np.asarray(risks, float)
    if sizes.ndim != 1 or sizes.shape != risks.shape or len(sizes) < 2 or np.any(np.diff(sizes) <= 0):
        raise ValueError(f"sizes: {sizes!r} and risks {risks!r} must be lists of one length >= 2, the sizes increasing")
    return -np.diff(np.log(risks)) / np.diff(np.log(sizes))


def _slack(decay, width_ratio):
    """1 - integral theta^2 = integral theta (1 - theta), which does not cancel."""
    if np.isinf(width_ratio):
        return 1 / decay
    c = ridge_constant(decay, width_ratio)
    return _integral(lambda x: 1 / ((1 + c * x**decay) * (1 + x**-decay / c)), width_ratio)


def _integral(f, stop, start=0.0) -> float:
    """Over start < x < stop, in u = log x: powers of x at either end become exponentials. ValueError where it converges too
    slowly to be known to 1e-8."""

    def by_log(u):
        with np.errstate(all="ignore"):
            value = f(np.exp(u)) * np.exp(u)
        return value if np.isfinite(value) else 0.0

    top = np.log(stop) if np.isfinite(stop) else np.inf
    # Piece by piece until nothing is left: over an infinite range the rule does not see slow tails.
    total = 0.0
    for way, last in ((-1.0, np.log(start) if start else -FAR), (1.0, min(top, FAR))):
        low = 0.0
        while way * (last - low) > 0:
            high = low + way * min(4.0, abs(last - low))
            part = abs(quad(by_log, low, high, epsabs=0, epsrel=1e-12, limit=200)[0])
            total, low = total + part, high
            if part <= 1e-15 * total:
                break
        if abs(low) == FAR:
            raise ValueError(f"decay: an integral still grows at x = e^{low:.0f}; the exponents are at their bounds")
    return float(total)


def _spectrum(decay, width_ratio):
    decay = _positive("decay", decay)
    if not width_ratio > 1:
        raise ValueError(f"width_ratio: {width_ratio!r} must exceed 1: there are more features than samples")
    if np.isinf(width_ratio) and decay <= 1:
        raise ValueError(f"decay: {decay!r} must exceed 1 where p is infinite, or the trace diverges; give a width_ratio")
    return decay, float(width_ratio)


def _energy(energy):
    if not arguments.non_negative("energy", energy) > 1:
        raise ValueError(f"energy: {energy!r} must exceed 1, or the signal has no finite energy")
    return float(energy)


def _positive(name, value):
    value = arguments.non_negative(name, value)
    if value == 0:
        raise ValueError(f"{name}: 0 must be positive")
    return value
