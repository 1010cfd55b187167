"""Operator norms: (a) over the largest entry, (b) over that of a spike on the bulk, (c) distribution against Frechet's law."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import matrices as theory


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(c) has the largest matrices; solid lines are the limit."""
    sizes = samples["n"].values
    with style.paper():
        figure, axes = plt.subplots(1, 3, figsize=(style.FULL, 2.8))
        for index, alpha in enumerate(samples["tail_index"].values):
            place = sizes * 1.03 ** style.beside(index, samples.sizes["tail_index"])
            here, label = samples.sel(tail_index=alpha), rf"$\alpha={alpha:g}$"
            style.means(axes[0], place, here["norm_over_largest"], index, label)
            style.means(axes[1], place, here["norm_over_spike"], index, label)
            _distribution(axes[2], here.sel(n=sizes[-1]), float(alpha), int(sizes[-1]), style.colour(index))
        axes[1].axhline(1, color="k", lw=0.8)
        axes[0].axhline(1, color="k", lw=0.8)
        for ax, word, letter in zip(axes, ("largest entry", "spike on the bulk"), style.LETTERS, strict=False):
            ax.set(xscale="log", xlabel="rows = columns $n$", ylabel=rf"$\|A\|_2$ / {word}")
            ax.set_title(f"({letter}) over the {word}", loc="left")
            style.ticks(ax.xaxis, sizes)
        axes[0].legend(title="marker: mean, bars: 95 %", alignment="left", ncols=2, loc="upper right")
        axes[0].set_ylim(top=1.35 * axes[0].get_ylim()[1])  # room for the legend
        axes[2].set(xscale="log", xlabel=r"$\|A\|_2\,/\,b_N$", ylabel="share of matrices below", ylim=(0, 1.02), xlim=(0.3, 30))
        axes[2].plot([], [], color="k", label="Fréchet's law")
        axes[2].plot([], [], color="k", ls=":", label="simulation")
        axes[2].legend(loc="lower right")
        axes[2].set_title(f"(c) distribution, $n={sizes[-1]}$", loc="left")
    return figure


def _distribution(ax, here, alpha: float, n: int, colour) -> None:
    typical = np.log(theory.norms.typical_largest(n * n, alpha))
    values = np.sort(np.exp(np.clip(here["log_norm"].values - typical, -50, 50)))
    ax.plot(values, (np.arange(len(values)) + 0.5) / len(values), color=colour, ls=":")
    if alpha < 4:
        grid = np.geomspace(0.3, 30, 200)
        ax.plot(grid, theory.norms.frechet_cdf(grid, alpha), color=colour)
