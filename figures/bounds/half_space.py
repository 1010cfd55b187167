"""Half-space with heavy-tailed weights: bounds against the number of samples, kept weights, and how many samples say
something."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.bounds import half_space as theory
from jaxprune.theory.matrices import expected_discarded_fraction
from sims.bounds import half_space as sim

POINTS = 20  # of the line of shares
DELTA, BITS = 0.05, 6  # those of the problem


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Bounds for each number of weights, then shares of energy; last the samples at which the bound of theory reaches a
    level."""
    dims = samples["dim"].values.tolist()
    with style.paper():
        figure, axes = plt.subplots(1, len(dims) + 2, figsize=(style.FULL, 2.9))
        for letter, ax, dim in zip(style.LETTERS, axes, dims, strict=False):
            _bounds(ax, samples.sel(dim=dim), dim, max(dims))
            ax.set_title(f"({letter}) $d={dim}$", loc="left")
        _shares(axes[-2], samples)
        _needed(axes[-1], samples)
        for letter, ax, words in zip(style.LETTERS[len(dims) :], axes[-2:], ("energy", "samples"), strict=False):
            ax.set_title(f"({letter}) {words}", loc="left")
        handles, labels = axes[0].get_legend_handles_labels()
        title = "line: theory, above the mean; markers: simulation, bars: 95 %; dotted: slope $(2-\\alpha)/(2+\\alpha)$"
        figure.legend(handles, labels, loc="outside upper center", ncols=4, title=title)
    return figure


def _bounds(ax, here, dim, widest):
    m = here["samples"].values
    for place, index in enumerate(here["tail_index"].values.tolist()):
        colour = style.colour(place)
        point = here.sel(tail_index=index)
        style.means(ax, m, point["bound_kl"], 0, rf"kl, $\alpha={index:g}$", colour)
        style.means(ax, m, point["coded_bound"], 1, None, colour)
        if index < 2:
            ax.plot(m, [theory.half_space_bound(index, dim, int(k), DELTA, BITS).bound for k in m], color=colour)
            if dim < widest:
                continue
            last = float(point["bound_kl"].mean("seed").isel(samples=-1))
            ax.plot(m, last * (m / m[-1]) ** (-(2 - index) / (2 + index)), color=colour, ls=":", lw=0.8)
    ax.plot([], [], "ks", mfc="white", label="values rounded, bits paid")
    ax.axhline(0.5, color="0.6", lw=0.8)
    ax.set(xscale="log", yscale="log", xlabel="samples $m$", ylabel="bound of the error rate")
    style.ticks(ax.xaxis, 10.0 ** np.arange(0, 12, 2))
    style.ticks(ax.yaxis)


def _shares(ax, samples):
    dim = max(samples["dim"].values.tolist())
    for place, index in enumerate(samples["tail_index"].values.tolist()):
        kept = samples["kept"].values
        kept = kept[kept < dim]
        style.means(ax, kept, samples["discarded"].sel(dim=dim, tail_index=index, kept=kept), 0, None, style.colour(place))
        if index < 2:
            grid = np.unique(np.round(np.geomspace(kept[0], kept[-1], POINTS)).astype(int)).tolist()
            shares = [expected_discarded_fraction(s, index, dim) for s in grid]
            ax.plot(grid, shares, color=style.colour(place))
    ax.set(xscale="log", yscale="log", xlabel="kept weights $s$", ylabel=f"energy outside, $d={dim}$")
    style.ticks(ax.xaxis, 10.0 ** np.arange(0, 8))
    style.ticks(ax.yaxis)


def _needed(ax, samples):
    """The samples at which the mean bound reaches that of the experiment's findings, where it does."""
    indices = samples["tail_index"].values.tolist()
    for place, dim in enumerate(samples["dim"].values.tolist()):
        found = [
            sim.needed(samples["bound_kl"].sel(dim=dim, tail_index=i).transpose("seed", "samples").values) for i in indices
        ]
        ends = np.log10(samples["samples"].values[[0, -1]])
        inside = [(i, 10**n) for i, n in zip(indices, found, strict=True) if ends[0] < n < ends[1]]
        if inside:
            ax.plot(
                *zip(*inside, strict=True),
                color=style.colour(place + 3),
                marker=style.MARKERS[place],
                mfc="white",
                ls="",
                label=f"$d={dim}$",
            )
    ax.set(
        yscale="log",
        xlabel=r"tail index $\alpha$",
        ylabel=f"samples for a bound of {sim.TARGET:g}",
        ylim=samples["samples"].values[[0, -1]],
    )
    style.ticks(ax.yaxis)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left")
