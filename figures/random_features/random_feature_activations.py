"""Risk against the number of features for several activations and teachers: theory on a fine grid, simulated markers."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.random_features import random_feature_regression as regression
from jaxprune.plots import style
from jaxprune.theory import random_features
from sims.random_features import random_feature_activations as sim

# metric, label, look, line of theory
CURVES = [
    ("risk", "dense", 6, "risk"),
    ("pruned_risk", "pruned (MP)", 0, "pruned_risk"),
    ("retrained_fresh", "retrained, fresh data", 4, "retrained_fresh"),
    ("retrained_same", "retrained, same data", 2, None),
]
NAMES = {"relu": "ReLU"}

SHOWN = dict(n=style.last, noise=style.last, d_in=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A row for each teacher, a column for each activation, at the last value of every other axis and of kept."""
    here = style.shown(samples, SHOWN)
    rows, columns = [str(t) for t in here["teacher"].values], [str(a) for a in here["activation"].values]
    size, kept = (style.FULL, 1.9 * len(rows) + 0.7), int(here["kept"].values[-1])
    with style.paper():
        figure, axes = plt.subplots(len(rows), len(columns), figsize=size, sharex=True, sharey="row", squeeze=False)
        for i, teacher in enumerate(rows):
            for j, activation in enumerate(columns):
                panel = here.sel(teacher=teacher, activation=activation)
                _panel(axes[i, j], panel, activation, teacher, kept)
                letter = style.LETTERS[i * len(columns) + j]
                axes[i, j].set_title(f"({letter}) {NAMES.get(activation, activation)}, {teacher} teacher", loc="left")
            axes[i, 0].set_ylabel("risk")
        for ax in axes[-1]:
            ax.set_xlabel("number of features $p$")
        title = (
            f"$n={int(here['n'])}$, $d_\\mathrm{{in}}={int(here['d_in'])}$, $\\sigma={float(here['noise']):g}$, $s={kept}$;"
            " line: Gaussian equivalent, marker: simulation, bars: 95 %, dash-dotted: null risk"
        )
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper center", ncols=4, title=title)
    return figure


def _panel(ax, here: xr.Dataset, activation: str, teacher: str, kept: int) -> None:
    n = int(here["n"])
    problem = sim.make(activation, teacher, n, float(here["noise"]), int(here["d_in"]))
    lines = regression.curves(problem, regression.grid(int(here["width"].min()), problem.dim, n), [kept], activation)
    for metric, label, look, line in CURVES:
        dense = metric == "risk"
        regression.markers(ax, here, metric, None if dense else "magnitude", None if dense else kept, look, label)
        if line:
            ax.plot(lines["width"], np.ravel(lines[line]), color=style.COLOURS[look])
    inner = None if problem.inner is None else np.asarray(problem.inner)
    rows = np.eye(problem.d_in)[:1]
    null = random_features.moments(rows, np.asarray(problem.teacher), float(problem.noise), activation, inner).energy
    ax.axvline(n, color="0.6", lw=0.8, ls=":")
    ax.axhline(null, color="0.6", lw=0.8, ls="-.")
    ax.set(xscale="log", yscale="log", ylim=(0.75 * float(np.nanmin(lines["risk"])), 12 * null))
    style.ticks(ax.xaxis, most=5)
    style.ticks(ax.yaxis)
