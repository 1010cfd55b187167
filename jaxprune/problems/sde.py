"""Diffusions driven by stable noise, ``dX = b(X) dt + scale dL``, from 0 up to a time ``horizon``, by Euler's scheme.

``L`` is the symmetric Lévy process of index ``alpha`` with unit scale at time 1. Derivations: guide/sde.md.
"""

from typing import Any, ClassVar

from jaxprune.contracts import Metric
from jaxprune.struct import choice, count, number, struct

BOUNDED_DRIFTS = ("tanh", "clipped")


@struct
class OrnsteinUhlenbeck:
    """``b(x) = -rate x``; the finest grid has ``finest`` steps, coarser ones divide it. ``brownian`` adds a Brownian part,
    ``sqrt(2) brownian dB`` (Dupuis & Şimşekli). Source: guide/sde.md, Ornstein-Uhlenbeck."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("log_size", "mean of log|X|", "logarithm"),
        Metric("log_gap", "mean of log|X - its finest grid|", "logarithm"),
        Metric("cosine", "mean of cos(u X)"),
    )
    alpha: Any = number("(0, 2]", hint="2 is Gaussian, 1 is Cauchy")
    rate: Any = number()
    scale: Any = number("[0, inf)", hint="0 is no noise")
    horizon: Any = number("(0, inf)")
    finest: int = count("steps")
    brownian: Any = number("[0, inf)", default=0.0)


@struct
class BoundedDrift:
    """``b(x) = -rate tanh x`` ("tanh") or ``-rate x`` cut at -1 and 1 ("clipped"); grids as above.
    Source: guide/sde.md, Nonlinear drifts."""

    alpha: Any = number("(0, 2]", hint="2 is Gaussian, 1 is Cauchy")
    rate: Any = number()
    scale: Any = number("[0, inf)", hint="0 is no noise")
    horizon: Any = number("(0, inf)")
    finest: int = count("steps")
    drift: str = choice(*BOUNDED_DRIFTS, default="tanh")


@struct
class LinearChaos:
    """Particles ``b_i(x) = -(rate + coupling) x_i + coupling mean(x)`` beside their limit of infinitely many, under the
    same noise; ``steps`` steps. Source: guide/sde.md, Linear interaction."""

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("log_error", "mean of log|particle - its limit|", "logarithm"),)
    alpha: Any = number("(0, 2]", hint="2 is Gaussian, 1 is Cauchy")
    rate: Any = number()
    coupling: Any = number()
    scale: Any = number("[0, inf)", hint="0 is no noise")
    horizon: Any = number("(0, inf)")
    steps: int = count("steps")


@struct
class BoundedChaos:
    """Particles ``b_i(x) = -rate x_i + coupling mean(tanh x)`` beside their limit, whose mean vanishes.
    Source: guide/sde.md, Bounded interaction."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("scaled_square", "n times the mean square distance of a particle from its limit"),
    )
    alpha: Any = number("(0, 2]", hint="2 is Gaussian, 1 is Cauchy")
    rate: Any = number()
    coupling: Any = number()
    scale: Any = number("[0, inf)", hint="0 is no noise")
    horizon: Any = number("(0, inf)")
    steps: int = count("steps")


@struct
class Explosion:
    """``b(x) = x - x^3``: the scheme runs away from ``|x| > sqrt((2 + h) / h)`` at step size h.
    Source: guide/sde.md, Explosion."""

    metrics: ClassVar[tuple[Metric, ...]] = (Metric("lost", "fraction of paths that ran away"),)
    alpha: Any = number("(0, 2]", hint="2 is Gaussian, 1 is Cauchy")
    scale: Any = number("[0, inf)", hint="0 is no noise")
    horizon: Any = number("(0, inf)")
