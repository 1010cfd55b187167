"""Laws that a fitted power law competes with on its own tail, by likelihood: log-normal, exponential, stretched exponential,
and the power law with an exponential cut-off. On the host, in float64.

All are written for t = log(x/xmin) >= 0, as densities in t. The power law, an exponential law of t, is a limit of three of
them: of the log-normal law as its mean goes to minus infinity, of the stretched exponential as its power goes to 0, of the
cut-off at rate 0. Each of these likelihoods has one maximum, which is that limit where the tail asks for it; then the rival
is the power law itself, and says so. Source: guide/tails.md, Rivals of the power law.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from jax.typing import ArrayLike
from numpy.typing import NDArray
from scipy import optimize, special

from jaxprune.simulate.tails import power_law
from jaxprune.simulate.tails.power_law import PowerLaw

Logs = NDArray[np.float64]
DEEP = 50.0  # e-folds below its peak at which an integrand ends
ITSELF = 1e3  # deviates that a truncated normal law lies below its end; then it is exponential to 1e-6
NODES = np.polynomial.legendre.leggauss(20)
LAGUERRE = np.polynomial.laguerre.laggauss(64)
PANELS = 32
ROUNDED = 64 * np.finfo(float).eps
FARTHEST = 700.0  # e^t is a float up to there


class Rival(NamedTuple):
    """One rival of a power law. ``log_ratio``: log-likelihood of the power law less that of the rival, > 0 where the power law
    is better. ``deviate``: the same over sqrt(n) standard deviations of its terms, Vuong's normal deviate; ``p_value``: how
    likely a ratio so far from 0 is, of either sign, if both are equally far from the truth. Of a rival with the power law in it
    (``nested``), -2 log_ratio against one degree of freedom instead, after Wilks.
    ``parameters`` by name. ``itself``: the best of the rival is the power law, so nothing is told. ``failed``: why nothing was
    found, in words; the numbers are then NaN.
    """

    log_ratio: float
    deviate: float
    p_value: float
    parameters: dict[str, float]
    nested: bool = False
    itself: bool = False
    failed: str = ""


def compare(x: ArrayLike, found: PowerLaw) -> dict[str, Rival]:
    """Every rival by name, fitted by likelihood to the tail of data that a power law was found for.

    Source: guide/tails.md, Rivals of the power law.

    Args:
        x: The data, positive numbers (N,).
        found: Their fit.

    Returns:
        A dict of rivals by name.

    Raises:
        ValueError: For data as ``power_law.fit`` does, for a failed fit, and for a fit of other data.
    """
    data = power_law.checked(x)
    tail = data[data >= (0.0 if np.ndim(found.xmin) else float(found.xmin))]
    power_law.check_found(found, len(data), len(tail))
    logs = np.log(tail) - math.log(float(found.xmin))
    index = 1 / float(np.mean(logs))
    power = math.log(index) - index * logs
    return {name: _judged(power, fitted, logs, float(found.xmin)) for name, fitted in RIVALS.items()}


def _judged(power: Logs, rival: Callable[[Logs], Any], logs: Logs, xmin: float) -> Rival:
    nested = rival is _cut_off
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise"):
            likelihoods, parameters = rival(logs)
    except (FloatingPointError, OverflowError, ValueError, RuntimeError) as error:
        return Rival(math.nan, math.nan, math.nan, {}, nested, failed=f"no maximum of the likelihood was found: {error}")
    if likelihoods is None:
        return Rival(0.0, 0.0, 1.0, {}, nested, itself=True)
    terms = power - likelihoods
    if np.max(np.abs(terms)) <= ROUNDED * max(np.max(np.abs(power)), np.max(np.abs(likelihoods))):
        return Rival(math.nan, math.nan, math.nan, {}, nested, failed="the likelihoods differ by round-off alone")
    ratio, spread = float(np.sum(terms)), float(np.std(terms)) * math.sqrt(len(terms))
    deviate = ratio / spread if spread > 0 else 0.0
    p_value = special.erfc(math.sqrt(max(-ratio, 0.0))) if nested else special.erfc(abs(deviate) / math.sqrt(2))
    named = {name: value(xmin) for name, value in parameters.items()}
    return Rival(ratio, deviate, float(p_value), named, nested)


def _root(function: Callable[[float], float], low: float, high: float, within: float = 1e-13) -> float:
    """The zero between two places of different sign."""
    found: Any = optimize.brentq(function, low, high, xtol=within)
    return float(found)


def _exponential(logs: Logs):
    """x less xmin is exponential: rate 1 over its mean."""
    above = np.expm1(logs)
    rate = 1 / np.mean(above)
    return math.log(rate) - rate * above + logs, {"rate": lambda xmin: float(rate / xmin)}


def _truncated_moments(low: float) -> tuple[float, float]:
    """Means of Z - low and of its square, Z a standard normal number above ``low``; far out by Laguerre's rule, as differences
    would lose them."""
    if low > 10:
        excess, weights = LAGUERRE[0] / low, LAGUERRE[1] * np.exp(-((LAGUERRE[0] / low) ** 2) / 2)
        return float(weights @ excess / np.sum(weights)), float(weights @ excess**2 / np.sum(weights))
    hazard = math.sqrt(2 / math.pi) / special.erfcx(low / math.sqrt(2)) if low > -37 else 0.0
    return hazard - low, 1 + low**2 - low * hazard


def _log_normal(logs: Logs):
    """t is normal above 0: its mean and mean square fix where the end lies among the deviates, then the scale."""
    first, second = float(np.mean(logs)), float(np.mean(logs**2))

    def gap(low):
        mean, square = _truncated_moments(low)
        return square / mean**2 - second / first**2

    if gap(ITSELF) <= 0:
        return None, {}
    low = _root(gap, -2 * math.sqrt(len(logs)) - 10, ITSELF)
    scale = first / _truncated_moments(low)[0]
    units = logs / scale
    if low > -5:
        shape = -(units**2) / 2 - low * units - math.log(special.erfcx(low / math.sqrt(2)) / 2)
    else:
        shape = -((units + low) ** 2) / 2 - special.log_ndtr(-low)
    likelihoods = shape - math.log(scale) - math.log(2 * math.pi) / 2
    return likelihoods, {"mu": lambda xmin: float(math.log(xmin) - low * scale), "sigma": lambda xmin: float(scale)}


def _stretched(logs: Logs):
    """P(X > x) = exp(-rate (x^power - xmin^power)). The likelihood at the best rate is concave in the power."""
    first = float(np.mean(logs))

    def slope(power):
        growth = np.exp(power * (logs - np.max(logs)))
        grown = -np.expm1(-power * logs) * growth  # expm1(power t), over that of the largest
        return 1 / power + first - float(np.sum(logs * growth) / np.sum(grown))

    least = 1e-6 / float(np.max(logs))
    if first - float(np.mean(logs**2)) / (2 * first) <= 0 or slope(least) <= 0:
        return None, {}
    most = 1 / first
    while slope(most) > 0:
        most *= 2
    power = _root(slope, least, most, 1e-14 * most)
    above = np.expm1(power * logs) / power
    rate = 1 / float(np.mean(above))
    likelihoods = math.log(rate) + power * logs - rate * above
    return likelihoods, {"power": lambda xmin: power, "rate": lambda xmin: rate / power * xmin**-power}


def _cut_off(logs: Logs):
    """Density ~ x^-exponent e^(-rate x). The likelihood is concave in both; at the best exponent its slope in the rate is the
    mean of x under the law less that of the data."""
    first, above = float(np.mean(logs)), float(np.mean(np.expm1(logs)))

    def slope(log_rate):
        return _Cut(_exponent(math.exp(log_rate), first), math.exp(log_rate)).above - above

    least, most = math.log(1e-9) - float(np.max(logs)), -math.log(above)
    if (first < 1 and above >= first / (1 - first)) or slope(least) <= 0:
        return None, {}
    while slope(most) > 0:
        most += 1
    rate = math.exp(_root(slope, least, most))
    exponent = _exponent(rate, first)
    law = _Cut(exponent, rate)
    likelihoods = (1 - exponent) * logs - rate * np.expm1(logs) - law.log_mass
    return likelihoods, {"exponent": lambda xmin: exponent, "rate": lambda xmin: rate / xmin}


def _exponent(rate: float, first: float) -> float:
    """That at which the mean of t is ``first``; the mean falls with it."""

    def gap(exponent):
        return _Cut(exponent, rate).first - first

    low, high, step = 0.0, 1 + 1 / first, 1.0
    while gap(high) > 0:
        high += step
        step *= 2
    step = 1.0
    while gap(low) < 0:
        low -= step
        step *= 2
    return _root(gap, low, high)


class _Cut:
    """Integrals of e^h, h = (1 - exponent) t - rate (e^t - 1) on t >= 0, by Gauss's rule on panels between the places where h,
    which is concave, lies ``DEEP`` below its peak: ``log_mass``, and the means of t and of e^t - 1."""

    def __init__(self, exponent: float, rate: float):
        def height(t):
            return (1 - exponent) * t - rate * math.expm1(t)

        peak = math.log((1 - exponent) / rate) if 1 - exponent > rate else 0.0
        top = height(peak)

        def depth(t):
            return top - height(t) - DEEP

        reach = 1 / (1 + rate)
        while depth(peak + reach) < 0:
            if peak + reach >= FARTHEST:
                raise ValueError("the tail spans more than floats can tell")
            reach = min(2 * reach, FARTHEST - peak)
        right = _root(depth, peak, peak + reach, 1e-3 * reach)
        left = _root(depth, 0.0, peak) if peak > 0 and depth(0.0) > 0 else 0.0
        edges = np.linspace(left, right, PANELS + 1)
        half = (edges[1] - edges[0]) / 2
        t = (edges[:-1, None] + half * (1 + NODES[0])).ravel()
        above = np.expm1(t)
        weights = np.tile(half * NODES[1], PANELS) * np.exp((1 - exponent) * t - rate * above - top)
        mass = float(np.sum(weights))
        self.log_mass = math.log(mass) + top
        self.first, self.above = float(weights @ t) / mass, float(weights @ above) / mass


RIVALS: dict[str, Callable[[Logs], Any]] = {
    "log-normal": _log_normal,
    "exponential": _exponential,
    "stretched exponential": _stretched,
    "exponential cut-off": _cut_off,
}
