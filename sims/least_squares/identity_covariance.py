"""Large then pruned against small, all features alike (guide/least_squares.md, Identity covariance).

Identity covariance; the first half n coefficients hold a share of the signal, the others the rest. The small model is
fitted to the first half n features alone: it is the ``oracle`` support retrained, at any width. With equal variances the
rules ``magnitude`` and ``hessian`` are one.
"""

import jax

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.35, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0]
KEPT = [0.5]
RULES = dict(magnitude=pruning.magnitude, oracle=pruning.oracle)


def make(n, noise, share):
    if n % 40 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 40, which makes every width an integer")
    eigs = spectra.constant(8 * n)
    return LinearGaussian(eigs=eigs, teacher=teachers.head_and_tail(eigs, n // 2, share), noise=noise, n=n)


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, widths)
    return pruning.risks(path, problem, RULES.values(), kept, rule)


EXPERIMENT = Experiment(
    "identity_covariance",
    axes=dict(n=[40, 80, 160], noise=[0.5], share=[0.8]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=600,
    block=40,
    smoke=dict(n=[80, 160], seeds=60),
    describe="large then pruned against small, identity covariance, with theory",
)
