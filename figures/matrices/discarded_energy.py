"""Energy beyond the largest entries against how many are kept: a panel for every tail index."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import matrices as theory


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers are means, open for the smallest matrices and shifted by law; lines are theory of Pareto entries: exact at every
    size, black the limit of all laws."""
    indices, sizes, kept = samples["tail_index"].values, samples["n"].values, samples["kept"].values
    with style.paper():
        figure, axes = plt.subplots(1, len(indices), figsize=(style.FULL, 2.9), squeeze=False, sharex=True)
        for ax, alpha, letter in zip(axes[0], indices, style.LETTERS, strict=False):
            _panel(ax, samples["discarded"].sel(tail_index=alpha), float(alpha), sizes, kept)
            ax.set(xscale="log", yscale="log", xlabel="entries kept $s$")
            ax.set_title(rf"({letter}) tail index ${alpha:g}$", loc="left")
            style.ticks(ax.yaxis)
        axes[0, 0].set_ylabel("energy beyond them, $\\mathrm{E}\\,D_s$")
        handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
        title = "line: exact, Pareto; black: limit of all laws; marker: mean, bars: 95 %"
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=5, title=title)
    return figure


def _panel(ax, here, alpha: float, sizes, kept) -> None:
    grid = np.unique(np.round(np.geomspace(kept[0], kept[-1], 12)))
    for place, n in enumerate(sizes):
        for index, law in enumerate(here["law"].values):
            shift = 1.06 ** style.beside(index, here.sizes["law"])
            label = f"{law}, $n={n}$"
            series = place * here.sizes["law"] + index
            style.means(ax, kept * shift, here.sel(law=law, n=n), series, label, style.colour(series))
        fits = grid[grid <= n * n]
        ax.plot(
            fits, theory.expected_discarded_fraction(fits, alpha, n * n), color=style.GREY, lw=0.9, ls="-" if place else "--"
        )
    if alpha < 2:
        ax.plot(grid, theory.expected_discarded_fraction(grid, alpha), color="k", lw=0.8)
    low = float(here.mean("seed").min())
    ax.set_ylim(max(low / 3, 1e-12), 1.3)
