"""Fitted power laws: by brute force, against what two packages found, their rivals, goodness of fit, spectra, and bad input."""

import functools
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, special, stats

from jaxprune.simulate import tails
from jaxprune.simulate.tails import controls, power_law, power_law_rivals, power_law_scan, spectral_fit
from tests import grades as judge
from tests.data import power_law as made

RECORDED = json.loads(made.HERE.read_text())
DATA, MATRICES = made.fixtures(), made.matrices()
FIELDS = ("pdf_exponent", "xmin", "ks", "tail_count")
RNG = np.random.default_rng(5)


def brute(x, two_sided=False):
    """Every candidate's every datum."""
    x = np.sort(x)
    found = (np.inf,)
    for i in range(len(x)):
        if (i and x[i] == x[i - 1]) or x[i] == x[-1]:
            continue
        tail = x[i:]
        n = len(tail)
        index = n / np.sum(np.log(tail / x[i]))
        fitted = 1 - (tail / x[i]) ** -index
        ks = np.max(np.abs(fitted - np.arange(n) / n))
        if two_sided:
            ks = max(ks, np.max(np.abs(fitted - np.arange(1, n + 1) / n)))
        found = min(found, (ks, i, index + 1, x[i], n))
    ks, _, exponent, xmin, n = found
    return exponent, xmin, ks, n


def fields(found):
    return [float(getattr(found, name)) for name in FIELDS]


def close(found, expected, tolerance=1e-9):
    for value, other in zip(found, expected, strict=True):
        judge.exact(value, other, tolerance, spoil=1.0001)


# Against other routes.


@pytest.mark.parametrize("ks", power_law.DISTANCES)
@pytest.mark.parametrize("name", DATA)
def test_the_scan_finds_what_brute_force_finds(name, ks):
    close(fields(power_law.fit(DATA[name], ks)), brute(DATA[name], ks == "two_sided"))


@pytest.mark.parametrize("size", [2, 3, 17, 40])
def test_brute_force_of_few_data(size):
    x = RNG.pareto(1.5, size) + 1
    close(fields(power_law.fit(x)), brute(x))


def test_the_two_distances_are_not_the_same():
    chosen = [[float(power_law.fit(x, ks).xmin) for ks in power_law.DISTANCES] for x in DATA.values()]
    assert any(one != other for one, other in chosen)


@pytest.mark.parametrize("name", DATA)
def test_packages_found_the_same(name):
    found, recorded = power_law.fit(DATA[name]), RECORDED["data"][name]
    judge.exact(np.sum(DATA[name]), recorded["sum"], 1e-12)
    if name == "ties":  # each package has its own way with equal data, neither is that of Clauset's code
        return
    close(fields(found), [recorded["powerlaw"][field] for field in FIELDS])
    if name != "few":  # under 20 it has another formula
        close(fields(found), [recorded["weightwatcher"][field] for field in FIELDS])
        close([found.pdf_exponent_error], [recorded["weightwatcher"]["error"]])


def test_the_packages_quirks_are_there():
    """powerlaw's range of exponents, its ties, and the jump of weightwatcher at 20 points; none is ours."""
    light = [n for n in DATA if RECORDED["data"][n]["powerlaw"]["pdf_exponent"] > 3 and n != "ties"]
    assert len(light) >= 3
    for name in light:
        default = RECORDED["data"][name]["powerlaw_by_default"]["pdf_exponent"]
        assert default < 3.001 and abs(float(power_law.fit(DATA[name]).pdf_exponent) / default - 1) > 0.01
    ties, few = RECORDED["data"]["ties"], RECORDED["data"]["few"]
    assert ties["powerlaw"]["ks"] != pytest.approx(ties["weightwatcher"]["ks"], rel=1e-3)
    assert few["powerlaw"]["pdf_exponent"] != pytest.approx(few["weightwatcher"]["pdf_exponent"], rel=1e-3)


def test_known_case_of_quantiles():
    found = power_law.fit(made.quantiles(200, 1.5))
    close(fields(found), [2.5063794514559934, 1.0016701466226623, 0.0033645008566743906, 200], 1e-8)
    close([found.tail_index_error, found.tail_index], [0.10651711251646045, 1.5063794514559934], 1e-8)
    assert found.every and int(found.candidates) == 199 and found.reason == ""


# Many data.


def test_some_candidates_of_many_do_for_all():
    """1,000 in equal steps and 1,000 around the best: the distance is nearly the least, and the result says that they are
    some."""
    rng = np.random.default_rng(6)
    for tail in (rng.pareto(1.5, 60_000), np.abs(rng.standard_t(3, 60_000))):
        some, every = power_law.fit(tail), power_law.fit(tail, candidates=60_000)
        assert not some.every and every.every and int(every.candidates) == 59_999
        assert 700 < int(some.candidates) <= 2000
        assert float(every.ks) <= float(some.ks) < 1.05 * float(every.ks)
        assert abs(float(some.tail_index - every.tail_index)) < float(every.tail_index_error)


def test_few_candidates_are_tried_as_asked():
    x = np.sort(RNG.pareto(1.5, 3000))
    found = power_law.fit(x, candidates=20)
    assert int(found.candidates) <= 40
    place = np.searchsorted(x, float(found.xmin))
    index = (3000 - place) / np.sum(np.log(x[place:] / x[place]))
    judge.exact(found.tail_index, index, 1e-10)
    assert float(power_law.fit(x).ks) <= float(found.ks)


# Invariances, failures, programs.


def test_scale_order_and_precision_do_not_matter():
    x = DATA["lomax 1.5"]
    first = power_law.fit(x)
    for other, factor in ((x[::-1] * 1e200, 1e200), (x * 1e-200, 1e-200), (x * 3, 3)):
        found = power_law.fit(other)
        close([found.tail_index, found.ks, found.xmin / factor], [first.tail_index, first.ks, first.xmin], 1e-10)
    single = x.astype(np.float32)
    close(fields(power_law.fit(single)), fields(power_law.fit(single.astype(float))), 1e-15)


def test_a_tail_of_few_data_is_marked_as_failed():
    found = power_law.fit(np.array([1.0, 2.0, 3.5]))
    assert int(found.failed) == 3 and "fewer than 10" in found.reason
    with pytest.raises(ValueError, match="found: .*fewer than 10"):
        power_law_rivals.compare(np.array([1.0, 2.0, 3.5]), found)


def test_inside_a_program_failures_are_data(x64):
    x = np.stack([DATA["cauchy"], DATA["cauchy"], np.full(600, 2.0), DATA["cauchy"], DATA["cauchy"]])
    x[1, 7], x[3, 0], x[4, 5] = np.nan, 0.0, np.inf
    found = jax.jit(jax.vmap(power_law.fit))(jnp.asarray(x))
    assert found.failed.tolist() == [0, 1, 2, 1, 1]
    close([v[0] for v in (found.pdf_exponent, found.xmin, found.ks)], fields(power_law.fit(x[0]))[:3])
    for values in (found.tail_index, found.pdf_exponent, found.tail_index_error, found.xmin, found.ks):
        assert np.all(np.isnan(values[1:]))


def test_a_float32_program_is_refused():
    with pytest.raises(ValueError, match="float64"):
        jax.jit(power_law.fit)(jnp.ones(30, jnp.float32))
    with pytest.raises(ValueError, match="float64"):
        jax.jit(spectral_fit.fit)(jnp.ones((30, 3), jnp.float32))


@pytest.mark.parametrize(
    "bad, words",
    [
        ([1.0, 0.0, 2.0], "x: 1 of 3 numbers are below .* leave zeros out"),
        ([1.0, -1.0, 2.0], "x: 1 of 3 numbers are below .* the least -1"),
        ([1.0, np.nan], "x: 1 of 2 numbers are not finite"),
        ([1.0, np.inf], "x: 1 of 2 numbers are not finite"),
        ([3.0, 3.0, 3.0], "x: 3 numbers with fewer than two distinct"),
        ([3.0], "x: 1 numbers with fewer than two distinct"),
        ([1e-320, 1.0], "x: 1 of 2 numbers are below .* scale them"),
        ([], "x: .*distinct"),
        ([[1.0, 2.0]], r"x: float64 of shape \(1, 2\)"),
        (["a", "b"], "x: .*real numbers"),
        ([True, False], "x: bool of shape"),
        ([1.0 + 1j, 2.0], "x: complex128"),
    ],
)
def test_bad_data_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        power_law.fit(np.array(bad))


def test_bad_options_are_refused():
    x = DATA["cauchy"]
    with pytest.raises(ValueError, match="ks: 'kuiper'"):
        power_law.fit(x, "kuiper")
    with pytest.raises(ValueError, match="candidates: 1 "):
        power_law.fit(x, candidates=1)
    found = power_law.fit(x)
    with pytest.raises(ValueError, match="found: a tail of"):
        power_law_rivals.compare(x[:-1], found)
    with pytest.raises(ValueError, match="found: a tail of"):
        tails.goodness_of_fit(jax.random.key(0), x[:-1], found, 10)
    with pytest.raises(ValueError, match="draws: 0"):
        tails.goodness_of_fit(jax.random.key(0), x, found, 0)


def test_exponents_above_a_datum_have_the_mean_of_a_gamma_law(x64):
    """n/sum log over the smallest: alpha n/(n - 2)."""
    x = jnp.sort(jnp.asarray(RNG.random((4000, 12))) ** (-1 / 1.5), axis=1)
    rates = 12 / jax.vmap(lambda row: power_law_scan.excesses(power_law_scan.logarithms(row))[0])(x)
    judge.statistical(rates, 1.5 * 12 / 10)


# Rivals.


@functools.cache
def rivals(name):
    return power_law_rivals.compare(DATA[name], power_law.fit(DATA[name]))


def density(name, p, xmin):
    """Its logarithm above xmin, from the parameters."""
    if name == "log-normal":
        law = stats.norm(p["mu"], p["sigma"])
        return lambda x: law.logpdf(np.log(x)) - np.log(x) - law.logsf(np.log(xmin))
    if name == "exponential":
        return lambda x: np.log(p["rate"]) - p["rate"] * (x - xmin)
    if name == "stretched exponential":
        rise, rate = p["power"], p["rate"]
        return lambda x: np.log(rise * rate) + (rise - 1) * np.log(x) - rate * xmin**rise * special.powm1(x / xmin, rise)
    shape, rate = p["exponent"], p["rate"] * xmin
    cuts = np.linspace(0, np.log(800 / rate + 2), 30)
    mass = sum(
        integrate.quad(lambda t: np.exp((1 - shape) * t - rate * np.expm1(t)), *ends, epsabs=0, epsrel=1e-11)[0]
        for ends in itertools.pairwise(cuts)
    )
    return lambda x: -shape * np.log(x / xmin) - rate * (x / xmin - 1) - np.log(mass) - np.log(xmin)


TOLD = [n for n in DATA if int(power_law.fit(DATA[n]).failed) == 0]


@pytest.mark.parametrize("name", TOLD)
def test_rivals_are_at_the_maximum_of_their_likelihood(name):
    """By densities written anew: the ratio is right, and a change of any parameter makes it worse."""
    found = power_law.fit(DATA[name])
    xmin, index = float(found.xmin), float(found.tail_index)
    tail = DATA[name][DATA[name] >= xmin]
    power = np.log(index / xmin) - (index + 1) * np.log(tail / xmin)
    for rival, verdict in rivals(name).items():
        assert not verdict.failed
        if verdict.itself:
            assert verdict.log_ratio == 0 and verdict.p_value == 1
            continue
        terms = power - density(rival, verdict.parameters, xmin)(tail)
        assert abs(np.sum(terms) - verdict.log_ratio) < 1e-6 * (1 + abs(verdict.log_ratio))
        judge.exact(verdict.deviate, np.sum(terms) / np.std(terms) / np.sqrt(len(terms)), 1e-3)
        for parameter, value in verdict.parameters.items():
            for factor in (0.98, 1.02):
                other = density(rival, {**verdict.parameters, parameter: value * factor}, xmin)(tail)
                assert np.sum(power - other) > verdict.log_ratio - 1e-9, (rival, parameter)


@pytest.mark.parametrize("name", [n for n in TOLD if n != "ties"])
def test_packages_ratios_are_ours_where_their_optimum_is(name):
    """Exponential and cut-off agree; the package's stretched exponential stops short of its maximum, and its log-normal
    likelihood is too large where the end of the tail lies many deviates above the mean: there ours is the power law itself."""
    recorded = RECORDED["data"][name]["ratios"]
    for rival in ("exponential", "exponential cut-off"):
        mine, theirs = rivals(name)[rival], recorded[rival]
        assert mine.log_ratio == pytest.approx(theirs["log_ratio"], rel=1e-5, abs=1e-5)
        assert mine.p_value == pytest.approx(theirs["p_value"], rel=2e-3, abs=1e-9)
    assert rivals(name)["stretched exponential"].log_ratio <= recorded["stretched exponential"]["log_ratio"] + 1e-6
    log_normal = rivals(name)["log-normal"]
    if not log_normal.itself:
        assert log_normal.log_ratio == pytest.approx(recorded["log-normal"]["log_ratio"], rel=1e-4, abs=1e-5)


def test_a_law_wins_on_its_own_data():
    heavy = RNG.random(3000) ** (-1 / 1.5)
    verdict = power_law_rivals.compare(heavy, power_law.fit(heavy))["exponential"]
    assert verdict.deviate > 3 and verdict.p_value < 1e-3
    light = np.concatenate([np.full(5, 1.0), 1 + RNG.exponential(size=4000)])
    found = power_law.fit(light, candidates=2)  # the whole sample, or next to nothing of it
    assert int(found.tail_count) > 4000
    for name, verdict in power_law_rivals.compare(light, found).items():
        assert verdict.log_ratio < -100 and verdict.p_value < 1e-6, name


# Goodness of fit.


@pytest.mark.slow
def test_goodness_of_fit_accepts_quantiles_of_pareto_and_rejects_what_is_not():
    """Quantiles fit better than any draw of the law; how often draws are rejected is tested below."""
    x = made.quantiles(400, 1.5)
    found = tails.goodness_of_fit(jax.random.key(1), x, power_law.fit(x), 100)
    assert float(found.p_value) == 1 and int(found.draws) == 100
    assert float(found.p_value) == np.mean(np.asarray(found.ks) >= float(power_law.fit(x).ks))
    wrong = np.concatenate([1 + np.arange(2000) / 2000, 3 + np.arange(1000) / 1000])
    assert float(tails.goodness_of_fit(jax.random.key(1), wrong, power_law.fit(wrong), 100).p_value) < 0.05


@pytest.mark.slow
def test_p_values_of_pareto_data_are_not_small_too_often():
    keys = jax.random.split(jax.random.key(2), 60)
    data = [np.random.default_rng(i).random(200) ** (-1 / 1.5) for i in range(60)]
    small = sum(
        float(tails.goodness_of_fit(k, x, power_law.fit(x), 60).p_value) <= 0.1 for k, x in zip(keys, data, strict=True)
    )
    assert small <= stats.binom.isf(1e-6, 60, 0.1)
    light = [1 + np.abs(np.random.default_rng(i).standard_normal(800)) for i in range(60)]
    spoiled = sum(
        float(tails.goodness_of_fit(k, x, power_law.fit(x), 60).p_value) <= 0.1 for k, x in zip(keys, light, strict=True)
    )
    assert spoiled > stats.binom.isf(1e-6, 60, 0.1), "the test must be able to say no"


# Spectra.


@pytest.mark.parametrize("name", MATRICES)
def test_columns_of_weightwatcher(name):
    recorded = RECORDED["spectra"][name]
    found = spectral_fit.fit(MATRICES[name], cut=1e-5)
    fit = recorded["fit"]
    close([getattr(found.fit, field) for field in fit], fit.values(), 1e-7)
    close([getattr(found, column) for column in recorded["columns"]], recorded["columns"].values(), 1e-7)
    assert int(found.dropped) == recorded["dropped"]


def test_their_cut_changes_with_the_scale_and_ours_does_not():
    small = MATRICES["small"]
    assert RECORDED["spectra"]["small"]["dropped"] > 0
    ours, larger = spectral_fit.fit(small), spectral_fit.fit(small * 1e3)
    assert int(ours.dropped) == int(larger.dropped) == 0
    close([ours.fit.pdf_exponent, ours.stable_rank], [larger.fit.pdf_exponent, larger.stable_rank], 1e-9)
    theirs = [int(spectral_fit.fit(m, cut=1e-5).dropped) for m in (small, small * 1e3)]
    assert theirs[0] > theirs[1]


def test_a_spectrum_is_that_of_squared_singular_values():
    a = RNG.standard_normal((30, 20))
    doubled = spectral_fit.fit(np.hstack([a, a]))  # rank 20 of 30
    values = np.linalg.svd(a, compute_uv=False) ** 2
    assert int(doubled.dropped) == 10
    close(fields(doubled.fit), brute(2 * values))
    judge.exact(doubled.stable_rank, np.sum(values) / values[0])
    judge.exact(doubled.log_norm, np.log10(2 * np.sum(a**2)))


@pytest.mark.parametrize(
    "bad, words",
    [
        (np.zeros((3, 3)), "weights: the largest is 0"),
        (np.ones((3, 3)), "weights: 2 of 3 eigenvalues"),
        (np.linalg.qr(RNG.standard_normal((20, 20)))[0], "does not vary"),
        (np.full((3, 3), np.nan), "weights: hold NaN"),
        (np.arange(9).reshape(3, 3), "weights: int64"),
        (np.ones((2, 2, 2)), "weights: float64 of shape"),
        (np.ones((1, 5)), "both sides >= 2"),
        (np.eye(3) * 1e200, "range of floats"),
    ],
)
def test_matrices_without_a_spectrum_to_fit_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        spectral_fit.fit(bad)
    with pytest.raises(ValueError, match="cut: -1"):
        spectral_fit.fit(MATRICES["heavy"], cut=-1.0)


def test_inside_a_program_a_spectrum_that_does_not_vary_failed(x64):
    found = jax.jit(jax.vmap(spectral_fit.fit))(jnp.stack([jnp.eye(4), jnp.ones((4, 4)), jnp.full((4, 4), jnp.nan)]))
    assert found.fit.failed.tolist() == [2, 2, 1]
    assert np.all(np.isnan(found.alpha_weighted)) and found.num_pl_spikes.tolist() == [0, 0, 0]
    judge.exact(found.stable_rank[:2], [4.0, 1.0])


@pytest.mark.slow
def test_eigenvalues_of_heavy_tailed_matrices(x64):
    """Symmetric Pareto entries, tail index 1, 300 x 300: an independent simulation has the mean exponent 1.4725 +- 0.0181 (the
    limit is 1.5)."""

    def exponent(key):
        size, sign = jax.random.split(key)
        entries = (1 - jax.random.uniform(size, (300, 300))) ** -1.0 * jax.random.rademacher(sign, (300, 300), float)
        return spectral_fit.fit(entries).fit.pdf_exponent

    found = np.asarray(jax.jit(lambda keys: jax.lax.map(exponent, keys))(jax.random.split(jax.random.key(3), 30)))
    error = np.hypot(np.std(found, ddof=1) / np.sqrt(30), 0.0181)
    assert abs(np.mean(found) - 1.4725) < 4 * error
    assert abs(np.mean(found) - 1.75) > 4 * error  # the exponent that tail index 1.5 would have


def test_a_shuffled_layer_has_the_same_entries(x64):
    layer = jnp.asarray(MATRICES["heavy"])
    other = controls.shuffled(layer, jax.random.key(4))
    assert not np.array_equal(layer, other)
    judge.exact(np.sort(other, axis=None), np.sort(layer, axis=None), 1e-15)
