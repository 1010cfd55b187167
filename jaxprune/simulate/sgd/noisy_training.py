"""From a problem with noisy training to a trained network and its record: what experiments of this kind have in common.

Derivations: guide/sgd.md.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import NoiseType
from jaxprune.problems import SGD, HeavyTailedSGD, NoisyNeurons
from jaxprune.problems.sgd import index_of
from jaxprune.simulate import sde, stable
from jaxprune.simulate.networks import labelled, losses
from jaxprune.simulate.networks.losses import Loss
from jaxprune.simulate.sgd import mean_field, released_code, training
from jaxprune.simulate.sgd.training import Run, Stopping

NOT_SAVED = (training.NOT_FINITE, training.BY_CHANCE)  # by the released code
LOGISTIC, CROSS_ENTROPY, SQUARED = losses.Logistic(), losses.CrossEntropy(), losses.Squared()


@jax.jit
def mean_field_trial(problem: HeavyTailedSGD, key: Key[Array, ""]) -> dict[str, Array]:
    """One run of the mean-field tanh network: the columns of ``training.record``, and how the run ended.

    Two classes: one output and the logistic loss; more: an output for each and the cross entropy. Compiled once for each size
    of problem; many keys or problems are one program under ``jax.vmap``.

    Args:
        problem: Data, network, noise and when to stop.
        key: One typed JAX key, for the split of the data, first weights, noise and mini-batches.

    Returns:
        A dict of scalars: the columns of the record, and how the run ended. ``steps``: those made. ``stopped_because``: an
        index into ``sgd.stopping.REASONS``. ``diverged``: 1 where that is "loss not finite"; then the columns of the record are
        NaN, so that no average takes them in. ``first_bad``: the step after which the weights were not finite, -1: none.
        ``assumptions_ok``: 1 where those of the theorem hold (``violated`` says which do not); 0 under a law of your own.
    """
    sample, first, path = jax.random.split(key, 3)
    train, test = (_targets(batch) for batch in labelled.split(problem.data, sample))
    net = mean_field.network(problem.n, train[1].shape[1])
    loss: Loss = LOGISTIC if train[1].shape[1] == 1 else CROSS_ENTROPY
    drift = mean_field.Drift(net, *train, loss, decay=problem.decay, batch=problem.batch)
    law = _law(problem)
    start = mean_field.initial(net, first, train[0].shape[1])

    def score(theta):
        found = net.evaluated(theta, train[0])
        return jnp.mean(loss(found, train[1])), losses.accuracy(found, train[1])

    stopping = stopping_rule(problem, train[1].shape[1])
    run = training.train(drift, law, start, path, step_size=problem.step_size, stopping=stopping, score=score)
    columns = training.record(lambda layers, x: net.evaluated(layers[0], x), [run.value], train, test)
    if not isinstance(problem.noise, NoiseType):
        return {**_row(columns, run), "assumptions_ok": jnp.asarray(0)}
    alpha, decay = law.index.alpha, problem.decay
    fits = (alpha > 1) & (alpha < 2) & (problem.step_size <= training.longest_step(alpha, problem.n)) & (decay == 0)
    return {**_row(columns, run), "assumptions_ok": jnp.where(fits, 1, 0)}


def violated(problem: HeavyTailedSGD) -> list[str]:
    """What keeps ``mean_field_trial`` of a problem from the assumptions of the theorem (``training.assumptions``).

    Args:
        problem: The problem, with known numbers.

    Returns:
        Violations in words, none where all hold; of noise of your own nothing but the law is named.
    """
    if not isinstance(problem.noise, NoiseType):
        return [f"noise: {problem.noise!r} is not one of the types 'I', 'II', 'III'"]
    loss = LOGISTIC if problem.data.labels.shape[1] == 2 else CROSS_ENTROPY
    alpha, rate, decay = (float(x) for x in (index_of(problem), problem.step_size, problem.decay))
    return training.assumptions(alpha, rate, problem.n, jnp.tanh, loss, decay)[1]


@functools.partial(jax.jit, static_argnames=("depth", "compat"))
def released_trial(problem: HeavyTailedSGD, key: Key[Array, ""], depth: int = 2, compat: str | None = "released-code") -> dict:
    """One run of the released code's network, with its quirks (``released_code.QUIRKS``) or without.

    Args:
        problem: Data, network, noise and when to stop; with quirks ``steps`` is that code's counter.
        key: One typed JAX key, for the split of the data, first weights, noise and mini-batches.
        depth: Number of weight matrices, >= 2.
        compat: "released-code", or None for no quirks.

    Returns:
        The columns of ``mean_field_trial`` but ``assumptions_ok``. With quirks ``steps`` may be one more than the problem's,
        and runs that the code does not save, "loss not finite" (there: NaN) and "no better than chance", are NaN in the columns
        of the record.

    Raises:
        ValueError: For a law of your own with quirks.
    """
    if compat is not None and not isinstance(problem.noise, NoiseType):
        raise ValueError(
            f"noise: {type(problem.noise).__name__} is a law, but the released code knows types only; use compat=None"
        )
    sample, first, path, other = jax.random.split(key, 4)
    train, test = ((batch.inputs, batch.labels.T) for batch in labelled.split(problem.data, sample))
    model = released_code.network(train[0].shape[1], problem.n, train[1].shape[1], depth)
    drift = released_code.Drift(*train, model, CROSS_ENTROPY, batch=problem.batch, decay=problem.decay)
    if compat is None:
        law = _law(problem)
    else:
        generator = jax.random.bits(other)
        law = released_code.ReleasedNoise(problem.alpha, problem.sigma, problem.noise, scaled=True, other=generator)

    def at(weights, data):
        found = released_code.evaluated(model, weights, data[0])
        return jnp.mean(CROSS_ENTROPY(found, data[1])), losses.accuracy(found, data[1])

    def score(weights):
        loss, right = at(weights, train)
        return (loss if compat is None else jnp.where(jnp.isnan(at(weights, test)[0]), jnp.nan, loss)), right

    weights, laws = released_code.initial(model, first), released_code.noise(model, law, compat)
    stopping = stopping_rule(problem, train[1].shape[1])
    run = training.train(drift, laws, weights, path, step_size=problem.step_size, stopping=stopping, score=score, compat=compat)

    def outputs(layers, inputs):
        return released_code.evaluated(model, (*layers, run.value[-1]), inputs)

    lost = NOT_SAVED if compat else (training.NOT_FINITE,)
    return _row(training.record(outputs, run.value[:-1], train, test, compat=compat), run, lost)


def neurons(
    problem: NoisyNeurons, n: Any, key: Key[Array, ""], largest: int | None = None
) -> tuple[mean_field.Network, Float[Array, "n d"]]:
    """The mean-field network and its neurons at the end of training.

    Args:
        problem: Gives inputs, target, noise and time.
        n: Number of neurons, >= 1; may be traced where ``largest`` is given.
        key: One typed JAX key, for inputs, first weights and noise.
        largest: Rows to which the network is padded, >= n; None: n.

    Returns:
        The network, and the incoming weights (n, dim) of its neurons, zero in the padding.
    """
    inputs_key, first, path = jax.random.split(key, 3)
    inputs = jax.random.normal(inputs_key, (problem.samples, problem.dim))
    null = problem.target == "null"
    targets = jnp.zeros((problem.samples, 1)) if null else jnp.where(inputs[:, :1] > 0, 1.0, -1.0)
    net = mean_field.network(n, largest=largest)
    drift = mean_field.Drift(net, inputs, targets, SQUARED if null else LOGISTIC, problem.decay, None, problem.time_scale)
    law = training.PaddedLaw(stable.neuron_noise(problem.noise, problem.alpha, problem.sigma), net.live)
    start = mean_field.initial(net, first, problem.dim, 0.0 if null else None)
    path = sde.euler(drift, law, start, path, step_size=problem.step_size, steps=problem.steps)
    return net, path.state.value


def _law(problem: HeavyTailedSGD) -> Any:
    """The noise of one unit over unit time."""
    if isinstance(problem.noise, NoiseType):
        return stable.neuron_noise(problem.noise, problem.alpha, problem.sigma)
    return problem.noise


def _targets(batch: labelled.Batch) -> tuple[Array, Array]:
    """Inputs, and -1 or 1 of two classes (the first is 1), or one-hot rows of more."""
    rows = batch.labels.T.astype(batch.inputs.dtype)
    return batch.inputs, rows[:, :1] - rows[:, 1:] if rows.shape[1] == 2 else rows


def stopping_rule(problem: HeavyTailedSGD | SGD, outputs: int) -> Stopping:
    """When training of a problem ends. A training accuracy of 1 is asked for where there is no other.

    A network that has it has learnt everything.

    Args:
        problem: Gives the steps, the evaluations and the accuracy.
        outputs: Outputs of the network; 1 or 2 make a chance of 1/2.

    Returns:
        The rule.
    """
    assert problem.every is not None
    return Stopping(problem.steps, problem.every, problem.accuracy, 1 / max(outputs, 2))


def _row(columns: dict[str, Array], run: Run, lost: Sequence[int] = (training.NOT_FINITE,)) -> dict[str, Array]:
    """The record, NaN for a run that ended for a reason among ``lost``, whose last weights mean nothing, and how it ended."""
    bad = jnp.isin(run.reason, jnp.asarray(lost))
    measured = {name: jnp.where(bad, jnp.nan, value) for name, value in columns.items()}
    diverged = jnp.where(run.reason == training.NOT_FINITE, 1, 0)
    ending = {"steps": run.steps, "stopped_because": run.reason, "diverged": diverged, "first_bad": run.first_bad}
    return {**measured, **ending}
