"""Levels of stable entries: (a) shares by level, (b) the chance that a level is full, with Chernoff's bound."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.matrices import level_sets as theory

BASE = 1.3


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Lines are exact, dotted in (a) the power tail, dotted in (b) the bound where it says something."""
    level, sizes = samples["level"].values, samples["entries"].values
    with style.paper():
        figure, axes = plt.subplots(1, 1 + len(sizes), figsize=(style.FULL, 2.7))
        for index, alpha in enumerate(samples["tail_index"].values):
            colour = style.colour(index)
            exact = theory.exact_level_probability(level, alpha, BASE)
            for place, n in enumerate(sizes):
                near = level + 0.06 * style.beside(place, len(sizes))
                values = samples.sel(tail_index=alpha, entries=n)
                label = rf"$\alpha={alpha:g}$" if place == 0 else None
                style.means(axes[0], near, values["in_level"], index + place, label, colour)
                style.means(axes[1 + place], level, values["full_level"], index, None, colour)
                allowed = theory.level_size(level, len(level), BASE)
                axes[1 + place].plot(level, theory.binomial_tail(allowed, n, exact), color=colour)
                bound = theory.chernoff_bound(allowed, n, exact)
                axes[1 + place].plot(level, np.where(bound < 1, bound, np.nan), color=colour, ls=":", marker=".")
            axes[0].plot(level, exact, color=colour)
            axes[0].plot(level, theory.level_probability(level, alpha, BASE), color=colour, ls=":")
        axes[0].set(yscale="log", ylabel="share of the entries")
        axes[0].set_title("(a) in a level", loc="left")
        axes[0].legend(title="line: exact\ndotted: power tail", alignment="left", loc="upper right")
        axes[0].set_ylim(top=6 * axes[0].get_ylim()[1])  # room for the legend
        for ax, n, letter in zip(axes[1:], sizes, style.LETTERS[1:], strict=False):
            ax.set(ylim=(0, 1.05), ylabel="chance that it is full")
            ax.set_title(f"({letter}) {n} entries", loc="left")
        for ax in axes:
            ax.set(xlabel="level $i$", xticks=level)
    return figure
