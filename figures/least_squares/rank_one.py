"""One variable behind all features: risk against the kept count. Lines: exact theory; markers: simulation."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.predictions import covariance
from jaxprune.theory.least_squares import correlated as theory
from sims.least_squares import rank_one as sim

SHOWN = dict(n=style.last, noise=style.last, exponent=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Pruned and retrained risk at the last point of the grid, the dense risk and the null risk as landmarks."""
    here = style.shown(samples, SHOWN).isel(width=0).sel(rule="magnitude")
    problem = sim.make(**{axis: here[axis].item() for axis in SHOWN})
    sigma = covariance(problem)
    reduced = (sigma, problem.teacher, problem.noise, problem.n)
    grid = np.arange(1, problem.dim + 1)
    with style.paper():
        figure, ax = plt.subplots(figsize=(style.COLUMN, 2.4))
        curves = (("pruned_risk", False, "pruned"), ("retrained_same", True, "pruned and retrained"))
        for index, (metric, retrained, label) in enumerate(curves, start=1):
            exact = [theory.finite_risk(*reduced, int(s), "magnitude", retrained) for s in grid]
            ax.plot(grid, exact, color=style.COLOURS[index])
            style.means(ax, here["kept"], here[metric], index, label)
        null = problem.noise**2 + problem.teacher @ sigma @ problem.teacher
        ax.axhline(null, color="0.6", lw=0.8, ls="-.")
        style.note(ax, f"null risk {null:.3g}", (problem.dim, null), (0, 2), ha="right")
        ax.axhline(theory.finite_risk(*reduced), color="0.3", lw=0.8, ls="--", label="dense")
        ax.set(yscale="log", xlabel="kept coefficients $s$", ylabel="risk")
        style.ticks(ax.yaxis)
        setting = f"$n={problem.n}$, $p={problem.dim}$, $\\sigma={problem.noise:g}$"
        ax.set_title(f"rank-one covariance, {setting}", loc="left")
        note = "line: exact, marker:\nsimulation, bars: 95 %"
        ax.legend(loc="upper right", bbox_to_anchor=(1, 0.93), title=note, alignment="left")
    return figure
