"""Draws, energies, norms and actions of heavy-tailed matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.problems import HeavyTailedMatrix, LevelSets
from jaxprune.simulate import matrices
from jaxprune.simulate.stable import Symmetric
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")
KEY = jax.random.key(0)


def entries(law, tail_index, rows=200, columns=150, key=KEY):
    sign, log = matrices.log_entries(key, HeavyTailedMatrix(tail_index, rows, columns, law))
    return np.asarray(sign * jnp.exp(log))


@pytest.mark.slow
@pytest.mark.parametrize("law, tail_index, cdf", [
    ("pareto", 0.7, lambda x: 0.5 + np.sign(x) / 2 * (1 - np.maximum(np.abs(x), 1) ** -0.7)),
    ("student", 0.5, stats.t(0.5).cdf), ("student", 4.0, stats.t(4.0).cdf), ("stable", 1.0, stats.cauchy.cdf),
    ("stable", 2.0, stats.norm(0, 2**0.5).cdf),
])  # fmt: skip
def test_entries_have_their_law(law, tail_index, cdf):
    """By Kolmogorov and Smirnov; a scale that is 15 % off is noticed."""
    x = entries(law, tail_index, 600).ravel()
    assert stats.kstest(x, cdf).pvalue > 1e-6
    assert stats.kstest(1.15 * x, cdf).pvalue < 1e-6


@pytest.mark.slow
def test_the_largest_is_not_cut_off():
    """-alpha log of the largest of N Pareto entries less log N is Gumbel's, in float32 too, where a grid of 2^-23 would cut it."""
    problem = HeavyTailedMatrix(0.5, 2000, 1000)
    with jax.enable_x64(False):
        largest = [0.5 * float(matrices.draw(jax.random.fold_in(KEY, k), problem).log_largest) for k in range(12)]
    found = np.array(largest) - np.log(problem.size)
    assert stats.kstest(found, stats.gumbel_r.cdf).pvalue > 1e-3
    assert stats.kstest(np.minimum(largest, 23 * np.log(2)) - 0.5 - np.log(problem.size), stats.gumbel_r.cdf).statistic > 0.2


def test_matrices_do_not_overflow():
    matrix, log_largest = matrices.draw(KEY, HeavyTailedMatrix(0.01, 50, 40))
    assert float(jnp.max(jnp.abs(matrix))) == 1 and float(log_largest) > 300
    assert np.isfinite(np.asarray(matrices.discarded(matrix))).all()


@pytest.mark.parametrize("law", ["pareto", "stable", "student"])
def test_all_shares_from_one_sort(law):
    matrix = matrices.draw(KEY, HeavyTailedMatrix(1.3, 8, 9, law)).matrix
    energy = np.sort(np.asarray(matrix).ravel() ** 2)[::-1]
    known = [1 - energy[:s].sum() / energy.sum() for s in range(73)]
    judge.exact(matrices.discarded(matrix), known, tolerance=1e-12)


def test_residuals_keep_exactly_so_many():
    matrix = jnp.array([[3.0, -3.0, 1.0], [2.0, 3.0, -5.0]])
    rest = matrices.residuals(matrix, [0, 2, 6])
    assert rest[0].tolist() == matrix.tolist() and not np.any(rest[2])
    assert rest[1].tolist() == [[0, -3, 1], [2, 3, 0]]  # of equal ones the lower index is kept
    with pytest.raises(ValueError, match="^kept: "):
        matrices.residuals(matrix, [7])


@pytest.mark.slow
@pytest.mark.parametrize("tail_index, steps, tolerance", [(1.0, 300, 1e-12), (2.5, 100, 1e-6), (4.0, 300, 1e-3)])
def test_operator_norms(tail_index, steps, tolerance):
    """A norm never exceeds the largest singular value, and its residual bounds its distance to one."""
    matrix = matrices.draw(KEY, HeavyTailedMatrix(tail_index, 60, 80)).matrix
    norm, residual = matrices.operator_norm(jax.random.key(1), matrix, steps)
    values = np.linalg.svd(np.asarray(matrix), compute_uv=False)
    assert -1e-14 <= 1 - float(norm) / values[0] <= tolerance
    assert np.min(np.abs((values / float(norm)) ** 2 - 1)) <= float(residual) + 1e-13
    few = matrices.operator_norm(jax.random.key(1), matrix, 1)
    assert float(few.residual) > float(residual)


def test_norms_of_special_matrices():
    assert matrices.operator_norm(KEY, jnp.zeros((3, 4))) == (0, 0)
    assert float(matrices.operator_norm(KEY, 1e200 * jnp.eye(3)).value) == pytest.approx(1e200)
    with pytest.raises(ValueError, match="^steps: "):
        matrices.operator_norm(KEY, jnp.eye(3), 0)


@pytest.mark.slow
def test_many_matrices_are_one_program():
    problem = HeavyTailedMatrix(1.0, 10, 12)

    @jax.jit
    def norms(keys, indices):
        def one(key, index):
            return matrices.operator_norm(key, matrices.draw(key, HeavyTailedMatrix(index, 10, 12)).matrix, 50).value

        return jax.vmap(one)(keys, indices)

    keys = jax.random.split(KEY, 3)
    batch = norms(keys, jnp.array([1.0, 1.0, 3.0]))
    alone = matrices.operator_norm(keys[0], matrices.draw(keys[0], problem).matrix, 50).value
    judge.exact(batch[0], alone, tolerance=1e-12)


def test_action():
    assert float(matrices.argmax_gap(jnp.array([1.0, -4.0, 3.0]))) == 0.25
    assert matrices.agree(jnp.array([[1.0, -4.0]]), jnp.array([[0.5, 3.0], [3.0, 1.0]])).tolist() == [True, False]
    survived = matrices.survives(jnp.diag(jnp.array([3.0, 1.0])), jnp.ones(2), jnp.array([[0.0, 1.0], [0.0, 3.0]]))
    assert survived.tolist() == [True, False]
    with pytest.raises(ValueError, match="^values: "):
        matrices.argmax_gap(jnp.ones(1))


def test_bilinear_errors():
    matrix, kept = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 4)))
    left, right = np.random.default_rng(1).normal(size=(3, 5)), np.random.default_rng(2).normal(size=(3, 4))
    known = [abs(u @ (kept - matrix) @ v) / np.linalg.norm(u) / np.linalg.norm(v) for u, v in zip(left, right, strict=True)]
    found = matrices.bilinear_error(1e160 * matrix, 1e160 * kept, jnp.asarray(left), jnp.asarray(right))
    judge.exact(found, np.array(known) / np.linalg.norm(matrix))


def test_levels_hold_what_lies_in_them():
    problem = LevelSets(1.2, 30, 4, 7)
    counts = matrices.level_counts(KEY, problem)
    x = np.asarray(Symmetric(1.2).sample(KEY, (7, 30)))
    known = [[np.sum((row > 1.3**i) & (row <= 1.3 ** (i + 1))) for i in range(4)] for row in x]
    assert counts.tolist() == known


@pytest.mark.parametrize("wrong, name", [
    (dict(tail_index=0.0), "tail_index"), (dict(tail_index=np.nan), "tail_index"), (dict(rows=0), "rows"),
    (dict(columns=1.5), "columns"), (dict(law="normal"), "law"), (dict(law="stable", tail_index=2.5), "tail_index"),
])  # fmt: skip
def test_bad_problems(wrong, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        HeavyTailedMatrix(**{**dict(tail_index=1.0, rows=3, columns=3), **wrong})


def test_bad_levels():
    with pytest.raises(ValueError, match="^base: "):
        LevelSets(1.0, 10, base=1.0)
    with pytest.raises(ValueError, match="^tail_index: "):
        LevelSets(2.0, 10)


@pytest.mark.parametrize("matrix", [np.zeros((3, 3)), np.full((2, 2), np.nan), np.zeros((0, 3))])
def test_nothing_to_discard(matrix, unchecked):
    with pytest.raises(ValueError, match="^weights: "):
        matrices.discarded(jnp.asarray(matrix))
