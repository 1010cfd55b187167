"""What light tails would keep: the fraction of Gaussian entries, rows and singular values at a given error.

Derivations: guide/matrices.md, Light tails.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, optimize, stats

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain


@arguments.broadcasts
def gaussian_kept(eps: ArrayLike, size: ArrayLike = 1):
    """The fraction of independent Gaussian groups of ``size`` entries whose loss is a relative Frobenius error ``eps``.

    Equation: P(chi2_size > t), where P(chi2_(size+2) <= t) = eps^2: the groups of smallest energy hold that share of it.
    Regime: limit of many groups. Source: guide/matrices.md, Light tails.

    Args:
        eps: Relative Frobenius error, in (0, 1).
        size: Entries of a group, whole and >= 1 (1: single entries; n2: rows of an n1 x n2 matrix).

    Returns:
        The fraction, in (0, 1), of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For what is outside.
    """
    share = arguments.relative_error("eps", eps) ** 2
    size = arguments.whole("size", size)
    return plain(stats.chi2.sf(stats.chi2.ppf(share, size + 2), size))


def marchenko_pastur_kept(eps: float, aspect: float) -> float:
    """The fraction of singular values of a matrix of independent entries that a relative Frobenius error ``eps`` keeps.

    Equation: the share above t of the law of Marchenko and Pastur with ratio y = ``aspect``, where the eigenvalues below t hold
    eps^2 of their mean. Regime: limit of large matrices whose entries have a finite variance.
    Source: guide/matrices.md, Light tails.

    Args:
        eps: Relative Frobenius error, a number in (0, 1).
        aspect: Smaller side over the larger, a number in (0, 1].

    Returns:
        The fraction, in (0, 1).

    Raises:
        ValueError: For what is outside.
    """
    share = float(arguments.relative_error("eps", eps)) ** 2
    y = float(arguments.inside("aspect", aspect, 0, 1, "(]", "give the smaller side over the larger"))
    low, high = (1 - y**0.5) ** 2, (1 + y**0.5) ** 2

    def below(angle: float, power: int) -> float:
        # The eigenvalue low + (high - low) sin(angle/2)^2 takes the roots at both edges away.
        def density(a):
            sine = np.sin(a / 2) ** 2
            value = low + (high - low) * sine
            share = sine / value if value else 1 / (high - low)
            return (high - low) ** 2 * np.cos(a / 2) ** 2 * share * value**power / (2 * np.pi * y)

        return integrate.quad(density, 0, angle, epsabs=0, epsrel=1e-11, limit=200)[0]

    edge: Any = optimize.brentq(lambda angle: below(angle, 1) - share, 0, np.pi, xtol=1e-14)
    return 1 - below(edge, 0)
