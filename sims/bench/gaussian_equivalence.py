"""How far random-features regression is from its Gaussian equivalent (guide/random_features.md, Accuracy of the equivalence).

The equivalence is a conjecture for many inputs and samples, with a bias of some per cent at hundreds of them. This
measures it: simulated mean over prediction, for features that are drawn once and the same in both. Next to it the
same ratio for a Gaussian design with the covariance of the features: what of the gap is due to a finite n alone.
"""

from typing import Any

import jax
import numpy as np
from _record import Bench

from jaxprune import teachers
from jaxprune.problems import LinearGaussian, RandomFeatures
from jaxprune.simulate import least_squares, random_features
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment, run
from jaxprune.theory import random_features as theory
from jaxprune.theory.least_squares import correlated, sampled

# n, d_in, p: noise 0.3 and a linear teacher
SETTINGS = [
    (200, 10, 400),
    (200, 20, 400),
    (200, 50, 400),
    (200, 100, 100),
    (200, 100, 300),
    (200, 100, 400),
    (200, 100, 800),
    (400, 200, 800),
]
KEPT, NOISE, SEEDS, DRAWS = [40], 0.3, 400, 1000
METRICS = dict(risk="dense", pruned_risk="pruned", retrained_fresh="retrained on fresh data")
QUICK = dict(SETTINGS=[(40, 10, 80)], KEPT=[8], SEEDS=20, DRAWS=100)


def features_of(setting: int) -> RandomFeatures:
    """The problem of one setting, its features drawn."""
    n, d_in, p = SETTINGS[setting]
    weights = np.random.default_rng(setting).standard_normal((p, d_in)) / np.sqrt(d_in)
    return RandomFeatures(teachers.cosine(np.ones(d_in)), NOISE, n, p, weights=weights)


def make(setting, gaussian):
    problem = features_of(setting)
    if not gaussian:
        return problem
    covariance, best, noise = theory.equivalent(problem.weights, problem.teacher, NOISE)
    return LinearGaussian.from_covariance(covariance, best, noise, problem.n)


def trial(key, problem):
    features, sample, other = jax.random.split(key, 3)
    if isinstance(problem, LinearGaussian):
        population = problem
        data, fresh = (least_squares.draw(problem, k) for k in (sample, other))
    else:
        weights = random_features.draw_weights(problem, features)
        population = random_features.population(problem, weights)
        data, fresh = (random_features.draw(problem, weights, k) for k in (sample, other))
    widths = [problem.dim]
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, population, (pruning.magnitude,), features)
    return {
        "risk": population.risk(path.coef)[0],
        "pruned_risk": pruning.risk_surface(path, population, order, KEPT)[0, 0, 0],
        "retrained_fresh": pruning.retrained_surface(fresh, population, order, widths, KEPT)[0, 0, 0],
    }


def predictions(setting: int) -> dict[str, tuple[float, float]]:
    """Metric -> the prediction and its error."""
    problem = features_of(setting)
    same = (*theory.equivalent(problem.weights, problem.teacher, NOISE), problem.n)
    fresh = sampled.retrained_risk(*same, KEPT[0], draws=DRAWS, seed=0)
    return {
        "risk": (correlated.risk(*same), 0.0),
        "pruned_risk": (correlated.pruned_risk(*same, KEPT[0]), 0.0),
        "retrained_fresh": (float(fresh.value), float(fresh.error)),
    }


def ratios(setting: int, gaussian: bool) -> dict[str, tuple[float, float]]:
    """Metric -> simulated over predicted, and its standard error."""
    experiment = Experiment("bias", {"setting": [setting], "gaussian": [gaussian]}, make, trial, seeds=SEEDS, block=20)
    samples, found = run(experiment, workers=0), {}
    for metric, (value, error) in predictions(setting).items():
        risks = samples[metric].values.ravel()
        ratio = risks.mean() / value
        found[metric] = ratio, ratio * np.hypot(risks.std(ddof=1) / np.sqrt(SEEDS) / risks.mean(), error / value)
    return found


def main(bench: Bench) -> None:
    """Every setting, of the features and of a Gaussian design; those that differ in inputs alone are curves."""
    bench.say(f"ReLU, noise {NOISE}, {SEEDS} trials on one draw of the features; magnitude pruning to {KEPT[0]}")
    for setting, (n, inputs, p) in enumerate(SETTINGS):
        alike = n == SETTINGS[0][0] and p == SETTINGS[0][2]
        place: dict[str, Any] = dict(size=inputs, along="inputs") if alike else {}
        words = f"n = {n}, {p} features" + ("" if alike else f", {inputs} inputs")
        for design in ("features", "Gaussian design"):
            for metric, (ratio, error) in ratios(setting, design != "features").items():
                risk, values = f"{METRICS[metric]} risk", {f"jaxprune, {design}": [ratio]}
                bench.keep(risk, words, "simulated / predicted", values, compared=False, error=error, **place)
