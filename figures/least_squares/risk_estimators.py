"""Exact risks, what is estimated of them from the training sample, and the relative bias of each estimate."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from sims.least_squares import risk_estimators as sim

MODELS = {"risk": "dense", "pruned_risk": "pruned", "retrained_same": "pruned and retrained"}
# what is appended to the name of the metric, its label, its look
EXACT = ("", "exact risk", 6)
ESTIMATES = [
    ("_whole", "leave-one-out of the whole pipeline", 0),
    ("_naive", "leave-one-out, support held fixed", 1),
    ("_gcv", "GCV, support held fixed", 2),
    ("_less", "exact risk of $n-1$ samples", 3),
]
SHOWN = dict(n=style.last, noise=style.last)
RULE = "magnitude"


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Columns: dense, pruned, retrained. Rows: risks without a ridge; biases without and with one. At the largest n,
    the last noise, and the smallest kept count."""
    here = style.shown(samples, SHOWN).isel(kept=0).sel(rule=RULE)
    problem = sim.make(n=int(here["n"]), noise=float(here["noise"]))
    with style.paper():
        figure, axes = plt.subplots(3, 3, figsize=(style.FULL, 5.4), sharex=True, sharey="row")
        for column, letters, (metric, title) in zip(axes.T, ("adg", "beh", "cfi"), MODELS.items(), strict=True):
            for ax, letter in zip(column, letters, strict=True):
                ax.set_title(f"({letter}) {title}", loc="left")
            _theory(column[0], problem, metric, float(here["kept"]))
            for what, label, index in (EXACT, *ESTIMATES):
                if metric + what in here:
                    _plot(column[0], here[metric + what].isel(ridge=0), problem.n, index, label)
            column[0].set(xscale="log", yscale="log")
            for ax, ridge in zip(column[1:], (0, -1), strict=True):
                ax.axhline(0, color="0.3", lw=0.8)
                for what, _, index in ESTIMATES:
                    if metric + what in here:
                        _bias(ax, here.isel(ridge=ridge), metric, what, problem.n, index)
        _finish(figure, axes, here, problem)
    return figure


def _theory(ax, problem, metric: str, share: float) -> None:
    n, kept = problem.n, round(share * problem.n)
    widths, rule = linear.widths(n, min(sim.WIDTH) * n, max(sim.WIDTH) * n), None if metric == "risk" else RULE
    risks = [linear.risk(problem, p, metric, kept, rule) for p in widths]
    ax.plot(widths / n, risks, color=style.COLOURS[EXACT[2]], label="exact risk, theory")


def _plot(ax, values: xr.DataArray, n: int, index: int, label: str) -> None:
    """Means with bands; medians (filled) near the threshold."""
    style.markers(ax, values["width"], values, linear.heavy(values, n, str(values.name)), index, label)


def _bias(ax, here: xr.Dataset, metric: str, what: str, n: int, index: int) -> None:
    """In percent of the exact risk: of its mean, or trial by trial where medians are taken."""
    risk, found = here[metric], here[metric + what]
    heavy = linear.heavy(risk, n, metric) & (float(here["ridge"]) == 0)
    scale = xr.where(xr.DataArray(heavy, dims="width"), risk, risk.mean("seed"))
    gap = (100 * (found - risk) / scale).transpose(*risk.dims)
    x = gap["width"] * 1.04 ** style.beside(index, len(ESTIMATES))  # apart, so that bands do not hide each other
    style.markers(ax, x, gap, heavy, index)


def _finish(figure, axes, here, problem) -> None:
    ridge = float(here["ridge"][-1])
    for ax, label in zip(axes[:, 0], ("risk", "bias (% of risk), no ridge", f"bias (% of risk), ridge {ridge:g}"), strict=True):
        ax.set_ylabel(label)
    style.ticks(axes[0, 0].yaxis)
    for ax in axes.flat:
        ax.axvline(1, color="0.6", lw=0.8, ls=":")
    for ax in axes[-1]:
        style.ticks(ax.xaxis, most=5)
        ax.set_xlabel("overparameterisation $p/n$")
    handles = dict(zip(*reversed(axes[0, 1].get_legend_handles_labels()), strict=True))
    setting = f"$n={problem.n}$, $\\sigma={problem.noise:g}$, magnitude, $s/n={float(here['kept']):g}$"
    title = f"{setting} (of the dense model no support is chosen); open: mean, filled: median, bars: 95 %"
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3, title=title)
