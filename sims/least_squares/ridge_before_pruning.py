"""Ridge before pruning: which penalty of the first fit is best for the model that will be pruned.

Source: guide/least_squares.md, Best ridge.

Two problems with p = 5 n features, unit signal, noise 0.5: ``spiked``, half n spikes of variance 25 and equal
coefficients; ``isotropic``, half n coefficients that hold 95 % of the signal. Variances are divided by n, so that one
ridge is the same at every n.
"""

import jax
import jax.numpy as jnp

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.simulate.platforms import each
from jaxprune.sweep import Experiment

WIDTH = [5.0]
KEPT = [0.1, 0.25, 0.5]
RIDGE = [0.0, 0.05, 0.15, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 100.0, 400.0]
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian)


def make(n, problem):
    if n % 20 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 20, which makes every kept count an integer")
    if problem == "spiked":
        eigs = spectra.spiked(5 * n, count=n // 2, height=25.0) / n
        return LinearGaussian(eigs=eigs, teacher=teachers.constant(eigs), noise=0.5, n=n)
    if problem == "isotropic":
        eigs = spectra.constant(5 * n) / n
        return LinearGaussian(eigs=eigs, teacher=teachers.head_and_tail(eigs, n // 2, 0.95), noise=0.5, n=n)
    raise ValueError(f"problem: {problem!r} is neither 'spiked' nor 'isotropic'")


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)

    def one(ridge):
        path = least_squares.min_norm_path(data, widths, ridge)
        order = pruning.ranking(path, problem, RULES.values(), rule)
        return {
            "risk": problem.risk(path.coef),
            "pruned_risk": pruning.risk_surface(path, problem, order, kept),
            "retrained_same": pruning.retrained_surface(data, problem, order, widths, kept),
        }

    return each(one, jnp.asarray(RIDGE))


EXPERIMENT = Experiment(
    "ridge_before_pruning",
    axes=dict(n=[40, 80, 160], problem=["spiked", "isotropic"]),
    make=make,
    trial=trial,
    inner=dict(ridge=RIDGE, width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=400,
    block=40,
    smoke=dict(n=[40, 80], problem=["spiked"], seeds=40),
    describe="risk of pruned and retrained models against the ridge of the first fit, with theory",
)
