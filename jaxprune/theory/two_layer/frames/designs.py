"""Equiangular tight frames from difference sets, conference matrices, graphs and Steiner systems.

Each result is checked against the Welch bound to 1e-10. Derivations: guide/two_layer.md, Frames.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import inputs
from jaxprune.theory.two_layer.frames import basic, fields, measures

Array = NDArray[np.floating]
Element = int | Sequence[int]


def harmonic(difference_set: Iterable[Element], group: Element) -> NDArray:
    """The characters of an abelian group on a difference set of d elements, over sqrt(d).

    Equation: exp(2 pi i sum x_k e_k/n_k)/sqrt(d), x over the group; real (and float64) where all elements have order 2 or 1.
    Its sum is zero just when 0 is not in the set. Complex frames are for analysis: losses refuse them.
    Source: guide/two_layer.md, Frames.

    Args:
        difference_set: The d >= 2 elements, each in 0 .. n - 1, or a sequence of such numbers, one for each cyclic group.
        group: Orders n of the cyclic groups whose product it is, as (2, 2, 2, 2), or one number.

    Returns:
        The unit rows (order of the group, d), complex128, or float64 where they are real.

    Raises:
        ValueError: For a group of fewer than 2 elements, and for a set with fewer than 2 elements, with elements that are equal
            or not of the group, or whose differences are not equally often every element but 0.
    """
    orders = _orders(group)
    elements = _elements(difference_set, orders)
    order, d = int(np.prod(orders)), len(elements)
    counts: dict[tuple[int, ...], int] = {}
    for a, b in itertools.permutations(elements, 2):
        key = tuple((x - y) % n for x, y, n in zip(a, b, orders, strict=True))
        counts[key] = counts.get(key, 0) + 1
    if len(counts) != order - 1 or len(set(counts.values())) != 1:
        raise ValueError(
            f"difference_set: the differences of its {d} elements are {len(counts)} of the {order - 1} elements but 0, not each"
            " equally often; choose a difference set"
        )
    points = np.array(list(itertools.product(*map(range, orders))))
    turns = sum(np.outer(points[:, k], [e[k] for e in elements]) % n / n for k, n in enumerate(orders))
    real = all(2 * x % n == 0 for e in elements for x, n in zip(e, orders, strict=True))
    values = (-1.0) ** np.rint(2 * turns) if real else np.exp(2j * np.pi * turns)
    return measures.at_welch_bound("difference_set", elements, values / np.sqrt(d), "choose a difference set")


def bent(m: int, larger: bool = False) -> Array:
    """The real centred harmonic frame of 4^m vectors in 2^(2m-1) - 2^(m-1) dimensions, or with + if ``larger``.

    Equation: the difference set x1 x2 + x3 x4 + ... = 1 of the bits, or its complement moved by one of its elements.
    Source: guide/two_layer.md, Frames.

    Args:
        m: Half the number of bits, 2 .. 5, or 1 .. 5 if ``larger`` (1 is a simplex).
        larger: Whether the complement is taken, with the larger dimension.

    Returns:
        The unit rows (4^m, dimension).

    Raises:
        ValueError: For another m, and unless ``larger`` is True or False.
    """
    m = arguments.integer("m", m, 1 if inputs.flag("larger", larger) else 2, 5)
    bits = list(itertools.product((0, 1), repeat=2 * m))
    ones = [x for x in bits if sum(a * b for a, b in zip(x[::2], x[1::2], strict=True)) % 2]
    if larger:
        others = sorted(set(bits) - set(ones))
        ones = [tuple(a ^ b for a, b in zip(x, ones[0], strict=True)) for x in others]
    return harmonic(ones, (2,) * (2 * m))


def paley(q: int) -> Array:
    """The q + 1 equiangular lines in R^((q+1)/2) of Paley's symmetric conference matrix.

    Equation: Gram matrix I + C/sqrt(q), C bordered by ones around chi(a - b) on the field of q elements. Centred just where q
    is a square, after signs are changed. Source: guide/two_layer.md, Frames.

    Args:
        q: A prime power that is 1 mod 4: 5, 9, 13, 17, 25, ...

    Returns:
        The unit rows (q + 1, (q + 1)/2).

    Raises:
        ValueError: For another q.
    """
    q = arguments.integer("q", q, 2)
    power = fields.prime_power(q)
    if power is None or q % 4 != 1:
        raise ValueError(f"q: {q} is not a prime power that is 1 mod 4; use one of 5, 9, 13, 17, 25, 29, ...")
    conference = np.ones((q + 1, q + 1))
    conference[0, 0], conference[1:, 1:] = 0.0, fields.jacobsthal(*power)
    frame = basic.from_gram(np.eye(q + 1) + conference / np.sqrt(q))
    return measures.at_welch_bound("q", q, frame, "use a prime power that is 1 mod 4")


def graph(adjacency: ArrayLike, cosine: float) -> Array:
    """The equiangular tight frame with ``cosine`` between adjacent vertices and minus it between others.

    Equation: Gram matrix I - cosine (J - I - 2 A), which must be singular and tight. Source: guide/two_layer.md, Frames.

    Args:
        adjacency: A, a symmetric float64 matrix (M, M) of zeros and ones with zero diagonal, M >= 2.
        cosine: Cosine between neighbours, in [-1, 1].

    Returns:
        The unit rows (M, d), d the rank of the Gram matrix.

    Raises:
        ValueError: For another matrix or cosine, and where the Welch bound is not attained.
    """
    adjacency = inputs.symmetric("adjacency", adjacency)
    if len(adjacency) < 2:
        raise ValueError("adjacency: has one vertex; cosines need two or more")
    if np.any((adjacency != 0) & (adjacency != 1)) or np.any(np.diag(adjacency)):
        raise ValueError("adjacency: has entries other than 0 and 1, or a loop; give 1 for each edge")
    cosine = inputs.number("cosine", cosine, -1, 1, "[]", "give the cosine of neighbours")
    seidel = 1 - np.eye(len(adjacency)) - 2 * adjacency
    frame = basic.from_gram(np.eye(len(adjacency)) - cosine * seidel)
    return measures.at_welch_bound("adjacency", f"with cosine {cosine:g}", frame, "use a regular two-graph and its cosine")


def petersen() -> Array:
    """The centred frame of 10 vectors in R^5, from the pairs of 5 points (Petersen's graph is the pairs without a common one).

    Equation: cosine -1/3 of pairs that share a point, 1/3 of others. Source: guide/two_layer.md, Frames.

    Returns:
        The unit rows (10, 5).
    """
    return graph(_triangular(5), -1 / 3)


def triangular() -> Array:
    """The centred frame of 28 vectors in R^7, from the pairs of 8 points.

    Equation: cosine 1/3 of pairs that share a point, -1/3 of others. Source: guide/two_layer.md, Frames.

    Returns:
        The unit rows (28, 7).
    """
    return graph(_triangular(8), 1 / 3)


def steiner(blocks: Sequence[Sequence[int]]) -> Array:
    """The centred frame of v (r + 1) vectors in R^b of a Steiner system of b blocks on v points, r through each.

    Equation: each point's r entries of the incidence matrix become the rows but the first of a Hadamard matrix of order r + 1,
    over sqrt(r). Source: guide/two_layer.md, Frames.

    Args:
        blocks: Blocks of the points 0 .. v - 1, all of one size, of which every two points lie in exactly one.

    Returns:
        The unit rows (v (r + 1), b).

    Raises:
        ValueError: Where two points lie in no block or in several, blocks differ in size, or no Hadamard matrix of order r + 1
            is at hand.
    """
    listed = [inputs.elements("blocks", block) for block in inputs.elements("blocks", blocks)]
    blocks = [tuple(arguments.integer("blocks", point, 0) for point in block) for block in listed]
    v = 1 + max((point for block in blocks for point in block), default=0)
    pairs = [pair for block in blocks for pair in itertools.combinations(sorted(block), 2)]
    if v < 2 or len(set(pairs)) != len(pairs) or len(pairs) != v * (v - 1) // 2 or len({*map(len, blocks)}) != 1:
        raise ValueError(f"blocks: of {v} points, not every two lie in exactly one block of one size; give a Steiner system")
    through = [[i for i, block in enumerate(blocks) if point in block] for point in range(v)]
    r = len(through[0])
    matrix = fields.hadamard(r + 1)
    if matrix is None:
        raise ValueError(f"blocks: {r} through each point need a Hadamard matrix of order {r + 1}, which is not at hand")
    frame = np.zeros((v, r + 1, len(blocks)))
    for point, here in enumerate(through):
        frame[point][:, here] = matrix[1:].T / np.sqrt(r)
    return measures.at_welch_bound("blocks", blocks, frame.reshape(v * (r + 1), -1), "give a Steiner system")


def steiner_pairs() -> Array:
    """The centred frame of 16 vectors in R^6: all pairs of 4 points.

    Equation: ``steiner`` of the pairs. Source: guide/two_layer.md, Frames.

    Returns:
        The unit rows (16, 6).
    """
    return steiner(list(itertools.combinations(range(4), 2)))


def steiner_fano() -> Array:
    """The centred frame of 28 vectors in R^7: the lines of the Fano plane.

    Equation: ``steiner_projective`` of 2 dimensions. Source: guide/two_layer.md, Frames.

    Returns:
        The unit rows (28, 7).
    """
    return steiner_projective(2)


def steiner_projective(dim: int) -> Array:
    """The centred frame of the lines of the binary projective space of ``dim`` dimensions.

    Equation: ``steiner`` of the triples a, b, a + b. Source: guide/two_layer.md, Frames.

    Args:
        dim: Dimension of the space, 2, 3 or 4.

    Returns:
        The unit rows: (28, 7), (120, 35) or (496, 155).

    Raises:
        ValueError: Unless dim is 2, 3 or 4.
    """
    v = 2 ** (arguments.integer("dim", dim, 2, 4) + 1) - 1
    lines = {tuple(sorted((a - 1, b - 1, (a ^ b) - 1))) for a, b in itertools.combinations(range(1, v + 1), 2)}
    return steiner(sorted(lines))


def _triangular(points: int) -> Array:
    """Adjacency of the pairs of points: 1 where they share one."""
    pairs = list(itertools.combinations(range(points), 2))
    return np.array([[1.0 * (len({*a} & {*b}) == 1) for b in pairs] for a in pairs])


def _orders(group: Element) -> tuple[int, ...]:
    orders = inputs.elements("group", group) if isinstance(group, Iterable) else (group,)
    orders = tuple(arguments.integer("group", n, 1) for n in orders)
    if not orders or np.prod(orders) < 2:
        raise ValueError(f"group: {group!r} has fewer than 2 elements; give the orders of its cyclic factors")
    return orders


def _elements(difference_set: Iterable[Element], orders: tuple[int, ...]) -> list[tuple[int, ...]]:
    found = []
    for element in inputs.elements("difference_set", difference_set):
        parts: tuple = tuple(element) if isinstance(element, Iterable) and not isinstance(element, str) else (element,)
        if len(parts) != len(orders):
            raise ValueError(f"difference_set: {element!r} has {len(parts)} entries, the group {len(orders)} factors")
        found.append(tuple(arguments.integer("difference_set", x, 0, n - 1) for x, n in zip(parts, orders, strict=True)))
    if len(set(found)) != len(found) or len(found) < 2:
        raise ValueError(f"difference_set: {found} has equal elements, or fewer than 2; give distinct ones")
    return found
