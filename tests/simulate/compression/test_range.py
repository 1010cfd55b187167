"""Numbers of all sizes and kinds: nothing overflows, vanishes or is rounded away on the way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.compression import projection, quantiser, released_split, rules, sparse

KEY = jax.random.key(3)
NORMAL = jnp.asarray(np.random.default_rng(2).standard_normal((30, 20)), jnp.float32)


@pytest.mark.slow
@pytest.mark.parametrize("chance", [1e-9, 3e-8])
def test_rare_weights_are_as_rare_as_their_probabilities(chance):
    """One draw of single precision falls below either with probability 2^-23; the counts here are Poisson's."""
    size, draws = 2**22, 40
    count = jax.jit(lambda key: sparse.random_keep(key, jnp.ones(size, jnp.float32), jnp.full(size, chance, jnp.float32)).kept)
    found = sum(int(count(key)) for key in jax.random.split(KEY, draws))
    mean = size * draws * chance
    assert abs(found - mean) < 5 * np.sqrt(mean) + 1 < size * draws * 2.0**-23 - mean


def test_certain_weights_are_kept():
    ones = jnp.ones(10**6, jnp.float32)
    assert int(sparse.random_keep(KEY, ones, ones).kept) == 10**6
    assert int(sparse.random_keep(KEY, 0 * ones, 0 * ones).kept) == 0


@pytest.mark.parametrize("power", [1, 2])
def test_a_budget_goes_to_small_weights_where_large_ones_are_few(power):
    weights = jnp.asarray([1e30, -1e-3, *[1e-30] * 8, 0.0], jnp.float32)
    chances = np.asarray(sparse.inclusion_of(weights, 4, power))
    np.testing.assert_allclose(chances, [1, 1, *[0.25] * 8, 0], rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scales_beyond_squares(scale):
    weights = NORMAL * jnp.float32(scale)
    one, other = (released_split.split(KEY, w, "matched") for w in (NORMAL, weights))
    np.testing.assert_allclose(np.asarray(other.value, float) / scale, one.value, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(released_split.large(weights), released_split.large(NORMAL))
    assert 0 < int(one.kept) == int(other.kept) < NORMAL.size
    inputs = jnp.asarray([1e25, 1.0, 1e-5], jnp.float32)[None] * jnp.ones((5, 1), jnp.float32)
    scores = sparse.activation_aware(None, jnp.ones((1, 3), jnp.float32), inputs)
    np.testing.assert_allclose(scores / scores[0, 0], [[1, 1e-25, 1e-30]], rtol=1e-5)


def test_half_precision_and_integers():
    half = NORMAL.astype(jnp.float16)
    kept = rules.Compressed(half, jnp.asarray(half.size), jnp.asarray(0.0))
    for bits in (4, 16, 24):
        found = quantiser.quantised(kept, bits).value
        assert found.dtype == jnp.float16
        bound = float(quantiser.relative_bound(half, bits)) + 2**-10
        assert np.max(np.abs(found / half - 1)) <= bound
    whole = jnp.arange(1, 9)
    rounded = quantiser.quantised(rules.Compressed(whole, jnp.asarray(8), jnp.asarray(0.0)), 3).value
    assert jnp.issubdtype(rounded.dtype, jnp.floating) and not np.all(rounded == np.round(rounded))
    drawn = sparse.uniform_mask(KEY, whole, 0.3).value
    np.testing.assert_allclose(drawn[drawn != 0], (whole / 0.3)[drawn != 0], rtol=1e-6)


@pytest.mark.parametrize("kind", [jnp.float16, jnp.bfloat16])
def test_half_precision_keeps_as_many_as_are_asked_for(kind):
    """In 8 bits a share of 0.999 would be 1, and sums of probabilities off by some per cent."""
    half = jnp.tile(NORMAL.ravel(), 20).astype(kind)
    for power in (1, 2):
        chances = sparse.inclusion_of(half, 1000, power)
        assert np.sum(np.asarray(chances, float)) == pytest.approx(1000, rel=1e-4)
    assert sparse.uniform_mask(KEY, half, 0.999).kept < half.size
    found = projection.matrix_project(KEY, half[:20].reshape(4, 5), 400).value
    exact = projection.matrix_project(KEY, half[:20].reshape(4, 5).astype(jnp.float32), 400).value
    np.testing.assert_allclose(found, exact, atol=1e-5)
    np.testing.assert_array_equal(released_split.large(half), released_split.large(half.astype(jnp.float32)))


def test_ends_of_the_range():
    """The least integer has no absolute value in its own bits, the largest float a logarithm that is rounded up; counts may be
    more than the integers of a program, or so short that they do not hold the number of weights."""
    least = jnp.array([3, 127, -128], jnp.int8)
    for found in (rules.compress(rules.magnitude, None, least, 1), sparse.threshold(least, 127)):
        assert found.value.tolist() == [0, 0, -128] and int(found.kept) == 1
    top = jnp.array([jnp.finfo(jnp.float32).max, 1.0], jnp.float32)
    assert quantiser.quantised(rules.Compressed(top, 2, 0.0), 24).value.tolist() == pytest.approx(top.tolist(), rel=1e-4)
    for found in (rules.compress(rules.magnitude, None, NORMAL, 10**12), projection.low_rank(NORMAL, 10**12)):
        np.testing.assert_array_equal(found.value, NORMAL)
    short = jax.jit(lambda count: rules.compress(rules.magnitude, None, NORMAL, count))(jnp.int8(5))
    assert int(short.kept) == 5
    assert float(jax.jit(lambda count: rules.log_ways(count, 1000))(jnp.int8(5))) == pytest.approx(29.741268, rel=1e-6)


def test_what_is_no_number_is_not_hidden():
    assert np.isnan(sparse.threshold(jnp.array([1.0, jnp.nan]), 0.5).value[1])
