"""The Gaussian law of a fit: effective ridge, shrinkage, noise. Equations (6) to (9) of guide/least_squares.md."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Fit(NamedTuple):
    """Law of a fit: coefficient i is N(shrink_i teacher_i, sd_i^2); ``bias`` = 1 - shrink; ``risk`` of the dense model."""

    shrink: Array
    bias: Array
    sd: Array
    risk: float


def first_fit(lam, beta, noise, n, ridge) -> Fit:
    """Equations (6) to (8) on the positive eigenvalues."""
    nu = solve_ridge(lam, np.ones_like(lam), n, ridge)
    shrink, bias = lam / (lam + nu), nu / (lam + nu)
    # 1 - sum(shrink^2)/n cancels near the threshold; equal by (6), and exact:
    slack = (np.sum(shrink * bias) + ridge / nu) / n if nu > 0 else 1 - len(lam) / n
    numerator = noise**2 + float(np.sum(lam * beta**2 * bias**2))
    at_threshold = np.inf if numerator > 0 else 0.0
    gamma = float(numerator / slack) if slack > 0 else at_threshold
    return Fit(shrink, bias, np.sqrt(gamma / (n * lam)) * shrink, gamma)


def solve_ridge(lam, weight, n, ridge) -> float:
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
