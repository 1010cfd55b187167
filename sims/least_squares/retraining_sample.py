"""Retraining on the training sample against retraining on a fresh one (guide/least_squares.md, Retraining on the same sample).

What figure 4 of the paper shows for random features, on linear models, where both have a theory. Two problems:
``isotropic``, coefficients cos(i^2) of unit signal and noise 0.4; ``spiked``, half n spikes of variance 25, equal
coefficients of unit signal and noise 0.5. Retrained on the same sample the risk has a finite peak on either side of
p = n; at p = n itself, where the first fit is all noise and its ranking blind, it falls to the risk on a fresh sample.
"""

import jax

from jaxprune import spectra, teachers
from jaxprune.judge import estimates
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5]
KEPT = [0.2, 0.5]
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian)


def make(n, problem):
    if n % 60 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 60, which makes every width an integer")
    if problem == "isotropic":
        eigs = spectra.constant(8 * n // 3)
        return LinearGaussian(eigs=eigs, teacher=teachers.cosine(eigs), noise=0.4, n=n)
    if problem == "spiked":
        eigs = spectra.spiked(10 * n, count=n // 2, height=25.0)
        return LinearGaussian(eigs=eigs, teacher=teachers.constant(eigs), noise=0.5, n=n)
    raise ValueError(f"problem: {problem!r} is neither 'isotropic' nor 'spiked'")


def trial(key, problem):
    sample, other, rule = jax.random.split(key, 3)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data, fresh = least_squares.draw(problem, sample), least_squares.draw(problem, other)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, RULES.values(), rule)
    return {
        "pruned_risk": pruning.risk_surface(path, problem, order, kept),
        "retrained_same": pruning.retrained_surface(data, problem, order, widths, kept),
        "retrained_fresh": pruning.retrained_surface(fresh, problem, order, widths, kept),
    }


def findings(samples):
    """Same over fresh at p = n, where the limit is one."""
    here = samples.sel(width=1.0, rule="magnitude")
    stated = {}
    for problem in samples["problem"].values:
        for kept in KEPT:
            for n in samples["n"].values:
                same, fresh = (here[f"retrained_{s}"].sel(problem=problem, kept=kept, n=n).values for s in ("same", "fresh"))
                found = estimates.estimate(lambda a, b: a.mean() / b.mean(), same, fresh)
                stated[f"same over fresh sample at p = n, {problem}, s/n = {kept}, n = {n}"] = found
    return stated


EXPERIMENT = Experiment(
    "retraining_sample",
    axes=dict(n=[60, 120, 240], problem=["isotropic", "spiked"]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    dims={name: ["width", "rule", "kept"] for name in ("pruned_risk", "retrained_same", "retrained_fresh")},
    seeds=400,
    block=40,
    smoke=dict(n=[60, 120], problem=["isotropic"], seeds=40),
    describe="risk after retraining on the training sample and on a fresh one, against width p/n, with theory",
)
