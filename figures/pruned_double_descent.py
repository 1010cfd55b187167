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


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Two panels in one column: pruned, and pruned then retrained (RT), at the largest n and kept count and the
    last value of every other axis."""
    point = {axis: samples[axis].values[-1].item() for axis in ("noise", "spike")}
    point["n"] = int(samples["n"].max())
    here = samples.sel(point).isel(kept=-1)
    problem, kept = sim.make(**point), round(float(here["kept"]) * point["n"])
    null, narrow = problem.noise**2 + float(np.sum(problem.eigs * problem.teacher**2)), best_narrow(problem)
    setting = f"$n={problem.n}$, $\\sigma={point['noise']:g}$, spike {point['spike']:g}"
    note = f"line: theory, marker: simulation\n(filled: median)\n{setting}"
    top = 1.5 * float(here["risk"].median("seed").max())
    bottom = 0.7 * float(min(here["risk"].mean("seed").min(), here["pruned_risk"].mean("seed").min(), narrow))
    with style.paper():
        figure, axes = plt.subplots(2, 1, figsize=(style.COLUMN, 4.6), sharex=True, sharey=True)
        for ax, curves, title in zip(axes, (PRUNED, RETRAINED), ("(a) pruned", "(b) pruned and retrained"), strict=True):
            for metric, rule, label, look in curves:
                _curve(ax, problem, kept, metric, rule, look, label)
                _markers(ax, here, problem.n, metric, rule, look)
            ax.set(xscale="log", yscale="log", ylim=(bottom, top), ylabel="risk")
            _landmarks(ax, null, narrow)
            ax.set_title(f"{title}, $s/n={float(here['kept']):g}$", loc="left")
            ax.legend(loc="upper left", fontsize=6, handlelength=1.6, title=note, title_fontsize=6, alignment="left")
            places = [p for p in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500) if bottom <= p <= top]
            ax.set_yticks(places, [f"{p:g}" for p in places])
            ax.minorticks_off()
        axes[1].set_xticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
        axes[1].set_xlabel("overparameterisation $p/n$")
    return figure


def _curve(ax, problem, kept: int, metric: str, rule: str | None, index: int, label: str) -> None:
    """Theory at every width of a fine grid; the line breaks at the threshold."""
    n, dim = problem.n, len(problem.eigs)
    grid = np.concatenate([np.geomspace(0.1 * n, dim, 150), n + np.arange(-8, 9)])
    widths = np.unique(np.clip(np.round(grid), 1, dim).astype(int))
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
    style.markers(ax, values["width"], values, heavy, index)


def _landmarks(ax, null: float, narrow: float) -> None:
    ax.axvline(1, color="0.6", lw=0.8, ls=":")
    ax.axhline(null, color="0.6", lw=0.8, ls="-.")
    ax.axhline(narrow, color="0.3", lw=0.8, ls="--")
    look: Any = dict(textcoords="offset points", fontsize=6, color="0.3")
    ax.annotate("threshold", (1, ax.get_ylim()[0]), (2, 2), **look)
    ax.annotate(f"null {null:.3g} (dash-dotted), best $p<n$ {narrow:.4g} (dashed)", (0.09, min(null, narrow)), (0, -7), **look)


def best_narrow(problem) -> float:
    """The smallest risk that theory gives any model with p < n, dense, pruned or pruned and retrained."""
    n, best = problem.n, np.inf
    for width in np.unique(np.round(np.geomspace(1, n - 1, 25)).astype(int)):
        reduced = (*theory.reduce(problem.eigs, problem.teacher, problem.noise, int(width)), n)
        kept = np.unique(np.round(np.geomspace(1, width, 12)).astype(int))
        for rule in theory.RULES[:3]:
            best = min(best, *theory.pruned_risk(*reduced, kept, rule), *theory.retrained_risk(*reduced, kept, rule))
    return float(best)
