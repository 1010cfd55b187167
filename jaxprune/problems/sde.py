"""Diffusions driven by stable noise, ``dX = b(X) dt + scale dL``, from 0 up to a time ``horizon``, by Euler's scheme.

``L`` is the symmetric Lévy process of index ``alpha`` in (0, 2] with unit scale at time 1. Numbers are leaves. Derivations:
guide/sde.md. All raise ValueError, naming the argument, for numbers out of range.
"""

from typing import Any, ClassVar

import numpy as np

from jaxprune.checks import check_count
from jaxprune.contracts import Metric
from jaxprune.struct import static, struct

BOUNDED_DRIFTS = ("tanh", "clipped")


@struct
class OrnsteinUhlenbeck:
    """``b(x) = -rate x``; the finest grid has ``finest`` steps, coarser ones divide it. ``brownian`` >= 0 adds a
    Brownian part, ``sqrt(2) brownian dB`` (Dupuis & Şimşekli). Source: guide/sde.md, Ornstein-Uhlenbeck."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("log_size", "mean of log|X|", "logarithm"),
        Metric("log_gap", "mean of log|X - its finest grid|", "logarithm"),
        Metric("cosine", "mean of cos(u X)"),
    )
    alpha: Any
    rate: Any
    scale: Any
    horizon: Any
    finest: int = static()
    brownian: Any = 0.0

    def __post_init__(self):
        check_count("finest", self.finest, "steps")
        _check(self, "rate")
        _number(self, "brownian", lambda x: 0 <= x < np.inf, "a finite number >= 0")


@struct
class BoundedDrift:
    """``b(x) = -rate tanh x`` ("tanh") or ``-rate x`` cut at -1 and 1 ("clipped"); grids as above.
    Source: guide/sde.md, Nonlinear drifts."""

    alpha: Any
    rate: Any
    scale: Any
    horizon: Any
    finest: int = static()
    drift: str = static(default="tanh")

    def __post_init__(self):
        check_count("finest", self.finest, "steps")
        _check(self, "rate")
        if self.drift not in BOUNDED_DRIFTS:
            raise ValueError(f"drift: {self.drift!r}; use one of {', '.join(BOUNDED_DRIFTS)}")


@struct
class LinearChaos:
    """Particles ``b_i(x) = -(rate + coupling) x_i + coupling mean(x)`` beside their limit of infinitely many, under the
    same noise; ``steps`` steps. Source: guide/sde.md, Linear interaction."""

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("log_error", "mean of log|particle - its limit|", "logarithm"),)
    alpha: Any
    rate: Any
    coupling: Any
    scale: Any
    horizon: Any
    steps: int = static()

    def __post_init__(self):
        check_count("steps", self.steps, "steps")
        _check(self, "rate", "coupling")


@struct
class BoundedChaos:
    """Particles ``b_i(x) = -rate x_i + coupling mean(tanh x)`` beside their limit, whose mean vanishes.
    Source: guide/sde.md, Bounded interaction."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("scaled_square", "n times the mean square distance of a particle from its limit"),
    )
    alpha: Any
    rate: Any
    coupling: Any
    scale: Any
    horizon: Any
    steps: int = static()

    def __post_init__(self):
        check_count("steps", self.steps, "steps")
        _check(self, "rate", "coupling")


@struct
class Explosion:
    """``b(x) = x - x^3``: the scheme runs away from ``|x| > sqrt((2 + h) / h)`` at step size h.
    Source: guide/sde.md, Explosion."""

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("lost", "fraction of paths that ran away"),)
    alpha: Any
    scale: Any
    horizon: Any

    def __post_init__(self):
        _check(self)


def _check(problem: Any, *names: str) -> None:
    """The numbers that every diffusion has, and those of its drift."""
    _number(problem, "alpha", lambda x: 0 < x <= 2, "a number in (0, 2]; 2 is Gaussian, 1 is Cauchy")
    _number(problem, "scale", lambda x: 0 <= x < np.inf, "a finite number >= 0; 0 is no noise")
    _number(problem, "horizon", lambda x: 0 < x < np.inf, "a finite time > 0")
    for name in names:
        _number(problem, name, np.isfinite, "a finite number")


def _number(problem, name, good, cure):
    """One real number, kept as an array of float64."""
    value = np.asarray(getattr(problem, name))
    if value.ndim or value.dtype.kind not in "fiu" or not good(float(value)):
        raise ValueError(f"{name}: {getattr(problem, name)!r} is out of range; use {cure}")
    object.__setattr__(problem, name, value.astype(float))
