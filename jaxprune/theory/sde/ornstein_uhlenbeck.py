"""Ornstein-Uhlenbeck processes with stable noise, dX = -rate X dt + scale dL, and their Euler schemes: everything is stable.

A scale s stands for SaS(alpha, s), E exp(itX) = exp(-|s t|^alpha); paths start at 0. The rate is finite (0: the Levy motion
itself, below: growth), >= 0 for strong errors, > 0 for stationary laws; scale >= 0. Scalars give floats, arrays broadcast.
Derivations: guide/sde.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.sde.euler_sums import (
    geometric_sum,
    leading_integral,
    log_factor,
    scaled_root,
    strong_error_sum,
    two_grid_sum,
)
from jaxprune.theory.stable.laws import mean_log_norm, variance_log_norm


@arguments.broadcasts
def transition_scale(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike) -> Any:
    """The scale of X(t + h) - exp(-rate h) X(t), h = ``step_size``; from 0, that of X(h).

    Equation: scale ((1 - exp(-alpha rate h))/(alpha rate))^(1/alpha). Regime: exact. Source: guide/sde.md, Ornstein-Uhlenbeck.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, finite.
        scale: Scale of the noise, >= 0.
        step_size: The time h, > 0.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, rate, scale = _law(alpha, rate, scale)
    h = arguments.positive("step_size", step_size)
    x = alpha * rate * h
    with np.errstate(over="ignore"):
        share = np.where(x != 0, -np.expm1(-x) / np.where(x != 0, x, 1.0), 1.0)
    return plain(scaled_root(scale, h * share, alpha))


@arguments.broadcasts
def stationary_scale(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike) -> Any:
    """The scale of the stationary law.

    Equation: scale/(alpha rate)^(1/alpha). Regime: exact. Source: guide/sde.md, Ornstein-Uhlenbeck.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, > 0: others have no stationary law.
        scale: Scale of the noise, >= 0.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, _, scale = _law(alpha, rate, scale)
    return plain(scaled_root(scale, 1 / (alpha * arguments.positive("rate", rate)), alpha))


@arguments.broadcasts
def euler_scale(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike, steps: ArrayLike) -> Any:
    """The scale of the Euler scheme after ``steps`` steps from 0.

    Equation: scale (h sum over m < steps of |1 - rate h|^(alpha m))^(1/alpha). Regime: exact, any step size.
    Source: guide/sde.md, Euler's scheme of the linear equation.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, finite.
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        steps: How many steps, a whole number >= 1.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, rate, scale = _law(alpha, rate, scale)
    h, steps = arguments.positive("step_size", step_size), arguments.whole("steps", steps)
    return plain(scaled_root(scale, h * geometric_sum(alpha * log_factor(rate * h), steps), alpha))


@arguments.broadcasts
def euler_stationary_scale(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike) -> Any:
    """The scale of the stationary law of the Euler scheme.

    Equation: scale (h/(1 - |1 - rate h|^alpha))^(1/alpha). Regime: exact.
    Source: guide/sde.md, Euler's scheme of the linear equation.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, > 0.
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0, with rate h < 2.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, rate, scale = _law(alpha, rate, scale)
    h = arguments.positive("step_size", step_size)
    with np.errstate(divide="ignore"):
        return plain(scaled_root(scale, h / -np.expm1(alpha * log_factor(_contracting(rate, h))), alpha))


@arguments.broadcasts
def strong_error_scale(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike, steps: ArrayLike) -> Any:
    """The scale of X(T) minus the Euler scheme on the same path, T = steps h.

    Equation: scale (sum over m < steps of
    integral over m h < v < (m+1) h of |exp(-rate v) - (1 - rate h)^m|^alpha dv)^(1/alpha).
    Regime: exact, any step size; about 1e-13. Source: guide/sde.md, Strong error.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, >= 0.
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        steps: How many steps, a whole number >= 1.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range, and where more than some million steps matter, each by its own term.
    """
    alpha, rate, scale = _law(alpha, arguments.size("rate", rate), scale)
    h, steps = arguments.positive("step_size", step_size), arguments.whole("steps", steps)
    total = np.vectorize(strong_error_sum, otypes=[float])(alpha, rate * h, steps)
    return plain(scaled_root(scale, h * total, alpha))


@arguments.broadcasts
def strong_error_leading(alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike, horizon: ArrayLike) -> Any:
    """The scale of the strong error for small steps: of order one in the step size.

    Equation: rate h scale (integral over 0 < tau < T, 0 < v < 1 of exp(-alpha rate tau) |rate tau/2 - v|^alpha)^(1/alpha).
    Regime: limit of small h. Source: guide/sde.md, Strong error.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, >= 0.
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        horizon: The time T of the error, > 0.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, rate, scale = _law(alpha, arguments.size("rate", rate), scale)
    h, horizon = arguments.positive("step_size", step_size), arguments.positive("horizon", horizon)
    mean = np.vectorize(leading_integral, otypes=[float])(alpha, 0.5 * rate * horizon)
    return plain(scaled_root(rate * h * scale, horizon * mean, alpha))


@arguments.broadcasts
def two_grid_scale(
    alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, step_size: ArrayLike, steps: ArrayLike, ratio: ArrayLike
) -> Any:
    """The scale of Euler with step h minus Euler with step h/ratio, coarse increments sums of fine ones.

    Equation: with r = ratio, scale ((h/r) sum over m < steps, j < r of
    |(1 - rate h/r)^(m r + j) - (1 - rate h)^m|^alpha)^(1/alpha); 0 for r = 1. Regime: exact. Source: guide/sde.md, Two grids.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, finite.
        scale: Scale of the noise, >= 0.
        step_size: The larger step h, > 0.
        steps: How many larger steps, a whole number >= 1.
        ratio: How many smaller steps one larger one has, a whole number >= 1.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range, and as ``strong_error_scale``, for steps h/ratio.
    """
    alpha, rate, scale = _law(alpha, rate, scale)
    h, steps = arguments.positive("step_size", step_size), arguments.whole("steps", steps)
    total = np.vectorize(two_grid_sum, otypes=[float])(alpha, rate * h, steps, arguments.whole("ratio", ratio))
    return plain(scaled_root(scale, h * total, alpha))


@arguments.broadcasts
def stationary_characteristic(u: ArrayLike, alpha: ArrayLike, rate: ArrayLike, scale: ArrayLike, brownian: ArrayLike) -> Any:
    """E exp(iuX) under the stationary law of dX = -rate X dt + scale dL + sqrt(2) brownian dB.

    Equation: exp(-scale^alpha |u|^alpha/(alpha rate) - brownian^2 u^2/(2 rate)). Regime: exact.
    Source: guide/sde.md, Ornstein-Uhlenbeck.

    Args:
        u: Argument of the characteristic function, finite.
        alpha: Stability index of the noise, in (0, 2].
        rate: Rate of the drift, > 0.
        scale: Scale of the stable noise, >= 0.
        brownian: Size of the Brownian noise, >= 0.

    Returns:
        The function, real: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    u = np.abs(arguments.finite("u", u))
    alpha, _, scale = _law(alpha, rate, scale)
    rate, brownian = arguments.positive("rate", rate), arguments.size("brownian", brownian)
    return plain(np.exp(-((scale * u) ** alpha) / (alpha * rate) - (brownian * u) ** 2 / (2 * rate)))


@arguments.broadcasts
def euler_brownian_variance(rate: ArrayLike, brownian: ArrayLike, step_size: ArrayLike) -> Any:
    """The stationary variance that sqrt(2) brownian dB contributes to the Euler scheme.

    Equation: 2 h brownian^2/(1 - (1 - rate h)^2) = 2 brownian^2/(rate (2 - rate h)). Regime: exact.
    Source: guide/sde.md, Euler's scheme of the linear equation.

    Args:
        rate: Rate of the drift, > 0.
        brownian: Size of the Brownian noise, >= 0.
        step_size: Step h of the scheme, > 0, with rate h < 2.

    Returns:
        The variance: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    rate, brownian = arguments.positive("rate", rate), arguments.size("brownian", brownian)
    return plain(2 * brownian**2 / (rate * (2 - _contracting(rate, arguments.positive("step_size", step_size)))))


@arguments.broadcasts
def mean_log_abs(scale: ArrayLike, alpha: ArrayLike) -> Any:
    """E log|X| for X ~ SaS(alpha, scale).

    Equation: log scale + gamma_E (1/alpha - 1). Regime: exact. Source: guide/sde.md, Scale from logarithms.

    Args:
        scale: Scale of the law, > 0.
        alpha: Stability index, in (0, 2].

    Returns:
        The mean: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(np.log(arguments.positive("scale", scale)) + mean_log_norm(alpha))


@arguments.broadcasts
def scale_from_log(mean_log: ArrayLike, alpha: ArrayLike) -> Any:
    """The scale of a SaS(alpha) law from the mean of log|x|, the inverse of ``mean_log_abs``.

    Equation: exp(mean_log - gamma_E (1/alpha - 1)). Regime: exact. Source: guide/sde.md, Scale from logarithms.

    Args:
        mean_log: The mean of log|x|, finite.
        alpha: Stability index, in (0, 2].

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    mean_log = arguments.finite("mean_log", mean_log, "drop samples that are exactly 0")
    return plain(np.exp(mean_log - mean_log_norm(alpha)))


@arguments.broadcasts
def log_standard_error(alpha: ArrayLike, count: ArrayLike) -> Any:
    """The relative standard error of ``scale_from_log``.

    Equation: sqrt((pi^2/6)(1/alpha^2 + 1/2)/count). Regime: limit of large count. Source: guide/sde.md, Scale from logarithms.

    Args:
        alpha: Stability index, in (0, 2].
        count: Number of independent samples, a whole number >= 1.

    Returns:
        The error as a fraction of the scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(np.sqrt(variance_log_norm(alpha) / arguments.whole("count", count)))


def _law(alpha, rate, scale):
    return arguments.index("alpha", alpha), arguments.finite("rate", rate), arguments.size("scale", scale)


def _contracting(rate, step_size):
    product = rate * step_size
    if np.any(wrong := (product <= 0) | (product >= 2)):
        raise ValueError(f"step_size: rate * step_size = {product[wrong].flat[0]}; a stationary law needs it in (0, 2)")
    return product
