"""The random factor by which one step of SGD changes a length, as nodes and weights of its logarithm.

Gauss-Legendre panels in log X and log Y of two chi-squared variables, as wide as their densities, graded towards X = 1/c,
where the factor vanishes in one dimension and nearly so in few. Source: guide/sgd.md.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
GAUSS = np.polynomial.legendre.leggauss(16)  # next to the kink
SMOOTH = np.polynomial.legendre.leggauss(12)


class Factor:
    """The law of log R as nodes and weights, for c = step input_sd^2/batch, fit for moments of R up to ``order``."""

    def __init__(self, c: float, batch: float, dim: float, order: float):
        # zeta = log(c X): the kink is at 0, to which distances are kept exactly. Its strength falls with dim.
        zeta, log_x = _nodes(batch, order, -np.log(c * batch), 10.0 ** (-20 / min(dim, 20.0)))
        if dim == 1:
            v, log_y = np.array([-np.inf]), np.zeros(1)
        else:
            v, log_y = _nodes(dim - 1, order, None, 1.0)
        logs = (log_x[:, None] + log_y).ravel()
        kept = logs > np.max(logs) - 45 - 4 * order
        zeta, v = (a.ravel()[kept] for a in np.broadcast_arrays(zeta[:, None], v))
        growth = np.exp(zeta)
        square = np.expm1(zeta) ** 2 + growth * c * (dim - 1) * np.exp(v)
        change = growth * (growth + c * (dim - 1) * np.exp(v) - 2)
        self.log_r = 0.5 * np.where(np.abs(change) < 0.3, np.log1p(np.maximum(change, -0.5)), np.log(square))
        weights = np.exp(logs[kept] - np.max(logs))
        self.log_weights = logs[kept] - np.max(logs) - np.log(np.sum(weights))
        self.weights = np.exp(self.log_weights)

    def rho(self) -> float:
        """E log R."""
        return float(np.sum(self.weights * self.log_r))

    def excess(self, s: float) -> float:
        """E R^s - 1, without cancellation for small s; for large s the weights stay logarithms, where they underflow."""
        if s < 1:
            return float(np.sum(self.weights * np.expm1(s * self.log_r)))
        with np.errstate(over="ignore"):
            return float(np.sum(np.exp(self.log_weights + s * self.log_r)) - 1)


def _nodes(k: float, order: float, shift: float | None, finest: float) -> tuple[Array, Array]:
    """Gauss-Legendre panels for chi2_k in log(X/k): nodes relative to -``shift`` and log weights, not normalised.

    Panels are as wide as the density and, with a ``shift``, graded towards the node 0 down to ``finest``.
    """

    def log_density(w):
        return 0.5 * k * (w - np.expm1(w))

    low, high = _range(k, order)
    if shift is None:
        edges = [_march(0.0, low, k, None), _march(0.0, high, k, None)]
    else:
        low, high = low - shift, high - shift
        edges = [
            _march(min(high, 0.0), min(low, 0.0), k, shift, finest),
            _march(max(low, 0.0), max(high, 0.0), k, shift, finest),
        ]
    offset = 0.0 if shift is None else shift
    panels = np.array([(min(a, b), max(a, b)) for e in edges for a, b in pairwise(e)])
    half = 0.5 * (panels[:, 1] - panels[:, 0])[:, None]
    x, weights = SMOOTH if shift is None else GAUSS
    nodes = panels[:, :1] + half * (1 + x)
    return nodes.ravel(), (log_density(nodes + offset) + np.log(half * weights)).ravel()


def _range(k, order):
    """Where log(X/k) has mass for moments of orders 0 .. ``order``."""
    drop = 45 + min(4 * order, 40.0)
    low = high = 0.0
    while 0.5 * k * (low - np.expm1(low)) > -drop:
        low -= 0.1 * np.sqrt(2 / k) if k > 2 else 2.0
    peak = np.log1p(2 * order / k)
    rate = 0.5 * k + order
    top = rate * peak - 0.5 * k * np.expm1(peak)
    high = peak
    while rate * high - 0.5 * k * np.expm1(high) > top - 45:
        high += 0.2 * min(np.sqrt(2 / (k + 2 * order)), 1.0)
    return low, high


def _march(start, end, k, shift, finest=1.0):
    """Edges of panels from ``start`` to ``end``, away from a singularity at 0 if there is a ``shift``."""
    edges, way = [start], np.sign(end - start)
    while way * (end - edges[-1]) > 0:
        here = edges[-1]
        width = min(2 * np.sqrt(2 / (k * np.exp(here + (shift or 0.0)))), 2.0)
        if shift is not None:
            width = min(width, max(3 * abs(here), finest))
        edges.append(here + way * min(width, abs(end - here)))
    return edges if way else []
