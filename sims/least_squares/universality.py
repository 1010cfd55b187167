"""Does the theory of Gaussian designs hold for others? (guide/least_squares.md, Other designs.)

``universality``: designs with independent entries of five laws and one diagonal covariance, on a ladder of n; theory
is that of the Gaussian design. ``universality_digits``: rows of a finite data set, ReLU features of handwritten
digits, against Gaussian designs with the same second moments; the target is a linear teacher with noise, or the
parity of the digit itself. Every risk is exact: over the population, or over all rows.

A finite data set has effects of its own, of relative size n / N: rows drawn twice tell nothing new, and some rows of
the population have been seen. So there are two Gaussian designs: a data set of N Gaussian rows, with the second
moments of the digits to the last bit, and the infinite population.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import datasets, spectra, teachers
from jaxprune.problems import FinitePopulation, LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import designs, pruning
from jaxprune.sweep import Experiment

LAWS = {
    "Gaussian": jax.random.normal,
    "Rademacher": designs.rademacher,
    "uniform": designs.uniform,
    "Student 5": designs.student(5.0),
    "Student 3": designs.student(3.0),
}
WIDTH = [0.2, 0.4, 0.6, 0.8, 1.2, 1.4, 1.7, 2.2, 3.0, 4.0]
KEPT = 0.2
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian)
SIZES, DIGITS_WIDTH = [50, 100, 200], [0.3, 0.5, 0.7, 0.8, 1.2, 1.4, 1.7, 2.0, 3.0]
FEATURES = 300


def make(n, noise):
    if n % 10 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 10, which makes every width and kept count an integer")
    eigs = spectra.spiked(4 * n, count=n // 2, height=10.0)
    return LinearGaussian(eigs=eigs, teacher=teachers.constant(eigs), noise=noise, n=n)


def risks(problem, data, widths, key):
    """Dense (W,), pruned and retrained (W, R) risks; ``problem`` knows the population."""
    kept = [round(KEPT * data.target.shape[0])]
    path = least_squares.min_norm_path(data, widths)
    found = pruning.risks(path, problem, RULES.values(), kept, key)
    return {"dense": found["risk"], "pruned": found["pruned_risk"][..., 0], "retrained": found["retrained_same"][..., 0]}


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    found = [risks(problem, least_squares.draw(problem, sample, law), widths, rule) for law in LAWS.values()]
    return jax.tree.map(lambda *parts: jnp.stack(parts), *found)


def make_digits(n, target):
    if n % 10 or not 10 <= n <= FEATURES // 3:
        raise ValueError(f"n: {n} is not a multiple of 10 in 10 .. {FEATURES // 3}")
    pixels, labels = datasets.digits()
    features = datasets.relu_features(pixels, FEATURES, seed=0)
    covariance = features.T @ features / len(features)
    if target == "teacher":
        beta, noise = np.cos(np.arange(1.0, FEATURES + 1) ** 2), 0.3
        beta = beta / np.sqrt(beta @ covariance @ beta)
        values, residual = features @ beta, noise
    elif target == "parity":
        values, noise = 2.0 * labels[:, 1::2].sum(axis=1) - 1, 0.0
        values = values - values.mean()
        beta = np.linalg.lstsq(features, values, rcond=None)[0]
        residual = float(np.std(values - features @ beta))
    else:
        raise ValueError(f"target: {target!r}; use 'teacher' or 'parity'")
    twin = LinearGaussian.from_covariance(covariance, beta, residual, n)
    rows, unexplained = datasets.gaussian_rows(covariance, len(features), seed=1)
    rest = residual * unexplained if target == "parity" else 0.0
    return FinitePopulation(features, values, noise, n), FinitePopulation(rows, rows @ beta + rest, noise, n), twin


def trial_digits(key, problem):
    """The digits, Gaussian rows with their second moments, and the Gaussian design."""
    *data_sets, gaussian = problem
    sample, other, rule = jax.random.split(key, 3)
    widths = [round(w * gaussian.n) for w in DIGITS_WIDTH]
    drawn = least_squares.draw(gaussian, other)
    drawn = least_squares.Data(drawn.features, drawn.target, "rank")  # solved like the digits, to the last detail
    found = [risks(rows.population, designs.resample(rows, sample), widths, rule) for rows in data_sets]
    return jax.tree.map(lambda *parts: jnp.stack(parts), *found, risks(gaussian, drawn, widths, rule))


DIMS = dict(dense=["design", "width"], pruned=["design", "width", "rule"], retrained=["design", "width", "rule"])

EXPERIMENT = Experiment(
    "universality",
    axes=dict(n=SIZES, noise=[0.5]),
    make=make,
    trial=trial,
    inner=dict(design=list(LAWS), width=WIDTH, rule=list(RULES)),
    dims=DIMS,
    seeds=200,
    block=10,
    smoke=dict(n=[50], seeds=10),
    describe="risk of designs with other than Gaussian entries against the theory of Gaussian ones",
)

DIGITS = Experiment(
    "universality_digits",
    axes=dict(n=[100], target=["teacher", "parity"]),
    make=make_digits,
    trial=trial_digits,
    inner=dict(design=["digits", "Gaussian rows", "Gaussian"], width=DIGITS_WIDTH, rule=list(RULES)),
    dims=DIMS,
    seeds=200,
    block=10,
    smoke=dict(n=[50], target=["teacher"], seeds=10),
    describe="risk on ReLU features of digits against a Gaussian design of the same second moments",
)
