"""Which heavy-tailed layers can be pruned? Independent entries, elliptical rows, one elliptical layer (Barsbey et al. 2021).

Entries are removed while the norm of what goes is at most a tenth of the layer's (not squared). A layer that is elliptical
as a whole is Gaussian but for one number, so its index cannot matter. In every trial the index is uniform on (1.75, 2)
(guide/compression.md, Layers that are elliptical).
"""

import jax
import jax.numpy as jnp

from jaxprune.problems import StableLayer
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility
from jaxprune.sweep import Experiment

LAWS = ["independent", "rows", "layer"]
LEAST, SHARE = 1.75, 0.1


def make(n, least):
    return StableLayer(least, n, n, "II")


def layers(key, alpha, rows, columns):
    """Entries (3, rows * columns) of a layer of each law, with the same index."""
    size = rows * columns
    keys = jax.random.split(key, 3)
    return jnp.stack(
        [
            stable.Symmetric(alpha).sample(keys[0], (size,)),
            stable.Isotropic(alpha).sample(keys[1], (rows, columns)).reshape(size),
            stable.Isotropic(alpha).sample(keys[2], (size,)),
        ]
    )


def trial(key, problem):
    index, draw = jax.random.split(key)
    alpha = problem.alpha + (2 - problem.alpha) * jax.random.uniform(index)
    entries = layers(draw, alpha, problem.n, problem.dim)
    ratio = jax.lax.map(lambda x: compressibility.pruning_ratio(x, SHARE, squared=False), entries)
    return {"index": alpha, "removed": ratio}


EXPERIMENT = Experiment(
    "layer_compressibility",
    axes=dict(n=[500], least=[LEAST]),
    make=make,
    trial=trial,
    inner=dict(law=LAWS),
    seeds=250,
    block=10,
    smoke=dict(n=[100], seeds=20),
    describe="pruned share of independent, row-wise and layer-wise elliptical entries against their index",
)
