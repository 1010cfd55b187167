"""Ridge before pruning: risk against the ridge of the first fit, and the best ridge against the kept count."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from jaxprune.theory import least_squares as theory
from jaxprune.theory.least_squares import tuning
from sims.least_squares import ridge_before_pruning as sim

N = 100  # of the theory's best ridges: they depend on ratios alone
POINTS, COUNTS = 60, 22  # of a line: ridges, and kept counts with a best ridge each
NONE, MOST = 0.012, 1500.0  # where no ridge, and one without bound, stand on a logarithmic axis
SHOWN = dict(n=style.largest)
RULE = "magnitude"
DASHES = {1: "-", 2: "--", 4: "-."}  # of the best ridges, which coincide here and there


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row for each problem: risk against ridge at the largest n (left), best ridges against s/n (right)."""
    samples = style.shown(samples, SHOWN)
    n, problems = int(samples["n"]), samples["problem"].values.tolist()
    with style.paper():
        figure, axes = plt.subplots(len(problems), 2, figsize=(style.FULL, 2.5 * len(problems)), squeeze=False)
        for row, name, one, two in zip(axes, problems, style.LETTERS[::2], style.LETTERS[1::2], strict=False):
            here = samples.sel(problem=name).isel(width=0)
            _risks(row[0], here, sim.make(n, name), round(float(here["width"]) * n))
            _best(row[1], sim.make(N, name), round(float(here["width"]) * N))
            row[0].set_title(f"({one}) {name}: risk, $n={n}$, $p/n={float(here['width']):g}$", loc="left")
            same = " (HP = MP)" if name == "isotropic" else ""
            row[1].set_title(f"({two}) {name}: best ridge, theory{same}", loc="left")
            row[0].set_ylabel("risk")
            row[1].set_ylabel("best ridge $\\delta$")
        axes[-1, 0].set_xlabel("ridge of the first fit $\\delta$")
        axes[-1, 1].set_xlabel("kept $s/n$")
        for ax, title in ((axes[0, 0], "line: theory, marker: simulation, bars: 95 %, star: best"), (axes[0, 1], None)):
            ax.legend(title=title, loc="upper right", ncols=1 if title is None else 2)
    return figure


def _shown(ridge):
    return np.clip(ridge, NONE, MOST)


def _risks(ax, here: xr.Dataset, problem, width: int) -> None:
    reduced: tuple[Any, Any, float, int] = linear.reduced(problem, width)
    grid = np.concatenate([[0.0], np.geomspace(0.03, 400, POINTS)])
    kept = [round(float(s) * problem.n) for s in here["kept"]]
    pruned = np.array([theory.pruned_risk(*reduced, kept, RULE, ridge) for ridge in grid])
    dense = [theory.risk(*reduced, ridge) for ridge in grid]
    values = here["pruned_risk"].sel(rule=RULE)
    curves: list[Any] = [(dense, here["risk"], "dense", tuning.dense(*reduced))]
    for k, count in enumerate(kept):
        label = f"MP, $s/n={float(here['kept'][k]):g}$"
        curves.append((pruned[:, k], values.isel(kept=k), label, tuning.pruned(*reduced, count, RULE)))
    for index, (line, data, label, best) in enumerate(curves):
        ax.plot(_shown(grid), line, color=style.COLOURS[index])
        style.means(ax, _shown(here["ridge"].values), data, index, label)
        ax.plot(_shown(best.ridge), best.risk, "*", color=style.COLOURS[index], ms=8, mec="k", mew=0.4, zorder=6)
    _ridge_axis(ax.xaxis, ax.set_xscale, False)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.4 * (high - low))  # room for the legend


def _best(ax, problem, width: int) -> None:
    reduced: tuple[Any, Any, float, int] = linear.reduced(problem, width)
    counts = np.unique(np.round(np.geomspace(0.04 * N, width, COUNTS)).astype(int))
    short = counts[counts < 0.97 * N]
    lines = [
        (counts, [tuning.pruned(*reduced, int(s), "magnitude").ridge for s in counts], 1, "MP"),
        (counts, [tuning.pruned(*reduced, int(s), "hessian").ridge for s in counts], 2, "HP"),
        (short, [tuning.retrained(*reduced, int(s), "magnitude").ridge for s in short], 4, "MP + RT"),
    ]
    if np.ptp(reduced[0]) == 0:  # equal variances: HP is MP
        lines = [(*lines[0][:3], "MP = HP"), lines[2]]
    ax.axhline(tuning.dense(*reduced).ridge, color=style.COLOURS[0], label="dense")
    for sizes, ridges, look, label in lines:
        ax.plot(sizes / N, _shown(ridges), color=style.COLOURS[look], ls=DASHES[look], label=label)
    ax.set(xscale="log")
    style.ticks(ax.xaxis, [0.05, 0.2, 1, 5])
    _ridge_axis(ax.yaxis, ax.set_yscale, True)


def _ridge_axis(axis, set_scale, bound: bool) -> None:
    """A logarithmic axis with a place for no ridge, and one for a ridge without bound."""
    set_scale("log")
    places, names = [NONE, 0.1, 1, 10, 100], ["0", "0.1", "1", "10", "100"]
    axis.set_ticks([*places, MOST] if bound else places, labels=[*names, "$\\infty$"] if bound else names)
    axis.set_tick_params(which="minor", length=0)
