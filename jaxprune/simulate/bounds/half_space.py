"""The half-space whose normal has heavy-tailed weights, and the bound of its largest ones. Source: guide/bounds.md,
Half-space."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import HalfSpace, LearntHalfSpace
from jaxprune.simulate.arguments import check_number
from jaxprune.simulate.bounds import entries, occam
from jaxprune.simulate.compression import quantiser

BITS = (4, 6, 8, 12, 16, 24)  # of a value, among which the best is paid for


def weights(problem: HalfSpace | LearntHalfSpace, key: Key[Array, ""]) -> Float[Array, " d"]:
    """Independent heavy-tailed weights, divided by the largest.

    Args:
        problem: Gives the number of weights, their family and their tail index.
        key: One typed JAX key.

    Returns:
        Weights (dim,), the largest of size 1.
    """
    return entries.draw(problem, key, (problem.dim,))


def trial(key: Key[Array, ""], problem: HalfSpace, kept: Sequence[int], samples: Sequence[int | float]) -> dict[str, Array]:
    """The metrics of ``HalfSpace`` for one draw of the weights: by kept counts, and bounds at the mean training error. Pure.

    Args:
        key: One typed JAX key, for the weights.
        problem: The half-space, and the code and the failure probability of its bounds.
        kept: The k numbers of weights that are kept, integers in 1 .. dim.
        samples: The m numbers of training samples that bounds are given for, >= 1.

    Returns:
        A dict: ``discarded``, ``disagreement``, ``coded_disagreement`` (k,); the least over kept counts ``bound_kl``,
        ``bound_gap``, ``coded_bound`` (m,); ``best_kept`` (m,), the count with the least ``bound_kl``.

    Raises:
        ValueError: For counts outside 1 .. dim, and for samples below 1.
    """
    for count in kept:
        check_count("kept", count, "weights", 1, problem.dim)
    check_number("samples", list(samples), "[1, inf)")
    sizes = -jnp.sort(-jnp.abs(weights(problem, key)))
    counts = np.asarray(kept)
    energy = jnp.cumsum(sizes[::-1] ** 2)[::-1]  # of each and all smaller ones
    share = jnp.append(energy, 0.0)[counts] / energy[0]
    wrong = jnp.arcsin(jnp.sqrt(jnp.minimum(share, 1))) / jnp.pi
    top = sizes[: int(np.max(counts))] / jnp.sqrt(energy[0])
    coded = _coded(top, counts, (problem.value_bits, *BITS))
    number = jnp.asarray(samples, top.dtype)[:, None]
    nats = occam.sparse_nats(counts, problem.dim, problem.value_bits)
    by_kl, by_gap = occam.bounds(wrong, nats, number, problem.delta)
    paid = occam.sparse_nats(counts, problem.dim, jnp.asarray(BITS, top.dtype)[:, None]) + jnp.log(float(len(BITS)))
    by_bits, _ = occam.bounds(coded[1:].ravel(), paid.ravel(), number, problem.delta)
    return dict(
        discarded=share,
        disagreement=wrong,
        coded_disagreement=coded[0],
        bound_kl=jnp.min(by_kl, axis=1),
        bound_gap=jnp.min(by_gap, axis=1),
        coded_bound=jnp.min(by_bits, axis=1),
        best_kept=jnp.asarray(counts, top.dtype)[jnp.argmin(by_kl, axis=1)],
    )


def _coded(top: Float[Array, " s"], counts: np.ndarray, bits: Sequence[Any]) -> Float[Array, "b k"]:
    """Risks of the first weights of a unit vector, rounded to bits: angles over pi, by the chord between unit vectors, since an
    arccosine would lose small ones."""
    beyond = jnp.maximum(1 - jnp.sum(top**2), 0)

    def angle(count, width):
        value = quantiser.on_grid(top, jnp.arange(len(top)) < count, width)
        square = jnp.sum((top - value / jnp.linalg.norm(value)) ** 2) + beyond
        return 2 * jnp.arcsin(jnp.minimum(jnp.sqrt(square) / 2, 1)) / jnp.pi

    each = jax.vmap(angle, (0, None))
    return jax.lax.map(lambda width: each(jnp.asarray(counts), width), jnp.stack([jnp.asarray(b, top.dtype) for b in bits]))
