"""Training with injected noise: against NumPy, stopping rules, batching, resume, the record, assumptions."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import HeavyTailedSGD, Labelled, NoisyNeurons
from jaxprune.simulate import sde, stable
from jaxprune.simulate.networks import losses
from jaxprune.simulate.sgd import mean_field, noisy_training, released_code, training
from jaxprune.simulate.sgd.training import ACCURATE, ALL_STEPS, BY_CHANCE, NOT_FINITE, Stopping
from jaxprune.struct import struct
from tests import grades as judge

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 5))
Y = np.where(X[:, :1] + 0.3 * RNG.standard_normal((60, 1)) > 0, 1.0, -1.0)
LOSS = losses.Logistic()
KEY = jax.random.key(7)


def setup(n=12, batch=None):
    net = mean_field.network(n)
    drift = mean_field.Drift(net, jnp.asarray(X), jnp.asarray(Y), LOSS, batch=batch)
    return net, drift, mean_field.initial(net, jax.random.key(1), 5)


def score(net):
    def at(theta):
        found, targets = net(theta, jnp.asarray(X)), jnp.asarray(Y)
        return jnp.mean(LOSS(found, targets)), losses.accuracy(found, targets)

    return at


def test_noiseless_descent_is_that_of_numpy(x64):
    net, drift, start = setup()
    c, theta = np.asarray(net.outer), np.asarray(start)
    for _ in range(5):
        hidden = np.tanh(X @ theta.T)
        weight = -Y / (1 + np.exp(Y * (hidden @ c / 12)))
        theta = theta - 0.7 * ((weight @ c.T) * (1 - hidden**2)).T @ X / 60
    judge.exact(sde.euler(drift, None, start, KEY, step_size=0.7, steps=5).state.value, theta)
    run = training.train(drift, None, start, KEY, step_size=0.7, stopping=Stopping(5, 5, 1.0), score=score(net))
    judge.exact(run.value, theta)


@functools.cache
def noisy(kind):
    """A compiled run, as a function of the key, the state and the number of steps; and the state that it begins in."""
    _, drift, start = setup(batch=20)
    law = stable.neuron_noise(kind, 1.6, 0.1)

    def run(key, state, steps):
        return sde.euler(drift, law, state, key, step_size=0.3, steps=steps).state

    return jax.jit(run, static_argnums=2), sde.begin(start)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["I", "II", "III"])
def test_chunks_and_resume_change_no_bit(kind, x64):
    run, start = noisy(kind)
    whole, rest = run(KEY, start, 8), run(KEY, run(KEY, start, 4), 4)
    np.testing.assert_array_equal(rest.value, whole.value)
    assert int(rest.step) == 8 and not np.array_equal(run(KEY, start, 4).value, whole.value)


@pytest.mark.slow
def test_batches_change_no_bit(x64):
    compiled, start = noisy("II")
    whole = compiled(KEY, start, 8)

    def run(key):
        return compiled(key, start, 8)

    keys = jnp.stack([jax.random.key(3), KEY, jax.random.key(4)])
    np.testing.assert_array_equal(jax.jit(lambda k: jax.lax.map(run, k))(keys).value[1], whole.value)
    together = jax.jit(jax.vmap(run))(keys).value  # products of a batch may round differently
    judge.exact(together[1], whole.value, 1e-12)


def test_evaluations_change_no_bit(x64):
    net, drift, start = setup(batch=20)
    law = stable.Gaussian(0.1)

    def train(every):
        stopping = Stopping(12, every, 1.0, patience=10**6)
        return training.train(drift, law, start, KEY, step_size=0.01, stopping=stopping, score=score(net))

    plain = jax.jit(lambda: sde.euler(drift, law, start, KEY, step_size=0.01, steps=12).state.value)()
    run = jax.jit(lambda: train(4))()
    assert int(run.steps) == 12 and int(run.reason) == ALL_STEPS and bool(run.alive)
    np.testing.assert_array_equal(run.value, plain)


def test_accuracy_is_looked_at_only_at_evaluations(x64):
    """Against a hand-written loop that looks at every step."""
    net, drift, start = setup()
    step = jax.jit(lambda theta: sde.euler(drift, None, theta, KEY, step_size=3.0, steps=1).state.value)
    right, state, rate = [], start, jax.jit(score(net))
    for _ in range(40):
        state = step(state)
        right.append(float(rate(state)[1]))
    goal = 0.9
    first = 1 + next(i for i, r in enumerate(right) if r >= goal)
    for every in (1, 8, 20):
        run = training.train(drift, None, start, KEY, step_size=3.0, stopping=Stopping(40, every, goal), score=score(net))
        expected = next(s for s in range(every, 41, every) if right[s - 1] >= goal)
        assert int(run.steps) == expected >= first and int(run.reason) == ACCURATE
    assert right[-1] >= goal > right[0]


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_value(x64):
    net, drift, start = setup()

    class Runaway:
        def __call__(self, theta):
            return 1e200 * theta**2

    run = training.train(Runaway(), None, start, KEY, step_size=1.0, stopping=Stopping(20, 5), score=score(net))
    assert int(run.reason) == NOT_FINITE and int(run.steps) == 5 and not bool(run.alive)
    assert np.all(np.isfinite(run.value))
    run = training.train(
        drift,
        None,
        start,
        KEY,
        step_size=0.1,
        stopping=Stopping(20, 5),
        score=lambda t: (jnp.asarray(jnp.nan), jnp.asarray(1.0)),
    )
    assert int(run.reason) == NOT_FINITE and int(run.steps) == 5 and bool(run.alive)


@pytest.mark.parametrize("right, reason, steps", [(0.62, BY_CHANCE, 15), (0.625, BY_CHANCE, 15), (0.63, ALL_STEPS, 30)])
def test_no_better_than_chance_after_the_patience(right, reason, steps):
    _, drift, start = setup()
    stopping = Stopping(30, 5, 0.95, chance=0.5, patience=12)
    run = training.train(
        drift, None, start, KEY, step_size=0.1, stopping=stopping, score=lambda t: (jnp.asarray(1.0), jnp.asarray(right))
    )
    assert int(run.reason) == reason and int(run.steps) == steps
    assert Stopping(100).patience == 10**5 and Stopping(100).margin == 1.25


def test_runs_of_a_batch_stop_on_their_own(x64):
    net, drift, _ = setup()
    starts = jnp.stack([mean_field.initial(net, jax.random.key(i), 5) for i in range(4)])

    def train(start, key, goal):
        stopping = Stopping(60, 4, goal)
        return training.train(drift, None, start, key, step_size=3.0, stopping=stopping, score=score(net))

    goals, keys = jnp.array([0.6, 0.8, 0.9, 1.0]), jax.random.split(KEY, 4)
    together, train = jax.jit(jax.vmap(train))(starts, keys, goals), jax.jit(train)
    assert len(set(np.asarray(together.steps).tolist())) > 1
    for i in range(4):
        alone = train(starts[i], keys[i], goals[i])
        assert int(alone.steps) == int(together.steps[i]) and int(alone.reason) == int(together.reason[i])
        judge.exact(together.value[i], alone.value, 1e-12)


@pytest.mark.slow
def test_record_is_that_of_numpy(x64):
    net, _, start = setup(30)
    whole = (jnp.asarray(X), jnp.asarray(Y))
    theta = np.asarray(start) * np.random.default_rng(1).pareto(1.2, (30, 1))
    test = (whole[0][:20], whole[1][:20])
    found = jax.jit(lambda w: training.record(lambda layers, x: net(layers[0], x), [w], whole, test))(theta)
    energy = (theta**2).sum(1)
    order = np.argsort(energy)
    gone = order[np.cumsum(energy[order]) <= 0.1 * energy.sum()]
    pruned = theta.copy()
    pruned[gone] = 0
    f, g = (np.tanh(X @ t.T) @ np.asarray(net.outer) / 30 for t in (theta, pruned))
    judge.exact(found["pruning_ratio"], len(gone) / 30)
    judge.exact(found["parameter_error"], np.sqrt(energy[gone].sum() / energy.sum()))
    judge.exact(found["functional_error"], np.linalg.norm((f - g)[:20]) / np.linalg.norm(f[:20]))
    judge.exact(found["train_accuracy"], np.mean((f > 0) == (Y > 0)))
    judge.exact(found["test_accuracy"], np.mean((f > 0)[:20] == (Y > 0)[:20]))
    judge.exact(found["pruned_train_accuracy"], np.mean((g > 0) == (Y > 0)))
    judge.exact(found["participation"], (energy**2).sum() / energy.sum() ** 2)
    padded = jax.jit(lambda w: training.record(lambda layers, x: net(layers[0][:30], x), [w], whole, test, empty=11))(
        np.pad(theta, ((0, 11), (0, 0)))
    )
    for name, value in found.items():
        judge.exact(padded[name], value)


def test_pooled_layers_count_parameters(x64):
    wide, tall = np.ones((2, 50)), np.r_[np.full((9, 3), 0.01), np.ones((1, 3))]
    wide[0] = 0.01

    def outputs(layers, x):
        return x[:, :1] * (jnp.sum(layers[0]) + jnp.sum(layers[1]))

    data = (jnp.asarray(X), jnp.asarray(Y))
    found = jax.jit(lambda layers: training.record(outputs, layers, data, data))([jnp.asarray(wide), jnp.asarray(tall)])
    judge.exact(found["pruning_ratio"], (50 + 9 * 3) / 130)


def test_assumptions():
    good = dict(alpha=1.5, step_size=1e-6, n=1000, activation=jnp.tanh, loss=LOSS)
    assert training.assumptions(**good) == (True, [])
    assert training.assumptions(**{**good, "step_size": 1000.0**-1.75})[0]
    changes = dict(alpha=2.0, activation=jax.nn.relu, loss=losses.Squared(), decay=0.1, time_scale="raw")
    for name, value in changes.items():
        with pytest.warns(UserWarning, match=f"outside the assumptions of the theorem: {name}: "):
            ok, items = training.assumptions(**{**good, name: value})
        assert not ok and [i.split(":")[0] for i in items] == [name]
    with pytest.warns(UserWarning, match="step_size: 0.01 > n"):
        ok, items = training.assumptions(**{**good, "step_size": 0.01})
    assert not ok and "5.6e-06" in items[0]


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("every", dict(steps=10, every=3)), ("steps", dict(steps=0)), ("every", dict(steps=10, every=0)),
        ("accuracy", dict(steps=100, accuracy=1.1)), ("chance", dict(steps=100, chance=0.0)), ("patience", dict(steps=100, patience=-1)),
        ("margin", dict(steps=100, margin=-1.0)), ("margin", dict(steps=100, margin=np.nan)),
    ],
)  # fmt: skip
def test_bad_stopping_is_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}: "):
        Stopping(**arguments)


def test_compat_is_named():
    net, drift, start = setup()
    with pytest.raises(ValueError, match="^compat: 'old'"):
        training.train(drift, None, start, KEY, step_size=1.0, stopping=Stopping(5, 5), score=score(net), compat="old")


DATA = Labelled(X, np.eye(2)[(Y[:, 0] < 0).astype(int)], n=40)
DESCENT = dict(data=DATA, alpha=1.7, sigma=0.1, step_size=0.5, n=20, steps=6)
NEURONS = dict(alpha=1.5, sigma=0.5, horizon=1.0)
BAD = [
    *((name, value) for name in ("alpha",) for value in (0.0, 2.1, -1.0, np.nan, 1j, "x", np.ones(2))),
    *(("sigma", value) for value in (-1.0, np.nan, np.inf)),
    *(("steps", value) for value in (0, 1.5, True)),
    ("noise", "IV"), ("noise", 4), ("noise", True), ("decay", -0.1),
]  # fmt: skip


@pytest.mark.parametrize(
    "name, value",
    [
        *BAD, ("step_size", 0.0), ("step_size", -1.0), ("step_size", np.inf), ("n", 0), ("n", 2.0), ("batch", 0), ("batch", 41),
        ("every", 4), ("every", 0), ("accuracy", 0.0), ("accuracy", 1.2),
    ],
)  # fmt: skip
def test_bad_descent_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        HeavyTailedSGD(**{**DESCENT, name: value})


@pytest.mark.parametrize(
    "name, value",
    [*BAD, ("horizon", 0.0), ("horizon", np.inf), ("dim", 0), ("samples", 0), ("target", "one"), ("time_scale", "slow")],
)
def test_bad_neurons_are_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        NoisyNeurons(**{**NEURONS, name: value})


def test_types_of_noise_have_two_names():
    for kind, name in ((1, "I"), (2, "II"), (3, "III"), ("II", "II")):
        assert HeavyTailedSGD(**DESCENT, noise=kind).noise == name


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 3])
def test_rows_of_the_tables(classes, x64):
    labels = np.eye(classes)[RNG.integers(0, classes, 60)]
    problem = HeavyTailedSGD(**{**DESCENT, "data": Labelled(X, labels, n=40), "alpha": stable.index(1.7), "batch": 10})
    rows = jax.jit(lambda k: jax.lax.map(lambda key: noisy_training.mean_field_trial(problem, key), k))(
        jax.random.split(KEY, 3)
    )
    assert all(v.shape == (3,) and np.all(np.isfinite(v)) for v in rows.values())
    assert np.all(rows["steps"] == 6) and not np.any(rows["assumptions_ok"]) and not np.any(rows["diverged"])
    with pytest.warns(UserWarning, match="step_size"):
        assert [item.split(":")[0] for item in noisy_training.violated(problem)] == ["step_size"]
    slow = noisy_training.mean_field_trial(HeavyTailedSGD(**{**DESCENT, "step_size": 1e-4}, noise="II"), KEY)
    assert int(slow["assumptions_ok"]) == 1


@pytest.mark.slow
def test_a_diverged_run_has_no_measures():
    wild = HeavyTailedSGD(**{**DESCENT, "alpha": 0.5, "sigma": 1e37})
    problems = jax.tree.map(lambda a, b: jnp.stack([jnp.asarray(a), jnp.asarray(b)]), wild, HeavyTailedSGD(**DESCENT))
    row = jax.vmap(noisy_training.mean_field_trial, in_axes=(0, None))(problems, KEY)
    ending = ("steps", "stopped_because", "diverged", "first_bad", "assumptions_ok")
    assert [training.REASONS[i] for i in row["stopped_because"]] == ["loss not finite", "all steps made"]
    assert row["diverged"].tolist() == [1, 0] and row["first_bad"][0] >= 1 and row["first_bad"][1] == -1
    for name in set(row) - set(ending):
        assert jnp.isnan(row[name][0]) and jnp.isfinite(row[name][1])


def test_a_record_takes_a_list_of_layers(unchecked):
    with pytest.raises(ValueError, match="^layers: one array"):
        training.record(lambda layers, x: x, X, (X, Y), (X, Y))


@pytest.mark.slow
def test_rows_are_compiled_once(x64):
    sizes = []
    for seed in range(3):
        noisy_training.mean_field_trial(HeavyTailedSGD(**DESCENT, noise="II"), jax.random.key(seed))
        sizes.append(noisy_training.mean_field_trial._cache_size())
    assert sizes[0] == sizes[1] == sizes[2] > 0


@struct
class Uniform:
    """A law of a user's own: uniform numbers, no index."""

    width: float

    def increment(self, key, shape, step_size):
        return step_size**0.5 * jax.random.uniform(key, shape, minval=-self.width, maxval=self.width)


OWN = {name: value for name, value in DESCENT.items() if name not in ("alpha", "sigma")}


@pytest.mark.slow
def test_a_law_of_ones_own_is_the_noise(x64):
    """The law of a type gives the numbers of that type; another one gives others, by the same program."""
    kind = "II"
    typed = noisy_training.mean_field_trial(HeavyTailedSGD(**DESCENT, noise=kind), KEY)
    before = noisy_training.mean_field_trial._cache_size()
    own = noisy_training.mean_field_trial(HeavyTailedSGD(**OWN, noise=stable.neuron_noise(kind, 1.7, 0.1)), KEY)
    other = noisy_training.mean_field_trial(HeavyTailedSGD(**OWN, noise=stable.neuron_noise(kind, 1.7, 0.11)), KEY)
    assert noisy_training.mean_field_trial._cache_size() == before + 1
    assert int(own["assumptions_ok"]) == 0
    for name in set(typed) - {"assumptions_ok"}:
        np.testing.assert_array_equal(typed[name], own[name])
    assert other["participation"] != own["participation"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "row, law",
    [
        (noisy_training.mean_field_trial, Uniform(np.float64(0.1))),
        (
            functools.partial(noisy_training.released_trial, compat=None),
            stable.Sum((stable.Gaussian(0.02), stable.Isotropic(1.6, scale=0.02))),
        ),
    ],
    ids=["mean-field", "released"],
)
def test_any_law_trains_a_network(row, law):
    problem = HeavyTailedSGD(**OWN, noise=law)
    assert problem.noise is law and problem.alpha is None
    found = row(problem, KEY)
    assert np.isfinite(found["functional_error"]) and not found["diverged"]
    assert noisy_training.violated(problem) == [f"noise: {law!r} is not one of the types 'I', 'II', 'III'"]


def test_bad_laws_are_named():
    class Bare:
        increment = Uniform.increment

    law = stable.Symmetric(1.5)
    for wrong in (
        dict(noise=Bare()), dict(noise=stable.Symmetric), dict(noise=None), dict(noise=law, alpha=1.5), dict(noise=law, sigma=0.1),
        dict(alpha=1.5), dict(sigma=0.1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"^(noise|alpha|sigma): .{,120}$"):
            HeavyTailedSGD(**OWN, **wrong)
    with pytest.raises(ValueError, match="^noise: Bare is no pytree; .*struct"):
        HeavyTailedSGD(**OWN, noise=Bare())
    with pytest.raises(ValueError, match=r"^noise: Symmetric\(1.5, scale=1\) is not a type of noise"):
        NoisyNeurons(**NEURONS, noise=law)
    with pytest.raises(ValueError, match="^noise: Symmetric is a law, .*compat=None"):
        noisy_training.released_trial(HeavyTailedSGD(**OWN, noise=law), KEY)


def test_numpy_data_are_those_of_jax():
    """In both networks, inside a program, where the rows of a mini-batch are known by traced numbers only."""
    net, drift, start = setup(batch=8)
    model, sample = released_code.network(5, 6, 2), (X, np.eye(2)[(Y[:, 0] > 0).astype(int)])
    layered = [
        released_code.Drift(*given, model, losses.CrossEntropy(), batch=8) for given in (map(jnp.asarray, sample), sample)
    ]
    for ours, theirs, value in (
        (drift, mean_field.Drift(net, X, Y, LOSS, batch=8), start),
        (*layered, released_code.initial(model, KEY)),
    ):
        moves = [jax.jit(lambda v, k, each=each: each(v, k))(value, KEY) for each in (ours, theirs)]
        for a, b in zip(*map(jax.tree.leaves, moves), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
