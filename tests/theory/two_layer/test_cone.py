"""Optima of the simplified ReLU problem: tables, certificates, edges, and networks that try to beat them."""

import numpy as np
import pytest
from scipy import optimize

from jaxprune.theory import two_layer as theory
from tests import grades as judge

SIMPLEX = {
    1: 0.6816901138,
    2: 0.3633802276,
    3: 0.2159826454,
    4: 0.1559508225,
    5: 0.1222618849,
    6: 0.1006026502,
    8: 0.07432554104,
}
ETAS = (0.0, 1e-300, 1e-100, 1e-12, 1e-6, 1e-3, 0.2, 0.5, 1.0, 3.0, 1e4, 1e8, 1e100)
TINY = 2.0321299871930105e-13  # of 10^15 neurons at eta = 1e-3
COUNTS = (1, 2, 3, 7, 64, 1000, 10**6)


def test_simplex_values():
    judge.exact([theory.simplex_value(M) for M in SIMPLEX], list(SIMPLEX.values()), tolerance=1e-9)
    judge.exact([theory.simplex_value(16), theory.simplex_value(64)], [0.03638502, 0.00896167], tolerance=2e-7)
    judge.exact([theory.simplex_value(1), theory.simplex_value(2)], [1 - 1 / np.pi, 1 - 2 / np.pi], tolerance=1e-15)
    for M in (10**6, 10**9, 10**15):
        judge.exact(M * theory.simplex_value(M), np.pi / 2 - 1, tolerance=3 / M + 1e-14, spoil=1.001)


def test_limit_values():
    found = [theory.limit_value(*at) for at in ((3, 2), (4, 10), (6, 50))]
    judge.exact(found, [0.002238482844, 0.1185195558, 0.09248433536], tolerance=1e-9)
    assert theory.limit_value(2, 1) == 0 == theory.limit_of(theory.simplex_value(2), 1)
    at = theory.limit_value(10**6, 10**6) * 10**6
    judge.exact(at, np.pi / 2 - 1 - 0.5, tolerance=1e-4)  # (pi/2 - 1)/M - 1/(2 d)
    with pytest.raises(ValueError, match="M: 5 is above d \\+ 1 = 4.*lower_bound"):
        theory.limit_value(5, 3)


def test_reference_cones():
    for M, eta, value, cosine, gain, tilt in [
        (2, 0.5, 0.2364859805, -0.2026663, 0.91013627, 0.6314007),
        (3, 0.2, 0.1995352139, -0.3890213, 0.6574206, 0.2720033),
        (5, 0.5, 0.4098574919 / 4, -0.002166582, 0.89956905 / 2, 0.4452715),
    ]:
        found = theory.best_cone(M, eta)
        judge.exact(found.value, value, tolerance=1e-9)
        assert found[:2] == theory.cone_optimum(M, eta)
        assert np.allclose([found.cosine, found.gain, found.tilt], [cosine, gain, tilt], atol=1e-5, rtol=0)


@pytest.mark.parametrize("M", COUNTS)
def test_the_certificate_meets_the_cone(M):
    for eta in ETAS:
        value, cosine = theory.cone_optimum(M, eta)
        if M > 1 and eta <= 1e4 and (cosine > -1 or eta == 0):
            judge.exact(theory.dual_bound(M, eta, cosine), value, tolerance=1e-12, spoil=1.0001)
        judge.exact(theory.optimum(M, M, eta).bound, value, tolerance=1e-14, spoil=1.0001)
        assert theory.optimum(M, M, eta).gap >= 0


def test_the_certificate_is_the_tangent_to_the_kernel():
    """As it is derived: kappa above its tangent k0 + k1 (r - cosine), and both squares completed."""
    for M, eta, cosine in ((3, 0.4, -0.3), (10, 2.0, 0.5), (5, 0.0, -0.2)):
        k0, k1 = theory.arc_cosine(cosine), theory.arc_cosine_slope(cosine)
        b = k0 - k1 * cosine
        expected = 1 + eta**2 - eta**2 / (4 * k1) - 2 / np.pi / (4 * (b + (0.5 - k1 - b) / M))
        judge.exact(theory.dual_bound(M, eta, cosine), expected, tolerance=1e-12)
    assert theory.dual_bound(3, 0.1, 1 + 5e-13) == theory.dual_bound(3, 0.1, 1.0) == -np.inf
    assert theory.dual_bound(3, 0.1, -1.0) == -np.inf
    judge.exact(theory.dual_bound(2, 0.0, -1.0), 1 - 2 / np.pi, tolerance=1e-15)


def test_the_certificate_is_of_just_the_cosine_given():
    """By the formula in sixty digits, near 1 and at cosines that a difference of angles would lose."""
    found = [theory.dual_bound(8, 1.0, 1 - 4e-9), theory.dual_bound(3, 0.7, 1 - 1e-12), theory.dual_bound(2, 1e8, 1e-17)]
    judge.exact(np.array(found) / [-11178.839913993973, -707113.35752567708, 0.28569291794007271], 1.0, tolerance=1e-14)


def test_bounds_are_rounded_downwards():
    """By the formula in sixty digits: at M = 1e15 the value is far below the rounding of its terms' angles."""
    found = theory.optimum(10**15, 10**15, 1e-3)
    judge.exact(found.bound / TINY, 1.0, tolerance=1e-13, spoil=1 + 1e-12)
    assert found.bound < TINY < found.value * (1 + 1e-15)
    for M in COUNTS:
        for eta in (*ETAS, 2.0 ** np.arange(-8, 30)):
            for signs in ("nonnegative", "free"):
                assert np.all([theory.optimum(M, M, float(e), signs).gap >= 0 for e in np.ravel(eta)])


@pytest.mark.parametrize("M", [2, 3, 7, 64])
def test_the_certificate_is_below_everywhere_else(M):
    for eta in (0.0, 0.1, 1.0, 5.0):
        value, _ = theory.cone_optimum(M, eta)
        bounds = [theory.dual_bound(M, eta, r) for r in np.linspace(-1, 1, 201)]
        assert np.max(bounds) <= value * (1 + 1e-14)
        assert np.max(bounds) > value - 0.05 and np.min(bounds) < value / 1.1  # some are near, and not all


@pytest.mark.parametrize("M", [2, 3, 10])
def test_the_cone_is_the_best_of_all_cones(M):
    """The formula of a cone at any cosine, minimised by search."""
    for eta in (0.0, 0.3, 1.5):

        def value(r, eta=eta):
            up = np.sqrt(2 / np.pi) * M + eta * np.sqrt(max(M + M * (M - 1) * r, 0.0))
            return 1 + eta**2 - up**2 / (4 * (M / 2 + M * (M - 1) * theory.arc_cosine(r)))

        found = optimize.minimize_scalar(value, bounds=(-1 / (M - 1), 1), method="bounded", options=dict(xatol=1e-10))
        judge.exact(theory.cone_optimum(M, eta)[0], min(found.fun, value(-1 / (M - 1))), tolerance=1e-8)


def test_edges_of_the_cone():
    assert np.isnan(theory.cone_optimum(1, 0.3)[1])
    for M in (2, 3, 50):
        assert theory.cone_optimum(M, 0.0)[1] == pytest.approx(-1 / (M - 1), rel=1e-15)
        assert theory.cone_optimum(M, 0.0)[0] == theory.simplex_value(M)
        small = theory.best_cone(M, 1e-9)
        assert theory.cone_optimum(M, 1e9)[1] == 1.0 and small.tilt < 1e-4
        judge.exact(theory.cone_optimum(M, 1e9)[0] / 1e18, 0.5, tolerance=1e-8)
    judge.exact(theory.cone_optimum(5, theory.orthonormal_eta(5))[1] + 1, 1.0, tolerance=1e-14)  # orthonormal there
    judge.exact(theory.cone_optimum(5, theory.orthonormal_eta(5))[0], theory.plateau(5), tolerance=1e-14)


SWITCH = {2: 1.25459744, 3: 1.01424140, 4: 0.87783224, 6: 0.71904661, 8: 0.62481299, 16: 0.44527497, 64: 0.22454245}


def test_the_switch():
    judge.exact([theory.eta_switch(M) for M in SWITCH], list(SWITCH.values()), tolerance=1e-8)
    assert theory.eta_switch(1) == np.inf
    for M in (2, 3, 10, 100, 10**4, 10**6, 10**9):
        eta = theory.eta_switch(M)
        judge.exact(theory.cone_optimum(M, eta)[0], theory.plateau(M - 1), tolerance=1e-14)
        assert eta > theory.orthonormal_eta(M - 1)  # so that the plateau is reached there
    judge.exact(1e3 * theory.eta_switch(10**6), 1.8025, tolerance=1e-4)


def test_both_phases():
    for M, eta, value, phase in [
        (3, 0.5, 0.163514095, "cone"),
        (3, 2.0, 0.2220309407, "plateau"),
        (4, 0.8, 0.1446350909, "cone"),
        (4, 1.0, 0.1598512697, "plateau"),
    ]:
        found = theory.free_sign_optimum(M, eta)
        judge.exact(found[0], value, tolerance=1e-8)
        assert found[1] == phase
    cone, free = theory.cone_optimum(8, 1.0)[0], theory.free_sign_optimum(8, 1.0)[0]
    judge.exact([cone, free], [0.15624, 0.07539], tolerance=1e-4)  # where no cone is optimal
    assert theory.free_sign_optimum(1, 50.0) == (theory.cone_optimum(1, 50.0)[0], "cone")


def test_the_cone_falls_to_its_orthonormal_point_and_then_rises():
    """What the proof of the switch needs: one crossing of the plateau, and none below the simplex."""
    for M in (2, 3, 8, 100, 10**5):
        turn = theory.orthonormal_eta(M)
        down = [theory.cone_optimum(M, eta)[0] for eta in np.linspace(0, turn, 30)]
        up = [theory.cone_optimum(M, eta)[0] for eta in turn * np.geomspace(1, 100, 30)]
        assert np.all(np.diff(down) < 0) and np.all(np.diff(up) > 0)
        assert theory.simplex_value(M) <= theory.plateau(M - 1) * (1 + 1e-15)


def descended(rows, outputs, target):
    def loss(v):
        return theory.simplified_loss(v.reshape(rows.shape), outputs, target)

    return optimize.minimize(loss, rows.ravel(), method="L-BFGS-B", options=dict(maxiter=150)).fun


def test_descent_finds_nothing_better():
    """Random starts over all rows and output weights, both kinds of sign, reach the optimum and never pass it."""
    rng = np.random.default_rng(0)
    for M, d, eta in ((2, 2, 0.4), (3, 3, 0.5), (3, 4, 2.0)):
        target = (1.0, np.append(eta, np.zeros(d - 1)), 0.0)
        for signs in ("nonnegative", "free"):
            best = np.inf
            for start in range(6 * (M if signs == "free" else 1)):
                outputs = np.where(np.arange(M) < start // 6, -1.0, 1.0)
                best = min(best, descended(rng.normal(size=(M, d)), outputs, target))
            optimum = theory.optimum(M, d, eta, signs)
            assert optimum.value * (1 - 1e-9) <= best <= optimum.value * (1 + 1e-4), (M, d, eta, signs)


@pytest.mark.parametrize("function", ["simplex_value", "plateau", "eta_switch", "orthonormal_eta"])
def test_bad_counts_are_refused(function):
    for wrong in (0, -1, 2.0, True, "2", np.nan, None, 10**400):
        with pytest.raises(ValueError, match="[MK]:"):
            getattr(theory, function)(wrong)


def test_bad_input_is_refused_by_name():
    for wrong in (-0.1, np.nan, np.inf, 1e160, True, "a", [0.1]):
        with pytest.raises(ValueError, match="eta"):
            theory.cone_optimum(3, wrong)
        with pytest.raises(ValueError, match="eta"):
            theory.free_sign_optimum(3, wrong)
        with pytest.raises(ValueError, match="eta"):
            theory.dual_bound(3, wrong, 0.0)
    for wrong in (-1.1, 1.1, np.nan, None):
        with pytest.raises(ValueError, match="cosine"):
            theory.dual_bound(3, 0.1, wrong)
    with pytest.raises(ValueError, match="M:"):
        theory.cone_optimum(0, 0.1)
