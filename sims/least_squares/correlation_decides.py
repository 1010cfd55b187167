"""Retraining hurts for uncorrelated features and helps for correlated ones (guide/least_squares.md, Correlation decides).

Equal coefficients with total signal 1, twice as many features as samples; the same random numbers at every
correlation. Two experiments, of equal and of decaying correlations.
"""

import jax
import numpy as np

from jaxprune import spectra
from jaxprune.contracts import Finding
from jaxprune.judge import crossing
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [2.0]
KEPT = [0.4]
RULES = dict(magnitude=pruning.magnitude)


def problem(covariance, noise, n):
    ones = np.ones(len(covariance))
    return LinearGaussian.from_covariance(covariance, ones / np.sqrt(ones @ covariance @ ones), noise, n)


def _size(n):
    if n % 5 or n < 5:
        raise ValueError(f"n: {n} is not a positive multiple of 5, which makes every kept count an integer")
    return 2 * n


def make_equicorrelated(n, noise, rho):
    return problem(spectra.equicorrelated(_size(n), rho), noise, n)


def make_ar1(n, noise, rho):
    return problem(spectra.ar1(_size(n), rho), noise, n)


def trial(key, problem):
    sample, other, rule = jax.random.split(key, 3)
    widths, kept = [round(w * problem.n) for w in WIDTH], [round(s * problem.n) for s in KEPT]
    data, fresh = least_squares.draw(problem, sample), least_squares.draw(problem, other)
    path = least_squares.min_norm_path(data, widths)
    return pruning.risks(path, problem, RULES.values(), kept, rule, fresh)


def retraining_helps(samples):
    """The correlation at which retraining on the same sample begins to help, at the largest n; the draws are paired."""
    here = samples.isel(width=0, kept=0, noise=-1).sel(rule="magnitude", n=samples["n"].max())
    gain = (here["pruned_risk"] - here["retrained_same"]).transpose("seed", "rho").sortby("rho")
    return crossing(gain["rho"].values, gain.values, seed=0)


def findings(samples):
    found = retraining_helps(samples)
    return {"correlation from which retraining helps": Finding(found.place, found.error)}


INNER = dict(width=WIDTH, rule=list(RULES), kept=KEPT)

EQUICORRELATED = Experiment(
    "equicorrelated",
    axes=dict(n=[75, 150], noise=[0.5], rho=[0.0, 0.005, 0.02, 0.05, 0.08, 0.1, 0.12, 0.2, 0.3, 0.6, 0.9]),
    make=make_equicorrelated,
    trial=trial,
    inner=INNER,
    findings=findings,
    dims=dict(risk=["width"]),
    seeds=200,
    block=20,
    share=("rho",),
    smoke=dict(seeds=20, rho=[0.0, 0.02, 0.1, 0.3, 0.9]),
    describe="pruned and retrained risk against an equal correlation of all features",
)

AR1 = Experiment(
    "ar1",
    axes=dict(n=[75, 150], noise=[0.5], rho=[0.0, 0.3, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98]),
    make=make_ar1,
    trial=trial,
    inner=INNER,
    findings=findings,
    dims=dict(risk=["width"]),
    seeds=200,
    block=20,
    share=("rho",),
    smoke=dict(seeds=20, rho=[0.0, 0.5, 0.7, 0.9, 0.95]),
    describe="pruned and retrained risk against the decay of the correlation of neighbours",
)
