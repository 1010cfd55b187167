"""Layers of a network that plain descent has trained: tail indices beside those of controls, and what can be pruned.

The protocol of Barsbey et al. 2021: constant-step descent on mini-batches, without injected noise, until the training set is
learnt; then the average of the iterates of some more steps is measured. Tail indices are those of a layer's entries, less
their median. Source: guide/sgd.md, Trained layers.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import SGD
from jaxprune.simulate.compression import compressibility, layer_pruning
from jaxprune.simulate.networks import labelled, losses
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sde import integrate as sde
from jaxprune.simulate.sgd import noisy_training, released_code, training
from jaxprune.simulate.sgd.training import Run
from jaxprune.simulate.tails import controls, extreme, stable_fit, stable_model, tail_report

LAYERS = ("first", "middle", "last")
WEIGHTS = ("trained", "at the start", "equal variance", "equal norms")
ESTIMATORS = ("block sums", "moment")
RULES = {"entries": layer_pruning.entries, "nodes": layer_pruning.nodes, "singular values": layer_pruning.singular}
LOSS = losses.CrossEntropy()

Layers = Sequence[Array]


@jax.jit
def trial(problem: SGD, errors: Float[Array, " e"], key: Key[Array, ""]) -> dict[str, Array]:
    """One run, NaN where it diverged.

    Args:
        problem: Data, network, steps and when to stop.
        errors: Relative errors (e,) that pruning may make in every layer, in (0, 1), the first of them for the controls too.
        key: One typed JAX key, for the split of the data, first weights, mini-batches and controls.

    Returns:
        A dict. Scalars of the averaged network: train_accuracy, test_accuracy, train_loss, test_loss (nats). By ``WEIGHTS``,
        ``ESTIMATORS`` and ``LAYERS`` ("middle": the mean over all between), (4, 2, 3): ``inverse`` = 1/alpha, its error
        ``claimed``, and whether it is ``valid``. By weights and layers, (4, 3): ``disagree``, whether the two estimators
        contradict each other, and ``entries_removed``, the share of entries that go at the first error. By ``RULES`` and
        errors, (3, e): ``removed``, the share of all parameters that go, and pruned_test_accuracy. How the run ended: steps
        before the average, stopped_because, diverged.
    """
    sample, first, path, other = jax.random.split(key, 4)
    train, test = ((batch.inputs, batch.labels.T) for batch in labelled.split(problem.data, sample))
    model = released_code.network(train[0].shape[1], problem.n, train[1].shape[1], problem.depth)
    drift = released_code.Drift(*train, model, LOSS, batch=problem.batch)

    def score(weights, data, together=1):
        found = released_code.evaluated(model, weights, data[0], together)
        return jnp.mean(LOSS(found, data[1])), losses.accuracy(found, data[1])

    start = released_code.initial(model, first)
    stopping = noisy_training.stopping_rule(problem, train[1].shape[1])
    run = training.train(
        drift, None, start, path, step_size=problem.step_size, stopping=stopping, score=lambda w: score(w, train)
    )
    layers, alive = averaged(drift, run, path, problem.step_size, problem.averaged)
    scores = dict(zip(("train_loss", "train_accuracy"), score(layers, train), strict=True))
    scores |= dict(zip(("test_loss", "test_accuracy"), score(layers, test), strict=True))
    kept, pruned = prunings(layers, errors)
    many = len(RULES) * len(errors)
    columns = dict(
        **scores,
        **_tails(start, layers, errors[0], other),
        removed=1 - jnp.sum(kept, axis=0) / sum(w.size for w in layers),
        pruned_test_accuracy=jax.vmap(jax.vmap(lambda *weights: score(weights, test, many)[1]))(*pruned),
    )
    bad = (run.reason == training.NOT_FINITE) | ~alive
    measured = {name: jnp.where(bad, jnp.nan, value) for name, value in columns.items()}
    reason = jnp.where(bad, training.NOT_FINITE, run.reason)
    return {**measured, "steps": run.steps, "stopped_because": reason, "diverged": jnp.where(bad, 1, 0)}


def averaged(drift: Any, run: Run, key: Key[Array, ""], step_size: Any, steps: int) -> tuple[tuple[Array, ...], Array]:
    """The mean of the iterates after each of some more steps of a run, and whether it is alive then.

    Args:
        drift: As of ``sde.euler``; there is no noise.
        run: The run that goes on.
        key: One typed JAX key, that of the run.
        step_size: Time of one step, > 0.
        steps: How many more, >= 1.

    Returns:
        The mean weights, and a truth value.
    """

    def step(carry, number):
        state, mean = carry
        state = sde.euler(drift, None, state, key, step_size=step_size, steps=1).state
        return (state, jax.tree.map(lambda m, x: m + (x - m) / number, mean, state.value)), None

    state = sde.State(run.value, run.steps, run.alive, run.first_bad, sde.begin(run.value).lost)
    numbers = jnp.arange(1, steps + 1, dtype=run.value[0].dtype)
    (state, mean), _ = jax.lax.scan(step, (state, run.value), numbers)
    return mean, state.alive


def prunings(layers: Layers, errors: Float[Array, " e"]) -> tuple[Float[Array, "l r e"], list[Array]]:
    """Parameters left in every layer by every rule of ``RULES`` at every error, and the layers.

    The last layer loses incoming nodes, the others outgoing ones. Layers are padded with zeros, which go before all else, to
    one size, so that they are one program.

    Args:
        layers: l matrices (n, d) of any shapes.
        errors: Relative errors (e,) that pruning may make in every layer, in (0, 1).

    Returns:
        Counts (l, 3, e), and the pruned layers, each (3, e, n, d).
    """
    shapes = [w.shape for w in [*layers[:-1], layers[-1].T]]

    def rules(w):
        found = [jax.vmap(lambda error, prune=prune: prune([w], error, adaptive=True))(errors) for prune in RULES.values()]
        return jnp.stack([f.value[0] for f in found]), found[-1].kept / sum(w.shape)

    pruned, rank = each(rules, _padded([*layers[:-1], layers[-1].T]))
    left = jnp.sum(pruned[:, :2] != 0, axis=(-2, -1))
    factors = rank * jnp.asarray([sum(shape) for shape in shapes])[:, None]
    back = [each[..., :n, :d] for each, (n, d) in zip(pruned, shapes, strict=True)]
    return jnp.concatenate([left, factors[:, None]], axis=1), [*back[:-1], jnp.swapaxes(back[-1], -1, -2)]


def estimates(samples: Float[Array, "w N"], key: Key[Array, ""]) -> dict[str, Array]:
    """Tail indices of several samples by ``ESTIMATORS``, and whether the two contradict each other.

    They are the released code's aggregate without its cap, not valid where the sample is not stable (``stable_fit``), and
    moments of the top 2 %, at least 20, of every sample less its median.

    Args:
        samples: w samples of numbers (w, N).
        key: One typed JAX key, for the orders of the aggregate.

    Returns:
        A dict: ``inverse`` = 1/alpha, its error ``claimed`` and whether it is ``valid`` (w, 2); ``disagree`` (w,).
    """

    def one(x):
        x = extreme.centred(x)
        found = stable_model.aggregate(x, key), extreme.moment(x, max(20, len(x) // 50))
        columns = [jnp.stack([getattr(e, name) for e in found]) for name in ("inverse", "inverse_error", "valid")]
        valid = columns[2] & jnp.stack([~stable_fit.fit(x).rejected, True])
        return (*columns[:2], valid.astype(x.dtype), tail_report.disagree(*found).astype(x.dtype))

    return dict(zip(("inverse", "claimed", "valid", "disagree"), each(one, samples), strict=True))


def _tails(start: Layers, trained: Layers, error, key) -> dict[str, Array]:
    """The columns by weights, estimators and layers."""
    keys = [jax.random.split(jax.random.fold_in(key, i)) for i in range(len(trained))]
    sets = [jnp.stack([w, s, *controls.gaussian(w, k)]) for w, s, (k, _) in zip(trained, start, keys, strict=True)]
    entries = [each.reshape(len(each), -1) for each in sets]
    middle = each(lambda given: estimates(*given), (jnp.stack(entries[1:-1]), jnp.stack([k for _, k in keys[1:-1]])))
    ends = estimates(entries[0], keys[0][1]), estimates(entries[-1], keys[-1][1])
    columns = {name: _by_position([ends[0][name], *middle[name], ends[1][name]]) for name in middle}
    counts = jnp.asarray([w.size for w in trained])[:, None]
    padded = _padded(entries)
    gone = each(jax.vmap(lambda x: compressibility.removed_count(x, error, squared=False)), padded)
    return {**columns, "entries_removed": _by_position((gone - padded.shape[-1] + counts) / counts)}


def _by_position(layers: Sequence[Array] | Array) -> Array:
    """The first layer, the mean over those between, and the last, along a last axis."""
    return jnp.stack([layers[0], jnp.mean(jnp.stack([*layers[1:-1]]), axis=0), layers[-1]], axis=-1)


def _padded(layers: Layers) -> Float[Array, "l n d"]:
    """Layers in one array, with zeros below and to the right."""
    n, d = (max(w.shape[axis] for w in layers) for axis in (0, 1))
    return jnp.stack([jnp.pad(w, ((0, n - w.shape[0]), (0, d - w.shape[1]))) for w in layers])
