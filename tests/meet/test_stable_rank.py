"""The stable rank of independent heavy-tailed entries: its mean is that of theory where the largest entry is the norm."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import HeavyTailedMatrix
from jaxprune.theory import matrices
from sims.matrices import stable_rank as sim
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")


def test_energy_over_the_largest_entry_and_the_stable_rank():
    """4,096 entries: corrections of order N^(1 - 2/alpha) are below 1e-3 here."""

    def one(key, alpha):
        row = sim.trial(key, HeavyTailedMatrix(alpha, 64, 64))
        return jnp.stack([row["energy_over_largest"], row["stable_rank"]])

    trial = jax.jit(lambda keys, alpha: jax.lax.map(lambda key: one(key, alpha), keys))
    for alpha in (0.5, 1.0):
        energy, rank = np.asarray(trial(jax.random.split(jax.random.key(11), 600), alpha)).T
        judge.statistical(energy, matrices.stable_rank(alpha), spoil=1.3)
        assert np.all(rank <= energy * (1 + 1e-9)) and np.mean(rank) > 0.9 * np.mean(energy)
