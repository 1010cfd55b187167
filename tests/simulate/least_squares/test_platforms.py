"""What an accelerator does at once is what a CPU does one after another."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares, platforms
from jaxprune.simulate.least_squares import fit, pruning, risk_estimators, rounds, saliency

WIDTHS, KEPT, KEY = [5, 12, 24], [2, 4], jax.random.key(1)


def problem():
    return LinearGaussian.from_covariance(spectra.ar1(24, 0.6), teachers.cosine(np.ones(24)), 0.3, 10)


def fitted():
    path = least_squares.min_norm_path(least_squares.draw(problem(), jax.random.key(0)), WIDTHS)
    return path, pruning.ranking(path, problem(), [pruning.magnitude, pruning.random], KEY)


def retrained():
    path, order = fitted()
    return pruning.retrained_surface(path.data, problem(), order, WIDTHS, KEPT)


def compensated():
    path, order = fitted()
    return saliency.compensated_surface(path, problem(), order, KEPT)


def removed():
    path, _ = fitted()
    return saliency.obs_greedy(KEY, path.coef, pruning.Fit(path, problem()))


def by_qr():
    data = least_squares.draw(problem(), jax.random.key(0))
    return least_squares.min_norm_path(dataclasses.replace(data, method="qr"), WIDTHS).coef


def in_rounds():
    schedule = rounds.geometric(WIDTHS, KEPT, 2)
    return rounds.iterative_path(fitted()[0], problem(), schedule, pruning.magnitude, KEY)


def estimated():
    found = risk_estimators.estimate(
        least_squares.leave_one_out(fitted()[0].data, WIDTHS), problem(), pruning.magnitude, KEY, kept=KEPT
    )
    return jnp.stack(jax.tree.leaves(found))


def by_rank():
    root = np.random.default_rng(0).normal(size=(6, 3))
    return fit.leading_solutions(jnp.asarray(root @ root.T), jnp.ones(6), jnp.asarray([1, 3, 6]), deficient=True)


@pytest.mark.slow
@pytest.mark.parametrize("work", [retrained, compensated, removed, by_qr, in_rounds, estimated, by_rank])
def test_both_give_the_same_numbers(x64, monkeypatch, work):
    one_after_another = work()
    monkeypatch.setattr(platforms, "by_platform", lambda *operands, cpu, elsewhere: elsewhere(*operands))
    np.testing.assert_allclose(work(), one_after_another, rtol=1e-9, atol=1e-11)


def test_each_is_a_loop_or_a_batch():
    def loops(**options):
        text = jax.make_jaxpr(lambda x: platforms.each(jnp.sin, x, **options))(jnp.arange(6.0))
        return str(text).count("scan")

    assert loops() == 1
    with platforms.for_accelerators():
        assert loops() == 0 and loops(together=3) == 1
        np.testing.assert_allclose(platforms.each(jnp.sin, jnp.arange(7.0), 3), np.sin(np.arange(7.0)), rtol=1e-6)
