"""Spurious minima of d neurons that learn d: (a) where random starts end; (b) the symmetric family; (c) its curvature."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory

SHOWN = dict(restarts=style.largest)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers are simulation, with 95 % bars over trials; those of eigenvalues are their errors. Line: theory."""
    samples = style.shown(samples, SHOWN)
    dim = samples["d"].values
    with style.paper():
        figure, axes = plt.subplots(1, 3, figsize=(style.FULL, 2.5))
        _shares(axes[0], dim, samples)
        _losses(axes[1], dim, samples)
        _curvatures(axes[2], dim, samples)
        for ax in axes:
            ax.set_xlabel("neurons and inputs $d$")
            style.ticks(ax.xaxis, [2, 4, 6, 8, 10, 12, 16, 20])
    return figure


def _shares(ax, dim, samples):
    spurious = 1 - samples["success"] - samples["unfinished"]
    shares = dict(zip(("global minimum", "other minima", "symmetric family"), range(3), strict=True))
    for (label, index), values in zip(shares.items(), (samples["success"], spurious, samples["in_family"]), strict=True):
        style.means(ax, dim + 0.15 * style.beside(index, 3), values, index, label)
    ax.set(ylabel="share of random starts", ylim=(-0.05, 1.5))
    ax.set_yticks(np.linspace(0, 1, 6))
    ax.set_title("(a) where random starts end", loc="left")
    ax.legend(loc="upper right", ncol=1)


def _losses(ax, dim, samples):
    style.means(ax, dim, samples["worst"], 1, "worst of a trial's starts", style.RED)
    style.means(ax, dim, samples["best"], 0, "best of them", style.BLUE)
    style.means(ax, dim, samples["symmetric_loss"], 2, "symmetric family", style.GREEN)
    grid = np.arange(max(dim.min(), 3), dim.max() + 1)
    ax.plot(grid, [theory.symmetric_minimum(int(d))[0] for d in grid], color=style.GREEN, label="symmetric family, theory")
    ax.set(ylabel=r"loss $\frac{1}{2}\mathrm{E}(f_*-f)^2$")
    ax.set_ylim(top=1.6 * ax.get_ylim()[1])  # room for the legend
    ax.set_title("(b) losses at rest", loc="left")
    ax.legend(loc="upper left")


def _curvatures(ax, dim, samples):
    ax.axhline(0, color="0.6", lw=0.8)
    lowest = samples["worst_curvature"].min("seed")
    ax.errorbar(
        dim,
        lowest,
        samples["worst_curvature_error"].max("seed"),
        label="worst start, least over trials",
        **style.look(1, style.RED),
    )
    ax.errorbar(
        dim,
        samples["symmetric_curvature"].isel(seed=0),
        samples["symmetric_curvature_error"].max("seed"),
        label="symmetric family",
        **style.look(2, style.GREEN),
    )
    ax.set(ylabel=r"smallest eigenvalue of the Hessian")
    ax.set_ylim(top=ax.get_ylim()[1] + 0.45 * np.ptp(ax.get_ylim()))
    ax.set_title("(c) below 0: a saddle, not a minimum", loc="left")
    ax.legend(loc="upper right", title="bars: error of the eigenvalue", alignment="left")
