"""The largest coordinate of A x: (a) its gap to the second, (b) whether ten entries give it, (c) what it survives."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import matrices as theory
from sims.matrices.resilience import KEPT

LINES = dict(spread="-", selected="--")


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Distribution of the gap, line: (1 - x)^alpha; (b) by size; (c) at every size, noise spread over all inputs (solid) or
    on those that the largest entries select (dashed)."""
    sizes, noise = samples["n"].values, samples["noise"].values
    with style.paper():
        figure, (gaps, agreement, survival) = plt.subplots(1, 3, figsize=(style.FULL, 2.8))
        for index, alpha in enumerate(samples["tail_index"].values):
            colour, here = style.colour(index), samples.sel(tail_index=alpha)
            grid = np.linspace(0, 1, 60)
            if alpha < 2:
                gaps.plot(grid, theory.action.gap_sf(grid, float(alpha)), color=colour)
            for place, n in enumerate(sizes):
                values = np.sort(here["output_gap"].sel(n=n).values)
                gaps.plot(values, 1 - (np.arange(len(values)) + 0.5) / len(values), color=colour, ls=":", lw=0.6 + 0.5 * place)
                for kind in samples["place"].values:
                    mean = here["survival"].sel(n=n, place=kind)
                    near = noise * 1.05 ** style.beside(place, len(sizes))
                    style.means(survival, near, mean, index, None, colour)
                    survival.plot(near, mean.mean("seed"), color=colour, ls=LINES.get(kind, ":"), lw=0.7)
            near = sizes * 1.03 ** style.beside(index, samples.sizes["tail_index"])
            style.means(agreement, near, here["agreement"], index, rf"$\alpha={alpha:g}$")
        _finish(gaps, agreement, survival, sizes, noise)
    return figure


def _finish(gaps, agreement, survival, sizes, noise) -> None:
    gaps.set(xlabel="relative gap $x$", ylabel="share with a larger gap", xlim=(0, 1), ylim=(0, 1))
    gaps.set_title("(a) dotted: simulation, line: limit", loc="left")
    agreement.set(xscale="log", xlabel="rows = columns $n$", ylabel="same largest coordinate", ylim=(0, 1.45))
    agreement.set_title(f"(b) {KEPT} entries kept", loc="left")
    agreement.legend(title="marker: mean, bars: 95 %", alignment="left", ncols=2, loc="upper center")
    style.ticks(agreement.xaxis, sizes)
    survival.set(xscale="log", xlabel="noise over norm of $x$", ylabel="largest coordinate survives", ylim=(0, 1.05))
    survival.set_title("(c) solid: spread, dashed: selected", loc="left")
    style.ticks(survival.xaxis, noise)
