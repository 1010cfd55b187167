"""Explosions of Euler's scheme in a double well: the observed fraction against the predicted one."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.sweep.experiment import load_file
from jaxprune.theory import explosion

HERE = Path(__file__).resolve()
style = load_file(HERE.with_name("style.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) The lost fraction against the step size, exact and by one jump; (b) ratios to the exact one."""
    here = samples.isel(scale=-1, horizon=-1)
    scale, horizon = float(here["scale"]), float(here["horizon"])
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        sizes = horizon / here["steps"]
        grid = np.geomspace(float(sizes.min()) / 1.4, float(sizes.max()) * 1.4, 100)
        counts = [int(n) for n in here["steps"].values]
        for index, alpha in enumerate(here["alpha"].values):
            values = here["lost"].sel(alpha=alpha).transpose("seed", "steps")
            colour, jump = style.COLOURS[index], explosion.explosion_fraction(alpha, scale, grid, horizon)
            exact = np.array([explosion.lost_fraction(alpha, scale, horizon / n, n) for n in counts])
            left.plot(sizes, exact, color=colour)
            left.plot(grid, jump, color=colour, ls=":")
            style.means(left, sizes, values, index, f"$\\alpha={alpha:g}$")
            style.means(right, sizes * (1 + 0.03 * (index - 1)), values / exact, index)
            right.plot(sizes, explosion.explosion_fraction(alpha, scale, sizes.values, horizon) / exact, color=colour, ls=":")
        bottom = float(here["lost"].mean("seed").min()) / 8  # room for the legend
        left.set(
            xscale="log", yscale="log", ylim=(bottom or None, None), xlabel="step size $h$", ylabel="lost fraction up to $T$"
        )
        left.legend(
            loc="lower right",
            title="line: exact, dotted: one jump,\nmarker: simulation (bars: 95 %)",
            alignment="left",
            title_fontsize=7,
        )
        right.axhline(1, color=style.BLACK, lw=0.8)
        right.set(xscale="log", xlabel="step size $h$", ylabel="ratio to the exact fraction")
        left.set_title(f"(a) $dX=(X-X^3)\\,dt+dL^\\alpha$, $T={horizon:g}$", loc="left")
        right.set_title("(b) one jump beyond $\\sqrt{(2+h)/h}$ (dotted)", loc="left")
    return figure
