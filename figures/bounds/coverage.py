"""How often bounds fail, beside the probability that they state."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from sims.bounds import coverage as sim

WORDS = {"chosen": "best of $10^4$, fair coins", "noise": "features, fair coins", "half-space": "features, 10 % flipped"}


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel of failures for every case; below, how far the risk lies above the bound."""
    cases = samples["case"].values.tolist()
    with style.paper():
        figure, axes = plt.subplots(2, len(cases), figsize=(style.FULL, 3.8), sharex=True, sharey="row", squeeze=False)
        letters = iter(style.LETTERS)
        for column, case in zip(axes.T, cases, strict=True):
            here = samples.sel(case=case)
            m = here["m"].values
            for place, (metric, words) in enumerate(sim.CLAIMS.items()):
                at = m * 1.05 ** style.beside(place, len(sim.CLAIMS))
                failed = (here[metric] > 0).astype(float)
                style.means(column[0], at, failed, place, words)
                style.medians(column[1], at, here[metric], place)
            column[0].axhline(sim.DELTA, color="k", ls="--", lw=0.8, label=rf"stated, $\delta={sim.DELTA}$")
            column[1].axhline(0, color="k", ls="--", lw=0.8)
            column[0].set_title(f"({next(letters)}) {WORDS.get(case, case)}", loc="left")
            column[1].set_title(f"({next(letters)})", loc="left")
            column[1].set(xscale="log", xlabel="samples $m$")
            style.ticks(column[1].xaxis, np.unique(m))
        axes[0, 0].set(ylabel="share of data sets that fail", ylim=(-0.03, 1.03))
        axes[1, 0].set_ylabel("risk less bound")
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure
