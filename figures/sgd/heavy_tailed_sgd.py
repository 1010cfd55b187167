"""The tables of Wan et al. 2023 on digits: every type of noise with its own Gaussian control."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.sgd import noisy_tables as tables
from jaxprune.plots import style
from sims.sgd import heavy_tailed_sgd as sim

SHOWN = dict(data=style.last, sigma=style.last, step_size=style.last, tested=style.last, batch=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row per noise, at the last data, strength and step size; below, what the theorem assumes and is not so."""
    here = style.shown(samples, SHOWN)
    axes, problem = tables.last(here, sim)
    heading = (
        f"{axes['data']}: {problem.n} tanh units, {problem.steps} steps of size "
        f"$\\eta={axes['step_size']:g}$, $\\sigma={axes['sigma']:g}$"
    )
    note = "Pruning ratio: the largest fraction of neurons, smallest first, that hold at most a tenth of the energy."
    return tables.table(here, heading, f"{note}\n{_outside(samples['alpha'].values, axes['step_size'], problem.n)}")


def _outside(alphas: np.ndarray, step_size: float, n: int) -> str:
    """What the indices and the step size leave of the theorem's assumptions: 1 < alpha < 2, step size <= n^(-alpha/2-1)."""
    longest = {a: n ** (-a / 2 - 1) for a in alphas if 1 < a < 2}
    found = ["$\\alpha=2$"] if 2 in alphas else []
    if any(step_size > h for h in longest.values()):
        least, largest = (_number(h) for h in (min(longest.values()), max(longest.values())))
        size = least if least == largest else f"{least}$ to ${largest}"
        found.append(f"$\\eta>n^{{-\\alpha/2-1}}$, which is ${size}$ here")
    return "Outside the theorem: " + "; ".join(found) + "." if found else "Within the theorem's assumptions."


def _number(x: float) -> str:
    """Two digits, for mathematics."""
    digits, power = f"{x:.1e}".split("e")
    return f"{digits}\\times10^{{{int(power)}}}"
