"""The mean-field network that learns nothing: what pruning does to its parameters, and what it does to its function.

With target zero, signs that alternate and an odd activation the limit of a neuron is theta = s X, X the unit noise of a
neuron and s = sigma t^(1/alpha). Inputs x are N(0, I_d), so that <theta, x> is s R g with R = |X| and g standard normal: the
network sees a neuron through its norm alone. Then the removed part of the energy is negligible, the removed part of the
function is not. Types I (R = sqrt(d) |Z|) and III (R^2 = 2 A chi^2_d, A positive (alpha/2)-stable) have a norm law in
closed form. Derivations: guide/compression.md.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from jaxprune.theory import arguments, stable
from jaxprune.theory.compression import heavy_limit
from jaxprune.theory.stable import positive

Array = NDArray[np.float64]
Z = np.linspace(-8.3, 8.3, 333)  # trapezoid of standard normals: the mixing variable by its quantiles
WEIGHTS = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()
NODES = np.polynomial.legendre.leggauss(40)
PANELS = 24  # of log R


def norm_cdf(radius: ArrayLike, alpha: float, dim: int, noise: str = "III") -> Array:
    """P(|X| <= radius) of the noise of one neuron with ``dim`` inputs, unit scale.

    Equation: type I P(|Z| <= r / sqrt(d)); type III E P(chi^2_d <= r^2 / (2A)). Regime: exact, 0 < alpha <= 2.
    ValueError for type II, which has no closed form for d > 1. Source: guide/compression.md, A network that learns nothing.
    """
    radius = np.asarray(radius, float)
    number = arguments.noise_type("noise", noise)
    if number == 1 or dim == 1:
        return np.asarray(stable.abs_cdf(radius / np.sqrt(dim), alpha))
    if number == 2:
        raise ValueError(f"noise: {noise!r} has no norm law in closed form; use 'I' or 'III'")
    with np.errstate(over="ignore"):
        return special.gammainc(dim / 2, radius[..., None] ** 2 / (4 * _mixing(alpha))) @ WEIGHTS


def norm_quantile(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The radius t beyond which a neuron's unit noise is with probability ``kappa``: a network that keeps
    the fraction kappa removes what is below.

    Equation: P(|X| > t) = kappa. Regime: exact. ValueError as ``norm_cdf``, and for kappa outside (0, 1).
    Source: guide/compression.md, A network that learns nothing.
    """
    arguments.probability("kappa", kappa)
    middle = np.log(dim) / 2
    top = middle + 3 + 2 * np.log1p(1 / kappa) / alpha
    found: Any = optimize.brentq(
        lambda u: float(norm_cdf(np.exp(u), alpha, dim, noise)) - (1 - kappa), middle - 40 / alpha, top
    )
    return float(np.exp(found))


def removed_energy(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """E[|X|^2; |X| <= t], the energy per neuron that goes when the fraction ``kappa`` stays; unit scale.

    Equation: t^2 P(|X| <= t) - 2 int_0^t r P(|X| <= r) dr. Regime: limit of wide networks, exact as a truncated moment.
    ValueError as ``norm_quantile``. Source: guide/compression.md, A network that learns nothing.
    """
    top = norm_quantile(kappa, alpha, dim, noise)
    return _truncated(lambda r: r**2, lambda r: 2 * r, top, alpha, dim, noise)


def error_limit(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The limit of the mean of n^(2/alpha-1) err^2, err the relative error of the parameters.

    Equation: E[M/S] of ``heavy_limit.tail_limit_moment`` with the tail constant of the norm and M of ``removed_energy``.
    Regime: limit, gap O(1/n); 0 < alpha < 2. ValueError as ``norm_quantile``.
    Source: guide/compression.md, A network that learns nothing.
    """
    constant = stable.norm_tail_constant(alpha, dim, noise)
    return float(heavy_limit.tail_limit_moment(alpha, 2.0, constant, removed_energy(kappa, alpha, dim, noise)))


def function_energy(scale: float, alpha: float, dim: int, noise: str = "III", kappa: float | None = None) -> float:
    """N times the mean square of the outputs on N(0, I) inputs, of the whole tanh network; with
    ``kappa``, of the part that is removed when the fraction kappa stays.

    Equation: E[T(scale |X|); |X| <= t], T(r) = E tanh(r g)^2, g standard normal, t infinite without ``kappa``.
    Regime: exact for independent neurons of symmetric law; limit, gap O(1/n), with kappa and after training on the "raw"
    time scale. ValueError as ``norm_quantile``. Source: guide/compression.md, A network that learns nothing.
    """
    top = norm_quantile(1e-9, alpha, dim, noise) if kappa is None else norm_quantile(kappa, alpha, dim, noise)
    return _truncated(lambda r: _seen(scale * r)[0], lambda r: scale * _seen(scale * r)[1], top, alpha, dim, noise)


def functional_error(kappa: float, scale: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The relative error of the function when the fraction ``kappa`` of the neurons stays.

    Equation: (removed / whole)^(1/2) of ``function_energy``. Regime: limit, of the ratio of mean squares; it does not tend
    to 0 as the network grows. ValueError as ``norm_quantile``. Source: guide/compression.md, A network that learns nothing.
    """
    removed = function_energy(scale, alpha, dim, noise, kappa)
    return float(np.sqrt(removed / function_energy(scale, alpha, dim, noise)))


@functools.lru_cache(maxsize=64)
def _mixing(alpha: float) -> Array:
    """Values of A at the quantiles of the nodes Z."""
    return np.maximum(positive.quantile(special.ndtr(-Z), alpha / 2), np.finfo(float).tiny)


def _seen(radius: Array) -> tuple[Array, Array]:
    """E tanh(r g)^2 and its derivative in r."""
    hidden = np.tanh(radius[..., None] * Z)
    return hidden**2 @ WEIGHTS, (2 * hidden * (1 - hidden**2) * Z) @ WEIGHTS


def _truncated(value, slope, top: float, alpha: float, dim: int, noise: str) -> float:
    """E[value(R); R <= top] for a value that is 0 at 0, by parts, over panels of log R."""
    edges = np.linspace(np.log(top) - 30, np.log(top), PANELS + 1)
    half = np.diff(edges)[:, None] / 2
    r = np.exp(((edges[1:] + edges[:-1]) / 2)[:, None] + half * NODES[0])
    inside = np.sum(half * NODES[1] * r * slope(r) * norm_cdf(r, alpha, dim, noise))
    return float(value(np.array(top)) * norm_cdf(top, alpha, dim, noise) - inside)
