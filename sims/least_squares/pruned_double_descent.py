"""Pruned double descent of the linear Gaussian problem (Chang et al. 2020; guide/least_squares.md).

Spiked diagonal covariance, equal coefficients. Widths and kept counts are fractions of n, so that every n is the
same problem at another size: the ladder on which the gap to the asymptotic theory is measured.
"""

import jax

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.96, 1.0, 1.04, 1.1, 1.2, 1.3, 1.5, 1.7, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
KEPT = [0.1, 0.3, 0.5]
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian, oracle=pruning.oracle, random=pruning.random)


def make(n, noise, spike):
    if n % 50 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 50, which makes every width and kept count an integer")
    eigs = spectra.spiked(10 * n, count=n // 2, height=spike)
    return LinearGaussian(eigs=eigs, teacher=teachers.constant(eigs), noise=noise, n=n)


def trial(key, problem):
    sample, other, rule = jax.random.split(key, 3)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data, fresh = least_squares.draw(problem, sample), least_squares.draw(problem, other)
    path = least_squares.min_norm_path(data, widths)
    return pruning.risks(path, problem, RULES.values(), kept, rule, fresh) | {
        "train_error": path.train_error,
        "condition": path.condition,
    }


EXPERIMENT = Experiment(
    "pruned_double_descent",
    axes=dict(n=[50, 100, 200], noise=[0.5], spike=[25.0]),
    make=make,
    trial=trial,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=400,
    block=40,
    smoke=dict(n=[50, 100], seeds=40),
    describe="risk of dense, pruned and retrained least squares against width p/n, with theory",
)
