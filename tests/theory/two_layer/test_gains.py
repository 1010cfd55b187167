"""Best gains of frames, the bound beyond d + 1 neurons, and what each optimum says of itself."""

import itertools

import numpy as np
import pytest

from jaxprune.theory import two_layer as theory
from jaxprune.theory.two_layer import frames
from tests import grades as judge

CENTRED = [
    (frames.petersen, 5, 10, 0.097113434),
    (frames.steiner_pairs, 6, 16, 0.081099647),
    (lambda: frames.bent(2), 6, 16, 0.081099647),
    (lambda: frames.bent(2, larger=True), 10, 16, 0.051672501),
    (frames.steiner_fano, 7, 28, 0.069308980),
    (frames.triangular, 7, 28, 0.069308980),
]
BOUNDS = [
    *((5, 10, 0.097113434), (6, 16, 0.081099647), (10, 16, 0.051672501), (7, 28, 0.069308980), (3, 6, 0.152504050)),
    *((7, 14, 0.071253318), (4, 8, 0.118653621), (2, 4, 0.213578077), (3, 5, 0.153834530), (2, 5, 0.2122796013)),
]


def test_bounds_beyond_the_dimension():
    found = [theory.lower_bound(M, d) for d, M, _ in BOUNDS]
    judge.exact(found, [value for *_, value in BOUNDS], tolerance=1e-8)


@pytest.mark.parametrize("make, d, M, value", CENTRED)
def test_centred_frames_attain_the_bound(make, d, M, value):
    frame = make()
    assert frame.shape == (M, d)
    found = theory.frame_loss(frame)
    judge.exact(found.value, value, tolerance=1e-8)
    judge.exact(found.value, theory.lower_bound(M, d), tolerance=1e-13)
    judge.exact(found.gains, np.full(M, np.mean(found.gains)), tolerance=1e-10)
    assert theory.frame_optimum(frame).status == "proved"
    turned = frame.copy()
    turned[0] = -turned[0]
    assert theory.frame_loss(turned).value > value * 1.001 and theory.frame_optimum(turned).status == "best found"


def test_frames_that_are_not_centred_lose_to_fewer_neurons():
    """The best signs of the icosahedron's six lines are worse than four vectors of a simplex; so is Paley's frame in R^7."""
    lines = frames.paley(5)
    signed = min(theory.frame_loss(lines * np.array(s)[:, None]).value for s in itertools.product((-1.0, 1.0), repeat=6))
    judge.exact(signed, 0.159441661, tolerance=1e-8)
    assert signed > theory.simplex_value(4)
    rng, lines = np.random.default_rng(0), frames.paley(13)
    found = [theory.frame_loss(lines * rng.choice([-1.0, 1.0], (14, 1))).value for _ in range(20)]
    assert min(found) > 0.0737827 > theory.lower_bound(14, 7)


def test_the_bound_holds_for_random_directions():
    rng = np.random.default_rng(1)
    for M, d in ((3, 3), (4, 3), (6, 3), (12, 4), (9, 1)):
        for _ in range(10):
            frame = rng.normal(size=(M, d))
            frame /= np.linalg.norm(frame, axis=1)[:, None]
            linear = rng.normal(size=d)
            assert theory.frame_loss(frame).value >= theory.lower_bound(M, d) * (1 - 1e-12)
            for signs in ("nonnegative", "free"):
                found = theory.frame_optimum(frame, linear, signs)
                assert found.gap >= -1e-12 and found.status == ("proved" if found.gap <= 1e-13 else "best found")
                judge.exact(found.value - found.bound, found.gap, tolerance=1e-13)


def test_best_gains_are_those_of_the_simplified_loss():
    """No other gains are better, and the loss of these is the simplified loss of the network."""
    rng = np.random.default_rng(2)
    frame = rng.normal(size=(5, 3))
    frame /= np.linalg.norm(frame, axis=1)[:, None]
    linear = np.array([0.3, -0.8, 0.2])
    for signs in ("nonnegative", "free"):
        value, gains = theory.frame_loss(frame, linear, signs)
        judge.exact(theory.simplified_loss(frame, gains, (1.0, linear, 0.0)), value, tolerance=1e-12)
        _, slopes = theory.loss_gradient(frame, gains, frame, np.zeros(5))[1:]
        slopes = slopes - 2 * (1 / np.sqrt(2 * np.pi) + frame @ linear / 2)
        live = np.abs(gains) > 0
        assert np.max(np.abs(slopes[live])) < 1e-12 and np.all(slopes[~live] > 0)
        assert signs == "free" or np.all(gains >= 0)
    assert theory.frame_loss(frame, linear, "free").value < theory.frame_loss(frame, linear).value
    twice = np.concatenate([frame, frame])
    judge.exact(theory.frame_loss(twice, linear, "free").value, theory.frame_loss(frame, linear, "free").value, 1e-12)


@pytest.mark.parametrize("M, d, eta", [(5, 6, 0.3), (8, 8, 1.0), (3, 3, 4.0), (2, 7, 0.01), (1, 2, 0.5), (4, 3, 0.0)])
def test_cones_attain_their_value(M, d, eta):
    linear = np.zeros(d)
    linear[0], linear[-1] = 0.6 * eta, 0.8 * eta
    best = theory.best_cone(M, eta)
    frame = frames.cone(M, d, best.cosine, linear if eta else np.ones(d))
    found = theory.frame_loss(frame, linear)
    judge.exact(found.value, best.value, tolerance=1e-12)
    judge.exact(found.gains, np.full(M, best.gain), tolerance=1e-7)
    assert theory.frame_optimum(frame, linear).status == "proved"
    judge.exact(frame @ linear, np.full(M, best.tilt * eta), tolerance=1e-12)


@pytest.mark.parametrize("eta", [1e2, 1e3, 1e4, 1e5])
def test_long_linear_parts_prove_cones_alone(eta):
    """Beside eta^2/2 the cone is hardly better than equal vectors along m, or than itself tilted off m: gaps in units of c^2."""
    linear = np.array([eta, 0.0, 0.0])
    along = theory.frame_optimum(np.tile([[1.0, 0.0, 0.0]], (3, 1)), linear)
    assert along.status == "best found"
    expected = theory.best_cone(1, eta).value - theory.best_cone(3, eta).value
    judge.exact(along.gap, expected, tolerance=1e-6 if eta < 1e3 else 1.0, spoil=3.0)
    cosine = theory.best_cone(3, eta).cosine
    assert theory.frame_optimum(frames.cone(3, 3, cosine, linear), linear).status == "proved"
    tilted = theory.frame_optimum(frames.cone(3, 3, cosine, np.array([1.0, 3e-5, 0.0])), linear)
    assert tilted.status == "best found"


def test_equal_vectors_lose_to_a_cone_by_what_they_lose():
    found = theory.frame_optimum(np.tile([[1.0, 0.0, 0.0]], (3, 1)), np.array([1e3, 0.0, 0.0]))
    judge.exact(found.gap, 2.8e-4, tolerance=0.02, spoil=1.1)


def test_the_plateau_is_attained():
    for M, d, eta in ((2, 2, 1.5), (4, 6, 0.9), (8, 8, 1.0)):
        K = M - 1
        gain = np.sqrt(2 * np.pi) / (K + np.pi / 2 - 1)
        linear = np.zeros(d)
        linear[:K] = gain / 2
        linear[0] = np.sqrt(eta**2 - (K - 1) * gain**2 / 4)
        frame = np.concatenate([np.eye(d)[:K], -np.eye(d)[:1]])
        found = theory.frame_loss(frame, linear, "free")
        judge.exact(found.value, theory.plateau(K), tolerance=1e-13)
        assert found.gains[-1] < 0 < np.min(found.gains[:-1])
        assert theory.frame_optimum(frame, linear, "free").status == "proved"
        optimum = theory.optimum(M, d, eta, "free")  # its value is that of these neurons, its bound the plateau rounded down
        judge.exact(optimum.value, found.value, tolerance=1e-14)
        assert 0 <= optimum.gap < 1e-14 and optimum.bound < theory.plateau(K)


def test_every_optimum_says_what_it_is():
    proved = theory.optimum(3, 5, 2.0, "free")
    assert proved.status == "proved" and abs(proved.gap) < 1e-13 and str(proved).startswith("proved: 0.22203094, at least")
    bounded = theory.optimum(4, 3, 0.2)
    assert bounded.status == "bounded" and np.isnan(bounded.value) and str(bounded).startswith("bounded: at least 0.1559")
    assert theory.dual_bound(4, 0.2, theory.cone_optimum(4, 0.2)[1]) == pytest.approx(0.1464101329, rel=1e-8)
    assert 0.1464101329 < bounded.bound < 0.1563473386  # between the cone that does not fit and the best found
    assert theory.optimum(4, 3).status == "proved" and theory.optimum(5, 3).status == "bounded"
    assert theory.optimum(1, 1, 9.0, "free").status == "proved" and theory.optimum(2, 1).status == "proved"
    for M in (2, 33, 1000, 10**6):
        for factor in (0.99, 1.01):
            found = theory.optimum(M, M, factor * theory.eta_switch(M), "free")
            assert 0 <= found.gap <= 1e-12 * found.value


def test_the_certificate_holds_for_networks_and_its_twin_does_not():
    rng = np.random.default_rng(3)
    M, d, eta = 3, 4, 0.6
    target = (1.0, np.array([eta, 0.0, 0.0, 0.0]), 0.0)
    for signs in ("nonnegative", "free"):
        certificate = theory.certificate(M, d, eta, signs)
        assert certificate.failure == 0 and certificate.assumes and "3 neurons in 4 dimensions" in certificate.claim
        weights = rng.normal(size=(300, M))
        weights = np.abs(weights) if signs == "nonnegative" else weights
        losses = [theory.simplified_loss(rng.normal(size=(M, d)), w, target) for w in weights]
        assert np.all(certificate.holds(1 + eta**2 - np.array(losses)))
        explained = 1 + eta**2 - theory.optimum(M, d, eta, signs).value
        assert certificate.holds(explained * (1 - 1e-14)) and not certificate.spoiled(0.999).holds(explained)


def test_limits_of_frames():
    judge.exact(theory.limit_of(theory.simplex_value(4), 10), theory.limit_value(4, 10), tolerance=1e-15)
    values = [theory.limit_of(theory.frame_loss(frames.polygon(M)).value, 2) for M in (21, 41)]
    judge.exact(np.log(values[1] / values[0]) / np.log(41 / 21), theory.scaling_exponent(2), tolerance=5e-3)
    judge.exact([theory.scaling_exponent(d) for d in (2, 3, 4, 5)], [-4, -5 / 2, -2, -7 / 4], tolerance=1e-15)


def test_bad_input_is_refused_by_name():
    unit = np.eye(3)
    for match, call in {
        "frame: row 0": lambda: theory.frame_loss(2 * unit),
        "frame.*complex": lambda: theory.frame_loss(frames.harmonic([1, 2, 4], 7)),
        "frame.*int": lambda: theory.frame_loss(np.eye(3, dtype=int)),
        "frame: shape": lambda: theory.frame_loss(unit[0]),
        "linear: length": lambda: theory.frame_loss(unit, np.ones(2)),
        "linear: an entry 1e.160": lambda: theory.frame_optimum(unit, np.full(3, 1e160)),
        "linear: an entry 1e.200": lambda: theory.frame_loss(unit, np.full(3, 1e200)),
        "linear: shape \\(\\) is not one-dimensional; give one entry for each dimension": lambda: theory.frame_loss(unit, 1.0),
        "eta: 'a'": lambda: theory.certificate(3, 3, "a"),
        "eta.*None": lambda: theory.certificate(3, 3, None),
        "M: is above": lambda: theory.lower_bound(10**400, 3),
        "linear.*int": lambda: theory.frame_loss(unit, np.ones(3, int)),
        "signs.*positive": lambda: theory.frame_loss(unit, signs="positive"),
        "M:": lambda: theory.lower_bound(0, 3),
        "d:": lambda: theory.lower_bound(3, 0),
        "d: 1": lambda: theory.scaling_exponent(1),
        "eta": lambda: theory.optimum(3, 3, -1.0),
        "signs": lambda: theory.optimum(3, 3, 1.0, "any"),
        "d: 2.5": lambda: theory.optimum(3, 2.5),
        "value": lambda: theory.limit_of(1.5, 3),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
