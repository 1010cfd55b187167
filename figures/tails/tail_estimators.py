"""Estimates of the tail index on laws whose index is known: medians, spread, and which samples are told from stable ones."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from sims.tails import tail_estimators as sim

SHOWN = dict(n=style.largest)
LIMITS = (0.7, 4.5)
GROUPS = (
    (list(sim.MODELS), 0, "stable model"),
    (["released aggregate"], 2, "released code"),
    (list(sim.EXTREMES), 1, "extreme value"),
)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A panel for each law, at the largest n: medians of the estimates with the range of the central 90 % of samples
    (thin) and of a sample's own 90 % interval (thick, grey), against the true index; triangles on the right edge: medians
    beyond it; right above a panel: the shares of samples whose block sums and moment estimate contradict each other, and
    whose stable model is rejected."""
    here = style.shown(samples, SHOWN)
    laws = here["law"].values.tolist()
    rows = -(-len(laws) // 3)
    with style.paper():
        figure, axes = plt.subplots(rows, 3, figsize=(style.FULL, 2.1 * rows), sharex=True, sharey=True, squeeze=False)
        for ax, law, letter in zip(axes.flat, laws, style.LETTERS, strict=False):
            _panel(ax, here.sel(law=law), law, letter)
        for ax in axes.flat[len(laws) :]:
            ax.set_visible(False)
        for ax in axes[-1]:
            ax.set_xlabel("tail index $\\alpha$")
        axes[0, 0].plot([], [], ls="", marker=">", color="0.3", label="beyond the axis")
        handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
        title = (
            f"{int(here['n'])} draws, {here.sizes['seed']} samples; "
            "thin: central 90 % of estimates, grey: 90 % interval claimed\n"
            "right above: samples whose block sums and moment estimate contradict each other / that are not stable by their phi"
        )
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=5, title=title)
    return figure


def _panel(ax, here: xr.Dataset, law: str, letter: str) -> None:
    _, truth, _ = sim.LAWS[law]
    ax.axvline(truth, color=style.BLACK, lw=0.8, ls="--", label="truth (normal: 2)")
    names = [name for group, _, _ in GROUPS for name in group]
    for everyone, index, label in GROUPS:
        group = [name for name in everyone if here["inverse"].sel(estimator=name).notnull().any()]
        found = here["inverse"].sel(estimator=group)
        claim = here["claimed"].sel(estimator=group)
        places = [names.index(name) for name in group]
        low, middle, high = (_index(found.quantile(q, "seed").values) for q in (0.95, 0.5, 0.05))
        centre, half = found.median("seed").values, 1.645 * claim.median("seed").values
        ax.hlines(places, _index(centre + half), _index(centre - half), color="0.8", lw=3.5)
        ax.hlines(places, low, high, color=style.COLOURS[index], lw=0.8)
        shown = (middle > LIMITS[0]) & (middle < 0.97 * LIMITS[1])  # whole markers
        look: Any = dict(ls="", marker=style.MARKERS[index], color=style.COLOURS[index], mfc="white", mew=0.8)
        ax.plot(middle[shown], np.array(places)[shown], label=label, zorder=3, **look)
        for place in np.array(places)[middle >= 0.97 * LIMITS[1]]:
            ax.plot(0.97 * LIMITS[1], place, marker=">", color=style.COLOURS[index], ms=3, clip_on=False)
    ax.set(xscale="log", xlim=LIMITS, ylim=(len(names) - 0.5, -0.5))
    style.ticks(ax.xaxis)
    ax.set_yticks(range(len(names)), names)
    ax.set_title(f"({letter}) {law}", loc="left")
    apart, rejected = (100 * float(here[name].mean()) for name in ("disagree", "rejected"))
    ax.set_title(f"{apart:.0f} / {rejected:.0f} %", loc="right", fontsize=7)


def _index(inverse: Any) -> Any:
    """alpha, at most twice the right end of the axis; lighter than any power counts so too."""
    return 1 / np.maximum(inverse, 0.5 / LIMITS[1])
