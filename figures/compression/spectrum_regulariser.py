"""Training with a penalty on the stable rank: test error, stable rank, and what layers then keep."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

SHOWN = dict(width=style.largest, steps=style.largest)
LEAST = 3.0  # of the smallest positive rate: where no penalty is drawn, below it


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) errors, (b) stable ranks, (c) entries and singular values kept at an error of 10 %. Means and 95 % bars over seeds;
    no penalty is at the left end."""
    here = style.shown(samples, SHOWN)
    rates = here["rate"].values
    positive = rates[rates > 0]
    least = positive.min() / LEAST if positive.size else 1.0
    at = [rate if rate > 0 else least for rate in rates]
    with style.paper():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(style.FULL, 2.6))
        for index, (metric, words) in enumerate({"test_error": "test", "train_error": "training"}.items()):
            style.means(left, at, here[metric], index, words)
        for index, layer in enumerate(here["layer"].values.tolist()):
            one = here.sel(layer=layer)
            style.means(middle, at, one["stable_rank"], index, f"{layer} layer")
            style.means(right, at, one["kept"], index, f"entries, {layer}")
            style.means(right, at, one["rank"], index + 2, f"singular values, {layer}")
        for ax, title in ((left, "(a) error"), (middle, "(b) stable rank"), (right, "(c) share kept at 10 % error")):
            ax.set(xscale="log", xlabel="rate of the penalty")
            ax.set_title(title, loc="left")
            ax.legend()
            ax.set_xticks(at, ["none" if rate == 0 else f"{rate:g}" for rate in rates])
            ax.minorticks_off()
            ax.tick_params(axis="x", rotation=45)
        left.set_ylim(0, None)
        middle.set_ylim(1, None)
        right.set_ylim(0, 1)
    return figure
