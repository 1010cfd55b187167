"""The theory of Gaussian designs is the limit of others: gaps on a ladder of n, extrapolated, vanish."""

import jax
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import designs, pruning
from jaxprune.theory import least_squares as theory
from tests import grades as judge

SIZES, SEEDS = [32, 96], 500
WIDTHS, KEPT = [0.5, 2.0], 0.25


def problem(n):
    eigs = spectra.spiked(2 * n, n // 2, 5.0)
    return LinearGaussian(eigs, teachers.constant(eigs), 0.5, n)


def simulate(n, law):
    """Dense, pruned and retrained risks (seeds, 3, W)."""
    widths, kept = [round(w * n) for w in WIDTHS], [round(KEPT * n)]

    def trial(key, problem):
        data = least_squares.draw(problem, key, law)
        path = least_squares.min_norm_path(data, widths)
        order = pruning.ranking(path, problem, [pruning.hessian], key)
        pruned = pruning.risk_surface(path, problem, order, kept)[:, 0, 0]
        retrained = pruning.retrained_surface(data, problem, order, widths, kept)[:, 0, 0]
        return jax.numpy.stack([problem.risk(path.coef), pruned, retrained])

    keys = jax.random.split(jax.random.key(n), SEEDS)
    return np.asarray(jax.jit(lambda k, p: jax.lax.map(lambda key: trial(key, p), k))(keys, problem(n)))


def predicted(n):
    rows = []
    for width in WIDTHS:
        reduced = (*theory.reduce(problem(n).eigs, problem(n).teacher, 0.5, round(width * n)), n)
        kept = round(KEPT * n)
        rows.append(
            [
                theory.risk(*reduced),
                theory.pruned_risk(*reduced, kept, "hessian"),
                theory.retrained_risk(*reduced, kept, "hessian"),
            ]
        )
    return np.transpose(rows)


@pytest.mark.slow
@pytest.mark.parametrize("law", [designs.rademacher, designs.student(6.0)], ids=["rademacher", "student"])
def test_other_designs_have_the_gaussian_limit(x64, law):
    gaps, errors = [], []
    for n in SIZES:
        risks, limit = simulate(n, law), predicted(n)
        gaps.append(risks.mean(0) / limit - 1)
        errors.append(risks.std(0, ddof=1) / np.sqrt(SEEDS) / limit)
    for metric in range(3):
        for width in range(len(WIDTHS)):
            judge.asymptotic([g[metric, width] for g in gaps], [e[metric, width] for e in errors], SIZES, spoil=1.2)
