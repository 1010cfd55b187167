"""The mean-field network that learns nothing: what pruning does to its parameters, and what it does to its function.

With target zero, signs that alternate and an odd activation the limit of a neuron is theta = s X, X the unit noise of a
neuron and s = sigma t^(1/alpha). Inputs x are N(0, I_d), so that <theta, x> is s R g with R = |X| and g standard normal: the
network sees a neuron through its norm alone. Then the removed part of the energy is negligible, the removed part of the
function is not. Types I (R = sqrt(d) |Z|) and III (R^2 = 2 A chi^2_d, A positive (alpha/2)-stable) have a norm law in
closed form. Derivations: guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from jaxprune.theory import arguments, stable
from jaxprune.theory.compression import energies, heavy_limit
from jaxprune.theory.stable.norms import Energy

Array = NDArray[np.float64]
Z = np.linspace(-8.3, 8.3, 333)  # trapezoid of standard normals
WEIGHTS = np.exp(-(Z**2) / 2) / np.exp(-(Z**2) / 2).sum()
NODES = np.polynomial.legendre.leggauss(40)
PANEL = 1.25  # of log R
WHOLE = 1e-9  # the fraction of the law that a whole mean leaves out
TINY = 1e-300


def norm_cdf(radius: ArrayLike, alpha: float, dim: int, noise: str = "III") -> Array:
    """P(|X| <= radius) of the noise of one neuron with ``dim`` inputs, unit scale.

    Equation: type I P(|Z| <= r / sqrt(d)); type III E P(chi^2_d <= r^2 / (2A)). Regime: exact.
    Source: guide/compression.md, A network that learns nothing.

    Args:
        radius: Norms of any shape; 0 and below have probability 0.
        alpha: Stability index of the noise, in (0, 2].
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.

    Returns:
        The probability, an array of the shape of ``radius``.

    Raises:
        ValueError: For type II with d > 1, which has no closed form, an unknown type, and alpha and dim out of range.
    """
    law, copies = _law(alpha, dim, noise)
    radius = np.asarray(radius, float)
    with np.errstate(divide="ignore"):
        return law.cdf(2 * np.log(np.maximum(radius.ravel(), 0.0)) - np.log(copies)).reshape(radius.shape)


def norm_quantile(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The radius t beyond which a neuron's unit noise is with probability ``kappa``: a network that keeps
    the fraction kappa removes what is below.

    Equation: P(|X| > t) = kappa. Regime: exact. Source: guide/compression.md, A network that learns nothing.

    Args:
        kappa: Fraction of the neurons kept, in (0, 1).
        alpha: Stability index of the noise, in (0, 2].
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.

    Returns:
        The radius t, > 0.

    Raises:
        ValueError: As ``norm_cdf`` does, and for kappa outside (0, 1).
    """
    arguments.probability("kappa", kappa)
    _law(alpha, dim, noise)
    middle = np.log(dim) / 2
    top = middle + 3 + 2 * np.log1p(1 / kappa) / alpha
    found: Any = optimize.brentq(
        lambda u: float(norm_cdf(np.exp(u), alpha, dim, noise)) - (1 - kappa), middle - 40 / alpha, top
    )
    return float(np.exp(found))


def removed_energy(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """E[|X|^2; |X| <= t], the energy per neuron that goes when the fraction ``kappa`` stays; unit scale.

    Equation: that of ``energies``. Regime: limit of wide networks, exact as a truncated moment.
    Source: guide/compression.md, A network that learns nothing.

    Args:
        kappa: Fraction of the neurons kept, in (0, 1).
        alpha: Stability index of the noise, in (0, 2].
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.

    Returns:
        The energy, > 0.

    Raises:
        ValueError: As ``norm_quantile`` does.
    """
    law, copies = _law(alpha, dim, noise)
    top = norm_quantile(kappa, alpha, dim, noise)
    return float(copies * law.truncated(2 * np.log([top]) - np.log(copies))[0])


def error_limit(kappa: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The limit of the mean of n^(2/alpha-1) err^2, err the relative error of the parameters.

    Equation: E[M/S] of ``heavy_limit.tail_limit_moment`` with the tail constant of the norm and M of ``removed_energy``.
    Regime: limit, gap O(1/n). Source: guide/compression.md, A network that learns nothing.

    Args:
        kappa: Fraction of the neurons kept, in (0, 1).
        alpha: Stability index of the noise, in (0, 2).
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.

    Returns:
        The limit, > 0.

    Raises:
        ValueError: As ``norm_quantile`` does, and unless alpha < 2.
    """
    constant = stable.norm_tail_constant(alpha, dim, noise)
    return float(heavy_limit.tail_limit_moment(alpha, 2.0, constant, removed_energy(kappa, alpha, dim, noise)))


def function_energy(scale: float, alpha: float, dim: int, noise: str = "III", kappa: float | None = None) -> float:
    """N times the mean square of the outputs on N(0, I) inputs, of the tanh network, or of the part that is removed.

    Equation: E[T(scale |X|); |X| <= t], T(r) = E tanh(r g)^2, g standard normal, t infinite without ``kappa``, by parts.
    Regime: exact for independent neurons of symmetric law; limit, gap O(1/n), with kappa and after training on the "raw" time
    scale. Source: guide/compression.md, A network that learns nothing.

    Args:
        scale: Scale s = sigma t^(1/alpha) of a neuron, >= 0.
        alpha: Stability index of the noise, in (0, 2].
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.
        kappa: Fraction of the neurons kept, in (0, 1), for the removed part; None for the whole network.

    Returns:
        The energy, in [0, 1].

    Raises:
        ValueError: As ``norm_quantile`` does, and for a scale that is negative or not finite.
    """
    arguments.non_negative("scale", scale)
    top = np.log(norm_quantile(WHOLE if kappa is None else kappa, alpha, dim, noise))
    low = min(top, -np.log(max(scale, TINY))) - 16  # there T is 1e-14 of what it becomes
    edges = np.linspace(low, top, 1 + int(np.ceil((top - low) / PANEL)))
    half = np.diff(edges)[:, None] / 2
    r = np.exp(((edges[1:] + edges[:-1]) / 2)[:, None] + half * NODES[0])
    below = np.sum(half * NODES[1] * r * scale * _seen(scale * r)[1] * norm_cdf(r, alpha, dim, noise))
    return float(_seen(scale * np.exp(top))[0] * norm_cdf(np.exp(top), alpha, dim, noise) - below)


def functional_error(kappa: float, scale: float, alpha: float, dim: int, noise: str = "III") -> float:
    """The relative error of the function of a pruned network.

    Equation: (removed / whole)^(1/2) of ``function_energy``. Regime: limit, of the ratio of mean squares; it does not tend to 0
    as the network grows. Source: guide/compression.md, A network that learns nothing.

    Args:
        kappa: Fraction of the neurons kept, in (0, 1).
        scale: Scale s = sigma t^(1/alpha) of a neuron, > 0.
        alpha: Stability index of the noise, in (0, 2].
        dim: Number d of inputs, an integer >= 1.
        noise: Type of the noise, "I" or "III", or "II" for one input.

    Returns:
        The error, in (0, 1).

    Raises:
        ValueError: As ``norm_quantile`` does, and for a scale that is not positive and finite.
    """
    arguments.positive("scale", scale, "a network that is 0 has no relative error")
    removed = function_energy(scale, alpha, dim, noise, kappa)
    return float(np.sqrt(removed / function_energy(scale, alpha, dim, noise)))


def _law(alpha: float, dim: int, noise: str) -> tuple[Energy, int]:
    """The law of an energy of which |X|^2 is a multiple, and the multiple."""
    number = arguments.noise_type("noise", noise)
    arguments.index("alpha", alpha)
    arguments.integer("dim", dim, 1)
    if number == 2 and dim > 1:
        raise ValueError(f"noise: {noise!r} has no norm law in closed form; use 'I' or 'III'")
    return (energies.law_of(alpha, 1, 1), dim) if number == 1 else (energies.law_of(alpha, dim, 3), 1)


def _seen(radius: Array) -> tuple[Array, Array]:
    """E tanh(r g)^2 and its derivative in r."""
    hidden = np.tanh(radius[..., None] * Z)
    return hidden**2 @ WEIGHTS, (2 * hidden * (1 - hidden**2) * Z) @ WEIGHTS
