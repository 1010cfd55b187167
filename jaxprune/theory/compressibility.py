"""How well the largest entries, neurons or singular values represent the rest: one door to the compression theory.

The predictions live in ``finite_moment`` (a constant error), ``heavy_limit`` (an error that vanishes), ``poisson_dirichlet``
(a fixed number kept), ``finite_size`` (exact at any size), ``pruning_ratio`` and ``singular_values``; here are their names
and the bound that counts compressed networks. Sections are those of our notes on Wan et al. 2023.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.finite_moment import finite_moment_limit
from jaxprune.theory.finite_size import gaussian_finite, stable_finite
from jaxprune.theory.heavy_limit import (
    error_cdf,
    error_quantile,
    heavy_limit_moment,
    heavy_limit_quantile,
    pareto_limit_moment,
    required_width,
    required_width_log10,
    tail_limit_moment,
    tail_scale,
)
from jaxprune.theory.poisson_dirichlet import expected_tail_share, kept_for_share, participation
from jaxprune.theory.pruning_ratio import gaussian_pruning_ratio, pruning_ratio_mean, pruning_ratio_quantile
from jaxprune.theory.singular_values import singular_value_limit_gaussian

__all__ = [
    "counting_bound",
    "error_cdf",
    "error_quantile",
    "expected_tail_share",
    "finite_moment_limit",
    "gaussian_finite",
    "gaussian_pruning_ratio",
    "heavy_limit_moment",
    "heavy_limit_quantile",
    "kept_for_share",
    "pareto_limit_moment",
    "participation",
    "pruning_ratio_mean",
    "pruning_ratio_quantile",
    "required_width",
    "required_width_log10",
    "singular_value_limit_gaussian",
    "stable_finite",
    "tail_limit_moment",
    "tail_scale",
]


def counting_bound(
    n: ArrayLike, dim: ArrayLike, kappa: ArrayLike, levels: ArrayLike, samples: ArrayLike, confidence: ArrayLike = 0.95
):
    """What it predicts: a bound of the generalisation gap, for all networks at once that keep kappa n of n neurons.

    Equation: gap <= sqrt((n H(kappa) + kappa n d log(levels) + log(1/delta)) / (2 samples)), delta = 1 - confidence,
    H(kappa) = -kappa log(kappa) - (1-kappa) log(1-kappa), every kept coordinate one of ``levels`` values, losses in [0, 1].
    Regime: holds at every size with probability ``confidence`` (Hoeffding and a union over the networks; not the
    corollary of Wan et al.); above 1 it says nothing. ValueError unless n, dim, levels, samples are whole, kappa n >= 1,
    0 < confidence < 1. Arguments broadcast. Source: section 2.3. Test: tests/theory/test_compressibility.py.
    """
    kappa, n = arguments.kept_of(kappa, n)
    dim, levels, samples = arguments.whole("dim", dim), arguments.whole("levels", levels), arguments.whole("samples", samples)
    confidence = arguments.probability("confidence", confidence)
    entropy = special.entr(kappa) + special.entr(1 - kappa)
    count = n * entropy + kappa * n * dim * np.log(levels) - np.log1p(-confidence)
    return plain(np.sqrt(count / (2 * samples)))
