"""A small network without biases that has learnt labelled data, with noise on its hidden layers or a penalty on its weights.

Source: guide/sgd.md, Trained layers.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Key

from jaxprune.problems import HeavyTailedSGD
from jaxprune.simulate.networks import labelled, losses
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.simulate.sgd import noisy_training, released_code, training
from jaxprune.simulate.stable import neuron_noise
from jaxprune.struct import static, struct

LOSS = losses.CrossEntropy()
Set = tuple[Array, Array]


class Trained(NamedTuple):
    """The ``layers`` (outputs, inputs) at the end of a run of a ``model``, the sets it was trained and tested on, inputs and
    one-hot labels, and whether it ``diverged``: then its layers mean nothing."""

    layers: tuple[Array, ...]
    model: MLP
    train: Set
    test: Set
    diverged: Bool[Array, ""]

    def wrong(self, layers: Sequence[Array], data: Set) -> Bool[Array, " m"]:
        """On which samples a network with these layers is wrong."""
        inputs, labels = data
        found = released_code.evaluated(self.model, layers, inputs)
        return jnp.argmax(found, axis=1) != jnp.argmax(labels, axis=1)


@struct
class Penalised:
    """A drift of layers and minus the gradient of ``rate`` times a ``penalty`` of them."""

    drift: Any
    rate: Any
    penalty: Callable[[Sequence[Array]], Array] = static()

    @property
    def random(self) -> bool:
        """Whether it draws mini-batches."""
        return self.drift.random

    def __call__(self, weights: tuple[Array, ...], key: Key[Array, ""] | None = None) -> tuple[Array, ...]:
        """The drift of every weight matrix."""
        slopes = jax.grad(self.penalty)(weights)
        moves = self.drift(weights, key)
        return tuple((m - self.rate * s).astype(m.dtype) for m, s in zip(moves, slopes, strict=True))


def trained(
    problem: HeavyTailedSGD,
    key: Key[Array, ""],
    depth: int = 2,
    rate: Any = 0.0,
    penalty: Callable[[Sequence[Array]], Array] | None = None,
) -> Trained:
    """A ReLU network without biases after a run of the problem, with a penalty on its layers where there is one. Pure.

    Args:
        problem: Data, network, noise and when to stop; its noise is one of the types.
        key: One typed JAX key, for the split of the data, first weights, noise and mini-batches.
        depth: Number of weight matrices, >= 2.
        rate: The mean cross entropy is increased by so many times the penalty.
        penalty: Layers to a number; None: there is none.

    Returns:
        The layers at the end, and the sets.
    """
    sample, first, path = jax.random.split(key, 3)
    train, test = ((batch.inputs, batch.labels.T) for batch in labelled.split(problem.data, sample))
    model = released_code.network(train[0].shape[1], problem.n, train[1].shape[1], depth)
    drift: Any = released_code.Drift(*train, model, LOSS, batch=problem.batch, decay=problem.decay)
    start = released_code.initial(model, first)
    if penalty is not None:
        drift = Penalised(drift, rate, penalty)

    def score(weights):
        found = released_code.evaluated(model, weights, train[0])
        return jnp.mean(LOSS(found, train[1])), losses.accuracy(found, train[1])

    laws = released_code.noise(model, neuron_noise(problem.noise, problem.alpha, problem.sigma))
    stopping = noisy_training.stopping_rule(problem, train[1].shape[1])
    run = training.train(drift, laws, start, path, step_size=problem.step_size, stopping=stopping, score=score)
    return Trained(run.value, model, train, test, run.reason == training.NOT_FINITE)
