"""Exact losses against reference numbers, Monte Carlo and each other; derivatives that stay finite."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate import arc_cosine, kernels, lengths
from jaxprune.simulate.two_layer import curvature, losses, objectives
from jaxprune.simulate.two_layer.activations import FUNCTIONS, kernel_of
from tests import grades as judge

compiled = jax.jit(losses.loss, static_argnums=(4, 5))
split_loss = jax.jit(losses.split_loss)
slopes = jax.jit(jax.value_and_grad(losses.loss, argnums=(0, 1, 2)), static_argnums=(4,))
monte_carlo = jax.jit(losses.monte_carlo_loss, static_argnames=("activation", "slope", "pairs", "inputs"))

# A network of three neurons against one of five.
ROWS = np.array([[0.034, 1.36, 1.225, -0.51], [-0.298, -0.527, 0.57, -0.056], [0.747, -1.847, 1.567, -0.096]])
WEIGHTS = np.array([0.68, -0.137, -0.379])
TARGET_ROWS = np.array(
    [
        [0.463, 0.825, -0.203, -0.153],
        [0.686, -0.87, -1.514, 0.395],
        [-0.671, -1.92, -0.814, -0.468],
        [-1.193, -1.492, 0.037, 0.897],
        [-0.233, -0.744, 0.385, 0.717],
    ]
)
TARGET_WEIGHTS = np.array([-0.3, 0.545, 1.043, -0.207, -0.814])
NETWORKS = ROWS, WEIGHTS, TARGET_ROWS, TARGET_WEIGHTS


def loss(rows, weights, target, outer, activation="relu", slope=None):
    """Compiled once for a size, whichever way it is called."""
    return compiled(rows, weights, target, outer, activation, slope)


def padded(rows, weights, target, outer):
    """The same networks with neurons and inputs that are zero, so that all are of the size of four neurons against five."""
    sizes = (4, 4), 4, (5, 4), 5
    given = [np.asarray(part) for part in (rows, weights, target, outer)]
    return [
        np.pad(part, [(0, most - size) for most, size in zip(np.atleast_1d(shape), part.shape, strict=True)])
        for part, shape in zip(given, sizes, strict=True)
    ]


KNOWN = {
    ("relu", None): 5.1592346,
    ("leaky", 0.1): 5.899486812,
    ("sign", None): 3.754702859,
    ("quadratic", None): 74.91241698,
    ("erf", None): 2.700076696,
    ("tanh", None): 2.476649701,
}


@pytest.mark.slow
@pytest.mark.parametrize("case", KNOWN)
def test_losses_are_the_reference_numbers(x64, case):
    judge.exact(loss(*NETWORKS, *case), KNOWN[case], 1e-9)


def test_kernel_of_unit_rows_and_its_derivative(x64):
    cosine = jnp.array([-0.5, 0.0, 0.3, 0.9, 1.0])
    judge.exact(arc_cosine.kappa(cosine), [0.05449889052, 0.1591549431, 0.2413721419, 0.4547691994, 0.5], 1e-9)
    slope = jax.jit(jax.vmap(jax.grad(arc_cosine.kappa)))(cosine)
    judge.exact(slope, [0.1666666667, 0.25, 0.298493342, 0.4282168534, 0.5], 1e-9)


@pytest.mark.parametrize("double, tolerance", [(True, 1e-15), (False, 3e-7)])
def test_the_angle_is_that_of_the_library(double, tolerance):
    with jax.enable_x64(double):
        cosine = np.concatenate([np.linspace(-1, 1, 4001), np.logspace(-12, -1, 200) - 1]).astype(
            float if double else np.float32
        )
        angle = np.pi - np.arccos(cosine.astype(float))
        np.testing.assert_allclose(arc_cosine.turn(jnp.asarray(cosine)), angle, rtol=10 * tolerance, atol=tolerance)
        near = cosine[(cosine > -1) & (cosine < -0.9)]
        left = 2 * np.arcsin(np.sqrt((1 + near.astype(np.longdouble)) / 2))
        series = left**3 / 3 - left**5 / 30 + left**7 / 840
        kappa = np.where(left < 0.05, series, np.sin(left) - left * np.cos(left)) / (2 * np.pi)
        judge.exact(np.asarray(arc_cosine.kappa(jnp.asarray(near))) / kappa, np.ones(len(near)), 3e4 * tolerance)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("tanh", "sigmoid", "softplus", "silu")])
def test_closed_kernels_are_expectations(x64, name):
    """Of 50 groups of 2,000 inputs, every pair of rows; for smooth ones see the quadrature."""
    slope = -0.3 if name == "leaky" else None
    size, unit = lengths.polar(jnp.asarray(TARGET_ROWS))
    expected = np.asarray(kernel_of(name, slope)(size, size, jnp.clip(unit @ unit.T, -1, 1)))
    pairs = np.triu_indices(5, 1)
    x = np.random.default_rng(0).normal(size=(50, 2000, 4)) @ TARGET_ROWS.T
    values = np.asarray(jnp.maximum(x, slope * x) if slope else FUNCTIONS[name](jnp.asarray(x)))
    judge.statistical(np.einsum("gsi,gsj->gij", values, values)[:, *pairs] / 2000, expected[pairs], spoil=1.2)


@pytest.mark.parametrize("name", ["tanh", "gelu"])
def test_smooth_kernels_are_their_hermite_series(x64, name):
    rows = jnp.asarray(TARGET_ROWS[:3] / 3)
    size, unit = lengths.polar(rows)
    found = kernel_of(name)(size, size, unit @ unit.T)
    series = kernels.cross_moments(FUNCTIONS[name], rows, rows)
    known = np.isfinite(series)
    judge.exact(np.asarray(found)[known], np.asarray(series)[known], 1e-8)
    assert known.sum() >= 4 and (name == "gelu" or np.all(np.isnan(kernel_of(name)(20 * size, size, unit @ unit.T))))


def test_long_rows_of_gelu_are_those_of_relu(x64):
    size, unit = lengths.polar(jnp.asarray(TARGET_ROWS))
    cosine = jnp.clip(unit @ unit.T, -1, 1)
    ratio = kernel_of("gelu")(1e6 * size, 1e6 * size, cosine) / kernel_of("relu")(1e6 * size, 1e6 * size, cosine)
    judge.exact(np.asarray(ratio), np.ones((5, 5)), 1e-9)
    short = kernel_of("gelu")(1e-9 * size, size, cosine)  # z/2 of the short one
    judge.exact(np.asarray(short / (1e-9 * size[:, None] * size * cosine / 4)), np.ones((5, 5)), 1e-6)


@pytest.mark.parametrize("name", ["relu", "step"])
def test_monte_carlo_is_the_loss(x64, name):
    expected = float(loss(*NETWORKS, name))
    found, error = (float(v) for v in monte_carlo(jax.random.key(0), *NETWORKS, name, pairs=200_000))
    assert abs(found - expected) < 4 * error < abs(found - 1.1 * expected)


def test_anisotropic_inputs_are_other_rows(x64):
    """Against Monte Carlo with inputs that have the covariance."""
    root = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0] * [2.0, 1.0, 0.5, 0.1]
    covariance = root @ root.T
    white = [losses.in_white_inputs(rows, covariance) for rows in (ROWS, TARGET_ROWS)]
    expected = float(loss(white[0], WEIGHTS, white[1], TARGET_WEIGHTS))

    def inputs(key, shape, dtype):
        return jax.random.normal(key, shape, dtype) @ root.T

    found, error = (float(v) for v in monte_carlo(jax.random.key(2), *NETWORKS, pairs=200_000, inputs=inputs))
    assert abs(found - expected) < 4 * error < abs(found - float(loss(*NETWORKS)))


@pytest.mark.slow
def test_blocks_change_nothing(x64, monkeypatch):
    def every():
        found = jax.jit(
            lambda *networks: (
                losses.loss(*networks),
                losses.loss(*networks, "step"),
                losses.split_loss(*networks),
                losses.factors(*networks[2:]).rest,
            )
        )
        return np.array(found(*NETWORKS))

    whole = every()
    monkeypatch.setattr(losses, "BLOCK", 2)
    blocks = every()
    judge.exact(blocks[:3], whole[:3], 1e-14)
    judge.exact(blocks[3], whole[3], 1e-14)


def test_gradients_are_the_reference_numbers(x64):
    rows = np.array([[1.827, -3.078, 0.958], [0.07, 1.318, 0.386]])
    target = np.array([[-0.516, 0.58, 0.432], [-0.357, -0.247, 0.719], [0.704, -0.494, -0.368], [-1.807, 1.679, -0.224]])
    networks = rows, np.array([1.827, 0.032]), target, np.array([1.337, 0.417, 1.944, 1.537])
    value, (by_rows, by_weights, _) = slopes(*padded(*networks))
    judge.exact(value, 26.22977364, 1e-9)
    expected = [[4.179376715, -7.907810457, 3.113989092], [0.09472378667, -0.1186815645, 0.008081590226]]
    judge.exact(by_rows[:2, :3], expected, 1e-8)
    judge.exact(by_weights[:2], [19.1347364, -4.58350447], 1e-8)


@pytest.mark.parametrize("double", [True, False])
def test_gradients_are_finite_at_coincident_opposite_and_zero_rows(double):
    with jax.enable_x64(double):
        target = np.array([[1.0, 2.0, -0.5], [0.3, -1.0, 0.2], [0.0, 0.0, 0.0]], float if double else np.float32)
        rows = np.stack([2 * target[0], -target[1], 0 * target[2], 2 * target[0]])
        outputs = np.array([0.5, -0.2, 0.3, 0.1], rows.dtype), np.array([1.0, -1.0, 2.0], rows.dtype)
        found = slopes(*padded(rows, outputs[0], target, outputs[1]))[1]
        assert all(np.all(np.isfinite(part)) for part in found)
        judge.exact(found[0][0], 5 * found[0][3], 1e-5)  # coincident rows have gradients in the ratio of their outputs


@pytest.mark.slow
@pytest.mark.parametrize("double, name", [*((True, name) for name in ("relu", "abs", "leaky", "linear")), (False, "relu")])
def test_only_the_gain_counts(double, name):
    """A row and its output weight whose product is the same: squares of such rows are no floats."""
    slope = 0.1 if name == "leaky" else None
    with jax.enable_x64(double):
        dtype = float if double else np.float32
        plain = padded(*(np.asarray(part, dtype) for part in NETWORKS))
        expected = float(loss(*plain, name, slope))
        for length in (1e-160, 1e160) if double else (1e-21, 1e21):
            scale = np.array([length, 1, 1, 1])
            given = [np.asarray(part, dtype) for part in (plain[0] * scale[:, None], plain[1] / scale, *plain[2:])]
            judge.exact(loss(*given, name, slope), expected, 1e-13 if double else 1e-5)
            if name == "relu":
                judge.exact(split_loss(*given), expected, 1e-13 if double else 1e-5)
                gradient, known = (np.asarray(slopes(*networks)[1][0])[:3] for networks in (given, plain))
                judge.exact(gradient * scale[:3, None], known, 1e-12 if double else 1e-4)


@pytest.mark.parametrize("name", ["erf", "sin", "tanh"])
def test_short_rows_of_odd_neurons_are_linear(x64, name):
    slope = {"erf": 2 / np.sqrt(np.pi), "sin": 1.0, "tanh": 1.0}[name]
    short = [(ROWS * 1e-170, WEIGHTS * 1e170), (TARGET_ROWS * 1e-9, TARGET_WEIGHTS * 1e9)]
    expected = slope**2 * loss(*NETWORKS, "linear")
    judge.exact(loss(*short[0], *short[1], name), expected, 1e-12)


@pytest.mark.parametrize("name, expected", [("step", 0.25), ("sign", 1.0), ("erf", 1.0), ("cos", 0.0), ("sin", 0.5)])
def test_long_rows_have_their_limits(x64, name, expected):
    """E s^2 less the square of the mean, of one neuron with a row beyond the root of the largest float."""
    row, one = np.array([[1e200, 0.0]]), np.ones(1)
    shift = loss(row, one, 0 * row, 0 * one, name) - (0.25 if name == "step" else 0.5 if name == "cos" else 0)
    assert float(shift) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_second_derivatives_where_rows_coincide(x64):
    """By whatever mode, through blocks: those of the closed formula; at orthogonal rows, too."""
    target = np.array([[0.6, 0.8, 0.0], [-0.8, 0.6, 0.0], [1.0, 2.0, 0.5]])
    rows, signs = np.stack([2 * target[2], -target[1], target[2]]), np.array([1.0, 1.0, -1.0])
    outer = np.array([0.5, -1.0, 2.0])
    expected = jax.jit(lambda p: curvature.hessian(objectives.exact(target, outer), p, jnp.asarray(signs)))(rows)
    modes = {
        "forward of reverse": (jax.jacfwd, jax.jacrev),
        "reverse twice": (jax.jacrev, jax.jacrev),
        "forward twice": (jax.jacfwd, jax.jacfwd),
    }
    for given, names in ((losses.loss, modes), (losses.split_loss, ["forward of reverse"])):
        for name in names:
            second, first = modes[name]
            found = jax.jit(second(first(lambda p, given=given: given(p, signs, target, outer))))(rows)
            judge.exact(found.reshape(9, 9), expected, 1e-13)


@pytest.mark.slow
def test_beyond_the_quadrature_derivatives_are_no_numbers(x64):
    value, (gradient, *_) = slopes(20 * ROWS, WEIGHTS, TARGET_ROWS, TARGET_WEIGHTS, "tanh")
    assert np.isnan(value) and np.all(np.isnan(gradient))


@pytest.mark.parametrize(
    "rows, covariance, words",
    [
        (ROWS[:, :2], np.array([[1.0, 2.0], [2.0, 1.0]]), "covariance: has the eigenvalue -1"),
        (ROWS[:, :2], np.eye(2, dtype=int), "covariance: dtype int64"),
        (np.full((1, 2), np.nan), np.eye(2), "rows: has numbers"),
        (ROWS[:, :2], np.array([[1.0, np.nan], [np.nan, 1.0]]), "covariance: has numbers"),
        (ROWS[0, :2], np.eye(2), "rows: shape"),
    ],
)
def test_bad_covariances_are_refused(x64, rows, covariance, words):
    with pytest.raises(ValueError, match=words):
        losses.in_white_inputs(rows, covariance)


@pytest.mark.slow
def test_small_losses_keep_their_digits_in_float32():
    """Almost a copy: the sum over degrees has five digits where the plain loss has fewer."""
    rng = np.random.default_rng(3)
    target, rows = rng.normal(size=(600, 64)) / 8, rng.normal(size=(16, 64)) / 8
    networks = rows, np.full(16, 1 / 16), target, np.full(600, 1 / 600)
    with jax.enable_x64(True):
        expected = float(split_loss(*networks))
    single = [np.float32(part) for part in networks]
    split, plain = float(split_loss(*single)), float(loss(*single))
    assert abs(split / expected - 1) < 1e-5
    assert abs(split - expected) < abs(plain - expected)


BAD = {
    "rows: has": (np.where(ROWS == 1.36, np.nan, ROWS), WEIGHTS),
    "weights: 2 output weights": (ROWS, WEIGHTS[:2]),
    "rows: 3 inputs": (ROWS[:, :3], WEIGHTS),
    "rows: shape": (ROWS[:0], WEIGHTS[:0]),
    "rows: dtype": (ROWS.astype(int), WEIGHTS),
    "weights: shape": (ROWS, WEIGHTS[None]),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_networks_are_refused(x64, words):
    with pytest.raises(ValueError, match=words):
        losses.loss(*BAD[words], TARGET_ROWS, TARGET_WEIGHTS)


@pytest.mark.parametrize(
    "name, slope, words",
    [
        ("relux", None, "activation: 'relux'"),
        ("leaky", 1.5, "slope: 1.5"),
        ("relu", 0.1, "slope: 0.1"),
        ("leaky", None, "slope: None"),
    ],
)
def test_bad_activations_are_refused(name, slope, words):
    with pytest.raises(ValueError, match=words):
        losses.loss(*NETWORKS, name, slope)
    with pytest.raises(ValueError, match="covariance"):
        losses.in_white_inputs(ROWS, np.eye(3))
