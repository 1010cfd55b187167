"""Stable laws: the cases, float32 against long doubles, a battery of tests that every law passes and no spoiled law does."""

import dataclasses
import functools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.simulate.stable import counters
from jaxprune.simulate.stable import laws as stable
from jaxprune.simulate.stable.counters import Angle
from jaxprune.simulate.stable.skewed import skew_constants
from tests import grades as judge

N = 200_000
U, W = np.array([-1.2, 0.3, 1.5]), np.array([0.5, 1.0, 2.0])
CASES = {
    "symmetric": [-1.6212342810058007, 0.45011002254627186, 6.360477498914701],
    "skewed": [-2.267900699271867, -0.8986281096925015, 11.78870740613666],
    "positive": [0.596020290523073, 0.6477227928050097, 35.65008664706036],
}
LIMIT = stats.norm.isf(judge.LEVEL / 2)
draw = jax.jit(lambda law, key, shape: law.sample(key, shape), static_argnums=2)


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


def cases():
    angle, theta = stable.angle_from(U), stable.angle_from(np.array([0.1, 1.5, 3.1]) - np.pi / 2)
    w, skewed = jnp.asarray(W), stable.index(1.3)
    return {
        "symmetric": stable.symmetric_from(stable.index(1.5), angle, w),
        "skewed": stable.skewed_from(skewed, skew_constants(skewed, 0.7), angle, w, "S1"),
        "positive": stable.positive_from(stable.index(0.75), theta, w),
    }


def test_cases(x64):
    for name, found in cases().items():
        judge.exact(found, CASES[name], 1e-13)


def test_cases_in_float32():
    for name, found in cases().items():
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, CASES[name], 1e-5)


def grid(dtype, far_bits):
    """Angles and exponential variables over the whole range, with their complements as the draws have them."""
    near = np.concatenate([2.0 ** -np.linspace(far_bits, 1, 300), 1 - 2.0 ** -np.linspace(1.01, 20, 60)]).astype(dtype)
    w = np.concatenate([2.0 ** np.linspace(-33, 4.5, 120)]).astype(dtype)
    near, w = (x.ravel() for x in np.meshgrid(near, w))
    far = (1 - near.astype(np.longdouble)).astype(dtype)
    return near, w, Angle(jnp.full(near.shape, True), jnp.asarray(near), jnp.asarray(far))


def reference(alpha, near, w):
    """The textbook's formula with the angles that do not cancel, in long doubles."""
    alpha, near, w = np.longdouble(alpha), near.astype(np.longdouble), w.astype(np.longdouble)
    pi = 4 * np.arctan(np.longdouble(1))
    a = np.where(alpha * (1 - near) < 1, alpha * (1 - near), 2 - alpha + alpha * near)
    c = min(alpha, 2 - alpha) + abs(1 - alpha) * near
    sine, cosine, pole = (np.sin(pi / 2 * x) for x in (a, c, near))
    return sine * np.exp((1 - alpha) / alpha * np.log(cosine / w) - np.log(pole) / alpha)


@pytest.mark.parametrize("alpha", [0.5, 0.7, 1.0, 1.001, 1.3, 1.5, 1.9, 1.99, 1.999, 2.0])
def test_float32_over_the_whole_range(alpha):
    near, w, angle = grid(np.float32, 32)

    def gap(given):
        found = stable.symmetric_from(stable.index(given), angle, jnp.asarray(w))
        return np.max(np.abs(np.asarray(found, np.longdouble) / reference(alpha, near, w) - 1))

    assert gap(alpha) < 6e-7
    assert gap(alpha - 1e-5) > 1e-5


@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.0, 1.3, 1.99, 1.999, 2.0])
def test_float64_over_the_whole_range(x64, alpha):
    near, w, angle = grid(np.float64, 63)
    found = stable.symmetric_from(stable.index(alpha), angle, jnp.asarray(w))
    assert np.max(np.abs(np.asarray(found, np.longdouble) / reference(alpha, near, w) - 1)) < 2e-13


@pytest.mark.parametrize("alpha", [0.5, 0.9, 0.999, 1.0, 1.001, 1.1, 1.5, 1.99])
@pytest.mark.parametrize("skew", [0.5, -1.0])
def test_skewed_in_float32_is_skewed_in_float64(alpha, skew):
    near, w, _ = grid(np.float32, 28)
    given = stable.index(alpha)

    def unit(parametrisation, dtype):
        angle = Angle(jnp.full(near.shape, True), jnp.asarray(near, dtype), jnp.asarray(1 - near.astype(dtype)))
        draws = stable.skewed_from(given, skew_constants(given, skew), angle, jnp.asarray(w, dtype), parametrisation)
        return np.asarray(draws, float)

    single = unit("S0", np.float32)
    with jax.enable_x64(True):
        double = unit("S0", np.float64)
    assert np.max(np.abs(single - double) / (1 + np.abs(double))) < 2e-5


def test_the_hash_has_its_known_answers():
    for seed, count, answer in (
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ):
        words = [tuple(jnp.uint32(x) for x in pair) for pair in (seed, count)]
        assert tuple(int(x) for x in counters.threefry(*words)) == answer


def test_random_numbers_are_dense_at_both_ends():
    ends = jnp.asarray([0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF], jnp.uint32)
    angle, w = counters._single(ends, ends)
    assert np.all(np.asarray(angle.near) > 0) and np.all(np.asarray(angle.far) > 0)
    assert float(jnp.min(angle.near)) == float(jnp.min(angle.far)) == 2.0**-32
    np.testing.assert_allclose(w, -np.log((np.array(ends, float) + 0.5) / 2**32), 2e-7)


LAWS = {
    "symmetric": lambda a, s: stable.Symmetric(a, s),
    "skewed S0": lambda a, s: stable.Skewed(a, 0.6, s),
    "skewed S1": lambda a, s: stable.Skewed(a, -1.0, s, "S1"),
    "gaussian": lambda a, s: stable.Gaussian(s * a / np.sqrt(2)),
    "sum": lambda a, s: stable.Sum((stable.Symmetric(a, s * 0.5 ** (1 / a)), stable.Symmetric(a, s * 0.5 ** (1 / a)))),
    "common": lambda a, s: stable.Common(a, s),
    "isotropic": lambda a, s: stable.Isotropic(a, s),
}
INDICES = {
    **dict.fromkeys(LAWS, (0.5, 0.9, 1.0, 1.5, 1.99, 2.0)),
    "gaussian": (1.0,),
    "skewed S0": (0.7, 0.95, 0.9999, 1.0, 1.05, 1.5, 2.0),
    "skewed S1": (0.7, 1.0, 1.3),
}
TIMES = np.array([0.2, 0.5, 1.0, 2.0])


def exponent(name, alpha, time):
    """Of the characteristic function at one argument, for scale 1."""
    if name == "gaussian":
        return -(time**2)  # scale alpha / sqrt 2 with alpha = 1 gives a quarter of it
    skew = {"skewed S0": 0.6, "skewed S1": -1.0}.get(name, 0.0)
    if alpha == 1:
        return -time - 1j * skew * (2 / np.pi) * time * np.log(time)
    shift = time if name == "skewed S0" else 0.0
    return -(time**alpha) + 1j * skew * np.tan(np.pi * alpha / 2) * (time**alpha - shift)


def waves(name, alpha, draws):
    """Real and imaginary part of ``exp(i t X)`` less its expectation."""
    if name == "gaussian":
        draws = 2 * draws
    if name in ("common", "isotropic"):
        draws = draws @ (np.ones(3) / (3 if name == "common" else 3**0.5))
    expected = np.exp([exponent(name, alpha, t) for t in TIMES])
    found = np.exp(1j * draws[:, None] * TIMES)
    return np.concatenate([found.real - expected.real, found.imag - expected.imag], 1)


def sample(law, name, seed=0):
    shape = (N, 3) if name in ("common", "isotropic") else (N,)
    return np.asarray(draw(law, jax.random.key(seed), shape), float)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:alpha")
@pytest.mark.parametrize("name,alpha", [(n, a) for n in LAWS for a in INDICES[n]])
def test_characteristic_functions(name, alpha):
    limit = stats.norm.isf(judge.LEVEL / 16)
    found = waves(name, alpha, sample(LAWS[name](alpha, 1.0), name))
    assert np.max(judge.deviates(found, 0.0)) < limit
    for spoiled in (LAWS[name](alpha, 1.1), LAWS[name](alpha - 0.07, 1.0)):
        assert np.max(judge.deviates(waves(name, alpha, sample(spoiled, name)), 0.0)) > limit


@pytest.mark.parametrize("a", [0.45, 0.75, 0.95])
def test_laplace_transforms(a):
    def gap(law):
        return np.exp(-sample(law, "positive")[:, None] * TIMES) - np.exp(-(TIMES**a))

    limit = stats.norm.isf(judge.LEVEL / 8)
    assert np.max(judge.deviates(gap(stable.Positive(a)), 0.0)) < limit
    for spoiled in (stable.Positive(a, 1.1), stable.Positive(a - 0.03)):
        assert np.max(judge.deviates(gap(spoiled), 0.0)) > limit


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 1.99, 2.0])
def test_log_moments(alpha):
    mean, variance = np.euler_gamma * (1 / alpha - 1), np.pi**2 / 6 * (1 / alpha**2 + 0.5)

    def logs(law):
        log = np.asarray(jax.jit(lambda law, key: law.log_sample(key, (N,))[1])(law, jax.random.key(1)), float)
        return np.stack([log - mean, (log - mean) ** 2 - variance], 1)

    assert np.max(judge.deviates(logs(stable.Symmetric(alpha)), 0.0)) < LIMIT
    for spoiled in (stable.Symmetric(alpha, 1.1), stable.Symmetric(0.9 * alpha)):
        assert np.max(judge.deviates(logs(spoiled), 0.0)) > LIMIT


@pytest.mark.parametrize("alpha", [0.6, 1.0, 1.7])
def test_sums_are_stable(alpha):
    def p_value(power):
        parts = np.asarray(draw(stable.Symmetric(alpha), jax.random.key(2), (N, 4)), float)
        whole = np.asarray(draw(stable.Symmetric(alpha), jax.random.key(3), (N,)), float)
        return stats.ks_2samp(parts.sum(1) * 4**-power, whole).pvalue

    assert p_value(1 / alpha) > judge.LEVEL
    assert p_value(1 / alpha - 0.06) < judge.LEVEL


@pytest.mark.parametrize("alpha", [0.8, 1.5, 2.0])
def test_directions_are_uniform_and_apart_from_the_norm(alpha):
    def gaps(vectors):
        norm = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = vectors / norm
        far = np.where(norm > np.median(norm), 1.0, -1.0)
        pairs = unit[:, [0, 0, 1]] * unit[:, [1, 2, 2]]
        return np.concatenate([unit, unit**2 - 1 / 3, unit**4 - 1 / 5, pairs, far * (unit**4 - 1 / 5)], 1)

    limit = stats.norm.isf(judge.LEVEL / 30)
    assert np.max(judge.deviates(gaps(sample(stable.Isotropic(alpha), "isotropic")), 0.0)) < limit
    spoiled = np.asarray(draw(stable.Symmetric(alpha - 0.1), jax.random.key(0), (N, 3)), float)
    assert np.max(judge.deviates(gaps(spoiled), 0.0)) > limit


@pytest.mark.parametrize(
    "name,alpha", [("skewed S0", 0.8), ("skewed S0", 1.0), ("skewed S1", 1.0), ("skewed S1", 1.4), ("sum", 1.3)]
)
def test_increments_add_up(name, alpha):
    """Ten increments of a tenth have the law of one, whatever the shift that this takes."""
    law = LAWS[name](alpha, 1.0)
    keys = jax.random.split(jax.random.key(4), 10)

    def gap(step):
        return waves(name, alpha, np.sum(np.asarray(jax.jit(jax.vmap(step))(keys), float), 0))

    limit = stats.norm.isf(judge.LEVEL / 16)
    assert np.max(judge.deviates(gap(lambda key: law.increment(key, (N,), 0.1)), 0.0)) < limit
    wrong = 0.1 ** (1 / (alpha + 0.1))
    assert np.max(judge.deviates(gap(lambda key: wrong * law.sample(key, (N,))), 0.0)) > limit


def test_skewed_limits():
    key = jax.random.key(5)
    one_sided = stable.Skewed(0.7, 1.0, parametrisation="S1").sample(key, (N,))
    assert np.min(np.asarray(one_sided)) > 0
    positive = stable.Positive(0.7, np.cos(0.35 * np.pi) ** (-1 / 0.7)).sample(key, (N,))
    np.testing.assert_allclose(one_sided, positive, 1e-5)
    np.testing.assert_allclose(stable.Skewed(2.0, 0.9).sample(key, (N,)), stable.Symmetric(2.0).sample(key, (N,)), 2e-4, 1e-6)
    np.testing.assert_allclose(stable.Skewed(1.4, 0.0).sample(key, (N,)), stable.Symmetric(1.4).sample(key, (N,)), 1e-4, 1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        below, at, above = (np.asarray(stable.Skewed(a, 0.7).sample(key, (N,))) for a in (1 - 1e-6, 1.0, 1 + 1e-6))
    for beside in (below, above):
        assert np.max(np.abs(beside - at) / (1 + np.abs(at))) < 1e-4


def test_the_index_is_data():
    compiled = []

    @jax.jit
    def program(law, key):
        compiled.append(1)
        return law.sample(key, (1000,))

    key = jax.random.key(6)
    alphas = (0.5, 1.0, 1.3, 2.0)
    each = [program(stable.Symmetric(a), key) for a in alphas]
    assert len(compiled) == 1
    together = jax.jit(jax.vmap(lambda given: stable.Symmetric(given).sample(key, (1000,))))(stable.index(np.array(alphas)))
    np.testing.assert_allclose(together, each, 1e-6)
    batch = stable.Symmetric(np.array(alphas), 2.0)
    np.testing.assert_allclose(jax.jit(jax.vmap(program, (0, None)))(batch, key), 2 * jnp.stack(each), 1e-6)
    rows = stable.Symmetric(np.array(alphas)[:, None]).sample(key, (4, 1000))
    np.testing.assert_allclose(rows[0], each[0], 1e-6)


@pytest.mark.slow
def test_common_random_numbers_refine_and_extend():
    key = jax.random.key(7)
    near = [stable.Symmetric(a).sample(key, (N,)) for a in (1.75, 1.8)]
    assert all(np.array_equal(np.sign(near[0]), np.sign(x)) for x in near)
    assert stats.spearmanr(*near).statistic > 0.999
    for law in (stable.Symmetric(1.3), stable.Skewed(1.3, 0.4), stable.Isotropic(1.3), stable.Common(1.3), stable.Gaussian()):
        small = law.sample(key, (7, 5))
        assert np.array_equal(law.sample(key, (11, 5))[:7], small)
        with jax.enable_x64(True):
            np.testing.assert_allclose(law.sample(key, (7, 5), jnp.float32), small, 5e-6)
            fine = law.sample(key, (7, 5))
            assert fine.dtype == jnp.float64
            np.testing.assert_allclose(fine, small, 1e-4)


@pytest.mark.parametrize("implementation", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_other_generators(implementation):
    x = stable.Symmetric(1.0).sample(jax.random.key(8, impl=implementation), (N,))
    assert stats.kstest(np.asarray(x, float), "cauchy").pvalue > judge.LEVEL
    assert stats.kstest(np.asarray(x, float) * 1.1, "cauchy").pvalue < judge.LEVEL


@functools.partial(jax.jit, static_argnums=2)
def value(alpha, scale, dtype):
    return jnp.sum(jnp.log1p(stable.Symmetric(alpha, scale).sample(jax.random.key(9), (500,), dtype) ** 2))


slopes = jax.jit(jax.grad(value, (0, 1)), static_argnums=2)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.5, 0.9, 1.0, 1.5, 2.0])
def test_derivatives(x64, alpha):
    for dtype in (jnp.float32, jnp.float64):
        by_alpha, by_scale = slopes(alpha, 1.5, dtype)
        step = 1e-9  # a draw near a pole bends within 1e-6 of alpha = 2
        upper = alpha + step if alpha < 2 else alpha
        numeric = (value(upper, 1.5, jnp.float64) - value(alpha - step, 1.5, jnp.float64)) / (upper - alpha + step)
        np.testing.assert_allclose(by_alpha, numeric, 1e-3)
        numeric = (value(alpha, 1.5 + 1e-6, jnp.float64) - value(alpha, 1.5 - 1e-6, jnp.float64)) / 2e-6
        np.testing.assert_allclose(by_scale, numeric, 1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "build", [lambda a: stable.Positive(a / 2), lambda a: stable.Isotropic(a), lambda a: stable.Skewed(a, a / 4)]
)
def test_derivatives_are_finite(build):
    gradient = jax.jit(jax.grad(lambda a: jnp.mean(jnp.log1p(build(a).sample(jax.random.key(0), (500, 2)) ** 2))))
    assert all(np.isfinite(gradient(alpha)) for alpha in (1.0, 1.6, 2.0))


def test_log_magnitudes():
    key = jax.random.key(10)
    sign, log = stable.Symmetric(1.2, 3.0).log_sample(key, (1000,))
    np.testing.assert_allclose(sign * jnp.exp(log), stable.Symmetric(1.2, 3.0).sample(key, (1000,)), 1e-5)
    np.testing.assert_allclose(
        jnp.exp(stable.Positive(0.7).log_sample(key, (1000,))), stable.Positive(0.7).sample(key, (1000,)), 1e-5
    )
    with pytest.warns(UserWarning, match="0.01"):
        tiny = stable.Symmetric(0.01)
    assert np.all(np.isfinite(tiny.log_sample(key, (N,))[1])) and not np.all(np.isfinite(tiny.sample(key, (N,))))


LOGS = {
    "skewed S0": lambda a: stable.Skewed(a, 0.6, 2.0),
    "skewed S1": lambda a: stable.Skewed(a, -1.0, 2.0, "S1"),
    "isotropic": lambda a: stable.Isotropic(a, 2.0),
    "common": lambda a: stable.Common(a, 2.0),
    "gaussian": lambda a: stable.Gaussian(2.0 * a),
    "sum": lambda a: stable.Sum(stable.Gaussian(3.0), stable.Positive(min(a, 1.0))),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:alpha")
@pytest.mark.parametrize("name", list(LOGS))
def test_logarithms_of_draws_are_finite_where_draws_are_not(name):
    """In float32, at an alpha where draws overflow; elsewhere they are the logarithms of the draws."""
    key, shape = jax.random.key(12), (40_000, 3)
    for alpha in (0.05, 0.3, 0.95, 1.0, 1.5):
        law = LOGS[name](alpha)
        draws = np.asarray(law.sample(key, shape), float)
        sign, log = (np.asarray(part, float) for part in law.log_sample(key, shape))
        assert np.all(np.isfinite(log)) and np.all(np.abs(sign) == 1)
        seen = np.isfinite(draws) & (np.abs(draws) > 1e-30)
        assert alpha > 0.05 or name == "gaussian" or not np.all(np.isfinite(draws))
        np.testing.assert_array_equal(sign[seen], np.sign(draws[seen]))
        found, right = sign[seen] * np.exp(log[seen]), draws[seen]
        # A last digit of the logarithm is a relative error of the number; a shift of 1, or parts of 10 in a sum, cancel.
        size = np.abs(right) + (10 if name == "sum" else 1)
        digits = 3 * np.finfo(np.float32).eps * (2 + np.abs(log[seen])) * size
        assert np.all(np.abs(found - right) < digits) and not np.all(np.abs(1.001 * found - right) < digits)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:alpha")
@pytest.mark.parametrize("name", ["skewed S0", "skewed S1", "isotropic"])
def test_logarithms_in_float32_are_those_in_float64(name):
    law, key = LOGS[name](0.05), jax.random.key(13)
    sign, log = law.log_sample(key, (20_000, 2))
    with jax.enable_x64(True):
        fine_sign, fine = law.log_sample(key, (20_000, 2))
        assert float(jnp.max(fine)) > 89  # beyond float32
        far = fine > 1
        assert np.array_equal(sign[far], fine_sign[far])
        np.testing.assert_allclose(np.asarray(log)[far], np.asarray(fine)[far], 1e-4)


def test_neuron_noise():
    key = jax.random.key(11)
    for kinds, law in ((("I", 1), stable.Common), (("II", 2), stable.Symmetric), (("III", 3), stable.Isotropic)):
        assert all(type(stable.neuron_noise(kind, 1.5)) is law for kind in kinds)
    one = np.asarray(stable.neuron_noise("I", 1.5).sample(key, (4, 3)))
    assert np.array_equal(one, np.repeat(one[:, :1], 3, 1)) and len(np.unique(one)) == 4
    gaussian = np.asarray(stable.neuron_noise("III", 2.0, 0.5).sample(key, (N, 2)), float)
    judge.statistical(gaussian**2, np.full(2, 2 * 0.25))
    assert stats.kstest(gaussian[:, 0], stats.norm(scale=0.5**0.5).cdf).pvalue > judge.LEVEL


def test_sums_have_the_heaviest_index():
    law = stable.Sum((stable.Gaussian(0.3), stable.Symmetric(1.4)))
    assert float(law.index.alpha) == 1.4 and float(stable.Gaussian().index.alpha) == 2
    assert isinstance(law, stable.Law) and np.all(np.isfinite(law.increment(jax.random.key(0), (5,), 0.1)))
    np.testing.assert_array_equal(dataclasses.replace(stable.Symmetric(1.4), scale=0.0).sample(jax.random.key(0), (5,)), 0.0)


BAD = {
    "outside": [lambda a=a: stable.Symmetric(a) for a in (0.0, -1, 2.1, np.nan, np.inf, 1j, "1.5", True, [1.5, 3.0])],
    "positive": [lambda: stable.Positive(1.2)],
    "skew": [lambda b=b: stable.Skewed(1.5, b) for b in (1.1, -2, np.nan, 1j)],
    "scale": [lambda s=s: stable.Isotropic(1.5, s) for s in (-1, np.inf, np.nan, 1j)],
    "parametrisation": [lambda: stable.Skewed(1.5, 0.1, parametrisation="S2"), lambda: stable.Skewed(1.0005, 0.1, 1.0, "S1")],
    "noise": [lambda k=k: stable.neuron_noise(k, 1.5) for k in ("IV", 0, 4)],
    "shape": [lambda: stable.Isotropic(1.5).sample(jax.random.key(0), ()), lambda: counters.words(jax.random.key(0), 2**33, 0)],
    "swapped": [lambda: stable.Symmetric(1.5).increment(jax.random.key(0), 0.1, (3,))],
    "key": [lambda k=k: stable.Isotropic(1.5).sample(k, (3,)) for k in (0, jax.random.split(jax.random.key(0)), np.ones(2))],
    "dtype": [
        lambda: stable.Symmetric(1.5).sample(jax.random.key(0), (2,), jnp.int32),
        lambda: stable.Symmetric(1.5).sample(jax.random.key(0), (2,), jnp.float64),
        lambda: stable.Isotropic(1.5).sample(jax.random.key(0), (2,), "float64"),
    ],
    "step": [lambda h=h: stable.Symmetric(1.5).increment(jax.random.key(0), (2,), h) for h in (0.0, -1.0, np.nan)],
    "shapes": [lambda: stable.Symmetric([1.1, 1.2], [1.0, 2.0, 3.0])],
    "laws": [
        lambda: stable.Sum(()),
        lambda: stable.Sum(3),
        lambda: stable.Sum(stable.Symmetric, stable.Gaussian(1.0)),
        lambda: stable.Sum([stable.Gaussian(1.0), "Cauchy"]),
    ],
    "batch": [
        lambda: stable.Symmetric([1.1, 1.2]).sample(jax.random.key(0), (3,)),
        lambda: stable.Isotropic([1.1, 1.2], [1.0, 2.0]).sample(jax.random.key(0), (2, 2)),
        lambda: stable.Common([1.1, 1.2]).sample(jax.random.key(0), (2, 2)),
    ],
}


@pytest.mark.parametrize("bad", [bad for group in BAD.values() for bad in group])
def test_bad_input(bad, unchecked):
    with pytest.raises(ValueError, match=r"\w+: .*;"):
        bad()


def test_laws_to_add_come_together_or_one_by_one():
    parts = stable.Gaussian(0.3), stable.Symmetric(1.4)
    sums = [law.sample(jax.random.key(1), (5,)) for law in map(stable.Sum, (parts, list(parts)))]
    sums += [stable.Sum(*parts).sample(jax.random.key(1), (5,)), stable.Sum(laws=parts).sample(jax.random.key(1), (5,))]
    assert all(np.array_equal(x, sums[0]) for x in sums)
    assert not np.array_equal(stable.Sum(*parts[::-1]).sample(jax.random.key(1), (5,)), sums[0])


def test_float64_is_asked_for_where_it_is_switched_on():
    with pytest.raises(ValueError, match=r"^dtype: float64 needs jax\.enable_x64; "):
        stable.Positive(0.7).sample(jax.random.key(0), (3,), np.float64)
    assert stable.Positive(0.7).sample(jax.random.key(0), (3,), float).dtype == jnp.float32
    with jax.enable_x64(True):
        assert stable.Positive(0.7).sample(jax.random.key(0), (3,), np.float64).dtype == jnp.float64


def test_a_number_of_draws_is_a_shape():
    for law in (stable.Symmetric(1.5), stable.Isotropic(1.5), stable.Common(1.5), stable.Positive(0.7)):
        np.testing.assert_array_equal(law.sample(jax.random.key(0), 5), law.sample(jax.random.key(0), (5,)))


def test_warnings():
    with pytest.warns(UserWarning, match=r"0\.3 is below"):
        stable.Isotropic(0.3)
    with pytest.warns(UserWarning, match="within"):
        stable.Skewed(1.0005, 0.3)
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("error")
        stable.Symmetric(0.1).sample(jax.random.key(0), (3,))


def test_a_scale_of_zero_is_no_noise_even_where_draws_overflow():
    with pytest.warns(UserWarning, match="alpha"):
        laws = stable.Symmetric(0.05, 0.0), stable.Skewed(0.05, 0.5, 0.0)
    for law in laws:
        assert not np.any(law.sample(jax.random.key(0), (5000,)))


@pytest.mark.parametrize("skew", [0.0, 0.5, -0.9])
def test_the_derivative_in_alpha_is_continuous_at_two(skew):
    with jax.enable_x64(True):
        angle, exponential = stable.angle_from(jnp.asarray([-1.2, 0.3, 1.5])), jnp.asarray([0.5, 1.0, 2.0])

        def draw(alpha):
            index = stable.index(alpha)
            return stable.skewed_from(index, skew_constants(index, skew), angle, exponential)

        at, before = (jax.jit(jax.jacfwd(draw))(jnp.asarray(a)) for a in (2.0, 2 - 1e-9))
    judge.exact(at, before, 1e-5, 1.001)


def test_laws_have_short_names():
    both = stable.Sum((stable.Gaussian(0.1), stable.Isotropic(jnp.float32(1.6), scale=0.02)))
    assert repr(both) == "Sum(laws=(Gaussian(scale=0.1), Isotropic(1.6, scale=0.02)))"
    assert repr(stable.Skewed(1.5, 0.3, parametrisation="S1")) == "Skewed(1.5, skew=0.3, scale=1, parametrisation=S1)"
    assert repr(stable.index(0.7)) == "Index(0.7)" and repr(stable.Positive(0.7)) == "Positive(0.7, scale=1)"
    assert repr(stable.Common([1.2, 1.6, 2.0])) == "Common(float64[3], scale=float64[3])"
    seen = []
    jax.jit(lambda law: seen.append(repr(law)))(both)
    assert seen == ["Sum(laws=(Gaussian(scale=float32[]), Isotropic(float32[], scale=float32[])))"]
    assert all(len(repr(jax.tree.map(lambda leaf, other=other: other, both))) < 200 for other in (None, object(), "a"))
