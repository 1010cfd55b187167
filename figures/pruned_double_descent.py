"""Pruned double descent: risk against p/n. Lines: theory on a fine grid; markers: simulation at the largest n."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.predict import TAIL
from jaxprune.sweep.experiment import load_file
from jaxprune.theory import least_squares as theory

HERE = Path(__file__).resolve()
style = load_file(HERE.with_name("style.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)

# metric, rule, label
PRUNED = [
    ("risk", None, "dense"),
    ("pruned_risk", "magnitude", "MP"),
    ("pruned_risk", "hessian", "HP"),
    ("pruned_risk", "oracle", "OP"),
]
RETRAINED = [
    ("risk", None, "dense"),
    ("retrained_same", "magnitude", "MP + RT"),
    ("retrained_same", "hessian", "HP + RT"),
    ("retrained_fresh", "hessian", "HP + RT, fresh"),
    ("retrained_same", "oracle", "OP + RT"),
]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Two panels in one column: pruned, and pruned then retrained, at the largest kept count."""
    point = {a: samples[a].values[-1].item() for a in ("n", "noise", "spike")}
    here = samples.sel(point).isel(kept=-1)
    problem = sim.make(**point)
    kept = round(float(here["kept"]) * point["n"])
    null, narrow = problem.noise**2 + float(np.sum(problem.eigs * problem.teacher**2)), best_narrow(problem)
    note = f"line: theory\nmarker: simulation, $n={problem.n}$"
    with style.paper():
        figure, axes = plt.subplots(2, 1, figsize=(style.COLUMN, 4.6), sharex=True, sharey=True)
        for ax, curves, title in zip(axes, (PRUNED, RETRAINED), ("(a) pruned", "(b) pruned and retrained"), strict=True):
            for index, (metric, rule, label) in enumerate(curves):
                _curve(ax, problem, kept, metric, rule, index, label)
                _markers(ax, here, problem.n, metric, rule, index)
            _landmarks(ax, null, narrow)
            ax.set_title(f"{title}, $s/n={float(here['kept']):g}$", loc="left")
            ax.legend(loc="upper left", fontsize=6, handlelength=1.6, title=note, title_fontsize=6, alignment="left")
        axes[0].set(xscale="log", yscale="log", ylim=(0.8, 60))
        ticks = [0.1, 0.3, 1, 3, 10]
        axes[1].set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes[1].set_xlabel("overparameterisation $p/n$")
        for ax in axes:
            ax.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
            ax.minorticks_off()
            ax.set_ylabel("risk")
    return figure


def _curve(ax, problem, kept: int, metric: str, rule: str | None, index: int, label: str) -> None:
    """Theory at every width of a fine grid; the line breaks at the threshold."""
    n, dim = problem.n, len(problem.eigs)
    widths = np.unique(np.round(np.geomspace(0.1 * n, dim, 150)).astype(int))
    if rule is not None:
        widths = widths[widths >= kept]
    risks = [np.nan if p == n else _theory(problem, int(p), kept, metric, rule) for p in widths]
    ax.plot(widths / n, risks, color=style.COLOURS[index], label=label)


def _theory(problem, width: int, kept: int, metric: str, rule: Any) -> float:
    reduced = (*theory.reduce(problem.eigs, problem.teacher, problem.noise, width), problem.n)
    if metric == "risk":
        return theory.risk(*reduced)
    if metric == "pruned_risk":
        return theory.pruned_risk(*reduced, kept, rule)
    return theory.retrained_risk(*reduced, kept, rule, metric.removeprefix("retrained_"))


def _markers(ax, here: xr.Dataset, n: int, metric: str, rule: str | None, index: int) -> None:
    """Means with bands; medians (filled) where the mean or its standard error does not exist."""
    values = here[metric] if rule is None else here[metric].sel(rule=rule)
    values = values.isel(width=np.flatnonzero(values["width"] >= (0 if rule is None else here["kept"])))
    heavy = (abs(values["width"] - 1) * n <= TAIL + 0.5).values & (not metric.startswith("retrained"))
    for plot, chosen in ((style.means, ~heavy), (style.medians, heavy)):
        some = values.isel(width=np.flatnonzero(chosen))
        plot(ax, some["width"], some, index)


def _landmarks(ax, null: float, narrow: float) -> None:
    ax.axvline(1, color="0.6", lw=0.8, ls=":")
    ax.axhline(null, color="0.6", lw=0.8, ls="-.")
    ax.axhline(narrow, color="0.3", lw=0.8, ls="--")
    look = dict(textcoords="offset points", fontsize=6, color="0.3")
    ax.annotate("threshold", (1, 0.82), (2, 0), **look)
    ax.annotate(f"null {null:.3g}, best $p<n$ {narrow:.4g}", (0.09, narrow), (0, -7), **look)


def best_narrow(problem) -> float:
    """The smallest risk that theory gives any model with p < n, dense, pruned or pruned and retrained."""
    n, best = problem.n, np.inf
    for width in np.unique(np.round(np.geomspace(1, n - 1, 25)).astype(int)):
        reduced = (*theory.reduce(problem.eigs, problem.teacher, problem.noise, int(width)), n)
        kept = np.unique(np.round(np.geomspace(1, width, 12)).astype(int))
        for rule in theory.RULES[:3]:
            best = min(best, *theory.pruned_risk(*reduced, kept, rule), *theory.retrained_risk(*reduced, kept, rule))
    return float(best)
