"""The theory of correlated features: reference values, its diagonal limit, invariants, bad input."""

import itertools

import numpy as np
import pytest
from scipy import integrate, special

from jaxprune import spectra, teachers
from jaxprune.theory.least_squares import correlated, diagonal, order, pairs, sampled, truncated
from tests import cases
from tests import grades as judge

CASES = [c for c in cases.CASES if "covariance" in c and "relu" not in c["id"]]
RNG = np.random.default_rng(0)


def problem(rho=0.6, p=30, n=12, noise=0.4):
    return spectra.ar1(p, rho), teachers.cosine(np.ones(p)), noise, n


@pytest.mark.parametrize("case", CASES, ids=cases.ident)
def test_reference(case):
    sigma = cases.covariance(case["covariance"], case["d"])
    beta = cases.teacher(case["teacher"], case["d"])
    reduced = (*correlated.reduce(sigma, beta, case["noise"], case["p"]), case["n"])
    if case["exact"] is not None:
        found = correlated.finite_risk(*reduced, case["kept"], case["rule"], case["retrain"] != "no")
        judge.exact(found, case["exact"], 1e-10)
    if case["theory"] is None:
        assert case["retrain"] == "same" or "rank-one" in case["id"]
    elif case["rule"] is None:
        judge.exact(correlated.risk(*reduced), case["theory"], 1e-9)
    else:
        judge.exact(correlated.pruned_risk(*reduced, case["kept"], case["rule"]), case["theory"], 1e-9)
        if case["rule"] == "magnitude":
            by_series = correlated.pruned_risk(*reduced, case["kept"], method="series")
            judge.exact(by_series, case["theory"], 1e-9)


def conditional(c, d, s, t, rho):
    """E[T_1 T_2] by quadrature over the first, the second integrated by hand: nothing shared with Owen's T."""
    rest = np.sqrt(1 - rho**2)

    def inner(z):
        mean = d + rho * z
        upper, lower = (t - mean) / rest, (-t - mean) / rest
        density = [np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi) for x in (upper, lower, z)]
        second = mean * (special.ndtr(-upper) + special.ndtr(lower)) + rest * (density[0] - density[1])
        return (c + z) * second * density[2]

    steps = [(e - d) / rho + k * rest for e in (t, -t) for k in (-9, -3, 0, 3, 9)] if rho else []
    total = 0.0
    for low, high in ((s - c, 9.0), (-9.0, -s - c)):
        edges = [low, *sorted(z for z in steps if low < z < high), high]
        total += sum(integrate.quad(inner, *piece, epsabs=1e-14, limit=400)[0] for piece in itertools.pairwise(edges))
    return total


def first_moment(centre, cut):
    found = truncated.moments(np.array(centre), np.array(cut))
    return float(centre * found.share + found.first)


@pytest.mark.parametrize("rho", [-0.999, -0.5, 0.0, 1e-4, 0.3, 0.9, 0.99999])
def test_pairs_are_quadrature(rho):
    for _ in range(5):
        (c, d), (s, t) = 1.5 * RNG.standard_normal(2), 2.5 * RNG.random(2)
        found = pairs.covariance(*((np.array(a), np.array(b)) for a, b in ((c, d), (s, t))), np.array(rho))
        expected = conditional(c, d, s, t, rho) - first_moment(c, s) * first_moment(d, t)
        assert abs(found - expected) < 1e-11 and (rho == 0 or abs(1.01 * found - expected) > 1e-11)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_pairs_of_one_variable(sign):
    c, d, s, t = 0.3, -0.4, 0.5, 0.7

    def both(z):
        return (c + z) * (abs(c + z) > s) * (d + sign * z) * (abs(d + sign * z) > t) * np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)

    edges = sorted([s - c, -s - c, sign * (t - d), sign * (-t - d)])
    expected = integrate.quad(both, -9, 9, points=edges, epsabs=1e-13)[0] - first_moment(c, s) * first_moment(d, t)
    found = pairs.covariance((np.array(c), np.array(d)), (np.array(s), np.array(t)), np.array(sign))
    judge.exact(found, expected, 1e-10)


def test_bounds_at_zero():
    """cut = |centre| puts a bound exactly at zero, where Owen's formula has the form 0/0."""
    for rho in (0.3, -0.7):
        at = pairs.covariance((np.array(0.5), np.array(0.7)), (np.array(0.5), np.array(0.7)), np.array(rho))
        near = pairs.covariance((np.array(0.5), np.array(0.7)), (np.array(0.5 + 1e-9), np.array(0.7 - 1e-9)), np.array(rho))
        assert abs(at - near) < 1e-8


@pytest.mark.parametrize("ridge", [0.0, 2.0])
@pytest.mark.parametrize("n", [12, 40])
def test_a_diagonal_matrix_is_the_diagonal_theory(ridge, n):
    eigs = spectra.power(30, 0.7)
    beta = teachers.cosine(eigs)
    kept = np.array([0, 1, 7, 29, 30])
    judge.exact(correlated.risk(np.diag(eigs), beta, 0.4, n, ridge), diagonal.risk(eigs, beta, 0.4, n, ridge), 1e-12)
    for rule in diagonal.RULES:
        expected = diagonal.pruned_risk(eigs, beta, 0.4, n, kept, rule, ridge)
        judge.exact(correlated.pruned_risk(np.diag(eigs), beta, 0.4, n, kept, rule, ridge), expected, 1e-11)
    for wide in (5, 20):
        expected = diagonal.retrained_risk(eigs, beta, 0.4, n, wide, "oracle", "fresh", ridge)
        judge.exact(
            sampled.retrained_risk(np.diag(eigs), beta, 0.4, n, wide, "oracle", ridge=ridge, seed=0).value, expected, 1e-11
        )


def test_invariants():
    sigma, beta, noise, n = problem()
    kept = np.array([1, 10, 25])
    base = correlated.pruned_risk(sigma, beta, noise, n, kept)
    order = RNG.permutation(30)
    turn = np.linalg.qr(RNG.standard_normal((30, 30)))[0]
    signs = np.where(RNG.random(30) < 0.5, -1.0, 1.0)
    judge.exact(correlated.pruned_risk(sigma[np.ix_(order, order)], beta[order], noise, n, kept), base, 1e-11)
    judge.exact(correlated.pruned_risk(sigma * np.outer(signs, signs), beta * signs, noise, n, kept), base, 1e-11)
    judge.exact(correlated.pruned_risk(3 * sigma, beta / np.sqrt(3), noise, n, kept), base, 1e-11)
    judge.exact(correlated.pruned_risk(sigma, 2 * beta, 2 * noise, n, kept), 4 * base, 1e-11)
    judge.exact(correlated.risk(turn @ sigma @ turn.T, turn @ beta, noise, n), correlated.risk(sigma, beta, noise, n), 1e-11)
    judge.exact(correlated.pruned_risk(sigma, beta, noise, n, 30), correlated.risk(sigma, beta, noise, n), 1e-11)
    judge.exact(correlated.pruned_risk(sigma, beta, noise, n, 0), noise**2 + beta @ sigma @ beta, 1e-12)
    assert np.isinf(correlated.risk(sigma, beta, noise, 30)) and np.isinf(correlated.pruned_risk(sigma, beta, noise, 30, 3))
    found = correlated.law(sigma, beta, noise, n)
    error = found.mean - beta
    judge.exact(noise**2 + error @ sigma @ error + np.sum(sigma * found.covariance), found.risk, 1e-11)


def test_a_narrow_model_is_a_smaller_problem():
    """Equation (2), written out; where features used depend on each other the risks are those of any basis of them."""
    sigma, beta, noise, _ = problem()
    used, other = sigma[:10, :10], sigma[:10, 10:]
    _, teacher, left = correlated.reduce(sigma, beta, noise, 10)
    judge.exact(teacher, beta[:10] + np.linalg.solve(used, other @ beta[10:]), 1e-11)
    schur = sigma[10:, 10:] - other.T @ np.linalg.solve(used, other)
    judge.exact(left**2, noise**2 + beta[10:] @ schur @ beta[10:], 1e-11)
    triple = np.kron(np.ones((3, 3)), sigma)  # every feature three times, the teacher on the last ones
    singular = correlated.reduce(triple, np.concatenate([0 * beta, 0 * beta, beta]), noise, 60)
    judge.exact(correlated.risk(*singular, 12), correlated.risk(sigma, beta, noise, 12), 1e-10)
    judge.exact(correlated.restrict(sigma, beta, noise, np.arange(10))[2], left, 1e-12)


def test_exact_means_of_fixed_supports():
    """7.1 and 7.3, written out with the inverse."""
    sigma, beta, noise, _ = problem(p=20)
    n, s = 40, 6
    support = correlated.oracle_order(sigma, beta)[:s]
    gone = np.setdiff1d(np.arange(20), support)
    inverse = np.linalg.inv(sigma)
    judge.exact(correlated.finite_risk(sigma, beta, noise, n), noise**2 * (n - 1) / (n - 21), 1e-12)
    trace = np.sum(sigma[np.ix_(support, support)] * inverse[np.ix_(support, support)])
    left = beta[gone] @ sigma[np.ix_(gone, gone)] @ beta[gone]
    judge.exact(correlated.finite_risk(sigma, beta, noise, n, s), noise**2 * (1 + trace / (n - 21)) + left, 1e-11)
    variance = correlated.restrict(sigma, beta, noise, support)[2] ** 2
    judge.exact(correlated.finite_risk(sigma, beta, noise, n, s, retrained=True), variance * (n - 1) / (n - s - 1), 1e-11)
    assert not correlated.finite_risk_exists(sigma, n, s, "magnitude")
    with pytest.raises(ValueError, match="no exact mean"):
        correlated.finite_risk(sigma, beta, noise, n, s, "magnitude")


def test_singular_covariances_go_by_rank():
    """Every feature twice, or standing still: a refit of all of them is the dense model, a refit of one variable has rank one."""
    double = np.kron(spectra.equicorrelated(4, 0.2), np.ones((2, 2)))
    beta, n = 0.3 * np.ones(8), 20
    everything = sampled.retrained_risk(double, beta, 0.5, n, 8, "magnitude", seed=0)
    judge.exact(everything.value, correlated.risk(double, beta, 0.5, n), 1e-11)
    judge.exact(everything.value, 0.25 / (1 - 4 / n), 1e-11)
    one = spectra.rank_one(spectra.power(6, 0.3))
    found = sampled.retrained_risk(one, np.ones(6), 0.5, 4, np.array([1, 2, 4, 6]), "magnitude", seed=0).value
    judge.exact(found, np.full(4, 0.25 / (1 - 1 / 4)), 1e-11)
    still = np.array([1.0, 1.0, 0.0, 0.0])
    # Of two features kept at random none varies in one draw of six, one in four, both in one.
    expected = (2.25 + 4 * 1.25 / (1 - 1 / 8) + 0.25 / (1 - 2 / 8)) / 6
    found = sampled.retrained_risk(np.diag(still), np.ones(4), 0.5, 8, 2, "random", draws=4000, seed=0)
    assert abs(found.value - expected) < 5 * found.error < abs(found.value - 1.05 * expected)
    at_threshold = sampled.retrained_risk(
        np.kron(np.eye(3) * 0.8 + 0.2, np.ones((2, 2))), np.ones(6), 0.5, 3, 6, "random", seed=0
    )
    assert np.isinf(at_threshold.value) and np.isinf(at_threshold.error)


def test_the_oracle_of_a_singular_covariance_knows_the_smallest_teacher():
    """Features 0 and 1 are one variable: theory and simulation rank them by the teacher of minimum norm."""
    sigma = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0.3], [0, 0, 0.3, 1]])
    beta = np.array([0, 1.2, 1, 0.9])
    assert correlated.oracle_order(sigma, beta)[:2].tolist() == [2, 3]
    assert correlated.oracle_order(sigma + 0.5 * np.eye(4), beta)[0] == 1


def test_draws_of_the_law():
    """Where dependence is weak the sampled risk is the closed form but for O(1/p); ten per cent off is noticed."""
    sigma, beta, noise, n = spectra.ar1(300, 0.5), teachers.cosine(np.ones(300)), 0.5, 150
    kept = np.array([30, 60, 200])
    for rule in diagonal.RULES:
        found = sampled.pruned_risk(sigma, beta, noise, n, kept, rule, draws=2000, seed=1)
        expected = correlated.pruned_risk(sigma, beta, noise, n, kept, rule)
        assert np.all(np.abs(found.value - expected) <= 5 * found.error + 2e-3 * expected)
        assert np.all(np.abs(found.value - 1.1 * expected) > 5 * found.error + 2e-3 * expected)


def test_the_limit_of_the_series_is_told():
    with pytest.raises(ValueError, match="covariance: a correlation of .* method='pairs'"):
        correlated.pruned_risk(spectra.equicorrelated(10, 1.0), np.ones(10), 0.5, 5, 3, method="series")


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(covariance=np.ones(3)), "covariance: shape .* not square"),
        (dict(covariance=np.eye(30, dtype=np.float32)), "covariance: dtype float32"),
        (dict(covariance=np.triu(np.ones((30, 30)))), "covariance: not symmetric"),
        (dict(covariance=-np.eye(30)), "covariance: not positive semi-definite, smallest eigenvalue -1"),
        (dict(covariance=np.zeros((30, 30))), "covariance: is all zero"),
        (dict(covariance=np.full((30, 30), np.nan)), "covariance: holds nan"),
        (dict(teacher=np.ones(5)), "teacher: shape"),
        (dict(noise=-1.0), "noise: -1.0"),
        (dict(n=0), "n: 0"),
        (dict(kept=31), "kept: 31"),
        (dict(kept=2.5), "kept: 2.5"),
        (dict(rule="best"), "rule: 'best' is unknown"),
        (dict(ridge=-1.0), "ridge: -1.0"),
    ],
)
def test_bad_input(change, message):
    sigma, beta, noise, n = problem()
    arguments = {**dict(covariance=sigma, teacher=beta, noise=noise, n=n, kept=4, rule="magnitude", ridge=0.0), **change}
    for function in (correlated.pruned_risk, lambda **k: sampled.pruned_risk(**k, seed=0)):
        with pytest.raises(ValueError, match=message):
            function(**arguments)


def test_what_is_unknown_is_refused():
    with pytest.raises(ValueError, match="covariance: not positive semi-definite"):
        correlated.reduce(np.diag([1.0, 1.0, -0.1]), np.ones(3), 0.5, 2)
    with pytest.raises(ValueError, match="seed: None"):
        sampled.pruned_risk(*problem(), 4, seed=None)
    with pytest.raises(ValueError, match="teacher: is a masked array"):
        correlated.risk(np.eye(2), np.ma.masked_array([1.0, 2.0], [True, False]), 0.5, 5)
    with pytest.raises(ValueError, match="sample: no theory is known for retraining on the same sample"):
        sampled.retrained_risk(*problem(), 4, "magnitude", "same", seed=0)
    with pytest.raises(ValueError, match="kept: 12 puts the refit at its interpolation threshold"):
        sampled.retrained_risk(*problem(), 12, "magnitude", seed=0)
    with pytest.raises(ValueError, match="n: the fit is at its interpolation threshold"):
        sampled.pruned_risk(*problem(n=30), 4, "magnitude", seed=0)
    with pytest.raises(ValueError, match="theory.least_squares.correlated takes a matrix"):
        diagonal.risk(*problem())


def test_ties_of_round_off_go_to_the_lower_index():
    """Equal scores by different routes: eigs teacher^2 = 1/4 but for the last digits, on either side of a power of two."""
    base = np.array([1.0, 2.0, 3.0, 7.0, 0.1, 0.7, 11.0, 0.3])
    eigs = base * np.array([1, 1.3, 0.9, 1, 1, 1.7, 1, 0.2])
    beta = np.sqrt(0.25 / eigs)
    assert len(set(eigs * beta**2)) > 1  # round-off decides
    assert order.descending(eigs * beta**2).tolist() == list(range(8))
    assert order.descending(np.array([1.0, 2.0, 2.0 * (1 - 1e-15), 3.0, 1.0 + 1e-15])).tolist() == [3, 1, 2, 0, 4]
    assert correlated.oracle_order(np.diag(eigs), beta).tolist() == list(range(8))
    for kept in range(1, 5):
        first, last = np.arange(8) < kept, np.arange(8) >= 8 - kept
        found = diagonal.pruned_risk(eigs, beta, 0.5, 6, kept, "oracle")
        judge.exact(found, diagonal.pruned_risk(eigs, beta * (1 + 1e-10 * first), 0.5, 6, kept, "oracle"), 1e-8)
        assert abs(found - diagonal.pruned_risk(eigs, beta * (1 + 1e-10 * last), 0.5, 6, kept, "oracle")) > 1e-3
    # Scores far below the largest differ, and a diagonal needs no solve: both theories keep the larger one.
    eigs, beta = np.array([1.0, 1e-3, 1.0, 1e-3]), np.array([1.0, 1e-5, 2e-7, 1e-5])
    for s in range(5):
        both = [t.pruned_risk(c, beta, 0.3, 3, s, "oracle") for t, c in ((diagonal, eigs), (correlated, np.diag(eigs)))]
        judge.exact(*both, 1e-12)


def test_at_the_threshold_the_choice_is_blind():
    """n = p: coefficients are all noise, N(0, S^-1) up to scale, so that either sample is fresh: noise_S^2 / (1 - s/n)."""
    sigma, beta, noise, n = problem(n=30)
    fresh = sampled.retrained_risk(sigma, beta, noise, n, np.array([4, 8]), "magnitude", "fresh", draws=1000, seed=0)
    same = sampled.retrained_risk(sigma, beta, noise, n, np.array([4, 8]), "magnitude", "same", draws=1000, seed=0)
    np.testing.assert_array_equal(fresh.value, same.value)
    rng, left = np.random.default_rng(1), []
    root = np.linalg.cholesky(np.linalg.inv(sigma))
    for _ in range(1000):
        ranked = np.argsort(-np.abs(root @ rng.standard_normal(30)))
        left.append([correlated.restrict(sigma, beta, noise, ranked[:s])[2] ** 2 / (1 - s / n) for s in (4, 8)])
    error = np.hypot(np.std(left, axis=0) / np.sqrt(1000), fresh.error)
    assert np.all(np.abs(np.mean(left, axis=0) - fresh.value) < 5 * error) and np.all(5 * error < 0.06 * fresh.value)
    assert np.all(np.abs(np.mean(left, axis=0) - 1.1 * fresh.value) > 5 * error)
