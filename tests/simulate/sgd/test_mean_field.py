"""The mean-field network: its drift against NumPy, padding, mini-batches, bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate import sde, stable
from jaxprune.simulate.networks import losses
from jaxprune.simulate.sgd import batches, mean_field
from jaxprune.simulate.sgd.training import PaddedLaw
from tests import grades as judge

M, D, N = 13, 4, 9


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(f):
    e = np.exp(f - f.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


# activation: JAX's, its derivative from the input in NumPy, value in NumPy
ACTIVATIONS = [
    (jnp.tanh, np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    (jax.nn.sigmoid, sigmoid, lambda a: sigmoid(a) * (1 - sigmoid(a))),
    (jax.nn.relu, lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float)),
]
# loss, its derivative in the outputs
LOSSES = [
    (losses.Logistic(), 1, lambda f, y: -y * sigmoid(-y * f)),
    (losses.Logistic(), 3, lambda f, y: -y * sigmoid(-y * f)),
    (losses.CrossEntropy(), 3, lambda f, y: softmax(f) - y),
    (losses.Squared(), 1, lambda f, y: f - y),
    (losses.Squared(), 2, lambda f, y: f - y),
]


def data(loss, outputs, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((M, D))
    if isinstance(loss, losses.Logistic):
        y = rng.choice([-1.0, 1.0], (M, outputs))
    elif isinstance(loss, losses.CrossEntropy):
        y = np.eye(outputs)[rng.integers(0, outputs, M)]
    else:
        y = rng.standard_normal((M, outputs))
    return x, y, rng.standard_normal((N, D))


@pytest.mark.slow
@pytest.mark.parametrize("h, value, slope", ACTIVATIONS, ids=["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("loss, outputs, by_output", LOSSES)
def test_drift(loss, outputs, by_output, h, value, slope, x64):
    x, y, theta = data(loss, outputs)
    net = mean_field.network(N, outputs, h)
    c = np.asarray(net.outer)
    assert np.all(np.abs(c).sum(1) == 1) and np.all(c[1::2] == -c[: N - 1 : 2])
    inside = x @ theta.T
    f = value(inside) @ c / N
    expected = -((by_output(f, y) @ c.T) * slope(inside)).T @ x / M
    x, y, theta = (jnp.asarray(a) for a in (x, y, theta))
    judge.exact(net(theta, x), f)
    judge.exact(mean_field.Drift(net, x, y, loss)(theta), expected)
    judge.exact(mean_field.Drift(net, x, y, loss, decay=0.3)(theta), expected - 0.3 * theta)
    judge.exact(mean_field.Drift(net, x, y, loss, time_scale="raw", decay=0.1)(theta), expected / N - 0.1 * theta)


def test_losses(x64):
    f, y = np.array([[0.3, -2.0], [1.5, 0.2]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    outputs, targets = jnp.asarray(f), jnp.asarray(y)
    judge.exact(losses.CrossEntropy()(outputs, targets), -np.log(softmax(f))[[0, 1], [0, 1]])
    judge.exact(losses.Logistic()(outputs, 2 * targets - 1), np.log1p(np.exp(-(2 * y - 1) * f)).sum(1))
    judge.exact(losses.Squared()(outputs, targets), ((f - y) ** 2).sum(1) / 2)
    assert losses.accuracy(outputs, targets) == 0.5
    assert losses.accuracy(outputs[:, :1], jnp.asarray([[1.0], [-1.0]])) == 0.5


@pytest.mark.parametrize("samples, batch", [(13, 5), (13, 13), (600, 3), (600, 70)])
def test_mini_batches_have_no_repetition_and_are_uniform(samples, batch):
    keys = jax.random.split(jax.random.key(1), 4000)
    chosen = np.asarray(jax.jit(jax.vmap(lambda k: batches.subset(k, samples, batch)))(keys))
    assert chosen.shape == (4000, batch) and np.all(np.diff(np.sort(chosen, 1), axis=1) > 0)
    assert chosen.min() >= 0 and chosen.max() < samples
    if batch < samples:
        judge.statistical((chosen < samples // 4).mean(1), np.array((samples // 4) / samples))
        judge.statistical((chosen[:, 0] < samples // 4).astype(float), np.array((samples // 4) / samples), spoil=1.3)


def test_a_mini_batch_drift_is_that_of_its_samples(x64):
    x, y, theta = (jnp.asarray(a) for a in data(losses.Logistic(), 1))
    net, key = mean_field.network(N), jax.random.key(5)
    rows = np.asarray(batches.subset(key, M, 4))
    found = mean_field.Drift(net, x, y, losses.Logistic(), batch=4)(theta, key)
    judge.exact(found, mean_field.Drift(net, x[rows], y[rows], losses.Logistic())(theta))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["I", "II", "III"])
def test_a_width_has_the_same_numbers_whatever_the_padding(kind, x64):
    """Up to round-off: a sum over more terms is taken in another order."""
    x, y, _ = (jnp.asarray(a) for a in data(losses.Logistic(), 1))

    def run(n, largest):
        net = mean_field.network(n, largest=largest)
        drift = mean_field.Drift(net, x, y, losses.Logistic(), batch=5)
        law = PaddedLaw(stable.neuron_noise(kind, 1.5, 0.3), net.live)
        start = mean_field.initial(net, jax.random.key(1), D)
        return sde.euler(drift, law, start, jax.random.key(2), step_size=0.5, steps=6).state.value

    theta = jax.jit(lambda: run(7, None))()
    ladder = jax.jit(jax.vmap(lambda n: run(n, 24)))(jnp.array([3, 7, 24]))
    judge.exact(ladder[1, :7], theta, 1e-12)
    assert not np.any(ladder[1, 7:]) and not np.any(ladder[0, 3:]) and np.all(ladder[2])
    plain, wide = mean_field.network(7), mean_field.network(7, largest=24)
    judge.exact(wide(ladder[1], x), plain(theta, x), 1e-12)


def test_a_narrower_network_begins_with_the_same_neurons():
    key = jax.random.key(3)
    few, many = (mean_field.initial(mean_field.network(n), key, D) for n in (5, 9))
    np.testing.assert_array_equal(few, many[:5])


@pytest.mark.parametrize(
    "name, change",
    [
        ("targets", dict(targets=np.zeros((M, 1)))), ("targets", dict(targets=np.ones((M, 2)))),
        ("loss", dict(loss="cross-entropy")), ("loss", dict(loss=None)), ("targets", dict(loss=losses.CrossEntropy())), ("targets", dict(loss=losses.Squared(), targets=np.full((M, 1), np.nan))),
        ("batch", dict(batch=M + 1)), ("batch", dict(batch=0)), ("batch", dict(batch=2.0)), ("batch", dict(batch=True)),
        ("decay", dict(decay=-1.0)), ("decay", dict(decay=np.nan)), ("time_scale", dict(time_scale="slow")),
    ],
)  # fmt: skip
def test_bad_drift_is_named(name, change, unchecked):
    x, y, _ = data(losses.Logistic(), 1)
    good = dict(network=mean_field.network(N), inputs=x, targets=y, loss=losses.Logistic())
    mean_field.Drift(**good)
    with pytest.raises(ValueError, match=f"^{name}: "):
        mean_field.Drift(**{**good, **change})


@pytest.mark.parametrize(
    "name, arguments", [("n", (0,)), ("n", (2.5,)), ("outputs", (3, 0)), ("largest", (5, 1, jnp.tanh, 4)), ("n", (-1,))]
)
def test_bad_network_is_named(name, arguments):
    with pytest.raises(ValueError, match=f"^{name}: -?[0-9]"):
        mean_field.network(*arguments)


def test_one_hot_needs_two_classes():
    with pytest.raises(ValueError, match="^targets: "):
        losses.CrossEntropy().check(np.ones((3, 1)))
