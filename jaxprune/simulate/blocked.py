"""The population of random features without its covariance, for widths whose d x d numbers no memory holds.

The risk is a sum over pairs of features, so it is taken by pairs of blocks, each pair once, for all coefficients together.
Source: guide/random_features.md, Second moments.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprune.simulate import kernels
from jaxprune.simulate.arc_cosine import EXACT
from jaxprune.struct import static, struct

BLOCK = 512  # features: two blocks meet in 2 MiB in float64, which a cache holds


@struct
class BlockedPopulation:
    """As ``problems.Population``, of the features ``activation(weights a)``; ``block`` of them meet as many at a time.

    ``risk`` costs a pass over all pairs each time it is called, however many coefficients it is given: hand over all at once.
    """

    weights: Float[Array, "d m"]
    cross: Float[Array, " d"]
    energy: Float[Array, ""]
    activation: Callable = static()
    block: int = static(default=BLOCK)
    deficient: bool = static(default=False)

    @property
    def dim(self) -> int:
        """Number of features d."""
        return self.cross.shape[-1]

    @property
    def variances(self) -> Float[Array, " d"]:
        """The diagonal of the covariance."""
        return kernels.energies(self.activation, self.weights, self.block)

    @property
    def covariance(self) -> Float[Array, "d d"]:
        """The whole covariance, for what cannot do without, such as ``pruning.oracle``."""
        return kernels.second_moments(self.activation, self.weights)

    def risk(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """Population risk ``E[(y - x . coef)^2]``, exact up to the order of sums.

        Args:
            coef: Coefficients (*batch, d). Their derivatives make the blocks once more, and hold no more of them.

        Returns:
            Risks (*batch); NaN where the kernel of the activation cannot give some entry to eight digits.
        """
        columns = coef.reshape(-1, self.dim).T
        linear = jnp.matmul(self.cross, columns, precision=EXACT)
        found = self.energy + (_quadratic(self, columns) - 2 * linear)
        return found.reshape(coef.shape[:-1])


def _quadratic(population, columns):
    """``c^T Sigma c`` of every column (d, B): over pairs of blocks of features, the earlier with itself and those behind."""
    dim, activation = population.dim, population.activation
    size = min(population.block, dim)
    count = -(-dim // size)
    rows = kernels.prepared(activation, population.weights, size)

    def part(k):
        """Features of block k. The last begins early enough to be whole, and counts only those that no other has."""
        start = jnp.minimum(k * size, dim - size)
        index = start + jnp.arange(size)
        cut, mine = jax.tree.map(lambda a: jax.lax.dynamic_slice_in_dim(a, start, size), (rows, columns))
        return index, cut, jnp.where((index >= k * size)[:, None], mine, 0)

    @functools.partial(jax.checkpoint, prevent_cse=False)  # derivatives would keep every block
    def add(total, i, j):
        (here, left, ours), (there, right, theirs) = part(i), part(j)
        moments = kernels.between(activation, left, right, here[:, None] == there)
        product = jnp.sum(ours * jnp.matmul(moments, theirs, precision=EXACT), axis=0)
        return total + jnp.where(i == j, 1, 2) * product

    def step(carry, _):
        total, i, j = carry
        last = j + 1 == count
        return (add(total, i, j), jnp.where(last, i + 1, i), jnp.where(last, i + 1, j + 1)), None

    dtype = jnp.result_type(columns, population.weights)
    first = jnp.zeros(columns.shape[1], dtype), jnp.int32(0), jnp.int32(0)
    return jax.lax.scan(step, first, length=count * (count + 1) // 2)[0][0]
