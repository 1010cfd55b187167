"""Each quirk of the released code, by its number in ``QUIRKS``; and its network."""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.problems import HeavyTailedSGD, Labelled
from jaxprune.simulate import sgd as heavy_tailed_sgd
from jaxprune.simulate import stable
from jaxprune.simulate.arguments import RELEASED
from jaxprune.simulate.networks import losses
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.simulate.sde import stepping
from jaxprune.simulate.sgd import mean_field, noisy_training, released_code
from jaxprune.simulate.sgd.noisy_training import NOT_SAVED
from jaxprune.simulate.sgd.released_code import ReleasedNoise
from jaxprune.simulate.sgd.training import ACCURATE, ALL_STEPS, BY_CHANCE, NOT_FINITE, RUNNING, Run, Stopping
from jaxprune.struct import struct
from tests import grades as judge

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


def authors_ending(i, loss, right, *, iterations, goal, classes, patience=100_000):
    """What the authors' program decides in iteration i, by what its last evaluation saw."""
    if np.isnan(loss):
        return NOT_FINITE
    if i > patience and right <= (1.25 / classes if classes > 2 else 0.53):
        return BY_CHANCE
    if loss < np.inf and right >= goal:
        return ACCURATE
    return ALL_STEPS if i == iterations else RUNNING


def authors_program(weights, inputs, labels, orders, noise, *, rate, batch, iterations, every, goal):
    """The authors' training loop, followed line by line, in NumPy: what it ends with, after how many gradient steps, why, and
    the accuracies that it saw. ``noise(i)``: one array per matrix for iteration i."""
    classes, seen = labels.shape[1], []
    for i, rows in enumerate(loader(orders, batch)):
        slopes = gradient(weights, inputs[rows], labels[rows])
        weights = [w - rate * s for w, s in zip(weights, slopes, strict=True)]
        if i % every == 0:
            loss, right = loss_and_accuracy(weights, inputs, labels)
            seen.append(right)
        reason = authors_ending(i, loss, right, iterations=iterations, goal=goal, classes=classes)
        if reason != RUNNING:
            return weights, i + 1, reason, seen
        weights = [w if len(w) == classes else w + z for w, z in zip(weights, noise(i), strict=True)]
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
def both(classes, depth, width, iterations=20, every=4):
    """Ours, compiled, as a function of the goal; and the authors', on the same noise and the same orders."""
    start, drift = problem(classes, depth, width)
    laws = released_code.noise(drift.model, NOISE, RELEASED)

    def score(weights):
        found = released_code.outputs(drift.model, weights, drift.inputs)
        return jnp.mean(LOSS(found, drift.targets)), losses.accuracy(found, drift.targets)

    @jax.jit
    def trained(goal):
        stopping = Stopping(iterations, every, goal, 1 / classes)
        return heavy_tailed_sgd.train(drift, laws, start, KEY, step_size=RATE, stopping=stopping, score=score, compat=RELEASED)

    def ours(goal):
        return trained(np.float64(goal))  # a number of Python would be a program of its own

    @jax.jit
    def drawn(i):
        everywhere = [REPLACED if law is None else law for law in laws]
        return released_code.shuffled_rows(KEY, 40, 12, i)[0], stepping.increments(everywhere, KEY, start, RATE, i)

    draws = [jax.tree.map(np.asarray, drawn(i)) for i in range(24)]
    orders = [np.concatenate([rows for rows, _ in draws[i : i + 4]])[:40] for i in range(0, 24, 4)]

    @functools.cache
    def theirs(goal):
        data = np.asarray(drift.inputs), np.asarray(drift.targets)
        return authors_program(
            [np.asarray(w) for w in start], *data, orders, lambda i: draws[i][1],
            rate=RATE, batch=12, iterations=iterations, every=every, goal=goal,
        )  # fmt: skip

    return ours, theirs


NOISE = stable.Gaussian(0.2)  # any law: the loop is what is followed
RATE = 0.3
REPLACED = stable.Gaussian(0.5)  # where the code has no noise: whoever adds it is found out


def same(run, expected, tolerance=1e-11):
    weights, steps, reason, _ = expected
    assert (int(run.steps), int(run.reason)) == (steps, reason)
    for found, w in zip(run.value, weights, strict=True):
        judge.exact(found, w, tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("classes, depth, width", [(2, 3, 8), (3, 4, 3), (6, 2, 8)])
def test_the_authors_program_step_by_step(classes, depth, width, x64):
    """Also where hidden layers have as many units as there are classes, and where as many inputs as classes."""
    ours, theirs = both(classes, depth, width)
    seen = theirs(1.1)[3]
    assert theirs(1.1)[1] == 21 and len(seen) == 6
    for goal in (1.0, max(seen), sorted(seen)[3], seen[0]):
        same(ours(goal), theirs(goal))
    spoilt = [w * (1 + 1e-9) for w in theirs(1.0)[0]]
    with pytest.raises(AssertionError):
        same(ours(1.0), (spoilt, *theirs(1.0)[1:]))


def test_quirk_5_the_seed_does_not_fix_the_noise():
    law = jax.jit(lambda other: ReleasedNoise(1.5, 0.1, "I", scaled=True, other=other).increment(KEY, (8, 3), 0.1))
    one, same, two = (law(i) for i in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.max(np.abs(one - two)) > 1e-3


@pytest.mark.slow
def test_quirk_6_noise_in_hidden_layers_only_and_no_factor_of_the_width():
    weights, drift = problem(3, depth=3)
    model, law = drift.model, ReleasedNoise(1.5)
    assert released_code.noise(model, law) == (law, law, None)
    assert [tuple(w.shape) for w in weights] == [(8, 6), (8, 8), (3, 8)]
    hidden = X
    for w in weights[:-1]:
        hidden = np.maximum(hidden @ np.asarray(w).T, 0)
    judge.exact(released_code.outputs(model, weights, X), hidden @ np.asarray(weights[-1]).T, 1e-5)
    assert np.all(drift(weights)[-1] != 0)  # the last layer is trained


@pytest.mark.slow
def test_quirk_7_evaluation_and_the_end_are_before_the_noise(x64):
    """The authors' loop, whose last weights the noise of that step would have moved."""
    ours, theirs = both(6, 2, 8)
    run = ours(1.0)
    same(run, theirs(1.0))
    late = stepping.increments([NOISE, None], KEY, run.value, RATE, 20)[0]
    with pytest.raises(AssertionError):
        same(run, ([run.value[0] + late, run.value[1]], *theirs(1.0)[1:]))


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


@pytest.mark.slow
@pytest.mark.parametrize("inputs, widths", [(6, (3, 5)), (3, (7, 5)), (6, (7, 5))])
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
    ours, theirs = both(6, 2, 8)
    accuracies = theirs(1.1)[3]
    assert int(ours(accuracies[0]).steps) == 1 and int(ours(1.0).steps) == 21
    goal = max(accuracies)
    assert int(ours(goal).steps) == 1 + 4 * accuracies.index(goal)


@functools.cache
def endings(compat, chance, patience):
    """The steps and the reason of runs of 20 steps that see these losses and accuracies after every step."""
    stopping = Stopping(20, 4, 0.9, chance, patience)

    def run(loss, right):
        def score(made):
            step = jnp.round(made).astype(int)
            return loss[step], right[step]

        found = heavy_tailed_sgd.train(
            jnp.ones_like, None, jnp.zeros(()), KEY, step_size=1.0, stopping=stopping, score=score, compat=compat
        )
        return found.steps, found.reason

    return jax.jit(jax.vmap(run))


@pytest.mark.parametrize("classes, patience", [(2, 9), (3, 3), (2, 8), (5, 7), (2, 18), (3, 19), (2, 20), (2, 100_000)])
def test_quirks_9_11_12_every_ending(classes, patience, x64):
    """Tables of losses, NaN and infinite ones among them, and accuracies, judged by the authors' rules."""
    rng = np.random.default_rng(0)
    loss = rng.choice([1.0, np.inf, np.nan], (400, 22), p=[0.85, 0.1, 0.05])
    right = rng.choice(
        [0.2, 1.25 / classes - 1e-9, 0.53, 0.54, 0.6, 0.9, 0.95], (400, 22), p=[0.2, 0.2, 0.2, 0.2, 0.1, 0.05, 0.05]
    )
    expected = []
    for row in range(400):
        for i in range(21):
            last = i - i % 4 + 1  # steps made at the last evaluation
            reason = authors_ending(
                i, loss[row, last], right[row, last], iterations=20, goal=0.9, classes=classes, patience=patience
            )
            if reason != RUNNING:
                break
        expected.append((i + 1, reason))
    found = endings(RELEASED, 1 / classes, patience)(loss, right)
    np.testing.assert_array_equal(np.stack(found, axis=1), expected)
    assert len(set(expected)) > 8


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


@pytest.mark.parametrize("right, ends", [(0.52, True), (0.53, True), (0.54, False), (0.625, False)])
def test_quirk_11_chance_of_two_classes_is_53_percent(right, ends):
    """Ours is 62.5 %. The code looks when its counter is beyond the patience, at the last evaluation."""
    table = jnp.ones((1, 22)), jnp.full((1, 22), right)

    def ending(compat, chance=0.5, patience=9):
        return tuple(int(x[0]) for x in endings(compat, chance, patience)(*table))

    assert ending(RELEASED) == ((11, BY_CHANCE) if ends else (21, ALL_STEPS))
    assert ending(None) == (12, BY_CHANCE)
    assert ending(RELEASED, 1 / 3) == (21, ALL_STEPS)
    assert ending(RELEASED, patience=20) == (21, ALL_STEPS)  # as with the code's own numbers, 1e5 and 1e5


@struct
class Overflow:
    """Noise that sends the first unit to minus infinity at once."""

    def increment(self, key, shape, step_size):
        return jnp.zeros(shape).at[0].set(-jnp.inf)


@pytest.mark.slow
def test_quirk_12_only_nan_stops(x64):
    """A unit at minus infinity is dead where inputs are positive: outputs stay finite, and training goes on."""
    start, drift = problem(3)
    inputs = jnp.abs(drift.inputs)
    drift = dataclasses.replace(drift, inputs=inputs)

    def score(weights):
        return jnp.mean(LOSS(released_code.outputs(drift.model, weights, inputs), drift.targets)), jnp.zeros(())

    dead = heavy_tailed_sgd.train(
        drift, (Overflow(), None), start, KEY, step_size=0.1, stopping=Stopping(8, 4, 0.9), score=score, compat=RELEASED
    )
    assert (int(dead.steps), int(dead.reason), bool(dead.alive), int(dead.first_bad)) == (9, ALL_STEPS, False, 1)
    assert np.all(np.isneginf(dead.value[0][0])) and np.all(np.isfinite(dead.value[0][1:]))


@pytest.mark.parametrize("loss, theirs", [(np.inf, (21, ALL_STEPS)), (np.nan, (1, NOT_FINITE))])
def test_quirk_12_an_infinite_loss_goes_on(loss, theirs):
    table = jnp.full((1, 22), loss), jnp.ones((1, 22))
    for compat, expected in ((None, (4, NOT_FINITE)), (RELEASED, theirs)):
        assert tuple(int(x[0]) for x in endings(compat, 0.5, 9)(*table)) == expected


def small(**change):
    given = dict(
        data=Labelled(np.asarray(X), np.asarray(Y), n=30), alpha=1.8, noise="III", sigma=0.01, step_size=0.1, n=12, steps=20,
        batch=12, every=5, accuracy=0.99,
    )  # fmt: skip
    return HeavyTailedSGD(**{**given, **change})


RECORD = ("train_accuracy", "pruning_ratio", "pruned_test_accuracy", "functional_error", "participation")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_quirk_12_the_test_loss_counts_too():
    order = jax.random.permutation(jax.random.split(jax.random.split(KEY, 4)[0])[0], 40)
    inputs = np.array(X, float)
    inputs[int(order[-1])] = 1e308  # infinite in float32; it is in the test set
    data = Labelled(inputs, np.asarray(Y), n=30)
    row = noisy_training.released_trial(small(data=data), KEY, compat=RELEASED)
    assert (int(row["steps"]), int(row["stopped_because"])) == (1, NOT_FINITE)
    assert int(noisy_training.released_trial(small(data=data), KEY, compat=None)["stopped_because"]) == ALL_STEPS


def test_quirk_13_such_runs_are_not_saved():
    nan = noisy_training.released_trial(small(alpha=2.0), KEY, compat=RELEASED)
    assert [int(nan[name]) for name in ("steps", "stopped_because", "diverged", "first_bad")] == [6, NOT_FINITE, 1, 1]
    assert all(np.isnan(nan[name]) for name in RECORD)
    one = jnp.asarray(1)
    for reason, saved, kept in ((ALL_STEPS, True, True), (ACCURATE, True, True), (BY_CHANCE, False, True)):
        run = Run(None, one, jnp.asarray(reason), one == 1, one)
        for lost, expected in ((NOT_SAVED, saved), ((NOT_FINITE,), kept)):
            row = noisy_training._row({"x": jnp.ones(())}, run, lost)
            assert bool(np.isfinite(row["x"])) == expected and not int(row["diverged"])


def test_every_quirk_has_a_test():
    tested = {int(name.split("_")[2]) for name in globals() if name.startswith("test_quirk_")}
    assert tested == set(range(1, len(released_code.QUIRKS) + 1))


def test_weight_decay_is_not_forgotten():
    start, drift = problem(3)
    for w, b, c in zip(start, drift(start), dataclasses.replace(drift, decay=0.3)(start), strict=True):
        judge.exact(c, b - 0.3 * w, 1e-5)
    rows = [noisy_training.released_trial(small(decay=d), KEY, compat=RELEASED) for d in (0.0, 1.0)]
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
    row = noisy_training.released_trial(small(), KEY, compat=compat)
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
