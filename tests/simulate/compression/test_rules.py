"""Rules and what they leave: exact counts, ties, trees of layers with one budget, and code lengths."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.compression import rules
from jaxprune.simulate.least_squares import pruning as linear
from jaxprune.simulate.networks import pruning as networks
from tests import grades as judge

RNG = np.random.default_rng(0)
TREE = {"a": jnp.asarray(RNG.standard_normal((4, 3))), "b": [jnp.asarray(RNG.standard_normal(5))]}


def test_magnitude_is_one_function_of_all():
    assert linear.magnitude is rules.magnitude is networks.magnitude
    for weights in (TREE, TREE["a"], jnp.array([-2.0, 1.0])):
        found = rules.magnitude(None, weights)
        assert jax.tree.structure(found) == jax.tree.structure(weights)
        judge.exact(jax.tree.leaves(found)[0], np.abs(jax.tree.leaves(weights)[0]))


@pytest.mark.parametrize("budget", [0, 1, 8, 17, 99])
def test_a_budget_is_shared_by_all_layers_and_exact(budget):
    found = jax.jit(lambda b: rules.compress(rules.magnitude, None, TREE, b))(budget)
    flat = np.concatenate([np.ravel(w) for w in jax.tree.leaves(TREE)])
    left = np.concatenate([np.ravel(w) for w in jax.tree.leaves(found.value)])
    assert int(found.kept) == np.count_nonzero(left) == min(budget, 17)
    chosen = np.argsort(-np.abs(flat), kind="stable")[:budget]
    np.testing.assert_array_equal(left, np.where(np.isin(np.arange(17), chosen), flat, 0))


def test_ties_go_to_the_lower_index_of_the_lower_layer():
    masks = rules.keep_largest([jnp.ones(2), jnp.ones(3)], 3)
    assert [m.tolist() for m in masks] == [[True, True], [True, False, False]]
    masks = rules.keep_largest([jnp.ones(2), jnp.ones(3)], 3, live=[jnp.array([True, False]), jnp.ones(3, bool)])
    assert [m.tolist() for m in masks] == [[True, False], [True, True, False]]


def test_what_is_not_finite_keeps_nothing():
    assert not any(m.any() for m in rules.keep_largest([jnp.array([1.0, jnp.nan]), jnp.ones(3)], 2))


def test_the_code_length_counts_the_ways():
    ways = [len(list(itertools.combinations(range(7), kept))) for kept in range(8)]
    with jax.enable_x64(True):
        found = [float(rules.code_length(kept, 7, 8)) for kept in range(8)]
    judge.exact(found, [math.log(w) + 8 * kept * math.log(2) for kept, w in enumerate(ways)], 1e-12)
