"""Leaky slopes, rows with a common mean, and the quadratic activation."""

import numpy as np
import pytest
from scipy import optimize

from jaxprune.theory import two_layer as theory
from tests import grades as judge


def test_reference_leaky_values():
    at = [(3, 0.1), (4, -0.5), (6, -1.0)]
    judge.exact([theory.leaky_value(*a) for a in at], [0.2159826454, 0.1488913532, 0.08686866833], tolerance=1e-9)
    assert np.allclose([theory.leaky_cosine(*a) for a in at], [-0.5, -0.1736481777, 0.0], atol=1e-9)


def test_leaky_values_are_known_at_both_ends():
    for M in (1, 2, 3, 50, 10**5):
        judge.exact(theory.leaky_value(M, 0.0), theory.simplex_value(M), tolerance=1e-14)
        judge.exact(theory.leaky_value(M, -1.0), theory.plateau(M), tolerance=1e-14)  # |z|: orthonormal
        if M > 1:
            assert theory.leaky_value(M, 0.7) == theory.leaky_value(M, 0.0)
    assert np.isnan(theory.leaky_cosine(1, 0.3)) and theory.leaky_value(1, 0.9) > theory.leaky_value(1, 0.0)


@pytest.mark.parametrize("M, slope", [(2, -0.7), (3, -0.2), (4, -0.5), (3, 0.5)])
def test_the_leaky_cosine_is_the_best(M, slope):
    """By exact energies of the cones themselves, with all gains 1, at other cosines."""
    frames = theory.frames

    def value(cosine):
        rows = frames.cone(M, M, float(np.clip(cosine, -1 / (M - 1), 1)), np.ones(M))
        zero = np.zeros((1, M)), np.zeros(1)
        energy = theory.loss(rows, np.ones(M), *zero, "leaky", slope)
        return 1 - (M * (1 - slope) / np.sqrt(2 * np.pi)) ** 2 / energy

    best = theory.leaky_cosine(M, slope)
    judge.exact(value(best), theory.leaky_value(M, slope), tolerance=1e-12)
    for other in np.linspace(-1 / (M - 1), 0.9, 12):
        assert value(other) >= theory.leaky_value(M, slope) * (1 - 1e-12)


def test_shift_values():
    judge.exact([theory.shift_value(2, 0.5), theory.shift_value(4, 0.3)], [0.02476246628, 0.01968796652], tolerance=1e-9)
    found = [theory.shift_optimum(2, 0.5).tilt, theory.shift_optimum(4, 0.3).tilt]
    assert np.allclose(found, [0.752566, 0.408799], atol=1e-6)
    for M in (2, 3, 40):
        judge.exact(theory.shift_value(M, 0.0), theory.simplex_value(M) / (2 * np.pi), tolerance=1e-13)
        assert theory.shift_value(M, 1.0) == 0
    kappa = theory.arc_cosine
    judge.exact(theory.shift_value(1, 0.6), kappa(0.36) - 2 * kappa(0.6) ** 2, tolerance=1e-13)
    near = [theory.shift_value(5, 1 - e) for e in (1e-9, 1e-11)]
    judge.exact(near[0] / near[1], 1e3, tolerance=1e-4)  # the power 3/2 of the distance from 1
    judge.exact(theory.shift_value(2, 0.999), 2.4627773681829155e-06, tolerance=1e-13)  # by fifty digits


def test_shift_values_are_those_of_networks():
    """The objective over all rows and positive outputs, from random starts: none is below the cone, the best are at it."""
    rng, (M, d, beta) = np.random.default_rng(0), (3, 3, 0.5)
    kappa = theory.arc_cosine

    def objective(v):
        rows = v.reshape(M, d)
        size = np.linalg.norm(rows, axis=1)
        energy = theory.loss(rows, np.ones(M), np.zeros((1, d)), np.zeros(1))
        return kappa(beta**2) - 2 * size @ kappa(np.clip(beta * rows[:, 0] / size, -1, 1)) + energy

    found = min(optimize.minimize(objective, rng.normal(size=M * d)).fun for _ in range(3))
    assert theory.shift_value(M, beta) * (1 - 1e-9) <= found <= theory.shift_value(M, beta) * (1 + 1e-5)


ROWS = np.array(
    [
        [-0.8, -0.803, -1.083, -0.224],
        [0.834, 0.584, 0.638, -1.695],
        [-1.571, 1.554, 0.969, 2.183],
        [1.21, -1.024, 1.285, 0.628],
        [0.215, -0.82, 0.003, -0.147],
        [0.893, 0.124, 1.585, -0.774],
    ]
)
OUTPUTS = np.array([0.471, 0.499, -0.864, -1.181, 1.014, 0.517])


def test_reference_quadratic_values():
    matrix = (ROWS.T * OUTPUTS) @ ROWS
    judge.exact([theory.quadratic_value(matrix, M) for M in (1, 2, 3)], [64.54013465, 36.93124455, 0.1874678011], 1e-9)
    found = [theory.quadratic_value(matrix, M, "nonnegative") for M in (1, 2, 3)]
    judge.exact(found, 3 * [271.1999852], tolerance=1e-9)
    assert theory.quadratic_value(matrix, 4) == 0 == theory.quadratic_value(np.zeros((3, 3)), 1)
    for signs in ("free", "nonnegative"):
        judge.exact(theory.quadratic_value(np.eye(7) / 7, 3, signs), 2 * 4 * 9 / (49 * 5), tolerance=1e-13)


@pytest.mark.parametrize("signs", ["free", "nonnegative"])
def test_descent_finds_no_better_quadratic_network(signs):
    rng = np.random.default_rng(1)
    for M in (1, 2, 3):
        best = np.inf
        for start in range(8):
            outputs = np.where(np.arange(M) < (start % (M + 1)) * (signs == "free"), -1.0, 1.0)
            objective = lambda v, o=outputs: theory.loss(v.reshape(-1, 4), o, ROWS, OUTPUTS, "quadratic")  # noqa: E731
            best = min(best, optimize.minimize(objective, rng.normal(size=4 * M), method="L-BFGS-B").fun)
        expected = theory.quadratic_value((ROWS.T * OUTPUTS) @ ROWS, M, signs)
        assert expected * (1 - 1e-9) <= best <= expected * (1 + 1e-3) + 1e-6


def test_quadratic_values_scale_and_turn():
    rng = np.random.default_rng(2)
    matrix = rng.normal(size=(5, 5))
    matrix = matrix + matrix.T
    turn = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    turned = turn @ matrix @ turn.T
    for signs in ("free", "nonnegative"):
        expected = theory.quadratic_value(matrix, 2, signs)
        judge.exact(theory.quadratic_value((turned + turned.T) / 2, 2, signs), expected, tolerance=1e-12)
        judge.exact(theory.quadratic_value(1e120 * matrix, 2, signs) / 1e240, expected, tolerance=1e-12)
    judge.exact(theory.quadratic_value(np.diag([1.0, 1e-9]), 1), 2e-18 * (1 + 1 / 3), tolerance=1e-12)


def test_bad_input_is_refused_by_name():
    good = np.eye(3)
    for match, call in {
        "matrix.*symmetric": lambda: theory.quadratic_value(np.triu(np.ones((3, 3))), 1),
        "matrix.*square": lambda: theory.quadratic_value(np.ones((2, 3)), 1),
        "matrix.*int": lambda: theory.quadratic_value(np.eye(3, dtype=int), 1),
        "matrix: holds nan": lambda: theory.quadratic_value(good * np.nan, 1),
        "M: 0": lambda: theory.quadratic_value(good, 0),
        "signs": lambda: theory.quadratic_value(good, 1, "positive"),
        "slope: 1": lambda: theory.leaky_value(3, 1.0),
        "slope": lambda: theory.leaky_value(3, -1.01),
        "M: True": lambda: theory.leaky_value(True, 0.1),
        "beta: 1.1": lambda: theory.shift_value(3, 1.1),
        "beta: -0.1": lambda: theory.shift_value(3, -0.1),
        "M: 2.0": lambda: theory.shift_value(2.0, 0.1),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()


def test_no_cosine_is_minus_zero_and_no_count_too_large():
    assert not np.signbit(theory.leaky_cosine(6, -1.0)) and theory.leaky_cosine(6, -1.0) == 0
    assert theory.quadratic_value(np.eye(3) * 1e200, 1) == np.inf and theory.quadratic_value(np.eye(3) * 1e-200, 1) == 0
    for call in (theory.leaky_value, theory.leaky_cosine, theory.shift_value, theory.shift_optimum):
        with pytest.raises(ValueError, match="M: is above"):
            call(10**400, 0.5)
