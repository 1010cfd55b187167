"""Distribution of the pruning ratio of pure noise of three types: against width, and against the index."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory
from sims.compression import pruning_ratio as sim

LEVELS = (0.1, 0.5, 0.9)
POINTS = 9  # of a line


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Lines: predicted median, bands: middle 80 %; markers: simulated median, bars: middle 80 %."""
    heavy, n = float(samples["alpha"].min()), int(samples["n"].max())
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8), sharey=True)
        widths = samples["n"].values
        grid = np.unique(np.geomspace(max(widths[0] / 1.12, 1), widths[-1] * 1.12, POINTS).astype(int))
        _panel(left, samples["pruning_ratio"].sel(alpha=heavy), "n", grid, lambda m: (heavy, m), lambda x, s: x * 1.06**s)
        left.set(xscale="log", xlabel="neurons $n$", ylabel="pruning ratio", ylim=(0, 1.42))
        style.ticks(left.xaxis, widths)
        left.set_yticks(np.linspace(0, 1, 6))
        left.set_title(rf"(a) against the width, $\alpha={heavy:g}$", loc="left")
        grid = np.linspace(max(heavy - 0.01, heavy / 2), 1.99, POINTS)
        _panel(right, samples["pruning_ratio"].sel(n=n), "alpha", grid, lambda a: (a, n), lambda x, s: x + 0.005 * s)
        right.set(xlabel=r"index $\alpha$")
        for noise in ("I", "III"):  # type II shares its control with type III
            control = theory.gaussian_pruning_ratio(1 if noise == "I" else sim.DIM)
            right.axhline(control, color=style.NOISE[noise], lw=0.8, ls=":")
        style.note(right, "dotted: Gaussian noise of the same type", (heavy, 0.03))
        right.set_title(f"(b) against the index, $n={n}$", loc="left")
        note = "line, band: predicted median, middle 80 %\nmarker, bars: simulated median, middle 80 %,\nshifted sideways"
        left.legend(loc="upper left", ncol=3, title=note, alignment="left")
    return figure


def _panel(ax, ratios, axis, grid, place, shift):
    for step, noise in enumerate(ratios["noise"].values.tolist()):
        here, colour = ratios.sel(noise=noise), style.NOISE[noise]
        alpha, n = place(grid)
        dim = 1 if noise == "I" else sim.DIM
        found = theory.pruning_ratio_quantile(np.reshape(LEVELS, (3, 1)), alpha, n, dim, noise)
        ax.plot(grid, found[1], color=colour, ls=(0, (4, 4)) if noise == "III" else "-")  # II and III nearly coincide
        ax.fill_between(grid, found[0], found[2], color=colour, alpha=0.13, lw=0)
        low, mid, high = (style.quantile(here, p) for p in LEVELS)
        x = shift(here[axis].values, style.beside(step, ratios.sizes["noise"]))
        ax.errorbar(x, mid, [mid - low, high - mid], label=f"type {noise}", **style.look(step, colour))
