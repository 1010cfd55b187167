"""Where training ends from random signs: shares of runs at the loss of k neurons, and the binomial law."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.stats import binom

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory

SHOWN = dict(dim=style.last, eta=style.last)
NEAR = 1e-6


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) shares of the losses at the most neurons, (b) mean loss against the number of neurons."""
    here = style.shown(samples, SHOWN)["loss"]
    neurons = here["neurons"].values
    most = int(neurons[-1])
    values = np.array([1.0, *(theory.simplex_value(k) for k in range(1, most + 1))])
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        _shares(left, here.isel(neurons=-1).values, values, most)
        law = [float(binom.pmf(range(m + 1), m, 0.5) @ values[: m + 1]) for m in neurons]
        right.plot(neurons, law, color=style.BLUE, label="binomial mean of simplices")
        right.plot(neurons, values[neurons], color=style.GREY, ls="--", label="all outputs positive")
        style.means(right, neurons, here, 0, "simulation, bars: 95 %", style.BLUE)
        right.set(xlabel="neurons $M$", ylabel=r"loss $E(f^*-f)^2/c^2$", ylim=(0, None))
        right.set_title("(b) mean loss", loc="left")
        right.legend()
    return figure


def _shares(ax, losses, values, most: int) -> None:
    count = len(losses)
    share = np.array([np.mean(np.abs(losses - value) < NEAR) for value in values])
    law = binom.pmf(range(most + 1), most, 0.5)
    ax.bar(range(most + 1), law, color=style.SKY, width=0.7, label="binomial law")
    bars = 1.96 * np.sqrt(law * (1 - law) / count)
    ax.errorbar(range(most + 1), share, bars, label="runs, bars: 95 %", **style.look(0, style.BLACK))
    other = 1 - share.sum()
    ax.set(xlabel="neurons of positive output $k$", ylabel="share of runs")
    ax.set_title(f"(a) runs that end at the simplex of $k$, $M={most}$; elsewhere: {other:.1%}", loc="left")
    ax.legend()
