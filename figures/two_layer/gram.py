"""Cosines between the neurons of an optimum: the matrix of one, and the histogram of all."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) the matrix of the first seed at the first slope, (b) histograms for every slope, with the cosines of theory."""
    gram = samples["gram"].isel(neurons=0)
    neurons = int(samples["neurons"].values[0])
    off = ~np.eye(neurons, dtype=bool)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8), width_ratios=(1, 1.4))
        first = gram.isel(eta=0, seed=0).transpose("row", "column").values
        image = left.imshow(first, cmap="RdBu_r", vmin=-1, vmax=1)
        figure.colorbar(image, ax=left, label="cosine", shrink=0.85)
        left.set(xlabel="neuron", ylabel="neuron")
        left.set_title(rf"(a) one optimum, $\eta={float(samples['eta'][0]):g}$, $M={neurons}$", loc="left")
        for index, eta in enumerate(samples["eta"].values):
            cosines = gram.sel(eta=eta).transpose("seed", "row", "column").values[:, off].ravel()
            colour = style.colour(index)
            share = np.full(len(cosines), 1 / len(cosines))
            right.hist(cosines, np.linspace(-1, 1, 201), weights=share, color=colour)
            known = theory.cone_optimum(neurons, float(eta))[1]
            words = rf"$\eta={eta:g}$: theory {known:.4f}, found {np.mean(cosines):.4f}"
            right.plot([known, known], [0, 1.1], color=colour, ls=":", label=words)
        right.set(xlabel="cosine between two neurons", ylabel="share of pairs", ylim=(0, 1.8), xlim=(-0.4, 0.8))
        right.set_yticks([0, 0.5, 1])
        right.set_title(f"(b) all pairs of {samples.sizes['seed']} optima", loc="left")
        right.legend(loc="upper center", title="bars: simulation, dotted: theory")
    return figure
