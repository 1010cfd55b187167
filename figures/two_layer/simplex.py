"""Loss against the number of neurons without a slope: random starts on the simplex, and frames above it."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory

SHOWN = dict(dim=style.last, restarts=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) loss, (b) cosine, at the largest ``dim`` and ``restarts``."""
    here = style.shown(samples, SHOWN)
    dim, neurons = int(here["dim"]), here["neurons"].values
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        simplex = [theory.simplex_value(int(m)) for m in neurons]
        left.plot(neurons, simplex, color=style.BLUE, label="simplex")
        flat = [theory.frame_loss(theory.frames.orthonormal(int(m), dim))[0] for m in neurons if m <= dim]
        left.plot(neurons[neurons <= dim], flat, color=style.GREEN, ls="--", label="orthonormal directions")
        left.plot(neurons, (np.pi / 2 - 1) / neurons, color=style.GREY, ls=":", label=r"$(\pi/2-1)/M$")
        style.means(left, neurons, here["loss"], 0, "best of random starts", style.BLUE)
        style.means(left, neurons, here["random_loss"], 1, "random directions, one gain", style.RED)
        left.set(xscale="log", yscale="log", xlabel="neurons $M$", ylabel=r"loss $E(f^*-f)^2/c^2$")
        left.set_ylim(left.get_ylim()[0] / 5, None)  # room for the legend
        style.ticks(left.xaxis)
        style.ticks(left.yaxis)
        left.legend(loc="lower left", title=f"line: theory, marker: simulation, $d={dim}$", alignment="left")
        left.set_title("(a) loss", loc="left")
        right.plot(neurons, -1 / (neurons - 1), color=style.BLUE, label="$-1/(M-1)$")
        style.means(right, neurons, here["cosine"], 0, "mean of the pairs", style.BLUE)
        right.set(xlabel="neurons $M$", ylabel="cosine between neurons", ylim=(-1.1, 0.05))
        right.set_title("(b) cosines at the optimum", loc="left")
        right.legend(loc="lower right")
    return figure
