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
    """(a) The lost fraction against the step size for every tail index; (b) its ratio to the prediction."""
    here = samples.isel(scale=-1, horizon=-1)
    scale, horizon = float(here["scale"]), float(here["horizon"])
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        sizes = horizon / here["steps"]
        grid = np.geomspace(float(sizes.min()) / 1.4, float(sizes.max()) * 1.4, 100)
        for index, alpha in enumerate(here["alpha"].values):
            values = here["lost"].sel(alpha=alpha).transpose("seed", "steps")
            left.plot(grid, explosion.explosion_fraction(alpha, scale, grid, horizon), color=style.COLOURS[index])
            style.means(left, sizes, values, index, f"$\\alpha={alpha:g}$")
            predicted = explosion.explosion_fraction(alpha, scale, sizes.values, horizon)
            style.means(right, sizes * (1 + 0.03 * (index - 1)), values / predicted, index)
        left.set(xscale="log", yscale="log", xlabel="step size $h$", ylabel="lost fraction up to $T$")
        left.legend(loc="lower right", title="line: theory, marker: simulation", alignment="left", title_fontsize=7)
        right.axhline(1, color=style.BLACK, lw=0.8)
        right.set(xscale="log", xlabel="step size $h$", ylabel="observed / predicted")
        left.set_title(f"(a) $dX=(X-X^3)\\,dt+dL^\\alpha$, $T={horizon:g}$", loc="left")
        right.set_title("(b) theory: one jump beyond $\\sqrt{(2+h)/h}$", loc="left")
    return figure
