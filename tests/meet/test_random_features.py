"""Random-features regression: an independent reference, the width sweep, and the Gaussian equivalent."""

import functools
import json

import jax
import numpy as np
import pytest
from scipy import stats

from jaxprune import teachers
from jaxprune.problems import RandomFeatures
from jaxprune.simulate import least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment, load_experiments, run
from jaxprune.theory import random_features as theory
from jaxprune.theory.least_squares import correlated, sampled
from tests import grades as judge
from tests.places import ROOT, sim

DATA = json.loads((ROOT / "tests" / "data" / "random_features.json").read_text())
CASES = DATA["cases"]
REPS = 400


def weights_of(case):
    rng = np.random.RandomState(case["seed"])  # the generator of the reference
    return rng.randn(case["p"], case["d_in"]) / np.sqrt(case["d_in"])


@functools.cache
def equivalent():
    case = CASES[0]
    return *theory.equivalent(weights_of(case), teachers.cosine(np.ones(case["d_in"])), case["noise"]), case["n"]


@pytest.mark.parametrize("case", [c for c in CASES if c["theory"]], ids=lambda c: c["id"])
def test_theory_reference(case):
    """To 1e-6 of an independent computation; the surrogate covariance is not as close."""
    covariance, teacher, noise, n = equivalent()
    found = []
    for matrix in (covariance, theory.surrogate(weights_of(case))):
        if case["rule"] is None:
            found.append(correlated.risk(matrix, teacher, noise, n))
        else:
            found.append(correlated.pruned_risk(matrix, teacher, noise, n, case["kept"], case["rule"]))
    assert found[0] == pytest.approx(case["theory"], rel=1e-6)
    assert found[1] != pytest.approx(case["theory"], rel=1e-6)


@functools.cache
def samples():
    """One simulation on the reference's features serves all of its cases."""
    case = CASES[0]
    widths, kept = [case["p"]], [CASES[1]["kept"]]

    def make(point):
        teacher = teachers.cosine(np.ones(case["d_in"]))
        return RandomFeatures(teacher, case["noise"], case["n"], case["p"], weights=weights_of(case))

    def trial(key, problem):
        features, sample, other = jax.random.split(key, 3)
        weights = random_features.draw_weights(problem, features)
        population = random_features.population(problem, weights)
        data, fresh = (random_features.draw(problem, weights, k) for k in (sample, other))
        path = least_squares.min_norm_path(data, widths)
        order = pruning.ranking(path, population, [pruning.magnitude], features)
        return {
            "none": population.risk(path.coef)[0],
            "no": pruning.risk_surface(path, population, order, kept)[0, 0, 0],
            "same": pruning.retrained_surface(data, population, order, widths, kept)[0, 0, 0],
            "fresh": pruning.retrained_surface(fresh, population, order, widths, kept)[0, 0, 0],
        }

    found = run(Experiment("meet", dict(point=[0]), make, trial, seeds=REPS, block=50), workers=0)
    return {name: found[name].values.ravel() for name in ("none", "no", "same", "fresh")}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_monte_carlo_reference(case):
    """Within four combined standard errors of an independent simulation; ten per cent off is outside."""
    values = samples()["none" if case["rule"] is None else case["retrain"]]
    limit = 4 * np.hypot(values.std(ddof=1) / np.sqrt(REPS), case["mc_se"])
    assert abs(values.mean() - case["mc_mean"]) <= limit
    assert abs(values.mean() - 1.1 * case["mc_mean"]) > limit
    assert np.median(values) == pytest.approx(case["mc_median"], rel=0.04)


@pytest.mark.slow
def test_gaussian_equivalent_is_near():
    """Within 5 % (guide/random_features.md, Accuracy of the equivalence), dense, pruned and retrained on fresh data, beyond four standard errors; 20 % off is not."""
    problem = equivalent()
    fresh = sampled.retrained_risk(*problem, 40, seed=0)
    predicted = dict(none=correlated.risk(*problem), no=correlated.pruned_risk(*problem, 40), fresh=float(fresh.value))
    for name, value in predicted.items():
        found = samples()[name]
        allowed = 0.05 * value + 4 * np.hypot(found.std(ddof=1) / np.sqrt(REPS), fresh.error if name == "fresh" else 0)
        assert abs(found.mean() - value) <= allowed
        assert abs(found.mean() - 1.2 * value) > allowed


@pytest.mark.slow
def test_width_sweep():
    """guide/random_features.md, What a width sweep shows: every number within the combined error of both simulations, at the level of all together."""
    seeds, table = 40, DATA["sweep"]
    found = run(load_experiments(sim("random_feature_regression"))[0].resized(seeds=seeds), workers=0)
    here = found.squeeze(drop=True).sel(width=table["width"])
    rows = {
        "risk": here["risk"],
        "pruned_risk": here["pruned_risk"].sel(rule="magnitude", kept=40),
        "retrained_same": here["retrained_same"].sel(rule="magnitude", kept=40),
        "retrained_fresh": here["retrained_fresh"].sel(rule="magnitude", kept=40),
        "random_retrained_same": here["retrained_same"].sel(rule="random", kept=40),
        "retrained_same_100": here["retrained_same"].sel(rule="magnitude", kept=100),
    }
    values = np.concatenate([row.values for row in rows.values()], axis=1)
    expected = np.concatenate([np.array(table[name], float) for name in rows])
    values, expected = values[:, np.isfinite(expected)], expected[np.isfinite(expected)]
    error = values.std(0, ddof=1) * np.sqrt(1 / seeds + 1 / 25) + 0.0005  # both have the same law; the table is rounded
    limit = stats.norm.isf(judge.LEVEL / (2 * expected.size))
    assert expected.size == 58
    assert np.max(np.abs(values.mean(0) - expected) / error) <= limit
    assert np.max(np.abs(values.mean(0) - 1.1 * expected) / error) > limit
