"""Crossings: found where they are, with an error that is the spread of what is found, and refused where there are none."""

import numpy as np
import pytest

from jaxprune.judge import crossing
from tests import grades as judge

X = np.linspace(0.0, 1.0, 9)
CURVES = {  # differences and where they vanish
    "straight": (lambda x: x - 0.37, 0.37),
    "falling": (lambda x: 0.6 - x, 0.6),
    "curved": (lambda x: np.exp(2 * x) - 2.0, 0.5 * np.log(2.0)),
    "hump": (lambda x: np.sin(4.5 * x) + 0.3, (np.pi + np.arcsin(0.3)) / 4.5),
}


def draws(curve, seed, seeds=60, spread=0.25, x=X):
    """Paired differences: half of the noise is common to all points of a seed."""
    rng = np.random.default_rng(seed)
    common, own = rng.normal(size=(seeds, 1)), rng.normal(size=(seeds, len(x)))
    return curve(x) + spread * np.sqrt(0.5) * (common + own)


@pytest.mark.parametrize("name", CURVES)
def test_without_noise_the_place_is_exact_up_to_interpolation(name):
    curve, place = CURVES[name]
    found = crossing(X, np.repeat(curve(X)[None], 8, axis=0), seed=0)
    assert found.place == pytest.approx(place, abs=4e-3)
    assert abs(found.place - place) <= 2 * found.error + 1e-12  # the error of interpolation is told
    assert found.low <= found.place <= found.high and found.error < 4e-3
    assert found.error <= 1e-12 or name in ("curved", "hump")
    assert found.place != pytest.approx(1.02 * place, abs=4e-3)
    fine = np.linspace(0, 1, 81)
    assert crossing(fine, np.repeat(curve(fine)[None], 8, axis=0), seed=0).place == pytest.approx(place, abs=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", CURVES)
def test_the_error_is_the_spread_of_what_is_found(name):
    curve, place = CURVES[name]
    found = [crossing(X, draws(curve, seed), seed=seed, resamples=100) for seed in range(150)]
    places, errors = np.array([f.place for f in found]), np.array([f.error for f in found])
    judge.statistical(places[:, None] - place + 1, np.ones(1), spoil=1.03)
    assert np.std(places) == pytest.approx(np.mean(errors), rel=0.25)
    covered = sum(f.low <= place <= f.high for f in found)
    assert 126 <= covered <= 150  # 142 expected at 95 %, five standard deviations below
    assert sum(f.low <= place + 3 * f.error <= f.high for f in found) < 100


def test_noise_near_the_crossing_does_not_make_it_several():
    x = np.linspace(0, 1, 101)
    found = crossing(x, draws(lambda x: x - 0.5, 3, spread=0.5, x=x), seed=0)
    assert np.count_nonzero(np.diff(np.sign(draws(lambda x: x - 0.5, 3, spread=0.5, x=x).mean(0)))) > 1
    assert abs(found.place - 0.5) < 4 * found.error < 0.4


def test_a_seed_gives_the_same_answer_and_another_one_another():
    data = draws(CURVES["straight"][0], 1)
    assert crossing(X, data, seed=5) == crossing(X, data, seed=5)
    other = crossing(X, data, seed=6)
    assert other.place == crossing(X, data, seed=5).place and other.error != crossing(X, data, seed=5).error


def test_units_do_not_matter():
    data = draws(CURVES["curved"][0], 2)
    one, two, three = crossing(X, data, seed=0), crossing(100 * X, data, seed=0), crossing(X, -7 * data, seed=0)
    judge.exact(np.array(two), 100 * np.array(one), 1e-9)
    judge.exact(np.array(three), np.array(one), 1e-9)


@pytest.mark.parametrize(
    "curve, spread, said",
    [
        (lambda x: 1 + x, 0.5, "all 9 means are of one sign"),
        (lambda x: 0.02 * (x - 0.5), 5.0, "no mean is"),
        (lambda x: np.cos(9 * x), 0.1, "the sign changes 3 times, in"),
    ],
)
def test_no_sign_change_and_too_many_are_refused(curve, spread, said):
    with pytest.raises(ValueError, match=f"^differences: .*{said}"):
        crossing(X, draws(curve, 0, spread=spread), seed=0)


@pytest.mark.parametrize(
    "change",
    [
        dict(x=X[::-1]), dict(x=X[:1]), dict(x=np.where(X > 0.5, np.nan, X)), dict(differences=np.ones((20, 3))),
        dict(differences=np.ones(9)), dict(differences=np.full((20, 9), np.nan)), dict(differences=np.ones((7, 9))),
        dict(resamples=10), dict(resamples=1e3), dict(coverage=95.0),
    ],
)  # fmt: skip
def test_bad_input_is_named(change):
    arguments = dict(x=X, differences=draws(CURVES["straight"][0], 0), resamples=100, coverage=0.9, **{"seed": 0}) | change
    with pytest.raises(ValueError, match=f"^{next(iter(change))}: "):
        crossing(**arguments)
