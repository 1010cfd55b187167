"""Limits of the relative error of samples with a finite moment."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory.compression.finite_moment import finite_moment_limit as limit
from tests import grades as judge


def test_reference_values():
    found = [limit("normal", 0.1), limit("laplace", 0.1), limit("student", 0.1, parameter=3)]
    found += [limit("stable", 0.1, 1.0, 1.5), limit("normal", 0.1, 1.0)]
    judge.exact(found, [0.7488083437844532, 0.6361183735568997, 0.540520766616724, 0.5310639255102142, 0.7414772877129199])


def test_squares_are_the_compression_curves():
    judge.exact(limit("normal", 0.2) ** 2, 0.35017967592291116)
    judge.exact(limit("laplace", 0.1) ** 2, 0.4046465851766756)
    judge.exact(limit("uniform", 0.3) ** 2, 0.7**3)


LAWS = [("normal", None, stats.norm), ("laplace", None, stats.laplace), ("uniform", None, stats.uniform(-1, 2))]
LAWS += [("student", 2.6, stats.t(2.6)), ("stable", 1.0, stats.cauchy)]


@pytest.mark.parametrize("law, parameter, scipy_law", LAWS, ids=lambda x: str(x)[:8])
@pytest.mark.parametrize("order", [0.5, 0.9, 2.0])
@pytest.mark.parametrize("kappa", [1e-3, 0.4, 0.97])
def test_general_formula(law, parameter, scipy_law, order, kappa):
    """int_0^{1-kappa} Q^q / int_0^1 Q^q, Q the quantile function of |X|."""
    if law == "stable" and order >= parameter:
        assert limit(law, kappa, order, parameter) == 0
        return

    def energy(log_p):  # P(|X| > x) = e^log_p
        return scipy_law.isf(np.exp(log_p) / 2) ** order * np.exp(log_p)

    far = integrate.quad(energy, np.log(kappa) - 300, np.log(kappa), limit=500, epsrel=1e-11)[0]
    near = integrate.quad(energy, np.log(kappa), 0, limit=500, epsrel=1e-11)[0]
    judge.exact(limit(law, kappa, order, parameter), (near / (near + far)) ** (1 / order), tolerance=1e-7)


def test_gaussian_is_the_last_stable_law():
    kappa = np.array([1e-9, 0.1, 0.999])
    judge.exact(limit("stable", kappa, 2.0, 2.0), limit("normal", kappa, 2.0))
    judge.exact(limit("stable", kappa, 1.0, 1.9999), limit("normal", kappa, 1.0), tolerance=1e-3, spoil=1.1)


def test_ends_and_shapes():
    assert limit("normal", 1.0) == limit("stable", 1.0, 1.0, 1.5) == limit("laplace", 1.0) == limit("student", 1.0, 1.0, 3) == 0
    assert limit("student", 0.1, 3.0, 3.0) == 0  # an infinite moment
    assert limit("student", 1e-30, 2.0, 2.001) < 0.99  # the far tail of a barely finite one
    assert limit("stable", np.full((3, 1), 0.1), 1.0, np.array([1.2, 1.5])).shape == (3, 2)
    judge.exact(limit("student", 0.1, parameter=1e7), limit("normal", 0.1), tolerance=1e-6)


@pytest.mark.slow
def test_samples_agree():
    rng = np.random.default_rng(0)
    samples = np.sort(np.abs(rng.laplace(size=(300, 20000))), axis=1)
    errors = np.linalg.norm(samples[:, :18000], axis=1) / np.linalg.norm(samples, axis=1)
    judge.statistical(errors, limit("laplace", 0.1), spoil=1.01)


@pytest.mark.parametrize("arguments, name", [
    (("normal", 0.0), "kappa"), (("normal", 1.1), "kappa"), (("normal", np.nan), "kappa"), (("normal", 0.1, 0.0), "order"),
    (("student", 0.1), "parameter"), (("normal", 0.1, 2.0, 3.0), "parameter"), (("stable", 0.1, 1.0, 2.5), "parameter"),
    (("gamma", 0.1), "law"), (("normal", 0.1 + 0j), "kappa"), (("normal", True), "kappa"),
])  # fmt: skip
def test_bad_input(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        limit(*arguments)
