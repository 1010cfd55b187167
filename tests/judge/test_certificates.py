"""Certificates: a true one passes, one that promises too much is caught, and too few draws are refused."""

import numpy as np
import pytest
from scipy import stats

from jaxprune.contracts import Certificate
from jaxprune.judge import count_failures

RNG = np.random.default_rng(0)
TRUE = Certificate("the mean of 20 normal numbers", stats.norm.isf(0.05) / np.sqrt(20), 0.05, ("independent draws",))


def means(draws):
    return RNG.standard_normal((draws, 20)).mean(axis=1)


def test_a_true_certificate_holds_and_its_twin_does_not():
    found = count_failures(TRUE, means(2000))
    assert found.holds and 60 < found.failures < 140 and found.draws == 2000
    assert not count_failures(TRUE.spoiled(0.7), means(2000)).holds


def test_a_true_certificate_is_rarely_found_wrong():
    """At a level of one in ten; the share of runs is at most that, and not nearly none."""
    wrong = np.mean([not count_failures(TRUE, means(300), level=0.1).holds for _ in range(1500)])
    assert 0.03 < wrong <= 0.1 + 4 * np.sqrt(0.09 / 1500)


def test_what_would_be_detected_is_detected_in_half_of_the_runs():
    found = count_failures(TRUE, means(400))
    caught = stats.binom.sf(found.most, 400, found.detectable)
    assert caught == pytest.approx(0.5, abs=1e-6)


def test_a_draw_fails_where_any_of_its_numbers_does():
    bound = Certificate("two numbers", np.array([1.0, 2.0]), 0.5)
    assert count_failures(bound, [[0.5, 1.0], [0.5, 3.0], [np.nan, 0.0]] * 20).failures == 40
    assert list(bound.holds([1.0, 2.5])) == [True, False]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: count_failures(TRUE, means(4)), "4 draws could not show a failure beyond 0.05"),
        (lambda: count_failures(TRUE, []), "no draws"),
        (lambda: Certificate("x", 1.0, 1.0), "failure: 1.0 is no probability"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
