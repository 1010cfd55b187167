"""Diffusions with stable noise: metrics ``log_size``, ``log_gap``, ``cosine``, ``log_error``, ``scaled_square``, ``lost``.

Inner axes: ``steps`` of a grid, ``n`` particles, ``frequency`` of a characteristic function.
"""

import functools
from typing import Any

import numpy as np

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import BoundedChaos, Explosion, LinearChaos, OrnsteinUhlenbeck
from jaxprune.theory.numerics.estimate import Estimate
from jaxprune.theory.sde import explosion, ornstein_uhlenbeck, particles

DRAWS = 200_000  # of the limit process, for the constant of bounded interaction


@predictors.register
def _(problem: OrnsteinUhlenbeck) -> dict[str, Predictor]:
    alpha, rate, scale, horizon, brownian = _numbers(problem, "alpha", "rate", "scale", "horizon", "brownian")

    def log_size(place: dict[str, Any]) -> Value:
        steps = place["steps"]
        size = ornstein_uhlenbeck.euler_scale(alpha, rate, scale, horizon / steps, steps)
        return _mean_log(size, alpha)

    def log_gap(place: dict[str, Any]) -> Value:
        steps, (ratio, rest) = place["steps"], divmod(problem.finest, place["steps"])
        if rest:  # no grid of this problem
            return NONE
        size = ornstein_uhlenbeck.two_grid_scale(alpha, rate, scale, horizon / steps, steps, ratio)
        return _mean_log(size, alpha)

    def cosine(place: dict[str, Any]) -> Value:
        u, step_size = place["frequency"], horizon / problem.finest
        size = ornstein_uhlenbeck.euler_scale(alpha, rate, scale, step_size, problem.finest)
        gaussian = ornstein_uhlenbeck.euler_scale(2.0, rate, brownian, step_size, problem.finest)
        if not np.isfinite(size + gaussian):
            return NONE
        with np.errstate(over="ignore"):
            exponent = np.float64(size * abs(u)) ** alpha + np.float64(gaussian * u) ** 2
        return Value(float(np.exp(-exponent)), "exact")

    heavy = Predictor(lambda place: NONE)  # no closed form for the sum of both noises
    return {
        "log_size": Predictor(log_size, {"steps"}) if brownian == 0 else heavy,
        "log_gap": Predictor(log_gap, {"steps"}) if brownian == 0 else heavy,
        "cosine": Predictor(cosine, {"frequency"}),
    }


@predictors.register
def _(problem: LinearChaos) -> dict[str, Predictor]:
    alpha, rate, coupling, scale, horizon = _numbers(problem, "alpha", "rate", "coupling", "scale", "horizon")

    def log_error(place: dict[str, Any]) -> Value:
        step_size = horizon / problem.steps
        size = particles.linear_chaos_euler_scale(alpha, rate, coupling, scale, place["n"], step_size, problem.steps)
        return _mean_log(size, alpha)

    return {"log_error": Predictor(log_error, {"n"})}


@predictors.register
def _(problem: BoundedChaos) -> dict[str, Predictor]:
    numbers = _numbers(problem, "alpha", "rate", "coupling", "scale", "horizon")

    @functools.cache
    def constant() -> Estimate:
        return particles.bounded_chaos_constant(*numbers, draws=DRAWS, seed=0, steps=problem.steps)

    def scaled_square(place: dict[str, Any]) -> Value:
        value, error = constant()
        return Value(value**2, "limit", 2 * value * error) if np.isfinite(value * error) else NONE

    return {"scaled_square": Predictor(scaled_square, {"n"})}


@predictors.register
def _(problem: Explosion) -> dict[str, Predictor]:
    alpha, scale, horizon = _numbers(problem, "alpha", "scale", "horizon")

    def lost(place: dict[str, Any]) -> Value:
        share = explosion.lost_fraction(alpha, scale, horizon / place["steps"], place["steps"])
        return NONE if np.isnan(share) else Value(share, "exact")

    return {"lost": Predictor(lost, {"steps"})}


def _mean_log(size: float, alpha: float) -> Value:
    """E log|X| of a scale; nothing where all of X is 0, or beyond the floats: the logarithms of samples are not finite."""
    return Value(ornstein_uhlenbeck.mean_log_abs(size, alpha), "exact") if 0 < size < np.inf else NONE


def _numbers(problem: Any, *names: str) -> tuple[float, ...]:
    return tuple(float(getattr(problem, name)) for name in names)
