"""Layers under plain descent: the average, the controls, pruning of padded layers, and a whole row."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import SGD, Labelled
from jaxprune.simulate import sde
from jaxprune.simulate.compression import compressibility, layer_pruning
from jaxprune.simulate.networks import losses
from jaxprune.simulate.sgd import released_code, trained_layers, training
from jaxprune.simulate.sgd.training import ALL_STEPS, Stopping
from jaxprune.simulate.tails import controls, extreme
from tests import grades as judge

RNG = np.random.default_rng(3)
X = RNG.standard_normal((60, 5))
Y = np.eye(3)[np.argmax(X[:, :3], axis=1)]
DATA = Labelled(X, Y, n=40)
DESCENT = dict(data=DATA, step_size=0.5, n=16, depth=4, steps=20, batch=8, averaged=6, every=10)
LAYERS = [RNG.standard_normal((9, 5)), RNG.standard_normal((9, 9)) ** 3, RNG.standard_normal((3, 9))]
KEY = jax.random.key(11)


@pytest.mark.slow
def test_the_average_is_that_of_the_next_iterates(x64):
    """Training goes on where it stopped, with the mini-batches that it would have met."""
    model = released_code.network(5, 8, 3, 3)
    drift = released_code.Drift(jnp.asarray(X), jnp.asarray(Y), model, losses.CrossEntropy(), batch=7)
    start = released_code.initial(model, jax.random.key(1))
    run = training.train(
        drift,
        None,
        start,
        KEY,
        step_size=0.3,
        stopping=Stopping(10, 5, 1.0),
        score=lambda w: (jnp.asarray(1.0), jnp.asarray(0.5)),
    )
    mean, alive = trained_layers.averaged(drift, run, KEY, 0.3, 4)
    seen = sde.euler(drift, None, start, KEY, step_size=0.3, steps=14, watch=lambda w: w).watched
    assert bool(alive)
    for found, path in zip(mean, seen, strict=True):
        judge.exact(found, np.mean(path[11:], axis=0), 1e-12, spoil=1.0001)
        assert np.max(np.abs(found - path[-1])) > 1e-6


def test_controls_have_the_mean_squares_of_the_layer(x64):
    scales = np.exp(RNG.standard_normal((6, 1))) * np.exp(RNG.standard_normal((1, 4)))
    layer = jnp.asarray(scales * RNG.standard_normal((6, 4)))
    flat, shaped = jax.jit(jax.vmap(lambda key: controls.gaussian(layer, key)))(jax.random.split(KEY, 4000))
    square = np.asarray(layer) ** 2
    judge.statistical(np.mean(flat**2, axis=(1, 2)), np.mean(square))
    judge.statistical(np.mean(shaped**2, axis=2), np.mean(square, axis=1))
    judge.statistical(np.mean(shaped**2, axis=1), np.mean(square, axis=0))


padded = jax.jit(trained_layers.prunings)


@functools.partial(jax.jit, static_argnums=0)
def single(rule, layers, error):
    """Every layer pruned alone."""
    return [trained_layers.RULES[rule]([w], error, adaptive=True) for w in layers]


@pytest.mark.slow
@pytest.mark.parametrize("error", [0.1, 0.4])
def test_padded_layers_are_pruned_as_they_are(error, x64):
    layers = [jnp.asarray(w) for w in LAYERS]
    kept, pruned = padded(layers, jnp.array([error, 0.6]))
    turned = [*layers[:-1], layers[-1].T]
    for place, rule in enumerate(trained_layers.RULES):
        alone = single(rule, turned, error)
        judge.exact(kept[:, place, 0], [int(p.kept) for p in alone])
        for found, expected in zip(pruned, [*(p.value[0] for p in alone[:-1]), alone[-1].value[0].T], strict=True):
            judge.exact(found[place, 0], expected, 1e-12, spoil=1.0001)


@pytest.mark.slow
def test_a_row(x64):
    """Accuracies and ratios of a network that is trained again by hand, estimates of its layers; then one that diverges."""
    problem, errors = SGD(**DESCENT), jnp.array([0.1, 0.7])
    row = trained_layers.trial(problem, errors, KEY)
    assert int(row["steps"]) == 20 and int(row["stopped_because"]) == ALL_STEPS and int(row["diverged"]) == 0
    assert row["inverse"].shape == (4, 2, 3) and row["removed"].shape == (3, 2) and row["entries_removed"].shape == (4, 3)
    assert all(np.all(np.isfinite(value)) for value in row.values())
    assert np.all(row["removed"][:, 1] > row["removed"][:, 0]) and row["removed"][2, 0] < 0
    assert 0 < row["train_loss"] < np.log(3) < 20 * row["train_loss"]

    sample, first, path, _ = jax.random.split(KEY, 4)
    order = jax.random.permutation(jax.random.split(sample)[0], 60)
    train, test = order[:40], order[40:]
    model = released_code.network(5, 16, 3, 4)
    drift = released_code.Drift(jnp.asarray(X)[train], jnp.asarray(Y)[train], model, losses.CrossEntropy(), batch=8)
    start = released_code.initial(model, first)
    descent = jax.jit(lambda w: sde.euler(drift, None, w, path, step_size=0.5, steps=26, watch=lambda v: v).watched)
    seen = descent(start)
    layers = [np.mean(w[21:], axis=0) for w in seen]
    judge.exact(row["test_accuracy"], np.mean(_classes(layers, X[test]) == np.argmax(Y[test], axis=1)))
    pruned = jax.jit(lambda w: layer_pruning.entries(w, 0.7, adaptive=True))(layers)
    judge.exact(row["removed"][0, 1], layer_pruning.removed_ratio(pruned))
    judge.exact(row["pruned_test_accuracy"][0, 1], np.mean(_classes(pruned.value, X[test]) == np.argmax(Y[test], axis=1)))
    for weights, each in enumerate((layers, list(start))):
        shares, gamma = _measured(each)
        judge.exact(row["entries_removed"][weights], [shares[0], (shares[1] + shares[2]) / 2, shares[3]])
        judge.exact(row["inverse"][weights, 1], [gamma[0], (gamma[1] + gamma[2]) / 2, gamma[3]])

    wild = trained_layers.trial(SGD(**{**DESCENT, "step_size": 1e300}), errors, KEY)
    assert int(wild["diverged"]) == 1 and training.REASONS[int(wild["stopped_because"])] == "loss not finite"
    assert all(np.all(np.isnan(wild[n])) for n in set(wild) - {"steps", "stopped_because", "diverged"})


@jax.jit
def _measured(layers):
    """The ratio of entries that are removed, and an estimate of the tail, layer by layer."""
    flat = [jnp.ravel(w) for w in layers]
    shares = [compressibility.pruning_ratio(w, 0.1, squared=False) for w in flat]
    return shares, [extreme.moment(extreme.centred(w), 20).inverse for w in flat]


def _classes(layers, inputs):
    here = inputs.T
    for w in layers[:-1]:
        here = np.maximum(np.asarray(w) @ here, 0)
    return np.argmax(np.asarray(layers[-1]) @ here, axis=0)


@pytest.mark.slow
def test_scales_of_rows_read_as_a_tail_that_is_not_there(x64):
    """Gaussian rows of two sizes: block sums read an index below 2, the largest entries deny it, and so does the estimates'
    comparison; the control of equal variance reads 2."""

    def both(key):
        draw, sizes, shuffle = jax.random.split(key, 3)
        layer = jnp.where(jnp.arange(64) % 2, 1.0, 6.0)[:, None] * jax.random.normal(draw, (64, 64))
        flat, shaped = controls.gaussian(layer, sizes)
        samples = jnp.stack([each.ravel() for each in (layer, shaped, flat)])
        return trained_layers.estimates(samples, shuffle)

    found = jax.lax.map(both, jax.random.split(KEY, 40))
    block, moment = (np.asarray(found["inverse"][..., i]) for i in (0, 1))
    assert np.all(np.abs(np.mean(block[:, 2]) - 0.5) < 0.01) and np.all(np.mean(block[:, :2], axis=0) > 0.56)
    assert np.all(np.mean(moment, axis=0) < 0.1)
    disagree = np.mean(found["disagree"], axis=0)
    assert np.all(disagree[:2] > 0.9) and disagree[2] < 0.1


@pytest.mark.parametrize(
    "name, value",
    [
        ("step_size", 0.0), ("step_size", np.inf), ("n", 0), ("depth", 2), ("depth", 3.0), ("steps", 0), ("batch", 41),
        ("batch", 0), ("averaged", 0), ("every", 3), ("accuracy", 0.0), ("accuracy", 1.1),
    ],
)  # fmt: skip
def test_bad_descent_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        SGD(**{**DESCENT, name: value})


def test_the_step_size_is_a_leaf():
    stacked = jax.tree.map(lambda *x: np.stack(x), *(SGD(**{**DESCENT, "step_size": h}) for h in (0.1, 0.2)))
    assert stacked.step_size.tolist() == [0.1, 0.2] and stacked.batch == 8
