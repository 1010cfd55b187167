"""Networks with heavy-tailed weights, and the bound of what is left of them. Source: guide/bounds.md, Planted networks."""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import Cushions, PlantedNetwork
from jaxprune.simulate.bounds import entries, occam
from jaxprune.simulate.compression import compressibility, quantiser, rules

Layers = list[Array]  # (outputs, inputs) of every layer


def draw(problem: PlantedNetwork | Cushions, key: Key[Array, ""]) -> Layers:
    """Matrices (outputs, inputs) of independent heavy-tailed entries, each divided by its norm."""
    sizes = [problem.dim, *[problem.width] * (problem.depth - 1), problem.classes]
    layers = []
    for place, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        drawn = entries.draw(problem, jax.random.fold_in(key, place), (outputs, inputs))
        layers.append(drawn / jnp.linalg.norm(drawn))
    return layers


def signals(layers: Layers, inputs: Float[Array, "m n"], linear: bool = False) -> list[Array]:
    """What every layer takes in, and last the outputs; each is divided by its largest number, which changes no decision."""
    found = [inputs]
    for place, weights in enumerate(layers):
        above = found[-1] @ weights.T
        last = place == len(layers) - 1
        passed = above if last or linear else jax.nn.relu(above)
        found.append(passed / jnp.maximum(jnp.max(jnp.abs(passed)), jnp.finfo(passed.dtype).tiny))
    return found


def trial(key: Key[Array, ""], problem: PlantedNetwork, kept: Sequence[int]) -> dict[str, Array]:
    """The metrics of ``PlantedNetwork`` for one draw of weights and inputs: for every count of entries ``kept`` in each
    layer, as many as it has at most. Pure.

    Raises ValueError for counts below 1.
    """
    for count in kept:
        check_count("kept", count, "entries of a layer", 1)
    weight_key, train_key, test_key = jax.random.split(key, 3)
    layers, linear = draw(problem, weight_key), problem.activation == "linear"
    train = jax.random.normal(train_key, (problem.samples, problem.dim))
    test = jax.random.normal(test_key, (problem.tests, problem.dim))
    inside = signals(layers, train, linear)
    labels, fresh = _decide(inside[-1]), _decide(signals(layers, test, linear)[-1])
    places = [_places(_scores(problem.score, w, x)) for w, x in zip(layers, inside, strict=False)]

    def errors(count):
        small = [quantiser.on_grid(w, r < count, problem.value_bits) for w, r in zip(layers, places, strict=True)]
        return tuple(_error(signals(small, x, linear)[-1], y) for x, y in ((train, labels), (test, fresh)))

    empirical, tested = jax.lax.map(errors, jnp.asarray(kept))
    nats = sum(occam.sparse_nats(np.minimum(kept, w.size), w.size, problem.value_bits) for w in layers)
    by_kl, by_gap = occam.bounds(empirical, nats, problem.samples, problem.delta)
    return dict(
        train_error=empirical,
        test_error=tested,
        bound=by_kl,
        gap_bound=by_gap,
        best=jnp.min(by_kl),
        best_kept=jnp.asarray(kept, by_kl.dtype)[jnp.argmin(by_kl)],
        majority=jnp.max(jnp.bincount(labels, length=problem.classes)) / problem.samples,
    )


def _places(scores: Float[Array, "outputs inputs"]) -> Array:
    """Place of every entry from the largest score, 0; of equal ones the lower index first."""
    return compressibility.ranks(scores.ravel()).reshape(scores.shape)


def _scores(score, weights, inputs):
    size = rules.magnitude(None, weights)
    return size if score == "magnitude" else size * jnp.sqrt(jnp.mean(inputs**2, axis=0))


def _error(outputs, labels):
    return jnp.mean(_decide(outputs) != labels, dtype=outputs.dtype)


def _decide(outputs):
    return jnp.argmax(outputs, axis=1)
