"""Tail index of constant-step SGD in linear regression with Gaussian inputs.

x' = M x + q, M = I - (step/b) sum of a a^T over a batch of b inputs a ~ N(0, input_sd^2 I_d). One step changes a length by the
random factor R, R^2 = (1 - c X)^2 + c^2 X Y with c = step input_sd^2/b and independent X ~ chi2_b, Y ~ chi2_(d-1), whatever
the direction. h(s) = E R^s, rho = E log R = h'(0). For rho < 0 a stationary law exists, and its tail index is the
alpha > 0 with h(alpha) = 1.

Everything depends on c, b and d alone. Quadrature: Gauss-Legendre panels in log X and log Y as wide as the densities, graded
towards X = 1/c, where R vanishes for d = 1 and nearly so for small d. Relative errors are about 1e-13,
for the tail index where h is not flat. Scalars give floats, arrays broadcast.
Derivations: guide/sgd.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.sgd.factor import Factor

Array = NDArray[np.float64]
REACHES = (4.0, 20.0, 100.0)  # up to which a tail index is searched for


@arguments.broadcasts
def tail_index(step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """The alpha of P(|x| > r) ~ C r^-alpha under the stationary law.

    Equation: h(alpha) = 1, alpha > 0. Regime: exact, one pass over fresh Gaussian data.
    Source: guide/sgd.md, Linear regression.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        alpha: a float, or an array of the broadcast shape; infinity above 100. NaN where ``lyapunov`` gives rho >= 0: the
        step size is at or above the maximal one of ``thresholds``, iterates grow and no stationary law exists (``status``
        says "no_stationary_law").

    Raises:
        ValueError: For an argument out of range.
    """
    return _apply(_tail_index, step_size, batch, dim, input_sd)


@arguments.broadcasts
def lyapunov(step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """The exponential rate rho per step at which |M_k ... M_1| grows or falls.

    Equation: rho = E log R. Regime: exact. Source: guide/sgd.md, Linear regression.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        rho: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    return _apply(lambda c, b, d: Factor(c, b, d, 0.0).rho(), step_size, batch, dim, input_sd)


@arguments.broadcasts
def moment(s: ArrayLike, step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """H(s) = lim (E|M_k ... M_1|^s)^(1/k).

    Equation: h(s) = E R^s. Regime: exact. Source: guide/sgd.md, Linear regression.

    Args:
        s: Order of the moment, in [0, 100].
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        H(s): a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    s = arguments.inside("s", s, 0, REACHES[-1], "[]")
    return _apply(lambda c, b, d, s: 1 + Factor(c, b, d, s).excess(s), step_size, batch, dim, input_sd, s)


@arguments.broadcasts
def second_moment(step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """H(2) as a polynomial.

    Equation: 1 - 2 u + u^2 (d + b + 1)/b = (1 - u)^2 + u^2 (d + 1)/b, u = step input_sd^2. Regime: exact.
    Source: guide/sgd.md, Moments of a step.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        H(2): a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    step, b, d, sd = _inputs(step_size, batch, dim, input_sd)
    u = step * sd**2
    return plain((1 - u) ** 2 + u * u * (d + 1) / b)


@arguments.broadcasts
def fourth_moment(step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """H(4) as a polynomial; h(4) = 1 where the tail index is 4.

    Equation: E (1 - cX)^4 + 2 c^2 (d-1) E X (1 - cX)^2 + c^4 b (b+2) (d-1)(d+1), where with u = c b and v = c (b + 2)
    E (1 - cX)^4 = (1-u)^4 + 12 b c^2 (1-u)^2 - 32 b c^3 (1-u) + 12 c^4 b (b + 4) and E X (1 - cX)^2 = b ((1-v)^2 + 2 c v).
    Regime: exact. Source: guide/sgd.md, Moments of a step.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        H(4): a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    step, b, d, sd = _inputs(step_size, batch, dim, input_sd)
    c = step * sd**2 / b
    u, v = 1 - c * b, 1 - c * (b + 2)
    alone = u**4 + 12 * b * c**2 * u**2 - 32 * b * c**3 * u + 12 * c**4 * b * (b + 4)
    mixed = b * (v**2 + 2 * c**2 * (b + 2))
    return plain(alone + 2 * c**2 * (d - 1) * mixed + c**4 * b * (b + 2) * (d - 1) * (d + 1))


@arguments.broadcasts
def thresholds(batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> tuple[Any, Any]:
    """The step sizes at which the tail index is 2, and at which stationarity ends.

    Equation: critical = 2 b/(input_sd^2 (d + b + 1)); rho(maximal) = 0. Regime: exact. Source: guide/sgd.md, Thresholds.

    Args:
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        ``(critical, maximal)``: two floats, or two arrays of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    _, b, d, sd = _inputs(1.0, batch, dim, input_sd)
    critical = 2 * b / (sd**2 * (d + b + 1))
    return plain(critical), plain(critical * (1 + np.asarray(window_width(batch, dim))))


@arguments.broadcasts
def window_width(batch: ArrayLike, dim: ArrayLike) -> Any:
    """(maximal - critical)/critical, the relative range of step sizes with tail index in (0, 2).

    Equation: as ``thresholds``. Regime: exact; about ``approximate_window_width`` for large d.
    Source: guide/sgd.md, Thresholds.

    Args:
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.

    Returns:
        The width: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    return _apply(lambda c, b, d: _window(b, d), 1.0, batch, dim, 1.0)


@arguments.broadcasts
def approximate_window_width(batch: ArrayLike, dim: ArrayLike) -> Any:
    """``window_width`` for large d, where log R is nearly normal.

    Equation: 4 (b + 2)/(d + b + 1)^2. Regime: limit of large d. Source: guide/sgd.md, Width of the window.

    Args:
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.

    Returns:
        The width: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    _, b, d, _ = _inputs(1.0, batch, dim, 1.0)
    return plain(4 * (b + 2) / (d + b + 1) ** 2)


@arguments.broadcasts
def stationary_second_moment(
    step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike, noise_sd: ArrayLike
) -> Any:
    """E|x - x*|^2 under the stationary law.

    Equation: step d noise_sd^2 / (b (2 - step input_sd^2 (d + b + 1)/b)). Regime: exact. Source: guide/sgd.md, Thresholds.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.
        noise_sd: Standard deviation of the label noise, >= 0.

    Returns:
        The moment: a float, or an array of the broadcast shape; infinite at and beyond the critical step size.

    Raises:
        ValueError: For an argument out of range.
    """
    step, b, d, sd = _inputs(step_size, batch, dim, input_sd)
    tau = arguments.size("noise_sd", noise_sd)
    gap = 2 * b - step * sd**2 * (d + b + 1)
    finite = gap > 0
    return plain(np.where(finite, step * d * tau**2 / np.where(finite, gap, 1.0), np.inf))


@arguments.broadcasts
def status(step_size: ArrayLike, batch: ArrayLike, dim: ArrayLike, input_sd: ArrayLike = 1.0) -> Any:
    """What kind of stationary law there is.

    Equation: step below critical; between critical and maximal; from maximal on. Regime: exact.
    Source: guide/sgd.md, Thresholds.

    Args:
        step_size: Step size of SGD, > 0.
        batch: Inputs b in a batch, a whole number >= 1.
        dim: Number of weights d, a whole number >= 1.
        input_sd: Standard deviation of the inputs, > 0.

    Returns:
        "light" (finite variance), "heavy" (tail index at most 2) or "no_stationary_law" (rho >= 0): a word, or an array of
        words of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    critical, maximal = thresholds(batch, dim, input_sd)
    step = arguments.positive("step_size", step_size)
    found = np.where(step < critical, "light", np.where(step < maximal, "heavy", "no_stationary_law"))
    return found if found.ndim else str(found)


def _inputs(step_size, batch, dim, input_sd):
    step, sd = arguments.positive("step_size", step_size), arguments.positive("input_sd", input_sd)
    return np.broadcast_arrays(step, arguments.whole("batch", batch), arguments.whole("dim", dim), sd)


def _apply(function, step_size, batch, dim, input_sd, *others):
    """``function(c, batch, dim, ...)`` of every entry of broadcast arrays."""
    step, b, d, sd = _inputs(step_size, batch, dim, input_sd)
    return plain(np.vectorize(function, otypes=[float])(step * sd**2 / b, b, d, *others))


def _tail_index(c, batch, dim):
    if Factor(c, batch, dim, 0.0).rho() >= 0:
        return np.nan
    for top in REACHES:
        factor = Factor(c, batch, dim, top)
        if factor.excess(top) > 0:
            # h(s) - 1 over s is rho at 0 and increases, as h is convex.
            root: Any = brentq(
                lambda s, f=factor: f.excess(s) / s if s > 0 else f.rho(), 0.0, top, xtol=1e-300, rtol=np.float64(1e-15)
            )
            return root
    return np.inf


@lru_cache(maxsize=256)
def _window(batch, dim):
    critical = 2 / (dim + batch + 1)

    def rho(width):
        return Factor(critical * (1 + width), batch, dim, 0.0).rho()

    top = 8 * (batch + 2) / (dim + batch + 1) ** 2
    while rho(top) < 0:
        top *= 2
    root: Any = brentq(rho, 0.0, top, xtol=1e-300, rtol=np.float64(1e-14))
    return root
