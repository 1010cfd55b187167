"""The bound of a half-space: the least over every kept count, and exact shares of energy."""

import numpy as np
import pytest
from scipy import integrate

from jaxprune.theory import bounds
from jaxprune.theory.bounds import half_space
from jaxprune.theory.compression import expected_tail_share
from tests import grades as judge

AT_100 = (
    0.06342751940698907,
    0.025298319106433334,
    1561.1866875824326,
)  # of infinitely many weights, an independent computation


def test_one_kept_count_of_a_reference():
    found = half_space.half_space_at(100, 1.0, 10**6, 10**5, 0.05, 6)
    judge.exact([found.bound, found.disagreement, found.nats], AT_100, 1e-9, spoil=1.001)
    assert found.proved and not bounds.half_space_bound(1.9, 10**6, 10**5, 0.05, 6).proved


@pytest.mark.parametrize(
    "tail_index, d, m", [(0.5, 50, 1000), (1.0, 60, 3000), (1.7, 40, 20_000), (1.95, 30, 10**6), (0.05, 80, 50)]
)
def test_it_is_the_least_of_all(tail_index, d, m):
    found = bounds.half_space_bound(tail_index, d, m, 0.05, 3)
    every = [half_space.half_space_at(s, tail_index, d, m, 0.05, 3).bound for s in range(d + 1)]
    assert found.bound == min(every) and found.kept == int(np.argmin(every))


def test_two_weights_by_quadrature():
    """E min(e1, e2)/(e1 + e2) of two Pareto energies, whose ratio is Pareto too."""
    for index in (0.3, 1.0, 1.9):
        expected = integrate.quad(lambda u, a=index: u ** (2 / a) / (1 + u ** (2 / a)), 0, 1, epsabs=1e-13)[0]
        judge.exact(half_space.expected_discarded_fraction(1, index, 2), expected, 1e-9)


@pytest.mark.parametrize("s, index, d, expected", [(20, 1.5, 20_000, 0.21824375685583788), (50, 1.8, 5000, 0.30665)])
def test_shares_of_finite_samples(s, index, d, expected):
    found = half_space.expected_discarded_fraction(s, index, d)
    assert found == pytest.approx(expected, rel=1e-9 if d > 5000 else 2e-5)
    assert abs(found / float(np.asarray(expected_tail_share(index, 2.0, s))) - 1) > 0.05  # the limit is noticed


def test_the_constant_of_jensens_inequality():
    """Up to there arcsin of the root lies on its least concave majorant, the chord from the end point."""
    x = np.linspace(1e-6, 1, 100_000)
    for share, above in ((half_space.JENSEN, True), (0.3, False)):
        value, slope = np.arcsin(np.sqrt(share)), 0.5 / np.sqrt(share * (1 - share))
        assert np.all(np.arcsin(np.sqrt(x)) <= value + slope * (x - share) + 1e-12) == above
    phi = 1.1655611852072112
    assert np.tan(phi) == pytest.approx(2 * phi) and half_space.JENSEN <= np.cos(phi) ** 2 < half_space.JENSEN + 5e-4


@pytest.mark.slow
@pytest.mark.parametrize("index", [0.5, 1.0, 1.5])
def test_exponents_of_the_bound(index):
    """(2 - alpha)/(2 + alpha) of m as m grows, from above and slowly: log d/m is what counts, and constants."""
    m = [10**6, 10**8]
    found = [bounds.half_space_bound(index, 10**11, k, 0.05, 6).bound for k in m]
    slope = np.log(found[1] / found[0]) / np.log(m[1] / m[0])
    assert abs(slope + (2 - index) / (2 + index)) < 0.02, slope
    spoiled = (2 - index * 1.1) / (2 + index * 1.1)  # of an index a tenth larger
    assert abs(slope + spoiled) > 0.02


def test_samples_for_a_bound_are_the_least():
    m = half_space.half_space_samples(1.0, 1000, 0.2, 0.05, 6)
    assert (
        bounds.half_space_bound(1.0, 1000, m, 0.05, 6).bound <= 0.2 < bounds.half_space_bound(1.0, 1000, m - 1, 0.05, 6).bound
    )


@pytest.mark.parametrize(
    "arguments, name",
    [
        ((0.0, 10, 10, 0.1, 6), "tail_index"), ((2.0, 10, 10, 0.1, 6), "tail_index"), ((np.nan, 10, 10, 0.1, 6), "tail_index"),
        ((0.01, 20, 10, 0.1, 6), "tail_index"), ((1.0, 0, 10, 0.1, 6), "d"), ((1.0, 10.5, 10, 0.1, 6), "d"), ((1.0, 10, 0, 0.1, 6), "m"),
        ((1.0, 10, 10, 0.0, 6), "delta"), ((1.0, 10, 10, 0.1, 25), "value_bits"), ((1.0, 10, 10, 0.1, 2.5), "value_bits"),
    ],
)  # fmt: skip
def test_bad_input_is_named(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        bounds.half_space_bound(*arguments)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (
            (0.001, 20, 10, 0.1, 6),
            r"^tail_index: 0.001 is outside \[0.02, 2\); the integral over its weights is had from 0.02 on",
        ),
        ((2.0, 20, 10, 0.1, 6), r"^tail_index: 2.0 is outside \[0.02, 2\); from 2 on the energy is spread over all weights"),
        ((1.0, 2 * 10**15, 10, 0.1, 6), "^d: 2000000000000000 is outside 1 .. 1000000000000000"),
    ],
)
def test_a_refusal_names_what_the_function_has(arguments, words):
    with pytest.raises(ValueError, match=words):
        bounds.half_space_bound(*arguments)
