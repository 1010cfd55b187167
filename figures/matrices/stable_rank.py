"""Stable rank against the fitted exponent of the entries, of independent entries and of trained layers."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import matrices
from sims.matrices import stable_rank as sim

SHOWN = dict(n=style.last, steps=style.last)
SHOWN_STARTS = 5


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) independent entries, a point a matrix, means as markers, the curve 2/(2 - alpha) of theory; (b) first layers of
    trained networks. Lines: mixtures of two regressions from the best five starts that have a fit."""
    here = style.shown(samples, SHOWN)
    with style.paper():
        figure, axes = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        for ax, which, title in zip(axes, (sim.INDICES, sim.TRAINED), ("independent entries", "trained layers"), strict=True):
            names = [m for m in here["matrix"].values.tolist() if m in which]
            for index, name in enumerate(names):
                _points(ax, here.sel(matrix=name), index, name)
            _mixtures(ax, samples, which)
            ax.set(xlabel="fitted pdf exponent of the entries", ylabel="stable rank", yscale="log")
            ax.set_title(f"({'ab'[ax is axes[1]]}) {title}", loc="left")
            ax.legend(fontsize=6, ncols=2)
            style.ticks(ax.yaxis)
        grid = np.linspace(0.3, 1.97, 60)
        axes[0].plot(1 + grid, matrices.stable_rank(grid), color="k", zorder=4)
        style.note(axes[0], r"$2/(2-\alpha)$", (2.6, float(matrices.stable_rank(1.6))), (-4, 6), "right")
    return figure


def _points(ax, here, index, name):
    x, y = 1 + here["entry_index"].values, here["stable_rank"]
    ax.scatter(x, y, s=4, color=style.colour(index), alpha=0.4, lw=0)
    if np.any(np.isfinite(x)):
        style.means(ax, [np.nanmean(x)], y.expand_dims("place"), index, name)


def _mixtures(ax, samples, which):
    found = sim.lines(samples, which)
    if found is None:
        return
    left, right = ax.get_xlim()
    for lines, failed in list(zip(found.lines, found.failed, strict=True))[:SHOWN_STARTS]:
        for (intercept, slope), colour in zip(lines, (style.GREEN, style.RED), strict=True):
            if failed == 0:
                x = np.linspace(left, right, 50)
                y = intercept + slope * x
                ax.plot(x[y > 0.8], y[y > 0.8], color=colour, lw=0.6, zorder=1)
    ax.set_xlim(left, right)
