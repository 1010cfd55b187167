"""Exact and simplified optimum against the width of a random target: losses for each number of inputs, and their distance."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.two_layer.shared import expected, grid
from jaxprune.plots import style
from jaxprune.theory import two_layer as theory
from sims.two_layer.simplification import NEURONS


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel of losses for each dim, lines are theory; the last one the gap beyond that of infinitely many rows."""
    dims, n = samples["dim"].values.tolist(), samples["n"].values
    relative = samples[["loss", "simplified_loss", "gap"]] / samples["mean"] ** 2
    with style.paper():
        figure, axes = plt.subplots(1, len(dims) + 1, figsize=(style.FULL, 3.1))
        for letter, ax, dim in zip(style.LETTERS, axes, dims, strict=False):
            _losses(ax, relative.sel(dim=dim), dim, n)
            ax.set_title(f"({letter}) ${dim}$ inputs", loc="left")
        last = axes[-1]
        _gaps(last, relative["gap"] - samples["limit_gap"], n)
        last.set_title(f"({style.LETTERS[len(dims)]}) way to the limit", loc="left")
        figure.legend(
            *axes[0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=3,
            title=f"$M={NEURONS}$ neurons; lines: theory, markers: simulation, bars: 95 %",
        )
    return figure


def _losses(ax, here, dim, n):
    widths = grid(n[0], n[-1] * 1.5)
    ax.plot(widths, [expected(dim, N, NEURONS)[0] for N in widths], color=style.BLUE, label="cone at the expected factors")
    ax.axhline(theory.limit_value(NEURONS, dim), color=style.RED, ls="--", label=r"exact optimum, $N=\infty$")
    ax.axhline(theory.simplex_value(NEURONS), color="k", ls=":", label=r"equiangular value, $N,d=\infty$")
    for index, rows in enumerate(here["rows"].values):
        place = n * 1.06 ** style.beside(index, here.sizes["rows"])
        for metric, colour, words in (("simplified_loss", style.BLUE, "simplified"), ("loss", style.RED, "exact")):
            style.means(ax, place, here[metric].sel(rows=rows), index, f"{words}, {rows} rows", colour)
    ax.set(xscale="log", xlabel="neurons of the target $N$", ylabel=r"optimum$\,/\,c^2$")
    ax.set_ylim(bottom=0)
    style.ticks(ax.xaxis, 4.0 ** np.arange(1, 8))


def _gaps(ax, beyond, n):
    dims, rows = beyond["dim"].values.tolist(), beyond["rows"].values.tolist()
    for place, dim in enumerate(dims):
        for index, law in enumerate(rows):
            label = f"$d={dim}$" if index == 0 else None
            style.means(
                ax,
                n * 1.06 ** style.beside(index, len(rows)),
                beyond.sel(dim=dim, rows=law),
                index,
                label,
                style.colour(place + 2),
            )
    widths, first = np.array([n[0], n[-1]]), float(beyond.isel(n=0).mean())
    for power, dashes in ((-0.5, "--"), (-1, ":")):
        ax.plot(widths, first * (widths / n[0]) ** power, color="0.4", ls=dashes, label=f"slope ${power:g}$")
    ax.set(xscale="log", yscale="log", xlabel="neurons of the target $N$")
    ax.set_ylabel(r"(simplified $-$ exact)$\,/\,c^2$, less its limit")
    ax.set_ylim(bottom=float(beyond.min()) / 30)
    ax.legend(loc="lower left")
    style.ticks(ax.xaxis, 4.0 ** np.arange(1, 8))
