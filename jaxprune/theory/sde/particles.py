"""Many particles with stable noise: distance to their mean-field limit, and the tail of trained neurons.

Particles and their limits share noise and start, at 0; rates and couplings are any finite numbers. Derivations: guide/sde.md.
Scalars give floats, arrays broadcast.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import roots_jacobi

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.numerics.estimate import Estimate
from jaxprune.theory.sde.euler_sums import NEGLIGIBLE, chaos_sum, geometric_sum, log_factor, scaled_root
from jaxprune.theory.sde.ornstein_uhlenbeck import transition_scale
from jaxprune.theory.stable.laws import norm_tail_constant

GROWTH = 350.0  # exponent: beyond, squares are beyond the floats


@arguments.broadcasts
def linear_chaos_scale(
    alpha: ArrayLike, rate: ArrayLike, coupling: ArrayLike, scale: ArrayLike, n: ArrayLike, time: ArrayLike
) -> Any:
    """The scale of X^(i,n)(t) - X^(i,inf)(t) for linear interaction.

    Equation: dX^i = (-(a + c) X^i + c mean X) dt + s dL^i with a = rate, c = coupling, s = scale gives SaS with scale
    s n^(1/alpha - 1) (integral over 0 < u < t of |exp(-a u) - exp(-(a + c) u)|^alpha du)^(1/alpha).
    Regime: exact, any n. Source: guide/sde.md, Linear interaction.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Drift a of each particle to 0, finite.
        coupling: Drift c of each particle to the mean, finite.
        scale: Scale of the noise, >= 0.
        n: Number of particles, a whole number >= 1.
        time: The time t, >= 0.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, rate, coupling, scale, n = _system(alpha, rate, coupling, scale, n)
    time = arguments.size("time", time)
    total = np.vectorize(_response, otypes=[float])(alpha, rate, coupling, time)
    return plain(scaled_root(scale, total * n ** (1 - alpha), alpha))


@arguments.broadcasts
def linear_chaos_euler_scale(
    alpha: ArrayLike,
    rate: ArrayLike,
    coupling: ArrayLike,
    scale: ArrayLike,
    n: ArrayLike,
    step_size: ArrayLike,
    steps: ArrayLike,
) -> Any:
    """``linear_chaos_scale`` after ``steps`` steps of the Euler scheme.

    Equation: the mean follows the factor A = 1 - a h, deviations from it B = 1 - (a + c) h, the limit B alone;
    so s n^(1/alpha - 1) (h sum over m < steps of |A^m - B^m|^alpha)^(1/alpha). Regime: exact, any n and step size.
    Source: guide/sde.md, Linear interaction.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        rate: Drift a of each particle to 0, finite.
        coupling: Drift c of each particle to the mean, finite.
        scale: Scale of the noise, >= 0.
        n: Number of particles, a whole number >= 1.
        step_size: Step h of the scheme, > 0.
        steps: How many steps, a whole number >= 1.

    Returns:
        The scale: a float, or an array of the broadcast shape.

    Raises:
        ValueError: For an argument out of range, and where more than some ten million steps matter, each by its own term.
    """
    alpha, rate, coupling, scale, n = _system(alpha, rate, coupling, scale, n)
    h, steps = arguments.positive("step_size", step_size), arguments.whole("steps", steps)
    with np.errstate(divide="ignore"):  # a factor of zero has the logarithm -inf
        total = np.vectorize(chaos_sum, otypes=[float])(alpha, rate * h, coupling * h, steps)
    return plain(scaled_root(scale, h * total * n ** (1 - alpha), alpha))


def linear_chaos_slope(alpha: ArrayLike) -> Any:
    """The exponent of n in ``linear_chaos_scale``.

    Equation: -(1 - 1/alpha); no chaos for alpha <= 1, and -1/2 for bounded interactions, whatever alpha.
    Regime: exact. Source: guide/sde.md, Linear interaction.

    Args:
        alpha: Stability index of the noise, in (0, 2].

    Returns:
        The exponent: a float, or an array of the shape of ``alpha``.

    Raises:
        ValueError: For an argument out of range.
    """
    return plain(1 / arguments.index("alpha", alpha) - 1)


def bounded_chaos_constant(
    alpha: float, rate: float, coupling: float, scale: float, time: float, *, draws: int, seed: int, steps: int
) -> Estimate:
    """The limit of sqrt(n) rms(X^(i,n) - X^(i,inf)) for bounded interaction, by Monte Carlo.

    Equation: dX^i = (-a X^i + K mean tanh X) dt + s dL^i, with the Ornstein-Uhlenbeck process Z as limit, gives
    |K| (E S^2)^(1/2), S = integral over 0 < u < T of exp(-a (T-u) + K integral from u to T of E sech^2 Z) tanh Z_u du; here for
    its Euler scheme of T/steps: S <- S (1 - a h + K h E sech^2 Z) + h tanh Z. E sech^2 is exact.
    Regime: limit of large n at fixed steps. Source: guide/sde.md, Bounded interaction.

    Args:
        alpha: Stability index of the noise, a number in (0, 2].
        rate: Drift a of each particle to 0, finite.
        coupling: The factor K of the mean of tanh X, finite.
        scale: Scale of the noise, >= 0.
        time: The time T, >= 0.
        draws: How many paths are drawn, >= 2.
        seed: Seed of the draws, an integer >= 0.
        steps: How many steps the scheme takes up to T, >= 1.

    Returns:
        The ``Estimate`` of the constant; not finite where the scheme runs away.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, h = (
        float(arguments.index("alpha", alpha)),
        arguments.non_negative("time", time) / arguments.integer("steps", steps, 1),
    )
    rate, coupling = float(arguments.finite("rate", rate)), float(arguments.finite("coupling", coupling))
    scale = arguments.non_negative("scale", scale)
    draws = arguments.integer("draws", draws, 2)
    rng = np.random.default_rng(seed)
    z, response, power = np.zeros(draws), np.zeros(draws), 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # a scheme that runs away has no finite constant
        for _ in range(steps):
            slope = _mean_squared_sech(alpha, scale * power ** (1 / alpha))
            response = response * (1 - rate * h + coupling * h * slope) + h * np.tanh(z)
            z = (1 - rate * h) * z + scale * h ** (1 / alpha) * _draw(rng, alpha, draws)
            power = power * abs(1 - rate * h) ** alpha + h
        return _rms(response, abs(coupling))


def _rms(response, factor) -> Estimate:
    """Of ``factor`` times the draws."""
    square = response**2
    root = np.sqrt(np.mean(square))
    error = np.std(square, ddof=1) / np.sqrt(len(square)) / (2 * root) if root > 0 else 0.0
    return Estimate(float(factor * root), float(factor * error))


@arguments.broadcasts
def neuron_tail_constant(
    alpha: ArrayLike, dim: ArrayLike, noise: str | int, scale: ArrayLike, time: ArrayLike, decay: ArrayLike = 0.0
) -> Any:
    """The C of P(|theta_i(t)|_2 > r) ~ C r^-alpha for a trained neuron with d inputs.

    Equation: scale^alpha C_type (1 - exp(-alpha decay t))/(alpha decay), t for decay = 0; C_type: ``norm_tail_constant``.
    Regime: limit of large r, bounded drift beside the weight decay. Source: guide/sde.md, Tail of trained neurons.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        dim: Number of inputs d, a whole number >= 1.
        noise: Type of the noise: "I", "II", "III" or 1, 2, 3.
        scale: Scale of the noise, >= 0.
        time: The time t, > 0.
        decay: Rate of the weight decay, >= 0.

    Returns:
        C: a float, or an array of the broadcast shape; 0 for alpha = 2.

    Raises:
        ValueError: For an argument out of range.
    """
    spread = np.asarray(transition_scale(alpha, arguments.size("decay", decay), scale, time)) ** np.asarray(alpha, float)
    return plain(spread * norm_tail_constant(alpha, dim, noise))


@arguments.broadcasts
def neuron_tail_constant_euler(
    alpha: ArrayLike,
    dim: ArrayLike,
    noise: str | int,
    scale: ArrayLike,
    step_size: ArrayLike,
    steps: ArrayLike,
    decay: ArrayLike = 0.0,
) -> Any:
    """``neuron_tail_constant`` after ``steps`` steps of size h of the Euler scheme, SGD with noise.

    Equation: scale^alpha C_type h sum over m < steps of |1 - decay h|^(alpha m). Regime: limit of large r.
    Source: guide/sde.md, Tail of trained neurons.

    Args:
        alpha: Stability index of the noise, in (0, 2].
        dim: Number of inputs d, a whole number >= 1.
        noise: Type of the noise: "I", "II", "III" or 1, 2, 3.
        scale: Scale of the noise, >= 0.
        step_size: Step h of the scheme, > 0.
        steps: How many steps, a whole number >= 1.
        decay: Rate of the weight decay, >= 0.

    Returns:
        C: a float, or an array of the broadcast shape; 0 for alpha = 2.

    Raises:
        ValueError: For an argument out of range.
    """
    alpha, decay = arguments.index("alpha", alpha), arguments.size("decay", decay)
    h, steps = arguments.positive("step_size", step_size), arguments.whole("steps", steps)
    total = h * geometric_sum(alpha * log_factor(decay * h), steps)
    return plain(arguments.size("scale", scale) ** alpha * total * norm_tail_constant(alpha, dim, noise))


def _system(alpha, rate, coupling, scale, n):
    rates = arguments.finite("rate", rate), arguments.finite("coupling", coupling)
    return arguments.index("alpha", alpha), *rates, arguments.size("scale", scale), arguments.whole("n", n)


def _response(alpha, rate, coupling, time):
    """Integral over 0 < u < time of |exp(-rate u) (1 - exp(-coupling u))|^alpha."""
    if coupling == 0 or time == 0:
        return 0.0
    if coupling < 0:  # both exponentials change places
        rate, coupling = rate + coupling, -coupling
    if -rate * time > GROWTH:
        return np.inf
    end = min(time, 40 / coupling, NEGLIGIBLE / (alpha * rate) if rate > 0 else np.inf)
    count = 2 + int(end * max(coupling / 3, alpha * abs(rate) / 6))
    edges = np.linspace(0, end, count)
    # The first panel holds the power u^alpha, the others are smooth.
    first, first_weights = roots_jacobi(24, 0.0, alpha)
    u = 0.5 * edges[1] * (1 + first)
    total = np.sum(first_weights * _kernel(alpha, rate, coupling, u) * u**-alpha) * (0.5 * edges[1]) ** (1 + alpha)
    x, weights = np.polynomial.legendre.leggauss(24)
    half = 0.5 * np.diff(edges[1:])[:, None]
    total += np.sum(half * weights * _kernel(alpha, rate, coupling, edges[1:-1, None] + half * (1 + x)))
    # Beyond, 1 - exp(-coupling u) is 1.
    x = alpha * rate * (time - end)
    rest = (time - end) * (-np.expm1(-x) / x if x != 0 else 1.0) * np.exp(-alpha * rate * end)
    return float(total + rest)


def _kernel(alpha, rate, coupling, u):
    return np.exp(-alpha * rate * u) * (-np.expm1(-coupling * u)) ** alpha


def _mean_squared_sech(alpha, scale):
    """E sech^2(scale X) = integral over t > 0 of exp(-(scale t)^alpha) t/sinh(pi t/2)."""
    edges = np.concatenate([[0.0], 4.0 ** np.arange(-14, 3), [30.0]])
    x, weights = np.polynomial.legendre.leggauss(24)
    half = 0.5 * np.diff(edges)[:, None]
    t = edges[:-1, None] + half * (1 + x)
    return float(np.sum(half * weights * np.exp(-((scale * t) ** alpha)) * t / np.sinh(0.5 * np.pi * t)))


def _draw(rng, alpha, count):
    """Unit SaS(alpha) numbers from a uniform angle and an exponential (Chambers, Mallows, Stuck)."""
    angle, w = np.pi * (rng.random(count) - 0.5), rng.exponential(size=count)
    power = (1 - alpha) / alpha
    return np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * (np.cos((1 - alpha) * angle) / w) ** power
