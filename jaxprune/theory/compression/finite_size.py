"""Compression of a sample of any size, exactly: the mean of the squared relative error of the largest entries.

Derivations: guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Callable

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments, stable
from jaxprune.theory.arguments import Array, plain

POINTS, WEIGHTS = legendre.leggauss(16)
# Integrals of polynomials from -1 to each node, out of their values at the nodes.
PRIMITIVE = np.array([legendre.legval(POINTS, legendre.legint(unit, lbnd=-1)) for unit in np.eye(16)]).T @ np.linalg.inv(
    legendre.legvander(POINTS, 15)
)
SPACING = 1 / 6  # in log l
TINY = 1e-300


@arguments.broadcasts
def gaussian_finite(n: ArrayLike, kept: ArrayLike):
    """E err_2^2 keeping the ``kept`` largest of ``n`` independent centred normal entries.

    Equation: int_0^inf 2 z^2 phi(z) P(Bin(n-1, F(z^2)) <= n-k-1) dz = E M(t(B)) with B ~ Beta(k, n-k), M(t) = P(3/2, t^2/2) and
    P(|X| > t(b)) = b. Regime: exact at every size, as the ratio does not depend on the norm.
    Source: guide/compression.md, Finite samples, exactly.

    Args:
        n: Number of entries, whole and >= 1.
        kept: Number k of kept entries, whole, 0 <= kept <= n.

    Returns:
        The mean, in [0, 1], 0 for kept = n and 1 for kept = 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 <= kept <= n, n >= 1 whole.
    """
    width, count = _sizes(n, kept)
    pairs = zip(*(x.ravel() for x in np.broadcast_arrays(width, count)), strict=True)
    return plain(np.reshape([_gaussian(*pair) for pair in pairs], np.broadcast_shapes(width.shape, count.shape)))


@arguments.broadcasts
def stable_finite(n: ArrayLike, kept: ArrayLike, alpha: ArrayLike):
    """E err_2^2 keeping the ``kept`` largest of ``n`` independent symmetric alpha-stable entries.

    Equation: given the k-th largest, E[R/(R+T)] = int E[R e^{-lR}] E[e^{-lT}] dl for the energies R removed and T kept,
    n!/((n-k-1)! (k-1)!) int dl int_0^1 dp e^{-l x^2} m L^{n-k-1} U^{k-1} with x(p) the quantile P(|X| > x) = p and (L,
    m) = int_p^1 (1, x^2) e^{-l x^2} dp, U = int_0^p e^{-l x^2} dp. Regime: exact at every size, quadrature to about 1e-12
    (1e-10 at n = 1e6); ten seconds at alpha = 0.05. Source: guide/compression.md, Finite samples, exactly.

    Args:
        n: Number of entries, whole and >= 1.
        kept: Number k of kept entries, whole, 0 <= kept <= n.
        alpha: Stability index of the entries, in (0, 2].

    Returns:
        The mean, in [0, 1], 0 for kept = n and 1 for kept = 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 <= kept <= n, n >= 1 whole and 0 < alpha <= 2.
    """
    (width, count), alpha = _sizes(n, kept), arguments.index("alpha", alpha)
    triples = np.broadcast_arrays(width, count, alpha)
    values = [
        expected_share(n, k, lambda p, a=a: np.asarray(stable.abs_quantile(p, a)), min(1.0, 2 * a))
        for n, k, a in zip(*(x.ravel() for x in triples), strict=True)
    ]
    return plain(np.reshape(values, triples[0].shape))


def expected_share(n: float, kept: float, quantile: Callable[[Array], Array], widest: float = 1.0) -> float:
    """As ``stable_finite``, for any continuous law with ``quantile(p)`` of |X|, P(|X| > x) = p.

    Equation: as there, over y = logit(p), on panels of at most ``widest`` (over which log x^2 changes by a few units),
    and over log(l). Regime: exact for a law with a quantile smooth in y.
    Source: guide/compression.md, Finite samples, exactly.
    """
    if kept in (0, n):
        return float(kept == 0)
    half, y = _panels(n, kept, widest)
    log_p, log_rest = special.log_expit(y), special.log_expit(-y)
    with np.errstate(divide="ignore"):
        log_square = 2 * np.log(quantile(np.exp(log_p)))
    step = np.exp(log_p + log_rest)  # dp / dy
    log_order = (kept - 1) * log_p + (n - kept - 1) * log_rest
    top = np.max(log_order)
    # The same nodes give the normalisation B(k, n-k).
    beta = _integral(half, np.exp(log_order - top) * step)
    total = 0.0
    for u in np.arange(*_laplace_range(n, kept, quantile), SPACING):
        exponent = np.exp(np.minimum(u + log_square, 700))
        damped = np.exp(-exponent) * step
        kept_part, rest, removed = _upwards(half, damped), _downwards(half, damped), _downwards(half, exponent * damped)
        weight = (n - kept - 1) * np.log(np.maximum(rest, TINY)) + (kept - 1) * np.log(np.maximum(kept_part, TINY)) - top
        total += _integral(half, damped * removed * np.exp(weight))
    return float(n * total * SPACING / beta)


def _panels(n: float, kept: float, widest: float) -> tuple[Array, Array]:
    """Half-widths (P,) and nodes (P, 16) in y, fine where the kept-th largest lies, coarser away from it."""
    centre, deviation = np.log(kept / (n - kept)), np.sqrt(n / (kept * (n - kept)))
    low, high = -np.log(n) - 40, np.log(n) + 40
    first = min(deviation, widest)
    widths = np.concatenate([np.full(10, first), np.minimum(first * 1.4 ** np.arange(1, 60), widest)])
    more = np.full(int(max(high - centre, centre - low) / widest) + 1, widest)
    away = np.cumsum(np.concatenate([widths, more]))
    edges = centre + np.concatenate([-away[::-1], [0.0], away])
    inner = edges[(edges > low) & (edges < high)]
    edges = np.concatenate([[low], inner, [high]])
    half = np.diff(edges) / 2
    return half, (edges[:-1] + half)[:, None] + half[:, None] * POINTS


def _laplace_range(n: float, kept: float, quantile: Callable[[Array], Array]) -> tuple[float, float]:
    """log l from where it is too small for any sample, to where even the least sample is damped away."""
    probabilities = np.array([1e-17 ** (1 / (kept + 1)) / n, 1 / n, 0.5, -np.expm1(-17 * np.log(10) / n)])
    rare, largest, typical, least = 2 * np.log(quantile(probabilities))
    return min(-rare, -max(largest, np.log(n) + typical) - 40), 5 - least


def _gaussian(n: float, kept: float) -> float:
    """E M(t(B)) by the trapezoid rule in logit(B), whose density is log-concave."""
    if kept in (0, n):
        return float(kept == 0)
    centre, deviation = np.log(kept / (n - kept)), np.sqrt(n / (kept * (n - kept)))
    points = np.arange(centre - 12 * deviation - 45 / kept, centre + 12 * deviation + 45 / (n - kept), min(deviation, 1) / 8)
    log_density = kept * special.log_expit(points) + (n - kept) * special.log_expit(-points)
    density = np.exp(log_density - np.max(log_density))
    small = np.where(points < 0, special.erfcinv(special.expit(points)), special.erfinv(special.expit(-points)))
    return float(density @ special.gammainc(1.5, small**2) / np.sum(density))


def _sizes(n: ArrayLike, kept: ArrayLike) -> tuple[Array, Array]:
    width, count = arguments.whole("n", n), arguments.whole("kept", kept, 0)
    if np.any(count > width):
        raise ValueError(f"kept: {kept} exceeds n = {n}; keep at most all of them")
    return width, count


def _integral(half: Array, values: Array) -> float:
    return float(half @ (values @ WEIGHTS))


def _upwards(half: Array, values: Array) -> Array:
    """Integrals from the lowest end to each node."""
    whole = half * (values @ WEIGHTS)
    return (np.cumsum(whole) - whole)[:, None] + half[:, None] * (values @ PRIMITIVE.T)


def _downwards(half: Array, values: Array) -> Array:
    return _upwards(half[::-1], values[::-1, ::-1])[::-1, ::-1]
