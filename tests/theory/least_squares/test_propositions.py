"""Identity covariance, strong spikes: closed forms against the general theory, numbers of a reference, spoiled twins."""

import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.theory.least_squares import diagonal as theory
from jaxprune.theory.least_squares import propositions as claims
from tests import grades as judge

SETTINGS = [
    (0.5, 2.5, 0.6, 0.5, 1.0),
    (0.85, 3.0, 0.9, np.sqrt(0.1), 2.0),
    (0.3, 2.0, 0.5, 0.0, 0.7),
    (0.9, 1.2, 1.0, 0.3, 1.0),
]


@pytest.mark.parametrize("kept_ratio, width_ratio, share, noise, signal", SETTINGS)
def test_identity_is_the_general_theory(kept_ratio, width_ratio, share, noise, signal):
    n = 200
    s, p = round(kept_ratio * n), round(width_ratio * n)
    eigs = spectra.constant(p)
    beta = teachers.head_and_tail(eigs, s, share, signal)
    large = theory.pruned_risk(eigs, beta, noise, n, s, "oracle")
    small = theory.risk(*theory.reduce(eigs, beta, noise, s), n)
    judge.exact(claims.identity_large(kept_ratio, width_ratio, share, noise, signal), large, 1e-12, spoil=1.001)
    judge.exact(claims.identity_small(kept_ratio, share, noise, signal), small, 1e-12, spoil=1.001)
    assert claims.identity_large(kept_ratio, 1e7, share, noise, signal) == pytest.approx(noise**2 + signal, rel=1e-6)


@pytest.mark.parametrize("share, variance, least", [(0.8, 0.25, 0.368), (0.9, 0.1, 0.560), (0.6, 0.25, 0.201)])
def test_the_least_kept_ratio_of_the_specification(share, variance, least):
    noise = np.sqrt(variance)
    found = claims.identity_least_kept_ratio(share, noise)
    assert found == pytest.approx(least, abs=5e-4) and found != pytest.approx(1.005 * least, abs=5e-4)
    for factor in (0.97, 1.03):
        kept_ratio = factor * found
        best = claims.identity_best_width(kept_ratio, share, noise)
        wins = claims.identity_large(kept_ratio, best, share, noise) < claims.identity_small(kept_ratio, share, noise)
        assert wins == (factor > 1)
    assert claims.identity_least_kept_ratio(share, 3 * noise, 9.0) == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize("kept_ratio, share, noise", [(0.5, 0.6, 0.5), (0.9, 0.95, 0.2), (0.1, 0.3, 1.5), (0.99, 1.0, 0.01)])
def test_the_best_width_is_inside_and_best(kept_ratio, share, noise):
    best = claims.identity_best_width(kept_ratio, share, noise)
    least = claims.identity_large(kept_ratio, best, share, noise)
    others = [claims.identity_large(kept_ratio, w, share, noise) for w in 1 + np.geomspace(1e-4, 1e4, 400)]
    assert 1 < best < np.inf and least <= min(others) <= least * (1 + 1e-3)
    slope = [claims.identity_large(kept_ratio, best * f, share, noise) - least for f in (0.999, 1.001)]
    assert min(slope) > 0


def test_without_noise_every_kept_ratio_gains():
    assert claims.identity_least_kept_ratio(0.7, 0.0) == 0.0 and claims.identity_best_width(0.1, 0.7, 0.0) == 1.0
    assert claims.identity_large(0.01, 1.001, 0.7, 0.0) < claims.identity_small(0.01, 0.7, 0.0)
    assert claims.identity_least_kept_ratio(0.7, 1e-4) < 1e-4 < claims.identity_least_kept_ratio(0.7, 0.1)


def test_of_the_small_models_none_or_all_of_the_head_is_best():
    n, s = 200, 100
    for noise in (0.1, 0.7, 2.0):
        eigs = spectra.constant(500)
        beta = teachers.head_and_tail(eigs, s, 0.7)
        risks = [noise**2 + 1, *(theory.risk(*theory.reduce(eigs, beta, noise, p), n) for p in range(1, s + 1))]
        assert int(np.argmin(risks)) in (0, s)


@pytest.mark.parametrize(
    "kept_ratio, width_ratio, tail, noise", [(0.5, 5.0, 0.4, 0.5), (0.2, 1.5, 1.0, 0.3), (0.8, 10.0, 0.1, 0.0)]
)
def test_strong_spikes_are_the_limit_of_large_ones(kept_ratio, width_ratio, tail, noise):
    """The gap to the limit falls like 1 / spike, ten times in each step."""
    n = 200
    s, p = round(kept_ratio * n), round(width_ratio * n)
    limit = claims.strong_spike_large(kept_ratio, width_ratio, tail, noise)

    def problem(spike):
        beta = np.where(np.arange(p) < s, np.sqrt(1 / (s * spike)), np.sqrt(tail / (p - s)))
        return spectra.spiked(p, s, spike), beta, noise

    gaps = [theory.pruned_risk(*problem(spike), n, s, "oracle") - limit for spike in (1e6, 1e7, 1e8)]
    np.testing.assert_allclose(np.divide(gaps[:2], gaps[1:]), 10, rtol=0.02)
    assert abs(gaps[-1]) < 1e-5 * limit < abs(theory.pruned_risk(*problem(1e4), n, s, "oracle") - limit)
    small = theory.risk(*theory.reduce(*problem(1e8), s), n)
    judge.exact(claims.strong_spike_small(kept_ratio, tail, noise), small, 1e-12)


@pytest.mark.parametrize("spike", [1e6, 1e8])
def test_strong_spike_numbers_of_the_specification(spike):
    """guide/least_squares.md, Strong spikes, with a head that carries a unit of energy: it drops out."""
    n, s, p = 200, 100, 1000
    eigs = spectra.spiked(p, s, spike)
    for tail, large, small in ((0.4, 1.286806, 1.3), (0.2, 0.909028, 0.9)):
        found = [claims.strong_spike_large(0.5, 5.0, tail, 0.5), claims.strong_spike_small(0.5, tail, 0.5)]
        np.testing.assert_allclose(found, [large, small], atol=5.1e-7)
        assert (found[0] < found[1]) == (tail > claims.strong_spike_least_tail(0.5, 5.0, 0.5))
        beta = np.where(np.arange(p) < s, np.sqrt(1 / (s * spike)), np.sqrt(tail / (p - s)))
        assert theory.pruned_risk(eigs, beta, 0.5, n, s, "oracle") == pytest.approx(large, abs=1e3 / spike + 1e-6)


def test_the_condition_of_strong_spikes_is_exact():
    rng = np.random.default_rng(0)
    for _ in range(50):
        kept_ratio, noise = rng.uniform(0.02, 0.98), np.exp(rng.normal())
        width_ratio = 1 + np.exp(rng.normal())
        least = claims.strong_spike_least_tail(kept_ratio, width_ratio, noise)
        for factor in (0.999, 1.0, 1.001):
            large = claims.strong_spike_large(kept_ratio, width_ratio, factor * least, noise)
            gap = large / claims.strong_spike_small(kept_ratio, factor * least, noise) - 1
            assert abs(gap) < 1e-13 if factor == 1 else (gap < 0) == (factor > 1)


@pytest.mark.parametrize("rule", ["magnitude", "hessian"])
@pytest.mark.parametrize("kept", [30, 60])
def test_at_the_threshold_the_same_sample_is_as_good_as_a_fresh_one(rule, kept):
    """As p -> n the first fit is all noise and its choice blind: two peaks, and between them the fresh risk."""
    n = 120
    eigs = spectra.spiked(300, 40, 9.0)
    problem = (eigs, teachers.cosine(eigs), 0.5)

    def risk(width, sample, ridge=0.0):
        return theory.retrained_risk(*theory.reduce(*problem, width), n, kept, rule, sample, ridge)

    gaps = [risk(n, "same", ridge) / risk(n, "fresh", ridge) - 1 for ridge in (1e-6, 1e-8, 1e-10)]
    np.testing.assert_allclose(np.divide(gaps[:2], gaps[1:]), 10, rtol=0.1)  # like the square root of the ridge
    assert 0 < gaps[-1] < 1e-3
    below, above = (max(risk(n + sign * k, "same") for k in range(1, 40)) for sign in (-1, 1))
    assert min(below, above) > 1.05 * risk(n, "same", 1e-10)


def headline(spike=25.0):
    eigs = spectra.spiked(2000, 100, spike)
    return eigs, teachers.constant(eigs), 0.5


def test_the_best_narrow_model_of_the_headline():
    """guide/least_squares.md, Spiked covariance: 1.2506 at p = 1 is the best of all p < n, pruned or retrained; hessian pruning beats it from p = 600 on."""
    best = min(
        min(np.min(theory.pruned_risk(*r, 200, kept, rule)), np.min(theory.retrained_risk(*r, 200, kept, rule)))
        for p in (1, 2, 5, 20, 60, 100, 140, 199)
        for r in (theory.reduce(*headline(), p),)
        for kept in (np.unique([1, p // 4 or 1, p // 2 or 1, p]),)
        for rule in theory.RULES
    )
    assert best == pytest.approx(1.2506, abs=5e-5) and best != pytest.approx(1.001 * 1.2506, abs=5e-5)
    assert best == pytest.approx(theory.risk(*theory.reduce(*headline(), 1), 200), rel=1e-12)
    risks = [theory.pruned_risk(*theory.reduce(*headline(), p), 200, 100, "hessian") for p in (560, 640)]
    assert risks[0] > best > risks[1]


def test_finite_spikes_of_the_specification():
    """guide/least_squares.md, Strong spikes: pruned by the hessian rule minus small, at spikes from none to strong."""
    expected = {1: -1.17, 25: -0.41, 60: -0.21, 100: -0.14, 400: -0.03}
    for spike, gain in expected.items():
        problem = headline(float(spike))
        small = theory.risk(*theory.reduce(*problem, 100), 200)
        found = theory.pruned_risk(*problem, 200, 100, "hessian") - small
        assert found == pytest.approx(gain, abs=5.1e-3) and found != pytest.approx(1.5 * gain, abs=5.1e-3)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: claims.identity_small(1.0, 0.5, 0.1), "kept_ratio"), (lambda: claims.identity_small(0.5, 0.0, 0.1), "share"),
        (lambda: claims.identity_small(0.5, 0.5, -0.1), "noise"), (lambda: claims.identity_large(0.5, 1.0, 0.5, 0.1), "width_ratio"),
        (lambda: claims.identity_best_width(0.5, 0.5, 0.1, 0.0), "signal"), (lambda: claims.identity_least_kept_ratio(1.5, 0.1), "share"),
        (lambda: claims.strong_spike_small(0.5, -1.0, 0.1), "tail"), (lambda: claims.strong_spike_large(0.5, 0.9, 1.0, 0.1), "width_ratio"),
        (lambda: claims.strong_spike_least_tail(0.0, 2.0, 0.1), "kept_ratio"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
