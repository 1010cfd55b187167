"""Population losses of two-layer networks against draws, quadrature of the whole square, fifty digits, and each other."""

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy import optimize, special

from jaxprune.theory import two_layer as theory
from jaxprune.theory.two_layer import kernels, population, smoothed
from tests import grades as judge
from tests.two_layer import TARGET as SIX

ROWS = np.array([[0.034, 1.36, 1.225, -0.51], [-0.298, -0.527, 0.57, -0.056], [0.747, -1.847, 1.567, -0.096]])
WEIGHTS = np.array([0.68, -0.137, -0.379])
TARGET = np.array(
    [
        [0.463, 0.825, -0.203, -0.153],
        [0.686, -0.87, -1.514, 0.395],
        [-0.671, -1.92, -0.814, -0.468],
        [-1.193, -1.492, 0.037, 0.897],
        [-0.233, -0.744, 0.385, 0.717],
    ]
)
OUTPUTS = np.array([-0.3, 0.545, 1.043, -0.207, -0.814])
ONE = np.ones(1)
NET = (ROWS, WEIGHTS, TARGET, OUTPUTS)
REFERENCE = [
    ("relu", None, 5.1592346),
    ("leaky", 0.1, 5.899486812),
    ("sign", None, 3.754702859),
    ("quadratic", None, 74.91241698),
    ("erf", None, 2.700076696),
    ("tanh", None, 2.476649701),
]
FUNCTIONS = {
    "relu": lambda z: np.maximum(z, 0),
    "abs": np.abs,
    "leaky": lambda z: np.maximum(z, -0.4 * z),
    "step": lambda z: np.heaviside(z, 0.5),
    "sign": np.sign,
    "relu2": lambda z: np.maximum(z, 0) ** 2,
    "linear": lambda z: z,
    "quadratic": np.square,
    "erf": special.erf,
    "cos": np.cos,
    "sin": np.sin,
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "softplus": lambda z: np.logaddexp(z, 0),
    "gelu": lambda z: z * special.ndtr(z),
    "silu": lambda z: z * special.expit(z),
}
SMOOTH = ("quadratic", "erf", "cos", "sin", "tanh", "sigmoid", "softplus", "gelu", "silu")


def of(activation, *net):
    return theory.loss(*net, activation, -0.4 if activation == "leaky" else None)


def squares(activation, rows, weights, target_rows, target_weights, x):
    function = FUNCTIONS[activation]
    return (function(x @ target_rows.T) @ target_weights - function(x @ rows.T) @ weights) ** 2


def test_a_reference_loss_that_was_drawn():
    rows = [[-1.431, -0.937, 0.394, -0.524, 0.526], [0.807, -1.444, 1.017, -0.596, 2.094], [0.729, -0.539, 0.201, 0.215, 0.33]]
    target = [
        [0.634, -0.178, -1.524, -1.561, 0.205],
        [0.691, 1.443, -0.613, 0.078, -0.813],
        [-0.422, -2.279, 0.739, -0.723, -0.073],
        [0.446, 0.339, -1.314, 1.518, 0.757],
        [0.5, -0.66, -1.604, -1.63, -0.208],
        [0.161, -0.703, 1.829, 0.301, 0.999],
    ]
    found = theory.loss(rows, [1.393, 0.533, 1.661], target, [0.907, -1.07, 0.994, 0.45, -1.269, 0.723])
    judge.exact(found, 5.19586157, tolerance=1e-8)
    assert abs(found - 5.193858388714429) < 4 * 0.00395276859764216  # two million pairs of draws


@pytest.mark.parametrize("activation, slope, expected", REFERENCE)
def test_reference_losses(activation, slope, expected):
    judge.exact(theory.loss(*NET, activation, slope), expected, tolerance=1e-8)


def test_all_activations_have_a_function_here():
    assert set(FUNCTIONS) == set(kernels.ACTIVATIONS)


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_losses_are_the_means_of_draws(activation):
    x = np.random.default_rng(5).standard_normal((100_000, 4))
    judge.statistical(squares(activation, *NET, x), of(activation, *NET), spoil=1.1)


@pytest.mark.parametrize("activation", SMOOTH)
def test_smooth_losses_are_integrals_in_the_plane(activation):
    """The trapezoidal rule over both inputs of the squared difference itself, which knows nothing of kernels."""
    grid = np.linspace(-9.5, 9.5, 241)
    x = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    density = np.exp(-np.sum(x**2, axis=1) / 2) * (grid[1] - grid[0]) ** 2 / (2 * np.pi)
    for scale in (1.0, 2.0, 1e-3):
        rows, target = scale * np.array([[0.3, -1.1], [0.7, 0.2]]), scale * np.array([[0.5, 0.9], [-0.6, -1.0], [0.0, 0.4]])
        net = rows, np.array([0.8, -0.5]), target, np.array([0.4, 1.3, -0.9])
        judge.exact(of(activation, *net), squares(activation, *net, x) @ density, tolerance=1e-11)


def test_activations_are_combinations_of_each_other():
    judge.exact(theory.loss(*NET, "leaky", 0.0), theory.loss(*NET), tolerance=1e-13)
    judge.exact(theory.loss(*NET, "leaky", -1.0), theory.loss(*NET, "abs"), tolerance=1e-13)
    level = (np.sum(OUTPUTS) - np.sum(WEIGHTS)) ** 2
    judge.exact(4 * theory.loss(*NET, "step"), theory.loss(*NET, "sign") + level, tolerance=1e-13)
    doubled = theory.loss(2 * ROWS, WEIGHTS, 2 * TARGET, OUTPUTS, "sigmoid")
    judge.exact(4 * doubled, theory.loss(*NET, "tanh") + level, tolerance=1e-13)
    both = np.concatenate([ROWS, -ROWS]), np.concatenate([WEIGHTS, WEIGHTS])
    judge.exact(theory.loss(*both, TARGET, 0 * OUTPUTS), theory.loss(ROWS, WEIGHTS, TARGET, 0 * OUTPUTS, "abs"))
    both = np.concatenate([ROWS, -ROWS]), np.concatenate([WEIGHTS, -WEIGHTS])
    for activation in ("softplus", "silu", "gelu"):
        judge.exact(theory.loss(*both, TARGET, 0 * OUTPUTS, activation), np.sum((WEIGHTS @ ROWS) ** 2))


def test_mixtures_are_exact_at_every_length(monkeypatch):
    """Half the step of the quadrature changes nothing, for rows from 1e-3 to 1e4, nearly parallel and opposite ones."""
    rows = np.array([[1e-3, 2e-3], [0.1, -0.3], [5.0, 1.0], [5.0, 1.001], [-50.0, -10.0], [1e4, 3e3]])
    net = rows, np.array([3.0, 0.5, -1.2, 0.8, 0.3, -0.1]), np.array([[1.0, 0.4]]), ONE
    smooth = ("tanh", "sigmoid", "softplus", "silu")
    found = [of(activation, *net) for activation in smooth]
    monkeypatch.setattr(smoothed, "logistic", smoothed.logistic.__wrapped__)
    monkeypatch.setattr(smoothed, "STEP", 0.0625)
    monkeypatch.setattr(smoothed, "REACH", (-31, 27))
    monkeypatch.setattr(kernels, "logistic", smoothed.logistic)
    judge.exact(np.array([of(activation, *net) for activation in smooth]) / found, 1.0, tolerance=2e-14, spoil=1 + 1e-12)


def test_long_rows_make_steps_and_short_rows_lines():
    for activation, limit in (("tanh", "sign"), ("erf", "sign"), ("sigmoid", "step")):
        long = theory.loss(1e9 * ROWS, WEIGHTS, 1e7 * TARGET, OUTPUTS, activation)
        judge.exact(long, theory.loss(*NET, limit), tolerance=1e-6)
    for activation in ("softplus", "gelu", "silu"):
        long = theory.loss(1e9 * ROWS, WEIGHTS, 1e9 * TARGET, OUTPUTS, activation)
        judge.exact(long / 1e18, theory.loss(*NET), tolerance=1e-8)
    for activation, slope in (("tanh", 1.0), ("erf", 2 / np.sqrt(np.pi)), ("sin", 1.0)):
        short = theory.loss(1e-9 * ROWS, WEIGHTS, 1e-9 * TARGET, OUTPUTS, activation)
        judge.exact(short * 1e18, slope**2 * theory.loss(*NET, "linear"), tolerance=1e-12)


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_equal_networks_and_split_rows_lose_nothing(activation):
    order = np.array([3, 0, 4, 1, 2])
    assert of(activation, TARGET[order], OUTPUTS[order], TARGET, OUTPUTS) == 0
    halves = np.concatenate([TARGET, TARGET]), np.concatenate([OUTPUTS / 4, OUTPUTS * 3 / 4])
    assert of(activation, *halves, TARGET, OUTPUTS) <= 1e-30
    assert of(activation, *NET) > 1e-2


@pytest.mark.parametrize("activation", ["relu", "abs", "leaky", "relu2"])
def test_lengths_and_weights_are_exchanged_at_any_scale(activation):
    factor = np.array([1e150, 1e-150, 3.0])
    power = 2 if activation == "relu2" else 1
    if activation == "relu2":
        factor = np.sqrt(factor)
    judge.exact(of(activation, ROWS * factor[:, None], WEIGHTS / factor**power, TARGET, OUTPUTS), of(activation, *NET))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_extreme_lengths(activation):
    """No warning and no NaN: the limit of short or of long rows, infinity where the loss is one."""
    short, long = (of(activation, s * ROWS, WEIGHTS, s * TARGET, OUTPUTS) for s in (1e-200, 1e140))
    at_zero = float(FUNCTIONS[activation](np.zeros(1))[0])
    if activation not in ("step", "sign"):
        assert short == pytest.approx((at_zero * (np.sum(OUTPUTS) - np.sum(WEIGHTS))) ** 2, rel=1e-12)
    limit = {"erf": "sign", "tanh": "sign", "sigmoid": "step", "step": "step", "sign": "sign"}.get(activation)
    if limit:
        judge.exact(long, of(limit, *NET), tolerance=1e-12)
        judge.exact(of(activation, 1e300 * ROWS, WEIGHTS, 1e300 * TARGET, OUTPUTS), long, tolerance=1e-12)
    elif activation in ("cos", "sin"):
        judge.exact(long, (np.sum(OUTPUTS**2) + np.sum(WEIGHTS**2)) / 2, tolerance=1e-12)
    elif activation in ("softplus", "gelu", "silu"):
        judge.exact(long / 1e280, of("relu", *NET), tolerance=1e-12)
        with pytest.raises(ValueError, match="rows.*too long"):
            of(activation, 1e160 * ROWS, WEIGHTS, TARGET, OUTPUTS)
    else:
        assert np.isinf(of(activation, ROWS, 1e200 * WEIGHTS, TARGET, OUTPUTS))
        assert np.isinf(of(activation, 1e200 * ROWS, WEIGHTS, TARGET, OUTPUTS))


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_dead_rows_and_padding_change_what_they_should(activation):
    at_zero = float(FUNCTIONS[activation](np.zeros(1))[0])
    wide = np.pad(ROWS, ((0, 1), (0, 2))), np.append(WEIGHTS, 0.7), np.pad(TARGET, ((0, 1), (0, 2))), np.append(OUTPUTS, 0.0)
    shift = np.random.default_rng(7).standard_normal((60_000, 6))
    if at_zero == 0:
        judge.exact(of(activation, *wide), of(activation, *NET), tolerance=1e-13)
    else:
        judge.statistical(squares(activation, *wide, shift), of(activation, *wide), spoil=1.2)
    none = of(activation, np.zeros((1, 4)), np.ones(1), np.zeros((2, 4)), np.zeros(2))
    assert none == pytest.approx(at_zero**2, rel=1e-13)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    net = rng.normal(size=(7, 5)), rng.normal(size=7), rng.normal(size=(30, 5)), rng.normal(size=30)
    some = ("relu", "sign", "relu2", "cos", "gelu")
    whole = [of(activation, *net) for activation in some], theory.loss_gradient(*net)
    monkeypatch.setattr(population, "BLOCK", 4)
    judge.exact([of(activation, *net) for activation in some], whole[0], tolerance=1e-13)
    for found, expected in zip(theory.loss_gradient(*net), whole[1], strict=True):
        judge.exact(found, expected, tolerance=1e-13)


def test_memory_does_not_grow_with_pairs():
    rng = np.random.default_rng(3)
    net = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(2500, 4)), rng.normal(size=2500)
    tracemalloc.start()
    theory.loss(*net)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.3 * 8 * 2500**2


GRADIENT = (
    np.array([[1.827, -3.078, 0.958], [0.07, 1.318, 0.386]]),
    np.array([1.827, 0.032]),
    np.array([[-0.516, 0.58, 0.432], [-0.357, -0.247, 0.719], [0.704, -0.494, -0.368], [-1.807, 1.679, -0.224]]),
    np.array([1.337, 0.417, 1.944, 1.537]),
)


def test_reference_gradient():
    value, rows, weights = theory.loss_gradient(*GRADIENT)
    judge.exact(value, 26.22977364, tolerance=1e-8)
    expected = [[4.179376715, -7.907810457, 3.113989092], [0.09472378667, -0.1186815645, 0.008081590226]]
    judge.exact(rows, expected, tolerance=1e-8)
    judge.exact(weights, [19.1347364, -4.58350447], tolerance=1e-8)


def differences(net, step=1e-5):
    """Central differences of the loss over rows and weights of the network."""
    found = []
    for which in (0, 1):
        slopes = np.zeros_like(net[which])
        for index in np.ndindex(slopes.shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in net]
                moved[which][index] += sign * step
                values.append(theory.loss(*moved))
            slopes[index] = (values[0] - values[1]) / (2 * step)
        found.append(slopes)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_differences(seed):
    rng = np.random.default_rng(seed)
    net = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(5, 4)), rng.normal(size=5)
    for found, expected in zip(theory.loss_gradient(*net)[1:], differences(net), strict=True):
        judge.exact(found, expected, tolerance=1e-7)


def test_descent_by_gradients_finds_the_reference_minimum():
    """Two neurons with positive outputs against six: the least loss of independent descents is 0.002243846664."""

    def objective(v):
        value, slopes, _ = theory.loss_gradient(v.reshape(2, 3), np.ones(2), SIX, np.full(6, 1 / 6))
        return value, slopes.ravel()

    rng = np.random.default_rng(0)
    found = [optimize.minimize(objective, rng.normal(size=6), jac=True, method="L-BFGS-B").fun for _ in range(4)]
    judge.exact(min(found), 0.002243846664, tolerance=1e-5)


def test_gradients_at_coincident_and_antipodal_rows():
    u, v = np.array([1.0, 2.0, -1.0]), np.array([0.5, 0.0, 2.0])
    net = np.stack([u, u, -2 * u, v]), np.array([0.5, -1.0, 0.3, 1.0]), np.stack([u, -u, 3 * v]), np.array([0.2, 0.7, -0.4])
    found = theory.loss_gradient(*net)
    assert all(np.all(np.isfinite(part)) for part in found)
    for got, expected in zip(found[1:], differences(net, 1e-4), strict=True):
        judge.exact(got, expected, tolerance=1e-4)
    single = theory.loss_gradient(u[None], np.ones(1), u[None], np.zeros(1))
    judge.exact(single[1], u[None], tolerance=1e-14)  # of |v|^2/2


def test_the_gradient_at_a_zero_row_is_the_mean_over_directions():
    net = np.array([[0.0, 0.0], [1.0, 0.5]]), np.array([0.8, 0.3]), np.array([[2.0, -1.0], [0.3, 0.4]]), np.array([0.5, -1.5])
    found = theory.loss_gradient(*net)
    assert np.all(np.isfinite(found[1])) and found[2][0] == 0
    steps, count = 1e-6, 64
    slopes = []
    for angle in 2 * np.pi * (np.arange(count) + 0.5) / count:
        direction = np.array([np.cos(angle), np.sin(angle)])
        moved = net[0] + np.array([steps * direction, [0, 0]])
        slopes.append((theory.loss(moved, *net[1:]) - found[0]) / steps * direction)
    judge.exact(2 * np.mean(slopes, axis=0), found[1][0], tolerance=1e-4)


def test_gradient_and_loss_near_the_target_keep_their_digits():
    """At a distance e the gradient is linear in it, and the loss quadratic: half of the slope times the step, to e^2."""
    steps = np.array([[1.0, -1.0, 2.0, 0.5], [0.0, 3.0, 1.0, -1.0], [-2.0, 1.0, 1.0, 1.0], [1.0, 0, 0, 0], [0, 0, 1.0, 1.0]])
    for e in (1e-4, 1e-6):
        value, slopes, _ = theory.loss_gradient(TARGET + e * steps, OUTPUTS, TARGET, OUTPUTS)
        judge.exact(np.sum(slopes * (e * steps)) / 2, value, tolerance=20 * e)


CLOSE = (
    np.array([[1.0, 2.0, -0.5], [-1.0, 0.25, 3.0], [2.0, -2.0, 1.0]]),
    np.array([0.75, -1.25, 0.5]),
    np.array([[1.0, -1.0, 2.0], [0.0, 3.0, 1.0], [-2.0, 1.0, 1.0]]),
)


@pytest.mark.parametrize(
    "e, relu, absolute, leaky",
    [  # by the formula itself in sixty digits
        (1e-3, 1.7009894500734372e-5, 2.0842967627936454e-5, 1.467395743915182e-5),
        (1e-6, 1.7026213735807885e-11, 2.0866615384235372e-11, 1.4689861126069657e-11),
        (1e-9, 1.7026228898531973e-17, 2.0866639887996137e-17, 1.4689877168631062e-17),
        (1e-12, 1.7025025228552404e-23, 2.086732074859564e-23, 1.4689916681435921e-23),
    ],
)
def test_small_losses_keep_their_digits(e, relu, absolute, leaky):
    target, outputs, steps = CLOSE
    net = target + e * steps, outputs * (1 - e), target, outputs
    found = [theory.loss(*net), theory.loss(*net, "abs"), theory.loss(*net, "leaky", -0.5)]
    tolerance = 1e-13 if e > 1e-8 else 1e-6  # 32 digits, of which the square of e takes twice its own
    judge.exact(np.array(found) / [relu, absolute, leaky], 1.0, tolerance=tolerance, spoil=1 + 1e-5)


def test_small_losses_of_step_functions_keep_their_digits():
    """Between sign(u.x) and sign(v.x) at an angle t it is 4 t/pi; also for nearly opposite rows of opposite sign."""
    for t in (1e-3, 1e-7):
        u, v = np.array([[1.0, 0.0]]), np.array([[np.cos(t), np.sin(t)]])
        judge.exact(theory.loss(u, np.ones(1), 3 * v, np.ones(1), "sign"), 4 * t / np.pi, tolerance=1e-8)
        judge.exact(theory.loss(u, np.ones(1), -3 * v, -np.ones(1), "sign"), 4 * t / np.pi, tolerance=1e-8)
        judge.exact(theory.loss(u, np.ones(1), v, np.ones(1), "step"), t / np.pi, tolerance=1e-8)


def test_the_arc_cosine_kernel_is_its_hermite_series():
    """Squares of the Hermite coefficients of relu: 1/(2 pi), 1/4, then (2n-3)!!/((2n)!! (2n-1))/(2 pi), by their ratios."""
    cosine = np.array([-0.8, -0.2, 0.1, 0.6])
    total, term = 1 / (2 * np.pi) + cosine / 4, cosine**2 / (4 * np.pi)
    for n in range(1, 120):
        total = total + term
        term = term * cosine**2 * (2 * n - 1) ** 2 / ((2 * n + 2) * (2 * n + 1))
    judge.exact(theory.arc_cosine(cosine), total, tolerance=1e-14)


def test_the_arc_cosine_kernel():
    cosine = np.array([-0.5, 0.0, 0.3, 0.9, 1.0])
    judge.exact(theory.arc_cosine(cosine), [0.05449889052, 0.1591549431, 0.2413721419, 0.4547691994, 0.5], tolerance=1e-9)
    slopes = [0.1666666667, 0.25, 0.298493342, 0.4282168534, 0.5]
    judge.exact(theory.arc_cosine_slope(cosine), slopes, tolerance=1e-9)
    cosine = np.array([-1 + 2.0**-40, -1 + 1e-6, -0.9, -0.3, 0.5, 1 - 1e-9])  # then by sixty digits
    expected = [
        *(1.3014998745356334e-19, 1.5005272686862715e-10, 0.0047691994223360365),
        *(0.091372141917743813, 0.30449889052211468, 0.49999999950000476),
    ]
    judge.exact(theory.arc_cosine(cosine) / expected, 1.0, tolerance=1e-14, spoil=1 + 1e-12)
    expected = [
        *(2.1465213684014661e-7, 0.00022507909779910681, 0.071783146564353127),
        *(0.20150665798966086, 0.33333333333333333, 0.49999288237466589),
    ]
    judge.exact(theory.arc_cosine_slope(cosine) / expected, 1.0, tolerance=1e-14, spoil=1 + 1e-12)
    assert theory.arc_cosine(-1.0) == 0 and theory.arc_cosine_slope(-1.0) == 0


def test_small_linear_losses_keep_their_digits():
    """|sum a w|^2, by fractions."""
    target, outputs, steps = CLOSE
    for e in (1e-3, 1e-9, 1e-12):
        rows, weights = target + e * steps, outputs * (1 - e)
        net = [(a, w) for a, w in zip(weights, rows, strict=True)] + [(-a, w) for a, w in zip(outputs, target, strict=True)]
        exact = sum(sum(Fraction(float(a)) * Fraction(float(w[k])) for a, w in net) ** 2 for k in range(3))
        judge.exact(theory.loss(rows, weights, target, outputs, "linear") / float(exact), 1.0, tolerance=1e-14, spoil=1 + 1e-12)


def test_outputs_of_both_signs_are_no_small_loss(monkeypatch):
    """A loss far below (sum of |gains|)^2 that has not cancelled needs no second sum."""
    rng = np.random.default_rng(8)
    net = rng.normal(size=(3, 40)), rng.normal(size=3) / 30, rng.normal(size=(1500, 40)), rng.choice([-1.0, 1.0], 1500) / 40
    expected = theory.loss(*net)
    gains = np.abs(net[3]) @ np.linalg.norm(net[2], axis=1)
    assert expected < 1e-2 * gains**2
    monkeypatch.setattr(population.extended, "parts", None)
    assert theory.loss(*net) == expected
    with pytest.raises(TypeError):  # the network itself, moved a little
        theory.loss(net[2][:9] + 1e-6, net[3][:9], net[2][:9], net[3][:9])


@pytest.mark.parametrize("activation", FUNCTIONS)
def test_the_energy_of_a_target_may_be_known(activation):
    slope = -0.4 if activation == "leaky" else None
    rng = np.random.default_rng(9)
    net = rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=(30, 3)), rng.normal(size=30)
    known = theory.target_energy(*net[2:], activation, slope)
    judge.exact(
        theory.loss(*net, activation, slope, target_energy=known), theory.loss(*net, activation, slope), tolerance=1e-13
    )
    if activation == "relu":
        judge.exact(known, theory.factors(*net[2:]).remainder, tolerance=1e-14)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softplus", "silu"])
def test_series_are_the_mixtures(activation, monkeypatch):
    """Both sums of one kernel, for sizes from 1e-3 to 1e4 at every angle."""
    rng = np.random.default_rng(10)
    rows = rng.normal(size=(40, 3)) * np.geomspace(1e-3, 1e4, 40)[:, None]
    net = rows, rng.normal(size=40), np.ones((1, 3)), ONE
    found, plain = theory.loss(*net, activation), kernels.of
    monkeypatch.setattr(kernels, "of", lambda *which: plain(*which)._replace(series=None))
    judge.exact(theory.loss(*net, activation) / found, 1.0, tolerance=1e-13, spoil=1 + 1e-10)


@pytest.mark.filterwarnings("error")
def test_nothing_finite_becomes_a_nan():
    """Rows near the largest float, with weights that bring them back: a row of 1.7 with weight 1 is the same neuron."""
    far, near, row = (np.full((1, 4), 1.7e308), np.full(1, 1e-308)), (np.full((1, 4), 1.7), ONE), np.ones((1, 4))
    for activation in FUNCTIONS:
        if activation in kernels.BOUNDED + kernels.GROWING:
            with pytest.raises(ValueError, match="rows: an entry 1.7e.308"):
                of(activation, far[0], ONE, row, ONE)
        else:
            assert not np.isnan(of(activation, far[0], ONE, row, ONE))
    assert of("step", far[0], ONE, row, ONE) == of("sign", far[0], ONE, row, ONE) == 0
    judge.exact(of("relu", *far, row, ONE), of("relu", *near, row, ONE), tolerance=1e-13)
    found, expected = theory.loss_gradient(*far, row, ONE), theory.loss_gradient(*near, row, ONE)
    judge.exact(found[1] / 1e-308, expected[1], tolerance=1e-13)
    assert np.isposinf(found[2][0])
    for got, like in zip(theory.factors(*far), theory.factors(*near), strict=True):
        judge.exact(got, like, tolerance=1e-13)
    judge.exact(theory.interaction(far[0], *far), theory.interaction(near[0], *near), tolerance=1e-13)
    target = theory.factors(row, ONE)
    judge.exact(theory.simplified_loss(*far, target), theory.simplified_loss(*near, target), tolerance=1e-13)
    assert np.isinf(theory.loss_gradient(1e200 * ROWS, WEIGHTS, TARGET, OUTPUTS)[0])
    assert np.isinf(theory.factors(1e200 * ROWS, 1e200 * WEIGHTS).remainder)
    assert np.isinf(of("tanh", ROWS, 1e308 * WEIGHTS, TARGET, OUTPUTS))


BAD = [
    (dict(rows=np.array([[np.nan, 1.0]])), "rows"),
    (dict(rows=np.array([[np.inf, 1.0]])), "rows"),
    (dict(rows=np.ones((1, 2), np.int64)), "rows.*int64"),
    (dict(rows=np.ones((1, 2), bool)), "rows.*bool"),
    (dict(rows=np.ones((1, 2), np.float32)), "rows.*float32"),
    (dict(rows=np.ones((1, 2), complex)), "rows.*complex"),
    (dict(rows=np.ma.masked_array(np.ones((1, 2)))), "rows.*masked"),
    (dict(rows=np.ones(2)), "rows"),
    (dict(rows=np.ones((1, 0))), "rows"),
    (dict(rows=np.ones((0, 2)), weights=np.ones(0)), "rows"),
    (dict(rows=[[1.0, 2.0], [1.0]]), "rows.*lengths"),
    (dict(rows="relu"), "rows"),
    (dict(weights=np.ones(2)), "weights"),
    (dict(weights=np.ones((1, 1))), "weights"),
    (dict(weights=np.array([1])), "weights.*int64"),
    (dict(weights=np.array([np.nan])), "weights"),
    (dict(weights=1.0), "weights"),
    (dict(target_rows=np.ones((1, 3))), "target_rows.*3 inputs"),
    (dict(target_rows=np.ones((0, 2)), target_weights=np.ones(0)), "target_rows"),
    (dict(target_weights=np.ones(3)), "target_weights"),
    (dict(activation="swish"), "activation.*swish"),
    (dict(activation=np.array(["relu", "abs"])), "activation"),
    (dict(weights="ab"), "weights: dtype"),
    (dict(target_energy=-1.0), "target_energy"),
    (dict(activation="leaky"), "slope"),
    (dict(activation="leaky", slope=1.0), "slope.*1"),
    (dict(activation="leaky", slope=-1.5), "slope"),
    (dict(activation="leaky", slope=np.nan), "slope"),
    (dict(activation="leaky", slope=True), "slope"),
    (dict(activation="leaky", slope=np.zeros(1)), "slope"),
    (dict(activation="relu", slope=0.1), "slope"),
]


@pytest.mark.parametrize("change, match", BAD, ids=range(len(BAD)))
def test_bad_networks_are_refused_by_name(change, match):
    good = dict(rows=np.ones((1, 2)), weights=ONE, target_rows=np.ones((1, 2)), target_weights=ONE)
    assert theory.loss(**good) == 0
    with pytest.raises(ValueError, match=match):
        theory.loss(**{**good, **change})
    if not {"activation", "slope", "target_energy"} & {*change}:
        with pytest.raises(ValueError, match=match):
            theory.loss_gradient(**{**good, **change})


def test_a_cosine_is_one():
    assert theory.arc_cosine(1 + 5e-13) == theory.arc_cosine(1.0) and theory.arc_cosine(-1 - 5e-13) == 0
    for wrong in (1.1, -1.0001, np.nan, "a", True):
        with pytest.raises(ValueError, match="cosine"):
            theory.arc_cosine(wrong)


@pytest.mark.parametrize("name, slope", [("erf", 2 / np.sqrt(np.pi)), ("sin", 1.0), ("tanh", 1.0)])
def test_short_rows_of_odd_neurons_are_linear(name, slope):
    """Products of their lengths are no floats, but with long weights their losses are."""
    rng = np.random.default_rng(5)
    rows, weights, target, outer = rng.normal(size=(3, 4)), rng.normal(size=3), rng.normal(size=(5, 4)), rng.normal(size=5)
    expected = slope**2 * theory.loss(rows, weights, target, outer, "linear")
    found = theory.loss(rows * 1e-170, weights * 1e170, target * 1e-9, outer * 1e9, name)
    assert found == pytest.approx(expected, rel=1e-12)
