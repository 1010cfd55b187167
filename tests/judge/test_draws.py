"""Seeds are found by their name, and what is no draw, no number or no seed is refused; certificates and findings likewise."""

import numpy as np
import pytest
import xarray as xr

from jaxprune.contracts import Certificate, Finding, Metric, by_name
from jaxprune.judge import count_failures, estimates

RNG = np.random.default_rng(0)
TURNED = xr.DataArray(RNG.normal(size=(10, 40)), dims=["noise", "seed"])
TWICE = TURNED.isel(noise=0).assign_coords(seed=np.arange(40) // 2)
ONE = Certificate("x", 1.0, 0.01)


def test_seeds_are_found_by_their_name():
    values = TURNED.values.T
    assert estimates.estimate(np.mean, TURNED) == estimates.estimate(np.mean, values)
    assert estimates.mean(TURNED.isel(noise=0)) == estimates.mean(values[:, 0])
    bound = Certificate("x", 3.0, 0.05)
    found = count_failures(bound, TURNED)
    assert found.draws == 40 and found == count_failures(bound, values)
    sizes = [TURNED.isel(noise=i) ** 2 + 1 for i in range(4)]
    assert estimates.exponent([1, 2, 4, 8], *sizes) == estimates.exponent([1, 2, 4, 8], *(v.values for v in sizes))


def test_pairs_are_of_the_same_seeds():
    one = TURNED.isel(noise=0).assign_coords(seed=range(40))
    other = TURNED.isel(noise=1).assign_coords(seed=range(40, 80))
    with pytest.raises(ValueError, match="^samples: they are of different seeds"):
        estimates.estimate(lambda a, b: np.mean(a - b), one, other)
    estimates.estimate(lambda a, b: np.mean(a) - np.mean(b), one, other, paired=False)


def test_equal_whole_numbers_have_the_error_of_an_event_missed():
    assert estimates.mean(np.ones(40)) == Finding(1.0, 0.075)
    assert estimates.mean(np.full(40, 0.25)).error == 0


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: estimates.mean(TURNED), "^samples: .*noise.* is more than one number a seed"),
        (lambda: estimates.mean(TURNED.isel(seed=0)), "^samples: no dimension 'seed' among"),
        (lambda: estimates.mean(TURNED.values), "^samples: .*40.* is more than one number a seed"),
        (lambda: estimates.mean(TWICE), "^samples: a seed stands there more than once"),
        (lambda: estimates.mean(["1", "2"]), "^samples: <U1 is not the type"),
        (lambda: estimates.mean(np.ones(9) + 1j), "^samples: complex128 is not the type"),
        (lambda: estimates.mean(3.0), "^samples: a single number"),
        (lambda: estimates.estimate(np.mean, TURNED.isel(seed=0)), "^samples: no dimension 'seed'"),
        (lambda: count_failures(ONE, TURNED.isel(seed=0)), "^measured: no dimension 'seed'"),
        (lambda: count_failures(ONE, TWICE), "^measured: a seed stands there"),
        (lambda: count_failures(ONE, np.ones(40), level=2), "^level: 2 is not a probability"),
        (lambda: count_failures(ONE, np.ones(40), level=-1), "^level: -1 is not a probability"),
        (lambda: count_failures(Certificate("x", np.ones((100, 1)), 0.01), np.ones(100)), "^measured: its shape"),
        (lambda: count_failures(Certificate("x", np.ones(3), 0.01), np.ones((100, 2))), "^measured: its shape"),
        (lambda: Certificate("x", "1", 0.1), "^bound: '1' is not of real numbers"),
        (lambda: Certificate("x", [1.0, np.nan], 0.1), "^bound: "),
        (lambda: Certificate("x", 1.0, False), "^failure: False"),
        (lambda: Certificate("x", 1.0, "0.1"), "^failure: '0.1'"),
        (lambda: ONE.spoiled(2.0), "^factor: 2.0 is not in"),
        (lambda: ONE.spoiled(-0.5), "^factor: -0.5 is not in"),
        (lambda: Certificate("x", 0.0, 0.1).spoiled(0.5), "^factor: 0.5 makes nothing stricter"),
        (lambda: Finding("3"), "^value: '3' of a finding is no real number"),
        (lambda: Finding(True), "^value: True of a finding is no real number"),
        (lambda: Finding(1.0, 1j), "^error: 1j of a finding is no real number"),
        (lambda: by_name("metrics", [Metric("m", scale="logarithm"), Metric("m")]), "^metrics: 'm' is declared twice"),
    ],
)  # fmt: skip
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_twin_is_stricter_whatever_its_sign():
    assert Certificate("x", -3.0, 0.1).spoiled(0.5).bound == -4.5
    assert list(Certificate("x", [2.0, 0.0, -1.0, np.inf], 0.1).spoiled(0.75).bound) == [1.5, 0.0, -1.25, np.inf]


def test_findings_of_any_size_are_short():
    said = {
        (1.0, 1e-300): "1.000000000000000e+00 ± 1.0e-300",
        (1.234e300, 2e298): "1.234e+300 ± 2.0e+298",
        (1.5e-20, 1e-22): "1.500e-20 ± 1.0e-22",
        (0.0, 1e-20): "0.0e+00 ± 1.0e-20",
        (np.float32(0.5), np.float64(0.01)): "0.500 ± 0.010",
    }
    assert [str(Finding(*pair)) for pair in said] == list(said.values())
