"""Tail constants of entry laws, and what their bulk does. Derivations: guide/matrices.md, Setting."""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments, stable
from jaxprune.theory.arguments import plain
from jaxprune.theory.matrices import checks
from jaxprune.theory.numerics.gamma import log_ratio

LAWS = ("pareto", "stable", "student")


def tail_constant(law: str, tail_index: ArrayLike):
    """The C of P(|a| > t) ~ C t^-alpha.

    Equation: "pareto" of scale 1: 1; "stable", E exp(iua) = exp(-|u|^alpha): (2/pi) Gamma(alpha) sin(pi alpha/2), alpha < 2;
    "student" with nu = alpha degrees of freedom: 2 Gamma((nu+1)/2) nu^(nu/2-1) / (sqrt(pi) Gamma(nu/2)). Regime: exact
    constants; only of Pareto's law is the tail a power at every t >= 1. Source: guide/matrices.md, Setting.

    Args:
        law: Law of the entries, "pareto", "stable" or "student".
        tail_index: Index alpha, > 0, of a stable law below 2; of any shape.

    Returns:
        The constant C, > 0, of the shape of ``tail_index``; a float for a scalar.

    Raises:
        ValueError: For another law, unless 0 < tail_index < inf, for a stable law from 2 on (that of index 2 is normal), and
            for a constant that is no float.
    """
    arguments.choice("law", law, LAWS)
    if law == "stable":
        cure = "the stable law of index 2 is normal and has no power tail"
        return stable.tail_constant(arguments.inside("tail_index", tail_index, 0, 2, "()", cure))
    alpha = checks.tail_index(tail_index)
    if law == "pareto":
        return checks.representable("tail_index", np.ones_like(alpha), "")
    with np.errstate(over="ignore"):
        log = np.log(2 / np.sqrt(np.pi)) + log_ratio(alpha / 2, 0.5) + (alpha / 2 - 1) * np.log(alpha)
        return checks.representable("tail_index", np.exp(log), "lower it")


@arguments.broadcasts
def distinct_rows(s: ArrayLike, n1: ArrayLike):
    """The probability that ``s`` kept entries lie in distinct ones of ``n1`` rows. If also in distinct columns, A_s is a scaled
    partial permutation, whose singular values are the magnitudes kept.

    Equation: prod_{i<s} (1 - i/n1), about exp(-s^2/(2 n1)); 0 for s > n1. Regime: limit of many columns, round-off s log(n1)
    1e-16. Source: guide/matrices.md, Bilinear forms.

    Args:
        s, n1: Number of kept entries, whole and >= 0, and of rows, whole and >= 1.

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless s >= 0 and n1 >= 1 are whole.
    """
    kept, rows = np.broadcast_arrays(arguments.whole("s", s, 0), arguments.whole("n1", n1))
    fits = kept <= rows
    few = np.where(fits, kept, 0)
    return plain(np.where(fits, np.exp(log_ratio(rows - few + 1, few) - few * np.log(rows)), 0.0))
