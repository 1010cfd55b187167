"""Networks against width: what the figures of trained networks share."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

# metric, treatment, label, look: networks of both rows look the same
STARTS = [
    ("longer", None, "dense, both periods", 0),
    ("pruned", "magnitude, trained", "pruned", 1),
    ("retrained", "magnitude, trained", "+ RT from trained", 2),
    ("retrained", "magnitude, original", "+ RT from original", 3),
    ("retrained", "magnitude, fresh", "+ RT from fresh", 4),
]
RULES = [
    ("longer", None, "dense, both periods", 0),
    ("retrained", "layerwise, trained", "layerwise + RT", 5),
    ("retrained", "magnitude, trained", "magnitude + RT", 2),
    ("retrained", "hessian, trained", "Hessian + RT", 6),
    ("retrained", "random, trained", "random + RT", 4),
]


def panels(here: xr.Dataset, unit: str) -> Figure:
    """One column per budget; above the starts of retraining, below the pruning rules. Test errors are solid with
    markers, training errors dashed, bands 95 % of the mean over seeds. ``unit``: what a width counts."""
    bases, trials = here["base"].values, here.sizes["seed"]
    with style.paper():
        figure, grid = plt.subplots(2, len(bases), figsize=(style.FULL, 5.4), sharex=True, sharey="row", squeeze=False)
        letters = iter(style.LETTERS)
        for row, curves, title in zip(grid, (STARTS, RULES), ("starts", "rules"), strict=True):
            for ax, base in zip(row, bases, strict=True):
                for metric, treatment, label, index in curves:
                    _curve(ax, here, metric, treatment, base, index, label)
                _baseline(ax, here, base)
                ax.set_xscale("log")
                ax.set_ylim(bottom=-0.02)
                ax.set_title(f"({next(letters)}) {title}: weights of a dense width {base}", loc="left")
            row[0].set_ylabel("error rate")
            row[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="test: solid\ntraining: dashed")
        widths = here["width"].values
        for ax in grid[-1]:
            ax.set_xlabel(f"width $k$ ({unit})")
            style.ticks(ax.xaxis, [w for w in widths if not np.log2(w) % 1])
        noise = f"{100 * float(here['label_noise']):g} % of them with random labels"
        steps = f"{int(here['steps'])} steps before and after pruning"
        heading = f"{int(here['n'])} training samples, {noise}; {steps}, {trials} seeds, bands: 95 %"
        figure.suptitle(heading)
    return figure


def _curve(ax, here: xr.Dataset, metric: str, treatment: str | None, base: int, index: int, label: str) -> None:
    look: dict[str, Any] = dict(color=style.COLOURS[index])
    for measure, line, marker in (("error", "-", style.MARKERS[index]), ("train_error", "--", "")):
        values = here[f"{metric}_{measure}"]
        if treatment is not None:
            values = values.sel(treatment=treatment, base=base)
            values = values.where(values["width"] >= base, drop=True)
        x, (mean, half) = values["width"], style.interval(values)
        ax.plot(x, mean, ls=line, marker=marker, mfc="white", mew=0.8, label=label if marker else None, **look)
        ax.fill_between(x, mean - half, mean + half, alpha=0.15, lw=0, **look)


def _baseline(ax, here: xr.Dataset, base: int) -> None:
    """The small dense network, trained for one period and for both."""
    x = here["width"].values[[0, -1]]
    for metric, line, label in (("dense", ":", "small from start, once"), ("longer", "-.", "small from start, both")):
        mean, half = style.interval(here[f"{metric}_error"].sel(width=base))
        ax.plot(x, [mean, mean], color="0.35", ls=line, lw=0.9, label=label, zorder=1)
        ax.fill_between(x, mean - half, mean + half, color="0.5", alpha=0.15, lw=0, zorder=0)
