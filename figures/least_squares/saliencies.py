"""Risk against kept count for saliencies of correlated features. Thick lines: theory; markers: simulation."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.predictions import covariance
from jaxprune.theory.least_squares import sampled
from sims.least_squares import saliencies as sim

# metric, its place, look (a colour and a marker), filled: a rule looks the same in both rows
PRUNED = [
    ("pruned", dict(rule="magnitude"), 0, False),
    ("pruned", dict(rule="hessian"), 1, False),
    ("pruned", dict(rule="obs"), 2, False),
    ("pruned", dict(rule="obs_greedy"), 3, False),
    ("pruned", dict(rule="groups of 5"), 4, False),
    ("pruned", dict(rule="groups of 10"), 5, False),
    ("compensated", dict(rule="obs"), 2, True),
    ("compensated", dict(rule="obs_greedy"), 3, True),
]
RETRAINED = [
    ("retrained", dict(rule="magnitude"), 0, False),
    ("retrained", dict(rule="obs"), 2, False),
    ("retrained", dict(rule="obs_greedy"), 3, False),
    ("retrained", dict(rule="groups of 5"), 4, False),
    ("retrained", dict(rule="groups of 10"), 5, False),
    ("iterative", dict(rounds="3 rounds"), 6, False),
    ("iterative", dict(rounds="leap, 5 rounds"), 6, True),
]
NAMES = {
    "hessian": "Hessian",
    "obs": "OBS",
    "obs_greedy": "greedy OBS",
    "3 rounds": "magnitude, 3 rounds",
    "leap, 5 rounds": "magnitude, leap below $n$, 5 rounds",
}
THEORY = ("magnitude", "hessian")
SHOWN = dict(noise=style.last)
DRAWS = 400


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """A column for each correlation: pruned and compensated above, retrained below; at the last noise."""
    here = style.shown(samples, SHOWN)
    with style.paper():
        count = here.sizes["rho"]
        shape: Any = dict(figsize=(style.FULL, 4.6), sharex=True, sharey="row", squeeze=False)
        figure, axes = plt.subplots(2, count, **shape)
        for column, rho in enumerate(here["rho"].values):
            for row, curves in enumerate((PRUNED, RETRAINED)):
                ax, at = axes[row, column], here.sel(rho=rho)
                ax.axhline(float(at["dense"].mean()), color="0.6", lw=0.8, ls="-.")
                for metric, place, index, filled in curves:
                    theory = metric == "pruned" and place["rule"] in THEORY
                    _markers(ax, at[metric].sel(place), index, filled, _label(metric, place), joined=not theory)
                ax.set(xscale="log", yscale="log")
            _theory(axes[0, column], sim.make(rho=float(rho), noise=float(here["noise"])))
            for ax, letter in zip(axes[:, column], (style.LETTERS[column], style.LETTERS[count + column]), strict=True):
                ax.set_title(f"({letter}) $\\rho={rho:g}$", loc="left")
            axes[1, column].axvline(sim.N, color="0.6", lw=0.8, ls=":")  # the refit's own threshold
            axes[1, column].set_xlabel("kept coefficients $s$")
            style.ticks(axes[1, column].xaxis, most=5)
        _finish(figure, axes)
    return figure


def _label(metric: str, place: dict[str, str]) -> str:
    (name,) = place.values()
    return NAMES.get(name, name) + (" + compensation" if metric == "compensated" else "")


def _markers(ax, values: xr.DataArray, index: int, filled: bool, label: str, joined: bool) -> None:
    """Means with 95 % bands; joined by a thin line where there is no theory."""
    look = style.look(index, filled=filled) | dict(lw=0.5, ls="" if not joined else "--" if filled else "-")
    ax.errorbar(values["kept"], *style.interval(values), label=label, **look)


def _theory(ax, problem) -> None:
    """The pruned risk from draws of the Gaussian law of the fit, with exactly s kept."""
    kept = np.unique(np.round(np.geomspace(sim.KEPT[0], sim.DIM, 40)).astype(int))
    for index, rule in enumerate(THEORY):
        known = (covariance(problem), problem.teacher, float(problem.noise), problem.n)
        risks = sampled.pruned_risk(*known, kept, rule, draws=DRAWS, seed=0).value
        ax.plot(kept, risks, color=style.COLOURS[index], label=f"{NAMES.get(rule, rule)}, theory")


def _finish(figure, axes) -> None:
    for ax, what in zip(axes[:, 0], ("pruned", "pruned and retrained"), strict=True):
        style.ticks(ax.yaxis)
        ax.set_ylabel(f"risk, {what}")
    found = {label: handle for ax in axes[:, 0] for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    note = (
        f"$p=d={sim.DIM}$, $n={sim.N}$ (dotted); thick line: theory, marker: simulation, bars: 95 %, dash-dotted: dense model"
    )
    figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=4, title=note)
