"""The exact law of the pruning ratio of n independent neurons: how many of the smallest energies fit into a share of the total.

With S_k the sum of the k smallest of n energies, R < k/n means Z = (1 - share) S_k - share (S_n - S_k) > 0. Given the k-th
smallest, y = Q(B) with B ~ Beta(k, n - k + 1), the energies below and above are independent, and

    P(Z > 0) = E (1/2 pi i) integral of exp(zeta (1 - share) y) b^(k-1) a^(n-k) d zeta / zeta, Re zeta > 0 at the real axis,
    b = E[exp(zeta (1 - share) X) | X <= y], a = E[exp(-zeta share X) | X > y],

where a comes from the Laplace transform of X, in closed form, less its part below y. The contour passes the saddle point and
is bent to the left, but for few neurons, whose transforms hardly decay there. To about 1e-5, 1e-3 for fewer than ``BENT``
neurons but two, and 1e-2 where all energies are nearly the same (alpha near 2 in very many dimensions).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import special
from scipy.interpolate import BSpline, PchipInterpolator, make_interp_spline

from jaxprune.theory.arguments import Array
from jaxprune.theory.compression.energies import Energy, stands_for

LOGIT = np.arange(-22.0, 26.1, 0.5)  # of probabilities below y, by the trapezoid rule
WEIGHTS = special.expit(LOGIT) * special.expit(-LOGIT) / np.sum(special.expit(LOGIT) * special.expit(-LOGIT))
ENDS = -30.0, 22.0  # of the logits at which quantiles are known; beyond they stand still
BENT, ANGLE = 16, 0.4
FEW, COARSE, LEVEL = 48, 24, 0.02  # neurons of which every count is taken; counts at first; and how far they may lie apart
MANY = 10**6  # counts, beyond which a sum of them is an integral
SLOW = 100.0, 0.01  # where transforms hardly decay: the end of the contour, and the step
NOTHING = 23.0  # exponent


class Quantiles(NamedTuple):
    """log Q as a spline of the logit of the probability, between the ends at which it is known."""

    spline: BSpline
    low: float
    high: float

    def log_energy(self, logit: Array) -> Array:
        """log Q(p) at the logit of p."""
        return self.spline(np.clip(logit, self.low, self.high))


class Law(NamedTuple):
    """The ``energy`` of ``n`` neurons, its ``complement`` = 1 - Laplace transform, and the ``share`` that may be removed."""

    n: int
    share: float
    energy: Energy
    quantiles: Quantiles
    complement: Callable[[Array], Array]

    def below(self, k: int) -> float:
        """P(R < k/n), 0 < k < n."""
        if self.n == 2:  # the smaller energy is at most share/(1 - share) of the larger
            odds = np.log(self.share) - np.log1p(-self.share)
            return float(1 - 2 * self.energy.cdf(min(odds, 0.0) + self.quantiles.log_energy(LOGIT)) @ WEIGHTS)
        sd = np.sqrt(1 / k + 1 / (self.n - k + 1))
        logit = np.log(k / (self.n - k + 1)) + sd * np.arange(-7.0, 7.1, 0.7)
        weight = np.exp(_log_beta(logit, k, self.n) - np.max(_log_beta(logit, k, self.n)))
        return float(np.clip(weight @ self._given(k, logit) / np.sum(weight), 0.0, 1.0))

    def _given(self, k: int, logit: Array) -> Array:
        """P(Z > 0) given the logit of B, in units of y."""
        given = _Given(self, k, logit)
        scale = given.spread()
        zeta = np.geomspace(1e-6, 300, 45) / scale[:, None]
        log_m = given.log_bound(zeta)
        best = np.argmin(log_m - np.log(zeta), axis=1)
        at = np.arange(len(logit)), best
        some = np.min(log_m, axis=1) > -NOTHING
        if not np.any(some):
            return np.zeros(len(logit))
        bent = self.n >= BENT
        end, step, angle = (3.0, 0.2, ANGLE) if bent else (*SLOW, 0.0)
        centre = zeta[at] / (1 - np.sin(angle))
        last = np.arcsinh(np.maximum(8 / scale, end) / centre)
        last = np.minimum(last, 5.5) if bent else last
        steps = int(np.ceil(np.max(last[some]) / step))
        t = (np.arange(steps) + 0.5) * (last / steps)[:, None]
        terms = given.integrand(centre[:, None] * (1 + 1j * np.sinh(t + 1j * angle)), log_m[at])
        total = np.sum((terms * np.cosh(t + 1j * angle)).real, axis=1) * last / steps * centre / np.pi
        return np.where(some, total, 0.0)


class _Given:
    """Transforms at every node of B."""

    def __init__(self, law: Law, k: int, logit: Array):
        self._law, self._k = law, k
        log_y = law.quantiles.log_energy(logit)
        log_p = np.log(special.expit(logit))[:, None] + np.log(special.expit(LOGIT))
        others = special.expit(-logit)[:, None] + special.expit(logit)[:, None] * special.expit(-LOGIT)
        self._energy = np.exp(law.quantiles.log_energy(log_p - np.log(others)) - log_y[:, None])[:, None, :]
        self._y, self._p, self._rest = np.exp(log_y)[:, None], special.expit(logit)[:, None], special.expit(-logit)[:, None]

    def spread(self) -> Array:
        """The standard deviation of the part of Z that lies below y."""
        first, second = self._energy[:, 0] @ WEIGHTS, self._energy[:, 0] ** 2 @ WEIGHTS
        return (1 - self._law.share) * np.sqrt(np.maximum((second - first**2) * max(self._k - 1, 1), 1e-6))

    def _parts(self, zeta: Array) -> tuple[Array, Array]:
        """The logarithm of all but the energies above, and of one of these 1 - a."""
        keep, share = 1 - self._law.share, self._law.share
        low = np.expm1(zeta[..., None] * keep * self._energy) @ WEIGHTS
        lost = -np.expm1(-zeta[..., None] * share * self._energy) @ WEIGHTS
        above = (self._law.complement(zeta * share / self._y) - self._p * lost) / self._rest
        return zeta * keep + (self._k - 1) * np.log1p(low), above

    def log_bound(self, zeta: Array) -> Array:
        """log E exp(zeta Z) at real zeta, infinite beyond the floats; a is exp(-share zeta) at most."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            head, above = self._parts(zeta)
            log_a = np.minimum(np.log1p(-np.clip(above, 0, 1 - 1e-12)), -zeta * self._law.share)
            log_m = head + (self._law.n - self._k) * log_a
        return np.where(np.isfinite(log_m), log_m, np.inf)

    def integrand(self, zeta: Array, bound: Array) -> Array:
        """E exp(zeta Z) / zeta; 0 where round-off takes it above its ``bound``."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            head, above = self._parts(zeta)
            log_m = head + (self._law.n - self._k) * np.log1p(-above)
            good = log_m.real <= bound[:, None] + 1
            return np.where(good, np.exp(np.where(good, log_m, -np.inf)) / zeta, 0.0)


class Counts(NamedTuple):
    """P(R < k/n) at some counts k, among them 0 and n."""

    n: int
    k: Array
    below: Array

    def quantile(self, p: Array) -> Array:
        """The smallest ratio j/n that is not exceeded with probability ``p``."""
        if self.n <= FEW:
            return (np.searchsorted(self.below, p) - 1).clip(0) / self.n
        k = self._fine()
        below = np.maximum.accumulate(self._curve()(k))
        return np.ceil(np.interp(p, below, k) - 1e-9).clip(1) / self.n - 1 / self.n

    def mean(self) -> float:
        """Sum of P(R >= k/n) over 0 < k < n, over n."""
        if self.n <= FEW:
            return float(np.sum(1 - self.below[1:-1]) / self.n)
        curve = self._curve()
        total = np.sum(curve(np.arange(1, self.n))) if self.n <= MANY else curve.integrate(0.5, self.n - 0.5)
        return float(1 - (1 + total) / self.n)

    def _curve(self) -> PchipInterpolator:
        return PchipInterpolator(self.k, self.below)

    def _fine(self) -> Array:
        return np.concatenate([np.linspace(a, b, 33)[:-1] for a, b in zip(self.k, self.k[1:], strict=False)] + [self.k[-1:]])


def counts(law: Law) -> Counts:
    """The law of the pruning ratio at as many counts as it takes to know it in between.

    Equation, regime: those of the module. Source: guide/compression.md, Pruning ratio.
    """
    n, known = law.n, {0: 0.0, law.n: 1.0}
    logits = np.linspace(-np.log(2 * n), np.log(2 * n), COARSE)
    new = range(1, n) if n <= FEW else np.unique(np.clip(np.round(n * special.expit(logits)), 1, n - 1).astype(int))
    while len(new):
        known.update((int(k), law.below(int(k))) for k in new)
        k = np.array(sorted(known))
        steep = np.abs(np.diff([known[int(c)] for c in k])) > LEVEL
        new = ((k[:-1] + k[1:]) // 2)[steep & (np.diff(k) > 1)]
    return Counts(n, k.astype(float), np.maximum.accumulate([known[int(c)] for c in k]))


def quantiles(energy: Energy) -> Quantiles:
    """The logarithm of the energy at every probability, interpolated to about 1e-8.

    Regime: as ``energy``. Source: guide/compression.md, Noise types.
    """
    away = np.geomspace(1e-3, 300, 200)
    log_y = energy.log_scale + np.concatenate([-away[::-1], [0.0], away])
    logit = _logit(energy, log_y)
    for step in (1.0, 0.15):
        inside = np.isfinite(logit) & (logit > ENDS[0] - 8) & (logit < ENDS[1] + 6)
        x, y = _increasing(logit[inside], log_y[inside], 1e-9)
        log_y = np.interp(np.arange(max(ENDS[0], x[0]), min(ENDS[1], x[-1]) + step, step), x, y)
        logit = _logit(energy, log_y)
    x, y = _increasing(logit[np.isfinite(logit)], log_y[np.isfinite(logit)], 1e-3)
    return Quantiles(make_interp_spline(x, y, k=5), float(x[0]), float(x[-1]))


def complement(alpha: float, dim: float, kind: int) -> Callable[[Array], Array]:
    """1 - E exp(-w X) of the energy X of one neuron, for complex w.

    Equation: A: 1 - exp(-w^(alpha/2)); 2 A chi^2_d: the mean of 1 - exp(-(2 w chi)^(alpha/2)), by the trapezoid rule in
    log chi; type II: 1 - (transform of one coordinate)^dim. Regime: exact. Source: guide/compression.md, Noise types.
    """
    a = alpha / 2
    if np.isinf(dim):
        return lambda w: -np.expm1(-(w**a))
    kind = stands_for(alpha, dim, kind)
    d = 1.0 if kind == 2 else dim
    if a == 1:
        return lambda w: -np.expm1(-dim / 2 * np.log1p(4 * w))
    spread = np.sqrt(2 / d)
    log_chi = np.arange(np.log(d) - 8 * spread - 25 / (d / 2 + a), np.log(d + 10 * np.sqrt(2 * d) + 60), min(spread / 2, 0.25))
    weights = np.exp(d / 2 * (log_chi - np.log(d)) - (np.exp(log_chi) - d) / 2)
    weights, power = weights / np.sum(weights), np.exp(a * (np.log(2) + log_chi))

    def one(w):
        return -np.expm1(-(w**a)[..., None] * power) @ weights

    return one if kind != 2 or dim == 1 else lambda w: -np.expm1(dim * np.log1p(-one(w)))


def _log_beta(logit, k, n):
    """The logarithm of the density of the logit of B, but for a constant."""
    return k * special.log_expit(logit) + (n - k + 1) * special.log_expit(-logit)


def _logit(energy: Energy, log_y: Array) -> Array:
    with np.errstate(all="ignore"):
        p = energy.cdf(log_y)
        return np.log(p) - np.log1p(-p)


def _increasing(x, y, least):
    """Points at which x exceeds all before by ``least``."""
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(x)) > least])
    return x[keep], y[keep]
