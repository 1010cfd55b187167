"""Rows that people bring: bad scales, dependent columns, constant columns, single categories, an intercept."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares as leave_one_out
from jaxprune.simulate import sorting
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import pruning, risk_estimators, rounds, saliency
from tests import grades as judge

KEY = jax.random.key(0)
N, D = 12, 5
# Powers 0 .. 4 of the years, fits by normal equations in 80 digits (mpmath), leave-one-out by 40 refits: for each width the
# mean squared residual, that without the sample, the largest by the smallest singular value, and the last coefficient.
YEARS = np.arange(1980, 2020)
DIGITS = [
    (0.492448263872207, 0.518025787110803, 1.0, 0.1755675214369),
    (0.197113578993729, 0.223255172831978, 346356.857907, -0.04707860855743),
    (0.0561238120996492, 0.0715529975791364, 134250591335.0, -0.003153474862465),
    (0.00733651331785917, 0.0096075823768449, 5.30787034589e16, 0.0001834242014469),
    (0.00377336068649274, 0.00486531118628003, 2.11645496538e22, 4.942915133773e-6),
]


def years():
    target = np.sin((YEARS - 1980) / 8) + 0.1 * ((YEARS * YEARS * 7) % 11 - 5) / 5
    return YEARS[:, None].astype(float) ** np.arange(5), target


@functools.partial(jax.jit, static_argnames=("widths", "ridge"))
def solved(data, widths, ridge=0.0):
    path = least_squares.min_norm_path(data, widths, ridge)
    fits = leave_one_out.leave_one_out(data, widths, ridge)
    return path.coef, path.intercept, path.train_error, path.condition, fits.residual, fits.condition


def estimated(fits, kept):
    return jax.jit(lambda fits: risk_estimators.estimate(fits, None, pruning.magnitude, KEY, kept))(fits)


def fit(x, y, ridge=0.0, intercept=False):
    """Coefficients of minimum norm and the intercept, by NumPy: of means, columns of unit length, or the penalty as rows."""
    if intercept:
        coef, _ = fit(x - x.mean(0), y - y.mean(), ridge)
        return coef, y.mean() - x.mean(0) @ coef
    if ridge:
        x, y = np.vstack([x, np.sqrt(ridge) * np.eye(x.shape[1])]), np.append(y, np.zeros(x.shape[1]))
    length = np.linalg.norm(x, axis=0)
    length = np.where(length > 0, length, 1)
    if np.linalg.matrix_rank(x / length) == x.shape[1]:
        return np.linalg.pinv(x / length, rcond=1e-14) @ y / length, 0.0
    return np.linalg.pinv(x, rcond=1e-12) @ y, 0.0


def test_powers_of_years_keep_their_digits(x64):
    data = least_squares.from_rows(*years())
    coef, _, train, condition, residual, again = solved(data, (1, 2, 3, 4, 5))
    for found, column in ((train, 0), (jnp.mean(residual**2, axis=1), 1), (jnp.diagonal(coef), 3)):
        for value, digits in zip(found, DIGITS, strict=True):
            judge.exact(value, digits[column], 1e-5)
    for found in (condition, again):
        np.testing.assert_allclose(found, [digits[2] for digits in DIGITS], rtol=1e-5)


def test_a_way_that_would_be_wrong_is_refused_or_marked(x64):
    inputs, target = years()
    with pytest.raises(ValueError, match="^method: 'cholesky' would lose"):
        least_squares.from_rows(inputs, target, "cholesky")
    raw = least_squares.Data(jnp.asarray(inputs.T), jnp.asarray(target))  # nobody has looked at these
    coef, _, train, condition, residual, again = solved(raw, (1, 2, 3, 4, 5))
    judge.exact(train[:2], [digits[0] for digits in DIGITS[:2]], 1e-5)
    for found in (coef, residual):
        assert np.all(np.isnan(found[4])) and np.all(np.isfinite(found[:3]))
    for found in (condition, again):
        truth = np.array(DIGITS)[:4, 2]
        assert np.isinf(found[4]) and np.all(found[:4] < 1.1 * truth) and np.all(found[:4] > 1e-3 * truth)


def kinds():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, D))
    category = np.eye(3)[np.append([0, 1], np.arange(N - 2) % 2 + 1)]  # the first has one member
    return {
        "independent": x,
        "scales": x * np.geomspace(1e-6, 1e6, D),
        "a column twice": x[:, [0, 1, 0, 2, 3]],
        "zeros": x * [1, 0, 1, 1, 1],
        "a constant": np.hstack([x[:, :2], np.ones((N, 1)), x[:, 2:4]]),
        "categories and ones": np.hstack([np.ones((N, 1)), category, x[:, :1]]),
        "alone in three columns": np.hstack([np.eye(N)[:, :3], x[:, :2]]),
        "integers": rng.integers(-4, 5, size=(N, D)),
        "far from zero": x + 1e4,
        "weights": x * np.sqrt(np.append([0, 1e-8], np.ones(N - 2)))[:, None],
        "wide": rng.normal(size=(4, D)),
        "square": rng.normal(size=(D, D)),
        "wide scales": rng.normal(size=(4, D)) * np.geomspace(1e-3, 1e3, D),
        "a row twice": rng.normal(size=(4, D))[[0, 1, 2, 2]],
    }


@pytest.mark.slow
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_rows_is_refitted_by_hand(x64, kind, intercept):
    x = kinds()[kind]
    y = np.cos(3.0 * np.arange(len(x)) ** 2)
    data = least_squares.from_rows(x, y, intercept=intercept)
    for ridge in (0.0, 0.3):
        if ridge and "scales" in kind:
            continue  # NumPy loses the small columns
        coef, offset, train, condition, residual, again = solved(data, tuple(range(1, D + 1)), ridge)
        for w in range(D):
            p = w + 1
            b, own = fit(x[:, :p], y, ridge, intercept)
            judge.exact(coef[w, :p], b, 1e-8)
            assert np.all(coef[w, p:] == 0) and float(offset[w]) == pytest.approx(own, rel=1e-8, abs=1e-8)
            assert float(train[w]) == pytest.approx(np.mean((y - x[:, :p] @ b - own) ** 2), rel=1e-8, abs=1e-12)
            left = []
            for i in range(len(x)):
                others = np.arange(len(x)) != i
                b, own = fit(x[others][:, :p], y[others], ridge, intercept)
                left.append(y[i] - x[i, :p] @ b - own)
            judge.exact(residual[w], left, 1e-7)
            if not ridge:
                _check_condition(x[:, :p] - intercept * x[:, :p].mean(0), len(x) - intercept, condition[w], again[w])


def _check_condition(x, samples, *found):
    sizes = np.linalg.svd(x, compute_uv=False)
    rank = np.linalg.matrix_rank(x / np.maximum(np.linalg.norm(x, axis=0), 1e-9), 1e-11)
    full = min(x.shape[1], samples)
    for value in found:
        if rank < full:
            assert np.isinf(value)
        else:
            assert 0.3 < float(value) * sizes[full - 1] / sizes[0] < 1 + 1e-5


def test_lengths_at_the_ends_of_the_floats(x64):
    x = kinds()["independent"][:, :4]
    y = np.cos(3.0 * np.arange(N) ** 2)
    scale = np.array([1e-300, 1.0, 1e300, 1.0])
    coef, _, train, condition, _, _ = solved(least_squares.from_rows(x * scale, y), (2, 4))
    b = fit(x, y)[0]
    judge.exact(coef[1] * scale, b, 1e-12)
    judge.exact(train[1], np.mean((y - x @ b) ** 2), 1e-12)
    assert 1e299 < condition[0] < 1e301 and np.isinf(condition[1])


@pytest.mark.slow
def test_a_dependent_column_spoils_only_the_widths_that_hold_it(x64):
    """By Cholesky factors, for those who choose them."""
    x = np.random.default_rng(0).normal(size=(20, 9))
    x[:, 5] = x[:, 1] + x[:, 3]
    y = np.cos(3.0 * np.arange(20) ** 2)
    path = least_squares.min_norm_path(least_squares.Data(jnp.asarray(x.T), jnp.asarray(y)), [2, 5, 6, 9])
    for w, p in enumerate([2, 5]):
        judge.exact(path.coef[w, :p], fit(x[:, :p], y)[0])
    assert np.all(np.isnan(path.train_error[2:])) and np.all(np.isinf(path.condition[2:]))
    by_rank = least_squares.min_norm_path(least_squares.from_rows(x, y), [2, 5, 6, 9])
    judge.exact(by_rank.coef[3], fit(x, y)[0], 1e-9)


@pytest.mark.slow
def test_a_failed_fit_stays_failed(x64):
    """What is ranked by NaN is not refitted; a dead feature has one answer in both solvers."""
    x = np.random.default_rng(3).normal(size=(40, 10))
    x[:, 4] = 0
    y = x @ np.arange(10.0) + np.cos(3.0 * np.arange(40) ** 2)
    data = least_squares.Data(jnp.asarray(x.T), jnp.asarray(y))
    fits = leave_one_out.leave_one_out(data, [10])
    judge.exact(fits.coef[0], fit(x, y)[0], 1e-9)
    judge.exact(least_squares.min_norm_path(data, [10]).coef, fits.coef, 1e-9)
    _, retrained = estimated(fits, [2, 4])
    judge.exact(retrained.whole[0], [whole_retrained(x, y, 10, kept) for kept in (2, 4)], 1e-9)

    problem = LinearGaussian(np.ones(10), np.ones(10), 0.1, 40)
    x[:, 4] = x[:, 3]
    data = least_squares.Data(jnp.asarray(x.T), jnp.asarray(y))
    fits = leave_one_out.leave_one_out(data, [10])
    for estimates in estimated(fits, [0, 2, 4]):
        for values in (estimates.whole, estimates.naive, estimates.gcv):
            assert np.all(np.isnan(values))
    path = least_squares.min_norm_path(data, [3, 10])
    found = jax.jit(lambda path: pruning.risks(path, problem, [pruning.magnitude], [0, 2], KEY))(path)
    for values in found.values():
        assert np.all(np.isfinite(values[0])) and np.all(np.isnan(values[1]))
    order = pruning.ranking(path, problem, [pruning.magnitude, pruning.random], KEY)[1]
    assert np.all(order[0] == -1) and sorted(order[1].tolist()) == list(range(10))  # chance needs no fit


def whole_retrained(x, y, width, kept, intercept=False, pruned=False):
    """Fit, prune by magnitude and refit without each sample in turn."""
    errors = []
    for i in range(len(x)):
        others = np.arange(len(x)) != i
        b, own = fit(x[others][:, :width], y[others], 0.0, intercept)
        support = np.argsort(-np.abs(b), kind="stable")[:kept]
        b = b[support]
        if not pruned:
            b, own = fit(x[others][:, support], y[others], 0.0, intercept)
        errors.append(y[i] - x[i, support] @ b - own)
    return np.mean(np.square(errors))


@pytest.mark.slow
@pytest.mark.parametrize("n", [9, 20])
def test_an_intercept_is_fitted_everywhere_and_never_pruned(x64, n):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 12)) + 3
    y = 5 + x @ rng.normal(size=12) + rng.normal(size=n)
    fits = leave_one_out.leave_one_out(least_squares.from_rows(x, y, intercept=True), [4, 12])
    pruned, retrained = estimated(fits, [0, 2, 12])
    for w, width in enumerate([4, 12]):
        for k, kept in enumerate([0, 2]):
            judge.exact(pruned.whole[w, k], whole_retrained(x, y, width, kept, True, pruned=True), 1e-8)
            judge.exact(retrained.whole[w, k], whole_retrained(x, y, width, kept, True), 1e-8)
        for found in (pruned, retrained):
            judge.exact(found.whole[w, 2], fits.loo[w], 1e-8)
            judge.exact(found.naive[w, 2], fits.loo[w], 1e-8)
            judge.exact(found.gcv[w, 2], fits.gcv[w], 1e-8)
    support = np.argsort(-np.abs(fit(x[:, :4], y, 0.0, True)[0]))[:2]  # that all samples chose
    lines = np.hstack([np.ones((n, 1)), x[:, support]])
    hat = lines @ np.linalg.pinv(lines)
    left = (y - hat @ y) / (1 - np.diagonal(hat))
    judge.exact(retrained.naive[0, 1], np.mean(left**2), 1e-9)
    judge.exact(retrained.gcv[0, 1], np.mean((y - hat @ y) ** 2) / (1 - 3 / n) ** 2, 1e-9)
    naive = []
    for i in range(n):
        b, own = fit(np.delete(x, i, 0)[:, :4], np.delete(y, i), 0.0, True)
        naive.append(y[i] - own - x[i, support] @ b[support])
    judge.exact(pruned.naive[0, 1], np.mean(np.square(naive)), 1e-9)


@pytest.mark.slow
def test_centring_is_no_intercept(x64):
    x = np.random.default_rng(2).normal(size=(20, 25)) + 1
    y = np.cos(3.0 * np.arange(20) ** 2)
    for far in (10.0, 1e5):
        moved, height = x + far, y - far
        with pytest.raises(ValueError, match="^data: rows were centred"):
            leave_one_out.leave_one_out(least_squares.from_rows(moved - moved.mean(0), height - height.mean()), [25])
    centred, middle = x - x.mean(0), y - y.mean()
    for data in (
        least_squares.from_rows(centred, middle),
        least_squares.Data(jnp.asarray(centred.T), jnp.asarray(middle)),
    ):
        with pytest.raises(ValueError, match="^data: rows were centred"):
            leave_one_out.leave_one_out(data, [25])
    right = leave_one_out.leave_one_out(least_squares.from_rows(x, y, intercept=True), [10]).loo
    with pytest.warns(UserWarning, match="^data: rows were centred, .* estimates are too low"):
        leaking = leave_one_out.leave_one_out(least_squares.from_rows(centred, middle), [10]).loo
    again = leave_one_out.leave_one_out(least_squares.from_rows(centred, middle, intercept=True), [10]).loo
    assert leaking < 0.9 * right
    judge.exact(again, right, 1e-9)
    problem = LinearGaussian(np.ones(25), np.ones(25), 0.1, 20)
    path = least_squares.min_norm_path(least_squares.from_rows(x, y, intercept=True), [10])
    with pytest.raises(ValueError, match="^data: fits with an intercept"):
        pruning.risks(path, problem, [pruning.magnitude], [2], KEY)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_meaning_of_descending(x64, dtype):
    scores = np.array(
        [[1, np.nan, 1, -np.inf, 2, -0.0, 0.0, np.inf], [np.nan] * 8, [3, 3, -1, np.nan, 3, 1e-40, 2e-40, 0]], dtype
    )
    expected = [[7, 4, 0, 2, 5, 6, 3, 1], list(range(8)), [0, 1, 4, 6, 5, 7, 2, 3]]
    np.testing.assert_array_equal(sorting.argsort_descending(jnp.asarray(scores)), expected)
    live = jnp.arange(8)[None, :] != 1
    ranked = sorting.argsort_live(jnp.asarray(scores), live)
    np.testing.assert_array_equal(ranked, [[7, 4, 0, 2, 5, 6, 1, 3], [-1] * 8, [-1] * 8])


def test_numbers_that_become_single_by_accident():
    x, y = kinds()["independent"], np.ones(N)
    with pytest.warns(UserWarning, match="^inputs: least squares in float32"):
        least_squares.from_rows(x, y)
    with pytest.warns(UserWarning, match="^problem: least squares in float32"):
        least_squares.draw(LinearGaussian(np.ones(3), np.ones(3), 0.1, 4), KEY)
    for values in (np.full((3, 2), 1e300), np.full((3, 2), 1e-300)):
        with pytest.raises(ValueError, match="^inputs: .* does not fit float32"):
            least_squares.from_rows(values, np.ones(3))


def test_ranks_need_not_be_promoted(x64):
    """Users may let JAX raise where ranks differ."""
    problem = LinearGaussian.from_covariance(np.eye(6) + 0.5, np.ones(6), 0.1, 4)
    with jax.numpy_rank_promotion("raise"):
        for given in (problem, LinearGaussian(np.ones(6), np.ones(6), 0.1, 4)):
            for method in least_squares.METHODS:
                jax.eval_shape(functools.partial(_everything, given, method), KEY)  # traced, which is where it would raise


def _everything(problem, method, key):
    data = least_squares.draw(problem, key)
    data = least_squares.Data(data.features, data.target, method)
    path = least_squares.min_norm_path(data, [2, 4, 6], refine=1)
    rules = [pruning.magnitude, pruning.hessian, pruning.empirical_hessian, pruning.oracle, pruning.random]
    found = pruning.risks(path, problem, rules, [1, 3], key, data)
    order = pruning.ranking(path, problem, [saliency.obs_greedy, saliency.empirical_obs(0.1)], key)
    found["compensated"] = saliency.compensated_surface(path, problem, order, [1, 3])
    schedule = rounds.geometric([2, 4, 6], [1, 3], 2)
    found["rounds"] = rounds.iterative_path(path, problem, schedule, pruning.magnitude, key)
    found["masks"] = compressibility.fraction_masks(data.features, [0.2, 0.5])
    found["ratio"] = compressibility.pruning_ratio(data.features)
    if method in ("cholesky", "svd"):
        fits = leave_one_out.leave_one_out(data, [2, 6])
        found["estimates"] = risk_estimators.estimate(fits, problem, pruning.magnitude, key, [1, 3])
    return found


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda x, y: least_squares.from_rows(x, y, "qr", intercept=True), "method"),
        (lambda x, y: least_squares.Data(x.T, y, "qr", intercept=True), "intercept"),
        (lambda x, y: least_squares.from_rows(x[:0], y[:0]), "inputs"),
        (lambda x, y: least_squares.from_rows(x.astype(str), y), "inputs"),
        (lambda x, y: least_squares.from_rows(x + 1j, y), "inputs"),
        (lambda x, y: least_squares.from_rows(x, y * np.nan), "target"),
        (lambda x, y: least_squares.draw(LinearGaussian(np.ones(3), np.ones(3), 0.1, 4), np.zeros(2, np.uint32)), "key"),
        (lambda x, y: _orders(x, y, pruning.magnitude), "rules"),
        (lambda x, y: _orders(x, y, ["magnitude"]), "rules"),
        (lambda x, y: _orders(x, y, "magnitude"), "rules"),
    ],
)
def test_what_is_refused_is_named(x64, unchecked, call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call(kinds()["independent"], np.ones(N))


def _orders(x, y, rules):
    path = least_squares.min_norm_path(least_squares.from_rows(x, y), [2])
    return pruning.ranking(path, None, rules, KEY)


def test_an_interpolator_with_an_intercept_says_when_its_digits_are_lost(x64):
    """Rows that are nearly twins; mean squares of explicit refits in 60 digits (mpmath): .049308253 and 8.1015972e13."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(30, 29))
    x[1] = x[0] + 1e-8 * x[1]
    y = x[:, 0] + 0.1 * rng.normal(size=30)
    found = leave_one_out.leave_one_out(least_squares.from_rows(x, y, intercept=True), [20, 28, 29]).loo
    judge.exact(found[:2], [0.049308253, 8.1015972e13], 1e-6)
    assert np.isnan(found[2])
