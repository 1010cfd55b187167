"""Gradients against central differences of high order, homogeneities, one-sided and missing derivatives."""

import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.theory.least_squares import diagonal as theory
from jaxprune.theory.least_squares import fit, gradients
from tests import grades as judge

# Weights of a central difference with an error of order h^8.
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
SPIKED = spectra.spiked(30, 6, 9.0)  # many equal eigenvalues
PROBLEMS = {
    "wide": (np.exp(np.random.default_rng(1).normal(size=25)), np.random.default_rng(2).normal(size=25), 0.6, 12, 0.0),
    "narrow": (np.exp(np.random.default_rng(3).normal(size=9)), np.random.default_rng(4).normal(size=9), 0.6, 20, 0.0),
    "ridge": (spectra.power(18, 0.8), teachers.cosine(spectra.power(18, 0.8)), 0.4, 18, 0.3),
    "ties": (SPIKED, teachers.constant(SPIKED), 0.5, 14, 0.0),
    "quiet": (spectra.power(25, 0.5), teachers.cosine(spectra.power(25, 0.5)), 0.0, 12, 0.1),
}


def slope(f, x, step):
    return sum(w * (f(x + k * step) - f(x - k * step)) for k, w in STENCIL.items()) / step


def numeric(f, problem, step=4e-3):
    """The gradient of ``f`` (eigs, teacher, noise, n, ridge) by differences, in the order of ``Gradient``."""
    eigs, teacher, noise, n, ridge = problem

    def along(vector, i, call, size):
        return slope(lambda v: call(np.where(np.arange(len(vector)) == i, v, vector)), vector[i], size)

    places = range(len(eigs))
    in_eigs = [along(eigs, i, lambda e: f(e, teacher, noise, n, ridge), step * eigs[i]) for i in places]
    in_teacher = [along(teacher, i, lambda b: f(eigs, b, noise, n, ridge), step) for i in places]
    in_noise = slope(lambda v: f(eigs, teacher, abs(v), n, ridge), noise, step)
    in_ridge = slope(lambda v: f(eigs, teacher, noise, n, v), ridge, step * ridge) if ridge else None
    return np.array(in_eigs), np.array(in_teacher), in_noise, in_ridge


def agree(found, expected):
    """To 1e-8 of the largest derivative; a thousandth more is noticed."""
    for name, value in zip(("eigs", "teacher", "noise", "ridge"), expected, strict=True):
        if value is not None:
            scale = max(np.max(np.abs(value)), 1e-3)
            assert np.max(np.abs(getattr(found, name) - value)) <= 1e-8 * scale, name
            assert np.max(np.abs(value)) < 1e-9 or np.max(np.abs(1.001 * getattr(found, name) - value)) > 1e-8 * scale


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_dense_risk(name):
    problem = PROBLEMS[name]
    found = gradients.risk(*problem)
    judge.exact(found.value, theory.risk(*problem), 1e-13)
    agree(found, numeric(lambda *a: theory.risk(*a[:3], *a[3:]), problem))
    if name != "narrow":
        agree(
            gradients.effective_ridge(problem[0], *problem[3:]),
            numeric(lambda e, b, s, n, r: theory.effective_ridge(e, n, r), problem),
        )


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["magnitude", "hessian"])
@pytest.mark.parametrize("kept", [1, 4, 8])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_pruned_risk(name, kept, rule):
    eigs, teacher, noise, n, ridge = problem = PROBLEMS[name]

    def risk(e, b, s, n, r):
        return theory.pruned_risk(e, b, s, n, kept, rule, r)

    found = gradients.pruned_risk(eigs, teacher, noise, n, kept, rule, ridge)
    judge.exact(found.value, risk(*problem), 1e-12)
    agree(found, numeric(risk, problem))


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("rule", ["magnitude", "hessian"])
def test_homogeneity(name, rule):
    """(eigs, teacher, ridge) -> (c eigs, teacher/sqrt(c), c ridge) changes nothing; (teacher, noise) -> a times squares."""
    eigs, teacher, noise, n, ridge = PROBLEMS[name]
    nu = gradients.effective_ridge(eigs, n, ridge)
    judge.exact(np.sum(eigs * nu.eigs) + ridge * nu.ridge, nu.value, 1e-12)
    for g in (gradients.risk(eigs, teacher, noise, n, ridge), gradients.pruned_risk(eigs, teacher, noise, n, 5, rule, ridge)):
        judge.exact(np.sum(teacher * g.teacher) + noise * g.noise, 2 * g.value, 1e-11)
        still = np.sum(eigs * g.eigs) + ridge * g.ridge - 0.5 * np.sum(teacher * g.teacher)
        assert abs(still) < 1e-11 * g.value
        assert not np.any(g.eigs) or abs(still + 1e-6 * np.sum(eigs * g.eigs)) > 1e-11 * g.value


@pytest.mark.parametrize("name", ["wide", "narrow", "ridge"])
def test_the_number_of_samples_as_a_real_number(name):
    """Replicas: a problem of which every feature stands k times, with k n samples, has the law of the first."""
    eigs, teacher, noise, n, ridge = PROBLEMS[name]
    dense = slope(lambda m: fit.first_fit(eigs, teacher, noise, m, ridge).risk, float(n), 0.02)
    judge.exact(gradients.risk(eigs, teacher, noise, n, ridge).n, dense, 1e-8)
    nu = slope(lambda m: fit.solve_ridge(eigs, np.ones_like(eigs), m, ridge), float(n), 0.02)
    assert gradients.effective_ridge(eigs, n, ridge).n == pytest.approx(nu, rel=1e-8)
    copies = 50
    many = (np.repeat(eigs, copies), np.repeat(teacher, copies) / np.sqrt(copies), noise)
    for rule in ("magnitude", "hessian"):
        found = gradients.pruned_risk(eigs, teacher, noise, n, 5, rule, ridge).n
        coarse = slope(
            lambda m, rule=rule: theory.pruned_risk(*many, round(m), 5 * copies, rule, ridge * copies), n * copies, 1.0
        )
        judge.exact(found, coarse * copies, 1e-6)


def test_all_and_nothing_kept():
    eigs, teacher, noise, n, ridge = PROBLEMS["wide"]
    dense = gradients.risk(eigs, teacher, noise, n, ridge)
    whole = gradients.pruned_risk(eigs, teacher, noise, n, 25)
    assert all(np.array_equal(a, b) for a, b in zip(dense, whole, strict=True))
    null = gradients.pruned_risk(eigs, teacher, noise, n, 0)
    judge.exact(null.eigs, teacher**2)
    judge.exact(null.teacher, 2 * eigs * teacher)
    assert null.noise == 2 * noise and null.ridge == null.n == 0


@pytest.mark.parametrize("name", ["wide", "narrow"])
def test_without_ridge_the_derivative_in_it_is_one_sided(name):
    eigs, teacher, noise, n, _ = PROBLEMS[name]
    for found, f in (
        (gradients.risk(eigs, teacher, noise, n), lambda r: theory.risk(eigs, teacher, noise, n, r)),
        (gradients.pruned_risk(eigs, teacher, noise, n, 4), lambda r: theory.pruned_risk(eigs, teacher, noise, n, 4, ridge=r)),
        (gradients.effective_ridge(eigs, n), lambda r: theory.effective_ridge(eigs, n, r)),
    ):
        h = 1e-4
        forward = (-3 * f(0.0) + 4 * f(h) - f(2 * h)) / (2 * h)
        assert found.ridge == pytest.approx(forward, rel=1e-6) and found.ridge != pytest.approx(1.001 * forward, rel=1e-6)


def test_zero_eigenvalues():
    """Above the threshold there is a one-sided derivative; below, the rank would change."""
    eigs, teacher, noise, n, _ = PROBLEMS["wide"]
    eigs = np.where(np.arange(25) == 3, 0.0, eigs)
    for found, f in (
        (gradients.risk(eigs, teacher, noise, n), lambda e: theory.risk(e, teacher, noise, n)),
        (gradients.pruned_risk(eigs, teacher, noise, n, 6), lambda e: theory.pruned_risk(e, teacher, noise, n, 6)),
    ):
        h = 1e-5 * (np.arange(25) == 3)
        forward = (-3 * f(eigs) + 4 * f(eigs + h) - f(eigs + 2 * h)) / 2e-5
        assert found.eigs[3] == pytest.approx(forward, rel=1e-4) and found.teacher[3] == 0
    few = gradients.risk(eigs, teacher, noise, 40)
    assert np.isnan(few.eigs[3]) and np.all(np.isfinite(np.delete(few.eigs, 3)))


def test_where_there_is_no_derivative():
    eigs, teacher, noise, _, _ = PROBLEMS["wide"]
    for call in (
        lambda: gradients.effective_ridge(eigs, 25),
        lambda: gradients.risk(eigs, teacher, noise, 25),
        lambda: gradients.pruned_risk(eigs, teacher, noise, 25.0, 3),
        lambda: gradients.risk(eigs, teacher, noise, 0),
        lambda: gradients.risk(eigs, teacher, noise, -1.0),
    ):
        with pytest.raises(ValueError, match="^n: "):
            call()
    with pytest.raises(ValueError, match="^noise: 0.0 leaves an exact fit"):
        gradients.pruned_risk(eigs, teacher, 0.0, 40, 3)
    with pytest.raises(ValueError, match="^rule: "):
        gradients.pruned_risk(eigs, teacher, noise, 12, 3, "oracle")
    with pytest.raises(ValueError, match="^kept: "):
        gradients.pruned_risk(eigs, teacher, noise, 12, 26)
