"""Which heavy-tailed layers can be pruned: pruned share of the entries against the index, three kinds of layers."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory
from sims.compression import layer_compressibility as sim

SHOWN = dict(n=style.last, least=style.last)
POINTS = 12  # of a line
LABELS = dict(independent="independent entries", rows="elliptical rows", layer="one elliptical layer")


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One marker per layer; lines: predicted median of independent entries, with the middle 80 %, and the Gaussian limit."""
    here = style.shown(samples, SHOWN)
    n, squared_share = int(here["n"]), sim.SHARE**2
    with style.paper():
        figure, ax = plt.subplots(figsize=(style.COLUMN, 3.1))
        for index, law in enumerate(here["law"].values):
            look: dict[str, Any] = dict(
                ls="", marker=style.MARKERS[index], ms=2.2, mew=0.5, mfc="none", color=style.COLOURS[index]
            )
            ax.plot(here["index"], here["removed"].sel(law=law), label=LABELS[str(law)], **look)
        grid = np.linspace(float(here["least"]), 1.995, POINTS)
        low, mid, high = (theory.pruning_ratio_quantile(p, grid, n * n, 1, "I", squared_share) for p in (0.1, 0.5, 0.9))
        ax.plot(grid, mid, color=style.BLUE)
        ax.fill_between(grid, low, high, color=style.BLUE, alpha=0.13, lw=0)
        ax.axhline(float(theory.gaussian_pruning_ratio(1, squared_share)), color=style.GREEN)
        ax.set(xlabel=r"index $\alpha$", ylabel="pruned share of the entries", ylim=(0.2, 1))
        ax.set_title(f"{n} × {n} entries, relative error {sim.SHARE:g}", loc="left")
        note = "line: predicted median (green: Gaussian limit)\nband: middle 80 %, marker: one layer"
        figure.legend(loc="outside lower center", ncol=2, title=note, alignment="left")
    return figure
