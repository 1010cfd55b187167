"""Risks of designs with other laws against those of Gaussian ones, and the relative gaps between them."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from jaxprune.predictions import TAIL
from sims.least_squares import universality as sim

METRICS = {"dense": "dense", "pruned": "pruned", "retrained": "pruned and retrained"}
TARGETS = {"teacher": "linear teacher", "parity": "parity of the digit"}
SHOWN = dict(n=style.last, noise=style.last)
RULE = "hessian"
LOOKS = {"Gaussian": 0, "Rademacher": 1, "uniform": 2, "Student 5": 3, "Student 3": 4, "digits": 1, "Gaussian rows": 6}


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Risks above, relative gaps below, at the largest n; of real data, both for every target."""
    here = style.shown(samples, SHOWN).sel(rule=RULE)
    with style.paper():
        return _digits(here) if "target" in samples.dims else _laws(here)


def _laws(here: xr.Dataset) -> Figure:
    """Lines and gaps: theory of the Gaussian design."""
    problem = sim.make(n=int(here["n"]), noise=float(here["noise"]))
    grid = linear.widths(problem.n, problem.n * min(sim.WIDTH), problem.n * max(sim.WIDTH))
    figure, axes = _panels(2, 3.6)
    for column, metric in zip(axes.T, METRICS, strict=True):
        values = [_theory(problem, p, metric) for p in grid]
        column[0].plot(grid / problem.n, values, color="0.3", label="theory of the Gaussian design")
        expected = xr.DataArray([_theory(problem, round(w * problem.n), metric) for w in sim.WIDTH], dims="width")
        _risks(column[0], here[metric])
        _gaps(column[1], here[metric] / expected - 1, here[metric]["design"].values)
    title = f"$n={problem.n}$, $\\sigma={problem.noise:g}$, Hessian rule, $s/n={sim.KEPT:g}$; gaps (bars: 95 %) to theory"
    return _finish(figure, axes, title)


def _digits(here: xr.Dataset) -> Figure:
    """Gaps: to Gaussian rows with the same second moments."""
    targets = here["target"].values
    figure, axes = _panels(2 * len(targets), 2.6 * len(targets) + 1)
    for index, target in enumerate(targets):
        for column, metric in zip(axes[2 * index : 2 * index + 2].T, METRICS, strict=True):
            values = here[metric].sel(target=target)
            reference = values.sel(design="Gaussian rows").mean("seed")
            _risks(column[0], values)
            _gaps(column[1], values / reference - 1, values["design"].values)
        axes[2 * index, 0].set_ylabel(f"risk, {TARGETS[target]}")
    title = f"$n={int(here['n'])}$, Hessian rule, $s/n={sim.KEPT:g}$; gaps (bars: 95 %) to the mean of Gaussian rows"
    return _finish(figure, axes, title)


def _theory(problem, width: int, metric: str) -> float:
    kept, rule = min(round(sim.KEPT * problem.n), int(width)), None if metric == "dense" else RULE
    return linear.risk(problem, width, "pruned_risk" if metric == "pruned" else "retrained_same", kept, rule)


def _panels(rows: int, height: float):
    figure, axes = plt.subplots(rows, 3, figsize=(style.FULL, height), sharex=True, sharey="row", squeeze=False)
    letters = iter(style.LETTERS)
    for row in axes:
        for ax, title in zip(row, METRICS.values(), strict=True):
            ax.set_title(f"({next(letters)}) {title}", loc="left")
    return figure, axes


def _risks(ax, values: xr.DataArray) -> None:
    for name in values["design"].values:
        some = values.sel(design=name)
        style.means(ax, some["width"], some, LOOKS[str(name)], str(name))
    ax.set(xscale="log", yscale="log")


def _gaps(ax, gaps: xr.DataArray, names) -> None:
    """In percent; where the standard error of a mean does not exist nothing is shown."""
    ax.axhline(0, color="0.3", lw=0.8)
    for index, name in enumerate(names):
        some = gaps.sel(design=name).where(abs(gaps["width"] - 1) * float(gaps["n"]) > TAIL)
        place = some["width"] * 1.035 ** style.beside(index, len(names))  # apart, so that bands do not hide each other
        style.means(ax, place, 100 * some, LOOKS[str(name)])


def _finish(figure, axes, title: str) -> Figure:
    for ax in axes.flat:
        ax.axvline(1, color="0.6", lw=0.8, ls=":")
    for ax in axes[::2, 0]:
        style.ticks(ax.yaxis)
        ax.set_ylabel(ax.get_ylabel() or "risk")
    for ax in axes[1::2, 0]:
        ax.set_ylabel("relative gap (%)")
    for ax in axes[-1]:
        style.ticks(ax.xaxis, [0.2, 0.5, 1, 2, 4])
        ax.set_xlabel("overparameterisation $p/n$")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=6, title=title)
    return figure
