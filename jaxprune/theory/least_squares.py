"""Risks of pruned and retrained least squares for a Gaussian design with diagonal covariance.

``eigs`` (p,), ``teacher`` (p,) and ``noise`` (a standard deviation) describe the reduced problem of one width
(see ``reduce``); every risk includes ``noise**2``. ``kept`` is an integer or an array of integers; the answer has
its shape. ``ridge`` is the penalty of the first fit. The specification cited is Chang et al. 2020.

At rank n the first fit is at the interpolation threshold: its risk and that of every model pruned from it is
``inf`` (0 excess when nothing is noisy). A model that is retrained after choosing by that fit has a finite risk, but
no first fit to be predicted from: ``inf`` is returned for it too, by convention.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments, truncated
from jaxprune.theory.truncated import Moments

Array = NDArray[np.float64]
RULES = ("magnitude", "hessian", "oracle", "random")
BY_FIT = ("magnitude", "hessian")
SAMPLES = ("same", "fresh")


class Fit(NamedTuple):
    """Law of a fit: coefficient i is N(shrink_i teacher_i, sd_i^2); ``bias`` = 1 - shrink; ``risk`` of the dense model."""

    shrink: Array
    bias: Array
    sd: Array
    risk: float


def reduce(eigs: ArrayLike, teacher: ArrayLike, noise: float, width: int) -> tuple[Array, Array, float]:
    """What it predicts: the problem seen by a model of the first ``width`` features: (eigs, teacher, noise).

    Equation: noise_p^2 = noise^2 + sum over the unused features of eigs * teacher^2 (2). Regime: exact.
    Source: section 1.2. Test: tests/theory/test_least_squares.py.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    width = arguments.integer("width", width, 1, len(eigs))
    unused = float(np.sum(eigs[width:] * teacher[width:] ** 2))
    return eigs[:width], teacher[:width], float(np.sqrt(noise**2 + unused))


def effective_ridge(eigs: ArrayLike, n: int, ridge: float = 0.0) -> float:
    """What it predicts: the effective ridge nu of a fit to n samples; 0 when ridge = 0 and the rank is at most n.

    Equation: sum_i eigs_i / (eigs_i + nu) + ridge / nu = n (6). Regime: deterministic equivalent, relative error
    of the risks O(1/n). Source: sections 3.2 and 3.3. Test: tests/theory/test_least_squares.py.
    """
    eigs = arguments.spectrum(eigs)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    return _effective_ridge(eigs[eigs > 0], np.ones(np.count_nonzero(eigs)), n, ridge)


def risk(eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, ridge: float = 0.0) -> float:
    """What it predicts: the risk of the dense model, ``inf`` at rank n.

    Equation: gamma = (noise^2 + sum eigs teacher^2 (1-theta)^2) / (1 - sum theta^2 / n), theta = eigs/(eigs+nu) (7).
    Regime: limit, relative error O(1/n). Source: section 3.2. Test: tests/theory/test_least_squares.py.
    """
    eigs, teacher, noise = arguments.triple(eigs, teacher, noise)
    n, ridge = arguments.integer("n", n, 1), arguments.non_negative("ridge", ridge)
    live = eigs > 0
    return _fit(eigs[live], teacher[live], noise, n, ridge).risk


def pruned_risk(
    eigs: ArrayLike, teacher: ArrayLike, noise: float, n: int, kept: ArrayLike, rule: str = "magnitude", ridge: float = 0.0
) -> Any:
    """What it predicts: the risk after keeping ``kept`` coefficients of the fit by ``rule``.

    Equation: noise^2 + sum eigs_i E (X_i 1{i kept} - teacher_i)^2, X_i ~ N(theta_i teacher_i, sd_i^2), with
    truncated moments at the threshold that keeps ``kept`` on average (10, 11); the sets of ``oracle`` and
    ``random`` do not depend on the fit. Regime: limit, relative error O(1/n). Source: section 4.
    Test: tests/theory/test_least_squares.py.
    """
    eigs, teacher, noise, n, kept, ridge = _problem(eigs, teacher, noise, n, kept, rule, ridge)
    live = eigs > 0
    lam, beta = eigs[live], teacher[live]
    fit = _fit(lam, beta, noise, n, ridge)
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
    """What it predicts: the risk after refitting the kept coefficients by least squares without penalty.

    ``sample="fresh"`` refits on an independent sample of size n (12), ``"same"`` on the training sample (13: a
    two-stage state evolution, which knows that the support was chosen on these data). Supports that do not look
    at the data (``oracle``, ``random``) have the same risk on both. Regime: limit, relative error O(1/n).
    Source: sections 5.1 and 5.2. Test: tests/theory/test_least_squares.py.

    Raises ValueError also where n coefficients are kept: the refit is then at its own interpolation threshold.
    """
    eigs, teacher, noise, n, kept, ridge = _problem(eigs, teacher, noise, n, kept, rule, ridge)
    arguments.choice("sample", sample, SAMPLES)
    live = eigs > 0
    lam, beta = eigs[live], teacher[live]
    counts, where = np.unique(kept, return_inverse=True)
    fit = _fit(lam, beta, noise, n, ridge)
    by_fit = rule in BY_FIT
    sizes = np.minimum(counts, len(lam)) if by_fit else np.sum(_fixed_shares(eigs, teacher, live, counts, rule), axis=-1)
    if np.any(at := np.abs(sizes - n) < 1e-9 * n):
        raise ValueError(
            f"kept: {counts[at][0]} puts the refit at its interpolation threshold n = {n}, where the risk diverges"
        )
    if by_fit and np.isinf(fit.risk):
        risks = np.where(counts > 0, np.inf, noise**2 + float(np.sum(lam * beta**2)))
        return _shaped(risks[where], kept)
    support = _support(eigs, teacher, live, fit, counts, rule)
    supports = [Moments(*(m[k] for m in support)) for k in range(len(counts))]
    # Where nothing is lost there was no choice, and so nothing to remember.
    remember = [sample == "same" and by_fit and fit.risk > 0 and bool(np.any(kept.lost)) for kept in supports]
    refits = [_refit_same if m else _refit_fresh for m in remember]
    risks = np.array([refit(lam, beta, noise, n, fit, kept) for refit, kept in zip(refits, supports, strict=True)])
    return _shaped(risks[where], kept)


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
    """What it predicts: the exact expected risk at this n and p: dense (``kept=None``), or with a fixed support.

    Equation: 7.1, 7.3 and 7.4 (Wishart and Haar moments). Regime: exact at finite size, without ridge, for ranks
    below n - 1 and, when all eigs are equal, above n + 1; ``oracle`` and ``random`` supports. Retrained risks
    depend on the rank of the support only. Source: section 7. Test: tests/theory/test_least_squares.py.

    Raises ValueError where no exact value is known, or where the mean is infinite.
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


def _fit(lam, beta, noise, n, ridge) -> Fit:
    """Equations (6) to (8) on the positive eigenvalues."""
    nu = _effective_ridge(lam, np.ones_like(lam), n, ridge)
    shrink, bias = lam / (lam + nu), nu / (lam + nu)
    # 1 - sum(shrink^2)/n cancels near the threshold; equal by (6), and exact:
    slack = (np.sum(shrink * bias) + ridge / nu) / n if nu > 0 else 1 - len(lam) / n
    numerator = noise**2 + float(np.sum(lam * beta**2 * bias**2))
    at_threshold = np.inf if numerator > 0 else 0.0
    gamma = float(numerator / slack) if slack > 0 else at_threshold
    return Fit(shrink, bias, np.sqrt(gamma / (n * lam)) * shrink, gamma)


def _effective_ridge(lam, weight, n, ridge) -> float:
    """The nu of sum weight lam/(lam+nu) + ridge/nu = n, by Newton steps in log nu inside the bracket (9)."""
    if ridge == 0 and np.sum(weight) <= n:
        return 0.0
    down = np.argsort(-lam)
    top, mass = lam[down], weight[down]
    count = np.cumsum(mass)
    tail = np.concatenate([np.cumsum((top * mass)[::-1])[::-1], [0.0]])
    before = np.concatenate([[0.0], count])
    small = before < n
    low = max(np.max(top * (count / n - 1)), ridge / n)
    high = np.min((tail[small] + ridge) / (n - before[small]))
    low, high = np.log(low), np.log(high)
    u = 0.5 * (low + high)
    for _ in range(200):
        nu = np.exp(u)
        q = top / (top + nu)
        excess = np.sum(mass * q) + ridge / nu - n
        low, high = (u, high) if excess > 0 else (low, u)
        newton = u + excess / (np.sum(mass * q * nu / (top + nu)) + ridge / nu)
        step = newton if low <= newton <= high else 0.5 * (low + high)
        if abs(step - u) <= 1e-16 * max(abs(u), 1):
            break
        u = step
    return float(np.exp(u))


def _fixed_shares(eigs, teacher, live, counts, rule):
    """Inclusion probabilities (K, live) of supports that do not look at the data."""
    if rule == "random":
        return np.repeat(counts[:, None] / len(eigs), np.sum(live), axis=1)
    rank = np.empty(len(eigs), int)
    rank[np.argsort(-eigs * teacher**2, kind="stable")] = np.arange(len(eigs))
    return (rank[live] < counts[:, None]).astype(float)


def _support(eigs, teacher, live, fit: Fit, counts, rule) -> Moments:
    """Which coefficients are kept, and how that depends on the noise h of the fit: moments of shape (K, live)."""
    lam, beta = eigs[live], teacher[live]
    if rule not in BY_FIT:
        return _blind(_fixed_shares(eigs, teacher, live, counts, rule))
    weight, mean = np.sqrt(lam) if rule == "hessian" else np.ones_like(lam), fit.shrink * beta
    sizes = np.minimum(counts, len(lam))
    if fit.risk == 0:  # the fit is exact: nothing is random
        rank = np.argsort(np.argsort(-weight * np.abs(mean), kind="stable"))
        return _blind((rank < sizes[:, None]).astype(float))
    cuts = np.where(sizes > 0, 0.0, np.inf)
    inner = (sizes > 0) & (sizes < len(lam))
    if np.any(inner):
        cuts[inner] = truncated.threshold(mean, fit.sd, weight, sizes[inner])
    return truncated.moments(mean / fit.sd, cuts[:, None] / (weight * fit.sd))


def _blind(share) -> Moments:
    """A support that does not depend on the noise of the fit."""
    return Moments(share, 1 - share, 0 * share, share, 0 * share)


class Refit(NamedTuple):
    """A second fit: ``shrink`` theta_2, ``bias`` = 1 - theta_2, ``slack`` = 1 - sum share theta_2^2 / n, and
    ``free`` = 1 - sum share theta_2 / n, 0 when the refit interpolates."""

    shrink: Array
    bias: Array
    slack: float
    free: float


def _refit(lam, share, n) -> Refit:
    """A second fit to features present with probabilities ``share``; nothing here is a difference of near equals."""
    size = float(np.sum(share))
    if size < n:
        return Refit(np.ones_like(lam), np.zeros_like(lam), 1 - size / n, 1 - size / n)
    nu = _effective_ridge(lam, share, n, 0.0)
    shrink, bias = lam / (lam + nu), nu / (lam + nu)
    return Refit(shrink, bias, float(np.sum(share * shrink * bias)) / n, 0.0)


def _refit_fresh(lam, beta, noise, n, fit: Fit, kept: Moments) -> float:
    """Equation (12)."""
    second = _refit(lam, kept.share, n)
    return (noise**2 + float(np.sum(lam * beta**2 * (kept.lost + kept.share * second.bias**2)))) / second.slack


def _refit_same(lam, beta, noise, n, fit: Fit, kept: Moments) -> float:
    """Equations (13a-c), in units of the first noise: v1 = sqrt(gamma) (x + h) chooses, v2 is refitted.

    Both noises come from one sample: Cov = r gamma, and c is the memory that the second fit has of the first
    residual when the first fit is biased. A coefficient that is kept errs by -lean x + theta2 b h + fresh noise.
    """
    theta2, bias2, slack, free = _refit(lam, kept.share, n)
    theta, bias = fit.shrink, fit.bias
    x = beta * theta / fit.sd
    xh = x * kept.first

    def mean(terms):
        return float(np.sum(theta2 * terms)) / n

    system = np.array(
        [
            [-mean(kept.excess), free + mean(bias * (kept.second + xh))],
            [
                1 - mean(theta * kept.second - bias * xh),
                mean(bias * (theta * (kept.second + xh) - bias * (x**2 * kept.share + xh))),
            ],
        ]
    )
    outside = float(np.sum(x**2 * bias * (kept.lost + kept.share * bias2))) / n
    known = np.array([mean(xh), noise**2 / fit.risk + mean(theta * xh) + outside])
    r, c = np.linalg.solve(system, known) if np.any(bias) else (known[1] / system[1, 0], 0.0)
    b, lean = r - c * bias, bias2 + theta2 * c * bias
    signal = x**2 * (kept.lost + lean**2 * kept.share) - 2 * lean * theta2 * b * xh
    chosen = theta2**2 * (b**2 * kept.excess - c * bias * (2 * r - c * bias) * kept.share)
    return (noise**2 + fit.risk * float(np.sum(signal + chosen)) / n) / slack
