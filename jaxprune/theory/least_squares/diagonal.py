"""Risks of pruned and retrained least squares for a Gaussian design with diagonal covariance.

``eigs`` (p,), ``teacher`` (p,) and ``noise`` (a standard deviation) describe the reduced problem of one width
(see ``reduce``); every risk includes ``noise**2``. ``kept`` is an integer or an array of integers; the answer has
its shape. ``ridge`` is the penalty of the first fit.
Equations are numbered as in guide/least_squares.md; every equation is written out where it is used.

At rank n the first fit is at the interpolation threshold: its risk and that of every model pruned from it is
``inf`` (0 excess when nothing is noisy). A model that is retrained after choosing by that fit has a finite risk: see
``retrained_risk``.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.least_squares import refit, truncated
from jaxprune.theory.least_squares.fit import Fit, first_fit, solve_ridge
from jaxprune.theory.least_squares.order import descending
from jaxprune.theory.least_squares.truncated import Moments

Array = NDArray[np.float64]
RULES = ("magnitude", "hessian", "oracle", "random")
BY_FIT = ("magnitude", "hessian")
SAMPLES = ("same", "fresh")
NOISELESS = 1e-9  # of the smallest coefficient kept: less noise is lost in the digits of its threshold


def reduce(eigs: ArrayLike, teacher: ArrayLike, noise: float, width: int) -> tuple[Array, Array, float]:
    """The problem seen by a model of the first ``width`` features.

    Equation: noise_p^2 = noise^2 + sum over the unused features of eigs * teacher^2 (2). Regime: exact.
    Source: guide/least_squares.md, A width.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (d,), float64.
        noise: Standard deviation of the label noise, >= 0.
        width: How many features the model uses, in 1 .. d.

    Returns:
        ``(eigs, teacher, noise)`` of the reduced problem, of shapes (width,), (width,) and ().

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    width = arguments.integer("width", width, 1, len(eigs))
    unused = float(np.sum(eigs[width:] * teacher[width:] ** 2))
    return eigs[:width], teacher[:width], float(np.sqrt(noise**2 + unused))


def effective_ridge(eigs: ArrayLike, n: int, ridge: float = 0.0) -> float:
    """The effective ridge nu of a fit to n samples; 0 when ridge = 0 and the rank is at most n.

    Equation: sum_i eigs_i / (eigs_i + nu) + ridge / nu = n (6). Regime: deterministic equivalent, relative error
    of the risks O(1/n). Source: guide/least_squares.md, Effective ridge.
    """
    eigs = arguments.spectrum(eigs)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    return solve_ridge(eigs[eigs > 0], np.ones(np.count_nonzero(eigs)), n, ridge)


def risk(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, ridge: float = 0.0) -> float:
    """The risk of the dense model.

    Equation: gamma = (noise^2 + sum eigs teacher^2 (1-theta)^2) / (1 - sum theta^2 / n), theta = eigs/(eigs+nu) (7).
    Regime: limit, relative error O(1/n). Source: guide/least_squares.md, The Gaussian law of a fit.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        ridge: Penalty of the fit, >= 0: the factor of |coefficients|^2 beside the sum of squares.

    Returns:
        The risk, ``noise**2`` included; ``inf`` at rank n without ridge, unless nothing is noisy.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    live = eigs > 0
    return first_fit(eigs[live], teacher[live], noise, n, ridge).risk


def pruned_risk(
    eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, kept: ArrayLike, rule: str = "magnitude", ridge: float = 0.0
) -> Any:
    """The risk after keeping ``kept`` coefficients of the fit by ``rule``.

    Equation: noise^2 + sum eigs_i E (X_i 1{i kept} - teacher_i)^2, X_i ~ N(theta_i teacher_i, sd_i^2), with
    truncated moments at the threshold that keeps ``kept`` on average (10, 11); the sets of ``oracle`` and
    ``random`` do not depend on the fit. Regime: limit, relative error O(1/n).
    Source: guide/least_squares.md, The risk after pruning.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, in 0 .. p: an integer, or integers of any shape.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        ridge: Penalty of the fit, >= 0.

    Returns:
        The risk, ``noise**2`` included: a float for one count, else an array in the shape of ``kept``.

    Raises:
        ValueError: For an argument of another type, shape or range.
    """
    eigs, teacher, noise, n, kept, ridge = _problem(eigs, teacher, noise, n, kept, rule, ridge)
    live = eigs > 0
    lam, beta = eigs[live], teacher[live]
    fit = first_fit(lam, beta, noise, n, ridge)
    counts, where = np.unique(kept, return_inverse=True)
    if np.isinf(fit.risk):
        risks = np.where(np.minimum(counts, len(lam)) > 0, np.inf, noise**2 + float(np.sum(lam * beta**2)))
    else:
        cut = _support(eigs, teacher, live, fit, counts, rule)
        wrong = cut.lost * beta**2 + cut.share * (fit.bias * beta) ** 2 + cut.second * fit.sd**2
        risks = noise**2 + np.sum(lam * (wrong - 2 * cut.first * fit.bias * beta * fit.sd), axis=-1)
    return _shaped(risks[where], kept)


def retrained_risk(
    eigs: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: ArrayLike,
    rule: str = "magnitude",
    sample: str = "same",
    ridge: float = 0.0,
) -> Any:
    """The risk after refitting the kept coefficients by least squares without penalty.

    ``sample="fresh"`` refits on an independent sample of size n (12), ``"same"`` on the training sample (13: a
    two-stage state evolution, which knows that the support was chosen on these data). Supports that do not look
    at the data (``oracle``, ``random``) have the same risk on both. Regime: limit, relative error O(1/n).
    At rank n the noise of the first fit outgrows every coefficient: it chooses by weight |h| / sqrt(eigs), h ~ N(0, 1),
    which tells nothing of the data, and (13) turns into (12). That limit asks for coefficients that are small beside the
    noise, sqrt(eigs) |teacher| << noise, and on the same sample the gap to it may need n in the thousands to close.
    Source: guide/least_squares.md, Retraining on a fresh sample; guide/least_squares.md, Retraining on the same sample.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1, of the first fit and of the second.
        kept: How many coefficients are kept, in 0 .. p: an integer, or integers of any shape.
        rule: "magnitude", "hessian", "oracle" or "random"; see guide/least_squares.md, Pruning rules.
        sample: "same" or "fresh": what the kept coefficients are refitted on.
        ridge: Penalty of the first fit, >= 0.

    Returns:
        The risk, ``noise**2`` included: a float for one count, else an array in the shape of ``kept``.

    Raises:
        ValueError: For an argument of another type, shape or range, and where n coefficients are refitted, with noise: the
            refit is then at its own threshold.
    """
    eigs, teacher, noise, n, kept, ridge = _problem(eigs, teacher, noise, n, kept, rule, ridge)
    arguments.choice("sample", sample, SAMPLES)
    live = eigs > 0
    lam, beta = eigs[live], teacher[live]
    counts, where = np.unique(kept, return_inverse=True)
    fit = first_fit(lam, beta, noise, n, ridge)
    support = _support(eigs, teacher, live, fit, counts, rule)
    noisy = noise**2 + support.lost @ (lam * beta**2) > 0
    if np.any(at := noisy & (np.abs(refit_ranks(eigs, teacher, counts, rule) - n) < 1e-9 * n)):
        raise ValueError(
            f"kept: {counts[at][0]} puts the refit at its interpolation threshold n = {n}, where the risk diverges"
        )
    supports = [Moments(*(m[k] for m in support)) for k in range(len(counts))]
    # Where nothing is lost there was no choice, and at rank n the choice is blind: nothing to remember.
    chosen = sample == "same" and rule in BY_FIT and 0 < fit.risk < np.inf
    refits = [refit.same_sample if chosen and np.any(kept.lost) else refit.fresh_sample for kept in supports]
    risks = np.array([second(lam, beta, noise, n, fit, kept) for second, kept in zip(refits, supports, strict=True)])
    return _shaped(risks[where], kept)


def refit_ranks(eigs: Array, teacher: Array, counts: NDArray[np.int64], rule: str) -> Array:
    """How many features that vary each of ``counts`` (K,) refits; under ``random``, the mean of it."""
    if rule in BY_FIT:
        return np.minimum(counts, np.count_nonzero(eigs)).astype(float)
    return np.sum(_fixed_shares(eigs, teacher, eigs > 0, counts, rule), axis=-1)


def finite_risk_exists(eigs: ArrayLike, n: int, kept: int | None = None, rule: str = "oracle", retrained: bool = False) -> bool:
    """Whether ``finite_risk`` knows the exact expectation: see there. Raises ValueError for bad arguments."""
    eigs = arguments.spectrum(eigs)
    n = arguments.integer("n", n, 1)
    arguments.choice("rule", rule, RULES)
    rank = int(np.count_nonzero(eigs))
    if kept is not None:
        size = arguments.integer("kept", kept, 0, len(eigs))
        if rule in BY_FIT or (retrained and rule == "random" and rank < len(eigs)):
            return False
        rank = min(size, rank) if retrained else rank
    return _mean_is_known(eigs, rank, n)


def _mean_is_known(eigs, rank, n) -> bool:
    return bool(rank < n - 1 or (np.all(eigs == eigs[0]) and rank > n + 1))


def finite_risk(
    eigs: ArrayLike,
    teacher: ArrayLike,
    noise: float,
    n: int,
    kept: int | None = None,
    rule: str = "oracle",
    retrained: bool = False,
) -> float:
    """The exact expected risk at this n and p, of the dense model or with a fixed support.

    Equation: Wishart and Haar moments, written out in the guide. Regime: exact at finite size, without ridge,
    for ranks below n - 1 and, when all eigs are equal, above n + 1; ``oracle`` and ``random`` supports.
    Retrained risks depend on the rank of the support only. Source: guide/least_squares.md, Exact means at finite size.

    Args:
        eigs, teacher: Variances of the features, >= 0 and not all zero, and their true coefficients; (p,), float64.
        noise: Standard deviation of the label noise, >= 0.
        n: Number of samples, >= 1.
        kept: How many coefficients are kept, an integer in 0 .. p; None for the dense model.
        rule: "oracle" or "random": how the support is chosen.
        retrained: Whether the kept coefficients are refitted.

    Returns:
        The expected risk, ``noise**2`` included.

    Raises:
        ValueError: For an argument of another type, shape or range, and where no exact value is known or the mean is infinite.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    if not finite_risk_exists(eigs, n, kept, rule, retrained):
        raise ValueError(
            f"n, kept, rule: no exact mean for n = {n}, p = {len(eigs)}, kept = {kept}, rule = {rule!r},"
            f" retrained = {retrained}; it exists for fixed supports,"
            " ranks below n - 1, and above n + 1 when all eigs are equal"
        )
    size = len(eigs) if kept is None else arguments.integer("kept", kept, 0, len(eigs))
    energy = eigs * teacher**2
    share = np.ones(len(eigs)) if kept is None else _fixed_shares(eigs, teacher, eigs >= 0, np.array([size]), rule)[0]
    inside, outside = float(np.sum(share * energy)), float(np.sum((1 - share) * energy))
    live_kept = float(np.sum(share * (eigs > 0)))
    if retrained or kept is None:
        return _finite_dense(inside, noise**2 + outside, round(live_kept), n)
    rank = int(np.count_nonzero(eigs))
    if rank < n - 1:
        return noise**2 * (1 + live_kept / (n - rank - 1)) + outside
    p, total = len(eigs), float(np.sum(energy))
    own = 1 - 2 * n / p + n * (n + 2) / (p * (p + 2))
    cross = n * (p - n) / (p * (p - 1) * (p + 2))
    return noise**2 * (1 + live_kept * n / (p * (p - n - 1))) + outside + own * inside + cross * (live_kept * total - inside)


def _finite_dense(signal: float, variance: float, rank: int, n: int) -> float:
    if rank < n - 1:
        return variance * (n - 1) / (n - rank - 1)
    return variance * (1 + n / (rank - n - 1)) + signal * (1 - n / rank)


def _problem(eigs, teacher, noise, n, kept, rule, ridge):
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    arguments.choice("rule", rule, RULES)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    return eigs, teacher, noise, n, arguments.kept_counts(kept, len(eigs)), ridge


def _shaped(risks, kept):
    risks = np.reshape(risks, kept.shape)
    return float(risks) if kept.ndim == 0 else risks


def _fixed_shares(eigs, teacher, live, counts, rule):
    """Inclusion probabilities (K, live) of supports that do not look at the data."""
    if rule == "random":
        return np.repeat(counts[:, None] / len(eigs), np.sum(live), axis=1)
    rank = np.argsort(descending(eigs * teacher**2))
    return (rank[live] < counts[:, None]).astype(float)


def _support(eigs, teacher, live, fit: Fit, counts, rule) -> Moments:
    """Which coefficients are kept, and how that depends on the noise h of the fit: moments of shape (K, live)."""
    lam, beta = eigs[live], teacher[live]
    if rule not in BY_FIT:
        return _blind(_fixed_shares(eigs, teacher, live, counts, rule))
    weight = np.sqrt(lam) if rule == "hessian" else np.ones_like(lam)
    # At rank n the noise outgrows every mean; what it weighs against what is left.
    mean, sd = (fit.shrink * beta, fit.sd) if np.isfinite(fit.risk) else (0 * beta, lam**-0.5)
    sizes = np.minimum(counts, len(lam))
    if fit.risk == 0:  # the fit is exact: nothing is random
        rank = np.argsort(descending(weight * np.abs(mean)))
        return _blind((rank < sizes[:, None]).astype(float))
    scores, noise = weight * np.abs(mean), np.max(weight * sd)
    least = np.sort(scores)[::-1][np.maximum(sizes - 1, 0)]  # the smallest coefficient kept if nothing were random
    sharp = (sizes > 0) & (noise <= NOISELESS * least)
    cuts = np.where(sizes > 0, 0.0, np.inf)
    inner = (sizes > 0) & (sizes < len(lam)) & ~sharp
    if np.any(inner):
        cuts[inner] = truncated.threshold(mean, sd, weight, sizes[inner])
    found = truncated.moments(mean / sd, cuts[:, None] / (weight * sd))
    if not np.any(sharp):
        return found
    ties = _blind(_tied_shares(scores, least, sizes, 10 * noise))
    return Moments(*(np.where(sharp[:, None], tied, smooth) for tied, smooth in zip(ties, found, strict=True)))


def _tied_shares(scores, least, sizes, tie):
    """Inclusion probabilities (K, p) where noise decides nothing but ties: these share what is left of the count."""
    above, level = scores > least[:, None] + tie, np.abs(scores - least[:, None]) <= tie
    left = (sizes[:, None] - np.sum(above, axis=-1, keepdims=True)) / np.sum(level, axis=-1, keepdims=True)
    return above + level * left


def _blind(share) -> Moments:
    """A support that does not depend on the noise of the fit."""
    return Moments(share, 1 - share, 0 * share, share, 0 * share)
