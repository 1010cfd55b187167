"""Linear models against width: what their figures share of theory."""

import numpy as np
import xarray as xr

from jaxprune.predictions import TAIL
from jaxprune.theory import least_squares as theory


def reduced(problem, width: int) -> tuple[np.ndarray, np.ndarray, float, int]:
    """What theory needs to know of the first ``width`` features: variances, coefficients, noise and n."""
    return (*theory.reduce(problem.eigs, problem.teacher, problem.noise, int(width)), problem.n)


def risk(problem, width: int, metric: str, kept: int = 0, rule: str | None = None) -> float:
    """Theory of a metric of the samples; NaN at p = n, where lines break, but for what is retrained after losing some."""
    if width == problem.n and (not metric.startswith("retrained") or kept == width):
        return np.nan
    known = reduced(problem, width)
    if rule is None:
        return theory.risk(*known)
    if metric == "pruned_risk":
        return float(theory.pruned_risk(*known, kept, rule))
    return float(theory.retrained_risk(*known, kept, rule, metric.removeprefix("retrained_")))


def widths(n: int, low: float, high: float) -> np.ndarray:
    """Whole numbers from ``low`` to ``high``, closer together about n."""
    grid = np.concatenate([np.geomspace(low, high, 120), n + np.arange(-10, 11)])
    whole = np.unique(np.round(grid)).astype(int)
    return whole[(whole >= round(low)) & (whole <= round(high))]


def null_risk(problem) -> float:
    """Risk of the model that predicts nothing."""
    return float(problem.noise**2 + np.sum(problem.eigs * problem.teacher**2))


def heavy(values: xr.DataArray, n: int, metric: str) -> np.ndarray:
    """Whether the mean, or its standard error, does not exist, at each width p/n of ``values``."""
    return (abs(values["width"] - 1) * n <= TAIL + 0.5).values & (not metric.startswith("retrained"))
