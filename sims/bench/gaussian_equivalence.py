"""How far random-features regression is from its Gaussian equivalent (guide/random_features.md, Accuracy of the equivalence).

The equivalence is a conjecture for many inputs and samples, with a bias of some per cent at hundreds of them. This
measures it: simulated mean over prediction, for features that are drawn once and the same in both. Next to it the
same ratio for a Gaussian design with the covariance of the features: what of the gap is due to a finite n alone.
"""

import time

import jax
import numpy as np

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
KEPT, NOISE, SEEDS = [40], 0.3, 400
METRICS = ("risk", "pruned_risk", "retrained_fresh")


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
    fresh = sampled.retrained_risk(*same, KEPT[0], draws=1000, seed=0)
    return {
        "risk": (correlated.risk(*same), 0.0),
        "pruned_risk": (correlated.pruned_risk(*same, KEPT[0]), 0.0),
        "retrained_fresh": (float(fresh.value), float(fresh.error)),
    }


def ratios(setting: int, gaussian: bool, seeds: int = SEEDS) -> dict[str, tuple[float, float]]:
    """Metric -> simulated over predicted, and its standard error."""
    experiment = Experiment("bias", {"setting": [setting], "gaussian": [gaussian]}, make, trial, seeds=seeds, block=20)
    samples, found = run(experiment, workers=0), {}
    for metric, (value, error) in predictions(setting).items():
        risks = samples[metric].values.ravel()
        ratio = risks.mean() / value
        found[metric] = ratio, ratio * np.hypot(risks.std(ddof=1) / np.sqrt(seeds) / risks.mean(), error / value)
    return found


def main() -> None:
    """Print the table."""
    started = time.perf_counter()
    print(f"simulated / predicted risk of ReLU features, noise {NOISE}, {SEEDS} trials on one draw of the features;")
    print(f"s.e. of the last digits in brackets; magnitude pruning to {KEPT[0]}")
    print(f"{'n':>4} {'d_in':>5} {'p':>4}   design    {'dense':>12} {'pruned':>12} {'+ RT fresh':>12}")
    for setting, (n, d_in, p) in enumerate(SETTINGS):
        for gaussian in (False, True):
            found = ratios(setting, gaussian)
            cells = " ".join(f"{found[m][0]:7.3f}({1e3 * found[m][1]:3.0f})" for m in METRICS)
            print(f"{n:4d} {d_in:5d} {p:4d}   {'Gaussian' if gaussian else 'features'}  {cells}")
    print(f"{time.perf_counter() - started:.0f} s")
