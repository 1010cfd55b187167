"""A lower bound of the simplified loss by quadrature, for more neurons than dimensions.

For every polynomial h below psi on [0, 1] whose zonal coefficients are nonnegative, sum s_j s_k psi(cos^2) >= h_0 S^2 +
(psi(1) - h(1)) sum s_j^2. The best of them meet psi at the nodes of a Gauss rule whose further node is 1, with the weight 1/M.
Source: guide/two_layer.md, Bounds by quadrature.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import interpolate, linalg, special

from jaxprune.theory import arguments

Array = NDArray[np.float64]
MOST = 8  # nodes: more are not told apart in float64
MEANS = 1e-12  # relative: round-off of a mean
SLACK = 1e-12  # of a coefficient or a node: round-off


def quadrature_bound(M: int, d: int) -> float:
    """A lower bound of the simplified loss at eta = 0 of M nonnegative neurons in R^d, at least ``lower_bound``.

    Equation: e/(1 + e), 1 + e = 2 pi sum w_i psi(t_i), over nodes t_i in [0, 1) and 1, where the weight is 1/M, of a rule that
    takes means of polynomials of cos^2 over the sphere, the best such rule; psi(cos^2) is the even part of the kernel. In the
    plane t_i = cos^2(pi i/M), all of weight 1/M. For M <= d it is ``lower_bound``. Regime: proved. Attained just by equal
    gains, with sum zero, on lines whose cos^2 are the nodes and whose means are those of the rule: all M but powers of 2 in the
    plane, (M, d) = (12, 4), (36, 6), (120, 8), and centred equiangular tight frames.
    Source: guide/two_layer.md, Bounds by quadrature.

    Args:
        M, d: Number of neurons and dimension of the inputs, >= 1.

    Returns:
        The bound, in (0, 1).

    Raises:
        ValueError: Unless M and d are integers >= 1.
    """
    M, d = arguments.integer("M", M, 1), arguments.integer("d", d, 1)
    if d == 1 or d >= M:
        few = min(M, d)
        excess = (math.pi / 2 - 1) / few
    elif d == 2:
        excess = _mean_excess(np.cos(np.pi * np.arange(M) / M) ** 2, np.full(M, 1 / M))
    else:
        excess = max([equiangular_excess(M, d), *_rules(M, d)])
    return excess / (1 + excess)


def equiangular_excess(M: int, d: int) -> float:
    """e of ``lower_bound``: what the rule with one node besides 1 gives, in closed form at every M and d."""
    t = (M - d) / (d * (M - 1)) if d < M else 0.0
    sine, angle = math.sqrt(1 - t), math.asin(math.sqrt(t))
    slope = angle / (2 * math.sqrt(t)) if t else 0.5
    flat = math.sqrt(t) * angle / 2 - t / (1 + sine)  # 2 pi b - 1
    return flat + slope / min(M, d) + (math.pi / 2 - 1 - flat - slope) / M


def _mean_excess(nodes: Array, weights: Array) -> float:
    """2 pi sum w psi - 1, of weights whose sum is 1."""
    return float(weights @ _psi(nodes, nothing=1.0))


def _psi(t: Array, nothing: float = 0.0) -> Array:
    """2 pi psi(t) - ``nothing``, without cancellation for 1."""
    t = np.clip(t, 0.0, 1.0)
    root = np.sqrt(t)
    bent = root * np.arcsin(root)
    return bent - t / (1 + np.sqrt(1 - t)) + (1 - nothing)


def _slope(t: Array) -> Array:
    """Of 2 pi psi."""
    root = np.sqrt(np.clip(t, 0.0, 1.0))
    return np.where(root > 0, np.arcsin(root) / (2 * np.where(root > 0, root, 1.0)), 0.5)


def _rules(M: int, d: int) -> list[float]:
    """The bounds of the rules with 1, 2, ... nodes besides 1, inside or one of them at 0, as far as they are proved: with
    round-off that takes the means of powers from them, as in hundreds of dimensions, they are not."""
    found = []
    for count in range(1, MOST + 1):
        nodes, weights, basis = _sphere(d, count)
        if not np.all(np.isfinite(basis)):  # of thousands of dimensions
            break
        end = basis[:, -1]  # the polynomials at 1
        basis, nodes, weights = basis[:, :-1], nodes[:-1], weights[:-1]
        for at_zero in (False, True):
            rule = _rule(nodes, weights, basis, end, M, count - at_zero, at_zero)
            if rule is not None and _proves(nodes, weights, basis, rule[0], at_zero):
                whole = np.append(rule[0], 1.0), np.append(rule[1], 1 / M)
                if _has_means(*whole, 2 * count - at_zero, d):
                    found.append(_mean_excess(*whole))
    return found


def _sphere(d: int, count: int) -> tuple[Array, Array, Array]:
    """Nodes and weights of the law of cos^2 over the sphere, exact beyond degree 4 ``count``, and the orthonormal polynomials
    (degree, node) there; the last node is 1, of weight 0."""
    size = 2 * count + 2
    with np.errstate(over="ignore", invalid="ignore"):
        x, weights = special.roots_jacobi(size, (d - 3) / 2, -0.5)
        weights = weights / np.sum(weights)
    nodes = np.append((1 + x) / 2, 1.0)
    plain = special.eval_legendre(np.arange(size)[:, None], 2 * nodes - 1)
    triangle = np.linalg.qr((plain[:, :-1] * np.sqrt(weights)).T)[1]
    basis = linalg.solve_triangular(triangle.T, plain, lower=True, check_finite=False)
    return nodes, np.append(weights, 0.0), basis * np.sign(basis[:, -1:])


def _rule(nodes, weights, basis, end, M: int, count: int, at_zero: bool) -> tuple[Array, Array] | None:
    """``count`` inner nodes and their weights, and 0 where asked: Gauss's rule of the law less 1/M at 1, where there is one."""
    power = nodes if at_zero else np.ones_like(nodes)
    low = (basis[:count] * (weights * power)) @ basis[:count].T - np.outer(end[:count], end[:count]) / M
    high = (basis[:count] * (weights * power * nodes)) @ basis[:count].T - np.outer(end[:count], end[:count]) / M
    if count and np.linalg.eigvalsh(low)[0] <= SLACK:
        return None
    inner, vectors = linalg.eigh(high, low) if count else (np.zeros(0), np.zeros((0, 0)))
    if np.any(inner <= SLACK) or np.any(inner >= 1):
        return None
    share = (low[:1] @ vectors).ravel() ** 2 if count else np.zeros(0)
    if not at_zero:
        return inner, share
    share = share / inner
    rest = 1 - 1 / M - np.sum(share)
    return (np.append(0.0, inner), np.append(rest, share)) if rest >= -SLACK else None


def _has_means(nodes: Array, weights: Array, degrees: int, d: int) -> bool:
    """Whether the rule gives the means of 1, cos^2, ..., known in closed form, over the sphere."""
    k = np.arange(degrees)
    known = np.cumprod(np.append(1.0, (k[:-1] + 0.5) / (k[:-1] + d / 2)))
    return bool(np.all(np.abs(nodes ** k[:, None] @ weights - known) <= MEANS * known))


def _proves(nodes, weights, basis, met: Array, at_zero: bool) -> bool:
    """Whether the polynomial that meets psi at the nodes of a rule, twice but at 0, has no negative coefficient."""
    twice = np.sort(np.concatenate([met, met[1:] if at_zero else met]))
    values = np.where(np.append(True, np.diff(twice) > 0), _psi(twice), _slope(twice))
    polynomial = interpolate.KroghInterpolator(twice, values)(nodes)
    return bool(np.all((basis * weights) @ polynomial >= -SLACK))
