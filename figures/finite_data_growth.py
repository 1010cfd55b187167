"""Growth rates of SGD on a finite data set against those of fresh samples, and what block sums read off time averages."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.sweep.experiment import load_file
from jaxprune.theory import kesten

HERE = Path(__file__).resolve()
style = load_file(HERE.with_name("style.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Growth rates, theory as lines; (b) block estimates on the time averages where chains stay finite."""
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.7))
        grid = np.geomspace(0.8 * float(samples["step_size"].min()), 1.1 * float(samples["step_size"].max()), 150)
        for index, batch in enumerate(samples["batch"].values.tolist()):
            here = samples.sel(batch=batch)
            critical, maximal = kesten.thresholds(batch, sim.DIM)
            left.plot(grid, kesten.lyapunov(grid, batch, sim.DIM), color=style.COLOURS[index])
            label = f"$b={batch}$: window {critical:.4f} to {maximal:.4f}"
            style.means(left, here["step_size"], here["data_growth"], index, label)
            finite = here["block_of_averages"].where(here["diverged"] == 0)
            style.means(right, here["step_size"] * 1.03 ** (index - 1), finite, index, f"$b={batch}$")
        left.axhline(0, color="0.3", lw=0.6)
        left.set(xscale="log", xlabel="step size $\\eta$", ylabel="growth rate per step")
        left.set_title(f"(a) $d={sim.DIM}$; line: $\\rho$, fresh samples; marker: {sim.SAMPLES:,} points", loc="left")
        left.legend(loc="upper left")
        right.axhline(2, color=style.BLACK, lw=0.8, ls="--", label="light tails: 2")
        right.set(
            xscale="log", xlabel="step size $\\eta$", ylabel="block estimate of $\\alpha$", xlim=left.get_xlim(), ylim=(1, 3)
        )
        right.set_title("(b) time averages, chains that stay finite", loc="left")
        right.legend(loc="lower left")
    return figure
