"""Optimum against the slope of the target: loss, cosines, and the number of negative outputs, with the slope of the switch."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory

POINTS = 120


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) loss for both choices of signs, (b) cosines with nonnegative outputs, (c) the phase with outputs of any sign."""
    eta = np.linspace(float(samples["eta"].min()), float(samples["eta"].max()), POINTS)
    with style.paper():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(style.FULL, 3.0))
        for index, neurons in enumerate(samples["neurons"].values):
            here, colour = samples.sel(neurons=neurons), style.colour(index)
            _loss(left, here, int(neurons), eta, index, colour)
            cosine = [theory.cone_optimum(int(neurons), float(e))[1] for e in eta]
            middle.plot(eta, cosine, color=colour)
            style.means(middle, here["eta"], here["cosine"].sel(signs="nonnegative"), index, f"$M={neurons}$", colour)
            right.axhline(neurons, color="0.9", zorder=0)
            right.plot(theory.eta_switch(int(neurons)), neurons, marker="|", ms=12, mew=1.5, color=style.BLACK)
            _phase(right, here, int(neurons), colour)
        left.set(xlabel=r"slope $\eta$", ylabel=r"loss $E(f^*-f)^2/c^2$", yscale="log")
        left.set_title("(a) loss", loc="left")
        middle.set(xlabel=r"slope $\eta$", ylabel="cosine between neurons")
        middle.set_title("(b) cone, outputs $\\geq 0$", loc="left")
        right.set(xlabel=r"slope $\eta$", ylabel="neurons $M$")
        right.set_yticks(samples["neurons"].values)
        right.set_title(r"(c) outputs of any sign; bar: $\eta_c$", loc="left")
        title = "solid: theory, any sign; dashed: theory, outputs $\\geq 0$; marker: simulation (hollow: all outputs $\\geq 0$)"
        figure.legend(*middle.get_legend_handles_labels(), loc="outside upper center", ncols=5, title=title)
    return figure


def _loss(ax, here: xr.Dataset, neurons: int, eta, index: int, colour) -> None:
    ax.plot(eta, [theory.cone_optimum(neurons, float(e))[0] for e in eta], color=colour, ls="--")
    ax.plot(eta, [theory.free_sign_optimum(neurons, float(e))[0] for e in eta], color=colour)
    for signs in here["signs"].values:
        style.means(ax, here["eta"], here["loss"].sel(signs=signs), index, colour=colour)


def _phase(ax, here: xr.Dataset, neurons: int, colour) -> None:
    """Filled where some output of the best network is negative."""
    negative = here["negative"].sel(signs="free").mean("seed").values
    for eta, share in zip(here["eta"].values, np.clip(negative, 0, 1), strict=True):
        face = colour if share > 0.5 else "white"
        ax.plot(eta, neurons, ls="", marker="o", color=colour, mfc=face, alpha=0.4 + 0.6 * abs(2 * share - 1))
