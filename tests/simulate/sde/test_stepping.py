"""A run is alive exactly while every entry is finite and within the cap, wherever the entry stands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate import sde
from jaxprune.simulate.sde import drifts, stepping


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 15, 16, 17, 31, 32, 33, 100])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e30])
def test_every_entry_is_looked_at(size, bad):
    start = jnp.where(jnp.eye(size, dtype=bool), bad, 1.0).astype(jnp.float32)  # one bad entry for each run
    start = jnp.vstack([start, jnp.ones(size, jnp.float32)])
    how = dict(step_size=0.1, steps=1, guard=stepping.Guard(cap=1e20))
    run = jax.vmap(lambda x: sde.euler(drifts.Linear(0.0), None, x, jax.random.key(0), **how))(start)
    assert np.array_equal(run.state.alive, [False] * size + [True])
