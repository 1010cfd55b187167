"""Eigenvalues of A'A: (a) by rank, over the square of the largest entry; (b) the exponent that Hill's estimate finds."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Geometric means over squares of the entries of the same rank, open to filled by size; (b) line: the limit
    1 + alpha/2, which finite matrices do not show from tail index 2 on."""
    indices, sizes, rank = samples["tail_index"].values, samples["n"].values, samples["rank"].values
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        for index, alpha in enumerate(indices):
            for place, n in enumerate(sizes):
                here = samples.sel(tail_index=alpha, n=n)
                near = rank * 1.04 ** style.beside(place, len(sizes))
                label = rf"$\alpha={alpha:g}$" if place == len(sizes) - 1 else None
                style.means(left, near, here["log_ratio"], place, label, style.colour(index), np.exp)
                left.plot(near, np.exp(here["log_ratio"].mean("seed")), color=style.colour(index), lw=0.5)
        for place, n in enumerate(sizes):
            style.medians(
                right, indices + 0.03 * style.beside(place, len(sizes)), samples["tail_exponent"].sel(n=n), place, f"$n={n}$"
            )
        grid = np.linspace(0.5, 4, 20)
        right.plot(grid, 1 + grid / 2, color="k", label=r"limit $1+\alpha/2$")
        left.axhline(1, color="k", lw=0.8)
        left.set(xscale="log", yscale="log", xlabel="rank $k$", ylabel=r"$\sigma_k^2\,/\,a_{(k)}^2$")
        left.set_title("(a) eigenvalues over squares of entries", loc="left")
        left.legend(title=f"n = {', '.join(map(str, sizes))}", alignment="left", loc="lower left", ncols=2)
        left.set_ylim(bottom=left.get_ylim()[0] / 4)  # room for the legend
        right.set(xlabel="tail index of the entries", ylabel="pdf exponent of the eigenvalues", yscale="log")
        right.set_title("(b) exponent by Hill, upper tenth", loc="left")
        right.legend(title="marker: median, bars: 95 %", alignment="left")
        style.ticks(left.xaxis, rank)
        style.ticks(right.yaxis)
    return figure
