"""Fitted power laws against the true tail index: of entries, of spectra, and how far the claimed error is off."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

SHOWN = dict(side=style.largest)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) index of the entries over the truth: median and middle 80 % of samples, grey: the claimed 95 % around it; (b)
    index of the spectrum, medians, with half the true index, its limit below 2."""
    here = style.shown(samples, SHOWN)
    index = here["index"].values
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        for number, family in enumerate(here["family"].values.tolist()):
            place = index * 1.02 ** style.beside(number, here.sizes["family"])
            entries, spectrum = (here["tail_index"].sel(family=family, data=data) for data in ("entries", "spectrum"))
            ratios, colour = entries / here["index"], style.colour(number)
            claim = (here["claimed"].sel(family=family, data="entries") / here["index"]).median("seed")
            middle = style.quantile(ratios, 0.5)
            left.vlines(place, middle - 1.96 * claim, middle + 1.96 * claim, color="0.8", lw=3.5)
            left.vlines(place, style.quantile(ratios, 0.1), style.quantile(ratios, 0.9), color=colour, lw=0.8)
            left.plot(place, middle, ls="", marker=style.MARKERS[number], color=colour, mfc="white", label=family)
            style.medians(right, place, spectrum, number, family)
        left.axhline(1, color=style.BLACK, lw=0.8, ls="--")
        left.set(xscale="log", xlabel="tail index of the law", ylabel="fitted / true")
        side = int(here["side"])
        left.set_title(f"(a) {side**2} entries", loc="left")
        grid = np.array([index.min(), index.max()])
        right.plot(grid, grid / 2, color=style.BLACK, lw=0.8, ls="--", label="half of it")
        right.axvline(2, color=style.GREY, lw=0.8)
        right.set(xscale="log", yscale="log", xlabel="tail index of the law", ylabel="fitted to squared singular values")
        right.set_title(f"(b) spectrum, {side} × {side}", loc="left")
        for ax in (left, right):
            style.ticks(ax.xaxis, index)
            ax.legend()
        style.ticks(right.yaxis)
        left.legend(title="line: middle 80 %\ngrey: claimed 95 %")
    return figure
