"""Bounds of a planted network against the number of samples, from 10^3 to 10^6, in one pass over them.

Source: guide/bounds.md, Planted networks.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxprune.checks import check_count
from jaxprune.problems import PlantedNetwork
from jaxprune.simulate.bounds import occam, planted
from jaxprune.simulate.compression import compressibility, quantiser

TESTS = 0  # the stream of the test samples; those of the training samples begin at 1


def trial(key: Key[Array, ""], problem: PlantedNetwork, kept: Sequence[int], samples: Sequence[int]) -> dict[str, Array]:
    """The least Occam-kl bound over kept counts, for every number of training samples. Pure.

    Sets of samples are nested, and are drawn a piece at a time: memory does not grow with them. The network is compressed by
    magnitude, which no sample is needed for.

    Args:
        key: One typed JAX key, for weights and samples.
        problem: The network; its ``samples`` are the most of all, and its ``score`` is "magnitude".
        kept: The k numbers of entries that are kept in each layer, >= 1; a layer keeps as many as it has at most.
        samples: The m numbers of training samples, increasing; a piece is their greatest common divisor.

    Returns:
        A dict. (m,): the least bound ``best``, the entries ``best_kept`` there, their ``best_test_error``, and
        ``best_values_only``, the bound there if their positions were free, which is no valid one. (k,): ``test_error``. Scalar:
        ``majority``, the share of the most frequent label.

    Raises:
        ValueError: For a problem with another score, or of other ``samples`` than the most, no counts or samples, counts below
            1, and samples that do not increase.
    """
    _check(problem, kept, samples)
    weight_key, data_key = jax.random.split(key)
    layers, linear = planted.draw(problem, weight_key), problem.activation == "linear"
    places = [compressibility.ranks(jnp.abs(w).ravel()).reshape(w.shape) for w in layers]
    counts = jnp.asarray(kept)
    small = jax.vmap(lambda c: [quantiser.on_grid(w, r < c, problem.value_bits) for w, r in zip(layers, places, strict=True)])(
        counts
    )
    step = math.gcd(*samples)

    def errors(number, rows):
        inputs = jax.random.normal(jax.random.fold_in(data_key, number), (rows, problem.dim))
        labels = _decided(layers, inputs, linear)
        wrong = jax.vmap(lambda weights: jnp.sum(_decided(weights, inputs, linear) != labels))(small)
        return wrong, jnp.bincount(labels, length=problem.classes)

    def piece(total, number):
        total = jax.tree.map(jnp.add, total, errors(number, step))
        return total, total[0]

    zeros = jnp.zeros(len(kept), int), jnp.zeros(problem.classes, int)
    (_, labels), wrong = jax.lax.scan(piece, zeros, 1 + jnp.arange(samples[-1] // step))
    sizes = np.array(samples)
    risk = wrong[sizes // step - 1] / sizes[:, None]
    nats = sum(occam.sparse_nats(np.minimum(kept, w.size), w.size, problem.value_bits) for w in layers)
    values = sum(np.minimum(kept, w.size) for w in layers) * (1 + problem.value_bits) * math.log(2)
    bounds, _ = occam.bounds(risk, nats, sizes[:, None], problem.delta)
    free = occam.kl_inverse(risk, (values - jnp.log(problem.delta)) / sizes[:, None])
    at = jnp.argmin(bounds, axis=1)
    tested = errors(TESTS, problem.tests)[0] / problem.tests
    return dict(
        best=jnp.min(bounds, axis=1),
        best_kept=counts[at].astype(bounds.dtype),
        best_values_only=jnp.take_along_axis(free, at[:, None], axis=1)[:, 0],
        best_test_error=tested[at],
        test_error=tested,
        majority=jnp.max(labels) / samples[-1],
    )


def _check(problem: Any, kept: Sequence[int], samples: Sequence[int]) -> None:
    if problem.score != "magnitude":
        raise ValueError(
            f"score: {problem.score!r} looks at the samples, which are not kept; use 'magnitude', or planted.trial"
        )
    if not len(kept) or not len(samples):
        raise ValueError(f"kept, samples: {len(kept)} and {len(samples)} of them; give one at least of each")
    for count in kept:
        check_count("kept", count, "entries of a layer", 1)
    for count in samples:
        check_count("samples", count, "training samples", 1)
    if any(b <= a for a, b in itertools.pairwise(samples)) or problem.samples != samples[-1]:
        raise ValueError(f"samples: {list(samples)} do not increase up to those of the problem, {problem.samples}")


def _decided(layers, inputs, linear):
    return jnp.argmax(planted.signals(layers, inputs, linear)[-1], axis=1)
