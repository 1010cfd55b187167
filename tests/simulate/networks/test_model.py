"""Networks of masked width against networks of that size, and pruning against counting and brute force."""

import functools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jaxprune.problems import Labelled, Training
from jaxprune.simulate.compression import rules
from jaxprune.simulate.networks import curvature, double_descent, labelled, parts, pruning
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks.architectures import MLP, ResNet
from jaxprune.simulate.networks.labelled import Batch
from jaxprune.simulate.networks.model import Parameters
from jaxprune.sweep import load_experiments
from tests import grades as judge
from tests.places import sim

ADAM = optax.adam(0.02)
GLOBAL, LAYERWISE = pruning.globally(pruning.magnitude), pruning.layerwise(pruning.magnitude)
HESSIAN, RANDOM = pruning.globally(pruning.hessian), pruning.globally(pruning.random)
RULES = [GLOBAL, LAYERWISE, HESSIAN, RANDOM]


def shallow(widest):
    return MLP(6, (widest,), 3)


def deep(widest):
    return MLP(6, (widest, widest), 3)


def residual(widest):
    return ResNet(widest, blocks=1, channels=2, classes=3)


def batch(model, n=9, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n, 8, 8, 2) if isinstance(model, ResNet) else (n, 6)
    return Batch(jnp.asarray(rng.normal(size=shape)), jnp.asarray(np.eye(3)[rng.integers(0, 3, n)].T))


whole_mask = jax.jit(networks.live, static_argnums=0)
numbers = jax.jit(networks.noise, static_argnums=0)
fit = jax.jit(networks.train, static_argnums=(0, 4, 5))
measure = jax.jit(networks.evaluate, static_argnums=0)
quotas = jax.jit(pruning.quotas)


@functools.partial(jax.jit, static_argnums=0)
def fresh(model, width):
    return networks.init(model, networks.noise(model, jax.random.key(0)), width)


@functools.partial(jax.jit, static_argnums=(0, 1))
def pruned(rule, model, params, width, budget):
    chance = networks.noise(model, jax.random.key(7))
    return rule(pruning.Trained(model, params, networks.live(model, width), batch(model).inputs, chance), budget)


def kept(mask):
    return sum(int(jnp.sum(m)) for m in mask.weights)


@pytest.mark.slow
@pytest.mark.parametrize("family", [shallow, deep, residual])
def test_padding_changes_nothing(x64, family):
    """The whole trajectory of width 3 inside width 8 is that of a network of width 3, and not that of width 4."""
    curves = {}
    for widest, width in ((3, 3), (8, 3), (8, 4)):
        model = family(widest)
        mask = whole_mask(model, width)
        trained = fit(model, fresh(model, width), mask, batch(model), ADAM, 12)
        curves[widest, width] = np.asarray(trained.curve)
        assert all(
            np.all(np.asarray(p)[~np.asarray(m)] == 0)
            for p, m in zip(jax.tree.leaves(trained.params), jax.tree.leaves(mask), strict=True)
        )
    judge.exact(curves[8, 3], curves[3, 3], 1e-12)
    assert np.max(np.abs(curves[8, 4] - curves[3, 3])) > 1e-3
    assert curves[3, 3][-1] < curves[3, 3][0]


def test_widths_may_differ_by_layer(x64):
    large, small = MLP(6, (8, 8), 3), MLP(6, (5, 2), 3)
    width = jnp.array([5, 2])
    found = jax.vmap(lambda w: large.apply(fresh(large, w), batch(large).inputs))(jnp.asarray([width]))[0]
    judge.exact(found, small.apply(fresh(small, width), batch(small).inputs), 1e-12)
    assert networks.weight_count(large, width) == networks.weight_count(small) == 6 * 5 + 5 * 2 + 2 * 3


@pytest.mark.slow
def test_a_larger_draw_begins_with_the_smaller():
    for family in (deep, residual):
        large, small = numbers(family(8), jax.random.key(1)), numbers(family(3), jax.random.key(1))
        for a, b in zip(networks.cropped(large, family(3)), small, strict=True):
            np.testing.assert_array_equal(a, b)
        assert not np.array_equal(numbers(family(3), jax.random.key(2))[0], small[0])


def test_weights_have_the_variance_of_he(x64):
    model = MLP(300, (400, 500), 200)
    for w, inner in zip(fresh(model, 250).weights, (300, 250, 250), strict=True):
        live = np.asarray(w)[np.asarray(w) != 0].reshape(-1, 50)
        judge.statistical(live**2, np.full(50, 2 / inner), spoil=1.3)


def test_logits_are_those_of_numpy(x64):
    model = deep(4)
    params, data = fresh(model, 4), batch(model)
    params = Parameters(params.weights, tuple(b + 0.1 for b in params.biases))
    here = np.asarray(data.inputs)
    for i, (w, b) in enumerate(zip(params.weights, params.biases, strict=True)):
        here = here @ np.asarray(w).T + np.asarray(b)
        here = here if i == 2 else np.maximum(here, 0)
    logits = model.apply(params, data.inputs)
    judge.exact(logits, here.T)
    chances = np.exp(here) / np.exp(here).sum(1, keepdims=True)
    error, loss = measure(model, params, data)
    truth = np.asarray(data.labels).argmax(0)
    judge.exact(loss, -np.mean(np.log(chances[np.arange(9), truth])))
    judge.exact(error, np.mean(here.argmax(1) != truth))


def test_residual_network_is_that_of_numpy(x64):
    model = ResNet(2, blocks=2, channels=2, classes=3)
    params = fresh(model, 2)
    params = Parameters(params.weights, tuple(b + 0.1 for b in params.biases))
    layers = [(np.asarray(w), np.asarray(b)) for w, b in zip(params.weights, params.biases, strict=True)]
    images = np.asarray(batch(model, 3).inputs)

    def convolve(x, layer, stride):
        w, b = layer
        x = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        rows = range(0, x.shape[1] - 2, stride)
        return np.array([[[np.einsum("hwc,ochw->o", s[i : i + 3, j : j + 3], w) + b for j in rows] for i in rows] for s in x])

    here = np.maximum(convolve(images, layers[0], 1), 0)
    for block in range(6):
        stride = 2 if block in (2, 4) else 1
        inside = np.maximum(convolve(here, layers[1 + 2 * block], stride), 0)
        branch = convolve(inside, layers[2 + 2 * block], 1)
        skipped = here[:, ::stride, ::stride]
        skipped = np.concatenate([skipped, np.zeros((*skipped.shape[:3], branch.shape[-1] - skipped.shape[-1]))], -1)
        here = np.maximum(skipped + branch / np.sqrt(6), 0)
    expected = here.mean((1, 2)) @ layers[-1][0].T + layers[-1][1]
    judge.exact(model.apply(params, jnp.asarray(images)), expected.T)
    assert networks.weight_count(model, 2) == sum(w.size for w, _ in layers)
    assert len(ResNet(16, blocks=3).layers()) == 20


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", [ADAM, optax.adamw(0.02), optax.sgd(0.1, momentum=0.9)], ids=["adam", "adamw", "sgd"])
def test_pruned_weights_stay_zero(x64, optimiser):
    model = deep(5)
    mask = pruned(RANDOM, model, fresh(model, 4), 4, 20)
    trained = fit(model, fresh(model, 4), mask, batch(model), optimiser, 15)
    for w, m in zip(trained.params.weights, mask.weights, strict=True):
        assert np.all(np.asarray(w)[~np.asarray(m)] == 0) and np.any(np.asarray(w) != 0)
    slope = jax.grad(lambda p: jnp.sum(model.apply(networks.masked(p, mask), batch(model).inputs) ** 2))(fresh(model, 4))
    assert all(
        np.all(np.asarray(g)[~np.asarray(m)] == 0) for g, m in zip(jax.tree.leaves(slope), jax.tree.leaves(mask), strict=True)
    )
    assert np.any(np.asarray(trained.params.biases[0])[:4] != 0), "biases are trained"


def test_training_goes_on_where_it_stopped(x64):
    model = shallow(4)
    mask, data = whole_mask(model, 4), batch(model)
    whole = fit(model, fresh(model, 4), mask, data, ADAM, 10)
    half = fit(model, fresh(model, 4), mask, data, ADAM, 5)
    rest = fit(model, half.params, mask, data, ADAM, 5, half.state)
    judge.exact(np.concatenate([half.curve, rest.curve]), whole.curve)
    anew = fit(model, half.params, mask, data, ADAM, 5)
    assert np.max(np.abs(anew.curve - rest.curve)) > 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("rule, family", [*((rule, deep) for rule in RULES), (HESSIAN, residual)])
def test_the_budget_is_exact(x64, rule, family):
    """At any budget, within the live weights, and the same weights whatever the padding."""
    large, small = family(3), family(2)
    whole = whole_mask(large, 2)
    for budget in (0, 1, 17, 40, 10**6):
        mask = pruned(rule, large, fresh(large, 2), 2, budget)
        assert kept(mask) == min(budget, networks.weight_count(large, 2))
        for m, a in zip(mask.weights, whole.weights, strict=True):
            assert not np.any(np.asarray(m) & ~np.asarray(a))
        for m, a in zip(mask.biases, whole.biases, strict=True):
            np.testing.assert_array_equal(m, a)
        alone = pruned(rule, small, fresh(small, 2), 2, budget)
        for m, a in zip(networks.cropped(mask.weights, small), alone.weights, strict=True):
            np.testing.assert_array_equal(m, a)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_ties_go_to_the_lower_index(precision):
    with jax.enable_x64(precision == "float64"):
        model = shallow(4)
        live = whole_mask(model, 3)
        ones = [jnp.ones(m.shape) for m in live.weights]
        mask = Parameters(tuple(rules.keep_largest(ones, 8, [*live.weights])), live.biases)
        flat = np.concatenate([np.asarray(m)[np.asarray(a)] for m, a in zip(mask.weights, live.weights, strict=True)])
        assert flat.tolist() == [True] * 8 + [False] * (len(flat) - 8)
        ones[1] = ones[1].at[2, 1].set(2.0)
        mask = Parameters(tuple(rules.keep_largest(ones, 1, [*live.weights])), live.biases)
        assert kept(mask) == 1 and bool(mask.weights[1][2, 1])


def test_magnitude_is_sorting():
    model = deep(5)
    params = fresh(model, 5)
    mask = pruned(GLOBAL, model, params, 5, 30)
    sizes = np.concatenate([np.abs(w).ravel() for w in params.weights])
    chosen = np.concatenate([np.asarray(m).ravel() for m in mask.weights])
    assert sizes[chosen].min() >= sizes[~chosen].max() and chosen.sum() == 30


def test_scores_that_are_not_finite_keep_nothing():
    model = shallow(4)
    live = whole_mask(model, 3)
    scores = [jnp.ones(m.shape) for m in live.weights]
    scores[0] = scores[0].at[0, 0].set(jnp.nan)
    mask = Parameters(tuple(rules.keep_largest(scores, 5, [*live.weights])), live.biases)
    assert kept(mask) == 0 and bool(pruning.collapsed(pruning.layer_density(mask, live)))


def test_quotas_are_largest_remainders():
    rng = np.random.default_rng(0)
    for sizes in ([3, 3, 3], [1, 1, 1], [432, 20480, 300_000_000, 17], *rng.integers(1, 5000, (20, 4)).tolist()):
        total = sum(sizes)
        for budget in {0, 1, 2, total // 7, total // 2, total - 1, total, total + 5}:
            found = np.asarray(quotas(jnp.asarray(sizes, jnp.int32), budget))
            exact = [Fraction(s * min(budget, total), total) for s in sizes]
            expected = [int(e) for e in exact]
            order = sorted(range(len(sizes)), key=lambda i: (-(exact[i] - int(exact[i])), i))
            for i in order[: min(budget, total) - sum(expected)]:
                expected[i] += 1
            assert found.tolist() == expected


def test_collapse_is_seen():
    model = deep(4)
    params, live = fresh(model, 4), whole_mask(model, 4)
    shrunk = Parameters((params.weights[0], 1e-6 * params.weights[1], params.weights[2]), params.biases)
    for rule, gone in ((RULES[0], True), (RULES[1], False)):
        density = pruning.layer_density(pruned(rule, model, shrunk, 4, 20), live)
        assert bool(pruning.collapsed(density)) is gone
        assert (float(density[1]) == 0) is gone


@pytest.mark.slow
@pytest.mark.parametrize("family", [shallow, deep, residual])
def test_curvature_is_that_of_the_full_jacobian(x64, family):
    """J^T S J of all weights at once, by forward differentiation of the flattened network."""
    model = family(2)
    params, data = fresh(model, 2), batch(model, 5)
    flat, unravel = jax.flatten_util.ravel_pytree(params.weights)
    logits = jax.jit(lambda v: model.apply(Parameters(unravel(v), params.biases), data.inputs))
    jacobian = np.asarray(jax.jit(jax.jacfwd(logits))(flat))
    chances = np.asarray(jax.nn.softmax(logits(flat), axis=0))
    expected = np.zeros(len(flat))
    for n in range(5):
        spread = np.diag(chances[:, n]) - np.outer(chances[:, n], chances[:, n])
        expected += np.diag(jacobian[:, n].T @ spread @ jacobian[:, n]) / 5
    judge.exact(jax.flatten_util.ravel_pytree(jax.jit(model.curvature)(params, data.inputs))[0], expected, 1e-10)
    general = jax.jit(functools.partial(curvature.gauss_newton, model.apply, together=2))(params, data.inputs)
    judge.exact(jax.flatten_util.ravel_pytree(general)[0], expected, 1e-10)


def test_hessian_scores_are_the_rise_of_the_loss(x64):
    """At labels drawn from the network's own probabilities, half the score is the second-order rise when one goes."""
    model = shallow(3)
    params, data = fresh(model, 3), batch(model, 40)
    soft = jax.nn.softmax(model.apply(params, data.inputs), axis=0)
    curved = jax.jit(model.curvature)(params, data.inputs)

    def loss(scale):
        weights = (params.weights[0].at[1, 2].multiply(1 - scale), params.weights[1])
        return networks.cross_entropy(model.apply(Parameters(weights, params.biases), data.inputs), soft)

    judge.exact(jax.jit(jax.grad(jax.grad(loss)))(0.0), params.weights[0][1, 2] ** 2 * curved[0][1, 2], 1e-9)


TREATMENTS = {
    "magnitude": (GLOBAL, "trained"),
    "original": (GLOBAL, "original"),
    "fresh": (LAYERWISE, "fresh"),
    "hessian": (HESSIAN, "trained"),
    "random": (RANDOM, "trained"),
}


@pytest.mark.slow
def test_surfaces_are_network_by_network(x64):
    """Every cell of the batched program is a plain run of networks of exactly that size."""
    widths, bases, steps, key = [2, 3, 4], [2, 3], 8, jax.random.key(4)
    train, test = batch(shallow(1), 20), batch(shallow(1), 30, seed=1)
    surfaces = functools.partial(double_descent.surfaces, shallow, widths, bases, TREATMENTS)
    found = jax.jit(lambda train, test, key: surfaces(train, test, ADAM, steps, key))(train, test, key)
    keys = jax.random.split(key, 3)
    for i, width in enumerate(widths):
        model = shallow(width)
        whole = whole_mask(model, width)
        original, other = (networks.init(model, numbers(model, k), width) for k in keys[:2])
        dense = fit(model, original, whole, train, ADAM, steps)
        starts = dict(trained=dense.params, original=original, fresh=other)
        longer = fit(model, original, whole, train, ADAM, 2 * steps)
        for name, params in (("dense", dense.params), ("longer", longer.params)):
            for prefix, data in (("", test), ("train_", train)):
                error, loss = measure(model, params, data)
                judge.exact(found[f"{name}_{prefix}error"][i], error, 1e-12)
                judge.exact(found[f"{name}_{prefix}loss"][i], loss, 1e-9)
        for j, base in enumerate(bases):
            budget = networks.weight_count(shallow(base), base)
            for k, (rule, start) in enumerate(TREATMENTS.values()):
                network = pruning.Trained(model, dense.params, whole, train.inputs, numbers(model, keys[2]))
                mask = rule(network, budget)
                again = fit(model, starts[start], mask, train, ADAM, steps)
                _, loss = measure(model, again.params, test)
                judge.exact(found["retrained_loss"][i, j, k], loss, 1e-9)
                _, loss = measure(model, networks.masked(dense.params, mask), test)
                judge.exact(found["pruned_loss"][i, j, k], loss, 1e-9)
                density = pruning.layer_density(mask, whole)
                judge.exact(found["density"][i, j, k], jnp.min(density))
                assert found["collapsed"][i, j, k] == pruning.collapsed(density)


def test_buckets():
    assert double_descent.buckets([1, 2, 3, 8, 12, 16, 128]) == [
        (1, [1]),
        (2, [2]),
        (4, [3]),
        (8, [8]),
        (16, [12, 16]),
        (128, [128]),
    ]


def test_large_sets_are_evaluated_in_parts(x64, monkeypatch):
    model = shallow(3)
    params, data = fresh(model, 3), batch(model, 25)
    whole = measure(model, params, data)
    for place, name, value in ((networks, "EVALUATED_TOGETHER", 7), (parts, "HELD", 3 * 4)):  # parts of 7, then of 4
        monkeypatch.setattr(place, name, value)
        measure.clear_cache()
        judge.exact(np.stack(measure(model, params, data)), np.stack(whole), 1e-12)


@pytest.mark.parametrize("samples", [1, 8, 11, 13])
def test_parts_are_the_whole_set(monkeypatch, samples):
    """Small sets are not touched, so that their programs stay what they are; derivatives pass."""
    inputs = jnp.arange(samples * 2.0).reshape(samples, 2)
    monkeypatch.setattr(parts, "HELD", 4 * 3)
    cut = lambda x: parts.in_parts(lambda part: part[:, :1] ** 2, x, 3)  # noqa: E731
    np.testing.assert_array_equal(cut(inputs), inputs[:, :1] ** 2)
    np.testing.assert_array_equal(jax.grad(lambda x: jnp.sum(cut(x)))(inputs)[:, 0], 2 * inputs[:, 0])
    assert ("scan" in str(jax.make_jaxpr(cut)(inputs))) == (samples > 4)


def test_pictures_count_their_pixels():
    """The first layer of three channels makes 3 x 64 numbers of a picture, the widest of vectors 5."""
    assert networks._widest(residual(3), jnp.zeros((2, 8, 8, 2))) == 3 * 64
    assert networks._widest(MLP(6, (3, 5), 2), jnp.zeros((2, 6))) == 5


def test_label_noise_is_a_count(x64):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 10, 400)
    inputs = np.arange(400.0)[:, None] * np.ones(3)
    for noise in (0.0, 0.25, 1.0):
        train, test = labelled.split(Labelled(inputs, np.eye(10)[truth], n=200, label_noise=noise), jax.random.key(0))
        place = np.asarray(train.inputs[:, 0]).astype(int)
        wrong = np.asarray(train.labels).argmax(0) != truth[place]
        assert np.all(~wrong[round(noise * 200) :]), "the others keep their labels"
        assert abs(wrong.sum() - 0.9 * noise * 200) <= 5 * np.sqrt(0.09 * noise * 200)
        there = np.asarray(test.inputs[:, 0]).astype(int)
        assert set(place) | set(there) == set(range(400)) and len(there) == 200
        np.testing.assert_array_equal(np.asarray(test.labels).argmax(0), truth[there])


def small_surfaces(widths, bases, start):
    data = batch(shallow(1))
    return double_descent.surfaces(shallow, widths, bases, {"a": (RULES[0], start)}, data, data, ADAM, 1, jax.random.key(0))


@pytest.mark.parametrize(
    "bad, words",
    [
        (lambda: MLP(3, (), 2), "hidden layer"),
        (lambda: MLP(3, (0,), 2), "integers >= 1"),
        (lambda: ResNet(0), "widest: 0"),
        (lambda: ResNet(4, blocks=0), "blocks: 0"),
        (lambda: small_surfaces([3, 2], [2], "trained"), "widths: "),
        (lambda: small_surfaces([3], [0], "trained"), "bases: "),
        (lambda: small_surfaces([3], [2], "there"), "starts from 'there'"),
    ],
)
def test_bad_input_is_named(bad, words):
    with pytest.raises(ValueError, match=words):
        bad()


def test_bad_problem_is_named():
    x, y = np.zeros((10, 3)), np.eye(10)[:, :2]
    good = Labelled(x, y, 5, label_noise=0.3)
    assert len(jax.tree.leaves(Training(good, rate=0.1, steps=3))) == 4
    for name, wrong in (("label_noise", -0.1), ("label_noise", 1.1), ("label_noise", np.nan), ("label_noise", np.ones(2))):
        with pytest.raises(ValueError, match=f"^{name}: "):
            Labelled(x, y, 5, **{name: wrong})
    for name, wrong in (("rate", 0.0), ("rate", -1.0), ("rate", np.inf), ("steps", 0), ("steps", 1.5), ("steps", True)):
        with pytest.raises(ValueError, match=f"^{name}: "):
            Training(good, **{**dict(rate=0.1, steps=3), name: wrong})


def test_swept_numbers_are_leaves():
    """Other noise and another rate are the same program; other steps are another."""
    experiment = load_experiments(sim("network_double_descent"))[0]
    point = dict(data="digits", n=500, label_noise=0.2, rate=0.01, steps=10)
    seen = [experiment.make(**{**point, **change}) for change in ({}, dict(label_noise=0.0), dict(rate=0.1), dict(steps=11))]
    kinds = [(jax.tree.structure(p), [(np.shape(x), np.asarray(x).dtype) for x in jax.tree.leaves(p)]) for p in seen]
    assert kinds[0] == kinds[1] == kinds[2] != kinds[3]
