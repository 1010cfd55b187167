"""The mean share of the energy beyond the s largest of N Pareto entries, exactly: an integral over the s-th and a Laplace rate.

Derivations: guide/matrices.md, Finite matrices.
"""

import numpy as np
from numpy.polynomial import legendre
from scipy import special

from jaxprune.theory.arguments import Array

FINENESS = 4  # nodes in a standard deviation of logit(w)
SPACING = 0.2  # in log m; the integrand is analytic up to an angle of pi/2, so its error is about exp(-pi^2/SPACING)
POINTS, WEIGHTS = legendre.leggauss(20)
LOW, HIGH = np.log(0.5), np.log(42.0)  # below the first 1 - exp(-t) is a series, above the second it is 1
TERMS = np.arange(1, 17)
FACTORIAL = special.factorial(TERMS)
SIGNS = (-1.0) ** (TERMS + 1)


def expected_share(N: float, s: float, alpha: float) -> float:
    """E D_s of ``N`` Pareto entries with tail index ``alpha``, 0 < s < N.

    Equation: given the s-th smallest u = w, Beta(s, N-s+1), int e^-m phi^(s-1) (N-s) psi^(N-s-1) chi dm, the transforms phi of
    larger energies and psi of smaller ones over the s-th, chi = -psi'. Regime: exact, relative error about 1e-12.
    Source: guide/matrices.md, Finite matrices.
    """
    logit, weights = _places(N, s)
    log_rate = np.arange(*_rates(N, s, alpha), SPACING)[:, None]
    beta, span = alpha / 2, -special.log_expit(logit) * (2 / alpha)
    missing, energy = _below(beta, log_rate, span)
    rest = special.expit(-logit)
    log_above = _power(s - 1, _above(beta, log_rate))
    log_below = _power(N - s - 1, missing / rest)
    with np.errstate(under="ignore"):
        values = np.exp(-np.exp(log_rate) + log_above + log_below) * (N - s) * (energy / rest)
    return float(np.sum(values @ weights) * SPACING)


def _power(count: float, missing: Array) -> Array:
    """log (1 - missing)^count."""
    return count * np.log1p(-np.minimum(missing, 1 - 1e-16))


def _places(N: float, s: float) -> tuple[Array, Array]:
    """Nodes and weights of the trapezoid rule in logit(w), where the density is log-concave."""
    more = N - s + 1
    centre, deviation = np.log(s / more), np.sqrt((N + 1) / (s * more))
    step = min(deviation, 1.0) / FINENESS
    nodes = np.arange(centre - 10 * deviation - 40 / s, centre + 10 * deviation + 40 / more, step)
    log_density = s * special.log_expit(nodes) + more * special.log_expit(-nodes)
    weights = np.exp(log_density - np.max(log_density))
    kept = weights > 1e-19
    return nodes[kept], weights[kept] / np.sum(weights)


def _rates(N: float, s: float, alpha: float) -> tuple[float, float]:
    """log m from where the largest energies are not damped, and the integrand falls like m, to where that of the s-th is."""
    return -2 / alpha * np.log(s) - np.log(N) - 42.0, HIGH


def _segment(beta: float, start: Array, length: Array, reference: Array) -> tuple[Array, Array]:
    """int e^(-beta (tau - reference)) (1 - exp(-e^tau), e^tau exp(-e^tau)) dtau from ``start`` over a ``length``, which may be
    less than the round-off of the ends."""
    short = np.where(start + length <= LOW, length, np.clip(LOW - start, 0, length))
    missing, energy = _lower(beta, start, short, reference)
    first, half = np.maximum(start, LOW), np.clip(np.minimum(length - short, HIGH - np.maximum(start, LOW)), 0, None) / 4
    for panel in range(2):
        for point, weight in zip(POINTS, WEIGHTS, strict=True):
            tau = first + half * (2 * panel + 1 + point)
            with np.errstate(over="ignore", under="ignore"):
                factor = weight * half * np.exp(-beta * (tau - reference))
                damped = np.exp(tau)
                missing, energy = missing - factor * np.expm1(-damped), energy + factor * damped * np.exp(-damped)
    return missing, energy


def _lower(beta: float, start: Array, length: Array, reference: Array) -> tuple[Array, Array]:
    """The same below LOW, power by power of e^tau: each is an integral of exp((k - beta) tau), taken from its larger end."""
    missing, energy = np.zeros(np.shape(length)), np.zeros(np.shape(length))
    for k, sign, factorial in zip(TERMS, SIGNS, FACTORIAL, strict=True):
        end = start + length if k > beta else start
        with np.errstate(under="ignore"):
            part = np.exp((k - beta) * end + beta * reference) * length * special.exprel(-abs(k - beta) * length)
        missing, energy = missing + sign / factorial * part, energy + sign * k / factorial * part
    return missing, energy


def _above(beta: float, log_rate: Array) -> Array:
    """1 - phi(m), phi(m) = E exp(-m v^(-1/beta)) for uniform v."""
    missing, _ = _segment(beta, log_rate, HIGH - log_rate, log_rate)
    with np.errstate(under="ignore"):
        return np.minimum(beta * missing + np.exp(-beta * (HIGH - log_rate)), 1.0)


def _below(beta: float, log_rate: Array, span: Array) -> tuple[Array, Array]:
    """(1 - w)(1 - psi_w(m)) and (1 - w) m chi_w(m), from ``span`` = -log(w)/beta."""
    log_rate, span = np.broadcast_arrays(log_rate, span)
    missing, energy = _segment(beta, log_rate - span, span, log_rate - span)
    return beta * missing, beta * energy
