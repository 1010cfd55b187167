"""Best compression by ReLU neurons: the cone, the plateau, their switch, and the lower bounds that prove them.

The simplified loss of guide/two_layer.md with c = 1, R = 0 and eta = |m|/c; values of another target are R + c^2 times these.
M neurons in R^d, M <= d, or M <= d + 1 where eta = 0. A cone is M equal gains at pairwise angle t around m; with
y = |sum u|/M, y^2 = (1 + (M-1) cos t)/M, everything is a function of t alone:

    eta = sqrt(2/pi) y (pi - t)/D,    D = sin t + (t - sin t)/M.

Derivations: guide/two_layer.md.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from jaxprune.theory.two_layer import inputs, simplified, smoothed, tangent
from jaxprune.theory.two_layer.tangent import HALF

REST = smoothed.END
ROOT = math.sqrt(2 / math.pi)
EPS = 4 * np.finfo(float).eps


class Cone(NamedTuple):
    """The best cone: its ``value``, pairwise ``cosine`` (NaN of one neuron), ``gain`` s of each neuron and ``tilt`` of each
    direction to m; the ``angle`` at which its lower bound touches, ``beyond`` = pi - angle, and ``turn`` = pi/2 - angle."""

    value: float
    cosine: float
    gain: float
    tilt: float
    angle: float
    beyond: float
    turn: float


def simplex_value(M: int) -> float:
    """The least simplified loss of M neurons at eta = 0: that of a simplex.

    Equation: e/(1 + e), e = 2 pi [k(1) + (M-1) k(1/(M-1))]/M, k the kernel above degree 1; 1 - 1/pi for M = 1; to (pi/2 - 1)/M.
    Regime: proved for outputs of any sign and M <= d + 1. Source: guide/two_layer.md, Theorem A.

    Args:
        M: Number of neurons, >= 1.

    Returns:
        The loss, in (0, 1).

    Raises:
        ValueError: Unless M is an integer >= 1.
    """
    M = inputs.count("M", M)
    return _value(M, 0.0, 0.0, 1.0) if M > 1 else 1 - 1 / math.pi


def limit_value(M: int, d: int) -> float:
    """The least loss against infinitely many isotropic target rows in R^d, with c = E f* = 1.

    Equation: g - g^2 (1 - l), g = d/(E|x|)^2 for x ~ N(0, I_d) and l = ``simplex_value``; no simplification. Regime: exact at
    N = infinity; proved. Source: guide/two_layer.md, Infinitely many rows.

    Args:
        M, d: Number of neurons and dimension of the inputs, 1 <= M <= d + 1.

    Returns:
        The loss in units of c^2, >= 0.

    Raises:
        ValueError: Unless M and d are integers >= 1 and M <= d + 1.
    """
    M, d = inputs.count("M", M), inputs.count("d", d)
    if d + 1 < M:
        raise ValueError(
            f"M: {M} is above d + 1 = {d + 1}, where no simplex fits; frames.best_known(M, d).optimum has a value that limit_of"
            " turns into this one, and says whether it is proved; lower_bound(M, d) bounds it"
        )
    return limit_of(simplex_value(M), d)


def limit_of(value: float, d: int) -> float:
    """The exact loss against infinitely many isotropic rows of directions whose least simplified loss at eta = 0 is known."""
    excess = float(simplified.norm_excess(d))
    left = value - excess * (1 - value)
    return (1 + excess) * left if left > EPS * value else 0.0  # less is the rounding of zero


def cone_optimum(M: int, eta: float) -> tuple[float, float]:
    """The least simplified loss of M nonnegative neurons, and the pairwise cosine that attains it.

    Equation: ``best_cone``. Regime: proved for M <= d, and for M <= d + 1 at eta = 0. Source: guide/two_layer.md, Theorem A.

    Args:
        M: Number of neurons, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150], so that its square is a float.

    Returns:
        (value, cosine); the cosine is NaN for M = 1, which has no pair.

    Raises:
        ValueError: Unless M is an integer >= 1 and eta in [0, 1e150].
    """
    return best_cone(M, eta)[:2]


def best_cone(M: int, eta: float) -> Cone:
    """``cone_optimum`` with the gain, the tilt and the angle of its certificate.

    Equation: sqrt(2/pi) y (pi - t) = eta D, which has one root; value by squares, without cancellation at any eta. Regime: as
    of ``cone_optimum``. Source: guide/two_layer.md, Theorem A.

    Args:
        M: Number of neurons, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150].

    Returns:
        The cone: its value, cosine, gain, tilt, and the angle at which its lower bound touches, in three forms.

    Raises:
        ValueError: As ``cone_optimum`` does.
    """
    M, eta = inputs.count("M", M), _eta(eta)
    if M == 1:
        level = ROOT + eta
        value = 2 * ((eta / math.sqrt(2 * math.pi) - 0.5) ** 2 + REST * (1 + eta**2))
        half = math.pi / level
        return Cone(value, math.nan, level, 1.0, *tangent.angle_of(half * ROOT, half * eta, half * (eta - ROOT) / 2))
    y, across = _opening(M, eta)
    cosine, _, angle, beyond = _cone_angle(M, y, across)
    at = tangent.angle_of(angle, beyond, math.asin(min(max(cosine, -1.0), 1.0)))
    gain = (ROOT + eta * y) / M / (1 / math.pi + y**2 / 2 + 2 * _excess(M, y, across))
    return Cone(_value(M, eta, y, across), cosine, gain, y, *at)


def dual_bound(M: int, eta: float, cosine: float) -> float:
    """A lower bound of the simplified loss of M nonnegative neurons in any dimension, one for every ``cosine``.

    Equation: eta^2 (1 - pi/(2 (pi - t))) + 1 - 1/D, t the angle of just this cosine: the tangent to the convex kernel. At the
    best cone's cosine it equals the cone's value, and so proves it. Regime: proved, to rounding. Near 1 or -1 a cosine of 16
    digits misses the best cone's, and the bound is below the value; ``optimum`` takes the angle itself, and rounds its bound
    downwards. Source: guide/two_layer.md, Certificates.

    Args:
        M: Number of neurons, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150].
        cosine: Pairwise cosine at which the bound touches the kernel, in [-1, 1], up to 1e-12 beyond.

    Returns:
        The bound; minus infinity at the cosine 1, and at -1 unless eta = 0.

    Raises:
        ValueError: For other arguments.
    """
    M, eta = inputs.count("M", M), _eta(eta)
    cosine = inputs.number("cosine", cosine, -1 - inputs.SLACK, 1 + inputs.SLACK, "[]", "give a cosine of two neurons")
    return tangent.bound(M, eta, tangent.of_cosine(min(max(cosine, -1.0), 1.0)))


def plateau(K: int) -> float:
    """The simplified loss of K orthonormal equal neurons where the linear part of the target is matched for free.

    Equation: (pi - 2)/(2 K + pi - 2). Regime: attained for eta >= ``orthonormal_eta(K)`` by K + 1 neurons of free sign in R^d,
    d >= K. Source: guide/two_layer.md, Outputs of any sign.

    Args:
        K: Number of neurons, >= 1.

    Returns:
        The loss, in (0, 1).

    Raises:
        ValueError: Unless K is an integer >= 1.
    """
    K = inputs.count("K", K)
    return HALF / (K + HALF)


def orthonormal_eta(K: int) -> float:
    """The eta at which the best cone of K neurons is orthonormal and matches the linear part: its value is ``plateau(K)``.

    Equation: sqrt(pi K/2)/(K + pi/2 - 1). Regime: exact, in R^d with d >= K. Source: guide/two_layer.md, Outputs of any sign.

    Args:
        K: Number of neurons, >= 1.

    Returns:
        The eta = |m|/c, > 0.

    Raises:
        ValueError: Unless K is an integer >= 1.
    """
    K = inputs.count("K", K)
    return math.sqrt(math.pi * K / 2) / (K + HALF)


def eta_switch(M: int) -> float:
    """The eta above which a negative neuron helps: there the cone of M neurons is as good as ``plateau(M - 1)``.

    Equation: cone_optimum(M, eta) = plateau(M - 1), in terms of the angle pi/2 - w, where the leading terms cancel exactly. To
    1.80/sqrt(M). Regime: proved for 2 <= M <= d. Source: guide/two_layer.md, Outputs of any sign.

    Args:
        M: Number of neurons, >= 1.

    Returns:
        The eta = |m|/c, > 0; infinite for M = 1, whose negative gain never helps.

    Raises:
        ValueError: Unless M is an integer >= 1.
    """
    M = inputs.count("M", M)
    if M == 1:
        return math.inf

    def excess(w: float) -> float:
        bent = w + (M - 1) * 2 * math.sin(w / 2) ** 2
        straight = 2 * w * (math.pi / 2 + w) * (1 + (M - 1) * math.sin(w)) / math.pi * (M - 1 + HALF)
        return straight - (HALF + bent * (M - 1)) * (M + HALF - bent) / M

    w = _root(excess)
    bent = w + (M - 1) * 2 * math.sin(w / 2) ** 2
    return ROOT * (math.pi / 2 + w) * math.sqrt(M * (1 + (M - 1) * math.sin(w))) / (M + HALF - bent)


def free_sign_optimum(M: int, eta: float) -> tuple[float, str]:
    """The least simplified loss of M neurons of any sign.

    Equation: the cone up to ``eta_switch(M)``, beyond it ``plateau(M - 1)``: M - 1 orthonormal positive neurons and a negative
    one opposite to one of them. Regime: proved for M <= d, and for M <= d + 1 at eta = 0.
    Source: guide/two_layer.md, Outputs of any sign.

    Args:
        M: Number of neurons, >= 1.
        eta: Length |m|/c of the linear part of the target, in [0, 1e150].

    Returns:
        (value, "cone" or "plateau"), the word for what attains it.

    Raises:
        ValueError: As ``cone_optimum`` does.
    """
    value, _ = cone_optimum(M, eta)
    return (value, "cone") if eta <= eta_switch(M) else (plateau(M - 1), "plateau")


def _eta(eta: float) -> float:
    return inputs.number("eta", eta, 0, inputs.LONGEST, "[]", "give |m|/c, whose square must be a float")


def _cone_angle(M: int, y: float, across: float) -> tuple[float, float, float, float]:
    """Cosine, sine, angle and pi - angle of M > 1 neurons whose mean has length y, and across = sqrt(1 - y^2)."""
    up, down = (M - 2 + M * y**2) / (M - 1), M * across**2 / (M - 1)  # 1 + cos, 1 - cos
    far, near = math.sqrt(down), math.sqrt(up)
    return (M * y**2 - 1) / (M - 1), far * near, 2 * math.atan2(far, near), 2 * math.atan2(near, far)


def _opening(M: int, eta: float) -> tuple[float, float]:
    """y of the best cone and sqrt(1 - y^2), each from its own angle where it is the smaller one; M > 1."""

    def excess(y: float, across: float) -> float:
        _, sine, angle, beyond = _cone_angle(M, y, across)
        width = sine + (angle - sine) / M
        return ROOT * y * beyond / eta - width if eta > 1 else ROOT * y * beyond - eta * width

    if eta == 0:
        return 0.0, 1.0
    if eta > 1:
        a = _root(lambda a: excess(math.cos(a), math.sin(a)))
        return math.cos(a), math.sin(a)
    a = _root(lambda a: excess(math.sin(a), math.cos(a)))
    return math.sin(a), math.cos(a)


def _root(function: Callable[[float], float]) -> float:
    """The one in (0, pi/2), to its own last digits however small it is."""
    found: Any = brentq(function, 0.0, math.pi / 2, xtol=1e-300, rtol=EPS, maxiter=5000)
    return found


def _excess(M: int, y: float, across: float) -> float:
    """Energy above degree 1 of M > 1 gains 1/M whose directions have a mean of length y."""
    cosine, sine, *_ = _cone_angle(M, y, across)
    return REST / M + (1 - 1 / M) * float(smoothed.rest(cosine, sine))


def _value(M: int, eta: float, y: float, across: float) -> float:
    """|b|^2 - (a.b)^2/|a|^2 as a cross product, b = (1, eta, 0), a = (1/sqrt(2 pi), y/2, sqrt(excess))."""
    energy = _excess(M, y, across)
    apart = (eta / math.sqrt(2 * math.pi) - y / 2) ** 2
    return (apart + energy * (1 + eta**2)) / (1 / (2 * math.pi) + y**2 / 4 + energy)
