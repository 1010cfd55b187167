"""Explosions of Euler's scheme in a double well: the observed fraction against the predicted one."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.sde import explosion

SHOWN = dict(scale=style.last, horizon=style.last)
POINTS = 9  # of the exact lines


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) The lost fraction against the step size, exact and by one jump; (b) ratios to the exact one."""
    here = style.shown(samples, SHOWN)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        for index, alpha in enumerate(here["alpha"].values.tolist()):
            _fractions(left, right, here.sel(alpha=alpha), index, style.beside(index, here.sizes["alpha"]))
        right.axhline(1, color=style.BLACK, lw=0.8)
        low, high = left.get_ylim()
        left.set(ylim=(low / 8, high), ylabel="lost fraction up to $T$")  # room for the legend
        note = "line: exact, dotted: one jump\nmarker: simulation, bars: 95 %"
        left.legend(loc="lower right", title=note, alignment="left")
        right.set(ylabel="ratio to the exact fraction")
        left.set_title(f"(a) $dX=(X-X^3)\\,dt+dL^\\alpha$, $T={float(here['horizon']):g}$", loc="left")
        right.set_title("(b) one jump beyond $\\sqrt{(2+\\eta)/\\eta}$ (dotted)", loc="left")
    return figure


def _fractions(left, right, here: xr.Dataset, index: int, place: float) -> None:
    alpha, scale, horizon = (float(here[name]) for name in ("alpha", "scale", "horizon"))
    steps, values, colour = here["steps"], here["lost"].transpose("seed", "steps"), style.shade(alpha)
    counts = np.unique(np.geomspace(steps.min(), steps.max(), POINTS).astype(int))
    counts = np.union1d(counts, steps)
    exact = np.array([explosion.lost_fraction(alpha, scale, horizon / n, int(n)) for n in counts])
    jump = explosion.explosion_fraction(alpha, scale, horizon / counts, horizon)
    left.plot(horizon / counts, exact, color=colour)
    left.plot(horizon / counts, jump, color=colour, ls=":")
    right.plot(horizon / counts, jump / exact, color=colour, ls=":")
    style.means(left, horizon / steps, values, index, f"$\\alpha={alpha:g}$", colour)
    style.means(right, horizon / steps * 1.03**place, values / exact[np.searchsorted(counts, steps)], index, colour=colour)
    left.set(xscale="log", yscale="log", xlabel="step size $\\eta$")
    right.set(xscale="log", xlabel="step size $\\eta$")
