"""Matrix-Project (Arora, Ge, Neyshabur and Zhang 2018): A is replaced by (1/k) sum_l <A, M_l> M_l, k matrices of random signs.

Derivations: guide/matrices.md, Matrix-Project.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.matrices import checks

RULES = ("paper", "gauss", "safe")


@arguments.broadcasts
def matrix_project_count(eps: ArrayLike, eta: ArrayLike, rule: str):
    """The number of sign matrices for |u'(A^ - A)v| < eps ||A||_F |u| |v| except with probability ``eta``, fixed u and v.

    Equation: ``rule`` "paper" ceil(log(1/eta)/eps^2), which does not reach eta; "gauss" ceil(4 erfcinv(eta)^2/eps^2), which
    does where the error is normal, for the worst u and v; "safe" ceil(log(4/eta)/(eps^2/4 - eps^3/6)), always. Regime: "safe"
    proved at every size (Achlioptas' lemma), "gauss" a limit of small eps. Source: guide/matrices.md, Matrix-Project.

    Args:
        eps: Relative error, in (0, 1).
        eta: Probability of failure, in (0, 1).
        rule: Which count, "paper", "gauss" or "safe"; one word.

    Returns:
        Whole numbers >= 1 as floats, to 14 digits, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless 0 < eps, eta < 1, for another rule, and for a count that is no float.
    """
    eps, eta = arguments.relative_error("eps", eps), arguments.probability("eta", eta)
    arguments.choice("rule", rule, RULES)
    with np.errstate(over="ignore", divide="ignore"):
        if rule == "paper":
            count = -np.log(eta) / eps / eps
        elif rule == "gauss":
            count = (2 * special.erfcinv(eta) / eps) ** 2
        else:
            count = (np.log(4) - np.log(eta)) / eps / eps / (1 / 4 - eps / 6)
    return checks.representable("eps", checks.whole_above(count), "raise it")


@arguments.broadcasts
def matrix_project_failure(k: ArrayLike, eps: ArrayLike, rho: ArrayLike):
    """P(|u'(A^ - A)v| >= eps ||A||_F |u| |v|) with ``k`` sign matrices.

    Equation: erfc(eps sqrt(k / (2 (1 + rho^2)))), the error being normal of variance (1 + rho^2)/k. Regime: limit of many sign
    matrices and of A u v spread over many entries. Source: guide/matrices.md, Matrix-Project.

    Args:
        k: Number of sign matrices, whole and >= 1.
        eps: Relative error, in (0, 1).
        rho: u'Av / (||A||_F |u| |v|), in [-1, 1].

    Returns:
        The probability, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless k >= 1 is whole, 0 < eps < 1, -1 <= rho <= 1.
    """
    k, eps = arguments.whole("k", k), arguments.relative_error("eps", eps)
    rho = arguments.inside("rho", rho, -1, 1, "[]", "give the cosine between A and u v'")
    return plain(special.erfc(eps * np.sqrt(k / (2 * (1 + rho**2)))))
