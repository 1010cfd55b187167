"""Networks trained on digits along their pruning curve: bound, training and test error."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import bounds
from sims.bounds import bound_along_pruning as sim

SHOWN = dict(steps=style.largest)
CURVES = (
    ("bound", "bound, all paid", style.RED),
    ("test_error", "test error", style.BLUE),
    ("train_error", "training error", style.SKY),
)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel for each noise and width. Markers: means over seeds; line: the bound of theory at the mean training error and
    mean code length, which lies above the mean bound."""
    here = style.shown(samples, SHOWN)
    noises, widths = here["noise"].values.tolist(), here["width"].values.tolist()
    with style.paper():
        size = style.FULL, 2.0 * len(noises) + 0.7
        figure, axes = plt.subplots(len(noises), len(widths), figsize=size, sharex=True, sharey=True, squeeze=False)
        letters = iter(style.LETTERS)
        for row, noise in zip(axes, noises, strict=True):
            for ax, width in zip(row, widths, strict=True):
                _panel(ax, here.sel(noise=noise, width=width))
                words = sim.NOISES.get(noise, noise)
                ax.set_title(f"({next(letters)}) {words}, width {width}", loc="left")
            row[0].set_ylabel("error rate")
        for ax in axes[-1]:
            ax.set_xlabel("share of the weights kept")
        title = (
            "markers: means, bars: 95 %; at share 1 the grid of the few bits paid for reaches down to the tiniest weight"
            "\nnumbers: of the first and the last layer the tail index of entries and the stable rank, medians over runs"
        )
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3, title=title)
    return figure


def _panel(ax, here):
    kept = here["kept"].values
    for place, (metric, words, colour) in enumerate(CURVES):
        style.means(ax, kept, here[metric], place, words, colour)
    risk, nats = here["train_error"].mean("seed").clip(0, 1), here["nats"].mean("seed")
    line = bounds.occam_kl(risk.values, nats.values, sim.SAMPLES, sim.DELTA)
    ax.plot(kept, line, color=style.RED, label="bound of theory at the means")
    ax.axhline(1 - float(here["majority"].mean()), color="k", ls="--", lw=0.8, label="the most frequent label")
    ax.axhline(0.9, color="0.5", ls=":", lw=0.8, label="guessing")
    ax.set(xscale="log", ylim=(0, 1.02))
    indices, ranks = here["entry_index"].median("seed"), here["stable_rank"].median("seed")
    for place, layer in enumerate(here["layer"].values.tolist()):
        words = f"{layer}: index {float(indices[place]):.1f}, stable rank {float(ranks[place]):.1f}"
        ax.text(0.98, 0.46 - 0.08 * place, words, transform=ax.transAxes, fontsize=6, color="0.3", ha="right")
    style.ticks(ax.xaxis)
