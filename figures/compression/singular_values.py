"""Low-rank approximation: (a) error against the size at a fixed fraction of the rank; (b) error beyond a fixed rank."""

from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory

KAPPA = 0.2


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Medians in (a), means in (b); lines are limits of large matrices."""
    n, heavy = samples["n"].values, float(samples["alpha"].min())
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        for index, alpha in enumerate(samples["alpha"].values):
            square = samples["squared_spectral_error"].sel(alpha=alpha, kappa=KAPPA)
            style.medians(left, n, square, index, rf"$\alpha={alpha:g}$", style.shade(alpha))
        if 2 in samples["alpha"]:
            limit = float(theory.singular_value_limit_gaussian(KAPPA))
            left.axhline(limit, color=style.shade(2))
            style.note(left, f"Gaussian limit {limit:.3f}", (n[-1], limit), (0, 4), ha="right")
        left.set(xscale="log", yscale="log", xlabel="rows = columns $n$", ylabel="squared relative error", ylim=(None, 1.5))
        left.set_title(rf"(a) rank $\kappa n$, $\kappa={KAPPA:g}$", loc="left")
        left.set_ylim(left.get_ylim()[0] / 6, None)  # room for the legend
        left.legend(loc="lower left", ncol=2, title="marker: median, bars: 95 %", alignment="left")
        for index, rank in enumerate(samples["rank"].values):
            style.means(right, n, samples["spectral_share_beyond"].sel(alpha=heavy, rank=rank), index, f"rank {rank}")
            if heavy < 2:
                right.axhline(float(theory.expected_tail_share(heavy, 2.0, int(rank))), color=style.COLOURS[index])
        right.set(xscale="log", xlabel="rows = columns $n$", ylabel="mean squared relative error", ylim=(0, None))
        right.set_title(rf"(b) fixed rank, $\alpha={heavy:g}$", loc="left")
        right.legend(
            loc="upper right",
            ncol=3,
            title="line: Poisson–Dirichlet limit\nmarker: mean, bars: 95 %",
            alignment="left",
        )
        right.set_ylim(0, 1.4 * right.get_ylim()[1])
        for ax in (left, right):
            style.ticks(ax.xaxis, n)
    return figure
