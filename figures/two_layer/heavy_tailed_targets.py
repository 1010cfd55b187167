"""Heavy-tailed targets: median loss of the simplified optimum, of the largest neurons and of the optimum against the index."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from sims.two_layer import heavy_tailed_targets as sim

RIVALS = (
    ("simplified", "simplified optimum", style.BLUE),
    ("simplified_refit", "its directions, best gains", style.SKY),
    ("largest", f"{sim.NEURONS} largest neurons, best gains", style.RED),
    ("optimum", "best found", style.BLACK),
)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel for each law and width; the dotted line is where copying and simplifying are equal in the median."""
    laws, widths = samples["heavy"].values.tolist(), samples["n"].values.tolist()
    index = samples["tail_index"].values
    with style.paper():
        figure, axes = plt.subplots(
            len(laws), len(widths), figsize=(style.FULL, 2.1 * len(laws) + 0.6), sharex=True, sharey="row", squeeze=False
        )
        letters = iter(style.LETTERS)
        for row, law in zip(axes, laws, strict=True):
            for ax, n in zip(row, widths, strict=True):
                here = samples.sel(heavy=law, n=n)
                for place, (metric, words, colour) in enumerate(RIVALS):
                    style.medians(ax, index * 1.02 ** style.beside(place, len(RIVALS)), here[metric], place, words, colour)
                found = sim.switch(here, "simplified")
                if found is not None:
                    ax.axvline(found.value, color="0.4", ls=":", label="copying as good as simplifying")
                    ax.axvspan(found.value - 2 * found.error, found.value + 2 * found.error, color="0.4", alpha=0.15, lw=0)
                ax.set(xscale="log", yscale="log")
                ax.set_title(f"({next(letters)}) heavy {law}, $N/M={n / sim.NEURONS:g}$", loc="left")
                style.ticks(ax.xaxis, [0.4, 0.6, 0.8, 1, 1.5, 2, 3])
            row[0].set_ylabel(r"loss$\,/\,\mathrm{E}f_*^2$")
        for ax in axes[-1]:
            ax.set_xlabel(r"tail index $\alpha$")
        handles = {label: h for ax in axes.flat for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        title = f"$d={sim.DIM}$; marker: median, bars: 95 %, simulation only; grey band: two standard errors"
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3, title=title)
    return figure
