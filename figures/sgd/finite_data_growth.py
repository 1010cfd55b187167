"""Growth rates of SGD on a finite data set against those of fresh samples, what block sums read off time averages, and where
theory finds a stationary law at all."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.sgd import linear
from sims.sgd import finite_data_growth as sim

BATCHES, STEPS = [1, 2, 3, 4, 5, 10, 20], np.arange(1, 11) / 50  # the grid of the released notebook
LIGHT = 8  # a tail index above which nobody tells a heavy tail


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Growth rates, theory as lines; (b) block estimates on the time averages where chains stay finite; (c) the grid of the
    released notebook, theory alone."""
    with style.paper():
        figure, (left, right, grid_axes) = plt.subplots(1, 3, figsize=(style.FULL, 2.9), width_ratios=(1.2, 1.05, 1))
        grid = np.geomspace(0.8 * float(samples["step_size"].min()), 1.1 * float(samples["step_size"].max()), 150)
        for index, batch in enumerate(samples["batch"].values.tolist()):
            here = samples.sel(batch=batch)
            critical, maximal = linear.thresholds(batch, sim.DIM)
            left.plot(grid, linear.lyapunov(grid, batch, sim.DIM), color=style.colour(index))
            label = f"$b={batch}$: window {critical:.4g} to {maximal:.4g}"
            style.means(left, here["step_size"], here["data_growth"], index, label)
            finite = here["block_of_averages"].where(here["diverged"] == 0)
            style.means(
                right, here["step_size"] * 1.03 ** style.beside(index, samples.sizes["batch"]), finite, index, f"$b={batch}$"
            )
        look: Any = dict(alignment="left")
        left.axhline(0, color="0.3", lw=0.6)
        left.set(xscale="log", xlabel="step size $\\eta$", ylabel="growth rate $\\rho$ per step")
        left.set_title(f"(a) growth rate $\\rho$, $d={sim.DIM}$", loc="left")
        left.legend(
            loc="upper left",
            title=f"line: fresh samples, marker: {sim.SAMPLES} points,\nbars: 95 %, window: heavy tails",
            **look,
        )
        right.axhline(2, color=style.BLACK, lw=0.8, ls="--", label="light tails: 2")
        right.set(
            xscale="log", xlabel="step size $\\eta$", ylabel="block estimate of $\\alpha$", xlim=left.get_xlim(), ylim=(0, 3)
        )
        right.set_title("(b) time averages, chains that stay finite", loc="left")
        right.legend(loc="upper left", ncol=2, title="marker: mean, bars: 95 %", **look)
        left.margins(y=0.02)
        left.set_ylim(top=1.5 * left.get_ylim()[1])  # room for the legend
        for ax in (left, right):
            style.ticks(ax.xaxis, most=4)
        _map(grid_axes)
    return figure


def _map(ax: Any) -> None:
    """Which settings have a stationary law, and which of these a tail that can be seen."""
    indices = linear.tail_index(STEPS, np.array(BATCHES)[:, None], sim.DIM)
    kinds = np.where(np.isnan(indices), 0, np.where(indices < LIGHT, 1, 2))
    ax.pcolormesh(kinds, cmap=ListedColormap(["0.75", style.RED, style.SKY]), edgecolors="white", lw=0.8, vmin=0, vmax=2)
    for row, column in np.argwhere(kinds == 1):
        ax.text(column + 0.5, row + 0.5, f"{indices[row, column]:.2f}", ha="center", va="center", fontsize=5.5, color="white")
    ax.set_xticks(np.arange(1, len(STEPS), 2) + 0.5, [f"{step:g}" for step in STEPS[1::2]])
    ax.set_yticks(np.arange(len(BATCHES)) + 0.5, [str(b) for b in BATCHES])
    ax.tick_params(length=0)
    ax.set(xlabel="step size $\\eta$", ylabel="batch size $b$", ylim=(0, len(BATCHES) + 2.3))
    ax.spines["left"].set_bounds(0, len(BATCHES))
    ax.yaxis.set_label_coords(-0.15, 0.37)
    ax.set_title(f"(c) theory, {kinds.size} settings", loc="left")
    words = ("no stationary law", f"$\\alpha<{LIGHT}$", "light tails")
    for kind, (word, colour) in enumerate(zip(words, ("0.75", style.RED, style.SKY), strict=True)):
        ax.plot([], [], "s", color=colour, ms=5, label=f"{word}: {np.sum(kinds == kind)}")
    ax.legend(loc="upper left")
