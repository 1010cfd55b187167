"""The best ridge: known in closed form, against brute force, at both ends, and under a budget."""

import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.theory.least_squares import diagonal as theory
from jaxprune.theory.least_squares import tuning

SPIKED = spectra.spiked(150, 20, 16.0)
PROBLEMS = {
    "spiked": (SPIKED, teachers.constant(SPIKED), 0.5, 40),
    "narrow": (spectra.power(25, 0.7), teachers.cosine(spectra.power(25, 0.7)), 0.8, 40),
    "square": (spectra.power(40, 0.7), teachers.cosine(spectra.power(40, 0.7)), 0.8, 40),
}


@pytest.mark.parametrize("p", [30, 60, 200])
def test_the_best_ridge_of_equal_eigenvalues(p):
    beta = teachers.cosine(spectra.constant(p), 1.7)
    best = tuning.dense(spectra.constant(p), beta, 0.6, 60)
    assert best.ridge == pytest.approx(0.36 * p / 1.7, rel=1e-4) and best.ridge != pytest.approx(1.1 * 0.36 * p / 1.7, rel=1e-4)
    assert best.kept == p
    assert best.risk == pytest.approx(theory.risk(spectra.constant(p), beta, 0.6, 60, 0.36 * p / 1.7), rel=1e-12)


def searches(problem):
    yield tuning.dense(*problem), lambda r: theory.risk(*problem, r)
    for rule in ("magnitude", "hessian", "oracle"):
        yield tuning.pruned(*problem, 10, rule), lambda r, rule=rule: theory.pruned_risk(*problem, 10, rule, r)
    for sample in theory.SAMPLES:
        found = tuning.retrained(*problem, 10, "hessian", sample)
        yield found, lambda r, sample=sample: theory.retrained_risk(*problem, 10, "hessian", sample, r)


@pytest.mark.parametrize("name", PROBLEMS)
def test_nothing_is_better(name):
    problem = PROBLEMS[name]
    for best, risk in searches(problem):
        others = [risk(r) for r in (0.0, *np.geomspace(1e-4, 1e7, 100))]
        assert best.risk <= min(others) * (1 + 1e-12)
        near = [risk(f * best.ridge) for f in (0.7, 1.4)] if 0 < best.ridge < np.inf else [risk(0.0) * 1.1, 2 * best.risk]
        assert min(near) > best.risk  # the spoiled twins
        if np.isfinite(best.ridge):
            assert best.risk == pytest.approx(risk(best.ridge), rel=1e-12)


def test_both_ends_are_found():
    quiet = (spectra.constant(30), teachers.cosine(spectra.constant(30)), 0.0, 60)
    assert tuning.dense(*quiet).ridge == 0.0
    hopeless = (spectra.constant(90), np.full(90, 1e-9), 1.0, 60)
    assert tuning.dense(*hopeless).ridge == np.inf
    assert tuning.dense(*hopeless).risk == pytest.approx(1.0, rel=1e-6)
    screening = (spectra.constant(200), teachers.head_and_tail(spectra.constant(200), 20, 0.95), 0.5, 40)
    found = tuning.retrained(*screening, 4)  # ranked by correlations
    assert found.ridge == np.inf and found.risk < theory.retrained_risk(*screening, 4)
    assert found.risk == pytest.approx(theory.retrained_risk(*screening, 4, ridge=1e9), rel=1e-6)


@pytest.mark.parametrize("rule", ["magnitude", "hessian"])
def test_ridge_and_count_under_a_budget(rule):
    problem = PROBLEMS["spiked"]
    best = tuning.pruned_within(*problem, 30, rule)
    table = [theory.pruned_risk(*problem, np.arange(31), rule, r) for r in (0.0, *np.geomspace(1, 1e5, 60))]
    assert best.kept <= 30 and best.risk <= np.min(table) * (1 + 1e-12)
    assert best.risk == pytest.approx(theory.pruned_risk(*problem, best.kept, rule, best.ridge), rel=1e-12)
    assert best.risk < tuning.pruned(*problem, 12, rule).risk
    assert tuning.pruned_within(*problem, 0, rule).risk == pytest.approx(1.25)


def test_noise_may_make_fewer_coefficients_better_than_the_budget():
    sparse = (spectra.constant(80), np.where(np.arange(80) < 3, 1.0, 0.0), 0.8, 60)
    best = tuning.pruned_within(*sparse, 60)
    assert best.kept < 20 and best.risk < 0.9 * tuning.pruned(*sparse, 60).risk


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_of_several_valleys_the_deepest(seed):
    """Heavy-tailed coefficients and much noise: keeping few and keeping many compete."""
    rng = np.random.default_rng(seed)
    p, n = 28, 39
    eigs, teacher = np.exp(rng.normal(size=p)), rng.normal(size=p) * np.exp(rng.normal(size=p))
    problem = (eigs, teachers.with_signal(teacher, eigs), 1.75, n)
    best = tuning.pruned_within(*problem, 27)
    table = [theory.pruned_risk(*problem, np.arange(28), "magnitude", r) for r in np.sum(eigs) * np.geomspace(1e-3, 1e4, 80)]
    assert best.risk <= np.min(table) * (1 + 1e-9)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="^kept: 151 is outside"):
        tuning.pruned(*PROBLEMS["spiked"], 151)
    with pytest.raises(ValueError, match="^rule: "):
        tuning.pruned(*PROBLEMS["spiked"], 5, "largest")
    with pytest.raises(ValueError, match="^sample: "):
        tuning.retrained(*PROBLEMS["spiked"], 5, sample="other")
    with pytest.raises(ValueError, match="^n: "):
        tuning.dense(*PROBLEMS["spiked"][:3], 0)
