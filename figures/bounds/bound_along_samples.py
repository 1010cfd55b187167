"""The least bound of compressed heavy-tailed networks against the number of samples, and what it says more than."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.bounds import baselines
from sims.bounds import bound_along_samples as sim

DELTA = 0.05
CURVES = (
    ("best", "least bound, all paid", style.RED),
    ("best_values_only", "if positions were free", style.ORANGE),
    ("best_test_error", "test error there", style.BLUE),
)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel for each tail index: means over seeds with 95 % bars. Line: a rival that counts all weights, whose gap alone is
    drawn."""
    indices, counts = samples["tail_index"].values.tolist(), samples["samples"].values
    gap = baselines.parameter_gap(sim.WIDTH * (sim.DIM + sim.CLASSES), counts, DELTA)
    with style.paper():
        figure, axes = plt.subplots(1, len(indices), figsize=(style.FULL, 2.8), sharey=True, squeeze=False)
        for letter, ax, index in zip(style.LETTERS, axes[0], indices, strict=False):
            here = samples.sel(tail_index=index)
            for place, (metric, words, colour) in enumerate(CURVES):
                style.means(ax, counts, here[metric], place, words, colour)
            ax.plot(counts, gap, color=style.GREY, label="gap by counting weights")
            ax.axhline(1 - float(here["majority"].mean()), color="k", ls="--", lw=0.8, label="the most frequent label")
            ax.axhline(1 - 1 / sim.CLASSES, color="0.5", ls=":", lw=0.8, label="guessing")
            ax.set(xscale="log", ylim=(0, 1.02), xlabel="training samples")
            ax.set_title(f"({letter}) $\\alpha={index:g}$", loc="left")
            style.ticks(ax.xaxis, 10.0 ** np.arange(2, 7))
        axes[0, 0].set_ylabel("error rate")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure
