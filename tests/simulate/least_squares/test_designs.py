"""Laws of the entries and finite data sets: their moments, their nesting, their exact risks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import FinitePopulation, LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import designs
from tests import grades as judge

LAWS = [designs.rademacher, designs.uniform, designs.student(9.0)]
KEY = jax.random.key(0)


def problem(dim=6, n=20000):
    return LinearGaussian.from_covariance(spectra.ar1(dim, 0.7), teachers.cosine(np.ones(dim)), 0.3, n)


@pytest.mark.parametrize("law", LAWS)
def test_entries_are_standard(x64, law):
    entries = np.asarray(law(KEY, (100000,), jnp.float64))
    judge.statistical(np.stack([1 + entries, (1 + entries) ** 2], axis=1), np.array([1.0, 2.0]), spoil=1.05)


def test_laws_differ_in_their_fourth_moment(x64):
    moments = [1.0, 9 / 5, 3 + 6 / 5]
    for law, moment in zip(LAWS, moments, strict=True):
        entries = np.asarray(law(KEY, (200000,), jnp.float64))
        assert np.mean(entries**4) == pytest.approx(moment, rel=0.05)


@pytest.mark.parametrize("law", LAWS)
def test_designs_have_the_covariance_of_the_problem(x64, law):
    drawn = least_squares.draw(problem(), KEY, law)
    x, y = np.asarray(drawn.features), np.asarray(drawn.target)
    judge.statistical(np.einsum("in,jn->nij", x, x), spectra.ar1(6, 0.7), spoil=1.2)
    judge.statistical((y - problem().teacher @ x) ** 2, 0.09)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_draws_are_nested_in_the_number_of_features(x64, law):
    few, many = (law(KEY, (dim, 20), jnp.float64) for dim in (5, 30))
    np.testing.assert_array_equal(few, many[:5])


def test_the_default_is_gaussian(x64):
    default, named = (least_squares.draw(problem(n=20), KEY, *law).features for law in ([], [jax.random.normal]))
    np.testing.assert_array_equal(default, named)


@pytest.mark.parametrize("freedom", [2.0, 1.0, np.nan, np.inf])
def test_no_variance_is_an_error(freedom):
    with pytest.raises(ValueError, match="^freedom: "):
        designs.student(freedom)


def finite(n=5, noise=0.4):
    rng = np.random.default_rng(0)
    return FinitePopulation(rng.exponential(size=(30, 4)), rng.normal(size=30), noise, n)


def test_risks_of_a_finite_population_are_means_over_its_rows(x64):
    data = finite()
    coef = np.random.default_rng(1).normal(size=(3, 4))
    expected = np.mean((data.target - coef @ data.features.T) ** 2, axis=1) + 0.4**2
    judge.exact(data.population.risk(jnp.asarray(coef)), expected)
    judge.exact(data.population.cross, data.features.T @ data.target / 30)


def test_rows_are_drawn_with_replacement(x64):
    data = finite(n=40000)
    drawn = designs.resample(data, KEY)
    x, y = np.asarray(drawn.features), np.asarray(drawn.target)
    matches = np.all(x.T[:, None] == data.features, axis=2)
    assert np.all(matches.sum(axis=1) == 1) and drawn.method == "rank"
    judge.statistical(matches, np.full(30, 1 / 30), spoil=1.3)
    judge.statistical((y - data.target[np.argmax(matches, axis=1)]) ** 2, 0.16)
    few = designs.resample(finite(n=30), KEY).features
    assert len({tuple(column) for column in np.asarray(few).T}) < 30


@pytest.mark.parametrize(
    "fields, name",
    [
        (dict(features=np.ones(3)), "features"),
        (dict(features=np.full((30, 4), np.nan)), "features"),
        (dict(target=np.ones(29)), "target"),
        (dict(target=np.full(30, np.inf)), "target"),
        (dict(noise=-1.0), "noise"),
        (dict(n=0), "n"),
        (dict(n=2.0), "n"),
    ],
)
def test_bad_input_is_named(fields, name):
    good = dict(features=np.ones((30, 4)), target=np.ones(30), noise=0.1, n=5)
    with pytest.raises(ValueError, match=f"^{name}: "):
        FinitePopulation(**{**good, **fields})
