"""Trained neurons against the tail that their noise alone would give, for every type of noise, with and without decay."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import stable
from jaxprune.theory.compression import null_network
from sims.sgd import trained_neuron_tails as sim

SHOWN = dict(dim=style.last, sigma=style.last, horizon=style.last)
LEAST = 30  # neurons seen beyond a radius, for a marker


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Above, the fraction beyond a radius and the predicted power law; below, their ratio. One column per alpha."""
    here = style.shown(samples, SHOWN)
    alphas, dim = here["alpha"].values.tolist(), int(here["dim"])
    with style.paper():
        figure, axes = plt.subplots(2, len(alphas), figsize=(style.FULL, 4.4), sharex=True, sharey="row", squeeze=False)
        letters = zip(style.LETTERS, style.LETTERS[len(alphas) :], strict=False)
        for column, alpha, (first, second) in zip(axes.T, alphas, letters, strict=False):
            for index, kind in enumerate(here["noise"].values.tolist()):
                _column(column, here.sel(alpha=alpha, noise=kind), alpha, dim, kind, index)
            column[0].set_title(f"({first}) $\\alpha={alpha:g}$", loc="left")
            column[1].set_title(f"({second}) $\\alpha={alpha:g}$, ratio to the predicted tail", loc="left")
            column[0].set(xscale="log", yscale="log", ylim=(3e-6, 1.5))
            column[1].axhline(1, color="k", lw=0.8)
            column[1].set(yscale="log", ylim=(0.4, 6), xlabel="radius $r\\,/\\,(\\sigma T^{1/\\alpha})$")
        style.ticks(axes[1, 0].yaxis, [0.5, 1, 2, 5])
        axes[0, 0].set_ylabel("fraction of neurons beyond $r$")
        axes[1, 0].set_ylabel("fraction / predicted $C\\,r^{-\\alpha}$")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        title = (
            f"$d={dim}$; solid: predicted tail, dotted: noise alone\n"
            "marker: trained neurons (filled: with weight decay), bars: 95 %"
        )
        figure.legend(handles, labels, loc="outside upper center", ncols=3, title=title)
    return figure


def _column(column, rows: xr.Dataset, alpha: float, dim: int, kind: str, index: int) -> None:
    radius, colour = rows["radius"].values, style.NOISE[kind]
    grid = np.geomspace(radius[0], radius[-1], 80)
    law, line = (stable.norm_tail_constant(alpha, dim, kind) * r**-alpha for r in (radius, grid))
    column[0].plot(grid, np.minimum(line, 1), color=colour)
    if kind != "II":
        noise = 1 - null_network.norm_cdf(grid, alpha, dim, kind)
        column[0].plot(grid, noise, ":", color=colour)
        column[1].plot(grid, noise / line, ":", color=colour)
    for decay in rows["decay"].values.tolist():
        beyond = rows["beyond"].sel(decay=decay).transpose("seed", "radius")
        mean, band = style.interval(beyond)
        enough = (mean * beyond.sizes["seed"] * sim.N >= LEAST).values
        look = style.look(index, colour, decay != 0)
        label = f"type {kind}" if decay == rows["decay"][0] else None
        column[0].errorbar(radius[enough], mean[enough], band[enough], label=label, **look)
        column[1].errorbar(radius[enough], mean[enough] / law[enough], band[enough] / law[enough], **look)
