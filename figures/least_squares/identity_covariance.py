"""Identity covariance: (a) risk against p/n, large then pruned against small; (b) from which s/n on the large one wins."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.least_squares import shared as linear
from jaxprune.plots import style
from jaxprune.theory.least_squares import propositions
from sims.least_squares import identity_covariance as sim

# metric, rule, label, look
CURVES = [
    ("risk", None, "dense", 0),
    ("pruned_risk", "magnitude", "MP = HP", 1),
    ("pruned_risk", "oracle", "OP", 3),
    ("retrained_same", "magnitude", "MP + RT", 4),
    ("retrained_same", "oracle", "small model on known features", 2),
]
SHOWN = dict(n=style.largest, noise=style.last, share=style.last)
SHARES = (0.4, 0.6, 0.8, 0.9, 1.0)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """At the largest n and the last value of every other axis; lines are theory, markers simulation."""
    here = style.shown(samples, SHOWN).isel(kept=-1)
    point = {axis: here[axis].item() for axis in SHOWN}
    problem, kept = sim.make(**point), round(float(here["kept"]) * point["n"])
    null = linear.null_risk(problem)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.9))
        for metric, rule, label, look in CURVES:
            _curve(left, problem, kept, metric, rule, look)
            _markers(left, here, problem.n, metric, rule, look, label)
        left.axvline(1, color="0.6", lw=0.8, ls=":")
        left.axhline(null, color="0.6", lw=0.8, ls="-.")
        style.note(left, f"null {null:.3g}", (8, null), (0, 2), ha="right")
        left.set(xscale="log", yscale="log", xlabel="overparameterisation $p/n$", ylabel="risk", ylim=(0.75, 30))
        style.ticks(left.xaxis, [0.5, 1, 2, 4, 8])
        style.ticks(left.yaxis)
        left.legend(loc="upper right", title="line: theory, marker: simulation,\nbars: 95 %", alignment="left")
        setting = f"$n={point['n']}$, $s/n={float(here['kept']):g}$, $\\sigma={point['noise']:g}$, share {point['share']:g}"
        left.set_title(f"(a) {setting}", loc="left")
        _boundary(right, float(here["kept"]), point)
    return figure


def _boundary(ax, kept_ratio: float, point: dict[str, Any]) -> None:
    """Above its line the pruned large model beats the small one, at the best p/n, all features fitted."""
    noises = np.geomspace(0.02, 2.0, 80)
    for index, share in enumerate(SHARES):
        least = [propositions.identity_least_kept_ratio(share, s) for s in noises]
        ax.plot(noises, least, color=plt.get_cmap("viridis")(0.85 * (1 - index / (len(SHARES) - 1))), label=f"{share:g}")
    ax.plot(point["noise"], kept_ratio, "k*", ms=7)
    style.note(ax, f"panel (a), share {point['share']:g}", (point["noise"], kept_ratio), (14, 5))
    ax.set(xscale="log", xlabel="noise $\\sigma$ (signal 1)", ylabel="least $s/n$ at which large wins", ylim=(0, 1))
    style.ticks(ax.xaxis, [0.02, 0.1, 0.5, 2])
    ax.legend(title="share of the signal\nin the kept features", loc="upper left")
    ax.set_title("(b) theory: large wins above the line", loc="left")


def _curve(ax, problem, kept: int, metric: str, rule: str | None, index: int) -> None:
    widths = linear.widths(problem.n, kept, len(problem.eigs))
    ax.plot(widths / problem.n, [linear.risk(problem, p, metric, kept, rule) for p in widths], color=style.COLOURS[index])


def _markers(ax, here: xr.Dataset, n: int, metric: str, rule: str | None, index: int, label: str) -> None:
    """Means with bands; medians (filled) where the mean or its standard error does not exist."""
    values = here[metric] if rule is None else here[metric].sel(rule=rule)
    style.markers(ax, values["width"], values, linear.heavy(values, n, metric), index, label)
