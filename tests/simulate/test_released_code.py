"""Each quirk of the released code, by its number in section 1.2 of our notes on Wan et al. 2023; and its network."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.problems import Labelled, NoisyDescent
from jaxprune.simulate import heavy_tailed_sgd, losses, networks, noisy_training, released_code, sde, stable
from jaxprune.simulate.architectures import MLP
from jaxprune.simulate.arguments import RELEASED
from jaxprune.simulate.heavy_tailed_sgd import NOT_FINITE, Stopping
from jaxprune.simulate.released_code import ReleasedNoise
from tests import judge

KEY = jax.random.key(2)
RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.standard_normal((40, 6)), jnp.float32)
Y = jnp.asarray(np.eye(3)[RNG.integers(0, 3, 40)], jnp.float32)
LOSS = losses.CrossEntropy()
START = released_code.initial(released_code.network(6, 8, 3), jax.random.key(0))


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


@functools.cache
def program(compat, every, steps=10):
    """The drift, the laws as a function of sigma and the other generator, and a compiled run of them and a goal."""
    model = released_code.network(6, 8, 3)
    drift = released_code.Drift(X, Y, model, LOSS, batch=10)

    def laws(sigma, other):
        return released_code.noise(model, ReleasedNoise(1.5, sigma, "I", scaled=True, other=other), compat)

    def run(sigma, other, goal):
        def score(weights):
            found = released_code.outputs(model, weights, X)
            return jnp.mean(LOSS(found, Y)), losses.accuracy(found, Y)

        stopping = Stopping(steps, every, goal)
        return heavy_tailed_sgd.train(
            drift, laws(sigma, other), START, KEY, step_size=0.1, stopping=stopping, score=score, compat=compat
        )

    return model, drift, laws, jax.jit(run)


def stepper(law):
    """One step of Euler's scheme with the drift of ``program``, and with this noise."""
    _, drift, _, _ = program(RELEASED, 5)
    return jax.jit(lambda state: sde.euler(drift, law, state, KEY, step_size=0.1, steps=1).state)


def descent(other=0, sigma=0.1, goal=1.0, compat=RELEASED, every=5):
    return program(compat, every)[3](sigma, other, goal)


def test_quirk_5_the_seed_does_not_fix_the_noise():
    one, same, two = (descent(other=i) for i in (3, 3, 4))
    np.testing.assert_array_equal(one.value[0], same.value[0])
    assert np.max(np.abs(one.value[0] - two.value[0])) > 1e-3
    np.testing.assert_array_equal(*(descent(other=i, sigma=0.0).value[0] for i in (3, 4)))


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
    assert np.all(START[-1] != descent().value[-1])  # the last layer is trained


def test_quirk_7_the_stopping_iteration_has_no_noise():
    noisy, quiet = stepper(program(RELEASED, 5)[2](0.1, 0)), stepper(None)
    state = sde.begin(START)
    for _ in range(9):
        state = noisy(state)
    expected, other = quiet(state).value, noisy(state).value
    run, plain = descent(), descent(compat=None)
    judge.exact(run.value[0], expected[0], 1e-6)
    assert np.max(np.abs(run.value[0] - other[0])) > 1e-4
    judge.exact(plain.value[0], other[0], 1e-6)
    assert int(run.steps) == int(plain.steps) == 10


def test_quirk_7_evaluation_sees_the_iterate_before_its_noise():
    """Accuracy of every step before noise, by hand; the run stops where that reaches the goal."""
    model, _, laws, _ = program(RELEASED, 5)
    noisy, quiet = stepper(laws(0.1, 0)), stepper(None)
    state, right = sde.begin(START), []
    for _ in range(10):
        right.append(float(losses.accuracy(released_code.outputs(model, quiet(state).value, X), Y)))
        state = noisy(state)
    assert int(descent(goal=right[4] - 1e-4).steps) == 5
    assert int(descent(goal=right[4] + 1e-4).steps) == 10


def test_quirk_8_a_hidden_width_equal_to_the_classes_is_skipped():
    law = ReleasedNoise(1.5)
    narrow = released_code.network(6, 3, 3)
    assert released_code.noise(narrow, law, RELEASED) == (None, None)
    assert released_code.noise(narrow, law) == (law, None)
    assert released_code.noise(released_code.network(6, 8, 3), law, RELEASED) == (law, None)
    assert released_code.noise(released_code.network(3, 8, 3, 3), law, RELEASED) == (None, law, None)
    with pytest.raises(ValueError, match="^compat: "):
        released_code.noise(narrow, law, "new")


def test_all_quirks_are_listed():
    assert len(released_code.QUIRKS) == 8


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


@pytest.mark.parametrize("compat", [RELEASED, None])
def test_rows(compat):
    data = Labelled(np.asarray(X), np.asarray(Y), n=30)
    common = dict(data=data, sigma=0.01, step_size=0.1, n=12, steps=20, batch=10, every=5, accuracy=0.99)
    row = noisy_training.released_row(NoisyDescent(alpha=1.8, noise="II", **common), KEY, compat=compat)
    assert all(np.all(np.isfinite(v)) for v in row.values()) and 5 <= int(row["steps"]) <= 20
    if compat:
        nan = noisy_training.released_row(NoisyDescent(alpha=2.0, noise="III", **common), KEY)
        assert int(nan["stopped_because"]) == NOT_FINITE and int(nan["diverged"]) == 1


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
