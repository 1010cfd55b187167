"""Partial moments of symmetric stable laws by contour integrals of their moments, E|X|^s continued to complex s.

With M(s) = E|X|^s = 2^s Gamma(1 - s/alpha) Gamma((1+s)/2) / (Gamma(1 - s/2) sqrt(pi)), whose poles are k alpha and -1, -3, ...,

    E[|X|^q; |X| <= t] = (1/2 pi i) integral over Re s = c of t^(q-s) M(s)/(q - s) ds,   -1 < c < min(q, alpha).

Any other c gives the same after the residues in between are added: those on the right are the tail series, those on the left
the series at the origin. So the line is chosen, for every t, where integral and residues are smallest: then nothing cancels,
in the body, in the tails and where a nearly Gaussian law (alpha -> 2) turns into its power tail. |M| decays like
exp(-pi |Im s|/(2 alpha)), and the trapezoidal rule is exact but for exp(-2 pi distance/step), distance to the next pole.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, gammaln, loggamma, rgamma

Array = NDArray[np.float64]
DIGITS = 38.0  # exponent of the errors that are left
ROWS = 1000


class Line(NamedTuple):
    """The line Re s = ``real``: ordinates, weights of exp(-i y log t) scaled to a sum of moduli of 1, log of that sum."""

    real: float
    ordinates: Array
    weights: NDArray[np.complex128]
    log_size: float


class Terms(NamedTuple):
    """Residues: sign exp(log_size) t^power, at ``poles``."""

    poles: NDArray[np.floating]
    signs: NDArray[np.floating]
    log_sizes: NDArray[np.floating]
    powers: NDArray[np.floating]


class Partial:
    """Partial moments of order ``order`` > -1 of SaS(``alpha``), alpha < 2; order -1 stands for the density."""

    def __init__(self, alpha: float, order: float):
        self.alpha, self.order, self.density = alpha, order, order == -1.0
        count = int(8 + 1.5 * np.log(1 / (2 - alpha)) * (alpha > 1.5))
        k = np.arange(1, count + 1)
        close = np.abs(order - k * alpha)
        self.twin = int(np.argmin(close)) + 1 if np.min(close) < 0.15 * min(alpha, 1.0) and not self.density else 0
        self.terms = self._terms(k)
        # An order beyond the poles that are used is not crossed.
        self.crossed = not self.density and order < count * alpha
        self.whole = moment(order, alpha) if self.crossed and not self.twin else 0.0
        self.lines = [self._line(c, d) for c, d in self._places(k)]

    def lower(self, log_t: Array) -> Array:
        """E[|X|^order; |X| <= t]."""
        return self._evaluate(log_t, upper=False)

    def upper(self, log_t: Array) -> Array:
        """E[|X|^order; |X| > t], order < alpha."""
        return self._evaluate(log_t, upper=True)

    def _terms(self, k):
        """Residues at k alpha, then at -1, -3, ...; the one that lies next to the order is taken with it, elsewhere."""
        k = k[k != self.twin]
        right, sign = tail_terms(k, self.alpha)
        j = np.arange(4)
        left = (
            gammaln(1 + (2 * j + 1) / self.alpha)
            - (2 * j) * np.log(2)
            - gammaln(j + 1.5)
            - gammaln(j + 1)
            - 0.5 * np.log(np.pi)
        )
        poles = np.concatenate([k * self.alpha, -(2.0 * j + 1)])
        logs, signs = np.concatenate([right, left]), np.concatenate([sign, (-1.0) ** j])
        if not self.density:
            logs, signs = logs - np.log(np.abs(self.order - poles)), signs * np.where(poles > self.order, -1, 1)
        return Terms(poles, signs, logs, self.order - poles)

    def _places(self, k):
        """Lines (abscissa, distance to the nearest pole): the middle of each gap, and a graded set left of the first pole."""
        poles = np.sort(np.concatenate([k * self.alpha, -(2.0 * np.arange(4) + 1), [self.order] if self.crossed else []]))
        gaps = list(pairwise(poles))
        places = [(0.5 * (a + b), 0.5 * (b - a)) for a, b in gaps if b - a > 0.2 * min(self.alpha, 1.0) or a == -1]
        # A law of small alpha is narrow in log|X| / alpha: lines as dense as its saddle points, skipping poles.
        end = poles[poles > -1][0]
        reach = end + 6 if self.alpha < 0.3 else 0.5 * (end + 1)
        graded = end - 0.25 * self.alpha * np.arange(1, 1 + int(np.sqrt(4 * reach / self.alpha))) ** 2
        distances = np.min(np.abs(graded[:, None] - poles), axis=1)
        clear = distances >= np.minimum(0.15, 0.24 * self.alpha)
        return places + list(zip(graded[clear], distances[clear], strict=True))

    def _line(self, real, distance):
        # The width of |M| along the line, too, when the law is so narrow in log|X| that the next pole is far.
        width = 0.6 * self.alpha * np.sqrt(1 + abs(real) / self.alpha)
        step = min(2 * np.pi * distance / DIGITS, width)
        y = step * np.arange(1 + int((26 * self.alpha + 2.5 * abs(real)) / step))
        s = real + 1j * y
        logs = log_moment(s, self.alpha) - (0 if self.density else np.log(self.order - s))
        logs = np.where(np.isfinite(logs), logs, -np.inf)  # M vanishes at s = 2, 4, ...
        scale = np.max(np.real(logs))
        weights = np.exp(logs - scale) * step / np.pi
        weights[0] *= 0.5
        size = np.sum(np.abs(weights))
        kept = np.abs(weights) > 1e-19 * size
        return Line(real, y[kept], weights[kept] / size, scale + np.log(size))

    def _evaluate(self, log_t, upper):
        flat = np.ravel(log_t)
        chunks = [self._rows(flat[i : i + ROWS], upper) for i in range(0, flat.size, ROWS)]
        return np.concatenate(chunks).reshape(np.shape(log_t)) if chunks else np.zeros(np.shape(log_t))

    def _rows(self, log_t, upper):
        terms, real = self.terms, np.array([line.real for line in self.lines])
        sizes = terms.log_sizes + terms.powers * log_t[:, None]
        between = np.where(terms.poles > -1, terms.poles < real[:, None], terms.poles > real[:, None])
        beyond = self.crossed & (real > self.order)
        with np.errstate(divide="ignore"):
            whole, log_whole = self._whole(log_t)
            cost = np.array([line.log_size for line in self.lines]) + (self.order - real) * log_t[:, None]
        cost = np.maximum(cost, self._largest(sizes, between))
        if self.crossed:
            cost = np.where(beyond != upper, np.logaddexp(cost, log_whole[:, None]), cost)
        choice = np.argmin(cost, axis=1)
        with np.errstate(over="ignore", under="ignore"):
            values = np.sum(np.where(between[choice], terms.signs * np.exp(np.where(between[choice], sizes, 0.0)), 0.0), axis=1)
        for j in np.unique(choice):
            with np.errstate(invalid="ignore"):
                values[choice == j] += self._integral(self.lines[j], log_t[choice == j])
        # A moment of high order leaves the range of floats, and its terms with either sign.
        values = np.where(np.isfinite(values), values, np.inf)
        if self.density:
            return values
        return np.where(beyond[choice], 0.0, whole) - values if upper else np.where(beyond[choice], whole, 0.0) + values

    def _largest(self, sizes, between):
        """Log of the largest residue on the way to each line; those on the way are the first ones of their side."""
        split = np.sum(self.terms.poles > -1)
        none = np.full((len(sizes), 1), -np.inf)
        right = np.maximum.accumulate(np.hstack([none, sizes[:, :split]]), axis=1)
        left = np.maximum.accumulate(np.hstack([none, sizes[:, split:]]), axis=1)
        return np.maximum(right[:, between[:, :split].sum(axis=1)], left[:, between[:, split:].sum(axis=1)])

    def _integral(self, line, log_t):
        phases = np.exp(-1j * np.outer(log_t, line.ordinates))
        with np.errstate(over="ignore", under="ignore"):
            return (phases @ line.weights).real * np.exp(line.log_size + (self.order - line.real) * log_t)

    def _whole(self, log_t):
        """Residue at s = order, together with that of a pole close by; and the log of the larger of the two."""
        if not self.twin:
            return np.full(log_t.shape, self.whole), np.full(log_t.shape, np.log(abs(self.whole)))
        gap = self.order - self.twin * self.alpha
        radius = np.minimum(0.35 * min(self.alpha, 1.0), 1.5 / np.maximum(np.abs(log_t), 1e-300))
        radius = np.maximum(radius, 1.5 * abs(gap))[:, None]
        turn = np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)
        s = self.order - 0.5 * gap + radius * turn
        values = np.exp(log_moment(s, self.alpha) + (self.order - s) * log_t[:, None]) / (self.order - s) * radius * turn
        return -np.mean(values.real, axis=1), np.log(np.max(np.abs(values), axis=1))


def log_moment(s: Any, alpha: float) -> Any:
    """Log of E|X|^s for complex s."""
    upper = loggamma(1 - s / alpha) + loggamma(0.5 * (1 + s))
    return s * np.log(2) + upper - loggamma(1 - 0.5 * s) - 0.5 * np.log(np.pi)


def moment(order: float, alpha: float) -> float:
    """E|X|^order continued beyond alpha, where it is no moment; infinite at the poles."""
    return float(2**order * gamma(1 - order / alpha) * gamma(0.5 * (1 + order)) * rgamma(1 - 0.5 * order) / np.sqrt(np.pi))


def tail_terms(k: NDArray[np.int64], alpha: float) -> tuple[Array, Array]:
    """Log modulus and sign of the coefficients of x^(-k alpha - 1) in the series of the density of |X|."""
    size = k * alpha * (2 / np.pi) * gamma(k * alpha) / gamma(k + 1.0) * sine(k, alpha)
    with np.errstate(divide="ignore"):
        return np.log(np.abs(size)), np.sign(size) * (-1.0) ** (k - 1)


def sine(k: Any, alpha: Any) -> Any:
    """sin(pi k alpha/2) with the relative accuracy of alpha - 1 near 1 and of 2 - alpha near 2."""
    nearest = np.rint(alpha)
    small = 0.5 * np.pi * k * (alpha - nearest)
    quarter = np.asarray(k * nearest, int) % 4
    return np.choose(quarter, [np.sin(small), np.cos(small), -np.sin(small), -np.cos(small)])
