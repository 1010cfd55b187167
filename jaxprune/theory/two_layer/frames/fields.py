"""Squares of finite fields, and the matrices of Paley and Hadamard made of them."""

import functools
import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Integers = NDArray[np.int64]


def prime_power(q: int) -> tuple[int, int] | None:
    """(p, k) with q = p^k, p prime; None of other numbers."""
    p = next((p for p in range(2, int(q**0.5) + 1) if q % p == 0), q)
    k = 1
    while p**k < q:
        k += 1
    return (p, k) if q > 1 and p**k == q else None


@functools.cache
def squares(p: int, k: int) -> tuple[Integers, Integers]:
    """Elements (q, k) of the field of p^k elements, p odd, as polynomials, and the numbers of its nonzero squares.

    Polynomials are multiplied modulo one of degree k. It gives a field just when no nonzero square is zero (then it has no
    double factor) and half of the others are squares (then it has no two factors).
    """
    elements = np.array(list(itertools.product(range(p), repeat=k)))
    for lower in itertools.product(range(p), repeat=k):
        if k > 1 and any(np.polyval([1, *lower], x) % p == 0 for x in range(p)):
            continue  # a root is a factor
        product = np.zeros((len(elements), 2 * k - 1), np.int64)
        for i, j in itertools.product(range(k), repeat=2):
            product[:, i + j] += elements[:, i] * elements[:, j]
        for top in range(2 * k - 2, k - 1, -1):  # x^k = -(lower part)
            product[:, top - k : top] -= product[:, top, None] * np.array(lower)
            product %= p
        found = number(product[:, :k] % p, p)
        if np.count_nonzero(found) == len(elements) - 1 and len(np.unique(found)) == (len(elements) + 1) // 2:
            return elements, np.unique(found[found > 0])
    raise AssertionError("there is an irreducible polynomial of every degree")


def number(digits: Integers, p: int) -> Integers:
    """The number of an element, by its coefficients."""
    return digits @ p ** np.arange(digits.shape[-1] - 1, -1, -1)


def jacobsthal(p: int, k: int) -> Integers:
    """The matrix (q, q) of chi(a - b): 1 for squares, -1 for others, 0 on the diagonal."""
    elements, square = squares(p, k)
    difference = number((elements[:, None] - elements[None]) % p, p)
    return np.where(difference == 0, 0, np.where(np.isin(difference, square), 1, -1))


def hadamard(n: int) -> Integers | None:
    """A Hadamard matrix of order n whose first row is ones; None where Paley's and their doubles give none."""
    order, doublings = n, 0
    while (found := _paley_hadamard(order)) is None:
        if order % 2:
            return None
        order, doublings = order // 2, doublings + 1
    found = np.kron(linalg.hadamard(2**doublings), found)
    return found * found[0]


def _paley_hadamard(order: int) -> Integers | None:
    """Of order 1, of order q + 1 with q = 3 mod 4, or of order 2 (q + 1) with q = 1 mod 4."""
    if order == 1:
        return np.ones((1, 1), np.int64)
    if order % 4 == 0 and (power := prime_power(order - 1)):
        found = _bordered(power, -1)
        return found + np.eye(order, dtype=np.int64)
    if order % 8 == 4 and (power := prime_power(order // 2 - 1)):
        conference, one = _bordered(power, 1), np.eye(order // 2, dtype=np.int64)
        return np.kron(conference, np.array([[1, 1], [1, -1]])) + np.kron(one, np.array([[1, -1], [-1, -1]]))
    return None


def _bordered(power: tuple[int, int], sign: int) -> Integers:
    """The Jacobsthal matrix bordered by ones, and by ``sign`` on the left."""
    found = np.zeros((power[0] ** power[1] + 1,) * 2, np.int64)
    found[0, 1:], found[1:, 0], found[1:, 1:] = 1, sign, jacobsthal(*power)
    return found
