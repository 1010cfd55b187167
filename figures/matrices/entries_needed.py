"""Entries needed for an error eps in three senses, against the tail index: a panel for every eps."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import matrices as theory

SENSES = (("frobenius_count", "Frobenius norm", style.BLUE), ("operator_count", "operator norm", style.RED))
FORMS, FORM_COLOUR, ETA = "bilinear forms", style.GREEN, 0.01


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers are medians of single matrices, one shape a size; the solid line is exact for the mean energy of the
    largest matrices, dashed ones are limits: of it, of entries alone for the operator norm, and of the sign threshold."""
    indices, sizes, levels = samples["tail_index"].values, samples["n"].values, samples["eps"].values
    with style.paper():
        figure, axes = plt.subplots(1, len(levels), figsize=(style.FULL, 3.0), sharey=True)
        for ax, eps, tau, letter in zip(axes, levels, samples["tau"].values, style.LETTERS, strict=False):
            for place, n in enumerate(sizes):
                near = indices + 0.05 * style.beside(place, len(sizes))
                for metric, words, colour in SENSES:
                    label = f"{words}, $n={n}$" if place == len(sizes) - 1 else None
                    style.medians(ax, near, samples[metric].sel(n=n, eps=eps), place, label, colour)
                label = f"{FORMS}, $n={n}$" if place == len(sizes) - 1 else None
                style.medians(ax, near, samples["count_above"].sel(n=n, tau=tau), place, label, FORM_COLOUR)
            _theory(ax, float(eps), int(sizes[-1]))
            ax.set(yscale="log", xlabel="tail index", ylim=(0.7, 5 * sizes[-1] ** 2))
            ax.set_title(rf"({letter}) $\varepsilon={eps:g}$", loc="left")
            ax.axhline(sizes[-1] ** 2, color=style.GREY, lw=0.7)
            style.ticks(ax.yaxis)
        axes[0].set_ylabel("entries kept")
        handles, words = axes[0].get_legend_handles_labels()
        title = "line: theory (dashed: limits; dotted: Matrix-Project); marker: median, bars: 95 %; grey: all entries"
        figure.legend(handles, words, loc="outside upper center", ncols=3, title=title)
    return figure


def _theory(ax, eps: float, n: int) -> None:
    grid = np.linspace(0.3, 3.6, 23)
    ax.plot(grid, theory.entries_for_frobenius(eps, grid, n * n), color=style.BLUE)
    heavy = np.linspace(0.3, 1.75, 30)
    ax.plot(heavy, theory.entries_for_frobenius(eps, heavy), color=style.BLUE, ls="--")
    ax.plot(grid, theory.entry_ratio_count(eps, 0.5, grid), color=style.RED, ls="--")
    heavy = np.linspace(0.3, 1.99, 30)
    ax.plot(heavy, theory.sign_threshold_count(eps, ETA, heavy), color=FORM_COLOUR, ls="--")
    ax.axhline(theory.matrix_project_count(eps, ETA, "safe"), color=FORM_COLOUR, ls=":")
