"""Pruning a network that learns nothing: errors of the parameters and of the function against its width."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.compression import null_network

SHOWN = dict(dim=style.last, sigma=style.last, horizon=style.last, noise=style.last)
KAPPA = 0.1
GRID = np.linspace(0.02, 0.6, 30)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Root mean square errors of the parameters, (b) those of the function, against n at one fraction kept;
    (c) the function's error against the fraction kept at the largest n. The last value of other axes. All widths are cut
    from the same runs: their gaps to the limit go together."""
    here = style.shown(samples, SHOWN)
    dim, kind = int(here["dim"]), str(here["noise"].item())
    with style.paper():
        figure, (first, second, third) = plt.subplots(1, 3, figsize=(style.FULL, 2.7))
        for index, alpha in enumerate(here["alpha"].values.tolist()):
            rows, place = here.sel(alpha=alpha), style.beside(index, here.sizes["alpha"])
            scale = float(here["sigma"]) * float(here["horizon"]) ** (1 / alpha)
            _parameters(first, rows, alpha, dim, kind, index)
            colour = style.shade(alpha)
            style.means(second, rows["n"] * 1.2**place, _function(rows.sel(kappa=KAPPA), "n"), index, colour=colour)
            second.axhline(null_network.functional_error(KAPPA, scale, alpha, dim, kind), color=colour)
            style.means(third, rows["kappa"] + 0.006 * place, _function(rows.isel(n=-1), "kappa"), index, colour=colour)
            line = [null_network.functional_error(k, scale, alpha, dim, kind) for k in GRID]
            third.plot(GRID, line, color=colour)
        third.plot(GRID, np.sqrt(1 - GRID), "k:", label="$\\sqrt{1-\\kappa}$")
        first.set(xscale="log", yscale="log", xlabel="neurons $n$", ylabel="error of the parameters")
        style.ticks(first.yaxis)
        second.set(xscale="log", xlabel="neurons $n$", ylabel="error of the function")
        third.set(xlabel="fraction of neurons kept $\\kappa$", ylabel="error of the function")
        third.legend(loc="lower left")
        names = (f"$\\kappa={KAPPA}$", f"$\\kappa={KAPPA}$", f"$n={int(here['n'][-1])}$")
        for ax, letter, name in zip((first, second, third), "abc", names, strict=True):
            ax.set_title(f"({letter}) {name}", loc="left")
        for ax in (second, third):
            ax.set_ylim(0, max(1.05, ax.get_ylim()[1]))
        title = f"noise alone, type {kind}, $d={dim}$; line: limit of wide networks, marker: simulation, bars: 95 %"
        figure.legend(*first.get_legend_handles_labels(), loc="outside upper center", ncols=4, title=title)
    return figure


def _parameters(ax, rows: xr.Dataset, alpha: float, dim: int, kind: str, index: int) -> None:
    """Root mean squares, with the limit's."""
    n = rows["n"].values
    grid = np.geomspace(n[0], n[-1], 20)
    limit, colour = null_network.error_limit(KAPPA, alpha, dim, kind), style.shade(alpha)
    ax.plot(grid, np.sqrt(limit * grid ** (1 - 2 / alpha)), color=colour)
    square = rows["parameter_error"].sel(kappa=KAPPA).transpose("seed", "n") ** 2
    style.means(ax, n, square, index, f"$\\alpha={alpha:g}$", colour, style.root)


def _function(rows: xr.Dataset, along: str) -> xr.DataArray:
    """Root mean square of the removed part over that of the whole, as the theory has it (the mean of the runs' own ratios
    is a little larger), and about it what each run adds to the ratio, whose spread is its error."""
    removed, whole = rows["removed_function"], rows["function"]
    added = removed / removed.mean("seed") - whole / whole.mean("seed")
    middle = (removed.mean("seed") / whole.mean("seed")) ** 0.5
    return (middle * (1 + added / 2)).transpose("seed", along)
