"""The simplification against the number of inputs: both optima, their gap, and the largest error per gain."""

import math
from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from figures.two_layer.shared import expected, grid
from jaxprune.plots import style
from jaxprune.theory import two_layer as theory
from sims.two_layer.simplification_rate import NEURONS, RATIO


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Losses, (b) gap, (c) largest error; lines are theory, dotted a slope of -1."""
    here, n = samples.sel(ratio=RATIO[-1]), samples["n"].values
    dims, square = grid(n[0] / 1.2, n[-1] * 1.2), here["mean"] ** 2
    widths = [round(RATIO[-1] * d) for d in dims]
    edge = [theory.uniform_error_limit(d, N) for d, N in zip(dims, widths, strict=True)]
    value = theory.simplex_value(NEURONS)
    with style.paper():
        figure, (losses, gaps, errors) = plt.subplots(1, 3, figsize=(style.FULL, 2.7))
        losses.plot(dims, [expected(d, N, NEURONS)[0] for d, N in zip(dims, widths, strict=True)], color=style.BLUE)
        losses.axhline(value, color="k", ls=":", label="equiangular value")
        gaps.plot(dims, [4 * math.pi * (1 - value) * e for e in edge], color=style.GREEN, label="first order")
        errors.plot(dims, edge, color=style.GREEN, label="Marchenko-Pastur edge")
        for index, rows in enumerate(here["rows"].values):
            place, one = n * 1.03 ** style.beside(index, here.sizes["rows"]), here.sel(rows=rows)
            for metric, colour, words in (("simplified_loss", style.BLUE, "simplified"), ("loss", style.RED, "exact")):
                style.means(losses, place, one[metric] / square.sel(rows=rows), index, f"{words}, {rows}", colour)
            style.means(gaps, place, one["gap"] / square.sel(rows=rows), index, f"{rows} rows", style.GREEN)
            style.means(errors, place, one["uniform_error"], index, f"{rows} rows", style.GREEN)
        _finish(losses, gaps, errors)
    return figure


def _finish(losses, gaps, errors):
    words = f"target $N={RATIO[-1]:g}\\,d$, $M={NEURONS}$"
    losses.set(xscale="log", ylabel=r"optimum$\,/\,c^2$", ylim=(0, None))
    losses.set_title(f"(a) {words}", loc="left")
    gaps.set(xscale="log", yscale="log", ylabel=r"(simplified $-$ exact)$\,/\,c^2$")
    gaps.set_title("(b) what the simplification misses", loc="left")
    errors.set(xscale="log", yscale="log", ylabel=r"largest error per gain, $\sup_u |h(u)|$")
    errors.set_title("(c) uniform error", loc="left")
    for ax in (losses, gaps, errors):
        ax.set_xlabel("inputs $d$")
        style.ticks(ax.xaxis, [8, 16, 32, 64, 128])
        ax.legend(title="line: theory, marker: mean, bars: 95 %", alignment="left", loc="upper right")
    losses.set_ylim(top=1.8 * losses.get_ylim()[1])  # room for the legend
    for ax in (gaps, errors):
        low, high = ax.get_ylim()
        ax.set_ylim(low, 2 * high)  # room for the legend
        style.ticks(ax.yaxis)
