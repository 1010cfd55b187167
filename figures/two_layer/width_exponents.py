"""Loss of M neurons in place of infinitely many: against M in each dimension, and its local exponents."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory
from sims.two_layer import width_exponents as sim


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers are simulation, lines theory; every dimension and ratio of the samples."""
    samples = samples.sortby("ratio")
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 3.4))
        for index, dim in enumerate(samples["dim"].values.tolist()):
            _dimension(left, right, samples["loss"].sel(dim=dim), dim, index)
        left.set(xscale="log", yscale="log", xlabel="neurons $M$", ylabel=r"loss $L_\infty/c^2$")
        right.set(xscale="log", xlabel="neurons $M$", ylabel="local exponent of $M$ in the loss")
        for ax in (left, right):
            style.ticks(ax.xaxis)
        left.plot([], [], "k-", label="lower bound (attained at odd $M$, $d=2$)")
        left.plot([], [], "k:", label="$M^{-(d+2)/(d-1)}$ through the last")
        left.set(xlim=(6, None), ylim=(1e-9, None))
        left.legend(loc="lower left", title="marker: simulation, bars: 95 %", alignment="left")
        right.plot([], [], "k:", label="$-(d+2)/(d-1)$")
        right.plot([], [], "k-", lw=0.7, label="of the lower bound")
        right.set(ylim=(right.get_ylim()[0] - 0.2, None))
        right.legend(
            loc="lower right",
            bbox_to_anchor=(1, 0.14),
            title="marker: between successive sizes, bars: 95 %",
            alignment="left",
            ncols=2,
        )
        left.set_title("(a) loss of the best start", loc="left")
        right.set_title("(b) local exponents", loc="left")
    return figure


def _dimension(left, right, loss, dim: int, index: int) -> None:
    sizes = np.array([sim.neurons(dim, ratio) for ratio in loss["ratio"].values.tolist()])
    colour, name = style.colour(index), f"$d={dim}$"
    style.means(left, sizes, loss.transpose("seed", "ratio"), index, name)
    grid = np.unique(np.round(np.geomspace(sizes[0], sizes[-1], 25)).astype(int) | (dim == 2))  # odd in the plane
    bound = np.array([theory.limit_of(theory.quadrature_bound(int(M), dim), dim) for M in grid])
    left.plot(grid, bound, color=colour)
    exponent = theory.scaling_exponent(dim)
    ends = np.array([sizes[-1] / 2, sizes[-1] * 1.3])
    left.plot(ends, float(loss.isel(ratio=-1).mean()) * (ends / sizes[-1]) ** exponent, color=colour, ls=":")
    found = _locally(sizes, np.log(loss.mean("seed").values))
    noise = (loss.std("seed", ddof=1) / loss.mean("seed") / loss.sizes["seed"] ** 0.5).values
    error = np.hypot(noise[1:], noise[:-1]) / np.diff(np.log(sizes))
    middle = np.sqrt(sizes[1:] * sizes[:-1])
    right.errorbar(middle, found, 1.96 * error, label=name, **style.look(index))
    right.axhline(exponent, color=colour, ls=":")
    right.plot(np.sqrt(sizes[1:] * sizes[:-1]), _bound_slopes(sizes, dim), color=colour, lw=0.7)


def _bound_slopes(sizes, dim: int) -> np.ndarray:
    """Local exponents of the lower bound between the same sizes."""
    bound = [theory.limit_of(theory.quadrature_bound(int(M), dim), dim) for M in sizes]
    return _locally(sizes, np.log(bound))


def _locally(sizes, logs) -> np.ndarray:
    return np.diff(logs) / np.diff(np.log(sizes))
