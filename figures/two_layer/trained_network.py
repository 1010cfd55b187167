"""Narrow networks in place of a trained one: test errors above, errors of the output below, against the number of neurons."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

SHOWN = dict(data=style.last, sigma=style.last, n=style.largest)
KEY = "marker, bar: mean, 95 %, output weights of the method; dotted: fitted on training inputs; dash: for Gaussian inputs"
NAMES = {"covariance": "optimal, covariance of the data", "white": "optimal, white inputs"}


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A column for every noise and alpha. Markers with 95 % bars over seeds: output weights of the method; dots: fitted to the
    training inputs. Ticks: errors for Gaussian inputs. Grey: the dense network."""
    samples = style.shown(samples, SHOWN)
    cells = _cells(samples)
    with style.paper():
        figure, axes = plt.subplots(2, len(cells), figsize=(style.FULL, 4.6), sharex=True, sharey="row", squeeze=False)
        for column, (words, here) in enumerate(cells.items()):
            _column(axes[:, column], here)
            axes[0, column].set_title(f"({style.LETTERS[column]}) {words}", loc="left")
        for ax in axes[:, 0]:
            style.ticks(ax.yaxis, most=6)
        axes[0, 0].set_ylabel("test error")
        axes[1, 0].set_ylabel("relative error of the output")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncol=4, title=KEY)
    return figure


def _cells(samples):
    """Without noise no alpha matters, and all have the same networks."""
    cells = {}
    for noise in samples["noise"].values:
        for alpha in samples["alpha"].values[:1] if noise == "none" else samples["alpha"].values:
            words = "no noise" if noise == "none" else f"noise {noise}, $\\alpha={alpha:g}$"
            cells[words] = samples.sel(noise=noise, alpha=alpha)
    return cells


def _column(axes, here):
    count = here.sizes["rule"]
    mean, half = style.interval(here["dense_error"])
    axes[0].axhspan(float(mean - half), float(mean + half), color=style.GREY, alpha=0.3, lw=0, label="dense network, 95 %")
    for index, rule in enumerate(here["rule"].values):
        one = here.sel(rule=rule)
        place = one["width"].values * 1.04 ** style.beside(index, count)
        own, colour = one.sel(outer="own"), style.colour(index)
        for ax, metric in zip(axes, ("test_error", "function_error"), strict=True):
            style.means(ax, place, own[metric], index, NAMES.get(rule, rule))
            ax.plot(place, one[metric].sel(outer="fitted").mean("seed"), ls=":", lw=0.8, marker=".", ms=2.5, color=colour)
        axes[1].plot(place, own["gaussian_error"].mean("seed"), ls="", marker="_", ms=7, mew=1, color=colour)
    for ax in axes:
        ax.set(xscale="log", yscale="log")
        style.ticks(ax.xaxis, here["width"].values)
    axes[1].set_xlabel("neurons $M$")
