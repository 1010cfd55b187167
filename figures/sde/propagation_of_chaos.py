"""Propagation of chaos: n^-(1-1/alpha) under linear interaction, n^-1/2 under bounded interaction."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.predictions import sde as diffusions
from jaxprune.theory.sde import ornstein_uhlenbeck, particles
from sims.sde import propagation_of_chaos as sim

SHOWN = dict(rate=style.last, coupling=style.last, scale=style.last, horizon=style.last, steps=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) The typical distance under linear interaction against its exact law; (b) the rms under a bounded one."""
    here = style.shown(samples, SHOWN)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.7))
        for index, alpha in enumerate(here["alpha"].values):
            point = here.sel(alpha=alpha)
            if "linear" in here["interaction"]:
                _linear(left, point, index)
            if "bounded" in here["interaction"]:
                _bounded(right, point, index, style.beside(index, here.sizes["alpha"]))
        left.set_title("(a) linear interaction", loc="left")
        left.set(xscale="log", yscale="log", xlabel="particles $n$")
        left.set_ylabel("typical distance to the limit\n$\\exp\\,\\mathrm{E}\\,\\log\\,|X^{i,n}_T-X^{i,\\infty}_T|$")
        right.set_title("(b) bounded interaction", loc="left")
        right.set(xscale="log", yscale="log", xlabel="particles $n$")
        right.set_ylabel("rms distance to the limit\n$(\\mathrm{E}|X^{i,n}_T-X^{i,\\infty}_T|^2)^{1/2}$")
        for ax, line in ((left, "exact"), (right, "limit of large $n$")):
            low, high = ax.get_ylim()
            ax.set_ylim(low / 2.4, high)  # room for the legend
            style.ticks(ax.yaxis)
            handles = ax.get_legend_handles_labels()
            ax.set_visible(bool(handles[0]))
            ax.legend(*handles, loc="lower left", title=f"line: {line}, marker: simulation, bars: 95 %", alignment="left")
    return figure


def _linear(ax, point: xr.Dataset, index: int) -> None:
    alpha, rate, coupling, scale = (float(point[name]) for name in ("alpha", "rate", "coupling", "scale"))
    steps, step_size = int(point["steps"]), float(point["horizon"]) / int(point["steps"])
    grid = np.unique(np.geomspace(sim.SIZES[0] / 1.5, sim.SIZES[-1] * 1.5, 60).astype(int))
    size = particles.linear_chaos_euler_scale(alpha, rate, coupling, scale, grid, step_size, steps)
    ax.plot(grid, np.exp(ornstein_uhlenbeck.mean_log_abs(size, alpha)), color=style.shade(alpha))
    values = point["log_error"].sel(interaction="linear").transpose("seed", "n")
    label = f"$\\alpha={alpha:g}$: slope $-(1-1/\\alpha)={particles.linear_chaos_slope(alpha):.2f}$"
    style.means(ax, values["n"], values, index, label, style.shade(alpha), np.exp)


def _bounded(ax, point: xr.Dataset, index: int, place: float) -> None:
    alpha, *numbers = (float(point[name]) for name in ("alpha", "rate", "coupling", "scale", "horizon"))
    limit = particles.bounded_chaos_constant(alpha, *numbers, draws=diffusions.DRAWS, seed=0, steps=int(point["steps"]))
    grid = np.geomspace(sim.SIZES[0] / 1.5, sim.SIZES[-1] * 1.5, 60)
    ax.plot(grid, limit.value / np.sqrt(grid), color=style.shade(alpha))
    values = point["scaled_square"].sel(interaction="bounded").transpose("seed", "n")
    label = f"$\\alpha={alpha:g}$: ${limit.value:.3f}\\,n^{{-1/2}}$"
    style.means(ax, values["n"] * 1.08**place, values / values["n"], index, label, style.shade(alpha), style.root)
