"""The theory: reference values, invariants, thresholds, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from jaxprune import spectra, teachers
from jaxprune.theory.least_squares import diagonal as theory
from jaxprune.theory.least_squares import fit
from tests import cases
from tests import grades as judge

RULES = theory.RULES


def predicted(case):
    p = cases.problem(case)
    reduced = (*theory.reduce(p.eigs, p.teacher, p.noise, case["p"]), p.n)
    if case["rule"] is None:
        return theory.risk(*reduced, case["ridge"])
    if case["retrain"] == "no":
        return theory.pruned_risk(*reduced, case["kept"], case["rule"], case["ridge"])
    return theory.retrained_risk(*reduced, case["kept"], case["rule"], case["retrain"], case["ridge"])


@pytest.mark.parametrize("case", cases.DIAGONAL, ids=cases.ident)
def test_reference(case):
    judge.exact(predicted(case), case["theory"], tolerance=1e-9)
    if case["exact"] is not None:
        p = cases.problem(case)
        reduced = (*theory.reduce(p.eigs, p.teacher, p.noise, case["p"]), p.n)
        exact = theory.finite_risk(*reduced, case["kept"], case["rule"] or "oracle", case["retrain"] != "no")
        judge.exact(exact, case["exact"], tolerance=1e-11)


@pytest.mark.parametrize("case", cases.MICRO, ids=cases.ident)
def test_micro_reference(case):
    problem = (np.array(case["eigs"]), np.array(case["teacher"]), case["noise"], case["n"])
    judge.exact(theory.risk(*problem), case["risk"], 1e-12)
    assert theory.effective_ridge(problem[0], case["n"]) == pytest.approx(case["effective_ridge"], rel=1e-12)
    for rule, risks in case["pruned"].items():
        judge.exact(theory.pruned_risk(*problem, np.arange(len(risks)), rule), risks, 1e-11)
    for rule, risks in case["retrained_same"].items():
        for kept, risk in enumerate(risks, start=1):
            if risk is None:
                with pytest.raises(ValueError, match="kept: "):
                    theory.retrained_risk(*problem, kept, rule)
            else:
                judge.exact(theory.retrained_risk(*problem, kept, rule), risk, 1e-11)


HEADLINE = {  # p: dense, magnitude, hessian, oracle, hessian retrained same, fresh, oracle retrained
    100: (1.3636, 1.3636, 1.3636, 1.3636, 1.3636, 1.3636, 1.3636),
    150: (2.6818, 2.6628, 2.6569, 2.0227, 2.5510, 1.7039, 1.3636),
    190: (13.2273, 11.6689, 12.5092, 7.2955, 4.8060, 1.8716, 1.3636),
    220: (7.7507, 6.2700, 7.1405, 4.4987, 3.7156, 1.8957, 1.3636),
    400: (1.7173, 1.6658, 1.5787, 1.4310, 1.8505, 1.7373, 1.3636),
    1000: (1.0846, 1.2138, 1.0593, 1.0481, 1.4858, 1.5687, 1.3636),
    2000: (0.9359, 1.0440, 0.9518, 0.9503, 1.4076, 1.5057, 1.3636),
}


@pytest.mark.parametrize("width", HEADLINE)
def test_spiked_headline(width):
    eigs = spectra.spiked(2000, 100, 25.0)
    problem = (*theory.reduce(eigs, teachers.constant(eigs), 0.5, width), 200, 100)
    found = [theory.risk(*problem[:4]), *(theory.pruned_risk(*problem, r) for r in RULES[:3])]
    found += [theory.retrained_risk(*problem, "hessian", s) for s in ("same", "fresh")]
    found += [theory.retrained_risk(*problem, "oracle")]
    np.testing.assert_allclose(found, HEADLINE[width], atol=5.1e-5)
    assert not np.allclose(np.multiply(found, 1.001), HEADLINE[width], atol=5.1e-5)


@pytest.mark.parametrize(
    "n, s, p, share, variance, small, large, exact, magnitude",
    [
        (200, 100, 500, 0.60, 0.25, 1.300000, 0.947333, 0.947636, 1.126108),
        (200, 170, 600, 0.90, 0.10, 1.333333, 0.677130, 0.677392, 0.879727),
        (200, 180, 500, 0.95, 0.05, 1.000000, 0.540400, 0.540722, 0.743287),
        (200, 60, 400, 0.50, 0.25, 1.071429, 0.950000, 0.950406, 1.157341),
    ],
)
def test_large_then_prune_beats_small(n, s, p, share, variance, small, large, exact, magnitude):
    eigs = spectra.constant(p)
    beta, noise = teachers.head_and_tail(eigs, s, share), np.sqrt(variance)
    found = [
        theory.risk(*theory.reduce(eigs, beta, noise, s), n),
        theory.pruned_risk(eigs, beta, noise, n, s, "oracle"),
        theory.finite_risk(eigs, beta, noise, n, s, "oracle"),
        theory.pruned_risk(eigs, beta, noise, n, s, "magnitude"),
    ]
    np.testing.assert_allclose(found, [small, large, exact, magnitude], atol=5.1e-7)
    assert found[1] < found[0]


def test_strong_spike_limit():
    """guide/least_squares.md, Strong spikes: the spikes' own energy drops out, and the tail decides who wins."""
    n, s, p, variance = 200, 100, 1000, 0.25
    eigs = spectra.spiked(p, s, 1e8)
    for tail, large, small in ((0.4, 1.286806, 1.3), (0.2, 0.909028, 0.9)):
        beta = np.where(np.arange(p) < s, 1e-4 / np.sqrt(s), np.sqrt(tail / (p - s)))
        assert theory.pruned_risk(eigs, beta, np.sqrt(variance), n, s, "oracle") == pytest.approx(large, abs=2e-6)
        assert theory.retrained_risk(eigs, beta, np.sqrt(variance), n, s, "oracle") == pytest.approx(small, abs=2e-6)


def test_threshold_is_infinite():
    eigs = spectra.power(60, 0.5)
    beta = teachers.cosine(eigs)
    for n in (60,):
        assert theory.risk(eigs, beta, 0.3, n) == np.inf
        for rule in RULES:
            risks = theory.pruned_risk(eigs, beta, 0.3, n, [0, 1, 30, 60], rule)
            assert risks[0] == pytest.approx(1.09) and np.all(risks[1:] == np.inf)
        assert np.all(np.isfinite(theory.retrained_risk(eigs, beta, 0.3, n, [10, 30], "magnitude")))
        assert np.all(np.isfinite(theory.retrained_risk(eigs, beta, 0.3, n, [10, 30], "oracle")))
        assert theory.risk(eigs, beta, 0.0, n) == 0.0
        assert np.isfinite(theory.risk(eigs, beta, 0.3, n, ridge=1e-3))


def blind_risk(eigs, beta, noise, n, weight, kept):
    """(12) for a choice by ``weight`` |h| / sqrt(eigs), h ~ N(0, 1): the threshold by bisection."""
    scale = weight / np.sqrt(eigs)
    cut = optimize.brentq(lambda t: 2 * np.sum(stats.norm.sf(t / scale)) - kept, 0, 50 * np.max(scale), xtol=1e-14)
    return (noise**2 + eigs * beta**2 @ (1 - 2 * stats.norm.sf(cut / scale))) / (1 - kept / n)


@pytest.mark.parametrize("sample", theory.SAMPLES)
def test_at_the_threshold_a_choice_is_blind(sample):
    """noise^2 / (1 - s/n) + the signal for equal variances: 1.3125 at s/n = 0.2, noise 0.5, unit signal. Others by (12)."""
    n = 100
    equal = np.ones(n), teachers.constant(np.ones(n)), 0.5, n
    judge.exact(theory.retrained_risk(*equal, [0, 20, 50], "magnitude", sample), [1.25, 1.3125, 1.5], 1e-12)
    eigs = spectra.power(n, 0.7)
    beta = teachers.cosine(eigs)
    for rule, weight in (("magnitude", 1 + 0 * eigs), ("hessian", np.sqrt(eigs))):
        found = theory.retrained_risk(eigs, beta, 0.3, n, 20, rule, sample)
        judge.exact(found, blind_risk(eigs, beta, 0.3, n, weight, 20), 1e-10)
        # The limit is that of a ridge which vanishes, and features that do not vary change nothing.
        judge.exact(theory.retrained_risk(eigs, beta, 0.3, n, 20, rule, sample, 1e-24), found, 1e-6, spoil=1.01)
        padded = np.append(eigs, 0.0), np.append(beta, 3.0)
        judge.exact(theory.retrained_risk(*padded, 0.3, n, 20, rule, sample), found, 1e-12)
        assert theory.retrained_risk(eigs, beta, 0.3, n, 0, rule, sample) == pytest.approx(1.09)
        with pytest.raises(ValueError, match="kept: 100 puts the refit"):
            theory.retrained_risk(eigs, beta, 0.3, n, n, rule, sample)
        assert theory.retrained_risk(eigs, beta, 0.0, n, n, rule, sample) == 0  # nothing is noisy: the fit is right


@pytest.mark.parametrize("sample", theory.SAMPLES)
@pytest.mark.parametrize("rule", theory.BY_FIT)
def test_the_two_sides_meet_at_the_threshold(rule, sample):
    """One feature more or less than n changes the retrained risk by O(1/n)."""
    gaps = []
    for n in (400, 6400):
        eigs = 1 + np.arange(n + 1) / n
        beta = teachers.constant(eigs)
        at, *sides = (theory.retrained_risk(eigs[:p], beta[:p], 0.5, n, n // 5, rule, sample) for p in (n, n - 1, n + 1))
        gaps.append(np.abs(np.array(sides) / at - 1))
    assert np.all(gaps[0] < 0.02) and np.all(gaps[1] < gaps[0] / 8)


def exact_at_threshold(n, kept, noise, draws, rng):
    """Means at n = p of equal variances and a constant teacher of unit signal, retrained on a fresh and on the same sample.

    The fit is teacher + noise v, v = h / |g| with h, g normal, and X^T X given v is Wishart of n + 1 degrees of freedom and
    covariance (I + v v^T)^-1: of the refit, mean and covariance given v follow."""
    means = []
    for _ in range(draws):
        v = rng.standard_normal(n) / abs(rng.standard_normal())
        fit = 1 / np.sqrt(n) + noise * v
        chosen, lost = np.split(np.argsort(-np.abs(fit)), [kept])
        outside, left = 1 + v[lost] @ v[lost], noise**2 + 1 - kept / n
        pull = v[lost] @ fit[lost]
        wrong = noise * v[chosen] - v[chosen] * pull / outside
        spread = (kept + v[chosen] @ v[chosen] / outside) * (fit[lost] @ fit[lost] - pull**2 / outside) / (n - kept)
        means.append([left * (n - 1) / (n - kept - 1), left + wrong @ wrong + spread])
    return np.mean(means, axis=0), np.std(means, axis=0) / np.sqrt(draws)


def test_the_limit_at_the_threshold_is_that_of_exact_means():
    """Textbook least squares at n = 20, within its error; then the gap of exact means to the limit falls like 1/n."""
    rng, n, kept, noise = np.random.default_rng(2), 20, 2, 0.5
    risks = []
    for _ in range(3000):
        rows = rng.standard_normal((2, n, n))
        y = rows @ np.full(n, n**-0.5) + noise * rng.standard_normal((2, n))
        chosen = np.argsort(-np.abs(np.linalg.solve(rows[0], y[0])))[:kept]
        refits = [np.linalg.lstsq(rows[k][:, chosen], y[k], rcond=None)[0] for k in (1, 0)]
        risks.append([noise**2 + 1 - kept / n + np.sum((b - n**-0.5) ** 2) for b in refits])
    mean, error = exact_at_threshold(n, kept, noise, 4000, rng)
    error = np.hypot(error, np.std(risks, axis=0) / np.sqrt(len(risks)))
    assert np.all(np.abs(np.mean(risks, axis=0) - mean) < 5 * error) and np.all(5 * error < 0.03 * mean)
    gaps = []
    for n in (200, 800, 3200):
        limit = theory.retrained_risk(np.ones(n), np.full(n, n**-0.5), noise, n, n // 10)
        gaps.append(exact_at_threshold(n, n // 10, noise, 200, rng)[0] / limit - 1)
    gaps = np.array(gaps)
    assert np.all(gaps > 0) and np.all(gaps[1:] < gaps[:-1] / 3) and np.all(gaps[-1] < 1e-3)


def test_peak_is_symmetric():
    eigs = spectra.constant(2000)
    beta = teachers.constant(eigs)
    below, above = (theory.risk(eigs[:p], beta[:p], 0.5, 1000) for p in (995, 1005))
    assert below == pytest.approx(0.25 * 200, rel=1e-9)
    assert above == pytest.approx(below, rel=0.03)


def random_problem(seed, wide=1.0):
    rng = np.random.default_rng(seed)
    p, n = int(rng.integers(3, 40)), int(rng.integers(3, 40))
    n += n == p
    eigs = np.exp(wide * rng.normal(size=p))
    return eigs, rng.normal(size=p), float(np.exp(rng.normal())), n


def every_risk(eigs, beta, noise, n, ridge=0.0):
    """All risks of a problem, one row for each rule and kind."""
    kept = np.array([s for s in range(len(eigs) + 1) if s != n])
    rows = [np.full(len(kept), theory.risk(eigs, beta, noise, n, ridge))]
    for rule in RULES:
        rows.append(theory.pruned_risk(eigs, beta, noise, n, kept, rule, ridge))
        rows += [theory.retrained_risk(eigs, beta, noise, n, kept, rule, s, ridge) for s in theory.SAMPLES]
    return np.array(rows)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.7]))
def test_invariants(seed, ridge):
    eigs, beta, noise, n = random_problem(seed)
    risks = every_risk(eigs, beta, noise, n, ridge)
    rng = np.random.default_rng(seed)
    order, signs = rng.permutation(len(eigs)), rng.choice([-1.0, 1.0], len(eigs))

    def same(other, factor=1.0, rows=slice(None)):
        np.testing.assert_allclose(other[rows], factor * risks[rows], rtol=1e-8)

    same(every_risk(eigs[order], beta[order], noise, n, ridge))
    same(every_risk(eigs, signs * beta, noise, n, ridge))
    same(every_risk(eigs, 3 * beta, 3 * noise, n, ridge), 9)
    if ridge == 0:
        same(every_risk(4 * eigs, beta / 2, noise, n))
        if len(eigs) < n:
            c = np.exp(rng.normal(size=len(eigs)))
            unchanged = [0, *range(4, 13)]  # everything but magnitude pruning
            same(every_risk(c**2 * eigs, beta / c, noise, n), rows=unchanged)
    assert np.all(risks >= noise**2 * (1 - 1e-9))
    null = noise**2 + np.sum(eigs * beta**2)
    np.testing.assert_allclose(risks[1:, 0], null, rtol=1e-12)
    if len(eigs) != n:
        np.testing.assert_allclose(risks[[1, 4, 7, 10], -1], risks[0, -1], rtol=1e-9)
        if ridge == 0:
            np.testing.assert_allclose(risks[[2, 5, 8], -1], risks[0, -1], rtol=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 3.0, 20.0]), st.sampled_from([0.0, 1e-6, 10.0]))
def test_effective_ridge_solves_its_equation(seed, wide, ridge):
    eigs, beta, noise, n = random_problem(seed, wide)
    nu = theory.effective_ridge(eigs, n, ridge)
    if len(eigs) <= n and ridge == 0:
        assert nu == 0
    else:
        assert np.sum(eigs / (eigs + nu)) + ridge / nu == pytest.approx(n, rel=1e-11)
    shrink = eigs / (eigs + nu)
    gamma = theory.risk(eigs, beta, noise, n, ridge)
    law = fit.first_fit(eigs, beta, noise, n, ridge)
    assert gamma == pytest.approx(noise**2 + np.sum(eigs * ((1 - shrink) ** 2 * beta**2 + law.sd**2)), rel=1e-8)


def test_small_ridge_is_no_ridge():
    for seed in range(5):
        eigs, beta, noise, n = random_problem(seed)
        np.testing.assert_allclose(every_risk(eigs, beta, noise, n, 1e-9), every_risk(eigs, beta, noise, n), rtol=1e-6)


def test_rules_meet_where_they_must():
    beta = teachers.cosine(spectra.constant(50))
    kept = np.arange(51)
    flat = spectra.constant(50, 2.0)
    judge.exact(theory.pruned_risk(flat, beta, 0.2, 30, kept, "hessian"), theory.pruned_risk(flat, beta, 0.2, 30, kept))
    eigs, signal = spectra.spiked(400, 20, 9.0), teachers.constant(spectra.spiked(400, 20, 9.0))
    oracle = [theory.retrained_risk(*theory.reduce(eigs, signal, 0.3, p), 100, 20, "oracle") for p in (20, 60, 150, 400)]
    judge.exact(oracle, np.full(4, oracle[0]))


def test_zero_variance_features_are_never_needed():
    eigs, beta = np.array([2.0, 0.0, 1.0, 0.5, 0.0]), np.array([1.0, 9.0, 0.5, 0.2, 5.0])
    live = eigs > 0
    for rule in RULES[:3]:
        full = theory.pruned_risk(eigs, beta, 0.3, 2, [0, 1, 2, 3, 4, 5], rule)
        judge.exact(full, np.append(theory.pruned_risk(eigs[live], beta[live], 0.3, 2, [0, 1, 2, 3], rule), [full[3]] * 2))
    assert theory.risk(eigs, beta, 0.3, 3) == np.inf  # rank, not width, meets n


@pytest.mark.parametrize("wide", [18.0, 30.0, 40.0, 60.0])
def test_nothing_cancels_in_a_refit_that_keeps_all(wide):
    eigs = np.exp([wide, -wide])
    dense = theory.risk(eigs, eigs**-0.5, 0.3, 1)
    for rule in RULES[:3]:
        judge.exact(theory.retrained_risk(eigs, eigs**-0.5, 0.3, 1, 2, rule), dense, 1e-12)


def test_a_support_without_variance_has_less_rank():
    eigs, beta = np.array([0.0, 1.0, 1.0]), np.array([5.0, 0.0, 1.0])
    judge.exact(theory.finite_risk(eigs, beta, 1.0, 10, 2, "oracle", retrained=True), 9 / 8)


GOOD = dict(eigs=np.array([2.0, 1.0, 0.5]), teacher=np.array([1.0, -1.0, 0.5]), noise=0.3, n=10)


@pytest.mark.parametrize(
    "name, value",
    [
        ("n", 10.0), ("n", 0), ("n", True), ("n", "10"),
        ("noise", -0.1), ("noise", np.nan), ("noise", np.inf), ("noise", 1j), ("noise", np.array([0.1, 0.2])),
        ("eigs", np.array([1.0, -1.0, 1.0])), ("eigs", np.zeros(3)), ("eigs", np.array([1.0, np.nan, 1.0])),
        ("eigs", np.eye(3)), ("eigs", np.array([1, 2, 3])), ("eigs", np.ones(3, np.float32)), ("eigs", np.ones(3, complex)),
        ("eigs", np.array([])), ("teacher", np.ones(2)), ("teacher", np.array([1, 2, 3])), ("teacher", np.array([1.0, np.inf, 0.0])),
    ],
)  # fmt: skip
def test_bad_input_is_named(name, value):
    wrong = {**GOOD, name: value}
    problem = [wrong[k] for k in ("eigs", "teacher", "noise", "n")]
    # two shapes that disagree are reported at the second
    said = "teacher|eigs" if name == "eigs" else name
    for call in (
        theory.risk,
        lambda *a: theory.pruned_risk(*a, 1),
        lambda *a: theory.retrained_risk(*a, 1),
        theory.finite_risk,
    ):
        with pytest.raises(ValueError, match=f"^({said}): "):
            call(*problem)


@pytest.mark.parametrize(
    "change",
    [
        dict(kept=4), dict(kept=-1), dict(kept=1.0), dict(kept=np.array([0.5])), dict(rule="largest"), dict(rule=None),
        dict(sample="other"), dict(ridge=-1.0), dict(ridge=np.nan),
    ],
)  # fmt: skip
def test_bad_choice_is_named(change):
    arguments = {**GOOD, "kept": 1, "rule": "magnitude", "sample": "same", "ridge": 0.0, **change}
    with pytest.raises(ValueError, match=f"^{next(iter(change))}: "):
        theory.retrained_risk(**arguments)


def test_more_bad_input():
    with pytest.raises(ValueError, match="^width: 4 is outside 1 .. 3"):
        theory.reduce(GOOD["eigs"], GOOD["teacher"], 0.3, 4)
    with pytest.raises(ValueError, match="^width: "):
        theory.reduce(GOOD["eigs"], GOOD["teacher"], 0.3, 1.5)
    for n in (2, 3, 4):
        with pytest.raises(ValueError, match="^n, kept, rule: no exact mean"):
            theory.finite_risk(GOOD["eigs"], GOOD["teacher"], 0.3, n)
    with pytest.raises(ValueError, match="^n, kept, rule: no exact mean"):
        theory.finite_risk(**GOOD, kept=1, rule="magnitude")
    with pytest.raises(ValueError, match="^kept: 2 puts the refit at its interpolation threshold"):
        theory.retrained_risk(GOOD["eigs"], GOOD["teacher"], 0.3, 2, [1, 2], "oracle")


@pytest.mark.parametrize("noise", [1e-20, 1e-14, 1e-11])
def test_ties_share_where_noise_is_lost_in_the_digits(noise):
    """Equal coefficients are kept with equal chances, however small the noise that decides."""
    judge.exact(theory.pruned_risk(np.ones(4), np.full(4, 0.5), noise, 10, np.arange(5)), [1.0, 0.75, 0.5, 0.25, 0.0], 1e-12)
    found = theory.pruned_risk(np.ones(4), np.array([1, 0.5, 0.5, 0.1]), noise, 10, np.array([1, 2, 3]))
    judge.exact(found, [0.51, 0.26, 0.01], 1e-12)
