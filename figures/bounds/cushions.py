"""Cushions of random networks: quantiles over samples against the tail index, and the count of numbers that follows."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Layer cushions of the first layer, interlayer cushions, the spread of the first, and the log of the count."""
    index = samples["tail_index"].values
    levels = samples["quantile"].values.tolist()
    with style.paper():
        figure, axes = plt.subplots(1, 4, figsize=(style.FULL, 2.7))
        for place, level in enumerate(levels):
            at = index * 1.03 ** style.beside(place, len(levels))
            here = samples.sel(quantile=level)
            words = "least" if level == 0 else f"{100 * level:g} % quantile"
            style.medians(axes[0], at, here["layer"].isel(depth=0), place, words, style.colour(place))
            style.medians(axes[1], at, here["interlayer"].isel(depth=0), place, None, style.colour(place))
            style.medians(axes[3], at, here["log_parameters"] / np.log(10), place, None, style.colour(place))
        style.means(axes[2], index, samples["layer_variance"], 0, None, style.BLACK)
        grid = np.linspace(0.5, 2, 50)
        axes[2].plot(
            np.append(grid, max(index.max(), 2)), np.append(2 - grid, 0), color=style.BLUE, label=r"limit $2-\alpha$, then 0"
        )
        axes[2].legend(loc="upper right")
        names = (
            r"layer cushion $\mu_1$",
            r"interlayer cushion $\mu_{1\to}$",
            r"variance of $n\mu_1^2$",
            r"$\log_{10}$ numbers, $\epsilon=1$",
        )
        for letter, ax, name in zip(style.LETTERS, axes, names, strict=False):
            ax.set(xscale="log", xlabel=r"tail index $\alpha$", title="")
            ax.set_title(f"({letter}) {name}", loc="left")
            style.ticks(ax.xaxis, [0.5, 1, 2, 4, 10])
        for ax in axes[:2]:
            ax.set_yscale("log")
            style.ticks(ax.yaxis)
        title = "markers: median over networks, bars: 95 %; line: theory"
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, title=title)
    return figure
