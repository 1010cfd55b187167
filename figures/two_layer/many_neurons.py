"""More neurons than dimensions: what random starts find, how often, and how far it lies above the lower bound."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import two_layer as theory
from sims.two_layer import many_neurons as sim

ROUND_OFF = 1e-12  # of a loss: what is closer to the bound attains it
FLOOR = 1e-17  # what is smaller is drawn here
SPREADS = (("cosine_spread", "sd of $|$cosine$|$"), ("gain_spread", "sd of gains / mean"), ("centroid", "centroid"))


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Markers are simulation, bars theory; every cell of the samples, in the order of M/d."""
    order = sorted(samples["cell"].values.tolist(), key=lambda cell: (sim.size(cell)[1] / sim.size(cell)[0], sim.size(cell)))
    samples = samples.sel(cell=order)
    sizes = [sim.size(cell) for cell in order]
    loss = samples["loss"].min("seed").values
    bound = np.array([theory.quadrature_bound(neurons, dim) for dim, neurons in sizes])
    proved = loss - bound <= ROUND_OFF * loss
    with style.paper():
        figure, axes = plt.subplots(2, 2, figsize=(style.FULL, 5.4), width_ratios=(1, 1.15))
        _map(axes[0, 0], samples, sizes, proved)
        _losses(axes[0, 1], samples, sizes, loss, bound, proved)
        _excess(axes[1, 0], sizes, loss, bound, proved)
        _spreads(axes[1, 1], samples, sizes)
    return figure


def _map(ax, samples, sizes, proved) -> None:
    """How often random starts reach the best loss."""
    share = np.array([np.mean(sim.reached(samples.isel(cell=i))) for i in range(len(sizes))])
    for chosen, marker, label in ((proved, "o", "proved"), (~proved, "s", "best found")):
        dims, neurons = np.array(sizes)[chosen].T if np.any(chosen) else ([], [])
        drawn = ax.scatter(
            dims, neurons, c=share[chosen], marker=marker, s=45, vmin=0, vmax=1, cmap="viridis_r", ec="k", lw=0.6, label=label
        )
    for (dim, neurons), value in zip(sizes, share, strict=True):
        left = dim == min(dim for dim, _ in sizes)
        style.note(ax, f"{value:.2f}", (dim, neurons), (-6 if left else 6, -2), "right" if left else "left")
    most = np.array([1.5, max(dim for dim, _ in sizes) + 1])
    ax.plot(most, most + 1, "k-", lw=0.8, label="$M=d+1$: simplex")
    ax.set(yscale="log", xlabel="dimension $d$", ylabel="neurons $M$", xlim=(0.4, most[1] + 0.6))
    style.ticks(ax.yaxis)
    ax.figure.colorbar(drawn, ax=ax, label="share of starts that reach the best loss")
    ax.legend(loc="lower right")
    ax.set_title("(a) success of random starts", loc="left")


def _losses(ax, samples, sizes, loss, bound, proved) -> None:
    """The best loss of every cell, means over seeds with their bands, and both bounds."""
    at = np.arange(len(sizes))
    first = [theory.lower_bound(neurons, dim) for dim, neurons in sizes]
    ax.hlines(bound, at - 0.4, at + 0.4, color="k", lw=1.4, label="bound by quadrature")
    ax.hlines(first, at - 0.4, at + 0.4, color=style.RED, lw=1.1, ls=":", label="its first rule, one node")
    for chosen, look, label in ((proved, 0, "proved"), (~proved, 1, "best found")):
        some = np.flatnonzero(chosen)
        style.means(ax, some, samples["loss"].isel(cell=some).transpose("seed", "cell"), look, label, style.BLUE)
    ax.set(ylabel="simplified loss $(L-R)/c^2$", ylim=(0, 1.45 * np.max(loss)))
    _cells(ax, sizes)
    ax.legend(loc="upper left", ncols=2)
    ax.set_title("(b) loss of the best start", loc="left")


def _excess(ax, sizes, loss, bound, proved) -> None:
    at = np.arange(len(sizes))
    excess = np.maximum(np.abs(loss - bound) / loss, FLOOR)
    for chosen, marker, label in ((proved, "o", "proved"), (~proved, "s", "best found")):
        ax.plot(at[chosen], excess[chosen], ls="", marker=marker, ms=4, mfc="white", color=style.BLUE, label=label)
    ax.axhline(ROUND_OFF, color="k", lw=0.8, ls="--", label="below: attained, to round-off")
    ax.set(yscale="log", ylabel="excess of the best loss over the bound", ylim=(FLOOR / 3, 1))
    _cells(ax, sizes)
    ax.legend(loc="center")
    ax.set_title("(c) relative excess", loc="left")


def _spreads(ax, samples, sizes) -> None:
    """How the neurons of the seed with the smallest loss lie."""
    for index, (metric, label) in enumerate(SPREADS):
        values = _of_best(samples, metric)
        place = np.arange(len(sizes)) + 0.2 * style.beside(index, len(SPREADS))
        ax.plot(
            place,
            np.maximum(values, FLOOR),
            ls="",
            marker=style.MARKERS[index],
            mfc="white",
            color=style.COLOURS[index],
            label=label,
        )
    ax.plot(
        np.arange(len(sizes)),
        np.maximum(_of_best(samples, "curvature"), FLOOR),
        "k_",
        ms=9,
        mew=1.2,
        label="smallest Hessian eigenvalue",
    )
    ax.set(yscale="log", ylabel="at the best optimum", ylim=(FLOOR / 3, 1e5))
    _cells(ax, sizes)
    ax.legend(loc="upper left", ncols=2)
    ax.set_title("(d) equiangular, equal and centred?", loc="left")


def _of_best(samples, metric: str) -> np.ndarray:
    """The metric (cell,) of the seeds with the smallest loss."""
    best = np.argmin(samples["loss"].transpose("cell", "seed").values, axis=1)
    return samples[metric].transpose("cell", "seed").values[np.arange(len(best)), best]


def _cells(ax, sizes) -> None:
    ax.set_xticks(range(len(sizes)), [f"{dim}, {neurons}" for dim, neurons in sizes], rotation=60)
    ax.set_xlabel("$d$, $M$, in the order of $M/d$")
