"""Stability to noise: by its definitions, written out in NumPy; dense and convolutional layers; what is not defined."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.problems import Cushions, PlantedNetwork
from jaxprune.simulate.bounds import cushions, entries, planted
from jaxprune.theory.bounds import noise_stability
from tests import grades as judge

pytestmark = pytest.mark.usefixtures("x64")
RNG = np.random.default_rng(0)
NET = [RNG.normal(size=s) for s in ((6, 5), (7, 6), (3, 7))]
INPUTS = RNG.normal(size=(12, 5))


def relu(x):
    return np.maximum(x, 0)


def by_hand(net, x):
    """Cushions, contractions and output of one input, with Jacobians as products of matrices."""
    signals = [net[0] @ x]
    for w in net[1:]:
        signals.append(w @ relu(signals[-1]))
    taken = [x, *map(relu, signals[:-1])]
    norm = np.linalg.norm
    layer = [norm(s) / norm(w) / norm(t) for s, w, t in zip(signals, net, taken, strict=True)]
    between = np.full((len(net), len(net)), np.nan)
    for i in range(len(net)):
        jacobian = np.eye(len(signals[i]))
        for j in range(i + 1, len(net)):
            jacobian = net[j] @ ((signals[j - 1] > 0)[:, None] * jacobian)
            between[i, j] = norm(signals[j]) / norm(jacobian) / norm(signals[i])
    return layer, between, [norm(s) / norm(relu(s)) for s in signals[:-1]], norm(signals[-1])


def layers(net=NET):
    return [cushions.dense(jnp.asarray(w)) for w in net]


@jax.jit
def measured(net, inputs):
    """Of dense layers; compiled once for all tests."""
    return cushions.measure(layers(net), inputs, jax.random.key(0))


@jax.jit
def rough(net, inputs, level):
    return cushions.roughness(layers(net), inputs, jax.random.key(1), level)


def test_every_quantity_is_as_defined():
    found = measured(NET, INPUTS)
    expected = [by_hand(NET, x) for x in INPUTS]
    for place, name in enumerate(("layer", "interlayer", "contraction", "output")):
        values, wanted = np.asarray(getattr(found, name)), np.array([e[place] for e in expected])
        np.testing.assert_allclose(values, wanted, rtol=1e-10)
        assert not np.allclose(values, 1.01 * wanted, equal_nan=True)
    assert not np.any(found.dead) and np.nanmax(found.interlayer_error) == 0
    np.testing.assert_allclose(found.roots, [6**-0.5, 7**-0.5, 3**-0.5])


@pytest.mark.slow
def test_minima_make_the_count_of_theory():
    found = cushions.summary(measured(NET, INPUTS))
    expected = [by_hand(NET, x) for x in INPUTS]
    least = np.min([e[0] for e in expected], axis=0)
    between = np.fmin(np.fmin.reduce([np.fmin.reduce(e[1], axis=1) for e in expected]), [6**-0.5, 7**-0.5, 3**-0.5])
    np.testing.assert_allclose(found.layer, least)
    np.testing.assert_allclose(found.interlayer, between)
    assert found.outliers == 0 and found.dead == 0
    stability = noise_stability.Stability(*map(np.asarray, found[:4]), 7)
    assert noise_stability.effective_parameters(stability, 1.0, 12, 0.05).total > 1e6
    wider = cushions.summary(measured(NET, INPUTS), 0.25)
    assert np.all(wider.layer >= found.layer) and 0.25 < wider.outliers < 1


def test_a_cushion_is_the_inverse_of_noise_sensitivity():
    """E |A e|^2 |x|^2 / |A x|^2 over Gaussian noise e is 1/mu^2."""
    x, w = INPUTS[0], NET[0]
    mu = float(measured([w], INPUTS[:1]).layer[0, 0])
    noise = np.random.default_rng(2).normal(size=(20_000, 5))
    sensitivity = np.sum((noise @ w.T) ** 2, 1) * np.sum(x**2) / np.sum((w @ x) ** 2)
    judge.statistical(sensitivity, mu**-2, spoil=1.1)


@pytest.mark.slow
def test_probes_estimate_what_is_exact():
    keys, inputs = jax.random.split(jax.random.key(0), 200), jnp.asarray(INPUTS[:2])
    many = jax.jit(jax.vmap(lambda key: cushions.measure(layers(), inputs, key, probes=16, exact=1)))(keys)
    exact = measured(NET, inputs)
    judge.statistical(np.asarray(many.interlayer)[:, :, 0, 2] ** -2, np.asarray(exact.interlayer)[:, 0, 2] ** -2, spoil=1.2)
    claimed, spread = np.mean(many.interlayer_error[:, 0, 0, 2]), np.std(many.interlayer[:, 0, 0, 2])
    assert 0.7 < claimed / spread < 1.5


def test_a_convolution_is_the_matrix_that_it_is():
    filters = RNG.normal(size=(4, 2, 3, 3))
    image = RNG.normal(size=(5, 2, 6, 6))
    first = cushions.convolution(jnp.asarray(filters), (2, 6, 6), 2)
    net = [first, cushions.dense(jnp.asarray(RNG.normal(size=(3, 36))))]
    found = cushions.measure(net, jnp.asarray(image), jax.random.key(1))
    matrix = np.asarray(jax.jacobian(first.apply)(jnp.zeros((2, 6, 6)))).reshape(36, 72)
    assert first.positions == 9
    for x, layer, between in zip(image, found.layer, found.interlayer, strict=True):
        signal = matrix @ x.ravel()
        assert layer[0] == pytest.approx(np.linalg.norm(signal) / np.linalg.norm(filters) / np.linalg.norm(x))
        jacobian = np.asarray(net[1].weights) * (signal > 0)
        expected = np.linalg.norm(jacobian @ signal) * 3 / np.linalg.norm(jacobian) / np.linalg.norm(signal)
        assert between[0, 1] == pytest.approx(expected)
    np.testing.assert_allclose(found.roots, [0.5, 3**-0.5])


def test_a_dead_layer_is_counted():
    net = layers([-np.ones((4, 5)), NET[2][:, :4]])
    inputs = jnp.concatenate([jnp.ones((3, 5)), -jnp.ones((2, 5))])
    found = cushions.measure(net, inputs, jax.random.key(0))
    assert np.asarray(found.dead[:, 0]).tolist() == [True] * 3 + [False] * 2
    assert np.all(np.isnan(found.contraction[:3])) and np.all(np.isfinite(found.contraction[3:]))
    short = cushions.summary(found)
    assert short.dead == 3 and np.all(np.isfinite(short.layer))
    with pytest.raises(ValueError, match="^measured: a layer is dead on all"):
        cushions.summary(cushions.measure(net, inputs[:3], jax.random.key(0)))


@pytest.mark.parametrize("scale", [1e-15, 1e-30, 1e15])
def test_scales_do_not_kill(scale):
    """In single precision: squares of 1e-30 are zero, and so are products of three layers of 1e-15."""
    net = [np.float32(scale * w) for w in NET]
    found, expected = (
        measured([np.float32(w) for w in weights], np.float32(size * INPUTS)) for weights, size in ((net, scale), (NET, 1.0))
    )
    assert not np.any(found.dead)
    for name in ("layer", "interlayer", "contraction"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=2e-5)
    here, known = (rough([np.float32(w) for w in weights], np.float32(INPUTS), 1.0) for weights in (net, NET))
    assert np.nanmax(known) > 0.1
    np.testing.assert_allclose(here, known, rtol=1e-3, atol=1e-5)


def test_smoothness():
    """Without a ReLU on the way nothing is rough; where one turns on, the part that it adds is."""
    here = np.asarray(rough(NET, INPUTS, 0.3))
    assert np.all(np.isnan(here[:, 1, 1])) and np.max(here[:, 0, 2]) > 0
    tiny = np.asarray(rough(NET, INPUTS, 1e-9))
    assert np.nanmax(tiny) < 1e-5
    positive = [np.abs(w) for w in NET]
    assert np.nanmax(np.asarray(rough(positive, np.abs(INPUTS), 0.01))) < 1e-12


def test_the_first_cushion_of_gaussian_inputs():
    """n mu^2 has mean 1 and variance (2 n tr M^2 - 2)/(n + 2), M = A'A/|A|^2, exactly."""
    problem = Cushions(1.2, 20, 20, 20_000, 1, 30)
    weights = planted.draw(problem, jax.random.key(3))
    inputs = jax.random.normal(jax.random.key(4), (20_000, 20))
    square = 20 * np.asarray(measured(weights, inputs).layer[:, 0]) ** 2
    gram = np.array(weights[0].T @ weights[0])
    gram /= np.trace(gram)
    judge.statistical(square, 1.0, spoil=1.05)
    judge.statistical((square - 1) ** 2, (2 * 20 * np.sum(gram**2) - 2) / 22, spoil=1.2)


@pytest.mark.parametrize("family, index", [("Pareto", 0.7), ("stable", 1.5), ("Student", 3.0)])
def test_entries_have_their_tails(family, index):
    """In units of the largest: the ratio of the second to the largest, to the power of the index, is uniform in the limit."""
    problem = Cushions(index, 4, 4, 4, family=family)
    largest = jax.jit(jax.vmap(lambda key: jnp.sort(jnp.abs(entries.draw(problem, key, (400,))))[-2:]))
    drawn = largest(jax.random.split(jax.random.key(1), 1000))
    np.testing.assert_allclose(drawn[:, 1], 1)
    share = np.asarray(drawn[:, 0]) ** index
    if family == "Pareto":
        judge.statistical(share, 0.5, spoil=1.15)
    assert abs(share.mean() - 0.5) < 0.03 and abs((np.asarray(drawn[:, 0]) ** (1.3 * index)).mean() - 0.5) > 0.03


@pytest.mark.slow
def test_few_entries_of_a_planted_network():
    problem = PlantedNetwork(0.8, 20, 20, 500, depth=2, classes=4, tests=500)
    found = jax.jit(lambda key: planted.trial(key, problem, [1, 20, 10_000]))(jax.random.key(0))
    assert float(found["train_error"][2]) < 0.15 and float(found["bound"][2]) > float(found["train_error"][2])
    assert np.all(np.asarray(found["bound"]) <= np.asarray(found["gap_bound"]))
    assert 0.25 <= float(found["majority"]) <= 1
    exact = PlantedNetwork(0.8, 20, 20, 500, 2, 4, 500, value_bits=24)
    fine = jax.jit(lambda key: planted.trial(key, exact, [10_000]))(jax.random.key(0))
    assert float(fine["train_error"][0]) < 0.01


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: cushions.dense(np.ones((2, 2), int)), "weights"), (lambda: cushions.dense(np.ones(2)), "weights"),
        (lambda: cushions.dense(np.full((2, 2), np.nan)), "weights"), (lambda: cushions.convolution(np.ones((2, 2, 3, 3)), (3, 6, 6)), "shape"),
        (lambda: cushions.convolution(np.ones((2, 2, 3, 3)), (2, 6, 6), 0), "stride"), (lambda: cushions.measure([], jnp.ones((1, 5)), jax.random.key(0)), "layers"),
        (lambda: cushions.measure(layers(), jnp.zeros((1, 5)), jax.random.key(0)), "inputs"),
        (lambda: cushions.measure(layers(), jnp.ones(5), jax.random.key(0)), "inputs"),
        (lambda: cushions.measure(layers(), jnp.ones((1, 4)), jax.random.key(0)), "inputs, layers"),
        (lambda: cushions.measure(layers([0 * NET[0]]), jnp.ones((1, 5)), jax.random.key(0)), "layers"),
        (lambda: cushions.measure(layers(), jnp.ones((1, 5)), jax.random.key(0), probes=1), "probes"),
        (lambda: cushions.measure(layers(), jnp.ones((1, 5)), 3), "key"),
        (lambda: cushions.roughness(layers(), jnp.ones((1, 5)), jax.random.key(0), 0.0), "level"),
        (lambda: Cushions(2.5, 3, 3, 3, family="stable"), "tail_index"), (lambda: Cushions(0.0, 3, 3, 3), "tail_index"),
        (lambda: PlantedNetwork(1.0, 3, 3, 3, value_bits=2.5), "value_bits"), (lambda: PlantedNetwork(1.0, 3, 3, 3, value_bits=25), "value_bits"),
        (lambda: PlantedNetwork(1.0, 3, 3, 3, score="size"), "score"), (lambda: PlantedNetwork(1.0, 3, 3, 3, delta=1.0), "delta"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
