"""Each quirk of the released code, by its number in section 1.2 of our notes on Wan et al. 2023; and its network."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.problems import Labelled, NoisyDescent
from jaxprune.simulate import (
    heavy_tailed_sgd,
    losses,
    mean_field,
    networks,
    noisy_training,
    released_code,
    stable,
    stepping,
)
from jaxprune.simulate.architectures import MLP
from jaxprune.simulate.arguments import RELEASED
from jaxprune.simulate.heavy_tailed_sgd import ACCURATE, ALL_STEPS, BY_CHANCE, NOT_FINITE, Run, Stopping
from jaxprune.simulate.noisy_training import NOT_SAVED
from jaxprune.simulate.released_code import ReleasedNoise
from jaxprune.struct import struct
from tests import judge

KEY = jax.random.key(2)
RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.standard_normal((40, 6)), jnp.float32)
Y = jnp.asarray(np.eye(3)[RNG.integers(0, 3, 40)], jnp.float32)
LOSS = losses.CrossEntropy()


def unit(law, rows=20000, dim=1):
    """Increments over a unit of time."""
    return np.asarray(law.increment(KEY, (rows, dim), 1.0), float)


def characteristic(samples, spoil, scale, alpha):
    """The empirical characteristic function at three points against exp(-|scale t|^alpha), and against a spoiled scale."""
    t = np.array([0.5, 1.0, 2.0])
    wave = np.cos(samples[:, None] * t)
    assert np.all(judge.deviates(wave, np.exp(-((scale * t) ** alpha))) < 5.5)
    assert np.max(judge.deviates(wave, np.exp(-((spoil * t) ** alpha)))) > 5.5


def test_quirk_1_type_iii_is_smaller():
    characteristic(unit(ReleasedNoise(1.75, noise="III", scaled=True))[:, 0], 1.0, 0.5**0.5, 1.75)
    characteristic(unit(stable.neuron_noise("III", 1.75))[:, 0], 0.5**0.5, 1.0, 1.75)


def test_quirk_2_type_iii_is_nan_at_two():
    assert np.all(np.isnan(unit(ReleasedNoise(2.0, noise="III"))))
    assert np.all(np.isfinite(unit(stable.neuron_noise("III", 2.0))))
    assert np.all(np.isfinite(unit(ReleasedNoise(1.999, noise="III"))))


def test_quirk_3_type_i_is_standard_normal_at_two():
    for kind, variance in (("I", 1.0), ("II", 2.0)):
        found = unit(ReleasedNoise(2.0, noise=kind))
        judge.statistical(found**2, np.array([variance]))
        assert stats.kstest(found[:, 0] / variance**0.5, "norm").pvalue > 1e-4
    copied = unit(ReleasedNoise(2.0, noise="I"), 50, 4)
    assert np.all(copied == copied[:, :1])
    judge.statistical(unit(stable.neuron_noise("I", 2.0)) ** 2, np.array([2.0]))


def test_quirk_4_no_factor_on_a_cpu():
    here, there = (ReleasedNoise(1.8, 0.003, "II", scaled=s).increment(KEY, (9, 2), 0.01) for s in (False, True))
    np.testing.assert_allclose(there, 0.003 * 0.01 ** (1 / 1.8) * here, rtol=1e-5)
    np.testing.assert_allclose(here, ReleasedNoise(1.8, 5.0, "II").increment(KEY, (9, 2), 2.0), rtol=1e-6)


def loader(orders, batch):
    """PyTorch's: every epoch a new order, cut into pieces, of which the last may be smaller."""
    for order in orders:
        for start in range(0, len(order), batch):
            yield order[start : start + batch]


def layer_outputs(weights, inputs):
    values = [inputs]
    for w in weights[:-1]:
        values.append(np.maximum(values[-1] @ w.T, 0))
    return [*values, values[-1] @ weights[-1].T]


def loss_and_accuracy(weights, inputs, labels):
    logits = layer_outputs(weights, inputs)[-1]
    logits = logits - logits.max(1, keepdims=True)
    loss = np.mean(np.log(np.exp(logits).sum(1)) - (logits * labels).sum(1))
    return loss, np.mean(logits.argmax(1) == labels.argmax(1))


def gradient(weights, inputs, labels):
    """That of the mean cross entropy, by back-propagation."""
    values = layer_outputs(weights, inputs)
    raised = np.exp(values[-1] - values[-1].max(1, keepdims=True))
    error, slopes = (raised / raised.sum(1, keepdims=True) - labels) / len(inputs), []
    for w, value in zip(weights[::-1], values[-2::-1], strict=True):
        slopes.append(error.T @ value)
        error = (error @ w) * (value > 0)
    return slopes[::-1]


def authors_program(weights, inputs, labels, orders, noise, *, rate, batch, iterations, every, goal, patience=100_000):
    """The authors' training loop, followed line by line, in NumPy: what it ends with, after how many gradient steps, why, and
    the accuracies that it saw. ``noise(i)``: one array per matrix for iteration i."""
    classes, seen = labels.shape[1], []
    for i, rows in enumerate(loader(orders, batch)):
        slopes = gradient(weights, inputs[rows], labels[rows])
        weights = [w - rate * s for w, s in zip(weights, slopes, strict=True)]
        if i % every == 0:
            loss, right = loss_and_accuracy(weights, inputs, labels)
            seen.append(right)
        stop = i == iterations
        if np.isnan(loss):
            return weights, i + 1, NOT_FINITE, seen
        if i > patience and right <= (1.25 / classes if classes > 2 else 0.53):
            return weights, i + 1, BY_CHANCE, seen
        converged = loss < np.inf and right >= goal
        if stop or converged:
            return weights, i + 1, ACCURATE if converged else ALL_STEPS, seen
        drawn = noise(i)
        weights = [w if len(w) == classes else w + z for w, z in zip(weights, drawn, strict=True)]
    raise AssertionError("more epochs are needed")


def problem(classes, depth=2, width=8, samples=40, seed=0):
    """Random data of which 2/3 can be learnt, a network, its first weights, and its drift on batches of 12."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((samples, 6))
    kinds = np.where(rng.random(samples) < 2 / 3, np.abs(inputs[:, :classes]).argmax(1), rng.integers(0, classes, samples))
    data = jnp.asarray(inputs), jnp.asarray(np.eye(classes)[kinds])
    model = released_code.network(6, width, classes, depth)
    return released_code.initial(model, jax.random.key(seed)), released_code.Drift(*data, model, LOSS, batch=12)


@functools.cache
def both(classes, depth=2, width=8, iterations=20, every=4, patience=100_000):
    """Ours, compiled, as a function of the goal and of chance; and the authors', on the same noise and the same orders."""
    start, drift = problem(classes, depth, width)
    laws = released_code.noise(drift.model, ReleasedNoise(1.5, 0.2, "I", scaled=True), RELEASED)

    def score(weights):
        found = released_code.outputs(drift.model, weights, drift.inputs)
        return jnp.mean(LOSS(found, drift.targets)), losses.accuracy(found, drift.targets)

    @jax.jit
    def ours(goal, chance):
        stopping = Stopping(iterations, every, goal, chance, patience)
        return heavy_tailed_sgd.train(drift, laws, start, KEY, step_size=RATE, stopping=stopping, score=score, compat=RELEASED)

    rows = jax.jit(lambda step: released_code.shuffled_rows(KEY, 40, 12, step)[0])
    orders = [np.concatenate([np.asarray(rows(4 * epoch + i)) for i in range(4)])[:40] for epoch in range(40)]
    drawn = jax.jit(lambda i: stepping.increments([REPLACED if law is None else law for law in laws], KEY, start, RATE, i))

    def theirs(goal):
        data = np.asarray(drift.inputs), np.asarray(drift.targets)
        return authors_program(
            [np.asarray(w) for w in start], *data, orders, lambda i: [np.asarray(z) for z in drawn(i)],
            rate=RATE, batch=12, iterations=iterations, every=every, goal=goal, patience=patience,
        )  # fmt: skip

    return ours, theirs


RATE = 0.3
REPLACED = stable.Gaussian(0.5)  # where the code has no noise: whoever adds it is found out


def same(run, expected, tolerance=1e-11):
    weights, steps, reason, _ = expected
    assert (int(run.steps), int(run.reason)) == (steps, reason)
    for found, w in zip(run.value, weights, strict=True):
        judge.exact(found, w, tolerance)


@pytest.mark.parametrize("classes, depth, width", [(3, 2, 8), (2, 3, 8), (3, 4, 3), (6, 2, 8), (3, 2, 3)])
def test_the_authors_program_step_by_step(classes, depth, width, x64):
    """Also where hidden layers have as many units as there are classes, and where as many inputs as classes."""
    ours, theirs = both(classes, depth, width)
    whole = theirs(1.1)
    assert whole[1] == 21 and len(whole[3]) == 6
    for goal in (1.0, max(whole[3]), sorted(whole[3])[3], whole[3][0]):
        same(ours(goal, 1 / classes), theirs(goal))
    spoilt = theirs(1.1)[0][0] * (1 + 1e-9)
    assert np.max(np.abs(ours(1.0, 1 / classes).value[0] - spoilt)) > 1e-11 or theirs(1.0)[1] < 21


def test_quirk_5_the_seed_does_not_fix_the_noise():
    start, drift = problem(3)

    @jax.jit
    def run(other, sigma):
        laws = released_code.noise(drift.model, ReleasedNoise(1.5, sigma, "I", scaled=True, other=other), RELEASED)
        return heavy_tailed_sgd.train(
            drift, laws, start, KEY, step_size=RATE, stopping=Stopping(8, 4, 1.0), score=lambda w: (1.0, 0.0), compat=RELEASED
        ).value[0]

    one, same, two = (run(i, 0.1) for i in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.max(np.abs(one - two)) > 1e-3
    np.testing.assert_array_equal(run(3, 0.0), run(4, 0.0))


def test_quirk_6_noise_in_hidden_layers_only_and_no_factor_of_the_width():
    model = released_code.network(6, 8, 3, depth=3)
    law = ReleasedNoise(1.5)
    assert released_code.noise(model, law) == (law, law, None)
    assert [tuple(w.shape) for w in released_code.initial(model, KEY)] == [(8, 6), (8, 8), (3, 8)]
    weights = released_code.initial(model, KEY)
    hidden = X
    for w in weights[:-1]:
        hidden = np.maximum(hidden @ np.asarray(w).T, 0)
    judge.exact(released_code.outputs(model, weights, X), hidden @ np.asarray(weights[-1]).T, 1e-5)
    start, drift = problem(3)
    assert np.all(drift(start)[-1] != 0)  # the last layer is trained


def test_quirk_7_evaluation_and_the_end_are_before_the_noise(x64):
    """The authors' loop of one step, and of five: the noise of the last step is not there, that of the others is."""
    ours, theirs = both(3)
    weights, steps, _, seen = theirs(1.0)
    run = ours(1.0, 1 / 3)
    same(run, (weights, steps, ALL_STEPS, seen))
    _, drift = problem(3)
    laws = released_code.noise(drift.model, ReleasedNoise(1.5, 0.2, "I", scaled=True), RELEASED)
    late = stepping.increments(list(laws), KEY, run.value, RATE, 20)[0]
    assert np.max(np.abs(late)) > 1e-3  # what the noise of the last step would have added


def test_quirk_8_noise_by_rows():
    law = ReleasedNoise(1.5)
    narrow = released_code.network(6, 3, 3)
    assert released_code.noise(narrow, law, RELEASED) == (None, None)
    assert released_code.noise(narrow, law) == (law, None)
    assert released_code.noise(released_code.network(6, 8, 3), law, RELEASED) == (law, None)
    assert released_code.noise(released_code.network(3, 8, 3, 3), law, RELEASED) == (law, law, None)
    assert released_code.noise(released_code.network(6, 3, 3, 4), law, RELEASED) == (None, None, None, None)
    with pytest.raises(ValueError, match="^compat: "):
        released_code.noise(narrow, law, "new")


@pytest.mark.parametrize("inputs, widths", [(6, (3, 5)), (3, (7, 5)), (6, (3, 3)), (6, (7, 5))])
def test_quirk_8_pruning_by_either_side(inputs, widths, x64):
    """Three classes: a matrix with three rows or columns keeps all, and all of it counts as removed."""
    rng = np.random.default_rng(1)
    sizes = (inputs, *widths)
    layers = [rng.standard_normal((b, a)) * np.logspace(-2, 0, b)[:, None] for a, b in itertools.pairwise(sizes)]
    last, x = rng.standard_normal((3, widths[-1])), rng.standard_normal((50, inputs))
    y = np.eye(3)[rng.integers(0, 3, 50)]
    pruned, left, hidden = [], 0, sum(w.size for w in layers)
    for w in layers:
        energy = np.sort((w**2).sum(1)).cumsum() / (w**2).sum()
        gone = np.argsort((w**2).sum(1))[: np.argmax(energy > 0.1)]
        whole = 3 in w.shape
        pruned.append(np.where(np.isin(np.arange(len(w)), gone)[:, None] & (not whole), 0, w))
        left += 0 if whole else (len(w) - len(gone)) * w.shape[1]
    set_ = jnp.asarray(x), jnp.asarray(y)
    found = heavy_tailed_sgd.record(
        lambda hidden, inputs: jnp.asarray(layer_outputs([*map(np.asarray, hidden), last], np.asarray(inputs))[-1]),
        [jnp.asarray(w) for w in layers], set_, set_, compat=RELEASED,
    )  # fmt: skip
    judge.exact(found["pruning_ratio"], 1 - left / hidden)
    before, after = layer_outputs([*layers, last], x)[-1], layer_outputs([*pruned, last], x)[-1]
    judge.exact(found["pruned_test_accuracy"], np.mean(after.argmax(1) == y.argmax(1)))
    judge.exact(1 + found["functional_error"], 1 + np.linalg.norm(after - before) / np.linalg.norm(before))


def test_quirk_9_a_run_can_stop_at_its_first_step(x64):
    ours, theirs = both(3, every=5)
    accuracies = theirs(1.1)[3]
    assert len(accuracies) == 5 and int(ours(accuracies[0], 1 / 3).steps) == 1
    assert int(ours(1.0, 1 / 3).steps) == 21
    goal = sorted(set(accuracies))[-1]
    assert int(ours(goal, 1 / 3).steps) == 1 + 5 * accuracies.index(goal)


@pytest.mark.parametrize("samples, batch", [(40, 12), (40, 10), (7, 7), (5, 1), (9, 8)])
def test_quirk_10_batches_are_shuffled_epochs(samples, batch, x64):
    rows = jax.jit(lambda step: released_code.shuffled_rows(KEY, samples, batch, step))
    pieces, orders = -(-samples // batch), []
    for epoch in range(3):
        found = [[np.asarray(a) for a in rows(epoch * pieces + i)] for i in range(pieces)]
        assert [np.sum(counted) for _, counted in found] == [len(p) for p in loader([np.arange(samples)], batch)]
        orders.append(np.concatenate([chosen[counted] for chosen, counted in found]))
        assert sorted(orders[-1]) == list(range(samples))
    assert not np.array_equal(orders[0], orders[1])


@pytest.mark.parametrize("right, ends", [(0.52, True), (0.53, True), (0.54, False), (0.6, False), (0.625, False)])
def test_quirk_11_chance_of_two_classes_is_53_percent(right, ends, x64):
    """Ours is 62.5 %. The code looks when its counter is beyond the patience, at the last evaluation."""

    def run(compat, chance=0.5, patience=9):
        start, drift = problem(2)
        stopping = Stopping(20, 4, 1.0, chance, patience)
        return heavy_tailed_sgd.train(
            drift, None, start, KEY, step_size=0.1, stopping=stopping, score=lambda w: (1.0, jnp.asarray(right)), compat=compat
        )

    found = run(RELEASED)
    assert (int(found.steps), int(found.reason)) == ((11, BY_CHANCE) if ends else (21, ALL_STEPS))
    plain = run(None)
    assert (int(plain.steps), int(plain.reason)) == (12, BY_CHANCE)
    assert int(run(RELEASED, 0.4).reason) == (BY_CHANCE if right <= 0.5 else ALL_STEPS)
    assert int(run(RELEASED, patience=20).reason) == ALL_STEPS  # as with the code's own numbers, 1e5 and 1e5


@pytest.mark.parametrize("patience", [1, 3, 4, 6, 7, 8, 18, 19, 20])
def test_quirk_11_when_chance_is_seen(patience, x64):
    """The authors' loop with another patience: 2/3 of the labels of six classes are hard to learn from three samples."""
    ours, theirs = both(6, patience=patience)
    expected = theirs(1.1)
    run = ours(1.0, 0.5 if max(expected[3]) < 0.53 else 1 / 6)
    bound = 0.53 if max(expected[3]) < 0.53 else 1.25 / 6
    looked = [i for i in range(patience + 1, 21) if expected[3][i // 4] <= bound]
    assert (int(run.steps), int(run.reason)) == ((looked[0] + 1, BY_CHANCE) if looked else (21, ALL_STEPS))


@struct
class Overflow:
    """Noise that sends the first unit to minus infinity at once."""

    def increment(self, key, shape, step_size):
        return jnp.zeros(shape).at[0].set(-jnp.inf)


def test_quirk_12_only_nan_stops(x64):
    """A unit at minus infinity is dead where inputs are positive: outputs stay finite, and training goes on."""
    start, drift = problem(3)
    drift = dataclasses.replace(drift, inputs=jnp.abs(drift.inputs))

    def run(law, compat, score):
        return heavy_tailed_sgd.train(
            drift, (law, None), start, KEY, step_size=0.1, stopping=Stopping(8, 4, 0.9), score=score, compat=compat
        )

    def loss(weights):
        return jnp.mean(LOSS(released_code.outputs(drift.model, weights, drift.inputs), drift.targets)), 0.0

    dead = run(Overflow(), RELEASED, loss)
    assert (int(dead.steps), int(dead.reason), bool(dead.alive), int(dead.first_bad)) == (9, ALL_STEPS, False, 1)
    assert np.all(np.isneginf(dead.value[0][0])) and np.all(np.isfinite(dead.value[0][1:]))
    assert int(run(Overflow(), None, loss).reason) == NOT_FINITE
    for value, ours, theirs in ((jnp.inf, (4, NOT_FINITE), (9, ALL_STEPS)), (jnp.nan, (4, NOT_FINITE), (1, NOT_FINITE))):
        for compat, expected in ((None, ours), (RELEASED, theirs)):
            found = run(None, compat, lambda w, value=value: (jnp.asarray(value), jnp.asarray(1.0)))
            assert (int(found.steps), int(found.reason)) == expected


def small(**change):
    given = dict(
        data=Labelled(np.asarray(X), np.asarray(Y), n=30), alpha=1.8, noise="II", sigma=0.01, step_size=0.1, n=12, steps=20,
        batch=12, every=5, accuracy=0.99,
    )  # fmt: skip
    return NoisyDescent(**{**given, **change})


RECORD = ("train_accuracy", "pruning_ratio", "pruned_test_accuracy", "functional_error", "participation")


def test_quirk_12_the_test_loss_counts_too(x64):
    order = jax.random.permutation(jax.random.split(jax.random.split(KEY, 4)[0])[0], 40)
    inputs = np.array(X, float)
    inputs[int(order[-1])] = 1e308  # a test sample whose outputs overflow
    data = Labelled(inputs, np.asarray(Y), n=30)
    row = noisy_training.released_row(small(data=data), KEY)
    assert (int(row["steps"]), int(row["stopped_because"])) == (1, NOT_FINITE)
    assert int(noisy_training.released_row(small(data=data), KEY, compat=None)["stopped_because"]) == ALL_STEPS


def test_quirk_13_such_runs_are_not_saved(monkeypatch):
    nan = noisy_training.released_row(small(alpha=2.0, noise="III"), KEY)
    assert (int(nan["steps"]), int(nan["stopped_because"]), int(nan["diverged"]), int(nan["first_bad"])) == (
        6,
        NOT_FINITE,
        1,
        1,
    )
    assert all(np.isnan(nan[name]) for name in RECORD)
    assert NOT_SAVED == (NOT_FINITE, BY_CHANCE)
    ends = {reason: noisy_training._row({"x": jnp.ones(())}, Run(None, 1, jnp.asarray(reason), True, -1), NOT_SAVED)
            for reason in (ALL_STEPS, ACCURATE, BY_CHANCE)}  # fmt: skip
    assert [bool(np.isnan(row["x"])) for row in ends.values()] == [False, False, True]
    assert not any(int(row["diverged"]) for row in ends.values())


def test_every_quirk_has_a_test():
    tested = {int(name.split("_")[2]) for name in globals() if name.startswith("test_quirk_")}
    assert tested == set(range(1, len(released_code.QUIRKS) + 1))


def test_weight_decay_is_not_forgotten(x64):
    start, drift = problem(3)
    plain, decayed = drift(start), dataclasses.replace(drift, decay=0.3)(start)
    for w, b, c in zip(start, plain, decayed, strict=True):
        judge.exact(c, b - 0.3 * w)
    rows = [noisy_training.released_row(small(decay=d, sigma=0.0), KEY) for d in (0.0, 1.0)]
    assert rows[0]["participation"] != rows[1]["participation"]


def test_a_drift_without_shuffled_epochs_is_refused():
    net = mean_field.network(4, 3)
    drift = mean_field.Drift(net, X, Y, LOSS, batch=10)
    with pytest.raises(ValueError, match="^drift: Drift draws no shuffled epochs.*released_code.Drift"):
        heavy_tailed_sgd.train(
            drift, None, mean_field.initial(net, KEY, 6), KEY, step_size=0.1, stopping=Stopping(4, 2),
            score=lambda w: (1.0, 0.0), compat=RELEASED,
        )  # fmt: skip


def test_torch_initialisation():
    model = released_code.network(25, 400, 10)
    first, last = released_code.initial(model, KEY)
    for weights, inner in ((first, 25), (last, 400)):
        assert np.max(np.abs(weights)) <= inner**-0.5
        assert stats.kstest(np.ravel(weights) * inner**0.5, stats.uniform(-1, 2).cdf).pvalue > 1e-4
    biased = networks.uniform(MLP(25, (400,), 10), KEY)
    assert biased.biases[0].shape == (400,) and np.max(np.abs(biased.biases[0])) <= 0.2


def test_a_network_without_biases_is_one_with_zero_biases():
    free, biased = MLP(6, (8, 7), 3, biased=False), MLP(6, (8, 7), 3)
    params = networks.uniform(free, KEY)
    assert params.biases == () and networks.live(free, 4).biases == ()
    zeros = networks.Parameters(params.weights, tuple(jnp.zeros(k) for k in (8, 7, 3)))
    np.testing.assert_array_equal(free.apply(params, X), biased.apply(zeros, X))
    for a, b in zip(free.curvature(params, X), biased.curvature(zeros, X), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("compat, most", [(RELEASED, 21), (None, 20)])
def test_rows(compat, most):
    row = noisy_training.released_row(small(), KEY, compat=compat)
    assert all(np.all(np.isfinite(v)) for v in row.values()) and int(row["steps"]) == most


def test_bad_input_is_named():
    model = released_code.network(6, 8, 3)
    with pytest.raises(ValueError, match="^targets: "):
        released_code.Drift(X, Y[:, :2], model, LOSS)
    with pytest.raises(ValueError, match="^targets: "):
        released_code.Drift(X, 0.5 * Y, model, LOSS)
    with pytest.raises(ValueError, match="^batch: "):
        released_code.Drift(X, Y, model, LOSS, batch=41)
    with pytest.raises(ValueError, match="IV"):
        ReleasedNoise(1.5, noise="IV")
    with pytest.raises(ValueError, match="^alpha: "):
        ReleasedNoise(2.5)
