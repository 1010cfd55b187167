"""Best gains of given directions, and what proves or bounds an optimum.

The simplified loss of guide/two_layer.md with c = 1 and R = 0; values of another target are R + c^2 times these.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from jaxprune import contracts
from jaxprune.theory.two_layer import angles, cone, inputs, quadrature, smoothed, tangent
from jaxprune.theory.two_layer.inputs import Array

GAP = 1e-13  # in units of c^2: a smaller gap between a value and its lower bound is round-off
EVEN = 1e-13  # of a sum of kernels, by which those of equal gains may differ
RANK = 1e-13  # of the largest singular value, below which gains are not told apart


class Fit(NamedTuple):
    """``value`` of the simplified loss and the ``gains`` (M,) that attain it."""

    value: float
    gains: Array


class Optimum(NamedTuple):
    """``value`` attained (NaN where none is known), ``bound`` below every value, their ``gap``, and what that makes of the
    value: "proved" optimal, "bounded" where only the bound is known, or "best found" of what was tried."""

    value: float
    bound: float
    gap: float
    status: str

    def __str__(self) -> str:
        if self.status == "bounded":
            return f"bounded: at least {self.bound:.8g}"
        return f"{self.status}: {self.value:.8g}, at least {self.bound:.8g}, gap {self.gap:.1e}"


def frame_loss(frame: ArrayLike, linear: ArrayLike | None = None, signs: str = "nonnegative") -> Fit:
    """The least simplified loss of neurons with the directions of a frame, over their gains.

    Equation: least squares, (1 - S/sqrt(2 pi))^2 + |m - p/2|^2 + s' k s, S = sum s, p = sum s u, k the kernel above degree 1.
    Gains of least norm where directions coincide. Regime: exact, to about 1e-15 (1 + |m|^2).
    Source: guide/two_layer.md, Best gains.

    Args:
        frame: Directions of the neurons, float64 unit rows (M, d).
        linear: Linear part m of the target, float64 (d,), entries up to 1e150/sqrt(d); None for zero.
        signs: Which gains are allowed, "nonnegative" or "free".

    Returns:
        The least loss and the gains (M,) that attain it.

    Raises:
        ValueError: For a frame that is complex or not of unit rows, a ``linear`` that does not fit, and unknown signs.
    """
    frame, signs = inputs.frame(frame), inputs.signs(signs)
    return _fit(frame, _linear(linear, frame), signs, *_pairs(frame))


def limit_of(value: float, d: int) -> float:
    """The exact loss against infinitely many isotropic target rows in R^d of directions whose simplified loss is ``value``.

    Equation: g - g^2 (1 - value), g = d/(E|x|)^2, gains times g. Regime: exact at N = infinity, for eta = 0 and best gains.
    Source: guide/two_layer.md, Infinitely many rows.

    Args:
        value: Least simplified loss of the directions at eta = 0, in [0, 1].
        d: Dimension of the inputs, >= 1.

    Returns:
        The loss in units of c^2.

    Raises:
        ValueError: Unless value is in [0, 1] and d an integer >= 1.
    """
    return cone.limit_of(inputs.number("value", value, 0, 1, "[]", "give a simplified loss"), inputs.count("d", d))


def lower_bound(M: int, d: int) -> float:
    """A lower bound of the simplified loss of M nonnegative neurons in R^d.

    Equation: e/(1 + e), e = 2 pi [b + psi'(t)/min(M, d) + (1/4 - b - psi'(t))/M] - 1 with t = max(0, (M-d)/(d (M-1))),
    b = psi - t psi', psi(r^2) the even part of the kernel. Regime: proved; for M > d attained just by equiangular tight frames
    whose sum is zero. Source: guide/two_layer.md, More neurons than dimensions.

    Args:
        M, d: Number of neurons and dimension of the inputs, >= 1.

    Returns:
        The bound, in (0, 1).

    Raises:
        ValueError: Unless M and d are integers >= 1.
    """
    M, d = inputs.count("M", M), inputs.count("d", d)
    excess = quadrature.equiangular_excess(M, d)
    return excess / (1 + excess)


def scaling_exponent(d: int) -> float:
    """The exponent of M in the least exact loss against infinitely many isotropic rows, for M much larger than d.

    Equation: -(d + 2)/(d - 1). Regime: heuristic, agrees with the slopes of minima found.
    Source: guide/two_layer.md, Many more neurons.

    Args:
        d: Dimension of the inputs, >= 2.

    Returns:
        The exponent, < 0.

    Raises:
        ValueError: Unless d is an integer >= 2.
    """
    d = inputs.count("d", d, 2)
    return -(d + 2) / (d - 1)


def optimum(M: int, d: int, eta: float = 0.0, signs: str = "nonnegative") -> Optimum:
    """The least simplified loss of M neurons in R^d with its lower bound, computed apart from it and rounded downwards.

    Proved for M <= d, and for M = d + 1 at eta = 0; elsewhere bounded (``frames.best_known`` knows more). Equation: the loss of
    the best cone, or beyond ``eta_switch`` that of the M - 1 orthonormal neurons and the opposite one which attain the plateau,
    against the tangent bound and, for free signs, the plateau. Source: guide/two_layer.md, Certificates.

    Args:
        M, d: Number of neurons and dimension of the inputs, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150].
        signs: Which gains are allowed, "nonnegative" or "free".

    Returns:
        The value (NaN where only a bound is known), the bound, their gap, and "proved" or "bounded".

    Raises:
        ValueError: For other arguments.
    """
    M, d, signs = inputs.count("M", M), inputs.count("d", d), inputs.signs(signs)
    best, bound, _ = _bound(M, d, eta, signs)
    value = best.value
    if signs == "free" and cone.free_sign_optimum(M, eta)[1] == "plateau":
        value = _attained(M, eta)
    if d >= M or (d + 1 == M and eta == 0):
        return Optimum(value, bound, value - bound, "proved")
    return Optimum(math.nan, bound, math.nan, "bounded")


def frame_optimum(frame: ArrayLike, linear: ArrayLike | None = None, signs: str = "nonnegative") -> Optimum:
    """``frame_loss`` beside the lower bound for as many neurons of any direction: proved where they meet, else best found.

    Proved where the gap is at most 1e-13 c^2: that to the tangent bound is summed without cancellation, so that it has its
    digits where the value is near |m|^2/2 and much longer. Beyond |m| of about 1e6 some cones of 16 digits read "best found".
    Source: guide/two_layer.md, Certificates.

    Args:
        frame: Directions of the neurons, float64 unit rows (M, d).
        linear: Linear part m of the target, float64 (d,), entries up to 1e150/sqrt(d); None for zero.
        signs: Which gains are allowed, "nonnegative" or "free".

    Returns:
        The value, the bound, their gap, and "proved" or "best found".

    Raises:
        ValueError: As ``frame_loss`` does.
    """
    frame, signs = inputs.frame(frame), inputs.signs(signs)
    (count, d), linear, pairs = frame.shape, _linear(linear, frame), _pairs(frame)
    value, gains = _fit(frame, linear, signs, *pairs)
    best, bound, tight = _bound(count, d, float(np.linalg.norm(linear)), signs)
    gap = value - bound
    if tight:
        at, tried = tangent.Angle(*best[-3:]), (gains, np.full(count, best.gain))
        gap = min(tangent.above(at, *pairs, s, s @ frame, linear) for s in tried)
    return Optimum(value, bound, gap, "proved" if gap <= GAP else "best found")


def certificate(M: int, d: int, eta: float = 0.0, signs: str = "nonnegative") -> contracts.Certificate:
    """What no network of M neurons can explain more of: 1 + eta^2 - (simplified loss) of every network is at most the bound.

    Regime: proved, so the probability of failure is 0, and the bound is rounded upwards; tight where ``optimum`` says "proved".
    Source: guide/two_layer.md, Certificates.

    Args:
        M, d: Number of neurons and dimension of the inputs, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150].
        signs: Which output weights are allowed, "nonnegative" or "free".

    Returns:
        The claim with its bound, its probability of failure, 0, and what it assumes.

    Raises:
        ValueError: As ``optimum`` does.
    """
    below, eta = optimum(M, d, eta, signs).bound, float(eta)
    bound = (1 + eta**2 - below) * (1 + 4 * tangent.ULPS) + tangent.ULPS * eta**2
    outputs = "output weights >= 0" if signs == "nonnegative" else "output weights of any sign"
    claim = f"1 + eta^2 - simplified loss (c = 1, R = 0) of every ReLU network of {M} neurons in {d} dimensions, eta = {eta:g}"
    return contracts.Certificate(claim, bound, 0.0, (outputs, "inputs N(0, I)", "no biases"))


def _bound(M: int, d: int, eta: float, signs: str) -> tuple[cone.Cone, float, bool]:
    """The best cone, the lower bound, and whether that is the tangent bound."""
    best = cone.best_cone(M, eta)
    tight = bound = tangent.below(M, eta, tangent.Angle(*best[-3:]))
    if d < M:
        bound = max(bound, tangent.lowered(quadrature.quadrature_bound(M, d)))
    if signs == "free":
        negative = cone.plateau(M - 1) if M > 1 else 1 + eta**2 - max(eta - cone.ROOT, 0.0) ** 2 / 2
        bound = min(bound, tangent.lowered(negative))
    return best, bound, bound == tight


def _attained(M: int, eta: float) -> float:
    """The loss of K = M - 1 orthonormal neurons of equal even gain g, one of them with another opposite to it; M >= 2.

    Beyond the switch. The linear part takes g/2 along the others, and along the first what is left of eta.
    """
    K = M - 1
    gain = math.sqrt(2 * math.pi) / (K + tangent.HALF)
    along = math.sqrt(eta**2 - (K - 1) * gain**2 / 4)
    first, negative = along + gain / 2, along - gain / 2
    total = first - negative + (K - 1) * gain
    lean = (along - (first + negative) / 2) ** 2
    return (1 - total / math.sqrt(2 * math.pi)) ** 2 + lean + smoothed.END * ((K - 1) * gain**2 + (first - negative) ** 2)


def _fit(frame: Array, linear: Array, signs: str, cosine: Array, sine: Array) -> Fit:
    rest = smoothed.rest(cosine, sine)
    if not np.any(linear) and (equal := _equal(frame, rest)) is not None:
        return equal
    root, goal = _squares(frame, rest), np.concatenate([[1.0], linear, np.zeros(len(frame))])
    if signs == "nonnegative":
        gains, _ = optimize.nnls(root, goal, maxiter=30 * len(frame))
    else:
        gains = np.linalg.lstsq(root, goal, rcond=RANK)[0]
    return Fit(float(np.sum((goal - root @ gains) ** 2)), gains)


def _equal(frame: Array, rest: Array) -> Fit | None:
    """The best gains without a linear part where they are equal: all rows of the kernel have one sum."""
    total = np.sum(frame, axis=0)
    sums = len(frame) / (2 * math.pi) + frame @ total / 4 + np.sum(rest, axis=1)
    if np.max(np.abs(sums - np.mean(sums))) > EVEN * np.mean(sums):
        return None
    gain = 1 / (math.sqrt(2 * math.pi) * float(np.mean(sums)))
    level = 1 - gain * len(frame) / math.sqrt(2 * math.pi)
    value = level**2 + gain**2 * float(np.sum(total**2) / 4 + np.sum(rest))
    return Fit(value, np.full(len(frame), gain))


def _linear(linear: ArrayLike | None, frame: Array) -> Array:
    if linear is None:
        return np.zeros(frame.shape[1])
    linear = inputs.vector("linear", linear, frame.shape[1], "frame")
    if (largest := np.max(np.abs(linear))) > inputs.LONGEST / math.sqrt(len(linear)):
        raise ValueError(f"linear: an entry {largest:.3g} is too long; give m/c, whose square must be a float")
    return linear


def _pairs(frame: Array) -> tuple[Array, Array]:
    """Cosines and sines of all pairs."""
    _, unit = angles.polar(frame)
    return angles.between(unit, unit, same=True)


def _squares(frame: Array, rest: Array) -> Array:
    """The matrix (1 + d + M, M) of which the quadratic form of the loss is the square."""
    _, unit = angles.polar(frame)
    values, vectors = np.linalg.eigh(rest)
    rest = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return np.concatenate([np.full((1, len(frame)), 1 / math.sqrt(2 * math.pi)), unit.T / 2, rest])
