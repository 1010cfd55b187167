"""Scaling laws against the general theory at large n: constants, exponents, and where there are none."""

import numpy as np
import pytest

from jaxprune.theory.least_squares import diagonal as theory
from jaxprune.theory.least_squares import scaling
from tests import grades as judge


def problem(n, decay, energy, noise=0.0, ratio=4):
    i = np.arange(1.0, ratio * n + 1)
    return i**-decay, i ** ((decay - energy) / 2), noise, n


def pruned(n, decay, energy, rule, kept_ratio=0.5, noise=0.0, ratio=4):
    return theory.pruned_risk(*problem(n, decay, energy, noise, ratio), round(kept_ratio * n), rule)


def measured(risk, sizes=(10000, 20000)):
    return scaling.local_exponents(sizes, [risk(n) for n in sizes])[-1]


@pytest.mark.parametrize("decay", [0.9, 1.5, 3.0])
@pytest.mark.parametrize("ratio", [2, 4])
def test_constants(decay, ratio):
    n = 20000
    eigs = problem(n, decay, 2.0, ratio=ratio)[0]
    nu = theory.effective_ridge(eigs, n)
    assert scaling.ridge_constant(decay, ratio) == pytest.approx(nu * n**decay, rel=2e-3)
    noisy = theory.risk(*problem(n, decay, 3.0, 0.7, ratio))
    assert scaling.noisy_limit(decay, 0.7, ratio) == pytest.approx(noisy, rel=2e-3)
    for energy in (1.2, 2.0):
        found = theory.risk(*problem(n, decay, energy, ratio=ratio)) * n ** (energy - 1)
        assert scaling.dense_constant(decay, energy, ratio) == pytest.approx(found, rel=1e-2)
        assert 1.05 * scaling.dense_constant(decay, energy, ratio) != pytest.approx(found, rel=1e-2)


@pytest.mark.parametrize("decay", [1.3, 2.0, 4.0])
def test_infinitely_many_features(decay):
    judge.exact(scaling.ridge_constant(decay), scaling.ridge_constant(decay, 1e9 if decay > 1.5 else 1e40), 1e-7)
    judge.exact(scaling.noisy_limit(decay, 0.5), 0.25 * decay, 1e-8)
    large = scaling.dense_constant(decay, 2.5, 1e9 if decay > 1.5 else 1e40)
    judge.exact(scaling.dense_constant(decay, 2.5), large, 1e-7)


@pytest.mark.parametrize("decay, energy", [(1.5, 1.2), (1.5, 2.0), (1.5, 3.0), (0.8, 2.0), (0.8, 4.0), (1.5, 6.0)])
def test_dense_and_hessian_exponents(decay, energy):
    for risk in (
        lambda n: theory.risk(*problem(n, decay, energy)),
        *(lambda n, r=r: pruned(n, decay, energy, r) for r in ("hessian", "oracle")),
    ):
        found, expected = measured(risk), scaling.dense_exponent(decay, energy)
        assert found == pytest.approx(expected, abs=0.01) and found != pytest.approx(1.03 * expected, abs=0.005)
        assert scaling.pruned_exponent(decay, energy, "hessian") == expected


@pytest.mark.parametrize("decay, energy", [(1.5, 2.0), (1.5, 3.0), (0.8, 2.0), (0.8, 4.0)])
def test_magnitude_has_the_dense_exponent_in_between(decay, energy):
    found = measured(lambda n: pruned(n, decay, energy, "magnitude"))
    assert found == pytest.approx(scaling.pruned_exponent(decay, energy), abs=0.01)
    assert scaling.pruned_exponent(decay, energy) == scaling.dense_exponent(decay, energy)


def test_magnitude_loses_the_head_of_growing_coefficients():
    assert scaling.pruned_exponent(1.5, 1.2) == 0.0
    risks = [pruned(n, 1.5, 1.2, "magnitude") for n in (1000, 10000)]
    assert risks[1] > risks[0] > 1  # the first coefficients hold the energy, and go
    assert pruned(10000, 1.5, 1.2, "hessian") < 0.7
    assert scaling.pruned_exponent(1.5, 1.2, "random") == 0.0


def test_magnitude_hides_small_coefficients_behind_noise():
    """Beyond saturation its exponent is smaller than the dense one, and reached from above."""
    decay, energy = 3.0, 12.0
    expected = scaling.pruned_exponent(decay, energy)
    assert expected == pytest.approx(11 * 4 / 9) and scaling.dense_exponent(decay, energy) == 6
    found = measured(lambda n: pruned(n, decay, energy, "magnitude"), sizes=(3000, 100000))
    assert found == pytest.approx(expected, abs=0.2) and abs(found - 6) > 0.8
    assert scaling.pruned_exponent(0.8, 4.0) == scaling.dense_exponent(0.8, 4.0)


@pytest.mark.parametrize("decay", [1.5, 2.5])
def test_equal_coefficients_are_a_margin(decay):
    assert np.isnan(scaling.pruned_exponent(decay, decay))
    margin = scaling.marginal_kept_ratio(decay, 4)
    above, below = (measured(lambda n, f=f: pruned(n, decay, decay, "magnitude", f * margin)) for f in (1.1, 0.9))
    assert above == pytest.approx(decay - 1, abs=0.02) and abs(below) < 0.05


def test_a_logarithm_at_saturation():
    """At energy = 2 decay + 1 the slope creeps to its limit like 1 / log n: no clean exponent."""
    sizes = 1000 * 2 ** np.arange(7)
    risks = np.array([theory.risk(*problem(n, 1.5, 4.0)) for n in sizes])
    slopes = scaling.local_exponents(sizes, risks)
    assert np.all(slopes < 2.95) and np.all(np.diff(slopes) > 0)
    ratio = np.diff(risks * sizes**3.0) / np.diff(np.log(sizes))
    assert np.ptp(ratio) < 0.01 * ratio[0]  # linear in log n


def test_noise_leaves_no_exponent():
    for rule in ("hessian", "magnitude"):
        assert abs(measured(lambda n, rule=rule: pruned(n, 1.5, 2.0, rule, noise=0.5))) < 0.01
    null = 0.25 + np.sum(np.arange(1.0, 40001) ** -2.0)
    assert pruned(10000, 1.5, 2.0, "magnitude", noise=0.5) > null  # the noisy tail outranks the whole signal
    assert pruned(10000, 1.5, 2.0, "hessian", noise=0.5) < 2 * 0.25


def test_local_exponents_of_a_power():
    sizes = np.array([10.0, 15.0, 100.0])
    judge.exact(scaling.local_exponents(sizes, 7 * sizes**-1.3), [1.3, 1.3])


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: scaling.ridge_constant(0.9), "decay"), (lambda: scaling.ridge_constant(0.0, 2.0), "decay"),
        (lambda: scaling.noisy_limit(2.0, -1.0), "noise"), (lambda: scaling.ridge_constant(2.0, 1.0), "width_ratio"),
        (lambda: scaling.dense_exponent(2.0, 1.0), "energy"), (lambda: scaling.dense_constant(1.5, 4.0), "energy"),
        (lambda: scaling.pruned_exponent(1.5, 2.0, "mine"), "rule"), (lambda: scaling.local_exponents([1.0], [1.0]), "sizes"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
