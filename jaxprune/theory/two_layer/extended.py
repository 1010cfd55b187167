"""Arithmetic in pairs of floats, whose sum carries 32 digits, and the energy of a ReLU network in it.

A pair (high, low) has |low| <= ulp(high)/2. Error-free sums (Knuth) and products (Dekker); errors of some 1e-31 of the terms.
Used where a loss has cancelled to a small fraction of its terms. Source: guide/two_layer.md, Small losses.
"""

from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Pair = tuple[Any, Any]
SPLIT = 2.0**27 + 1
HALVINGS, TERMS = 6, 8  # of an angle before its Taylor series, and terms of that: below 1e-33
HALF_PI = (1.5707963267948966, 6.123233995736766e-17)
BLOCK = 64  # rows whose pairs are held at once


def parts(rows: Array, weights: Array) -> tuple[float, float]:
    """E (sum a |x.w|)^2 / 4 and |sum a w|^2 of rows w and weights a, of which the kinked activations are made."""
    return max(_even(rows, weights), 0.0), straight(rows, weights)


def straight(rows: Array, weights: Array) -> float:
    """|sum a w|^2."""
    odd = total(product(rows, weights[:, None]))
    return float(np.sum((odd[0] + odd[1]) ** 2))


def _even(rows: Array, weights: Array) -> float:
    """sum a a' |w| |w'| (cos arcsin cos + sin)/(2 pi), block by block."""
    square = total(product(rows.T, rows.T))
    length = root(square)
    gains, found = times((weights, np.zeros_like(weights)), length), (np.zeros(1), np.zeros(1))
    for i in range(0, len(rows), BLOCK):
        here = slice(i, i + BLOCK)
        sizes, heights = _outer(length, here, i), _outer(gains, here, i)
        cosine, sine = _angles(over(dots(rows[here], rows[i:]), sizes), min(BLOCK, len(rows) - i))
        block = times(heights, plus(times(cosine, arcsine(cosine, sine)), sine))
        twice = np.where(np.arange(len(rows) - i) < BLOCK, 1.0, 2.0)
        summed = total(total((block[0] * twice, block[1] * twice)))
        found = plus(found, (summed[0][None], summed[1][None]))
    return float(found[0][0] + found[1][0]) / (2 * np.pi)


def _outer(x: Pair, here: slice, start: int) -> Pair:
    return times((x[0][here, None], x[1][here, None]), (x[0][None, start:], x[1][None, start:]))


def _angles(cosine: Pair, count: int) -> tuple[Pair, Pair]:
    """Cosines, exactly 1 on the diagonal, and sines."""
    own = np.arange(count)
    cosine[0][own, own], cosine[1][own, own] = 1.0, 0.0
    return cosine, _sine(cosine)


def two_sum(a: Array, b: Array) -> Pair:
    """a + b and what its rounding lost."""
    s = a + b
    other = s - a
    return s, (a - (s - other)) + (b - other)


def product(a: Array, b: Array) -> Pair:
    """a b and what its rounding lost."""
    p = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    return p, ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: Array) -> Pair:
    scaled = SPLIT * a
    high = scaled - (scaled - a)
    return high, a - high


def _tidy(high: Array, low: Array) -> Pair:
    s = high + low
    return s, low - (s - high)


def plus(x: Pair, y: Pair) -> Pair:
    """x + y."""
    s, e = two_sum(x[0], y[0])
    return _tidy(s, e + (x[1] + y[1]))


def times(x: Pair, y: Pair) -> Pair:
    """x y."""
    p, e = product(x[0], y[0])
    return _tidy(p, e + (x[0] * y[1] + x[1] * y[0]))


def over(x: Pair, y: Pair) -> Pair:
    """x / y."""
    q = x[0] / y[0]
    back = times(y, (q, np.zeros_like(q)))
    return _tidy(q, plus(x, (-back[0], -back[1]))[0] / y[0])


def root(x: Pair) -> Pair:
    """The square root of x >= 0."""
    q = np.sqrt(x[0])
    back = product(q, q)
    return _tidy(q, plus(x, (-back[0], -back[1]))[0] / np.where(q > 0, 2 * q, 1.0))


def total(x: Pair) -> Pair:
    """The sum over the first axis, halved again and again."""
    high, low = x
    while len(high) > 1:
        half = len(high) // 2
        paired = plus((high[:half], low[:half]), (high[half : 2 * half], low[half : 2 * half]))
        high, low = (np.concatenate([a, b[2 * half :]]) for a, b in zip(paired, (high, low), strict=True))
    return high[0], low[0]


def dots(rows: Array, others: Array) -> Pair:
    """Inner products (p, q)."""
    found = product(rows[:, None, 0], others[None, :, 0])
    for k in range(1, rows.shape[1]):
        found = plus(found, product(rows[:, None, k], others[None, :, k]))
    return found


def arcsine(cosine: Pair, sine: Pair) -> Pair:
    """arcsin of ``cosine``, given the ``sine`` of the angle: one step of Newton from 16 digits."""
    start = np.arctan2(cosine[0], sine[0])
    s, c = sincos(start)
    down = times(sine, s)
    return _tidy(start, plus(times(cosine, c), (-down[0], -down[1]))[0])


def sincos(t: Array) -> tuple[Pair, Pair]:
    """Sine and cosine of floats in [-2, 2]: Taylor series of a 64th part, doubled again and again."""
    small = t / 2**HALVINGS
    square = product(small, small)
    square = (-square[0], -square[1])
    s, c = _series(square, 1), _series(square, 0)
    s = times(s, (small, np.zeros_like(small)))
    for _ in range(HALVINGS):
        both, down = times(s, c), times(s, s)
        s, c = (2 * both[0], 2 * both[1]), plus(times(c, c), (-down[0], -down[1]))
    return s, c


def _series(x: Pair, first: int) -> Pair:
    """sum x^k / (2 k + first)!."""
    found = tuple(np.zeros_like(a) for a in x)
    for k in reversed(range(TERMS)):
        term = Fraction(1, factorial(2 * k + first))
        high = float(term)
        found = plus(times(found, x), (np.full_like(x[0], high), np.full_like(x[0], float(term - Fraction(high)))))
    return found


def arc_cosine(cosine: Pair) -> Pair:
    """2 pi times the arc-cosine kernel of unit rows: sin t + (pi - t) cos t."""
    one = (np.ones_like(cosine[0]), np.zeros_like(cosine[0]))
    sine = _sine(cosine)
    turn = plus((HALF_PI[0] * one[0], HALF_PI[1] * one[0]), arcsine(cosine, sine))
    return plus(sine, times(turn, cosine))


def _sine(cosine: Pair) -> Pair:
    one = (np.ones_like(cosine[0]), np.zeros_like(cosine[0]))
    square = times(plus(one, (-cosine[0], -cosine[1])), plus(one, cosine))
    return root((np.maximum(square[0], 0.0), np.where(square[0] > 0, square[1], 0.0)))
