"""Correlation decides whether retraining helps: risk against correlation. Lines: theory; markers: simulation.

The crossing of the pruned and the retrained risk is located by code, with its standard error.
"""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.predictions import covariance
from jaxprune.theory.least_squares import correlated, sampled
from sims.least_squares import correlation_decides as sim

METRICS = {
    "pruned_risk": "pruned (MP)",
    "retrained_same": "retrained, same sample",
    "retrained_fresh": "retrained, fresh sample",
}
SHOWN = dict(n=style.largest, noise=style.last)
SMALL = 0.005  # below it the axis of equal correlations is linear


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One panel: pruned and retrained risks, and where they cross."""
    here, equal = _shown(samples), samples.attrs["name"] == sim.EQUICORRELATED.name
    with style.paper():
        figure, ax = plt.subplots(figsize=(style.COLUMN, 2.5))
        last = max(float(here["rho"].max()), 2 * SMALL)
        low = np.concatenate([[0], np.geomspace(SMALL / 2, last / 2, 15)]) if equal else np.linspace(0, 0.8 * last, 12)
        grid = np.concatenate([low, np.linspace(low[-1], last, 11)[1:]])
        make = sim.make_equicorrelated if equal else sim.make_ar1
        for index, (metric, curve) in enumerate(zip(METRICS, _theory(make, here, grid), strict=True), start=1):
            style.means(ax, here["rho"], here[metric], index, METRICS[metric])
            if curve is None:
                mean = here[metric].mean("seed")
                ax.plot(here["rho"], mean, color=style.COLOURS[index], ls=":", lw=0.8)
            else:
                ax.plot(grid, curve, color=style.COLOURS[index])
        if equal:
            ax.set_xscale("symlog", linthresh=SMALL, linscale=0.4)
            ax.set_xlim(-SMALL / 8, 1.05)
            style.ticks(ax.xaxis, [0, 0.005, 0.02, 0.1, 0.3, 0.9])
        ax.set(xlabel=f"correlation $\\rho$ {'of every pair' if equal else 'of neighbours'}", ylabel="risk", yscale="log")
        ax.set_ylim(0.33, 8)
        style.ticks(ax.yaxis, [0.4, 0.6, 1, 1.5, 2, 3])
        n = int(here["n"])
        ax.set_title(f"$n={n}$, $p={2 * n}$, $s={0.4 * n:g}$, $\\sigma={float(here['noise']):g}$", loc="left")
        note = "line: theory, dotted: none known\nmarker: simulation, bars: 95 %"
        ax.legend(loc="upper left", title=note, alignment="left")
        _mark_crossing(ax, samples)
    return figure


def _shown(samples: xr.Dataset) -> xr.Dataset:
    return style.shown(samples, SHOWN).isel(width=0, kept=0).sel(rule="magnitude")


def _theory(make, here: xr.Dataset, grid):
    """Pruned and freshly retrained risks on the grid; none is known for the same sample."""
    n, noise = int(here["n"]), float(here["noise"])
    pruned, fresh = [], []
    for rho in grid:
        problem = make(n, noise, float(rho))
        arguments = (covariance(problem), problem.teacher, noise, n, round(float(here["kept"]) * n))
        pruned.append(correlated.pruned_risk(*arguments))
        fresh.append(sampled.retrained_risk(*arguments, draws=100, seed=0).value)
    return pruned, None, fresh


def _mark_crossing(ax, samples) -> None:
    try:
        at = sim.retraining_helps(samples)
    except ValueError:  # too few seeds or correlations to locate it
        return
    ax.axvspan(at.low, at.high, color="0.85", lw=0, zorder=0)
    ax.axvline(at.place, color="0.5", lw=0.8, ls=":")
    note = f"retraining helps\nfrom $\\rho={at.place:.3f}\\pm{at.error:.3f}$"
    style.note(ax, note, (at.place, ax.get_ylim()[0]), (-4, 5), ha="right")
