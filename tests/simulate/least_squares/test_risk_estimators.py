"""Estimates of the risk against leaving every sample out by brute force."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate import least_squares as leave_one_out
from jaxprune.simulate.least_squares import pruning, risk_estimators
from tests import grades as judge

DIM, N = 24, 10
WIDTHS, KEPT = [3, 9, 10, 14, 24], [0, 1, 4, 20]
KEY = jax.random.key(0)
RULES = [pruning.magnitude, pruning.empirical_hessian, pruning.random]


def problem(n=N):
    eigs = spectra.power(DIM, 0.8, 3.0)
    return LinearGaussian(eigs, teachers.cosine(eigs), 0.5, n)


@functools.cache
def sample():
    return least_squares.draw(problem(), jax.random.key(4))


def fit(x, y, ridge):
    p = x.shape[1]
    return np.linalg.lstsq(np.vstack([x, np.sqrt(ridge) * np.eye(p)]), np.append(y, np.zeros(p)), rcond=None)[0]


def scores(rule, x, coef):
    if rule is pruning.random:
        return np.asarray(jax.random.uniform(KEY, (DIM,)))[: len(coef)]
    return np.abs(coef) * (np.sqrt(np.mean(x**2, axis=0)) if rule is pruning.empirical_hessian else 1)


def pipeline(rule, x, y, p, s, ridge, support=None):
    """Dense, pruned, retrained coefficients of one sample, and the support (or the one that is given)."""
    dense = np.zeros(DIM)
    dense[:p] = fit(x[:, :p], y, ridge)
    if support is None:
        support = np.argsort(-scores(rule, x[:, :p], dense[:p]), kind="stable")[:s]
    pruned, retrained = np.zeros(DIM), np.zeros(DIM)
    pruned[support] = dense[support]
    if len(support):
        retrained[support] = fit(x[:, support], y, 0.0)
    return [dense, pruned, retrained], support


def brute_force(rule, p, s, ridge, fixed):
    """Mean squared errors on the sample left out: dense, pruned, retrained."""
    x, y = np.asarray(sample().features).T, np.asarray(sample().target)
    support = pipeline(rule, x, y, p, s, ridge)[1] if fixed else None
    errors = []
    for i in range(N):
        others = np.arange(N) != i
        models, _ = pipeline(rule, x[others], y[others], p, s, ridge, support)
        errors.append([(y[i] - x[i] @ b) ** 2 for b in models])
    return np.mean(errors, axis=0)


def smoother(p, support, ridge, refit):
    """The matrix H of fitted values H y on a fixed support, by fits to unit vectors."""
    x = np.asarray(sample().features).T
    matrix = np.empty((N, N))
    for i, unit in enumerate(np.eye(N)):
        model = pipeline(None, x, unit, p, 0, ridge, support)[0]
        matrix[:, i] = x @ model[2 if refit else 1]
    return matrix


@pytest.mark.slow
@pytest.mark.parametrize("rule, ridge", [*((rule, 0.0) for rule in RULES), (pruning.magnitude, 0.7)])
def test_estimates_are_brute_force(x64, rule, ridge):
    fits = leave_one_out.leave_one_out(sample(), WIDTHS, ridge)
    pruned, retrained = risk_estimators.estimate(fits, problem(), rule, KEY, KEPT)
    x, y = np.asarray(sample().features).T, np.asarray(sample().target)
    optimism = []
    for w, p in enumerate(WIDTHS):
        for k, s in enumerate(KEPT):
            whole, naive = (brute_force(rule, p, s, ridge, fixed) for fixed in (False, True))
            judge.exact(fits.loo[w], whole[0], 1e-6)
            for found, place in ((pruned, 1), (retrained, 2)):
                judge.exact(found.whole[w, k], whole[place], 1e-6)
                judge.exact(found.naive[w, k], naive[place], 1e-6)
            support = pipeline(rule, x, y, p, s, ridge)[1]
            optimism.append(whole[2] / naive[2])
            for found, refit in ((pruned, False), (retrained, True)):
                h = smoother(p, support, ridge, refit)
                if not np.allclose(h, np.eye(N), atol=1e-6):  # an interpolator's GCV is a limit
                    expected = np.mean((y - h @ y) ** 2) / (1 - np.trace(h) / N) ** 2
                    judge.exact(found.gcv[w, k], expected, 1e-6)
    if rule is not pruning.random:
        assert max(optimism) > 1.1  # the spoiled twin: a fixed support is another estimate
    else:
        judge.exact(optimism, np.ones(len(optimism)), 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("ridge", [0.0, 0.7])
def test_the_dense_estimates(x64, ridge):
    fits = leave_one_out.leave_one_out(sample(), WIDTHS, ridge)
    path = least_squares.min_norm_path(sample(), WIDTHS, ridge)
    judge.exact(fits.coef, path.coef, 1e-9)
    x, y = np.asarray(sample().features).T, np.asarray(sample().target)
    for w, p in enumerate(WIDTHS):
        for i in range(N):
            others = np.arange(N) != i
            expected = np.zeros(DIM)
            expected[:p] = fit(x[others, :p], y[others], ridge)
            judge.exact(fits.coef[w] - fits.step[w, :, i] * fits.residual[w, i], expected, 1e-7)
        tiny = ridge or 1e-5  # GCV of interpolators is the limit of ridge
        h = x[:, :p] @ np.linalg.solve(x[:, :p].T @ x[:, :p] + tiny * np.eye(p), x[:, :p].T)
        gcv = np.mean((y - h @ y) ** 2) / (1 - np.trace(h) / N) ** 2
        judge.exact(fits.gcv[w], gcv, 1e-9 if ridge else 3e-3)


def test_all_kept_is_dense_and_none_kept_is_null(x64):
    fits = leave_one_out.leave_one_out(sample(), WIDTHS)
    pruned, retrained = risk_estimators.estimate(fits, problem(), pruning.magnitude, KEY, [0, DIM])
    for found in (pruned, retrained):
        for values, dense in ((found.whole, fits.loo), (found.naive, fits.loo), (found.gcv, fits.gcv)):
            judge.exact(values[:, 0], np.full(len(WIDTHS), np.mean(np.asarray(sample().target) ** 2)))
            judge.exact(values[:, 1], dense, 1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule, kept, method, ridge",
    [
        (pruning.grouped(pruning.magnitude, 2), [0, 1, 4], "cholesky", 0.0),
        (pruning.empirical_hessian, KEPT, "svd", 0.7),
        (pruning.oracle, [3, 20], "cholesky", 0.7),
    ],
)
def test_estimates_need_no_steps(x64, rule, kept, method, ridge):
    """One width after another, as all at once. Moments of the sample are shared, or they are not."""

    @functools.partial(jax.jit, static_argnums=2)
    def all_of(features, target, steps):
        data = least_squares.Data(features, target, method, method == "svd")
        fits = leave_one_out.leave_one_out(data, [2, 8, 10, 14, 24], ridge, steps)
        assert steps == (fits.step is not None)
        found = risk_estimators.estimate(fits, problem(), rule, KEY, kept)
        return fits.coef, fits.residual, fits.loo, fits.gcv, fits.condition, found

    ways = (jax.tree.leaves(all_of(sample().features, sample().target, steps)) for steps in (False, True))
    for found, expected in zip(*ways, strict=True):
        judge.exact(found, expected, 1e-10)


@pytest.mark.slow
def test_without_steps_memory_does_not_grow_with_the_widths():
    """Temporaries for 4 and for 16 widths of 64 features and 32 samples."""

    def temporaries(steps, widths):
        def estimates(features, target):
            fits = leave_one_out.leave_one_out(least_squares.Data(features, target), widths, steps=steps)
            return fits.loo, risk_estimators.estimate(fits, None, pruning.magnitude, KEY, [8])

        shapes = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((64, 32), (32,)))
        return jax.jit(estimates).lower(*shapes).compile().memory_analysis().temp_size_in_bytes

    few, many, held = [48, 56, 60, 64], list(range(49, 65)), 12 * 64 * 32 * 4
    assert temporaries(False, many) - temporaries(False, few) < 0.25 * held
    assert temporaries(True, many) - temporaries(True, few) > 0.9 * held  # the spoiled twin holds the steps


@pytest.mark.slow
@pytest.mark.parametrize("width", [5, 40])
def test_leaving_one_out_of_everything_is_unbiased_at_one_sample_less(x64, width):
    """Mean over draws of the estimate = mean risk of the pipeline at n - 1. The naive estimate is too small."""
    eigs = spectra.constant(40)
    truth = LinearGaussian(eigs, teachers.cosine(eigs), 0.5, 16)
    kept = [4]

    def trial(key):
        data = least_squares.draw(truth, key)
        fits = leave_one_out.leave_one_out(data, [width])
        estimates = risk_estimators.estimate(fits, truth, pruning.magnitude, KEY, kept)
        less = least_squares.Data(data.features[:, 1:], data.target[1:])
        path = least_squares.min_norm_path(less, [width])
        order = pruning.ranking(path, truth, [pruning.magnitude], KEY)
        risks = (
            pruning.risk_surface(path, truth, order, kept)[0, 0, 0],
            pruning.retrained_surface(less, truth, order, [width], kept)[0, 0, 0],
        )
        whole = jnp.stack([e.whole[0, 0] for e in estimates])
        naive = jnp.stack([e.naive[0, 0] for e in estimates])
        return whole, naive, jnp.stack(risks)

    whole, naive, risk = jax.jit(lambda keys: jax.lax.map(trial, keys))(jax.random.split(jax.random.key(7), 1500))
    level = np.mean(risk, axis=0)
    judge.statistical(whole - risk + level, level, spoil=1.1)
    with pytest.raises(AssertionError):
        judge.statistical(naive - risk + level, level)
    assert np.all(np.mean(naive, axis=0) < level)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda d: leave_one_out.leave_one_out(d, [5, 5]), "widths"),
        (lambda d: leave_one_out.leave_one_out(d, [25]), "widths"),
        (lambda d: leave_one_out.leave_one_out(d, [5], -1.0), "ridge"),
        (lambda d: leave_one_out.leave_one_out(least_squares.Data(d.features, d.target, "qr"), [5]), "data"),
        (lambda d: leave_one_out.leave_one_out(least_squares.Data(d.features[:, :1], d.target[:1]), [5]), "data"),
        (
            lambda d: risk_estimators.estimate(leave_one_out.leave_one_out(d, [5]), problem(), pruning.magnitude, KEY, [3, 2]),
            "kept",
        ),
    ],
)
def test_bad_input_is_named(x64, call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call(least_squares.Data(jnp.ones((DIM, N)), jnp.ones(N)))
