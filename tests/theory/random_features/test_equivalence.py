"""Moments against closed forms and brute quadrature; the surrogate; what is rejected."""

import functools

import numpy as np
import pytest
from scipy import integrate, special

from jaxprune.theory.random_features import equivalence as theory
from jaxprune.theory.random_features import kernels
from tests import grades as judge

BY_HAND = dict(
    relu=lambda x: np.maximum(x, 0), erf=special.erf, tanh=np.tanh, sigmoid=lambda x: 1 / (1 + np.exp(-x)),
    gelu=lambda x: x * special.ndtr(x), sine=np.sin,
)  # fmt: skip


def integral(f):
    """E f(h) for h ~ N(0, 1), by adaptive quadrature on either side of the origin."""
    density = lambda h: f(h) * np.exp(-(h**2) / 2) / np.sqrt(2 * np.pi)  # noqa: E731
    return sum(integrate.quad(density, a, a + 12, epsabs=1e-13, epsrel=1e-13, limit=200)[0] for a in (-12, 0))


def rows(count, d_in, seed=0):
    return np.random.default_rng(seed).normal(size=(count, d_in)) / np.sqrt(d_in)


def brute(f, r, s):
    """E f(r.a) g(s.a) over the plane of r and s in polar coordinates, split where ReLU has its kinks."""
    first = r / np.linalg.norm(r)
    rest = s - (s @ first) * first
    second = rest / np.linalg.norm(rest)
    u, v = np.array([np.linalg.norm(r), 0.0]), np.array([s @ first, s @ second])
    kinks = np.sort(np.concatenate([np.mod(np.arctan2(w[1], w[0]) + np.array([1, -1]) * np.pi / 2, 2 * np.pi) for w in (u, v)]))
    point, weight = np.polynomial.legendre.leggauss(60)
    radius, mass = 6 * (point + 1), 6 * weight
    total = 0.0
    for low, high in zip(kinks, np.append(kinks[1:], kinks[0] + 2 * np.pi), strict=True):
        angle = low + (high - low) * (point + 1) / 2
        plane = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        values = f(np.outer(plane @ u, radius)) * f(np.outer(plane @ v, radius))
        total += (high - low) / 2 * weight @ values @ (mass * radius * np.exp(-(radius**2) / 2)) / (2 * np.pi)
    return total


@pytest.mark.parametrize("name", theory.ACTIVATIONS)
@pytest.mark.parametrize("d_in", [3, 40])
def test_moments_are_the_brute_integral(name, d_in):
    weights = rows(6, d_in)
    found = kernels.moments(name, weights)
    expected = [brute(BY_HAND[name], weights[i], weights[j]) for i in range(6) for j in range(i)]
    judge.exact([found[i, j] for i in range(6) for j in range(i)], expected, 1e-10)
    size = np.linalg.norm(weights, axis=1)
    mean, slope, energy = kernels.line(name, weights)
    f = BY_HAND[name]
    forms = (lambda h, r: f(r * h), lambda h, r: f(r * h) * h, lambda h, r: f(r * h) ** 2)
    expected = [[integral(functools.partial(form, r=r)) for r in size] for form in forms]
    judge.exact([mean, slope * size, energy], expected, 1e-10)
    judge.exact(np.diag(found), energy)


def test_moments_are_the_closed_forms():
    weights = rows(50, 20)
    gram, size2 = weights @ weights.T, np.sum(weights**2, axis=1)
    arcs = np.arcsin(2 * gram / np.sqrt(np.outer(1 + 2 * size2, 1 + 2 * size2))) * 2 / np.pi
    judge.exact(kernels.moments("erf", weights), arcs, 1e-12)
    judge.exact(kernels.moments("sine", weights), np.exp(-np.add.outer(size2, size2) / 2) * np.sinh(gram), 1e-12)
    assert np.linalg.eigvalsh(kernels.moments("relu", weights))[0] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", theory.ACTIVATIONS)
def test_equivalent_is_the_projection(name):
    """What is left is orthogonal to every feature, and its energy is the noise; the network teacher too."""
    weights, inner = rows(12, 8), rows(3, 8, seed=1)
    for teacher, hidden in ((np.linspace(1, -1, 8), None), (np.array([1.0, -0.5, 0.7]), inner)):
        covariance, cross, energy = theory.moments(weights, teacher, 0.3, name, hidden)
        same, best, noise = theory.equivalent(weights, teacher, 0.3, name, hidden)
        judge.exact(same @ best, cross, 1e-9)
        judge.exact(noise**2, energy - best @ covariance @ best, 1e-9)
        assert noise > 0.3
    narrow = theory.project(theory.moments(weights, np.linspace(1, -1, 8), 0.3, name), 5)
    for part, expected in zip(narrow, theory.equivalent(weights[:5], np.linspace(1, -1, 8), 0.3, name), strict=True):
        judge.exact(part, expected, 1e-8)
    neuron = theory.moments(weights, np.array([2.0]), 0.0, name, weights[:1])  # the teacher is twice the first feature
    judge.exact(neuron.cross, 2 * covariance[0], 1e-12)
    found = theory.equivalent(weights, np.array([2.0]), 0.1, name, weights[:1])
    judge.exact(found[1], 2 * np.eye(12)[0], 1e-8)
    assert found[2] == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("name", theory.ACTIVATIONS)
def test_surrogate_is_the_limit(name):
    """The error vanishes with d_in, like 1/d_in where the activation is not odd, and faster where it is."""
    gaps = []
    for d_in in (100, 400):
        weights = rows(60, d_in)
        gaps.append(np.sqrt(np.mean((theory.surrogate(weights, name) - kernels.moments(name, weights)) ** 2)))
    odd = name in ("erf", "tanh", "sigmoid", "sine")
    assert gaps[1] < gaps[0] / (7 if odd else 3.5)
    unit = rows(5, 50) / np.linalg.norm(rows(5, 50), axis=1, keepdims=True)
    spec = 1 / (2 * np.pi) + 0.25 * unit @ unit.T + (0.25 - 1 / (2 * np.pi)) * np.eye(5)
    judge.exact(theory.surrogate(unit), spec, 1e-14)


GOOD = dict(weights=rows(4, 3), teacher=np.ones(3), noise=0.3)


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("weights", np.concatenate([rows(3, 3), np.zeros((1, 3))]), "row 3 is zero"),
        ("weights", np.concatenate([rows(3, 3), 2 * rows(3, 3)[1:2]]), "rows 1 and 3 are parallel, at distance"),
        ("weights", np.ones((4, 0)), r"shape \(4, 0\)"), ("weights", np.ones(3), r"shape \(3,\)"),
        ("weights", rows(4, 2), "d_in = 3"), ("weights", np.eye(3, dtype=int), "dtype int64"),
        ("weights", np.full((2, 3), np.nan), "holds nan"), ("teacher", np.ones((3, 1)), "not one-dimensional"),
        ("noise", -1.0, "-1.0"), ("activation", "swish", "'swish' is unknown; use one of relu, erf"),
        ("inner", np.ones((2, 3)), "2 rows do not fit 3"), ("inner", np.ones(3), r"shape \(3,\)"),
    ],
)  # fmt: skip
def test_bad_input_is_named(name, value, said):
    with pytest.raises(ValueError, match=f"^{name}: .*{said}"):
        theory.equivalent(**{**GOOD, name: value})


def test_what_is_parallel_depends_on_the_activation():
    opposite = np.array([[1.0, 0.5], [-2.0, -1.0]])
    theory.equivalent(opposite, np.ones(2), 0.1)
    with pytest.raises(ValueError, match="^weights: rows 0 and 1 are parallel"):
        theory.equivalent(opposite, np.ones(2), 0.1, "tanh")
    with pytest.raises(ValueError, match="^weights: the covariance of 40 features is singular, with eigenvalues"):
        theory.equivalent(rows(40, 2), np.ones(2), 0.1, "sine")
