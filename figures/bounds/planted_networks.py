"""Random heavy-tailed networks: bound, training and test error against the entries kept, and what rivals say."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import bounds
from sims.bounds import planted_networks as sim

CURVES = (
    ("bound", "Occam-kl bound", style.RED),
    ("test_error", "test error", style.BLUE),
    ("train_error", "training error", style.SKY),
)
DELTA = 0.05


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel for each activation and tail index; markers tell the measure and the score by which entries are kept."""
    activations, indices = samples["activation"].values.tolist(), samples["tail_index"].values.tolist()
    with style.paper():
        figure, axes = plt.subplots(
            len(activations),
            len(indices),
            figsize=(style.FULL, 1.9 * len(activations) + 0.8),
            sharex=True,
            sharey=True,
            squeeze=False,
        )
        letters = iter(style.LETTERS)
        for row, activation in zip(axes, activations, strict=True):
            for ax, index in zip(row, indices, strict=True):
                _panel(ax, samples.sel(activation=activation, tail_index=index))
                ax.set_title(f"({next(letters)}) {activation}, $\\alpha={index:g}$", loc="left")
            row[0].set_ylabel("error rate")
        for ax in axes[-1]:
            ax.set_xlabel("entries kept of each layer")
        title = "markers: means, bars: 95 %; simulation and bounds of it" + _rivals()
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, title=title)
    return figure


def _panel(ax, here):
    kept = here["kept"].values
    for curve, (metric, words, colour) in enumerate(CURVES):
        for place, score in enumerate(here["score"].values.tolist()):
            marker = curve + place * len(CURVES)
            at = kept * 1.04 ** style.beside(marker, len(CURVES) * here.sizes["score"])
            style.means(ax, at, here[metric].sel(score=score), marker, f"{words}, {score}", colour)
    majority = 1 - float(here["majority"].mean())
    ax.axhline(majority, color="k", ls="--", lw=0.8, label="the most frequent label")
    ax.axhline(0.9, color="0.5", ls=":", lw=0.8, label="guessing")
    ax.set(xscale="log", ylim=(0, 1.02))
    style.ticks(ax.xaxis, 10.0 ** np.arange(0, 5))


def _rivals() -> str:
    """What a code of all weights in single precision says at that number of samples."""
    count = sim.DIM * sim.WIDTH + sim.WIDTH * 10
    gap = bounds.baselines.parameter_gap(count, sim.SAMPLES, DELTA)
    return f"\na code of all {count} weights, of 32 bits each, bounds the error by the training error + {gap:.1f}"
