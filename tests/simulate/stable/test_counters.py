"""The hash written out gives JAX's own bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.stable import counters

KEYS = jax.random.split(jax.random.key(7), 200)


@pytest.mark.parametrize("data", [0, 1, 2**31, 2**32 - 1])
def test_folding_is_that_of_jax(data):
    data = np.uint32(data)
    ours = jax.vmap(lambda key: counters.fold(key, data))(KEYS)
    theirs = jax.vmap(lambda key: jax.random.fold_in(key, data))(KEYS)
    assert np.array_equal(jax.random.key_data(ours), jax.random.key_data(theirs))
    other = jax.vmap(lambda key: counters.fold(key, data ^ np.uint32(1)))(KEYS)
    assert not np.any(jax.random.key_data(other) == jax.random.key_data(theirs))


def test_the_seed_of_a_draw_is_that_of_jax():
    first, _ = jax.vmap(lambda key: counters.words(key, 5, 3))(KEYS)

    def by_jax(key):
        seed = jax.random.bits(key, (2,), jnp.uint32)
        return counters.threefry((seed[0], seed[1]), (jnp.arange(5, dtype=jnp.uint32), jnp.uint32(3)))[0]

    assert np.array_equal(first, jax.vmap(by_jax)(KEYS))


def test_keys_of_another_implementation_fold_as_jax_does():
    key = jax.random.key(1, impl="rbg")
    assert np.array_equal(*(jax.random.key_data(f(key, 3)) for f in (counters.fold, jax.random.fold_in)))
