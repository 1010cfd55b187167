"""The risk of a second fit, to the coefficients that a first one kept. Equations (12), (13) of guide/least_squares.md."""

from typing import NamedTuple

import numpy as np

from jaxprune.theory.least_squares.fit import Array, Fit, solve_ridge
from jaxprune.theory.least_squares.truncated import Moments


class Refit(NamedTuple):
    """A second fit: ``shrink`` theta_2, ``bias`` = 1 - theta_2, ``slack`` = 1 - sum share theta_2^2 / n, and
    ``free`` = 1 - sum share theta_2 / n, 0 when the refit interpolates."""

    shrink: Array
    bias: Array
    slack: float
    free: float


def second_fit(lam, share, n) -> Refit:
    """A second fit to features present with probabilities ``share``; nothing here is a difference of near equals."""
    size = float(np.sum(share))
    if size < n:
        return Refit(np.ones_like(lam), np.zeros_like(lam), 1 - size / n, 1 - size / n)
    nu = solve_ridge(lam, share, n, 0.0)
    shrink, bias = lam / (lam + nu), nu / (lam + nu)
    return Refit(shrink, bias, float(np.sum(share * shrink * bias)) / n, 0.0)


def fresh_sample(lam, beta, noise, n, fit: Fit, kept: Moments) -> float:
    """Equation (12); 0 where nothing is noisy."""
    second = second_fit(lam, kept.share, n)
    wrong = noise**2 + float(np.sum(lam * beta**2 * (kept.lost + kept.share * second.bias**2)))
    return wrong / second.slack if wrong > 0 else 0.0


def same_sample(lam, beta, noise, n, fit: Fit, kept: Moments) -> float:
    """Equations (13a-c), in units of the first noise: v1 = sqrt(gamma) (x + h) chooses, v2 is refitted.

    Both noises come from one sample: Cov = r gamma, and c is the memory that the second fit has of the first
    residual when the first fit is biased. A coefficient that is kept errs by -lean x + theta2 b h + fresh noise.
    """
    theta2, bias2, slack, free = second_fit(lam, kept.share, n)
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
