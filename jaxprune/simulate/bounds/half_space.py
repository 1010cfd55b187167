"""The half-space whose normal has heavy-tailed weights, and the bound of its largest ones. Source: guide/bounds.md,
Half-space."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import HalfSpace, LearntHalfSpace
from jaxprune.simulate.arguments import check_number
from jaxprune.simulate.bounds import entries, occam


def weights(problem: HalfSpace | LearntHalfSpace, key: Key[Array, ""]) -> Float[Array, " d"]:
    """Independent heavy-tailed weights, divided by the largest."""
    return entries.draw(problem, key, (problem.dim,))


def trial(key: Key[Array, ""], problem: HalfSpace, kept: Sequence[int], samples: Sequence[float]) -> dict[str, Array]:
    """The metrics of ``HalfSpace`` for one draw of the weights: for every ``kept`` count, and bounds for every number of
    ``samples``, at the mean training error. Pure.

    Raises ValueError for counts outside 1 .. dim, and for samples below 1.
    """
    for count in kept:
        check_count("kept", count, "weights", 1, problem.dim)
    check_number("samples", list(samples), "[1, inf)")
    sizes = -jnp.sort(-jnp.abs(weights(problem, key)))
    counts = np.asarray(kept)
    energy = jnp.cumsum(sizes[::-1] ** 2)[::-1]  # of each and all smaller ones
    share = jnp.append(energy, 0.0)[counts] / energy[0]
    wrong = jnp.arcsin(jnp.sqrt(jnp.minimum(share, 1))) / jnp.pi
    coded = jax.lax.map(lambda count: _coded(sizes, count, problem.value_bits), jnp.asarray(counts))
    nats = occam.sparse_nats(counts, problem.dim, problem.value_bits)
    by_kl, by_gap = occam.bounds(coded, nats, jnp.asarray(samples, coded.dtype)[:, None], problem.delta)
    return dict(
        discarded=share,
        disagreement=wrong,
        coded_disagreement=coded,
        bound_kl=jnp.min(by_kl, axis=1),
        bound_gap=jnp.min(by_gap, axis=1),
        best_kept=jnp.asarray(counts, coded.dtype)[jnp.argmin(by_kl, axis=1)],
    )


def _coded(sizes: Float[Array, " d"], count: Array, bits: Array) -> Float[Array, ""]:
    """Risk of the first weights, rounded."""
    return _angle(sizes, occam.rounded(sizes, jnp.arange(len(sizes)) < count, bits))


def _angle(first: Float[Array, " d"], second: Float[Array, " d"]) -> Float[Array, ""]:
    """Over pi, by the chord between unit vectors: an arccosine would lose small angles."""
    a, b = first / jnp.linalg.norm(first), second / jnp.linalg.norm(second)
    return 2 * jnp.arcsin(jnp.minimum(jnp.linalg.norm(a - b) / 2, 1)) / jnp.pi
