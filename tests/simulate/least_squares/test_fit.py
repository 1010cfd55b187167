"""Nested fits against a dense NumPy answer for every width, kept count, covariance and precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import sorting
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import pruning, saliency, solving
from tests import grades as judge

RULES = [
    *(pruning.magnitude, pruning.hessian, pruning.empirical_hessian, pruning.oracle, pruning.random),
    *(saliency.obs, saliency.obs_greedy, saliency.empirical_obs(0.1)),
]
WIDTHS = [1, 2, 7, 19, 20, 21, 23, 40, 64]
KEPT = [0, 1, 5, 18, 30, 60]


def diagonal(noise=0.3, n=20, dim=64):
    eigs = spectra.power(dim, 0.8, 3.0)
    return LinearGaussian(eigs, teachers.cosine(eigs), noise, n)


def correlated(noise=0.3, n=20, dim=64):
    return LinearGaussian.from_covariance(spectra.ar1(dim, 0.7), teachers.cosine(np.ones(dim)), noise, n)


def covariance(problem):
    return np.diag(problem.eigs) if problem.basis is None else problem.basis @ np.diag(problem.eigs) @ problem.basis.T


def ridge_fit(x, y, ridge):
    """By an augmented least-squares solve, through the SVD: nothing shared with the package."""
    p = x.shape[1]
    return np.linalg.lstsq(np.vstack([x, np.sqrt(ridge) * np.eye(p)]), np.append(y, np.zeros(p)), rcond=None)[0]


@pytest.mark.slow
@pytest.mark.parametrize("make", [diagonal, correlated])
@pytest.mark.parametrize("ridge", [0.0, 0.5])
@pytest.mark.parametrize("method", ["cholesky", "qr"])
def test_every_width_is_lstsq(x64, make, ridge, method):
    problem = make()
    drawn = least_squares.draw(problem, jax.random.key(0))
    data = least_squares.Data(drawn.features, drawn.target, method)
    path = least_squares.min_norm_path(data, WIDTHS, ridge)
    x, y = np.asarray(data.features).T, np.asarray(data.target)
    for coef, error, p in zip(path.coef, path.train_error, WIDTHS, strict=True):
        expected = np.zeros(64)
        expected[:p] = ridge_fit(x[:, :p], y, ridge)
        judge.exact(coef, expected, 1e-9)
        assert float(error) == pytest.approx(np.mean((y - x @ expected) ** 2), rel=1e-7, abs=1e-16)
    assert np.all(np.asarray(path.condition) >= 1)
    visible = float(path.condition[4] / path.condition[2])  # the threshold is reported; a ridge removes it
    assert visible > 5 if ridge == 0 else visible < 5


@pytest.mark.parametrize("refine", [0, 2])
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_an_accelerator_fits_all_wide_models_at_once(x64, monkeypatch, ridge, refine):
    """To the same numbers; a repeated sample is flagged there too."""
    data = least_squares.draw(diagonal(), jax.random.key(0))
    twice = least_squares.Data(data.features.at[:, 3].set(data.features[:, 4]), data.target)
    found = []
    for elsewhere in (False, True):
        if elsewhere:
            monkeypatch.setattr(solving, "by_platform", lambda *operands, cpu, elsewhere: elsewhere(*operands))
        found.append([least_squares.min_norm_path(d, [20, 21, 23, 40, 64], ridge, refine=refine) for d in (data, twice)])
    for one_by_one, together in zip(*found, strict=True):
        np.testing.assert_allclose(together.coef, one_by_one.coef, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(together.condition, one_by_one.condition, rtol=1e-6)
    assert np.all(np.isnan(together.coef[1:, 0])) == (ridge == 0)


@pytest.mark.slow
@pytest.mark.parametrize("make", [diagonal, correlated])
def test_surfaces_are_cell_by_cell(x64, make):
    problem, sigma = make(), covariance(make())
    keys = jax.random.split(jax.random.key(3), 3)
    data, other = least_squares.draw(problem, keys[0]), least_squares.draw(problem, keys[1])
    path = least_squares.min_norm_path(data, WIDTHS)
    order = pruning.ranking(path, problem, RULES, keys[2])
    pruned = pruning.risk_surface(path, problem, order, KEPT)
    same = pruning.retrained_surface(data, problem, order, WIDTHS, KEPT)
    fresh = pruning.retrained_surface(other, problem, order, WIDTHS, KEPT)
    assert pruned.shape == same.shape == (len(WIDTHS), len(RULES), len(KEPT))

    def risk(coef):
        return problem.noise**2 + (coef - problem.teacher) @ sigma @ (coef - problem.teacher)

    for w, p in enumerate(WIDTHS):
        coef = np.asarray(path.coef[w])
        for r in range(len(RULES)):
            assert set(np.asarray(order[w, r, :p]).tolist()) == set(range(p))
            for k, s in enumerate(KEPT):
                chosen = np.asarray(order[w, r, : min(s, p)])
                masked = np.zeros(64)
                masked[chosen] = coef[chosen]
                judge.exact(pruned[w, r, k], risk(masked), 1e-10)
                for sample, found in ((data, same), (other, fresh)):
                    x, y = np.asarray(sample.features).T, np.asarray(sample.target)
                    refit = np.zeros(64)
                    refit[chosen] = np.linalg.lstsq(x[:, chosen], y, rcond=None)[0] if len(chosen) else []
                    judge.exact(found[w, r, k], risk(refit), 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("dead", [False, True])
def test_qr_is_accurate_where_gram_matrices_fail(x64, dead):
    """Condition number 1e9: its square is beyond double precision."""
    rng = np.random.default_rng(0)
    left, right = np.linalg.qr(rng.normal(size=(40, 20)))[0], np.linalg.qr(rng.normal(size=(20, 20)))[0]
    features = left * np.geomspace(1, 1e-9, 20) @ right
    if dead:
        features[[3, 11]] = 0
    target = rng.normal(size=20)
    data = least_squares.Data(jnp.asarray(features), jnp.asarray(target), "qr")
    for p, coef in zip([10, 18, 40], least_squares.min_norm_path(data, [10, 18, 40]).coef, strict=True):
        expected = np.linalg.lstsq(features[:p].T, target, rcond=1e-14)[0]
        fitted, best = features[:p].T @ np.asarray(coef[:p]), features[:p].T @ expected
        judge.exact(fitted, best, 1e-5)
    order = jnp.asarray(rng.permutation(40))
    refit = least_squares.retrain_path(data, order, [10])[0]
    chosen = np.asarray(order[:10])
    expected = features[chosen].T @ np.linalg.lstsq(features[chosen].T, target, rcond=1e-14)[0]
    judge.exact(features.T @ np.asarray(refit), expected, 1e-5)


def test_equal_features_of_a_covariance_are_solved_by_rank(x64):
    root = np.random.default_rng(0).normal(size=(10, 10))
    root[1] = root[0]
    problem = LinearGaussian.from_covariance(root @ root.T / 10, np.ones(10), 0.1, 5)
    assert problem.deficient
    data = least_squares.draw(problem, jax.random.key(1))
    x = np.asarray(data.features).T
    for p, coef in zip([1, 2, 4, 6, 10], least_squares.min_norm_path(data, [1, 2, 4, 6, 10]).coef, strict=True):
        judge.exact(coef[:p], np.linalg.lstsq(x[:, :p], np.asarray(data.target), rcond=1e-10)[0], 1e-7)


def test_qr_flags_dependent_samples(x64):
    features = np.random.default_rng(0).normal(size=(12, 5))
    features[1:8] = features[0]
    coef = least_squares.min_norm_path(least_squares.Data(jnp.asarray(features), jnp.ones(5), "qr"), [6, 8, 12]).coef
    assert np.all(np.isnan(coef[:2, 0])) and np.all(np.isfinite(coef[2]))


@pytest.mark.slow
def test_pruned_risks_do_not_cancel(x64):
    problem = LinearGaussian(np.full(10, 1e12), np.ones(10), 1e-3, 30)
    path = least_squares.min_norm_path(least_squares.draw(problem, jax.random.key(0)), [10])
    order = pruning.ranking(path, problem, [pruning.magnitude], jax.random.key(0))
    judge.exact(pruning.risk_surface(path, problem, order, [10])[0, 0, 0], problem.risk(path.coef)[0])


def test_qr_leaves_out_dependent_columns(x64):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(12, 20))
    features[7] = features[2]
    target = rng.normal(size=20)
    data = least_squares.Data(jnp.asarray(features), jnp.asarray(target), "qr")
    for p, coef in zip([5, 8, 12], least_squares.min_norm_path(data, [5, 8, 12]).coef, strict=True):
        used = [i for i in range(p) if i != 7]
        judge.exact(coef[np.array(used)], np.linalg.lstsq(features[used].T, target, rcond=None)[0], 1e-9)
        assert coef[7] == 0


def test_rules_rank_as_their_names_say(x64):
    problem = correlated()
    data = least_squares.draw(problem, jax.random.key(5))
    path = least_squares.min_norm_path(data, [64])
    order = pruning.ranking(path, problem, RULES, jax.random.key(1))[0]
    b, sigma = np.asarray(path.coef[0]), covariance(problem)
    second = np.mean(np.asarray(data.features) ** 2, axis=1)
    expected = [
        np.abs(b),
        np.sqrt(np.diag(sigma)) * np.abs(b),
        np.sqrt(second) * np.abs(b),
        np.diag(sigma) * problem.teacher**2,
    ]
    for found, score in zip(order, expected, strict=False):
        np.testing.assert_array_equal(found, np.argsort(-score, kind="stable"))


def test_oracle_of_a_narrow_correlated_model_uses_the_reduced_teacher(x64):
    problem, sigma, p = correlated(), covariance(correlated()), 12
    path = least_squares.min_norm_path(least_squares.draw(problem, jax.random.key(5)), [p])
    beta = np.linalg.solve(sigma[:p, :p], sigma[:p] @ problem.teacher)
    scores = pruning.scores(pruning.oracle, path, problem, jax.random.key(0))[0]
    judge.exact(scores[:p], np.diag(sigma)[:p] * beta**2, 1e-9)
    assert not np.allclose(scores[:p], np.diag(sigma)[:p] * problem.teacher[:p] ** 2)


@pytest.mark.slow
def test_a_diagonal_covariance_may_be_a_matrix(x64):
    plain = diagonal()
    matrix = LinearGaussian(plain.eigs, plain.teacher, plain.noise, plain.n, basis=np.eye(64))
    found = []
    for problem in (plain, matrix):
        data = least_squares.draw(problem, jax.random.key(4))
        path = least_squares.min_norm_path(data, WIDTHS)
        order = pruning.ranking(path, problem, RULES, jax.random.key(5))
        found.append(pruning.risk_surface(path, problem, order, KEPT))
        found.append(pruning.retrained_surface(data, problem, order, WIDTHS, KEPT))
    judge.exact(found[2], found[0])
    judge.exact(found[3], found[1], 1e-8)


def test_a_rotation_leaves_the_full_width_risk(x64):
    problem = correlated()
    data = least_squares.draw(problem, jax.random.key(6))
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(64, 64)))[0]
    turned = LinearGaussian(problem.eigs, turn @ problem.teacher, problem.noise, problem.n, basis=turn @ problem.basis)
    same = least_squares.Data(jnp.asarray(turn) @ data.features, data.target)
    risks = [p.risk(least_squares.min_norm_path(d, [64]).coef) for p, d in ((problem, data), (turned, same))]
    judge.exact(risks[1], risks[0], 1e-8)


def test_ties_go_to_the_lower_index(x64):
    problem = LinearGaussian(np.ones(8), np.ones(8), 0.1, 4)
    path = least_squares.min_norm_path(least_squares.draw(problem, jax.random.key(0)), [6, 8])
    order = pruning.ranking(path, problem, [pruning.oracle], jax.random.key(0))
    np.testing.assert_array_equal(order[:, 0], [range(8), range(8)])


@pytest.mark.slow
@pytest.mark.parametrize("dim", [1, 2, 5, 64, 500, 1025])
def test_descending_is_a_sort(x64, dim):
    rng = np.random.default_rng(dim)
    scores = np.exp(20 * rng.normal(size=(20, dim)))
    scores[:, dim // 2 :] *= rng.random((20, dim - dim // 2)) < 0.5
    scores[::2] = np.log(scores[::2] + 1e-300)
    scores[:, dim - dim // 4 :] = -np.inf
    expected = np.argsort(-scores, axis=-1, kind="stable")
    np.testing.assert_array_equal(sorting.argsort_descending(jnp.asarray(scores)), expected)
    single = np.where(np.abs(scores) < 1e-30, 0, scores).astype(np.float32)  # XLA takes subnormal numbers for zero
    for row, found in zip(single, np.asarray(sorting.argsort_descending(jnp.asarray(single))), strict=True):
        assert np.array_equal(row[found], np.sort(row)[::-1])


def test_draws_are_nested_in_the_number_of_features(x64):
    few, many = (least_squares.draw(diagonal(dim=d), jax.random.key(2)).features for d in (16, 64))
    np.testing.assert_array_equal(
        few * (spectra.power(64, 0.8, 3.0)[:16] / spectra.power(16, 0.8, 3.0))[:, None] ** 0.5, many[:16]
    )


def test_design_has_the_covariance(x64):
    for problem in (diagonal(n=40000, dim=6), correlated(n=40000, dim=6)):
        x = np.asarray(least_squares.draw(problem, jax.random.key(0)).features)
        products = np.einsum("in,jn->nij", x, x)
        judge.statistical(products, covariance(problem), spoil=1.2)


@pytest.mark.parametrize("kind", ["rank one", "zero variances"])
def test_deficient_designs_are_solved_by_rank(x64, kind):
    if kind == "rank one":
        problem = LinearGaussian.from_covariance(spectra.rank_one(spectra.power(40, 0.3)), np.ones(40), 0.5, 20)
    else:
        eigs = np.where(np.arange(40) % 3 == 0, 0.0, 1.0)
        problem = LinearGaussian(eigs, np.ones(40), 0.5, 20)
    assert problem.deficient
    data = least_squares.draw(problem, jax.random.key(0))
    path = least_squares.min_norm_path(data, [1, 5, 20, 30, 40])
    x, y = np.asarray(data.features).T, np.asarray(data.target)
    for coef, p in zip(path.coef, path.widths, strict=True):
        expected = np.linalg.pinv(x[:, :p], rcond=1e-10) @ y
        judge.exact(coef[:p], expected, 1e-8)


@pytest.mark.slow
def test_single_precision_states_its_error():
    """Near p = n a float32 Gram matrix loses digits; two refinements recover the risk to 1e-3."""
    eigs = 1.0 / np.arange(1.0, 405)
    with jax.enable_x64(True):
        problem = LinearGaussian(eigs, teachers.cosine(eigs), 0.3, 400)
        data = least_squares.draw(problem, jax.random.key(1))
        exact = problem.risk(least_squares.min_norm_path(data, [380, 404]).coef)
    single = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), data)
    refined = problem.risk(np.asarray(least_squares.min_norm_path(single, [380, 404]).coef, np.float64))
    plain = problem.risk(np.asarray(least_squares.min_norm_path(single, [380, 404], refine=0).coef, np.float64))
    error = np.abs(refined / exact - 1)
    assert np.all(error < 1e-3) and np.all(error <= np.abs(plain / exact - 1))


def test_one_program_for_all_widths_kept_counts_and_seeds(x64):
    traces = []

    @jax.jit
    def surface(key, problem):
        traces.append(1)
        data = least_squares.draw(problem, key)
        path = least_squares.min_norm_path(data, WIDTHS)
        order = pruning.ranking(path, problem, RULES, key)
        return pruning.risk_surface(path, problem, order, KEPT)

    for seed in range(5):
        surface(jax.random.key(seed), diagonal(noise=0.1 * seed))
    assert len(traces) == 1
    # and its size does not grow with the number of widths
    few, many = (len(str(jax.make_jaxpr(lambda d, w=w: least_squares.min_norm_path(d, w).coef)(
        least_squares.draw(diagonal(), jax.random.key(0)))).splitlines()) for w in ([5, 30, 40], range(1, 65)))  # fmt: skip
    assert many < 1.3 * few


@pytest.mark.slow
def test_vmap_equals_a_loop(x64):
    """A user's vmap over seeds is safe on a CPU: factorisations stay one at a time."""

    def risks(key):
        problem = diagonal()
        return problem.risk(least_squares.min_norm_path(least_squares.draw(problem, key), WIDTHS).coef)

    keys = jax.random.split(jax.random.key(0), 4)
    judge.exact(jax.jit(jax.vmap(risks))(keys), jnp.stack([risks(k) for k in keys]), 1e-8)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda d: least_squares.Data(d.features, d.target, "lu"), "method"),
        (lambda d: least_squares.min_norm_path(d, [5, 5]), "widths"),
        (lambda d: least_squares.min_norm_path(d, [5, 3]), "widths"),
        (lambda d: least_squares.min_norm_path(d, [0, 3]), "widths"),
        (lambda d: least_squares.min_norm_path(d, [65]), "widths"),
        (lambda d: least_squares.min_norm_path(d, np.array([1.5])), "widths"),
        (lambda d: least_squares.min_norm_path(d, []), "widths"),
        (lambda d: least_squares.min_norm_path(d, [5], ridge=-1.0), "ridge"),
        (lambda d: least_squares.min_norm_path(d, [5], ridge=np.nan), "ridge"),
        (lambda d: least_squares.retrain_path(d, jnp.arange(64), [3, 2]), "kept"),
        (lambda d: least_squares.retrain_path(d, jnp.arange(64), np.array([0.5])), "kept"),
        (lambda d: least_squares.retrain_path(d, jnp.arange(64), [65]), "kept"),
    ],
)
def test_bad_input_is_named(call, name):
    data = least_squares.Data(jnp.zeros((64, 20)), jnp.zeros(20))
    with pytest.raises(ValueError, match=f"^{name}: "):
        call(data)
