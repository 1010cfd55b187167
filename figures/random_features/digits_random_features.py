"""Handwritten digits: test error and square loss against the number of random features, dense, pruned, retrained."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

# what, rule, label
CURVES = [
    ("", None, "dense"),
    ("pruned_", "magnitude", "magnitude"),
    ("retrained_", "magnitude", "magnitude + RT"),
    ("pruned_", "random", "random"),
    ("retrained_", "random", "random + RT"),
]
LETTERS = ("ad", "be", "cf")

SHOWN = dict(n=style.last, target=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One column of panels for each budget: mean error above, median loss below, 95 % bands over seeds."""
    here = style.shown(samples, SHOWN)
    budgets, n = here["kept"].values, int(here["n"])
    with style.paper():
        figure, axes = plt.subplots(2, len(budgets), figsize=(style.FULL, 4.2), sharex=True, sharey="row", squeeze=False)
        for column, kept, letters in zip(axes.T, budgets, LETTERS, strict=False):
            for ax, measure in zip(column, ("error", "loss"), strict=True):
                for index, (what, rule, label) in enumerate(CURVES):
                    _curve(ax, here, f"{what}{measure}", rule, kept, index, label)
                ax.axvline(n, color="0.6", lw=0.8, ls=":")
                ax.set(xscale="log", yscale="log")
            for ax, letter in zip(column, letters, strict=True):
                ax.set_title(f"({letter}) keep {kept} per output", loc="left")
            column[1].set_xlabel("random features $p$")
            style.ticks(column[1].xaxis, most=5)
        axes[0, 0].set_ylabel("test error (mean)")
        axes[1, 0].set_ylabel("test square loss (median)")
        for ax in axes[:, 0]:
            style.ticks(ax.yaxis)
        target = str(here["target"].item())
        what = "all ten digits" if target == "all" else f"digit {target} against the rest"
        title = f"{what}, $n={n}$; RT: retrained on the same sample; open: mean, filled: median, bars: 95 %"
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5, title=title)
    return figure


def _curve(ax, here: xr.Dataset, metric: str, rule: str | None, kept: int, index: int, label: str) -> None:
    values = here[metric]
    if rule is not None:
        values = values.sel(rule=rule, kept=kept)
        values = values.where(values["width"] >= kept, drop=True)
    # A rarely active feature can ruin the loss of a seed: its mean says little, its median much.
    plot, centre = (style.means, values.mean("seed")) if metric.endswith("error") else (style.medians, values.median("seed"))
    ax.plot(values["width"], centre, color=style.COLOURS[index], lw=0.6, alpha=0.7)
    plot(ax, values["width"], values, index, label)
