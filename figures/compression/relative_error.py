"""Relative error of stable entries: (a) median and middle 80 % against n and alpha; (b) mean square against n and kappa."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory

KAPPA, ALPHA = 0.1, 1.5
POINTS, EXACT = 60, 13  # of a line; of one with exact means


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Lines are theory (limits in a, exact means in b), markers simulation; every n and alpha of the samples."""
    errors = samples["squared_error"] ** 0.5
    n = samples["n"].values
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        for index, alpha in enumerate(samples["alpha"].values):
            place = n * 1.03 ** style.beside(index, samples.sizes["alpha"])
            _distribution(left, errors.sel(alpha=alpha, kappa=KAPPA), float(alpha), n, place, index)
        left.set(
            xscale="log",
            yscale="log",
            xlabel="neurons $n$",
            ylabel=r"relative error $\mathrm{err}_2$",
            ylim=(float(style.quantile(errors, 0.1).sel(kappa=KAPPA).min()) / 4, 1.6),
        )
        left.set_title(f"(a) median and middle 80 %, kept $\\kappa={KAPPA:g}$", loc="left")
        left.legend(
            loc="lower left",
            ncol=2,
            title="line, band: limit; marker, dashes: simulation\nbars: 95 % of the median",
            alignment="left",
        )
        chosen = min(samples["alpha"].values, key=lambda a: abs(a - ALPHA))
        for index, kappa in enumerate(samples["kappa"].values):
            _mean_square(right, samples["squared_error"].sel(alpha=chosen, kappa=kappa), float(chosen), float(kappa), n, index)
        right.set(xscale="log", yscale="log", xlabel="neurons $n$", ylabel=r"mean square error $\mathrm{E}\,\mathrm{err}_2^2$")
        right.set_title(f"(b) mean square at $\\alpha={chosen:g}$", loc="left")
        right.set_ylim(right.get_ylim()[0] / 1.5, None)  # room for the legend
        right.legend(title="solid: exact, dotted: limit\nmarker: simulation, bars: 95 %", alignment="left")
    return figure


def _distribution(ax, errors, alpha, n, place, index):
    colour = style.shade(alpha)
    style.medians(ax, place, errors, index, rf"$\alpha={alpha:g}$", colour)
    for p in (0.1, 0.9):
        ax.plot(place, style.quantile(errors, p), ls="", marker="_", ms=5, color=colour)
    if alpha == 2:
        limit = float(theory.finite_moment_limit("normal", KAPPA))
        ax.axhline(limit, color=colour)
        return
    grid = np.unique(np.geomspace(n[0] / 1.1, n[-1] * 1.1, POINTS).astype(int))
    edges = [np.minimum(theory.error_quantile(p, alpha, KAPPA, grid), 1) for p in (0.1, 0.5, 0.9)]
    ax.plot(grid, edges[1], color=colour)
    ax.fill_between(grid, edges[0], edges[2], color=colour, alpha=0.13, lw=0)


def _mean_square(ax, squares, alpha, kappa, n, index):
    style.means(ax, n, squares, index, rf"$\kappa={kappa:g}$")
    grid = np.unique(np.round(np.geomspace(n[0], n[-1], EXACT) * 0.05) / 0.05).astype(int)
    exact = [theory.stable_finite(m, round(kappa * m), alpha) for m in grid]
    ax.plot(grid, exact, color=style.COLOURS[index])
    if alpha < 2:
        limit = theory.heavy_limit_moment(alpha, 2.0, kappa) * grid ** (1 - 2 / alpha)
        ax.plot(grid, limit, color=style.COLOURS[index], ls=":")
