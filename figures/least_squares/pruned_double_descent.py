"""Pruned double descent: risk against p/n. Lines: theory on a fine grid; markers: simulation at the largest n."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from jaxprune.theory.least_squares import diagonal as theory
from sims.least_squares import pruned_double_descent as sim

# metric, rule, label, look (a colour and a marker): the same kind of model looks the same in both panels
PRUNED = [
    ("risk", None, "dense", 0),
    ("pruned_risk", "magnitude", "MP", 1),
    ("pruned_risk", "hessian", "HP", 2),
    ("pruned_risk", "oracle", "OP", 3),
]
RETRAINED = [
    ("risk", None, "dense", 0),
    ("retrained_same", "magnitude", "MP + RT", 1),
    ("retrained_same", "hessian", "HP + RT", 2),
    ("retrained_fresh", "hessian", "HP + RT, fresh", 5),
    ("retrained_same", "oracle", "OP + RT", 3),
]

SHOWN = dict(n=style.largest, noise=style.last, spike=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Two panels in one column: pruned, and pruned then retrained (RT), at the largest n and kept count and the
    last value of every other axis."""
    here = style.shown(samples, SHOWN).isel(kept=-1)
    point = {axis: here[axis].item() for axis in SHOWN}
    problem, kept = sim.make(**point), round(float(here["kept"]) * point["n"])
    null, narrow = linear.null_risk(problem), best_narrow(problem)
    setting = f"$n={problem.n}$, $\\sigma={point['noise']:g}$, spike {point['spike']:g}; line: theory"
    top = 1.5 * min(float(here["risk"].median("seed").max()), 1e3)
    bottom = 0.35 * float(min(here["risk"].mean("seed").min(), here["pruned_risk"].mean("seed").min(), narrow))
    with style.paper():
        figure, axes = plt.subplots(2, 1, figsize=(style.COLUMN, 4.6), sharex=True, sharey=True)
        for ax, curves, title in zip(axes, (PRUNED, RETRAINED), ("(a) pruned", "(b) pruned and retrained"), strict=True):
            for metric, rule, label, look in curves:
                _curve(ax, problem, kept, metric, rule, look)
                _markers(ax, here, problem.n, metric, rule, look, label)
            ax.set(xscale="log", yscale="log", ylim=(bottom, top), ylabel="risk")
            _landmarks(ax, null, narrow)
            ax.set_title(f"{title}, $s/n={float(here['kept']):g}$", loc="left")
            ax.legend(loc="upper left")
        style.ticks(axes[0].yaxis, most=9)
        style.ticks(axes[1].xaxis, most=5)
        figure.suptitle(
            f"{setting}\nmarker: simulated mean, bars: 95 %\n(filled: median, where the mean or its error is infinite)"
        )
        axes[1].set_xlabel("overparameterisation $p/n$")
    return figure


def _curve(ax, problem, kept: int, metric: str, rule: str | None, index: int) -> None:
    low = 0.1 * problem.n if rule is None else kept
    widths = linear.widths(problem.n, low, len(problem.eigs))
    ax.plot(widths / problem.n, [linear.risk(problem, p, metric, kept, rule) for p in widths], color=style.COLOURS[index])


def _markers(ax, here: xr.Dataset, n: int, metric: str, rule: str | None, index: int, label: str) -> None:
    """Means with bands; medians (filled) where the mean or its standard error does not exist."""
    values = here[metric] if rule is None else here[metric].sel(rule=rule)
    values = values.isel(width=np.flatnonzero(values["width"] >= (0 if rule is None else here["kept"])))
    style.markers(ax, values["width"], values, linear.heavy(values, n, metric), index, label)


def _landmarks(ax, null: float, narrow: float) -> None:
    ax.axvline(1, color="0.6", lw=0.8, ls=":")
    ax.axhline(null, color="0.6", lw=0.8, ls="-.")
    ax.axhline(narrow, color="0.3", lw=0.8, ls="--")
    style.note(ax, "threshold", (1, ax.get_ylim()[0]))
    style.note(ax, f"dash-dotted: null {null:.3g}\ndashed: best $p<n$ {narrow:.4g}", (0.09, min(null, narrow)), (0, -18))


def best_narrow(problem) -> float:
    """The smallest risk that theory gives any model with p < n, dense, pruned or pruned and retrained."""
    n, best = problem.n, np.inf
    for width in np.unique(np.round(np.geomspace(1, n - 1, 25)).astype(int)):
        known: tuple[Any, Any, float, int] = linear.reduced(problem, width)
        kept = np.unique(np.round(np.geomspace(1, width, 12)).astype(int))
        for rule in theory.RULES[:3]:
            best = min(best, *theory.pruned_risk(*known, kept, rule), *theory.retrained_risk(*known, kept, rule))
    return float(best)
