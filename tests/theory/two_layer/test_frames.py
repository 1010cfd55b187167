"""Constructions of frames, and the measures by which they are what they claim."""

import itertools

import numpy as np
import pytest

from jaxprune.theory.two_layer import frames
from jaxprune.theory.two_layer.frames import fields
from tests import grades as judge

EQUIANGULAR = [  # vectors, dimension, centred
    (lambda: frames.simplex(5, 4), 5, 4, True),
    (lambda: frames.paley(5), 6, 3, False),
    (lambda: frames.paley(9), 10, 5, False),
    (lambda: frames.paley(13), 14, 7, False),
    (lambda: frames.paley(25), 26, 13, False),
    (lambda: frames.paley(49), 50, 25, False),
    (lambda: frames.paley(125), 126, 63, False),
    (frames.petersen, 10, 5, True),
    (frames.triangular, 28, 7, True),
    (frames.steiner_pairs, 16, 6, True),
    (frames.steiner_fano, 28, 7, True),
    (lambda: frames.steiner_projective(3), 120, 35, True),
    (lambda: frames.steiner(list(itertools.combinations(range(12), 2))), 144, 66, True),  # Hadamard's order 12
    (lambda: frames.bent(2), 16, 6, True),
    (lambda: frames.bent(2, larger=True), 16, 10, True),
    (lambda: frames.bent(3), 64, 28, True),
    (lambda: frames.harmonic([1, 2, 4], 7), 7, 3, True),
    (lambda: frames.harmonic([0, 1, 3], (7,)), 7, 3, False),
    (lambda: frames.harmonic([1, 3, 4, 5, 9], 11), 11, 5, True),
    (lambda: frames.harmonic([(0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)], (4, 4)), 16, 6, True),
]


@pytest.mark.parametrize("make, M, d, centred", EQUIANGULAR, ids=range(len(EQUIANGULAR)))
def test_equiangular_tight_frames(make, M, d, centred):
    frame = make()
    assert frame.shape == (M, d) and frames.dimension(frame) == d
    judge.exact(np.linalg.norm(frame, axis=1), np.ones(M), tolerance=1e-14)
    judge.exact(frames.coherence(frame), frames.welch_bound(M, d), tolerance=1e-10)
    assert frames.tightness(frame) < 1e-12 and frames.equiangularity(frame) < 1e-12
    judge.exact(frames.potential(frame), M**2 / d, tolerance=1e-12)
    assert (frames.centroid(frame) < 1e-12) == centred
    moved = frame.copy()
    moved[0] = moved[1]
    assert frames.coherence(moved) > 0.99 and frames.tightness(moved) > 0.1


def test_reference_coherences():
    judge.exact([frames.coherence(frames.simplex(5, 4)), frames.coherence(frames.petersen())], [1 / 4, 1 / 3], 1e-10)
    judge.exact(frames.coherence(frames.paley(5)), 0.4472135955, tolerance=1e-9)
    judge.exact(frames.welch_bound(28, 7), 1 / 3, tolerance=1e-15)
    assert frames.welch_bound(4, 4) == frames.welch_bound(2, 9) == 0


@pytest.mark.parametrize("M, d", [(1, 1), (2, 1), (2, 5), (3, 2), (9, 8), (9, 30), (200, 199)])
def test_simplices(M, d):
    frame = frames.simplex(M, d)
    assert frame.shape == (M, d)
    gram = np.eye(M) if M == 1 else (M * np.eye(M) - 1) / (M - 1)
    judge.exact(frame @ frame.T, gram, tolerance=1e-13)
    if M > 1:
        assert frames.centroid(frame) < 1e-13 and frames.tightness(frame, span=True) < 1e-12
        assert frames.equiangularity(frame, lines=False) < 1e-14
        judge.exact(frames.coherence(frame), frames.welch_bound(M, M - 1), tolerance=1e-12)


@pytest.mark.parametrize("M, d, cosine", [(2, 2, -0.3), (3, 3, 0.0), (3, 7, -0.5), (4, 4, 1.0), (5, 4, -0.25), (6, 9, 0.9)])
def test_cones(M, d, cosine):
    direction = np.arange(d) - 1.3
    frame = frames.cone(M, d, cosine, 1e200 * direction)
    judge.exact(frame @ frame.T, (1 - cosine) * np.eye(M) + cosine, tolerance=1e-13)
    if d >= M:
        tilt = np.sqrt((1 + (M - 1) * cosine) / M)
        judge.exact(1 + frame @ direction / np.linalg.norm(direction), np.full(M, 1 + tilt), tolerance=1e-7)


def test_plain_frames():
    judge.exact(frames.cone(1, 3, np.nan, np.array([0.0, 3.0, 4.0])), [[0, 0.6, 0.8]], tolerance=1e-15)
    judge.exact(frames.cone(1, 3, 0.2, np.array([0.0, 3.0, 4.0])), [[0, 0.6, 0.8]], tolerance=1e-15)
    judge.exact(frames.orthonormal(2, 3), np.eye(3)[:2])
    for M in (3, 4, 7):
        polygon = frames.polygon(M)
        assert polygon.shape == (M, 2) and frames.tightness(polygon) < 1e-14 and frames.centroid(polygon) < 1e-15
    rng = np.random.default_rng(0)
    frame = rng.normal(size=(6, 3))
    frame /= np.linalg.norm(frame, axis=1)[:, None]
    again = frames.from_gram(frame @ frame.T)
    assert again.shape == (6, 3)
    judge.exact(again @ again.T, frame @ frame.T, tolerance=1e-14)


def test_squares_of_finite_fields():
    """Of prime fields by arithmetic; of others by what a field must obey: each row of chi(a - b) sums to zero, Q Q' = q - 1."""
    for p in (5, 7, 13):
        elements, squares = fields.squares(p, 1)
        assert elements.shape == (p, 1) and set(squares) == {x * x % p for x in range(1, p)}
    for p, k in ((3, 2), (3, 3), (5, 2), (7, 2), (3, 4)):
        q, matrix = p**k, fields.jacobsthal(p, k)
        judge.exact(matrix @ matrix.T, q * np.eye(q) - 1, tolerance=1e-15)
        assert np.all(matrix == (matrix.T if q % 4 == 1 else -matrix.T)) and not np.any(matrix.sum(0))
    for n in (1, 2, 4, 8, 12, 20, 24, 28, 32, 36, 44, 48, 52, 56, 72, 76, 100):
        matrix = fields.hadamard(n)
        judge.exact(matrix @ matrix.T, n * np.eye(n), tolerance=1e-15)
        assert np.all(matrix[0] == 1)
    assert fields.hadamard(6) is None and fields.hadamard(3) is None
    assert [fields.prime_power(q) for q in (1, 2, 6, 9, 49, 125, 100)] == [None, (2, 1), None, (3, 2), (7, 2), (5, 3), None]


def test_the_best_known_frames():
    for M, d in ((1, 4), (3, 5), (5, 4), (10, 5), (16, 6), (16, 10), (28, 7), (64, 28), (12, 4), (36, 6), (5, 2), (6, 2)):
        known = frames.best_known(M, d)
        assert known.frame.shape == (M, d) and known.optimum.status == "proved" and known.words
    for M, d, value in ((6, 3, 0.1559508225), (4, 2, 0.2159826454)):
        known = frames.best_known(M, d)
        assert known.frame.shape == (M, d) and known.optimum.status == "best found"
        judge.exact(known.optimum.value, value, tolerance=1e-9)


BEST = [  # of catalogue frames with a row repeated, one left out, or a dimension to spare
    *((29, 7, 0.069308980), (27, 7, 0.070083912), (11, 5, 0.097113434), (17, 6, 0.081099647), (17, 10, 0.051672501)),
]


def test_the_best_known_frames_come_from_the_catalogue_too():
    for M, d, value in BEST:
        known = frames.best_known(M, d)
        assert known.frame.shape == (M, d) and known.optimum.status == "best found"
        judge.exact(known.optimum.value, value, tolerance=1e-8)
    for inside, outside in (((64, 28), (65, 28)), ((64, 28), (64, 29))):
        judge.exact(frames.best_known(*outside).optimum.value, frames.best_known(*inside).optimum.value, tolerance=1e-12)


def test_bad_input_is_refused_by_name():
    one, fano = np.ones(3), [(0, 1, 3), (1, 2, 4), (2, 3, 5), (3, 4, 6), (4, 5, 0), (5, 6, 1), (6, 0, 2)]
    assert frames.steiner(fano).shape == (28, 7)
    for match, call in {
        "M: 6 .*d \\+ 1 = 5": lambda: frames.simplex(6, 4),
        "M: 0": lambda: frames.simplex(0, 4),
        "d: 2.0": lambda: frames.simplex(2, 2.0),
        "M: 4 .*need d >= 4": lambda: frames.cone(4, 3, 0.1, one),
        "cosine: -0.6": lambda: frames.cone(3, 3, -0.6, one),
        "cosine: 1.0000001": lambda: frames.cone(3, 3, 1.0000001, one),
        "cosine: nan": lambda: frames.cone(3, 3, np.nan, one),
        "direction: is zero": lambda: frames.cone(3, 3, 0.1, 0 * one),
        "direction: length 3": lambda: frames.cone(3, 4, 0.1, one),
        "M: 4 is outside": lambda: frames.orthonormal(4, 3),
        "q: 7": lambda: frames.paley(7),
        "q: 21": lambda: frames.paley(21),
        "q: 5.0": lambda: frames.paley(5.0),
        "difference_set.*equally often": lambda: frames.harmonic([0, 1, 2], 7),
        "difference_set: \\[.*equal": lambda: frames.harmonic([1, 1], 3),
        "difference_set: 7": lambda: frames.harmonic([1, 7], 7),
        "difference_set: .*entries": lambda: frames.harmonic([(1, 0)], (2,)),
        "group": lambda: frames.harmonic([0], 0),
        "m: 1": lambda: frames.bent(1),
        "blocks.*exactly one": lambda: frames.steiner(fano[:-1]),
        "blocks.*Hadamard": lambda: frames.steiner(list(itertools.combinations(range(6), 2))),
        "difference_set: 4.0": lambda: frames.harmonic([1, 2, 4.0], 7),
        "group: 7.0": lambda: frames.harmonic([1, 2, 4], 7.0),
        "difference_set: 5 is not a seq": lambda: frames.harmonic(5, 7),
        "blocks: 5 is not a seq": lambda: frames.steiner(5),
        "blocks: 6 is not a seq": lambda: frames.steiner([6]),
        "adjacency: has one": lambda: frames.graph(np.zeros((1, 1)), 0.5),
        "cosine: 'a'": lambda: frames.cone(1, 1, "a", np.ones(1)),
        "cosine: 5.0": lambda: frames.cone(1, 3, 5.0, one),
        "span: 'no'": lambda: frames.tightness(np.eye(2), span="no"),
        "lines: 0": lambda: frames.equiangularity(np.eye(2), lines=0),
        "larger: 5": lambda: frames.bent(2, larger=5),
        "dim": lambda: frames.steiner_projective(1),
        "adjacency.*Welch": lambda: frames.graph(1.0 * (np.eye(4, k=1) + np.eye(4, k=-1)), 0.1),
        "adjacency.*0 and 1": lambda: frames.graph(np.eye(4), 0.1),
        "gram.*diagonal": lambda: frames.from_gram(2 * np.eye(3)),
        "gram.*eigenvalue": lambda: frames.from_gram(np.array([[1.0, 2.0], [2.0, 1.0]])),
        "gram.*rank": lambda: frames.from_gram(np.array([[1.0, 1 - 1e-6], [1 - 1e-6, 1.0]])),
        "gram.*symmetric": lambda: frames.from_gram(np.array([[1.0, 0.2], [0.1, 1.0]])),
        "M: 1": lambda: frames.welch_bound(1, 3),
        "frame: has 1": lambda: frames.coherence(np.eye(1)),
        "frame: row 0": lambda: frames.tightness(2 * np.eye(2)),
        "frame.*complex": lambda: frames.equiangularity(frames.harmonic([1, 2, 4], 7), lines=False),
        "frame: shape": lambda: frames.centroid(np.ones(3)),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
