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
from jaxprune.simulate.platforms import each

Layers = list[Array]  # (outputs, inputs) of every layer


def draw(problem: PlantedNetwork | Cushions, key: Key[Array, ""]) -> Layers:
    """Matrices of independent heavy-tailed entries, each divided by its Frobenius norm.

    Args:
        problem: Gives the sizes of the layers, and the family and the tail index of the entries.
        key: One typed JAX key.

    Returns:
        The ``depth`` layers (outputs, inputs), the one that takes the inputs first.
    """
    sizes = [problem.dim, *[problem.width] * (problem.depth - 1), problem.classes]
    layers = []
    for place, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        drawn = entries.draw(problem, jax.random.fold_in(key, place), (outputs, inputs))
        layers.append(drawn / jnp.linalg.norm(drawn))
    return layers


def signals(layers: Layers, inputs: Float[Array, "m n"], linear: bool = False) -> list[Array]:
    """What every layer takes in, and last the outputs.

    What a layer gives is divided by its largest number, which changes no decision.

    Args:
        layers: Matrices (outputs, inputs), the one that takes the inputs first.
        inputs: m samples (m, n), which are not divided.
        linear: Whether there is no ReLU between the layers.

    Returns:
        The inputs, and what each layer gives, (m, outputs).
    """
    found = [inputs]
    for place, weights in enumerate(layers):
        above = found[-1] @ weights.T
        last = place == len(layers) - 1
        passed = above if last or linear else jax.nn.relu(above)
        found.append(passed / jnp.maximum(jnp.max(jnp.abs(passed)), jnp.finfo(passed.dtype).tiny))
    return found


def trial(key: Key[Array, ""], problem: PlantedNetwork, kept: Sequence[int]) -> dict[str, Array]:
    """The metrics of ``PlantedNetwork`` for one draw of weights and inputs, by kept counts. Pure.

    Args:
        key: One typed JAX key, for weights, training and test samples.
        problem: The network, its samples, and the code and the failure probability of its bounds.
        kept: The k numbers of entries that are kept in each layer, >= 1; a layer keeps as many as it has at most.

    Returns:
        A dict: ``train_error``, ``test_error``, ``bound``, ``gap_bound`` (k,); the scalars ``best``, ``best_kept``,
        ``majority``.

    Raises:
        ValueError: For counts below 1.
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

    empirical, tested = each(errors, jnp.asarray(kept))
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
