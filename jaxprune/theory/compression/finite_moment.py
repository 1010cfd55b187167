"""Compression of independent entries with a finite moment: the relative error of the largest tends to a constant.

``err_q(kappa) = |x - x_kept|_q / |x|_q`` keeps the ``floor(kappa n)`` entries of largest magnitude. Derivations:
guide/compression.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments, stable
from jaxprune.theory.arguments import Array, plain

LAWS = ("normal", "laplace", "student", "uniform", "stable")


@arguments.broadcasts
def finite_moment_limit(law: str, kappa: ArrayLike, order: ArrayLike = 2.0, parameter: ArrayLike | None = None):
    """The limit of err_q(kappa) itself (not of its q-th power) as the number of entries grows.

    Equation: err_q^q -> E[|X|^q; |X| <= t] / E|X|^q with P(|X| > t) = kappa. normal: P((q+1)/2, t^2/2); laplace: P(q+1, -log
    kappa); uniform on [-1, 1]: (1-kappa)^{q+1}; student with nu degrees of freedom: I_u((1+q)/2, (nu-q)/2), u = t^2/(nu+t^2);
    stable: the quotient of both moments; P and I are the regularised incomplete gamma and beta functions. Where E|X|^q is
    infinite (student q >= nu, stable q >= alpha < 2) it is 0, which is the limit there; ``heavy_limit_moment`` says at what
    rate. Regime: limit, almost sure. Source: guide/compression.md, Finite moment.

    Args:
        law: Law of the entries, "normal", "laplace", "student", "uniform" or "stable".
        kappa: Fraction of the entries kept, in (0, 1].
        order: The q of the norm, > 0.
        parameter: nu > 0 of "student", alpha in (0, 2] of "stable"; None for the other laws.

    Returns:
        The error, in [0, 1], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For an unknown law, kappa outside (0, 1], order <= 0, and a parameter that is missing, outside or not asked
            for.
    """
    kappa, order = arguments.fraction_kept(kappa), arguments.positive("order", order, "give the q of l_q")
    arguments.choice("law", law, LAWS)
    if (parameter is None) == (law in ("student", "stable")):
        raise ValueError(f"parameter: {parameter!r} with law {law!r}; student takes nu, stable takes alpha, the others none")
    with np.errstate(all="ignore"):
        if law == "normal":
            energy = special.gammainc((order + 1) / 2, special.erfcinv(kappa) ** 2)
        elif law == "laplace":
            energy = special.gammainc(order + 1, -np.log(kappa))
        elif law == "uniform":
            energy = (1 - kappa) ** (order + 1)
        elif law == "student":
            energy = _student(kappa, order, arguments.positive("parameter", np.asarray(parameter), "give nu"))
        else:
            energy = _stable(kappa, order, arguments.inside("parameter", np.asarray(parameter), 0, 2, "(]", "give alpha"))
        return plain(energy ** (1 / order))


def _student(kappa: Array, order: Array, nu: Array) -> Array:
    """From u or 1 - u, whichever is small."""
    far, near = special.betaincinv(nu / 2, 0.5, kappa), special.betainccinv(0.5, nu / 2, kappa)
    first, second = (1 + order) / 2, np.where(order < nu, (nu - order) / 2, 1.0)
    energy = np.where(far < 0.5, special.betaincc(second, first, far), special.betainc(first, second, near))
    return np.where(order < nu, energy, 0.0)


def _stable(kappa: Array, order: Array, alpha: Array) -> Array:
    kappa, order, alpha = np.broadcast_arrays(kappa, order, alpha)
    gaussian, light = alpha == 2, order < alpha
    safe = np.where(light & ~gaussian, order, alpha / 2)
    cut = stable.abs_quantile(kappa, alpha)
    energy = stable.truncated_moment(cut, safe, alpha) / stable.abs_moment(safe, alpha)
    normal = special.gammainc((order + 1) / 2, special.erfcinv(kappa) ** 2)
    return np.where(gaussian, normal, np.where(light, energy, 0.0))
