"""Closed forms of heavy-tailed matrices against numbers of 40 digits, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxprune.theory import matrices as theory
from jaxprune.theory.matrices import level_sets, norms, required
from tests import grades as judge

CASES = json.loads((Path(__file__).parents[2] / "data" / "matrices.json").read_text())
FUNCTIONS = dict(
    order_moment=theory.order_moment,
    discarded_energy=theory.discarded_energy,
    count_above=theory.count_above,
    disc_thr=theory.discarded_at_threshold,
    sampling=theory.sampling_count,
    sd_kept=theory.one_sd_kept,
    sd_disc=theory.one_sd_discarded,
    kept_fraction=theory.kept_fraction,
    sign=theory.sign_threshold_count,
    spike=theory.spike_norm,
    size=theory.size_for_operator_regime,
    ratio_count=theory.entry_ratio_count,
    fail=theory.matrix_project_failure,
    ratio_moment=theory.order_statistics.ratio_moment,
    ratio_cdf=theory.order_statistics.ratio_cdf,
    random_keep=theory.sampling.random_keep,
    distinct=theory.laws.distinct_rows,
    chernoff=level_sets.chernoff_bound,
    binom=level_sets.binomial_tail,
    count_scaling=lambda tail_index: required.count_scaling(tail_index)[0],
    one_sd_split=theory.replacement.one_sd_split,
    **{"student C": lambda nu: theory.laws.tail_constant("student", nu)},
    **{
        f"mp {rule}": lambda eps, eta, rule=rule: theory.matrix_project_count(eps, eta, rule)
        for rule in ("paper", "gauss", "safe")
    },
)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_digits_at_random_and_extreme_arguments(name):
    """Relative errors, also next to tail index 2, to s = N, to tau = 1, and of 10^15 entries."""
    cases = [case for case in CASES if case["function"] == name]
    assert len(cases) > 9
    for case in cases:
        found, known = np.asarray(FUNCTIONS[name](*case["arguments"])), np.asarray(case["value"])
        assert np.all(np.abs(found - known) <= 1e-11 * np.abs(known)), case


def test_infinite_moments():
    assert theory.order_moment(10, 2, 1.0, 2) == np.inf
    assert np.isfinite(theory.order_moment(10, 3, 1.0, 2))
    assert theory.discarded_energy(10, [0, 1, 2, 10], 1.0).tolist()[:2] == [np.inf, np.inf]
    assert theory.discarded_energy(10, 10, 0.5) == 0
    assert theory.discarded_energy(10, 0, 2.0) == np.inf
    assert theory.discarded_energy(10, 0, 3.0) == pytest.approx(30)


def test_energies_are_the_sums_of_moments():
    for alpha in (0.7, 2.0, 3.3):
        moments = theory.order_moment(60, np.arange(1, 61), alpha, 2)
        for s in (4, 30, 59):
            judge.exact(theory.discarded_energy(60, s, alpha), np.sum(moments[s:]), tolerance=1e-12)


def test_the_boundary_at_two_is_where_both_sides_meet():
    around = theory.discarded_energy(10**6, 100, [2 - 1e-13, 2.0, 2 + 1e-13])
    judge.exact(around, 1e6 * np.sum(1 / np.arange(100.0, 1e6)), tolerance=1e-11)


def test_a_count_is_the_least_that_does():
    for eps, delta, alpha in ((0.1, 0.01, 0.8), (0.5, 0.125, 1.0), (0.9, 0.3, 3.0)):
        count = theory.entry_ratio_count(eps, delta, alpha)
        below = [1 - theory.order_statistics.ratio_cdf(eps, s, alpha) for s in (count, count - 1) if s > 0]
        assert below[0] <= delta * (1 + 1e-12) and all(b > delta for b in below[1:])
    assert theory.entry_ratio_count(0.5, 0.125, 1.0) == 3


def test_reference_values_of_projections():
    assert [theory.matrix_project_count(0.2, 0.05, rule) for rule in ("paper", "gauss", "safe")] == [75, 193, 506]
    judge.exact(theory.matrix_project_failure(74, 0.25, [0, 1]), [0.03150926, 0.12833749], tolerance=1e-6)
    gauss = theory.matrix_project_count(0.05, 0.01, "gauss")
    assert theory.matrix_project_failure(gauss, 0.05, 1.0) <= 0.01 < theory.matrix_project_failure(gauss - 1, 0.05, 1.0)


def test_norms():
    """The spike's norm is continuous where the spike leaves the bulk."""
    edge = 2.0**0.5 * (300.0 * 200) ** 0.25
    judge.exact(theory.spike_norm(edge * np.array([1 - 1e-12, 1 + 1e-9]), 2.0, 300, 200), 2**0.5 * (300**0.5 + 200**0.5), 1e-8)
    assert theory.spike_norm(3.0, 0.0, 5, 7) == 3
    judge.exact(norms.frechet_cdf(norms.frechet_quantile(0.5, 1.5), 1.5), 0.5)
    assert norms.frechet_cdf([-1.0, 0.0, np.inf], 1.0).tolist() == [0, 0, 1]
    assert norms.residual_norm(60, 6, 10, 1.5) == 0
    judge.exact(theory.size_for_operator_regime(0.1, [2.5, 3.0]) / [(20 * 5**0.5) ** (10 / 3), (20 * 3**0.5) ** 6], [1, 1])


def test_spectral_classes():
    assert norms.spectral_class(1.5) == ("very heavy-tailed", 1.75, True)
    assert norms.spectral_class(3.0) == ("moderately heavy-tailed", 2.5, False)
    assert norms.spectral_class(5.0).pdf_exponent == np.inf
    with pytest.raises(ValueError, match="^tail_index: 2 is the border"):
        norms.spectral_class(2.0)


def test_replaced_noise():
    kept, discarded = theory.replacement.one_sd_split(np.inf)
    judge.exact([kept, discarded], [0.31731051, 0.19874804], tolerance=1e-7)
    judge.exact(theory.replacement.replacement_error(kept, discarded, "released"), 0.88143754, tolerance=1e-7)
    assert theory.replacement.replacement_error(0.1, 0.25, "matched") == 0.5


def test_the_quantiser_spans_its_range():
    expected = np.sum(1 / np.arange(1.0, 30)) / 1.5
    judge.exact(theory.order_statistics.expected_log_range([1, 30], 1.5), [0, expected])
    assert theory.sampling.quantiser_error(0.0, 4) == 0
    judge.exact(theory.sampling.quantiser_error(np.log(100), 4), np.exp(np.log(100) / 32) - 1)


def test_output_of_stable_entries():
    judge.exact(theory.action.output_scale([3.0, -4.0], 2.0), 5.0)
    judge.exact(theory.action.output_scale([1e300, -1e300], 1.0), 2e300)
    assert theory.action.gap_sf([-1, 0, 0.5, 1, 2], 2.0).tolist() == [1, 1, 0.25, 0, 0]
    assert theory.action.cushion_variance([1.3, 2.0, 5.0]).tolist() == [0.7, 0, 0]


def test_levels():
    """Far out the exact probability is that of the tail; the bound lies above the binomial tail and below one."""
    far = np.array([20, 40])
    ratio = level_sets.exact_level_probability(far, 1.2, 1.5) / level_sets.level_probability(far, 1.2, 1.5)
    assert abs(ratio[0] - 1) < 1e-3 and abs(ratio[1] - 1) < 1e-7
    assert level_sets.level_size(2, 5, 2.0) == 8
    k, p = np.array([3.0, 5.5, 10, 64]), 0.03
    bound, tail = level_sets.chernoff_bound(k, 64, p), level_sets.binomial_tail(k, 64, p)
    assert np.all(tail <= bound * (1 + 1e-12)) and np.all(bound < 1)
    judge.exact(bound[-1], p**64)
    assert level_sets.chernoff_bound([1.0, 65.0], 64, p).tolist() == [1, 0]


BAD = [
    (theory.order_moment, (10, 11, 1.0), "k"), (theory.order_moment, (10, 0, 1.0), "k"), (theory.order_moment, (10.5, 1, 1.0), "N"),
    (theory.order_moment, (10, 1, 0.0), "tail_index"), (theory.order_moment, (10, 1, np.inf), "tail_index"),
    (theory.order_moment, (10, 1, np.nan), "tail_index"), (theory.order_moment, (10, 1, 1.0, np.nan), "p"),
    (theory.order_moment, (10**9, 3000, 1e-3), "p"), (theory.order_moment, (10, 1, 1e-8), "tail_index"),
    (theory.discarded_energy, (10, 11, 1.0), "s"), (theory.discarded_energy, (10, 1.5, 1.0), "s"),
    (theory.discarded_energy, (10, -1, 1.0), "s"), (theory.discarded_energy, (0, 0, 1.0), "N"),
    (theory.expected_discarded_fraction, (1, 2.0), "tail_index"), (theory.expected_discarded_fraction, (1, 0.0), "tail_index"),
    (theory.expected_discarded_fraction, (11, 1.0, 10), "s"), (theory.expected_discarded_fraction, (-1, 1.0), "s"),
    (theory.expected_discarded_fraction, (1, 0.01, 10), "tail_index"), (theory.expected_discarded_fraction, (1, 1.0, 1e17), "N"),
    (theory.entry_ratio_count, (1.0, 0.1, 1.0), "eps"), (theory.entry_ratio_count, (0.1, 0.0, 1.0), "delta"),
    (theory.entry_ratio_count, (0.1, 0.1, 1e4), "eps"), (theory.count_above, (1.0, 1.0), "tau"),
    (theory.count_above, (0.1, 2.0), "tail_index"), (theory.count_above, (1e-300, 1.9), "tau"),
    (theory.discarded_at_threshold, (0.0, 1.0), "tau"), (theory.sampling_count, (0.0, 1.0), "x"),
    (theory.sampling_count, (0.1, 3.0), "tail_index"), (theory.entries_for_frobenius, (1.0, 1.0), "eps"),
    (theory.entries_for_frobenius, (0.1, 2.0), "tail_index"), (theory.entries_for_frobenius, (0.1, 1.9999), "eps"),
    (theory.entries_for_frobenius, (0.1, 3.0, 0), "N"), (theory.kept_fraction, (0.1, 2.0), "tail_index"),
    (theory.kept_fraction, (1.0, 3.0), "eps"), (theory.sign_threshold_count, (0.1, 1.0, 1.0), "eta"),
    (theory.sign_threshold_count, (0.1, 0.1, 2.0), "tail_index"), (theory.spike_norm, (-1.0, 1.0, 2, 2), "theta"),
    (theory.spike_norm, (1.0, -1.0, 2, 2), "variance"), (theory.spike_norm, (1.0, 1.0, 0, 2), "n1"),
    (theory.spike_norm, (1.0, 1.0, 2, 1.5), "n2"), (theory.spike_norm, (np.nan, 1.0, 2, 2), "theta"),
    (theory.size_for_operator_regime, (0.1, 4.0), "tail_index"), (theory.size_for_operator_regime, (0.1, 3.999), "tail_index"),
    (theory.stable_rank, (2.0,), "tail_index"), (theory.participation, (2.5,), "tail_index"),
    (theory.one_sd_kept, (1, 1.0), "N"), (theory.one_sd_discarded, (10, 2.0), "tail_index"),
    (theory.matrix_project_count, (0.1, 0.1, "best"), "rule"), (theory.matrix_project_count, (0.0, 0.1, "safe"), "eps"),
    (theory.matrix_project_count, (1e-200, 0.1, "paper"), "eps"), (theory.matrix_project_failure, (0, 0.1, 0.0), "k"),
    (theory.matrix_project_failure, (10, 0.1, 1.1), "rho"), (theory.laws.tail_constant, ("stable", 2.0), "tail_index"),
    (theory.laws.tail_constant, ("normal", 2.0), "law"), (theory.sampling.random_keep, (0.5, 1.0, 1), "tau"),
    (theory.sampling.random_keep, (2.0, 1.0, 3), "power"), (theory.sampling.random_keep, (1e200, 1.0, 2), "tau"),
    (theory.sampling.quantiser_error, (1.0, 0), "bits"), (theory.sampling.quantiser_error, (1.0, 25), "bits"),
    (theory.sampling.uniform_mask_error, (0.0,), "probability"), (level_sets.level_probability, (0, 1.0, 2.0), "level"),
    (level_sets.level_probability, (1, 2.0, 2.0), "tail_index"), (level_sets.level_probability, (1, 1.0, 1.0), "base"),
    (level_sets.level_size, (6, 5, 2.0), "level"), (level_sets.chernoff_bound, (0.0, 5, 0.1), "k"),
    (level_sets.binomial_tail, (1.0, 5, 1.0), "probability"), (theory.action.output_scale, ([0.0, 0.0], 1.0), "x"),
    (theory.action.output_scale, ([[1.0]], 1.0), "x"), (theory.action.gap_sf, (0.5, 0.0), "tail_index"),
    (theory.replacement.one_sd_split, (2.0,), "degrees"), (theory.replacement.replacement_error, (0.1, 1.1, "released"), "discarded"),
    (theory.replacement.replacement_error, (0.1, 0.1, "other"), "scale"), (required.discarded_at_fraction, (0.0, 3.0), "kappa"),
    (norms.frechet_cdf, (1.0, 4.0), "tail_index"), (norms.spectral_class, ([1.0],), "tail_index"),
]  # fmt: skip


@pytest.mark.parametrize("function, arguments, name", BAD)
def test_bad_input(function, arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        function(*arguments)


@pytest.mark.parametrize(
    "call, cure",
    [
        (lambda eps: theory.entries_for_frobenius(eps, 1.0), "relative error"),
        (lambda eps: theory.kept_fraction(eps, 3.0), "relative error"),
        (lambda eps: theory.sign_threshold_count(eps, 0.1, 1.0), "relative error"),
        (lambda eps: theory.matrix_project_count(eps, 0.1, "paper"), "relative error"),
        (lambda eps: theory.matrix_project_failure(3, eps, 0.0), "relative error"),
        (lambda eps: theory.entry_ratio_count(eps, 0.1, 1.0), "ratio to the largest magnitude"),
        (lambda eps: theory.order_statistics.ratio_cdf(eps, 3, 1.0), "ratio to the largest magnitude"),
    ],
)
@pytest.mark.parametrize("eps", [0.0, 1.0])
def test_an_error_is_not_called_a_probability(call, cure, eps):
    with pytest.raises(ValueError, match=f"^eps: {eps} is outside .0, 1.; give a {cure}, above 0 and below 1"):
        call(eps)
