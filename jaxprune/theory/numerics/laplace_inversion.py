"""The energy of a vector of independent symmetric stable coordinates, by inversion of its Laplace transform.

Derivations: guide/compression.md.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from jaxprune.theory.arguments import Array

Complex = NDArray[np.complex128]

DAMPING = 22.0  # relative error exp(-DAMPING), round-off exp(DAMPING/2) 1e-16
AVERAGED = 14  # partial sums under Euler's binomial mean
ROWS = 40
HALF_LINE = np.arange(-4.0, 3.2, 1 / 12)  # double exponential rule for functions on (0, inf) that fall off like exp(-r)
NODES = np.exp(HALF_LINE - np.exp(-HALF_LINE))
WEIGHTS = NODES * (1 + np.exp(-HALF_LINE)) / 12


def transform(rate: Complex, alpha: float) -> tuple[Complex, Complex]:
    """Phi(l) = E exp(-l X^2) of one coordinate, and -l phi'(l), for complex ``rate`` l, Re l > 0.

    Equation: X = sqrt(2A) G gives phi(l) = E exp(-z |G|^alpha), z = (2 l)^{alpha/2}, G standard normal; the integral over G
    runs along a ray between the directions in which its two factors fall off. Regime: exact, quadrature to 1e-11.
    Source: guide/compression.md, Noise types.
    """
    z = (2 * rate[..., None]) ** (alpha / 2)
    size = np.minimum(2.0, (30 / np.abs(z)) ** (1 / alpha) / 8)
    ray = size * np.exp(-0.25j * np.angle(rate[..., None])) * NODES
    with np.errstate(under="ignore"):
        damped = z * ray**alpha
        values = np.exp(-(ray**2) / 2 - damped) * (ray / NODES * WEIGHTS) * np.sqrt(2 / np.pi)
    return values.sum(axis=-1), (0.5 * alpha * damped * values).sum(axis=-1)


def truncated_and_cdf(log_y: Array, alpha: float, dim: float) -> tuple[Array, Array]:
    """E[e; e <= y] and P(e <= y) for e = X_1^2 + ... + X_dim^2.

    Equation: the transforms of both in y are -(phi^dim)'(l)/l and phi(l)^dim/l; they are inverted on the lines
    Re l = DAMPING/(2y) by the trapezoid rule with Euler's summation (Abate and Whitt).
    Regime: exact, to about 1e-9; cost grows like sqrt(dim). Source: guide/compression.md, Noise types.
    """
    parts = [_rows(log_y[i : i + ROWS], alpha, dim) for i in range(0, len(log_y), ROWS)]
    truncated, cdf = np.concatenate(parts, axis=1)
    return truncated, cdf


def _rows(log_y: Array, alpha: float, dim: float) -> Array:
    count = 24 + int(4 * np.sqrt(dim))
    k = np.arange(count + AVERAGED + 1)
    line = (0.5 * DAMPING + 1j * np.pi * k).astype(np.complex128)  # l y
    phi, slope = transform(line * np.exp(-log_y)[:, None], alpha)
    power = np.exp((dim - 1) * np.log(phi))
    signs = (-1.0) ** k * np.where(k == 0, 0.5, 1.0) * np.exp(0.5 * DAMPING)
    terms = np.stack([(dim * power * slope / line**2).real * np.exp(log_y)[:, None], (power * phi / line).real]) * signs
    sums = np.cumsum(terms, axis=-1)[..., count:]
    return sums @ (special.binom(AVERAGED, np.arange(AVERAGED + 1)) / 2.0**AVERAGED)
