"""A network along its pruning curve: errors, code length and bound are those that NumPy finds weight by weight."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate.bounds import pruning_curve

pytestmark = pytest.mark.usefixtures("x64")

KEPT, BITS, DELTA = [1, 5, 20, 48], [1, 3], 0.05


def network(seed=0, samples=300):
    """Two layers, inputs, and labels that the network knows but for a few."""
    rng = np.random.default_rng(seed)
    layers = tuple(jnp.asarray(rng.standard_t(2, size=shape)) for shape in ((6, 5), (3, 6)))
    inputs = rng.standard_normal((samples, 5))
    labels = np.argmax(np.maximum(inputs @ np.asarray(layers[0]).T, 0) @ np.asarray(layers[1]).T, axis=1)
    labels[:20] = rng.integers(3, size=20)
    return layers, inputs, labels


def wrong(inputs, labels):
    def errors(layers):
        return jnp.argmax(jnp.maximum(inputs @ layers[0].T, 0) @ layers[1].T, axis=1) != labels

    return errors


@functools.partial(jax.jit, static_argnames=("kept", "bits", "delta"))
def curve(layers, inputs, labels, kept, bits, delta):
    train, test = wrong(inputs[:200], labels[:200]), wrong(inputs[200:], labels[200:])
    return pruning_curve.curve(layers, train, test, list(kept), list(bits), delta)


def found(layers, inputs, labels, kept=KEPT, bits=BITS, delta=DELTA):
    return {k: np.asarray(v) for k, v in curve(layers, inputs, labels, tuple(kept), tuple(bits), delta).items()}


def by_hand(layers, inputs, labels, count, bits):
    """Errors on the training samples, on the others, and on all, of ``count`` weights in so many bits."""
    flat = np.concatenate([np.ravel(w) for w in layers]).astype(np.float32).astype(float)
    chosen = np.argsort(-np.abs(flat), kind="stable")[:count]
    logs = np.log(np.abs(flat[chosen]))
    width = np.ptp(logs) / 2**bits
    cell = np.clip(np.floor((logs.max() - logs) / width if width else 0 * logs), 0, 2**bits - 1)
    small = np.zeros_like(flat)
    small[chosen] = np.sign(flat[chosen]) * np.exp(logs.max() - (cell + 0.5) * width)
    parts = small[:30].reshape(6, 5), small[30:].reshape(3, 6)
    error = np.asarray(wrong(inputs, labels)(parts))
    return error[:200].mean(), error[200:].mean(), error.mean()


@pytest.mark.slow
def test_errors_are_those_of_the_weights_that_the_code_describes():
    layers, inputs, labels = network()
    for bits in BITS:
        here = found(layers, inputs, labels, bits=[bits])
        expected = np.array([by_hand(layers, inputs, labels, count, bits) for count in KEPT])
        np.testing.assert_allclose(here["train_error"], expected[:, 0])
        np.testing.assert_allclose(here["test_error"], expected[:, 1])
        best = np.argmin(here["bound"])
        np.testing.assert_allclose(here["excess"], expected[best, 2] - here["best"])
        assert np.ptp(here["train_error"]) > 0.05  # the curve is not flat, so that another order of weights would show


@pytest.mark.slow
def test_the_bits_with_the_least_bound_are_taken_and_their_choice_is_paid():
    layers, inputs, labels = network(1)
    both, alone = found(layers, inputs, labels), [found(layers, inputs, labels, bits=[b]) for b in BITS]
    least = np.argmin([one["bound"] for one in alone], axis=0)
    assert np.array_equal(both["value_bits"], np.array(BITS)[least])
    chosen = np.choose(least, [one["nats"] for one in alone])
    np.testing.assert_allclose(both["nats"], chosen + np.log(2))
    assert np.all(both["bound"] > np.min([one["bound"] for one in alone], axis=0))
    assert both["best"] == both["bound"].min() and both["best_kept"] == KEPT[int(np.argmin(both["bound"]))] / 48


def test_zeros_are_not_described():
    layers, inputs, labels = network(2)
    sparse = layers[0], jnp.zeros_like(layers[1])
    here = found(sparse, inputs, labels)
    assert here["nats"][-1] < found(layers, inputs, labels)["nats"][-1]
    np.testing.assert_allclose(here["train_error"], np.mean(labels[:200] != 0))


@pytest.mark.slow
def test_a_weight_that_is_not_finite_in_single_precision_is_marked():
    layers, inputs, labels = network(3)
    here = found((1e60 * layers[0], layers[1]), inputs, labels)
    assert all(np.all(np.isnan(value)) for value in here.values())
    assert np.all(np.isfinite(found(layers, inputs, labels)["bound"]))


@pytest.mark.parametrize(
    "name, changes",
    [
        ("kept", dict(kept=[0])),
        ("kept", dict(kept=[49])),
        ("kept", dict(kept=[])),
        ("bits", dict(bits=[25])),
        ("bits", dict(bits=[])),
        ("delta", dict(delta=1.0)),
    ],
)
def test_what_makes_no_sense_is_refused(name, changes):
    with pytest.raises(ValueError, match=name):
        found(*network(), **changes)
