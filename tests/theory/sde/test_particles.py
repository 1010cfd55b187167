"""Propagation of chaos and tails of neurons: reference numbers, direct sums, limits, bad input."""

import numpy as np
import pytest
from scipy import integrate

from jaxprune.theory import stable
from jaxprune.theory.sde import particles as theory
from tests import grades as judge


def test_linear_interaction():
    judge.exact(theory.linear_chaos_scale(1.5, 1.0, 2.0, 1.0, 200, 1.0), 0.055199730148985215, 1e-13)


REPELLING = [(1.0, -0.6, 2.0), (1.0, -2.5, 3.0), (-0.4, 1.0, 5.0), (0.0, -2.0, 4.0)]


@pytest.mark.parametrize("alpha", [0.3, 1.0, 1.5, 2.0])
@pytest.mark.parametrize(
    "rate, coupling, time", [*REPELLING, (1.0, 2.0, 1.0), (0.0, 2.0, 30.0), (20.0, 0.5, 4.0), (0.1, 30.0, 3.0)]
)
def test_linear_interaction_is_its_integral(alpha, rate, coupling, time):
    def kernel(u):
        return abs(np.exp(-rate * u) - np.exp(-(rate + coupling) * u)) ** alpha

    total = integrate.quad(kernel, 0, time, epsabs=0, epsrel=1e-11, limit=200, points=[min(time / 2, 0.1 / abs(coupling))])[0]
    judge.exact(theory.linear_chaos_scale(alpha, rate, coupling, 0.7, 1, time) ** alpha, 0.7**alpha * total, 1e-8)


@pytest.mark.parametrize("alpha", [0.5, 1.5, 2.0])
@pytest.mark.parametrize("step_size", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("rate, coupling", [(1.0, 2.0), *((a, c) for a, c, _ in REPELLING)])
def test_euler_interaction_is_a_linear_map(alpha, step_size, rate, coupling):
    # Responses of X^(1,n) - X^(1,inf) to each noise, from the scheme itself, n = 3 particles and 6 steps.
    n, steps = 3, 6
    step = (1 - (rate + coupling) * step_size) * np.eye(n) + coupling * step_size / n
    alone = 1 - (rate + coupling) * step_size
    total = 0.0
    for m in range(steps):
        response = np.linalg.matrix_power(step, m)[0] - alone**m * np.eye(n)[0]
        total += step_size * np.sum(np.abs(response) ** alpha)
    found = theory.linear_chaos_euler_scale(alpha, rate, coupling, 1.0, n, step_size, steps)
    judge.exact(found**alpha, total, 1e-12)


def test_euler_interaction_converges():
    gaps = np.array(
        [
            theory.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 200, 1 / k, k)
            / theory.linear_chaos_scale(1.5, 1.0, 2.0, 1.0, 200, 1.0)
            for k in (1000, 2000, 200_000)
        ]
    )
    assert np.all(np.abs(gaps - 1) < [2e-3, 1e-3, 1e-5])
    judge.exact((gaps[0] - 1) / (gaps[1] - 1), 2.0, 5e-3)
    judge.exact(
        [theory.linear_chaos_scale(1.5, 1.0, 0.0, 1.0, 9, 1.0), theory.linear_chaos_euler_scale(1.5, 1.0, 0.0, 1.0, 9, 0.1, 9)],
        [0, 0],
    )


def test_slope():
    n = np.array([10, 1000])
    scales = theory.linear_chaos_scale(1.3, 1.0, 2.0, 1.0, n, 1.0)
    judge.exact(np.diff(np.log(scales)) / np.diff(np.log(n)), [theory.linear_chaos_slope(1.3)], 1e-12)


def test_bounded_interaction():
    # Reference 0.91219 +- 0.00119 from 200,000 independent draws; ours is 0.913062 +- 0.000435 with 1.5 million.
    found = theory.bounded_chaos_constant(1.5, 1.0, 2.0, 1.0, 1.0, draws=100_000, seed=3, steps=50)
    error = np.hypot(found.error, 0.0011898829611617242)
    assert abs(found.value - 0.912190582922213) < 4 * error
    assert abs(1.1 * found.value - 0.912190582922213) > 4 * error
    again = theory.bounded_chaos_constant(1.5, 1.0, 2.0, 1.0, 1.0, draws=100_000, seed=3, steps=50)
    assert found == again


def test_bounded_interaction_at_one_step_has_no_response():
    assert theory.bounded_chaos_constant(1.5, 1.0, 2.0, 1.0, 1.0, draws=10, seed=3, steps=1) == (0.0, 0.0)


def test_bounded_interaction_at_two_steps():
    # K h tanh(Z_1) with Z_1 ~ SaS(alpha, s h^(1/alpha)); Gaussian at alpha = 2, where the mean square is an integral.
    expected = integrate.quad(lambda z: np.tanh(z) ** 2 * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), -12, 12)[0]
    found = theory.bounded_chaos_constant(2.0, 1.0, 2.0, 1.0, 1.0, draws=200_000, seed=5, steps=2)
    assert abs(found.value - np.sqrt(expected)) < 5 * found.error < 0.05 * found.value


def test_bounded_interaction_of_either_sign():
    """Two steps: |K| h (E tanh^2)^(1/2), whatever the sign of the coupling; a scheme that runs away has no number."""
    pair = [theory.bounded_chaos_constant(1.5, 1.0, k, 1.0, 1.0, draws=1000, seed=5, steps=2) for k in (2.0, -2.0)]
    assert pair[0] == pair[1] and pair[0].value > 0
    assert not np.isfinite(theory.bounded_chaos_constant(1.5, -50.0, 1.0, 1.0, 50.0, draws=10, seed=5, steps=400).value)


def test_tail_of_neurons():
    judge.exact(
        theory.neuron_tail_constant(1.5, 4, "III", 0.5, 2.0), 2 * 0.5**1.5 * stable.norm_tail_constant(1.5, 4, 3), 1e-13
    )
    judge.exact(
        theory.neuron_tail_constant_euler(1.5, 4, 3, 0.5, 0.05, 40), theory.neuron_tail_constant(1.5, 4, 3, 0.5, 2.0), 1e-13
    )
    judge.exact(
        theory.neuron_tail_constant(1.5, 4, "I", 0.5, 2.0, 1e-9), theory.neuron_tail_constant(1.5, 4, 1, 0.5, 2.0), 1e-8
    )
    sums = 0.05 * np.sum(np.abs(1 - 0.3 * 0.05) ** (1.5 * np.arange(40)))
    found = theory.neuron_tail_constant_euler(1.5, 4, "II", 0.5, 0.05, 40, 0.3)
    judge.exact(found, 0.5**1.5 * sums * 4 * stable.tail_constant(1.5), 1e-12)
    long = theory.neuron_tail_constant(1.5, 4, "II", 1.0, 1e6, 0.3)
    judge.exact(long, 4 * stable.tail_constant(1.5) / 0.45, 1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.linear_chaos_scale(1.5, 1.0, 2.0, 1.0, 0, 1.0),
        lambda: theory.linear_chaos_scale(1.5, 1.0, 2.0, 1.0, 2.5, 1.0),
        lambda: theory.linear_chaos_scale(0.0, 1.0, 2.0, 1.0, 2, 1.0),
        lambda: theory.linear_chaos_scale(1.5, 1.0, np.inf, 1.0, 2, 1.0),
        lambda: theory.linear_chaos_scale(1.5, 1.0, -2.0, -1.0, 2, 1.0),
        lambda: theory.bounded_chaos_constant(1.5, 1.0, np.nan, 1.0, 1.0, draws=10, seed=3, steps=2),
        lambda: theory.linear_chaos_euler_scale(1.5, 1.0, 2.0, 1.0, 2, 0.0, 5),
        lambda: theory.neuron_tail_constant(1.5, 4, "IV", 0.5, 2.0),
        lambda: theory.neuron_tail_constant(1.5, 0, "I", 0.5, 2.0),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()


@pytest.mark.parametrize(("x", "y"), [(1.9999, 1e-7), (1.5, 1e-9), (0.9, 1e-9)])
def test_a_weak_interaction_keeps_its_digits_beyond_a_unit_step(x, y):
    """The gap of two nearly equal powers, to first order in y: m |1 - x|^(m-1) y."""
    m = np.arange(1, 400)
    first = y * np.sum((m * abs(1 - x) ** (m - 1)) ** 1.5) ** (1 / 1.5)
    judge.exact(theory.linear_chaos_euler_scale(1.5, x, y, 1.0, 1, 1.0, 400), first, 1e-4 if x == 1.9999 else 1e-7)


def test_an_interaction_whose_schemes_overflow_has_an_infinite_gap():
    assert theory.linear_chaos_euler_scale(1.5, 2.5, 1.0, 1.0, 100, 1.0, 10**5) == np.inf
