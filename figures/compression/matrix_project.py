"""Failures of Matrix-Project against the number of coefficients, with the three rules for it."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from scipy.special import erfc

from jaxprune.plots import style
from sims.compression import matrix_project as sim

SHOWN = dict(n=style.largest)
LABELS = dict(generic=r"$A$ random, $\rho=0$", parallel=r"$A=uv^{\!\top}$, $\rho=1$")


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers: shares of draws that missed, with 95 % bars; solid: law of large n; dotted: its normal approximation; vertical:
    the rules; horizontal: what was asked for."""
    here = style.shown(samples, SHOWN)
    kept = here["kept"].values
    grid = np.unique(np.geomspace(kept[0], kept[-1], 40).astype(int))
    with style.paper():
        figure, ax = plt.subplots(figsize=(style.COLUMN, 3.0))
        for index, relation in enumerate(here["relation"].values.tolist()):
            rho = sim.RELATIONS.get(relation, 0.0)
            style.means(ax, kept, here["missed"].sel(relation=relation), index, LABELS.get(relation, relation))
            ax.plot(grid, [sim.chance(k, rho) for k in grid], color=style.colour(index))
            ax.plot(grid, erfc(sim.EPS * np.sqrt(grid / (2 * (1 + rho**2)))), color=style.colour(index), ls=":")
        ax.axhline(sim.ETA, color=style.GREY, lw=0.8)
        for rule, k in sim.RULES.items():
            ax.axvline(k, color=style.GREY, lw=0.8, ls="--")
            ax.text(k, 0.9, f" {rule}", fontsize=7, rotation=90, va="top", ha="right")
        ax.set(xscale="log", yscale="log", xlabel="coefficients $k$", ylabel="share of misses", ylim=(2e-4, 1.2))
        ax.set_title(
            f"$\\varepsilon={sim.EPS:g}$, asked for: $\\eta={sim.ETA:g}$, {int(here['n'])} × {int(here['n'])}", loc="left"
        )
        title = "marker: simulation, bars: 95 %\nsolid: large $n$, dotted: normal approximation"
        figure.legend(loc="outside lower center", ncol=2, title=title, alignment="left")
    return figure
