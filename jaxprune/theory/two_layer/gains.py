"""Best gains of given directions, and what proves or bounds an optimum.

The simplified loss of guide/two_layer.md with c = 1 and R = 0; values of another target are R + c^2 times these.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from jaxprune import contracts
from jaxprune.theory import arguments
from jaxprune.theory.two_layer import angles, cone, inputs, quadrature, smoothed
from jaxprune.theory.two_layer.inputs import Array

GAP = 1e-12  # of a value: a smaller gap between it and its lower bound is round-off
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

    Arguments: unit rows (M, d); ``linear`` m (d,), zero by default; ``signs`` "nonnegative" or "free". Equation: least squares,
    (1 - S/sqrt(2 pi))^2 + |m - p/2|^2 + s' k s, S = sum s, p = sum s u, k the kernel above degree 1. Gains of least norm where
    directions coincide. Regime: exact. Source: guide/two_layer.md, Best gains.

    Raises ValueError for a frame that is complex or not of unit rows, another shape of ``linear``, and unknown signs.
    """
    frame, signs = inputs.frame(frame), inputs.signs(signs)
    linear = _linear(linear, frame)
    root, goal = _squares(frame), np.concatenate([[1.0], linear, np.zeros(len(frame))])
    if signs == "nonnegative":
        gains, _ = optimize.nnls(root, goal, maxiter=30 * len(frame))
    else:
        gains = np.linalg.lstsq(root, goal, rcond=RANK)[0]
    return Fit(float(np.sum((goal - root @ gains) ** 2)), gains)


def limit_of(value: float, d: int) -> float:
    """The exact loss against infinitely many isotropic target rows in R^d of directions whose simplified loss is ``value``.

    Equation: g - g^2 (1 - value), g = d/(E|x|)^2, gains times g. Regime: exact at N = infinity, for eta = 0 and best gains.
    Source: guide/two_layer.md, Infinitely many rows.

    Raises ValueError unless value is in [0, 1] and d an integer >= 1.
    """
    return cone.limit_of(inputs.number("value", value, 0, 1, "[]", "give a simplified loss"), arguments.integer("d", d, 1))


def lower_bound(M: int, d: int) -> float:
    """A lower bound of the simplified loss of M nonnegative neurons in R^d.

    Arguments: M, d >= 1. Equation: e/(1 + e), e = 2 pi [b + psi'(t)/min(M, d) + (1/4 - b - psi'(t))/M] - 1 with
    t = max(0, (M-d)/(d (M-1))), b = psi - t psi', psi(r^2) the even part of the kernel. Regime: proved; for M > d attained just
    by equiangular tight frames whose sum is zero; ``quadrature_bound`` is no lower.
    Source: guide/two_layer.md, More neurons than dimensions.

    Raises ValueError unless M and d are integers >= 1.
    """
    M, d = arguments.integer("M", M, 1), arguments.integer("d", d, 1)
    t = (M - d) / (d * (M - 1)) if d < M else 0.0
    sine, angle = math.sqrt(1 - t), math.asin(math.sqrt(t))
    slope = angle / (2 * math.sqrt(t)) if t else 0.5
    flat = math.sqrt(t) * angle / 2 - t / (1 + sine)  # 2 pi b - 1
    excess = flat + slope / min(M, d) + (math.pi / 2 - 1 - flat - slope) / M
    return excess / (1 + excess)


def scaling_exponent(d: int) -> float:
    """The exponent of M in the least exact loss against infinitely many isotropic rows, for M much larger than d.

    Equation: -(d + 2)/(d - 1). Regime: heuristic, agrees with the slopes of minima found.
    Source: guide/two_layer.md, Many more neurons.

    Raises ValueError unless d is an integer >= 2.
    """
    d = arguments.integer("d", d, 2)
    return -(d + 2) / (d - 1)


def optimum(M: int, d: int, eta: float = 0.0, signs: str = "nonnegative") -> Optimum:
    """The least simplified loss of M neurons in R^d with its lower bound, computed apart from it.

    Arguments: M, d >= 1, eta = |m|/c >= 0, ``signs`` "nonnegative" or "free". Proved for M <= d, and for M = d + 1 at eta = 0;
    elsewhere bounded: no optimum is known. Equation: ``cone_optimum`` or ``free_sign_optimum`` against the tangent bound and,
    for free signs, the plateau. Source: guide/two_layer.md, Certificates.

    Raises ValueError for other arguments.
    """
    M, d, signs = arguments.integer("M", M, 1), arguments.integer("d", d, 1), inputs.signs(signs)
    best = cone.best_cone(M, eta)
    bound = cone.tangent_bound(M, eta, best.angle, best.beyond)
    if d < M:
        bound = max(bound, quadrature.quadrature_bound(M, d))
    value = best.value
    if signs == "free":
        negative = cone.plateau(M - 1) if M > 1 else 1 + eta**2 - max(eta - cone.ROOT, 0.0) ** 2 / 2
        bound, value = min(bound, negative), cone.free_sign_optimum(M, eta)[0]
    if d >= M or (d + 1 == M and eta == 0):
        return Optimum(value, bound, value - bound, "proved")
    return Optimum(math.nan, bound, math.nan, "bounded")


def frame_optimum(frame: ArrayLike, linear: ArrayLike | None = None, signs: str = "nonnegative") -> Optimum:
    """``frame_loss`` beside the lower bound for as many neurons of any direction: proved where they meet, else best found.

    Arguments, errors: as for ``frame_loss``. Source: guide/two_layer.md, Certificates.
    """
    value, _ = frame_loss(frame, linear, signs)
    frame = inputs.frame(frame)
    count, d = frame.shape
    bound = optimum(count, d, float(np.linalg.norm(_linear(linear, frame))), signs).bound
    return Optimum(value, bound, value - bound, "proved" if value - bound <= GAP * value else "best found")


def certificate(M: int, d: int, eta: float = 0.0, signs: str = "nonnegative") -> contracts.Certificate:
    """What no network of M neurons can explain more of: 1 + eta^2 - (simplified loss) of every network is at most the bound.

    Arguments, errors: as for ``optimum``. Regime: proved, so the probability of failure is 0; tight where ``optimum`` says
    "proved". Source: guide/two_layer.md, Certificates.
    """
    bound = 1 + eta**2 - optimum(M, d, eta, signs).bound
    outputs = "output weights >= 0" if signs == "nonnegative" else "output weights of any sign"
    claim = f"1 + eta^2 - simplified loss (c = 1, R = 0) of every ReLU network of {M} neurons in {d} dimensions, eta = {eta:g}"
    return contracts.Certificate(claim, bound, 0.0, (outputs, "inputs N(0, I)", "no biases"))


def _linear(linear: ArrayLike | None, frame: Array) -> Array:
    if linear is None:
        return np.zeros(frame.shape[1])
    linear = arguments.vector("linear", linear)
    if len(linear) != frame.shape[1]:
        raise ValueError(f"linear: length {len(linear)} differs from the {frame.shape[1]} dimensions of the frame")
    return linear


def _squares(frame: Array) -> Array:
    """The matrix (1 + d + M, M) of which the quadratic form of the loss is the square."""
    _, unit = angles.polar(frame)
    values, vectors = np.linalg.eigh(smoothed.rest(*angles.between(unit, unit, same=True)))
    rest = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    return np.concatenate([np.full((1, len(frame)), 1 / math.sqrt(2 * math.pi)), unit.T / 2, rest])
