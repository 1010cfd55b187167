"""A stochastic predictor pays for what a coded one does not."""

import numpy as np
import pytest
from scipy import special

from jaxprune.theory import bounds
from jaxprune.theory.bounds import certificates, codes, pac_bayes
from tests import grades as judge


def test_for_one_coded_predictor_the_infimum_is_the_inverse():
    rng = np.random.default_rng(0)
    risk, nats, m = rng.random(400), 10 ** rng.uniform(-1, 5, 400), rng.integers(2, 10**6, 400)
    risk[:50] = 0
    expected = bounds.occam_kl(risk, nats, m, 0.05)
    judge.exact(pac_bayes.catoni_free(risk, nats, m, 0.05), expected, 1e-12)
    g = np.exp(np.linspace(-8, 5, 40_000))[:, None]  # the infimum by trying
    q, c = risk[60:70], (nats[60:70] - np.log(0.05)) / m[60:70]
    tried = np.min(np.expm1(-g * q - c) / np.expm1(-g), axis=0)
    np.testing.assert_allclose(np.minimum(tried, 1), expected[60:70], rtol=1e-5)
    assert not np.allclose(np.minimum(tried, 1), bounds.occam_kl(q, 1.1 * nats[60:70], m[60:70], 0.05), rtol=1e-3)


def test_a_stochastic_predictor_pays():
    rng = np.random.default_rng(1)
    risk, nats, m = rng.random(200) * 0.5, 10 ** rng.uniform(0, 4, 200), rng.integers(10, 10**6, 200)
    free = bounds.occam_kl(risk, nats, m, 0.05)
    for paid in (pac_bayes.pac_bayes_kl(risk, nats, m, 0.05), pac_bayes.catoni(risk, nats, m, 0.05)):
        assert np.all(paid >= free) and np.any(paid > 1.001 * free)


def test_catoni_by_hand():
    """At every parameter of a grid of its own it is not above; and it is the best of such, to a thousandth."""
    m, nats, risk, a = 10_000, 200.0, 0.1, 1.1
    found = pac_bayes.catoni(risk, nats, m, 0.05, ratio=a)
    size = np.geomspace(2, 5e5, 20_000)
    grid = 2 * np.log(np.log(a**2 * size) / np.log(a))
    inside = risk + a / size * (nats + np.log(20) + grid)
    tried = np.min(np.expm1(-size / m * inside) / np.expm1(-size / m))
    judge.exact(found, tried, 1e-4)
    assert isinstance(found, float) and pac_bayes.catoni([0.1, 0.2], nats, [[m], [2 * m]], 0.05).shape == (2, 2)
    assert pac_bayes.catoni(0.9, 1e6, 10, 0.05) == 1


def test_maurers_constant():
    """sum_k C(m, k) (k/m)^k (1 - k/m)^(m-k) <= 2 sqrt(m), for every m that is tried, also below 8."""
    for m in [*range(1, 60), 1000, 10_000]:
        k = np.arange(m + 1)
        terms = codes.log_binomial(m, k) + special.xlogy(k, k / m) + special.xlogy(m - k, 1 - k / m)
        assert 0.55 * 2 * np.sqrt(m) < np.sum(np.exp(terms)) <= 2 * np.sqrt(m) * (1 + 1e-12)


def test_certificates_carry_what_they_assume():
    one = certificates.occam_kl(0.1, codes.values_only(100, 6), 10_000, 0.05)
    assert codes.FIXED_SUPPORT in one.assumes and one.failure == 0.05
    judge.exact(one.bound, bounds.occam_kl(0.1, 700 * np.log(2), 10_000, 0.05))
    assert codes.FIXED_SUPPORT not in certificates.occam_gap(70.0, 100, 0.05).assumes
    mixed = certificates.stochastic(0.1, 50.0, 1000, 0.05)
    assert mixed.bound == min(pac_bayes.pac_bayes_kl(0.1, 50.0, 1000, 0.025), pac_bayes.catoni(0.1, 50.0, 1000, 0.025))
    judge.exact(certificates.compressed_size(800, 1000, 0.1).bound, bounds.compressed_size_gap(800, 1000, 0.1))
    judge.exact(
        certificates.noise_stable(99.5, 32 * np.log(2), 10_000, 0.1).bound, bounds.occam_gap(3200 * np.log(2), 10_000, 0.1)
    )


@pytest.mark.parametrize(
    "call, name",
    [
        (lambda: pac_bayes.pac_bayes_kl(1.1, 1.0, 10, 0.1), "risk"), (lambda: pac_bayes.pac_bayes_kl(0.1, -1.0, 10, 0.1), "nats"),
        (lambda: pac_bayes.catoni(0.1, 1.0, 0, 0.1), "m"), (lambda: pac_bayes.catoni(0.1, 1.0, 10, 1.0), "delta"),
        (lambda: pac_bayes.catoni(0.1, 1.0, 10, 0.1, ratio=1.0), "ratio"), (lambda: pac_bayes.catoni_free(0.1, 0.0, 10, 0.1), "nats"),
        (lambda: certificates.noise_stable(0.0, 1.0, 10, 0.1), "parameters"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
