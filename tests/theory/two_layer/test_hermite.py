"""Losses of neurons with biases, and of an activation that is a function: against closed kernels, integrals and refusals."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory import two_layer
from jaxprune.theory.two_layer import hermite
from tests import grades as judge

RNG = np.random.default_rng(0)
TARGET, OUTER = RNG.normal(size=(5, 4)), RNG.normal(size=5)
ROWS, WEIGHTS = RNG.normal(size=(3, 4)), RNG.normal(size=3)
BIASES, SHIFTS = np.array([0.3, -1.2, 0.0]), np.array([0.5, 1.0, -0.4, 0.0, 2.0])
NETWORKS = ROWS, WEIGHTS, TARGET, OUTER


def rectified(z):
    return np.maximum(z, 0)


@pytest.mark.parametrize("name", hermite.FUNCTIONS)
def test_functions_have_the_losses_of_their_closed_kernels(name):
    judge.exact(two_layer.loss(*NETWORKS, hermite.FUNCTIONS[name]), two_layer.loss(*NETWORKS, name), 1e-13)


def test_leaky_with_biases_of_zero_is_leaky():
    judge.exact(two_layer.loss(*NETWORKS, "leaky", -0.3, biases=np.zeros(3)), two_layer.loss(*NETWORKS, "leaky", -0.3), 1e-13)


def test_an_exponential_has_its_own_closed_kernel():
    """E exp(v.x) exp(w.x) = exp(|v + w|^2 / 2), a function of no list."""
    every, signed = np.concatenate([ROWS, TARGET]) / 2, np.concatenate([WEIGHTS, -OUTER])
    kernel = np.exp(np.sum((every[:, None] + every) ** 2, axis=2) / 2)
    judge.exact(two_layer.loss(ROWS / 2, WEIGHTS, TARGET / 2, OUTER, np.exp), signed @ kernel @ signed, 1e-12)


def test_steps_with_biases_are_probabilities_of_two_normal_numbers():
    (v, w), (b, c) = (ROWS[0], TARGET[0]), (BIASES[0], SHIFTS[0])
    ends, cosine = (b / np.linalg.norm(v), c / np.linalg.norm(w)), v @ w / np.linalg.norm(v) / np.linalg.norm(w)
    both = stats.multivariate_normal.cdf(ends, cov=[[1, cosine], [cosine, 1]])
    one = np.ones(1)
    found = two_layer.loss(v[None], one, w[None], one, "step", biases=np.array([b]), target_biases=np.array([c]))
    judge.exact(found, np.sum(stats.norm.cdf(ends)) - 2 * both, 1e-9)


@pytest.mark.parametrize("name", ["relu", "step", "abs"])
def test_one_input_is_an_integral(name):
    """All neurons are parallel, some opposite: no series would do."""
    rows, target, shift = np.array([[1.0], [-2.0], [0.5]]), np.array([[2.0], [-1.0]]), np.array([1.0, 0.2])
    weights, outer, function = np.array([1.0, -0.4, 0.8]), np.array([0.5, 0.9]), hermite.FUNCTIONS[name]

    def square(x):
        off = function(rows[:, 0] * x + BIASES) @ weights - function(target[:, 0] * x + shift) @ outer
        return off**2 * stats.norm.pdf(x)

    bends = [-0.3, -0.6, 0.0, -0.5, 0.2]
    expected = integrate.quad(square, -12, 12, points=bends, limit=500, epsabs=1e-13)[0]
    judge.exact(two_layer.loss(rows, weights, target, outer, name, biases=BIASES, target_biases=shift), expected, 1e-10)


@pytest.mark.parametrize("name", ["relu", "tanh"])
def test_biases_against_draws(name):
    function = hermite.FUNCTIONS[name]
    x = np.random.default_rng(1).normal(size=(100, 2000, 4))
    off = function(x @ ROWS.T + BIASES) @ WEIGHTS - function(x @ TARGET.T + SHIFTS) @ OUTER
    expected = two_layer.loss(*NETWORKS, name, biases=BIASES, target_biases=SHIFTS)
    judge.statistical(np.mean(off**2, axis=1), expected)


def test_zero_rows_are_constants_and_copies_lose_nothing():
    constant = two_layer.loss(np.zeros((1, 4)), np.ones(1), np.zeros((1, 4)), np.zeros(1), np.tanh, biases=np.array([0.7]))
    judge.exact(constant, np.tanh(0.7) ** 2, 1e-14)
    assert two_layer.loss(TARGET, OUTER, TARGET, OUTER, rectified, biases=SHIFTS, target_biases=SHIFTS) == 0
    moved = two_layer.loss(TARGET, OUTER, TARGET, OUTER, rectified, biases=SHIFTS)
    assert moved > 0.01


def test_parallel_rows_of_other_lengths():
    judge.exact(
        two_layer.loss(-3 * TARGET[:1], WEIGHTS[:1], TARGET, OUTER, hermite.FUNCTIONS["step"]),
        two_layer.loss(-3 * TARGET[:1], WEIGHTS[:1], TARGET, OUTER, "step"),
        1e-12,
    )


REFUSED = {
    "bends too sharply": lambda: two_layer.loss(*NETWORKS, lambda z: np.maximum(z - 0.3, 0)),
    "grows too fast": lambda: two_layer.loss(*NETWORKS, lambda z: np.exp(5 * z)),
    "two rules differ": lambda: two_layer.loss(*NETWORKS, lambda z: np.tanh(30 * z)),
    "not finite; use an elementwise": lambda: two_layer.loss(*NETWORKS, lambda z: np.exp(z**2)),
    "it gives bool": lambda: two_layer.loss(*NETWORKS, lambda z: z > 0),
    "of shape \\(\\)": lambda: two_layer.loss(*NETWORKS, lambda z: z[0]),
    "so nearly parallel": lambda: two_layer.loss(ROWS + 1e-6, WEIGHTS, ROWS, WEIGHTS, hermite.FUNCTIONS["step"]),
    "biases: shape \\(2,\\)": lambda: two_layer.loss(*NETWORKS, biases=np.ones(2)),
    "biases: dtype int64": lambda: two_layer.loss(*NETWORKS, biases=np.ones(3, np.int64)),
    "target_biases: holds nan": lambda: two_layer.loss(*NETWORKS, target_biases=np.full(5, np.nan)),
    "target_energy: is not for": lambda: two_layer.loss(*NETWORKS, biases=BIASES, target_energy=1.0),
    "slope: 0.1 is given for a function": lambda: two_layer.loss(*NETWORKS, np.tanh, 0.1),
    "slope: None": lambda: two_layer.loss(*NETWORKS, "leaky", biases=BIASES),
    "activation: 'relux'": lambda: two_layer.loss(*NETWORKS, "relux", biases=BIASES),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_right_is_refused(words):
    with pytest.raises(ValueError, match=words):
        REFUSED[words]()
