"""Strong error of Euler's scheme against the step size: exact for the linear drift, order one for all, not 1/alpha."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.sde import ornstein_uhlenbeck as theory
from sims.sde import euler_strong_error as sim

SHOWN = dict(rate=style.last, scale=style.last, horizon=style.last)
LABELS = dict(linear="linear, $-x$", tanh="$-\\tanh x$", clipped="$-x$ cut at $\\pm1$")


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One panel per tail index: the mean logarithm of the error for every drift, with slopes 1 and 1/alpha."""
    here = style.shown(samples, SHOWN)
    alphas = here["alpha"].values
    with style.paper():
        figure, axes = plt.subplots(1, len(alphas), figsize=(style.FULL, 2.7), squeeze=False, sharey=True)
        for ax, alpha, letter in zip(axes.flat, alphas, style.LETTERS, strict=False):
            _panel(ax, here.sel(alpha=alpha))
            ax.set_title(f"({letter}) $\\alpha={alpha:g}$", loc="left")
        axes[0, 0].set_ylabel("strong error\n$\\exp\\,\\mathrm{E}\\log|X_T^{\\eta}-X_T^{\\mathrm{fine}}|$")
        handles = axes[0, 0].get_legend_handles_labels()
        title = "line: exact, marker: simulation, bars: 95 %"
        figure.legend(*handles, loc="outside upper center", ncols=6, columnspacing=1.2, handlelength=1.6, title=title)
    return figure


def _panel(ax, here: xr.Dataset) -> None:
    alpha, rate, scale, horizon = (float(here[name]) for name in ("alpha", "rate", "scale", "horizon"))
    sizes = horizon / here["steps"]
    for index, (drift, label) in enumerate(LABELS.items()):
        if drift in here["drift"]:
            style.means(ax, sizes, here["log_gap"].sel(drift=drift).transpose("seed", "steps"), index, label, through=np.exp)
    counts = 2 ** np.arange(3, 8)
    exact = [theory.two_grid_scale(alpha, rate, scale, horizon / n, n, sim.FINEST // n) for n in counts]
    grid = horizon / counts
    logs = np.array([theory.mean_log_abs(size, alpha) for size in exact])
    ax.plot(grid, np.exp(logs), color=style.COLOURS[0], label="linear, exact")
    low, high = float(sizes.min()), float(sizes.max())
    span = np.array([low, high])
    for slope, dash, name in ((1.0, "--", "slope 1"), (1 / alpha, ":", "slope $1/\\alpha$")):
        line = 2.2 * np.exp(logs[0]) * high / grid[0] * (span / high) ** slope
        ax.plot(span, line, "k", ls=dash, lw=0.9, label=name)
    ax.set(xscale="log", yscale="log", xlabel="step size $\\eta$")
