"""Phase diagrams: when a pruned large model beats every small one, and when retraining helps.

The spiked problem of guide/least_squares.md, Spiked covariance
(half n spikes, equal coefficients, unit signal) over the height of the spikes and the
noise, at widths and kept counts that are fractions of n. Up to p = n the widths include every kept count: the dense model
of s features is a small one that knows its features.
"""

import jax

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

KEPT = [0.1, 0.3, 0.5, 0.7, 0.9]
WIDTH = [*KEPT, 1.2, 1.6, 2.4, 5.0, 10.0]
RULES = dict(hessian=pruning.hessian)


def make(n, spike, noise):
    if n % 10 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 10, which makes every width an integer")
    eigs = spectra.spiked(10 * n, count=n // 2, height=spike)
    return LinearGaussian(eigs=eigs, teacher=teachers.constant(eigs), noise=noise, n=n)


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, widths)
    return pruning.risks(path, problem, RULES.values(), kept, rule)


EXPERIMENT = Experiment(
    "phase_diagram",
    axes=dict(n=[50, 100], spike=[1.0, 4.0, 25.0, 150.0], noise=[0.1, 0.25, 0.5, 1.0]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=300,
    block=50,
    smoke=dict(n=[50, 100], spike=[25.0], noise=[0.5], seeds=50),
    describe="phase diagrams of pruning and retraining over width and kept count, and over spike and noise",
)
