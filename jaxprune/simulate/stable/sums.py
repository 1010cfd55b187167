"""Sums of stable laws: draws, their logarithms, and increments."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.simulate.arguments import check_law, traced
from jaxprune.simulate.stable.tail_index import Index, index
from jaxprune.simulate.stable.transforms import draws
from jaxprune.struct import struct


@struct
class Sum:
    """The sum of independent draws of several laws, such as a Brownian and a stable part: ``Sum(Gaussian(0.3),
    Symmetric(1.5))``, or ``Sum(laws)`` with a tuple or list. Raises ValueError for none, and for what is no law."""

    laws: tuple[Any, ...]

    def __init__(self, laws: Any, *others: Any):
        given = tuple(laws) if isinstance(laws, tuple | list) and not others else (laws, *others)
        if not given:
            raise ValueError("laws: () is empty; give at least one law")
        for law in given:
            check_law("laws", law)
        object.__setattr__(self, "laws", given)

    @property
    def index(self) -> Index:
        """That of the heaviest tail."""
        alphas = [law.index.alpha for law in self.laws]
        least = jnp.minimum if traced(*alphas) else np.minimum
        smallest = alphas[0]
        for alpha in alphas[1:]:
            smallest = least(smallest, alpha)
        return index(smallest)

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``."""
        parts = [law.sample(jax.random.fold_in(key, i), shape, dtype) for i, law in enumerate(self.laws)]
        return functools.reduce(jnp.add, parts)

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Sign and log magnitude of the draws of ``sample``; where parts cancel to 0, half of the last digit."""
        parts = [_logs(law, jax.random.fold_in(key, i), shape, dtype) for i, law in enumerate(self.laws)]
        logs = jnp.stack([log for _, log in parts])
        most = jnp.max(logs, axis=0)
        safe = jnp.where(jnp.isfinite(most), most, 0.0)
        sums = jnp.sum(jnp.stack([sign for sign, _ in parts]) * jnp.exp(logs - safe), axis=0)
        size = jnp.maximum(jnp.abs(sums), jnp.finfo(sums.dtype).eps / 2)
        return jnp.where(sums < 0, -1.0, 1.0).astype(sums.dtype), jnp.where(jnp.isneginf(most), most, safe + jnp.log(size))

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Float[Array, "..."]:
        """The sum of the increments."""
        parts = [law.increment(jax.random.fold_in(key, i), shape, step_size) for i, law in enumerate(self.laws)]
        return functools.reduce(jnp.add, parts)


def _logs(law, key, shape, dtype) -> tuple[Array, Array]:
    """Sign and log magnitude of the draws of any law; those of a law without ``log_sample`` may have overflown."""
    if not hasattr(law, "log_sample"):
        x = law.sample(key, shape, dtype)
        return jnp.sign(x), jnp.log(jnp.abs(x))
    found = law.log_sample(key, shape, dtype)
    return found if isinstance(found, tuple) else (jnp.ones_like(found), found)
