"""Tail estimators: by hand, on laws whose index is known, their stated errors, invariances, and bad input."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.stable.laws import Isotropic, Skewed, Symmetric
from jaxprune.simulate.tails import (
    checks,
    extreme,
    quantile_ratio,
    stable_model,
    tail_report,
)
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")

REPLICAS, COUNT, SHORT = 100, 10_000, 2000
ESTIMATORS = {
    "block": lambda x: stable_model.block_log_moment(x, 10),
    "hill": lambda x: extreme.hill(x, 200),
    "moment": lambda x: extreme.moment(x, 200),
    "de_haan": lambda x: extreme.de_haan(x, 200),
    "pickands": lambda x: extreme.pickands(x, 400),
    "second_to_first": lambda x: extreme.second_to_first(x, 50),
    "log_variance": stable_model.log_variance,
    "characteristic": stable_model.characteristic,
    "quantiles": stable_model.quantiles,
    "participation": lambda x: stable_model.participation(x, 100),
}


@functools.cache
def stable(alpha, seed=0, replicas=REPLICAS, count=COUNT):
    return Symmetric(alpha).sample(jax.random.key(seed), (replicas, count))


@functools.cache
def student(nu, seed, replicas=REPLICAS, count=COUNT):
    return jax.random.t(jax.random.key(seed), nu, (replicas, count))


@functools.cache
def pareto(alpha, seed, replicas=REPLICAS, count=COUNT):
    return jax.random.uniform(jax.random.key(seed), (replicas, count), minval=1e-300) ** (-1 / alpha)


@functools.cache
def batched(function):
    """Compiled once for all tests."""
    return jax.jit(jax.vmap(function))


def many(name, x):
    return batched(ESTIMATORS[name])(x)


@functools.cache
def reports(family, index):
    """Of replicas of COUNT numbers."""
    return batched(tail_report.report)(DRAW[family](index, 7))


def first(found):
    return jax.tree.map(lambda a: a[0], found)


traced = jax.jit(tail_report.report)
tied, dependent, uneven = map(jax.jit, (checks.tied, checks.dependent, checks.uneven))


# By hand.


def test_hill_of_eight_numbers():
    x = jnp.array([0.3, -2.0, 5.5, -0.7, 1.1, 0.05, -3.2, 0.9])
    found = extreme.hill(x, 3)
    judge.exact(found.value, 3 / np.log(5.5 * 3.2 * 2.0 / 1.1**3))
    judge.exact(found.error, 0.915998217600891 / np.sqrt(3))
    judge.exact(found.inverse * found.value, 1.0)


def test_moments_of_two_excesses():
    x = jnp.exp(jnp.array([3.0, 1.0, 0.0, -1.0]))
    first, second = 2.0, 5.0
    judge.exact(extreme.moment(x, 2).inverse, first + 1 - 0.5 / (1 - first**2 / second))
    judge.exact(extreme.de_haan(x, 2).inverse, second / (2 * first))


def test_pickands_of_eight_numbers():
    x = jnp.array([100.0, 20.0, 9.0, 4.0, 3.0, 2.5, 2.2, 2.0])
    judge.exact(extreme.pickands(x, 8).inverse, np.log((20.0 - 4.0) / (4.0 - 2.0)) / np.log(2))
    judge.exact(extreme.pickands(x, 4).inverse, np.log((100.0 - 20.0) / (20.0 - 4.0)) / np.log(2))


def test_ratios_of_two_blocks():
    found = extreme.second_to_first(jnp.array([1.0, -4.0, 2.0, 0.5, -3.0, 2.4]), 3)
    z = np.mean([2 / 4, 2.4 / 3])
    judge.exact(found.value, z / (1 - z))


def test_two_block_sums():
    x = jnp.array([1.0, 2.0, -3.0, 5.0])
    judge.exact(stable_model.block_log_moment(x, 2).inverse, (np.log(3 * 2) / 2 - np.log(1 * 2 * 3 * 5) / 4) / np.log(2))
    rows = jnp.array([[3.0, 4.0], [0.0, 5.0], [6.0, 8.0], [6.0, 8.0]])
    norms = (np.log([np.hypot(3, 9), 20.0]).mean() - np.log([5, 5, 10, 10]).mean()) / np.log(2)
    judge.exact(stable_model.block_log_moment(rows, 2).inverse, norms)


def test_two_points_of_the_characteristic_function():
    x = jnp.array([-2.0, -1.0, 1.0, 3.0])
    phi = [np.cos(t * np.array(x) / 1.5).mean() for t in (0.2, 0.8)]
    judge.exact(stable_model.characteristic(x).value, np.log(np.log(phi[1]) / np.log(phi[0])) / np.log(4.0))


def test_participation_of_two_groups():
    shares = [(1 + 16) / 25, (1 + 1) / 4]
    judge.exact(stable_model.participation(jnp.array([1.0, 2.0, 3.0, -3.0]), 2).value, 2 * (1 - np.mean(shares)))


def test_quantile_ratio_at_known_points_and_back():
    judge.exact(quantile_ratio.ratio(jnp.array(2.0)), 1.6448536269514722 / 0.6744897501960817, 1e-9)
    judge.exact(quantile_ratio.ratio(jnp.array(1.5)), 3.149795084776515, 1e-9)
    judge.exact(quantile_ratio.ratio(jnp.array(1.0)), np.tan(0.45 * np.pi), 1e-9)
    index = jnp.linspace(0.1, 2, 41)
    judge.exact(jax.jit(quantile_ratio.inverse)(quantile_ratio.ratio(index)), index, 1e-9)
    assert quantile_ratio.inverse(jnp.array([1.0, 1e30])).tolist() == [2.0, 0.1]


def test_released_block_sizes():
    assert stable_model.block_sizes(10_000) == (2, 5, 10, 20, 50, 100, 500, 1000)
    assert stable_model.block_sizes(10) == (2, 5)
    assert stable_model.block_sizes(36) == (2, 4, 6, 9)  # 5 -> 4, 10 -> 9, 20 is above 18
    assert stable_model.block_sizes(15) == (3, 5)  # 2 -> 1 is left out


# Unbiased at any size.


@pytest.mark.parametrize("alpha", [0.6, 1.0, 1.3, 1.9, 2.0])
def test_block_sums_are_unbiased_for_the_inverse(alpha):
    found = jax.vmap(lambda x: stable_model.block_log_moment(x, 7).inverse)(stable(alpha, 1, 2000, 210))
    judge.statistical(found, 1 / alpha)


def test_block_sums_of_isotropic_vectors():
    rows = Isotropic(1.5).sample(jax.random.key(2), (2000, 100, 3))
    judge.statistical(jax.vmap(lambda x: stable_model.block_log_moment(x, 10).inverse)(rows), 1 / 1.5)


def test_block_sums_of_the_reference():
    # mean 1/alpha by an independent generator: 0.76966 +- 0.00064 (2000 samples); exactly 1/1.3
    found = np.asarray(jax.vmap(lambda x: stable_model.block_log_moment(x, 100).inverse)(stable(1.3, 3, 400)))
    error = np.hypot(0.00064, found.std() / np.sqrt(len(found)))
    assert abs(found.mean() - 0.7696621) < 4 * error
    assert abs(1.1 * found.mean() - 0.7696621) > 4 * error


@pytest.mark.parametrize("top", [5, 50])
def test_hill_and_the_ratio_of_moments_on_pareto(top):
    x = pareto(1.7, 4, 4000, 200)
    judge.statistical(jax.vmap(lambda x: extreme.hill(x, top).inverse)(x), 1 / 1.7)


def test_log_variance_of_vectors():
    rows = Isotropic(1.2).sample(jax.random.key(5), (400, 2000, 4))
    found = jax.vmap(stable_model.log_variance)(rows)
    square = found.inverse**2  # unbiased, as a variance is
    judge.statistical(square, 1 / 1.2**2)


# Stated errors.

CALIBRATED = {
    "block": ("stable", 1.5),
    "hill": ("pareto", 1.5),
    "moment": ("pareto", 1.5),
    "de_haan": ("pareto", 1.5),
    "pickands": ("pareto", 1.5),
    "second_to_first": ("pareto", 1.5),
    "log_variance": ("stable", 1.5),
    "characteristic": ("stable", 1.5),
    "quantiles": ("stable", 1.5),
}
DRAW = {"stable": stable, "pareto": pareto, "student": student}


@pytest.mark.parametrize("name", list(CALIBRATED))
def test_stated_errors_are_those_of_the_replicas(name):
    """(estimate - truth)/error has mean near 0 and mean square 1; an error 1.8 times too small or too large is noticed."""
    family, alpha = CALIBRATED[name]
    found = many(name, DRAW[family](alpha, 7))
    assert bool(jnp.all(found.valid))
    deviate = np.asarray((found.inverse - 1 / alpha) / found.inverse_error)
    assert abs(np.mean(deviate)) < 0.45  # biases of higher order are below half an error
    spread = np.sqrt(np.mean(deviate**2))
    assert 0.75 < spread < 1.33  # 4 standard errors of 100 replicas
    assert not 0.75 < spread / 1.8 < 1.33 and not 0.75 < spread * 1.8 < 1.33


# The table of guide/tails.md, A report: medians at N = 10^4 by an independent implementation.
TABLE = {
    ("stable", 1.5): dict(block=1.49, hill=1.60, moment=1.53, log_variance=1.49, characteristic=1.49),
    ("stable", 1.9): dict(block=1.88, hill=3.17, moment=1.97, log_variance=1.91, characteristic=1.90),
    ("student", 3.0): dict(block=1.65, hill=2.80, moment=3.04, log_variance=1.60, characteristic=1.65),
    ("student", 1.5): dict(block=1.29, hill=1.50, moment=1.52, log_variance=1.26, characteristic=1.26),
}


@pytest.mark.slow
@pytest.mark.parametrize("family, alpha", list(TABLE))
def test_medians_of_the_table(family, alpha):
    x = DRAW[family](alpha, 7)
    for name, expected in TABLE[family, alpha].items():
        found = many(name, x)
        # both medians are of a few hundred replicas; the table has two decimals
        error = 1.25 * float(jnp.median(found.error)) * np.sqrt(1 / 20 + 1 / REPLICAS) + 0.01
        assert abs(float(jnp.median(found.value)) - expected) < 3 * error, name
    block = float(jnp.median(many("block", x).value))
    assert abs(block - 1.1 * TABLE[family, alpha]["block"]) > 0.06


def test_a_shift_ruins_estimates_and_the_median_mends_them():
    x = stable(1.5, 7) + 1
    assert abs(float(jnp.median(many("block", x).value)) - 1.09) < 0.02
    assert abs(float(jnp.median(many("log_variance", x).value)) - 1.73) < 0.03
    mended = jax.vmap(extreme.centred)(x)
    for name in ("block", "log_variance", "characteristic"):
        assert abs(float(jnp.median(many(name, mended).value)) - 1.5) < 0.02, name


def test_block_sums_on_student_by_the_reference():
    # mean 1.65934 +- 0.00260 of 300 samples by an independent generator
    found = np.asarray(many("block", student(3.0, 7)).value)
    error = np.hypot(0.0026, found.std() / np.sqrt(len(found)))
    assert abs(found.mean() - 1.6593383) < 4 * error
    assert abs(1.1 * found.mean() - 1.6593383) > 4 * error


def test_participation_tends_to_its_index():
    found = many("participation", stable(1.2, 7))
    assert abs(float(jnp.mean(found.value)) - 1.2) < 0.05
    assert bool(jnp.all(found.valid)) and not bool(many("participation", stable(2.0, 7)).valid[0])


# The aggregate of the released code.


def test_the_cap_hides_light_tails():
    x = jax.random.uniform(jax.random.key(12), (1000,), minval=-1.0)
    key = jax.random.key(13)
    capped, free = stable_model.aggregate(x, key, compat="released-code"), stable_model.aggregate(x, key)
    assert float(capped.value) == 2.0 < float(free.value)


def test_the_aggregate_is_right_for_stable_laws():
    found = jax.vmap(lambda x, k: stable_model.aggregate(x, k))(
        stable(1.5, 14, 50, 1000), jax.random.split(jax.random.key(15), 50)
    )
    deviate = np.asarray((found.value - 1.5) / found.error)
    assert abs(np.mean(found.value) - 1.5) < 0.06 and 0.4 < np.sqrt(np.mean(deviate**2)) < 1.3


def test_zero_rows_count_in_the_released_code_alone():
    x = stable(1.5, 16, 1, 1000)[0].at[0].set(0.0)
    key = jax.random.key(17)
    assert bool(stable_model.aggregate(x, key, compat="released-code").valid)
    assert not bool(stable_model.aggregate(x, key).valid)


def test_a_sum_that_is_zero_spoils_no_aggregate():
    """Pairs of opposite numbers, as the two central ones of an even sample that its median has centred."""
    half = jax.random.normal(jax.random.key(19), (32,))
    found = jax.vmap(lambda key: stable_model.aggregate(jnp.concatenate([half, -half]), key))(
        jax.random.split(jax.random.key(20), 20)
    )
    assert bool(jnp.all(found.valid)) and bool(jnp.all(found.error > 0)) and abs(float(jnp.median(found.inverse)) - 0.5) < 0.1


# Invariances.


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_scale_does_not_matter(name):
    x = stable(1.4, 18, 1, SHORT)[0]
    for scale in (1e-100, -3.7, 1e100):
        judge.exact(ESTIMATORS[name](scale * x).value, ESTIMATORS[name](x).value, 1e-9)
        judge.exact(ESTIMATORS[name](scale * x).error, ESTIMATORS[name](x).error, 1e-7)


@pytest.mark.parametrize("name", ["hill", "moment", "de_haan", "pickands", "log_variance", "characteristic", "quantiles"])
def test_order_does_not_matter(name):
    x = stable(1.4, 18, 1, SHORT)[0]
    judge.exact(ESTIMATORS[name](jax.random.permutation(jax.random.key(0), x)).value, ESTIMATORS[name](x).value, 1e-9)


def test_quantiles_and_moduli_do_not_see_a_shift():
    x = stable(1.4, 18, 1, SHORT)[0]
    judge.exact(stable_model.quantiles(x + 5).value, stable_model.quantiles(x).value, 1e-9)
    scale = jnp.median(jnp.abs(x))
    shifted = x + 5
    low, high = (t * jnp.median(jnp.abs(shifted)) / scale for t in (0.2, 0.8))
    modulus = stable_model.characteristic(shifted, low, high, modulus=True)
    judge.exact(modulus.value, stable_model.characteristic(x, modulus=True).value, 1e-9)


# The report.

LAWS = [("stable", 1.5), ("stable", 1.9), ("stable", 2.0)]


@pytest.mark.slow
def test_the_report_flags_laws_that_are_not_stable():
    flags = {law: float(jnp.mean(reports(*law).disagree)) for law in (*LAWS, ("student", 3.0))}
    assert max(flags[law] for law in LAWS) <= 0.05
    assert flags["student", 3.0] > 0.6


@pytest.mark.slow
def test_the_table_is_for_people():
    text = tail_report.table(first(reports("student", 3.0)))
    assert "DISAGREE" in text and "block sums" in text and "moment" in text
    assert "are in agreement" in tail_report.table(
        tail_report.report(Isotropic(1.5).sample(jax.random.key(26), (SHORT // 4, 4)))
    )


@pytest.mark.slow
def test_skewed_data_are_told_from_symmetric_ones():
    heavy = Skewed(jnp.array([1.2, 0.7, 1.8]), jnp.array([1.0, 0.5, 1.0]))
    flagged = batched(lambda law: tail_report.skewed(law.sample(jax.random.key(27), (COUNT,))))(heavy)
    assert bool(jnp.all(flagged))
    even = [batched(tail_report.skewed)(x) for x in (stable(0.7, 28), stable(1.2, 28), stable(1.5, 28, 100, 50))]
    assert not np.any(even)
    skewed = jax.jit(tail_report.skewed)
    assert not bool(skewed(Isotropic(1.5).sample(jax.random.key(29), (500, 20))))
    one = stable(1.5, 28, 500, 20)
    assert bool(skewed(one.at[:, 3].set(one[:, 3] ** 2)))  # of many coordinates, one


def test_estimates_of_the_stable_model_are_not_valid_for_skewed_data():
    found = tail_report.report(Skewed(1.2, 1.0).sample(jax.random.key(30), (COUNT,)))
    assert not any(bool(e.valid) for e in found.model.values()) and bool(found.extreme["moment"].valid)
    assert "SKEWED" in tail_report.table(found)


@pytest.mark.slow
def test_estimates_that_contradict_each_other_are_told():
    assert jnp.mean(reports("stable", 1.5).contradict) <= 0.02
    mixed = jnp.concatenate([0.01 * stable(2.0, 31)[0, ::2], stable(0.8, 32)[0, ::2]])  # numbers on two scales
    found = tail_report.report(jax.random.permutation(jax.random.key(33), mixed))
    assert bool(found.contradict) and "CONTRADICT" in tail_report.table(found)


@pytest.mark.parametrize("share", [0.35, 0.55, 0.85])
def test_skewness_is_found_where_many_data_are_equal(share):
    """Zeros tie with the median, or nearly: numbers on one side of it are skewed, the same ones with fair signs are not."""
    rng = np.random.default_rng(34)
    positive = np.where(rng.random(COUNT) < share, 0.0, rng.exponential(size=COUNT))
    assert bool(tail_report.skewed(jnp.asarray(positive))) and bool(tail_report.skewed(jnp.asarray(-positive)))
    assert not bool(tail_report.skewed(jnp.asarray(positive * rng.choice([-1, 1], COUNT))))
    found = tail_report.report(jnp.asarray(positive))
    assert not any(bool(e.valid) for e in found.model.values())
    assert "SKEWED" in tail_report.table(found) and "EQUAL" in tail_report.table(found)


@pytest.mark.slow
def test_the_first_line_says_what_was_read():
    rows = Isotropic(1.5).sample(jax.random.key(35), (SHORT // 4, 4))
    lines = [tail_report.table(tail_report.report(x)).split("\n")[0] for x in (rows, rows.ravel(), rows[:, :1], rows[:, 0])]
    assert lines[0].startswith("Read: 500 independent vectors of 4 entries") and "x.ravel()" in lines[0]
    assert lines[1].startswith("Read: 2,000 independent numbers") and "(N, d)" in lines[1]
    assert lines[2] == lines[3] and lines[2].startswith("Read: 500 independent numbers")
    with pytest.raises(ValueError, match=r"^x: 1 vectors of 500 entries are too few; .*x\.ravel\(\)"):
        tail_report.report(rows.ravel()[None, :500])


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_numbers_next_to_the_ends_of_the_floats(scale):
    x = stable(1.9, 36, 1, SHORT)[0]
    near, far = (tail_report.report(extreme.centred(x) * s) for s in (1.0, scale))
    for name, e in near.model.items():
        judge.exact(far.model[name].value, e.value, 1e-9)
        assert bool(far.model[name].valid) == bool(e.valid)


@pytest.mark.slow
def test_what_is_presumed_of_the_data_is_checked():
    rng = np.random.default_rng(37)
    x, rows = stable(1.5, 38, 1, SHORT)[0], Isotropic(1.5).sample(jax.random.key(39), (SHORT // 4, 4))
    assert not any(map(bool, (tied(x), dependent(x), uneven(rows))))
    for bad in (rng.poisson(3.0, SHORT).astype(float), np.where(rng.random(SHORT) < 0.95, 0, x), np.round(x)):
        assert bool(tied(jnp.asarray(bad)))
    for bad in (jnp.sort(x), x + 0.5 * jnp.roll(x, 1), x * np.repeat(rng.exponential(size=SHORT // 20), 20)):
        assert bool(dependent(jnp.asarray(bad)))
    for bad in (x.reshape(-1, 4), rows * jnp.array([1, 1, 1, 1.5]), jnp.repeat(rows[:, :1], 4, axis=1)):
        assert bool(uneven(bad))
    for word, bad in {"NOT ISOTROPIC": x.reshape(-1, 4), "DEPEND": jnp.sort(x), "EQUAL": jnp.round(x)}.items():
        found = tail_report.report(bad)
        assert word in tail_report.table(found) and not any(bool(e.valid) for e in found.model.values())


@pytest.mark.slow
@pytest.mark.parametrize("check", ["skewed", "dependent", "uneven"])
def test_checks_have_their_level(check, monkeypatch):
    """At 1 in 20, of 1,000 samples with any tail; only where the law is discrete is it less."""
    monkeypatch.setattr(checks, "LEVEL", 0.05)
    alphas = jnp.repeat(jnp.array([0.5, 1.5, 2.0]), 333)
    draw = (
        (lambda a, k: Isotropic(a).sample(k, (100, 3))) if check == "uneven" else (lambda a, k: Symmetric(a).sample(k, (100,)))
    )
    found = jax.jit(jax.vmap(lambda a, k: getattr(checks, check)(draw(a, k))))(
        alphas, jax.random.split(jax.random.key(40), 999)
    )
    assert 1 <= int(jnp.sum(found)) <= 90  # 50 +- 7


SOUND = np.random.default_rng(0).standard_cauchy(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.full(SHORT, np.nan), "2000 of 2000 numbers are not finite; "),
        (np.where(np.arange(SHORT) == 7, np.inf, SOUND), "1 of 2000 numbers are not finite; "),
        (np.where(np.arange(2 * SHORT) < 3, np.nan, 1.5).reshape(SHORT, 2), "3 of 4000 numbers are not finite; "),
        (np.ones(SHORT), "all 2000 data are the same; "),
        (np.ones((SHORT, 2)), "all 2000 data are the same; "),
    ],
    ids=["nan", "one infinity", "vectors", "constant", "constant vectors"],
)
def test_useless_data_are_refused_and_where_traced_not_valid(bad, words):
    with pytest.raises(ValueError, match=f"^x: {words}"):
        tail_report.report(jnp.asarray(bad))
    found = traced(jnp.asarray(bad))
    for e in (*found.model.values(), *found.extreme.values()):
        assert not bool(e.valid) and np.all(np.isnan([e.value, e.error, e.inverse, e.inverse_error]))
    text = tail_report.table(found)
    assert "cannot be compared" in text and "in agreement" not in text and "lighter" not in text
    assert "in agreement" in tail_report.table(traced(jnp.asarray(SOUND)))


@pytest.mark.slow
def test_a_tail_lighter_than_that_of_a_stable_law_is_told():
    found = {a: float(jnp.mean(reports("stable", a).lighter)) for a in (1.9, 2.0)}
    assert found[1.9] <= 0.02 and found[2.0] > 0.9
    normal, heavy, student_t = (
        tail_report.table(first(reports(*law))) for law in (("stable", 2.0), ("stable", 1.5), ("student", 3.0))
    )
    assert "Finite variance" in normal and "in agreement" in normal
    assert "Finite variance" not in heavy and "Finite variance" not in student_t


@pytest.mark.slow
def test_a_table_is_of_one_report():
    found = reports("stable", 1.5)
    with pytest.raises(ValueError, match="^found: 100 reports"):
        tail_report.table(found)
    assert "are in agreement" in tail_report.table(first(found))


# Bad input.


def test_what_is_no_sample_is_named(unchecked):
    for bad, words in (
        ([1.0, 2.0], "list is no array"),
        (jnp.ones(30), "30 numbers are too few"),
        (jnp.ones((3, 2)), "3 vectors"),
    ):
        with pytest.raises(ValueError, match=f"^x: {words}"):
            tail_report.report(bad)


TEN = np.linspace(1.0, 2.0, 10)


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda x: stable_model.block_log_moment(x, 1), "size"),
        (lambda x: stable_model.block_log_moment(x, 6), "size"),
        (lambda x: stable_model.block_log_moment(x, 2.0), "size"),
        (lambda x: extreme.hill(x, 0), "top"),
        (lambda x: extreme.hill(x, 10), "top"),
        (lambda x: extreme.pickands(x, 3), "top"),
        (lambda x: extreme.second_to_first(x, 6), "size"),
        (lambda x: stable_model.participation(x, 1), "groups"),
        (lambda x: stable_model.participation(x, 2, 0.0), "order"),
        (lambda x: stable_model.characteristic(x, 0.8, 0.2), "low"),
        (lambda x: stable_model.aggregate(x[:7], jax.random.key(0)), "x"),
        (lambda x: stable_model.aggregate(x, jax.random.key(0), compat="paper"), "compat"),
        (lambda x: extreme.hill(x[:1], 1), "x"),
        (lambda x: extreme.hill(x.reshape(5, 2, 1), 1), "x"),
        (lambda x: extreme.hill(jnp.arange(10), 1), "x"),
        (tail_report.report, "x"),
    ],
)
def test_bad_sizes_are_refused(call, name):
    with pytest.raises((ValueError, TypeError), match=name):
        call(jnp.asarray(TEN))


@pytest.mark.parametrize("name", list(ESTIMATORS))
@pytest.mark.parametrize("bad", ["zeros", "nan", "constant"])
def test_degenerate_samples_are_not_valid(name, bad):
    x = dict(zeros=jnp.zeros(SHORT), nan=stable(1.4, 18, 1, SHORT)[0].at[5].set(jnp.nan), constant=jnp.ones(SHORT))[bad]
    if (name, bad) in {("block", "constant"), ("log_variance", "constant"), ("participation", "constant")}:
        return  # a shift is not degenerate for them; it is what centring is for
    assert not bool(ESTIMATORS[name](x).valid)


def test_arguments_of_the_characteristic_function_in_the_wrong_order_are_refused():
    with pytest.raises(ValueError, match="low, high: 0.8, 0.2"):
        stable_model.characteristic(stable(1.4, 18, 1, SHORT)[0], 0.8, 0.2)


@pytest.mark.parametrize("bad", [jnp.nan, jnp.inf])
def test_pickands_does_not_believe_data_that_are_not_finite(bad):
    assert not bool(extreme.pickands(stable(1.4, 18, 1, SHORT)[0].at[5].set(bad), 40).valid)


def test_integers_are_called_so_whatever_jax_makes_of_them(unchecked):
    with pytest.raises(ValueError, match=r"^x: integers of shape \(50,\); pass floating-point"):
        extreme.hill(np.arange(50, dtype=np.int64), 10)


@pytest.mark.slow
@pytest.mark.parametrize("lag", [1, 2, 5])
def test_neighbours_that_depend_are_found_at_some_distance(lag):
    noise = np.random.default_rng(lag).normal(size=5000 + lag)
    assert dependent(jnp.asarray(noise[lag:] + noise[:-lag])) and not dependent(jnp.asarray(noise[lag:]))
