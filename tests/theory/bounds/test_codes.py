"""Code lengths: by counting, by Kraft's sum, and against 40 digits where both numbers are huge."""

import math

import numpy as np
import pytest

from jaxprune.theory import bounds
from jaxprune.theory.bounds import codes, vacuity
from tests import grades as judge

BINOMIALS = [  # N, s, log C(N, s) to 40 digits
    (10**8, 2, 36.148214297344786), (10**8, 31, 492.94887485920754), (10**8, 10**4, 102097.37963604431),
    (10**8, 5 * 10**7, 69314708.61986281), (10**8, 10**8 - 3, 53.470282732629045), (2**53, 10**6, 23921282.18496342),
    (2**53, 2**52, 6243314768165341.0), (50, 25, 32.47055650581199),
]  # fmt: skip


@pytest.mark.parametrize("total, s, expected", BINOMIALS)
def test_log_binomials(total, s, expected):
    judge.exact(codes.log_binomial(total, s), expected, 1e-14)


def test_small_binomials_are_counted():
    for n in range(1, 60):
        expected = [math.log(math.comb(n, k)) for k in range(n + 1)]
        np.testing.assert_allclose(codes.log_binomial(n, np.arange(n + 1)), expected, rtol=3e-14, atol=1e-14)


def test_the_code_of_a_sparse_layer():
    judge.exact(bounds.sparse_code_nats(512, 512, 916, 6), 10592.843990282683, 1e-12)
    judge.exact(bounds.sparse_code_nats(1, 4, 2, 3), math.log(5) + math.log(6) + (2 * 4 + 64) * math.log(2))
    judge.exact(bounds.sparse_code_nats(3, 5, 0, 24), math.log(16))
    assert bounds.sparse_code_nats(10**4, 10**4, [0, 1, 10**8], 4).shape == (3,)


def test_krafts_sum_is_at_most_one():
    """Every count, support, sign, value, and both ends of the grid, over a whole small layer."""
    total, bits = 12, 2
    s = np.arange(total + 1)
    words = codes.log_binomial(total, s) + np.log(2.0) * (s * (1 + bits) + 64 * (s > 0))
    judge.exact(np.sum(np.exp(words - bounds.sparse_code_nats(3, 4, s, bits))), 1.0)
    coordinates = np.exp(words - codes.coordinates_nats(3, 4, s, bits))
    assert np.sum(coordinates) < 1
    lengths = np.arange(1, 200_000)
    for prior, valid in (("square", True), ("uniform", True), ("printed", False)):
        weight = np.exp(lengths * np.log(2.0) - np.array([codes.file_nats(lengths, prior)]))
        assert (np.sum(weight) <= 1) == valid


def test_coordinates_cost_more_and_values_alone_less():
    s = np.array([1, 5, 100, 1000])
    sparse, coordinates = bounds.sparse_code_nats(100, 70, s, 6), codes.coordinates_nats(100, 70, s, 6)
    assert np.all(coordinates - sparse >= [math.lgamma(k + 1) for k in s])
    alone = codes.values_only(100, 6)
    judge.exact(alone.nats, 700 * np.log(2.0))
    assert alone.nats < bounds.sparse_code_nats(100, 70, 100, 6) and codes.FIXED_SUPPORT in alone.assumes
    assert [float(codes.coordinates_nats(n, 1, 1, 1) - codes.coordinates_nats(1, 1, 1, 1) - np.log((n + 1) / 2)) / np.log(2)
            for n in (1, 2, 3, 4, 5, 1024, 1025)] == pytest.approx([0, 1, 2, 2, 3, 10, 11])  # fmt: skip


def test_choices_are_paid():
    judge.exact(codes.choice_nats(8, 3), np.log(24))
    assert codes.choice_nats() == 0


def test_three_levels_of_vacuity():
    levels = [tuple(vacuity.of(bound, 10, 0.3)) for bound in (1.2, 0.95, 0.8, 0.6)]
    assert levels == [(False, False, False), (True, False, False), (True, True, False), (True, True, True)]
    assert vacuity.of([0.5, 0.9], 2, 0.5).below_majority.tolist() == [False, False]


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: bounds.sparse_code_nats(3, 4, 13, 6), "s"), (lambda: bounds.sparse_code_nats(3, 4, -1, 6), "s"),
        (lambda: bounds.sparse_code_nats(3, 4, 1.5, 6), "s"), (lambda: bounds.sparse_code_nats(0, 4, 0, 6), "n1"),
        (lambda: bounds.sparse_code_nats(2**30, 2**30, 1, 6), "n1, n2"), (lambda: bounds.sparse_code_nats(3, 4, 1, 0), "value_bits"),
        (lambda: bounds.sparse_code_nats(3, 4, 1, 25), "value_bits"), (lambda: codes.values_only(0, 6), "s"),
        (lambda: codes.file_nats(8, "none"), "prior"), (lambda: codes.file_nats(2.0**73, "uniform"), "bits"),
        (lambda: codes.choice_nats(0), "counts"), (lambda: codes.log_binomial(3, 4), "s, total"),
        (lambda: vacuity.of(-0.1, 10, 0.3), "bound"), (lambda: vacuity.of(np.nan, 10, 0.3), "bound"),
        (lambda: vacuity.of(0.5, 1, 0.3), "classes"), (lambda: vacuity.of(0.5, 10, 0.05), "majority"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
