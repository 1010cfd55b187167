"""Best compression beyond the plain ReLU problem: leaky slopes, rows with a common mean, the quadratic activation.

Derivations: guide/two_layer.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory.two_layer import extended, inputs, smoothed
from jaxprune.theory.two_layer.cone import REST
from jaxprune.theory.two_layer.extended import Pair, over, plus, times
from jaxprune.theory.two_layer.inputs import Array

GRID = np.concatenate([[0.0], np.geomspace(1e-10, np.pi / 2, 400)])  # angles to the mean at which a cone is looked for
ZOOMS, POINTS = 9, 41  # of the grid around the best


class Tilted(NamedTuple):
    """``value`` of a cone and ``tilt``, the cosine of its directions to the common mean."""

    value: float
    tilt: float


def leaky_value(M: int, slope: float) -> float:
    """The least simplified loss of M leaky neurons max(z, slope z), with c = 1 and no linear part.

    Equation: e/(1 + e), e = 2 pi [(r y/2)^2 + k(1)/M + (1 - 1/M) k(rho)], at rho = ``leaky_cosine``,
    r = (1 + slope)/(1 - slope), y^2 = (1 + (M-1) rho)/M, k the kernel above degree 1; the same for all slopes >= 0 where
    M >= 2. Regime: proved for nonnegative outputs and M <= d. Source: guide/two_layer.md, Leaky slopes.

    Args:
        M: Number of neurons, >= 1.
        slope: That of the negative half, in [-1, 1).

    Returns:
        The loss, in (0, 1).

    Raises:
        ValueError: Unless M is an integer >= 1 and the slope inside.
    """
    cosine = leaky_cosine(M, slope)
    ratio = (1 + slope) / (1 - slope)
    if M == 1:
        energy = ratio**2 / 4 + REST
    else:
        sine = math.sqrt((1 - cosine) * (1 + cosine))
        mean = 0.0 if cosine == -1 / (M - 1) else (1 + (M - 1) * cosine) / M
        energy = ratio**2 * mean / 4 + REST / M + (1 - 1 / M) * float(smoothed.rest(cosine, sine))
    return energy / (1 / (2 * math.pi) + energy)


def leaky_cosine(M: int, slope: float) -> float:
    """The pairwise cosine at which ``leaky_value`` is attained.

    Equation: max(-1/(M-1), -sin(pi r^2/2)), r = (1 + slope)/(1 - slope), for slopes <= 0; -1/(M-1) above. Regime: as of
    ``leaky_value``. Source: guide/two_layer.md, Leaky slopes.

    Args:
        M: Number of neurons, >= 1.
        slope: That of the negative half, in [-1, 1).

    Returns:
        The cosine, in [-1, 0]; NaN for M = 1, which has no pair.

    Raises:
        ValueError: As ``leaky_value`` does.
    """
    M, slope = inputs.count("M", M), inputs.number("slope", slope, -1, 1, "[)", "1 is linear")
    if M == 1:
        return math.nan
    ratio = (1 + slope) / (1 - slope)
    return -1 / (M - 1) if slope >= 0 else max(-1 / (M - 1), -math.sin(math.pi * ratio**2 / 2)) + 0.0


def shift_value(M: int, beta: float) -> float:
    """The loss of the best cone against infinitely many target rows with a common mean; ``shift_optimum`` has its tilt.

    In units where E[a |w|] = 1. Equation: kappa(beta^2) - kappa(beta t)^2/[1/(2M) + (1 - 1/M) kappa(rho)], rho = (M
    t^2 - 1)/(M - 1), at the best tilt t. Regime: limit of large d, M <= d; numerical: no start of any sign has been found to
    beat the cone. Source: guide/two_layer.md, Common mean.

    Args:
        M: Number of neurons, >= 1.
        beta: Cosine of the rows to their mean, in [0, 1].

    Returns:
        The loss, >= 0.

    Raises:
        ValueError: Unless M is an integer >= 1 and beta inside.
    """
    return shift_optimum(M, beta).value


def shift_optimum(M: int, beta: float) -> Tilted:
    """``shift_value`` and the tilt that attains it, by a grid of angles and zooms, in pairs of floats.

    Regime: as of ``shift_value``; the value to about 1e-13 of itself, less where it is tiny (near beta = 1), the tilt, at which
    the loss is flat, to 4e-6. Source: guide/two_layer.md, Common mean.

    Args:
        M: Number of neurons, >= 1.
        beta: Cosine of the rows to their mean, in [0, 1].

    Returns:
        The value, and the tilt as a cosine in [0, 1].

    Raises:
        ValueError: As ``shift_value`` does.
    """
    M = inputs.count("M", M)
    beta = inputs.number("beta", beta, 0, 1, "[]", "give the cosine of the rows to their mean; turn the mean if it is negative")
    grid = GRID if M > 1 else GRID[:1]
    for _ in range(ZOOMS if M > 1 else 1):
        values = _tilted(M, beta, grid)
        best = int(np.argmin(values))
        value, angle = float(values[best]), float(grid[best])
        grid = np.linspace(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)], POINTS)
    return Tilted(max(value, 0.0), math.cos(angle))


def quadratic_value(matrix: ArrayLike, M: int, signs: str = "free") -> float:
    """The least loss of M neurons of activation z^2 against a target sum a (w.x)^2.

    Equation: 2 |C - B|^2 + (tr C - tr B)^2 over matrices B of rank <= M: n eigenvalues l are kept and shifted by t/(n + 2), t
    the sum of the others, which cost 2 sum l^2 + 2 t^2/(n + 2); they are the k largest and n - k smallest, for the best k. With
    nonnegative outputs only sets all of whose shifted eigenvalues are >= 0. Regime: exact; proved.
    Source: guide/two_layer.md, Quadratic activation.

    Args:
        matrix: C = sum a w w^T of the target, a symmetric float64 matrix (d, d).
        M: Number of neurons, >= 1.
        signs: Which output weights are allowed, "free" or "nonnegative".

    Returns:
        The loss, >= 0; infinite above the largest float and 0 below the smallest, as for entries of 1e200 and 1e-200.

    Raises:
        ValueError: For another matrix, M or signs.
    """
    matrix, M = inputs.symmetric("matrix", matrix), inputs.count("M", M)
    signs = inputs.signs(signs)
    scale = float(np.max(np.abs(matrix))) or 1.0
    eigs = np.linalg.eigvalsh((matrix + matrix.T) / 2 / scale)[::-1]
    most = min(M, len(eigs))
    counts = [most] if signs == "free" else range(most + 1)
    return scale * min(_kept(eigs, n, signs) for n in counts) * scale


def _kept(eigs: Array, n: int, signs: str) -> float:
    """The least loss over which n of the descending eigenvalues are kept; infinite where none is allowed."""
    if n == len(eigs):
        return 0.0 if signs == "free" or eigs[-1] >= 0 else math.inf
    windows = np.lib.stride_tricks.sliding_window_view(eigs, len(eigs) - n)  # the dropped, after k kept ones
    left = windows.sum(1)
    values = 2 * np.sum(windows**2, axis=1) + 2 * left**2 / (n + 2)
    if signs == "nonnegative" and n > 0:
        k, shift = np.arange(n + 1), left / (n + 2)
        least = np.where(k < n, eigs[-1], eigs[max(n - 1, 0)])  # the smallest kept
        values = np.where(least + shift >= 0, values, math.inf)
    return float(np.min(values))


def _tilted(M: int, beta: float, angle: Array) -> Array:
    """Losses of cones at these angles to the mean."""
    mean = _wide(beta, angle)
    tilt = extended.sincos(angle)[1]
    own, cross = extended.arc_cosine(times(mean, mean)), extended.arc_cosine(times(mean, tilt))
    count, others = _wide(M, angle), _wide(M - 1, angle)
    norm = (np.full_like(angle, 2 * extended.HALF_PI[0]), np.full_like(angle, 2 * extended.HALF_PI[1]))
    if M > 1:
        cosine = over(plus(times(count, times(tilt, tilt)), _wide(-1.0, angle)), others)
        norm = plus(norm, times(others, extended.arc_cosine(cosine)))
    gap = over(times(count, times(cross, cross)), norm)
    loss = plus(own, (-gap[0], -gap[1]))
    return (loss[0] + loss[1]) / (2 * np.pi)


def _wide(value: float, like: Array) -> Pair:
    return np.full_like(like, value), np.zeros_like(like)
