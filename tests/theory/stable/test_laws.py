"""Symmetric stable laws: reference numbers from series at 300 digits, closed forms, identities, bad input."""

import numpy as np
import pytest
from scipy import special, stats

from jaxprune.theory.stable import laws as stable
from jaxprune.theory.stable import norms, positive
from tests import grades as judge

# (alpha, x, P(|X| > x)) from mpmath: the power series in x (alpha > 1) or in x^-alpha (alpha < 1, and alpha > 1 in the far
# tail up to its smallest term) summed with 300 digits, or, next to alpha = 1, the integral of sin(xt) exp(-t^alpha)/t.
TAILS = [
    (0.05, 0.001, 0.7463785184582373),
    (0.05, 1e6, 0.38565010792603127),
    (0.3, 0.02, 0.9241742246463892),
    (0.3, 50.0, 0.2338175633672511),
    (0.9, 2.0, 0.3172051357621301),
    (0.999, 1.3, 0.4175421247977543),
    (0.999, 30.0, 0.021296213729007772),
    (1.0000001, 2.0, 0.2951672142068466),
    (1.001, 0.7, 0.6112284393930905),
    (1.001, 3.0, 0.2045822775808271),
    (1.001, 100.0, 0.006333177661449707),
    (1.2, 2.5, 0.1980666336340369),
    (1.2, 1e3, 0.00013965437476760068),
    (1.2, 1e200, 5.5591571652042496e-241),
    (1.5, 0.01, 0.9942530157055044),
    (1.5, 1e4, 3.9894291702207775e-07),
    (1.75, 6.0, 0.011522763387949742),
    (1.99, 8.0, 0.00017680341183248395),
    (1.99, 70.0, 2.123044398919916e-06),
    (1.9999, 9.0, 1.3403086566353234e-06),
    (1.9999, 100.0, 1.0010193285498462e-08),
    (1.999999, 8.0, 3.28089432009338e-08),
    (1.999999999, 11.0, 8.720136294919624e-12),
    (1.999999999, 60.0, 2.7824205581963814e-13),
    (1.999999999999, 14.0, 5.267290873100973e-15),
]
# (t, order, alpha, E[|X|^order; |X| <= t]) from the power series in t with 300 digits.
MOMENTS = [
    (3.0, 2.0, 1.2, 1.2307282829843487),
    (5.0, 1.5, 1.5, 1.5274786658389263),
    (2.0, -0.9, 1.5, 5.8645890464412),
    (6.0, 2.0, 1.99, 2.0120389687465217),
    (9.0, 2.0, 1.999999999, 1.9999999856893094),
    (2.0, 2.6, 1.3, 0.8058835009180835),
    (4.0, 2.601, 1.3, 3.0101942663169976),
    (5.0, 7.5, 1.7, 1654.2614051543915),
]
INDICES = [0.02, 0.1, 0.4, 0.7, 0.999, 1.0, 4 / 3, 1.5, 1.9, 1.9999, 2 - 1e-9, 2.0]


@pytest.mark.parametrize("alpha, x, expected", TAILS)
def test_tails(alpha, x, expected):
    judge.exact(stable.abs_sf(x, alpha), expected, 1e-13)
    judge.exact(stable.abs_quantile(expected, alpha), x, 2e-12 if alpha > 0.1 else 1e-10)


def test_arrays_of_indices_and_places():
    alpha, x, expected = np.array(TAILS).T
    judge.exact(stable.abs_sf(x, alpha) / expected, np.ones(len(TAILS)), 1e-13)
    assert stable.abs_sf(np.ones((3, 1)), [0.5, 1.5]).shape == (3, 2)
    assert isinstance(stable.abs_sf(1, 1), float) and isinstance(stable.abs_quantile(0.5, 1), float)


def test_reference_numbers():
    sf = [0.7211915470374569, 0.21007965930965833, 0.013279618395536937, 0.0003995797728529829]
    judge.exact(stable.abs_sf([0.5, 2.0, 10.0, 100.0], 1.5) / sf, np.ones(4), 1e-13)
    quantiles = np.array([0.961242674466416, 2.5664041496261873, 6.425258443851362, 82.16615786153292])
    judge.exact(stable.abs_quantile([0.5, 0.1, 0.01, 1e-4], 1.75) / quantiles, np.ones(4), 1e-12)
    judge.exact([stable.tail_constant(1.5), stable.second_order_constant(1.5)], [0.3989422804014327, 1.5957691216057308], 1e-13)
    kinds = [stable.norm_tail_constant(1.75, 140, kind) for kind in ("I", "II", "III")]
    judge.exact(kinds, [16.901563197475078, 31.346775827419012, 18.361254177434073], 1e-13)
    assert kinds == [stable.norm_tail_constant(1.75, 140, kind) for kind in (1, 2, 3)]
    logs = [stable.abs_moment(0.7, 1.5), stable.mean_log_norm(1.5), stable.variance_log_norm(1.5)]
    judge.exact(logs, [1.225609236297356, -0.19240522163384433, 1.553548840912214], 1e-13)
    judge.exact(stable.truncated_moment(stable.abs_quantile(0.1, 1.5), 2, 1.5), 1.4059417013986313, 1e-12)
    judge.exact(stable.quantile_ratio(1.5), 3.149795084776515, 1e-12)
    judge.exact(stable.quantile_ratio([2.0, 1.0]), [2.4387, 6.3138], 1e-4)
    limit = stable.truncated_moment(stable.abs_quantile(0.1, 1.5), 1, 1.5) / stable.abs_moment(1, 1.5)
    judge.exact(limit, 0.5310639255102142, 1e-12)


@pytest.mark.parametrize("x", [1e-300, 1e-6, 0.3, 1.0, 2.0, 1e3, 1e250])
def test_closed_forms(x):
    judge.exact(stable.abs_sf(x, 1.0), 2 / np.pi * np.arctan2(1.0, x), 1e-12)
    judge.exact(stable.abs_cdf(x, 1.0), 2 / np.pi * np.arctan(x), 1e-12)
    judge.exact(stable.abs_pdf(x, 1.0), 2 / np.pi / (1 + x**2) if x < 1e150 else 0.0, 1e-12)
    first = np.log(np.hypot(1, x)) * 2 / np.pi if x > 1e-2 else (x * x - x**4 / 2) / np.pi
    judge.exact(stable.truncated_moment(x, 1.0, 1.0), first, 1e-12)
    if x > 0.1:
        judge.exact(stable.truncated_moment(x, 2, 1.0), 2 / np.pi * (x - np.arctan(x)), 2e-12)
    judge.exact(stable.abs_sf(x, 2.0), special.erfc(x / 2), 1e-14)
    gaussian = 2**1.5 * special.gamma(1.25) * special.gammainc(1.25, x * x / 4) / np.sqrt(np.pi)
    judge.exact(stable.truncated_moment(x, 1.5, 2.0), gaussian, 1e-13)
    if x < 3:
        judge.exact(stable.abs_sf(x, 2 - 1e-13), special.erfc(x / 2), 1e-11)


@pytest.mark.parametrize("t, order, alpha, expected", MOMENTS)
def test_truncated_moments(t, order, alpha, expected):
    judge.exact(stable.truncated_moment(t, order, alpha), expected, 1e-13)


@pytest.mark.parametrize("alpha", [0.05, 0.12, 0.5, 1.1])
@pytest.mark.parametrize("order", [0.3, 1.0, 2.0, 4.7])
def test_truncated_moments_by_parts(alpha, order):
    # Orders beyond the first poles too: M_q(t) = integral of q u^(q-1) (P(|X| > u) - P(|X| > t)) over u < t.
    t = np.array([1e-3, 1.0, 50.0, 1e8])
    nodes, weights = np.polynomial.legendre.leggauss(20)
    log_u = (-80 / order * (np.arange(100)[:, None] + 0.5 * (1 - nodes)) / 100).ravel()
    u = t[:, None] * np.exp(log_u)
    below = stable.abs_cdf(t, alpha)[:, None] - stable.abs_cdf(u, alpha)
    gap = np.where(t[:, None] < 1, below, stable.abs_sf(u, alpha) - stable.abs_sf(t, alpha)[:, None])
    expected = np.sum(np.tile(weights, 100) * 0.4 * np.exp(order * log_u) * gap, axis=1) * t**order
    judge.exact(stable.truncated_moment(t, order, alpha) / expected, np.ones(4), 1e-11)


@pytest.mark.parametrize("alpha", INDICES)
def test_quantile_inverts(alpha):
    p = np.concatenate([10.0 ** -np.arange(1, 300, 13.0), np.linspace(0.01, 0.99, 25), 1 - 10.0 ** -np.arange(2, 15)])
    x = stable.abs_quantile(p, alpha)
    assert np.all(np.diff(stable.abs_quantile(np.sort(p), alpha)[::-1][np.sort(x) < np.inf]) >= 0)
    inside = (x < 1e300) & (x > 1e-300)
    assert inside.sum() > 30 or alpha < 0.1
    upper, lower = inside & (p < 0.5), inside & (p >= 0.5)
    judge.exact(stable.abs_sf(x[upper], alpha) / p[upper], np.ones(upper.sum()), 2e-12)
    judge.exact(stable.abs_cdf(x[lower], alpha) / (1 - p[lower]), np.ones(lower.sum()), 2e-12)
    judge.exact(stable.abs_sf(x, alpha) + stable.abs_cdf(x, alpha), np.ones(len(x)), 1e-13)
    judge.exact(stable.abs_quantile([0.0, 1.0], alpha) == [np.inf, 0.0], [1, 1])


@pytest.mark.parametrize("alpha", INDICES[1:])
def test_density_is_the_slope(alpha):
    x = np.geomspace(1e-3, 30, 12)
    h = 1e-3
    points = np.array([-2, -1, 1, 2])[:, None] * h
    below, above = (np.array([1, -8, 8, -1]) @ f(x * np.exp(points), alpha) / (12 * h) for f in (stable.abs_cdf, stable.abs_sf))
    slope = np.where(x < 1, below, -above) / x
    judge.exact(stable.abs_pdf(x, alpha)[x < 9] / slope[x < 9], np.ones(np.sum(x < 9)), 1e-8)
    judge.exact(stable.abs_pdf(0.0, alpha), stable.abs_pdf(1e-300, alpha), 1e-12)
    # Moments by parts: d M_q = x^q dF.
    for order in (-0.5, alpha, 2.0, 3.1):
        slope = np.array([1, -8, 8, -1]) @ stable.truncated_moment(x * np.exp(points), order, alpha) / (12 * h)
        here = x < 3
        judge.exact((stable.abs_pdf(x, alpha) * x ** (order + 1))[here] / slope[here], np.ones(here.sum()), 1e-8)


@pytest.mark.parametrize("alpha", INDICES[2:-1])
def test_ends_of_the_tail_series_and_of_moments(alpha):
    c, d = stable.tail_constant(alpha), stable.second_order_constant(alpha)
    x = 1e12 ** (1 / alpha)
    judge.exact(stable.abs_sf(x, alpha), c / 1e12 * (1 + d / 1e12), 1e-12)
    if 0.3 < abs(alpha - 1) < 0.9:
        judge.exact((stable.abs_sf(1e4 ** (1 / alpha), alpha) * 1e4 / c - 1) * 1e4, d, 5e-2, spoil=1.2)
    for order in (-0.9, 0.5 * alpha, 0.95 * alpha):
        whole = stable.abs_moment(order, alpha)
        judge.exact(stable.truncated_moment(np.inf, order, alpha), whole, 1e-14)
        rest = alpha * c * x ** (order - alpha) / (alpha - order)
        judge.exact(stable.truncated_moment(x, order, alpha), whole - rest, 1e-12)
    assert (
        stable.truncated_moment(np.inf, alpha, alpha)
        == stable.abs_moment(alpha, alpha)
        == stable.abs_moment(3, alpha)
        == np.inf
    )
    if alpha < 1.6:
        far = stable.truncated_moment(x, 3.0, alpha)
        judge.exact(far, alpha * c * x ** (3 - alpha) / (3 - alpha), 1e-10)


@pytest.mark.parametrize("alpha", [0.3, 0.8, 1.0, 1.4, 1.9])
@pytest.mark.parametrize("x", [0.1, 1.0, 7.0, 100.0])
def test_mixture_of_gaussians(alpha, x):
    # X = sqrt(2 A) N with A positive alpha/2-stable: P(|X| > x) = integral of P(A > a) d/da erfc(x / (2 sqrt a)).
    log_a = 2 * np.log(x) + np.arange(-6, 60, 0.02)
    kernel = x / (2 * np.sqrt(np.pi)) * np.exp(-0.5 * log_a - x * x / 4 * np.exp(-log_a))
    tail = positive.sf(np.exp(np.minimum(log_a, 700)), alpha / 2)
    judge.exact(stable.abs_sf(x, alpha), np.sum(tail * kernel) * 0.02, 1e-11)


def test_norms():
    # Gaussian: |X|^2 / 2 is chi-squared with d degrees; Cauchy in the plane: P(|X| > r) = (1 + r^2)^(-1/2).
    dim = np.array([1, 2, 7, 1000, 10**6])
    judge.exact(stable.abs_moment(2, 2.0, dim), 2.0 * dim, 1e-12)
    judge.exact(stable.abs_moment(2, 2.0, dim) / dim, np.full(5, 2.0), 1e-12)
    judge.exact(stable.abs_moment(-0.5, 2.0, 7), 2**-0.5 * special.gamma(3.25) / special.gamma(3.5), 1e-12)
    judge.exact(stable.abs_moment(0.5, 1.0, 2), special.gamma(0.25) * special.gamma(1.25) / np.sqrt(np.pi), 1e-12)
    judge.exact(stable.norm_tail_constant(1.0, 2, "III"), 1.0, 1e-13)
    judge.exact(stable.norm_tail_constant(1.3, 1, "III"), stable.tail_constant(1.3), 1e-13)
    judge.exact(stable.norm_tail_constant(1.5, 10**6, 3) / (2e6**0.75 / special.gamma(0.25) * 2**0), 1.0, 1e-6)
    assert stable.norm_tail_constant(2.0, 5, 3) == stable.tail_constant(2.0) == stable.norm_tail_constant(2.0, 5, 1) == 0
    judge.exact(stable.tail_constant(2 - 1e-10) / (2 - (2 - 1e-10)), 1.0, 1e-9)
    for alpha in (0.6, 1.7, 2.0):
        for d in (1, 3, 10**5):
            low, mid, high = (np.log(stable.abs_moment(h, alpha, d)) for h in (-1e-3, 0.0, 1e-3))
            judge.exact(stable.mean_log_norm(alpha, d), (high - low) / 2e-3, 1e-5)
            judge.exact(stable.variance_log_norm(alpha, d), (high + low - 2 * mid) / 1e-6, 2e-3 if d < 10 else 2e-1, spoil=1.5)
    judge.exact(stable.variance_log_norm([0.4, 2.0]), np.pi**2 / 6 * (1 / np.array([0.4, 2.0]) ** 2 + 0.5), 1e-13)


@pytest.mark.parametrize("alpha", INDICES)
def test_the_norm_of_one_coordinate_is_its_modulus(alpha):
    r = np.array([1e-3, 0.1, 1.0, 5.0, 10.0, 14.0])
    r = r if alpha == 2 else np.append(r, [1e3, 1e20])
    judge.exact(norms.norm_sf(r, alpha, 1) / stable.abs_sf(r, alpha), np.ones(len(r)), 1e-11)


@pytest.mark.parametrize("dim", [1, 2, 3, 50, 4000, 10**5])
def test_the_norm_of_a_vector_in_closed_form(dim):
    r = np.sqrt(dim) * np.array([0.1, 0.7, 1.0, 2.0, 5.0, 1e3, 1e9])
    judge.exact(norms.norm_sf(r, 1.0, dim) / stats.f.sf(r**2 / dim, dim, 1), np.ones(7), 1e-10)  # Cauchy
    assert np.max(np.abs(norms.norm_sf(r, 1.0, dim + 1) / stats.f.sf(r**2 / dim, dim, 1) - 1)) > 1e-6
    r = np.sqrt(2 * stats.chi2.isf([0.9, 0.5, 0.01, 1e-9, 1e-12], dim))
    judge.exact(norms.norm_sf(r, 2.0, dim) / stats.chi2.sf(r**2 / 2, dim), np.ones(5), 1e-10)
    judge.exact(norms.norm_sf(r[:3], 2 - 1e-14, dim) / stats.chi2.sf(r[:3] ** 2 / 2, dim), np.ones(3), 1e-9)
    for alpha in (0.3, 1.3, 1.9, 2 - 1e-6):
        far = 1e30 ** (1 / alpha) * np.sqrt(dim)
        judge.exact(norms.norm_sf(far, alpha, dim) * far**alpha / stable.norm_tail_constant(alpha, dim, "III"), 1.0, 1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(("alpha", "dim", "step"), [(0.6, 3, 0.25), (1.3, 40, 0.25), (1.8, 40, 0.1)])
def test_the_norm_of_a_vector_has_its_moments(alpha, dim, step):
    order, log_r = alpha / 2, np.arange(-24.0, 44.0 / alpha, step)
    r = np.exp(log_r)
    # Less the tail exp(-r), whose moment is known: what is left is smooth and falls at either end.
    rest = step * order * np.sum(r**order * (norms.norm_sf(r, alpha, dim) - np.exp(-r)))
    judge.exact(rest + special.gamma(1 + order), stable.abs_moment(order, alpha, dim), 1e-8)


def test_agrees_with_scipy_in_the_bulk():
    x = np.array([0.2, 1.0, 3.0])
    for alpha in (0.7, 1.4, 1.8):
        judge.exact(stable.abs_sf(x, alpha), 2 * stats.levy_stable.sf(x, alpha, 0), 1e-8)


@pytest.mark.parametrize(
    "call",
    [
        lambda: stable.abs_sf(1.0, 0.0),
        lambda: stable.abs_sf(1.0, 2.1),
        lambda: stable.abs_sf(1.0, np.nan),
        lambda: stable.abs_sf(1.0, 1j),
        lambda: stable.abs_sf(np.nan, 1.0),
        lambda: stable.abs_quantile(1.1, 1.0),
        lambda: stable.abs_quantile(-0.1, 1.0),
        lambda: stable.truncated_moment(1.0, -1.0, 1.5),
        lambda: stable.truncated_moment(np.nan, 1.0, 1.5),
        lambda: stable.abs_moment(-2.0, 1.5, 2),
        lambda: stable.abs_moment(1.0, 1.5, 0),
        lambda: stable.abs_moment(1.0, 1.5, 2.5),
        lambda: stable.norm_tail_constant(1.5, 3, "IV"),
        lambda: stable.norm_tail_constant(1.5, 3, 0),
        lambda: stable.tail_constant([1.5, -1.0]),
        lambda: norms.norm_sf(1.0, 2.1, 3),
        lambda: norms.norm_sf(np.nan, 1.5, 3),
        lambda: norms.norm_sf(1.0, 1.5, 0),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()


@pytest.mark.parametrize(("t", "order", "alpha"), [(1e12, 30, 0.3), (1e300, 2, 0.3), (1e12, 30, 1.999), (1e300, 5, 1.0)])
def test_a_truncated_moment_beyond_the_floats_is_infinite(t, order, alpha):
    assert stable.truncated_moment(t, order, alpha) == np.inf
    judge.exact(stable.truncated_moment(1e100, 3.0, 0.3), stable.tail_constant(0.3) / 9 * 1e270, 1e-12)
