"""Rivals, by formulas that are written out again; propagation of errors through a network."""

import numpy as np
import pytest

from jaxprune.theory import bounds
from jaxprune.theory.bounds import baselines, certificates
from tests import grades as judge

RNG = np.random.default_rng(0)
NET = [RNG.normal(size=s) for s in ((6, 5), (7, 6), (3, 7))]
INPUTS = RNG.normal(size=(12, 5))


def norms():
    return np.array([np.linalg.svd(w)[1][0] for w in NET]), np.array([np.sum(np.sqrt(np.sum(w**2, 1))) for w in NET])


def test_dimension_of_a_reference_network():
    judge.exact(bounds.vc_dimension([100, 50, 50, 1]), 280263.5031623868, 1e-12)


def test_sauer_is_used_only_where_it_is_true():
    judge.exact(baselines.vc_gap(1000, 5000, 0.05) ** 2, 8 * (1000 * np.log(np.e * 10_000 / 1000) + np.log(80)) / 5000)
    most = np.sqrt(8 * (5000 * np.log(4) + np.log(80)) / 5000)
    for dimension in (10_001, 30_000, 1e6, 1e12):  # (2em/D)^D falls again, and would say too little
        judge.exact(baselines.vc_gap(dimension, 5000, 0.05), most)


def test_spectral_bound_by_hand():
    spectral, rows = norms()
    size = 72 * np.sqrt(np.sum(INPUTS**2)) * np.log(12) * np.sqrt(np.log(98)) / (0.5 * 12)
    expected = (
        8 / 12**1.5 + size * np.prod(spectral) * np.sum((rows / spectral) ** (2 / 3)) ** 1.5 + 3 * np.sqrt(np.log(40) / 24)
    )
    judge.exact(bounds.spectral_gap(NET, INPUTS, 0.5, 0.05), expected, 1e-12)
    bare = (
        np.log(12)
        * np.log(30 + 42 + 21)
        * np.prod(spectral)
        * np.sum((rows / spectral) ** (2 / 3)) ** 1.5
        / (0.5 * np.sqrt(12))
    )
    judge.exact(bounds.spectral_gap(NET, INPUTS, 0.5, 0.05, "none"), bare, 1e-12)
    assert bounds.spectral_gap(NET, INPUTS, 0.5, 0.05, "none", NET) == 0


def test_perturbation_bound_by_hand():
    spectral, _ = norms()
    ratios = np.array([np.sum(w**2) for w in NET]) / spectral**2
    scale = 42**2 * np.e**2 / 2 * 9 * np.max(np.sum(INPUTS**2, 1)) * 7 * np.log(4 * 7 * 3) / 0.25
    divergence = scale * np.prod(spectral**2) * np.sum(ratios)
    expected = 4 * np.sqrt((divergence + np.log(6 * 12 * 3 * 12 ** (1 / 6) / 0.05)) / 11)
    judge.exact(baselines.spectral_pac_bayes_gap(NET, INPUTS, 0.5, 0.05), expected, 1e-12)
    bare = 3 * np.prod(spectral) * np.sqrt(np.sum([6, 7, 3] * ratios)) / (0.5 * np.sqrt(12))
    judge.exact(baselines.spectral_pac_bayes_gap(NET, INPUTS, 0.5, 0.05, "none"), bare, 1e-12)


def test_huge_and_tiny_weights_have_no_nan():
    """A margin scales with the weights of a homogeneous network, so that scaling both changes nothing."""
    for gap in (bounds.spectral_gap, baselines.spectral_pac_bayes_gap):
        for constants in baselines.CONSTANTS:
            expected = gap(NET, INPUTS, 0.5, 0.05, constants)
            for scale in (1e-95, 1e-60, 1e60, 1e95):
                judge.exact(gap([scale * w for w in NET], INPUTS, 0.5 * scale**3, 0.05, constants), expected, 1e-10)
        judge.exact(gap(NET, 1e-200 * INPUTS, 1e-200, 0.05), gap(NET, INPUTS, 1.0, 0.05), 1e-10)
        assert gap([1e200 * w for w in NET], INPUTS, 1.0, 0.05) == np.inf


def test_outputs_are_no_farther_apart_than_that():
    rng = np.random.default_rng(3)
    small = [np.where(np.abs(w) > 0.5, w, 0) for w in NET]
    bound = bounds.lipschitz_error(NET, small, 1.0)
    inputs = rng.normal(size=(2000, 5))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)

    def output(net):
        here = inputs
        for w in net[:-1]:
            here = np.maximum(here @ w.T, 0)
        return here @ net[-1].T

    worst = np.max(np.linalg.norm(output(NET) - output(small), axis=1))
    assert 0 < worst <= bound
    assert bounds.lipschitz_error(NET, NET, 2.0) == 0
    linear = [np.diag([2.0, 1.0]), np.diag([3.0, 1.0])]
    judge.exact(bounds.lipschitz_error(linear, [linear[0], np.diag([2.0, 1.0])], 5.0), 10.0)  # attained
    mixed = bounds.lipschitz_error([1e200 * np.eye(2), 1e200 * np.eye(2)], [1e200 * np.eye(2), 1e200 * np.eye(2)], 1.0)
    assert mixed == 0  # no 0 times infinity


def test_certificates_of_rivals():
    assert certificates.vc(100, 10_000, 0.05).bound == baselines.vc_gap(100, 10_000, 0.05)
    for certificate, gap in (
        (certificates.spectral, bounds.spectral_gap), (certificates.spectral_pac_bayes, baselines.spectral_pac_bayes_gap),
    ):  # fmt: skip
        found = certificate(NET, INPUTS, 0.5, 0.05)
        assert found.bound == gap(NET, INPUTS, 0.5, 0.05) and "margin" in found.claim and found.failure == 0.05
    judge.exact(baselines.parameter_gap(1000, 10**6, 0.05), np.sqrt((32000 * np.log(2) + np.log(20)) / 2e6))


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: bounds.vc_dimension([5]), "widths"), (lambda: bounds.vc_dimension([5, 0]), "widths"), (lambda: bounds.vc_dimension([5, 2.5]), "widths"),
        (lambda: baselines.vc_gap(0.5, 10, 0.1), "dimension"), (lambda: baselines.parameter_gap(0, 10, 0.1), "count"),
        (lambda: bounds.spectral_gap([], INPUTS, 1.0, 0.1), "matrices"), (lambda: bounds.spectral_gap([NET[0].astype(int)], INPUTS, 1.0, 0.1), "matrices"),
        (lambda: bounds.spectral_gap([NET[0].astype(np.float32)], INPUTS, 1.0, 0.1), "matrices"),
        (lambda: bounds.spectral_gap([np.ones(5)], INPUTS, 1.0, 0.1), "matrices"), (lambda: bounds.spectral_gap([NET[0], NET[2]], INPUTS, 1.0, 0.1), "matrices"),
        (lambda: bounds.spectral_gap([np.full((2, 5), np.nan)], INPUTS, 1.0, 0.1), "matrices"),
        (lambda: bounds.spectral_gap([np.zeros((2, 5))], INPUTS, 1.0, 0.1), "matrices"), (lambda: bounds.spectral_gap(NET, INPUTS[:, :4], 1.0, 0.1), "inputs"),
        (lambda: bounds.spectral_gap(NET, 0 * INPUTS, 1.0, 0.1), "inputs"), (lambda: bounds.spectral_gap(NET, INPUTS, 0.0, 0.1), "margin"),
        (lambda: bounds.spectral_gap(NET, INPUTS, 1.0, 1.0), "delta"), (lambda: bounds.spectral_gap(NET, INPUTS, 1.0, 0.1, "some"), "constants"),
        (lambda: bounds.spectral_gap(NET, INPUTS, 1.0, 0.1, initial=NET), "initial"),
        (lambda: bounds.spectral_gap(NET, INPUTS, 1.0, 0.1, "none", NET[:2]), "initial"),
        (lambda: baselines.spectral_pac_bayes_gap(NET, INPUTS[:1], 1.0, 0.1), "inputs"),
        (lambda: bounds.lipschitz_error(NET, NET[:2], 1.0), "compressed"), (lambda: bounds.lipschitz_error(NET, NET, 0.0), "input_norm"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
