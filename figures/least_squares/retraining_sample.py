"""Retraining on the training sample and on a fresh one, against width; lines are theory, markers simulation."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from jaxprune.predictions import TAIL
from sims.least_squares import retraining_sample as sim

SHOWN = dict(n=style.largest)
RULE = "hessian"
CURVES = [("retrained_same", 1, "-", "retrained, same sample"), ("retrained_fresh", 0, "--", "retrained, fresh sample")]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row for each problem, one column for each kept count, at the largest n."""
    samples = style.shown(samples, SHOWN)
    n, problems = int(samples["n"]), samples["problem"].values.tolist()
    letters = iter(style.LETTERS)
    with style.paper():
        figure, axes = plt.subplots(
            len(problems), len(sim.KEPT), figsize=(style.FULL, 2.2 * len(problems)), squeeze=False, sharex="row"
        )
        for row, name in zip(axes, problems, strict=True):
            problem = sim.make(n, name)
            for ax, ratio in zip(row, sim.KEPT, strict=True):
                here = samples.sel(problem=name, rule=RULE, kept=ratio)
                here = here.isel(width=np.flatnonzero(here["width"] >= ratio))
                _panel(ax, here, problem, round(ratio * n))
                ax.set_title(f"({next(letters)}) {name}, $\\sigma={problem.noise:g}$, keep $s/n={ratio:g}$ (HP)", loc="left")
            row[0].set_ylabel("risk")
        for ax in axes[-1]:
            ax.set_xlabel("overparameterisation $p/n$")
        handles = axes[0, 0].get_legend_handles_labels()
        title = f"line: theory, marker: simulation, bars: 95 %, $n={n}$"
        figure.legend(*handles, loc="outside upper center", ncols=4, title=title)
    return figure


def _panel(ax, here: xr.Dataset, problem, kept: int) -> None:
    n, last = problem.n, round(float(here["width"].max()) * problem.n)
    widths = linear.widths(n, max(kept, n // 2), last)
    for metric, look, line, label in CURVES:
        risks = [linear.risk(problem, p, metric, kept, RULE) for p in widths]
        ax.plot(widths / n, risks, ls=line, color=style.COLOURS[look])
        style.means(ax, here["width"], here[metric], look, label)
    pruned = [linear.risk(problem, p, "pruned_risk", kept, RULE) for p in widths]
    ax.plot(widths / n, pruned, color="0.6", lw=0.8, ls="-", zorder=1)
    far = here["pruned_risk"].isel(width=np.flatnonzero(abs(here["width"] - 1) * n > TAIL + 0.5))
    ax.plot(far["width"], far.mean("seed"), "x", color="0.6", ms=3, label="not retrained", zorder=1)
    ax.axvline(1, color="0.6", lw=0.8, ls=":")
    means = [float(f(here[metric].mean("seed"))) for metric, *_ in CURVES for f in (np.min, np.max)]
    low, high = min(*means, float(far.mean("seed").min())), max(means)
    ax.set(xscale="log", ylim=(low - 0.1 * (high - low), high + 0.15 * (high - low)))
    style.ticks(ax.xaxis, [0.5, 0.7, 1, 1.5, 2, 2.5])
