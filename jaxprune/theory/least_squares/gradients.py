"""Derivatives of the theory, by the implicit function theorem: O(p) for all of them at once.

Each function gives the value and its derivatives in ``eigs`` (p,), ``teacher`` (p,), ``noise``, ``ridge`` and ``n``, a
real number here. The effective ridge nu and the threshold t are implicit functions, differentiated as such; the pruned
risk is smooth in the problem although pruning is not smooth in the coefficients. ``kept`` stands still.

There is no derivative where the rank meets n without ridge (the risks are infinite), nor in an eigenvalue that is zero
below it (the rank would change): ValueError, and NaN. A zero eigenvalue above the threshold has a one-sided one. Equal
eigenvalues, and ties among scores, are ordinary points: ties are broken by the noise, unless nothing is noisy, where
the pruned risk jumps: ValueError.
Equations are numbered as in guide/least_squares.md; every equation is written out where it is used.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import truncated
from jaxprune.theory.least_squares.fit import Array, Fit, first_fit, solve_ridge


class Gradient(NamedTuple):
    """A ``value`` and its derivatives in ``eigs`` (p,), ``teacher`` (p,), ``noise``, ``ridge`` and ``n``."""

    value: float
    eigs: Array
    teacher: Array
    noise: float
    ridge: float
    n: float


def effective_ridge(eigs: ArrayLike, n: float, ridge: float = 0.0) -> Gradient:
    """The effective ridge nu and its derivatives (0 in the teacher and the noise).

    Equation: with D = sum eigs/(eigs+nu)^2 + ridge/nu^2: d nu/d eigs_i = nu/((eigs_i+nu)^2 D), d nu/d ridge = 1/(nu D),
    d nu/d n = -1/D; sum eigs_i d nu/d eigs_i + ridge d nu/d ridge = nu. Below the threshold without ridge nu is 0 and
    d nu/d ridge = 1/(n - rank). Regime: that of ``diagonal.effective_ridge``.
    Source: guide/least_squares.md, Effective ridge.

    Args:
        eigs: Variances of the features (p,), >= 0 and not all zero, float64.
        n: Number of samples, a real number > 0.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The ``Gradient`` of nu.

    Raises:
        ValueError: For an argument of another type, shape or range, and at rank n without ridge.
    """
    eigs = arguments.spectrum(eigs)
    n, ridge = _size(n), arguments.non_negative("ridge", ridge)
    live = eigs > 0
    nu = solve_ridge(eigs[live], np.ones(np.count_nonzero(live)), n, ridge)
    _away_from_threshold(nu, int(np.count_nonzero(live)), n)
    return Gradient(nu, *_nu_slopes(eigs, nu, n, ridge))


def risk(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: float, ridge: float = 0.0) -> Gradient:
    """The dense risk and its derivatives.

    Equation: gamma = A/K with A = noise^2 + sum eigs teacher^2 (1-theta)^2, K = 1 - sum theta^2/n;
    d gamma = (dA - gamma dK)/K, both through nu. Regime: that of ``least_squares.risk``.
    Source: guide/least_squares.md, Derivatives.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, a real number > 0.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The ``Gradient`` of the risk.

    Raises:
        ValueError: For an argument of another type, shape or range, and at rank n without ridge.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    n, ridge = _size(n), arguments.non_negative("ridge", ridge)
    return _risk(eigs, teacher, noise, n, ridge)[0]


def pruned_risk(
    eigs: ArrayLike, teacher: ArrayLike, noise: float, n: float, kept: int, rule: str = "magnitude", ridge: float = 0.0
) -> Gradient:
    """The risk after keeping ``kept`` coefficients of the fit, and its derivatives.

    Equation: (11); the threshold t of sum_i P(|X_i| > t/w_i) = kept moves by dt = -(sum dP at fixed t) / (dP/dt).
    Regime: that of ``least_squares.pruned_risk``. Source: guide/least_squares.md, Derivatives.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, a real number > 0.
        kept: How many coefficients are kept, an integer in 0 .. p.
        rule: "magnitude" or "hessian"; see guide/least_squares.md, Pruning rules.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The ``Gradient`` of the risk.

    Raises:
        ValueError: For an argument of another type, shape or range, at rank n without ridge, and where the fit is exact:
            nothing is random then, and the risk jumps.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    n, ridge = _size(n), arguments.non_negative("ridge", ridge)
    kept = arguments.integer("kept", kept, 0, len(eigs))
    arguments.choice("rule", rule, ("magnitude", "hessian"))
    dense, nu, fit, live = _risk(eigs, teacher, noise, n, ridge)
    if fit.risk == 0:
        raise ValueError(f"noise: {noise} leaves an exact fit, whose pruned risk jumps from one support to another")
    if kept >= np.count_nonzero(live):
        return dense
    if kept == 0:
        null = noise**2 + float(np.sum(eigs * teacher**2))
        return Gradient(null, teacher**2, 2 * eigs * teacher, 2 * noise, 0.0, 0.0)
    own = _pruned_slopes(eigs[live], teacher[live], fit, nu, n, kept, rule)
    return _through_fit(own, noise, dense, Gradient(nu, *_nu_slopes(eigs, nu, n, ridge)), eigs, teacher, live)


class _Slopes(NamedTuple):
    """The pruned risk without noise^2, and its partial derivatives on the live coordinates, nu, gamma and n apart."""

    value: float
    eigs: Array
    teacher: Array
    nu: float
    gamma: float
    n: float


def _risk(eigs, teacher, noise, n, ridge):
    """Gradient of the dense risk, nu, the fit on positive eigenvalues, and which these are."""
    live = eigs > 0
    lam, rank = eigs[live], int(np.count_nonzero(live))
    nu = solve_ridge(lam, np.ones(rank), n, ridge)
    _away_from_threshold(nu, rank, n)
    fit = first_fit(lam, teacher[live], noise, n, ridge)
    if nu > 0:
        size = eigs + nu
        shrink, bias = eigs / size, nu / size
    else:
        size, shrink, bias = np.where(live, eigs, np.nan), np.where(live, 1.0, np.nan), np.where(live, 0.0, np.nan)
    slack = (np.sum(fit.shrink * fit.bias) + ridge / nu) / n if nu > 0 else 1 - rank / n
    gamma = fit.risk
    in_eigs = (teacher**2 * bias**2 * (1 - 2 * shrink) + 2 * gamma * shrink * bias / (n * size)) / slack
    in_nu = 2 * np.nansum(shrink**2 * (teacher**2 * bias - gamma / (n * size))) / slack
    slopes = _nu_slopes(eigs, nu, n, ridge)
    gradient = Gradient(
        gamma,
        in_eigs + in_nu * slopes[0],
        np.where(live, 2 * eigs * teacher * np.nan_to_num(bias) ** 2 / slack, 0.0),
        float(2 * noise / slack),
        float(in_nu * slopes[3]),
        float(in_nu * slopes[4] - gamma * np.nansum(shrink**2) / n**2 / slack),
    )
    return gradient, nu, fit, live


def _nu_slopes(eigs, nu, n, ridge):
    """Derivatives of nu in eigs, teacher, noise, ridge and n."""
    nothing, live = np.zeros_like(eigs), eigs > 0
    if nu == 0:
        return np.where(live, 0.0, np.nan), nothing, 0.0, 1 / (n - np.count_nonzero(live)), 0.0
    steep = float(np.sum(eigs / (eigs + nu) ** 2)) + ridge / nu**2
    return nu / (eigs + nu) ** 2 / steep, nothing, 0.0, 1 / (nu * steep), -1 / steep


def _pruned_slopes(lam, beta, fit: Fit, nu, n, kept, rule) -> _Slopes:
    """Partial derivatives of sum lam E (T - beta)^2 with T the kept part of X ~ N(theta beta, sd^2), threshold included."""
    weight = np.sqrt(lam) if rule == "hessian" else np.ones_like(lam)
    mean, sd = fit.shrink * beta, fit.sd
    cut = truncated.threshold(mean, sd, weight, np.array([kept]))[0] / weight
    upper, lower = (cut - mean) / sd, (-cut - mean) / sd
    up, low = (np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sd) for z in (upper, lower))  # densities of X at the cuts
    kept_law = truncated.moments(mean / sd, cut / sd)
    share, first, second = kept_law.share, kept_law.first, kept_law.second
    wrong = mean - beta
    loss = kept_law.lost * beta**2 + share * wrong**2 + 2 * wrong * sd * first + second * sd**2
    # What a coefficient at either cut would add to the loss if it were kept:
    jump_up, jump_low = cut * (cut - 2 * beta) * up, cut * (cut + 2 * beta) * low
    # Moving t must leave the expected count alone: every coordinate pays its part of the count at this price.
    price = -np.sum(lam * (jump_up + jump_low) / weight) / np.sum((up + low) / weight)
    in_mean = lam * (2 * (wrong * share + sd * first) + jump_up - jump_low) + price * (up - low)
    in_sd = lam * (2 * (wrong * first + sd * second) + upper * jump_up - lower * jump_low) + price * (upper * up - lower * low)
    in_cut = -lam * (jump_up + jump_low) - price * (up + low)
    in_lam = loss + in_mean * beta * fit.bias / (lam + nu) + in_sd * sd * (0.5 / lam - 1 / (lam + nu))
    if rule == "hessian":
        in_lam = in_lam - 0.5 * in_cut * cut / lam
    return _Slopes(
        float(np.sum(lam * loss)),
        in_lam,
        -2 * lam * (wrong * share + sd * first) + 2 * lam * kept_law.lost * beta + in_mean * fit.shrink,
        float(-np.sum((in_mean * beta * fit.shrink + in_sd * sd) / (lam + nu))),
        float(np.sum(in_sd * sd)) / (2 * fit.risk),
        float(-np.sum(in_sd * sd)) / (2 * n),
    )


def _through_fit(own: _Slopes, noise, dense: Gradient, nu: Gradient, eigs, teacher, live) -> Gradient:
    """The chain rule: the law of the coefficients moves with nu and gamma."""
    # A coefficient of vanishing variance is lost, and so costs all of its energy.
    in_eigs, in_teacher = np.array(teacher**2), np.zeros_like(teacher)
    in_eigs[live], in_teacher[live] = own.eigs, own.teacher
    return Gradient(
        noise**2 + own.value,
        in_eigs + own.nu * nu.eigs + own.gamma * dense.eigs,
        in_teacher + own.gamma * dense.teacher,
        2 * noise + own.gamma * dense.noise,
        own.nu * nu.ridge + own.gamma * dense.ridge,
        own.n + own.nu * nu.n + own.gamma * dense.n,
    )


def _size(n: float) -> float:
    n = arguments.non_negative("n", n)
    if n == 0:
        raise ValueError("n: 0 samples teach nothing; use a number > 0")
    return n


def _away_from_threshold(nu: float, rank: int, n: float) -> None:
    if nu == 0 and rank >= n:
        raise ValueError(f"n: {n} is the rank of the covariance, where the risk without ridge is infinite")
