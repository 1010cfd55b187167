"""From copying to averaging: loss, cosines to the nearest rows of the target, and cosines between neurons, against n/M."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.two_layer.shared import expected, grid
from jaxprune.plots import style
from sims.two_layer.copying import NEURONS


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Lines are the cone at the expected factors of the target, dotted its leading order; markers simulation."""
    n, square = samples["n"].values, samples["mean"] ** 2
    widths = grid(n[0], n[-1] * 1.2)
    with style.paper():
        figure, (losses, copies, cosines) = plt.subplots(1, 3, figsize=(style.FULL, 2.9))
        for index, dim in enumerate(samples["dim"].values.tolist()):
            colour, here = style.colour(index), samples.sel(dim=dim)
            cone = np.array([expected(dim, N, NEURONS) for N in widths])
            losses.plot(widths / NEURONS, cone[:, 0], color=colour)
            cosines.plot(widths / NEURONS, cone[:, 1], color=colour)
            place, c2 = n / NEURONS * 1.04 ** style.beside(index, samples.sizes["dim"]), square.sel(dim=dim)
            style.means(losses, place, here["loss"] / c2, index, f"exact, $d={dim}$", colour)
            style.means(losses, place, here["simplified_loss"] / c2, index + 2, f"simplified, $d={dim}$", colour)
            style.means(copies, place, here["nearest"], index, f"$d={dim}$", colour)
            style.means(cosines, place, here["cosine"], index, f"exact, $d={dim}$", colour)
            style.means(cosines, place, here["simplified_cosine"], index + 2, f"simplified, $d={dim}$", colour)
        crude = -(1 - NEURONS / widths) / (NEURONS - 1)
        cosines.plot(widths / NEURONS, crude, "k:", label="$-(1-M/N)/(M-1)$")
        _finish(losses, copies, cosines)
    return figure


def _finish(losses, copies, cosines):
    losses.set(ylabel=r"optimum$\,/\,c^2$", ylim=(0, None))
    losses.set_title(f"(a) loss, $M={NEURONS}$", loc="left")
    copies.set(ylabel="largest cosine to a target row", ylim=(0, 1.02))
    copies.set_title("(b) how much is copied", loc="left")
    cosines.set(ylabel="mean cosine between neurons")
    cosines.set_title("(c) how neurons lie", loc="left")
    for ax in (losses, copies, cosines):
        ax.set(xscale="log", xlabel="$N/M$")
        style.ticks(ax.xaxis, 2.0 ** np.arange(0, 8))
        title = "marker: mean, bars: 95 %" if ax is copies else "line: cone, marker: mean, bars: 95 %"
        ax.legend(title=title, alignment="left", loc="lower left" if ax is copies else "upper right")
    for ax in (losses, cosines):
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.6 * (high - low))  # room for the legend
