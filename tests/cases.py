"""Reference cases of the least-squares system: problems built as a user would, numbers from tests/data."""

import json
from pathlib import Path

import numpy as np
import scipy.fft

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian

DATA = json.loads((Path(__file__).parent / "data" / "least_squares.json").read_text())
CASES = DATA["cases"]
MICRO = DATA["micro"]
DIAGONAL = [c for c in CASES if "spectrum" in c]


def spectrum(kind, dim):
    options = {k: v for k, v in kind.items() if k != "type"}
    if kind["type"] == "bilevel":
        return spectra.spiked(dim, options["k"], options["high"], options["low"])
    named = dict(constant=spectra.constant, power=spectra.power, exp=spectra.exponential, linear=spectra.linear)
    return named[kind["type"]](dim, **options)


def covariance(kind, dim):
    if kind["type"] == "ar1":
        return spectra.ar1(dim, kind["rho"])
    if kind["type"] == "equi":
        return spectra.equicorrelated(dim, kind["rho"])
    if kind["type"] == "rank_one":
        return spectra.rank_one(spectra.power(dim, kind["direction"]["exponent"]))
    dct = scipy.fft.dct(np.eye(dim), norm="ortho", axis=0)
    return dct.T @ np.diag(spectrum(kind["spectrum"], dim)) @ dct


def teacher(kind, dim):
    ones, signal = np.ones(dim), kind["norm"] ** 2
    if kind["type"] == "cos_sq":
        return teachers.cosine(ones, signal)
    if kind["type"] == "constant":
        return teachers.constant(ones, signal)
    if kind["type"] == "power":
        return teachers.power(ones, kind["exponent"], signal)
    return teachers.linear(ones, kind["first"], kind["last"], signal, kind.get("alternate", False))


def problem(case):
    beta = teacher(case["teacher"], case["d"])
    if "spectrum" in case:
        return LinearGaussian(spectrum(case["spectrum"], case["d"]), beta, case["noise"], case["n"])
    return LinearGaussian.from_covariance(covariance(case["covariance"], case["d"]), beta, case["noise"], case["n"])


def ident(case):
    return case["id"]
