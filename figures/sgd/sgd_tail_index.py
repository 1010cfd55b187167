"""The tail index of SGD against its step size: exact curves, the heavy-tail window, estimates, and growth rates below."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.sgd import linear
from sims.sgd import sgd_tail_index as sim

ESTIMATES = [
    ("hill", "Hill, top 1 %", 1),
    ("moment", "moment, top 2 %", 2),
    ("block", "block sums of iterates", 3),
    ("block_of_averages", "block sums of time averages", 0),
]
TOP = 4.6
POINTS = 80  # of a line


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A column for each batch size and dimension. Above: alpha; below: rho, negative where a stationary law exists."""
    settings = [(int(b), int(d)) for b in samples["batch"] for d in samples["dim"]]
    with style.paper():
        figure, axes = plt.subplots(
            2, len(settings), figsize=(style.FULL, 3.5), sharex="col", sharey="row", squeeze=False, height_ratios=(3, 1)
        )
        for column, (batch, dim), letter in zip(axes.T, settings, style.LETTERS, strict=False):
            here = samples.sel(batch=batch, dim=dim)
            _indices(column[0], here, batch, dim)
            column[0].set_title(f"({letter}) $b={batch}$, $d={dim}$", loc="left")
            _growth(column[1], here, batch, dim)
        axes[0, 0].set_ylabel("tail index $\\alpha$")
        axes[1, 0].set_ylabel("growth rate $\\rho$")
        figure.supxlabel("step size $\\eta/\\eta_{\\mathrm{crit}}$")
        handles = {label: handle for ax in axes[:, 0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        title = (
            f"batches of $b$ in $d$ dimensions, {sim.CHAINS} chains, {sim.STEPS} steps, {samples.sizes['seed']} seeds, "
            "bars: 95 %\nshaded: step sizes $\\eta$ with $\\alpha<2$; estimates of one step size are shifted sideways"
        )
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, title=title)
    return figure


def _steps(here: xr.Dataset, batch: int, dim: int) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Step sizes of the samples and of a fine grid, and the thresholds."""
    critical, maximal = linear.thresholds(batch, dim)
    steps = np.array([float(sim.make(batch, dim, float(p)).step_size) for p in here["place"]])
    return steps, np.linspace(0.97 * steps.min(), 1.02 * maximal, POINTS), critical, maximal


def _indices(ax, here: xr.Dataset, batch: int, dim: int) -> None:
    steps, grid, critical, maximal = _steps(here, batch, dim)
    ax.axvspan(1, maximal / critical, color="0.92", lw=0)
    exact = np.append(linear.tail_index(grid, batch, dim), 0.0)
    places = np.append(grid, maximal)
    order = np.argsort(places)
    ax.plot(places[order] / critical, exact[order], color=style.BLACK, label="exact $\\alpha(\\eta)$")
    ax.plot(places[order] / critical, np.minimum(exact[order], 2), color=style.BLACK, ls=":", label="$\\min(\\alpha, 2)$")
    nudge = 0.012 * (maximal - steps.min()) / critical
    for metric, label, index in ESTIMATES:
        values = here[metric].where(np.isfinite(here[metric]))
        style.means(ax, steps / critical + nudge * (index - 1.5), values, index, label)
    ax.set(ylim=(0, TOP))
    style.note(ax, f"$\\eta$: {critical:.3g}–{maximal:.3g}", (maximal / critical, TOP), (0, -8), ha="right")


def _growth(ax, here: xr.Dataset, batch: int, dim: int) -> None:
    steps, grid, critical, maximal = _steps(here, batch, dim)
    ax.axvspan(1, maximal / critical, color="0.92", lw=0)
    ax.axhline(0, color="0.3", lw=0.6)
    ax.plot(grid / critical, linear.lyapunov(grid, batch, dim), color=style.BLACK)
    style.means(ax, steps / critical, here["log_growth"], 5, "growth rate $\\rho$")
