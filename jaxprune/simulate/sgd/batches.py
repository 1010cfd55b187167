"""Mini-batches of a data set for gradient descent, drawn without replacement."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.networks.losses import Loss

SPARE = 32  # further draws, so that enough of them differ


def check_data(inputs: Any, targets: Any, outputs: int, loss: Loss, batch: Any) -> None:
    """Raises ValueError for targets that are not (samples, outputs) or do not suit the loss, and for a batch that is no
    integer in 1 .. samples, or None."""
    if np.shape(targets) != (shape := (len(inputs), outputs)):
        raise ValueError(f"targets: shape {np.shape(targets)} is not {shape}; give one row of outputs per input")
    if not isinstance(loss, Loss):
        raise ValueError(f"loss: {loss!r} is no loss; use one of simulate.networks.losses, such as losses.Logistic()")
    if not traced(targets):
        loss.check(targets)
    if batch is not None:
        check_count("batch", batch, f"different samples out of {len(inputs)}", 1, len(inputs))


def mini_batch(inputs: Any, targets: Any, batch: int | None, key: Key[Array, ""] | None) -> tuple[Array, Array]:
    """``batch`` different rows of inputs (m, d) and targets (m, k), NumPy's or JAX's; all of them without a batch or a key."""
    inputs, targets = jnp.asarray(inputs), jnp.asarray(targets)
    if batch is None or key is None:
        return inputs, targets
    chosen = subset(key, len(inputs), batch)
    return inputs[chosen], targets[chosen]


def subset(key: Key[Array, ""], samples: int, batch: int) -> Int[Array, " b"]:
    """``batch`` different rows of ``samples``, every set of them equally likely.

    Of many draws with replacement, the first ``batch`` different ones; fewer than that among ``2 batch + 32`` draws from
    eight times as many rows has a probability below 1e-14. From fewer rows: a permutation.
    """
    if samples < 8 * batch or batch > 512:
        return jax.random.permutation(key, samples)[:batch]
    drawn = jax.random.randint(key, (2 * batch + SPARE,), 0, samples)
    place = jnp.arange(len(drawn))
    repeated = jnp.any((drawn[:, None] == drawn) & (place[:, None] < place), axis=0)
    rank = jnp.cumsum(~repeated) - 1
    return jnp.zeros(batch, drawn.dtype).at[jnp.where(repeated, batch, rank)].set(drawn, mode="drop")
