"""Levels of stable entries: (a) shares by level, (b) the chance that a level is full, with Chernoff's bound."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.matrices import level_sets as theory

BASE = 1.3
LINES: dict[str, dict[str, Any]] = {
    "exact": dict(ls="-"),
    "power tail (a)": dict(ls=":"),
    "Chernoff's bound, where below 1": dict(ls="--", marker=".", lw=0.8),
}


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Lines are exact, dotted in (a) the power tail, dots in the others Chernoff's bound where it says something."""
    level, sizes = samples["level"].values, samples["entries"].values
    last = len(level)
    with style.paper():
        figure, axes = plt.subplots(1, 1 + len(sizes), figsize=(style.FULL, 2.7))
        for index, alpha in enumerate(samples["tail_index"].values):
            colour = style.colour(index)
            exact = theory.exact_level_probability(level, alpha, BASE)
            for place, n in enumerate(sizes):
                near = level + 0.06 * style.beside(place, len(sizes))
                values = samples.sel(tail_index=alpha, entries=n)
                label = rf"$\alpha={alpha:g}$" if place == 0 else None
                style.means(axes[0], near, values["in_level"], index, label, colour)
                style.means(axes[1 + place], level, values["full_level"], index, None, colour)
                allowed = theory.level_size(level, last, BASE)
                axes[1 + place].plot(level, theory.binomial_tail(allowed, n, exact), color=colour)
                bound = theory.chernoff_bound(allowed, n, exact)
                axes[1 + place].plot(level, np.where(bound < 1, bound, np.nan), color=colour, ls="--", marker=".", lw=0.8)
            axes[0].plot(level, exact, color=colour)
            axes[0].plot(level, theory.level_probability(level, alpha, BASE), color=colour, ls=":")
        axes[0].set(yscale="log", ylabel="share of the entries")
        axes[0].set_title(f"(a) in a level, of {' and '.join(map(str, sizes))}", loc="left")
        style.ticks(axes[0].yaxis)
        for ax, n, letter in zip(axes[1:], sizes, style.LETTERS[1:], strict=False):
            ax.set(ylim=(0, 1.05), ylabel=f"chance of $c^{{{last}-i}}$ or more")
            ax.set_title(f"({letter}) a level is full, of {n} entries", loc="left")
        for ax in axes:
            ax.set(xlabel="level $i$", xticks=level)
        for words, look in LINES.items():
            axes[0].plot([], [], color="k", label=words, **look)
        title = f"level $i$ holds the entries in $(c^{{i-1}}, c^i]$, $c={BASE:g}$, and is full with $c^{{{last}-i}}$ of them"
        figure.legend(loc="outside upper center", ncols=4, title=title)
    return figure
