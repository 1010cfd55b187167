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
            label = f"$b={batch}$: window {critical:.4g} to {maximal:.4g}"
            style.means(left, here["step_size"], here["data_growth"], index, label)
            finite = here["block_of_averages"].where(here["diverged"] == 0)
            style.means(
                right, here["step_size"] * 1.03 ** style.beside(index, samples.sizes["batch"]), finite, index, f"$b={batch}$"
            )
        look: Any = dict(alignment="left")
        left.axhline(0, color="0.3", lw=0.6)
        left.set(xscale="log", xlabel="step size $\\eta$", ylabel="growth rate $\\rho$ per step")
        left.set_title(f"(a) growth rate $\\rho$, $d={sim.DIM}$", loc="left")
        left.legend(
            loc="upper left",
            title=f"line: fresh samples, marker: {sim.SAMPLES} points,\nbars: 95 %, window: heavy tails",
            **look,
        )
        right.axhline(2, color=style.BLACK, lw=0.8, ls="--", label="light tails: 2")
        right.set(
            xscale="log", xlabel="step size $\\eta$", ylabel="block estimate of $\\alpha$", xlim=left.get_xlim(), ylim=(0, 3)
        )
        right.set_title("(b) time averages, chains that stay finite", loc="left")
        right.legend(loc="upper left", ncol=2, title="marker: mean, bars: 95 %", **look)
        for ax in (left, right):
            style.ticks(ax.xaxis, samples["step_size"].values)
    return figure
