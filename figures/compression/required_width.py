"""Width that a layer of stable noise needs: theory for the mean and for nine runs of ten, and widths read off simulations."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory
from sims.compression import required_width as sim

ERRORS = (0.1, 0.3)
CONFIDENCE = 0.9


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) the width against the index; (b) the fraction of runs within an error against the width."""
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        _widths(left, samples)
        _chances(right, samples, float(max(samples["alpha"].values)))
    return figure


def _widths(ax, samples):
    grid, kappa = np.linspace(0.9, 1.8, 60), sim.KAPPA[0]
    squares = samples["squared_error"].sel(kappa=kappa)
    for index, error in enumerate(ERRORS):
        colour = style.COLOURS[index]
        for kind, (confidence, look) in enumerate(((None, "-"), (CONFIDENCE, "--"))):
            width = theory.required_width_log10(grid, kappa, error, confidence)
            ax.plot(grid, width, color=colour, ls=look)
            found = {a: _read_off(squares.sel(alpha=a), error, confidence) for a in samples["alpha"].values}
            known = {a: w for a, w in found.items() if w is not None}
            if not known:
                continue
            mid, low, high = np.array(list(known.values())).T
            name = "root mean square" if confidence is None else f"{100 * CONFIDENCE:g} % of runs"
            label = rf"$\varepsilon={error:g}$, {name}"
            band = np.maximum([mid - low, high - mid], 0)
            ax.errorbar(list(known), mid, band, label=label, **style.look(2 * index + kind, colour, confidence is not None))
    largest = float(np.log10(samples["n"].max()))
    ax.axhline(largest, color="0.7", lw=0.6, ls=":")
    style.note(ax, "largest simulated width", (0.9, largest), (0, 2))
    ticks = range(0, 17, 2)
    ax.set(xlabel=r"index $\alpha$", ylabel="neurons needed $N$", ylim=(0.8, 16), xlim=(0.88, 1.82))
    ax.set_yticks(ticks, [f"$10^{{{t}}}$" for t in ticks])
    ax.set_title(rf"(a) to keep $\kappa={kappa:g}$ with error $\varepsilon$", loc="left")
    note = "solid: mean, dashed: 90 % of runs (limits)\nmarker: simulation, where the error is met, bars: 95 %"
    ax.legend(*ax.get_legend_handles_labels(), loc="upper left", title=note, alignment="left")


def _read_off(squares, error, confidence, draws=200):
    """log10 of the width where the error is met, with 95 % bands over resampled runs; None off the simulated range."""
    rng, values, n = np.random.default_rng(0), squares.transpose("seed", "n").values, np.log10(squares["n"].values)

    def cross(rows):
        level = np.mean(rows, axis=0) if confidence is None else np.quantile(rows, confidence, axis=0)
        level = np.minimum.accumulate(level)
        if not level[-1] < error**2 < level[0]:
            return np.nan
        return np.interp(-2 * np.log10(error), -np.log10(level), n)

    found = [cross(values[rng.integers(len(values), size=len(values))]) for _ in range(draws)]
    mid = cross(values)
    if not np.isfinite(mid) or np.mean(np.isnan(found)) > 0.025:
        return None
    return mid, *np.nanquantile(found, [0.025, 0.975])


def _chances(ax, samples, alpha):
    within = samples["within"].sel(alpha=alpha, kappa=sim.KAPPA[0])
    n = samples["n"].values
    grid = np.unique(np.geomspace(n[0], n[-1], 80).astype(int))
    for index, error in enumerate(samples["error"].values):
        ax.plot(grid, theory.error_cdf(error, alpha, sim.KAPPA[0], grid), color=style.COLOURS[index])
        style.means(ax, n, within.sel(error=error), index, rf"$\varepsilon={error:g}$")
    ax.axhline(CONFIDENCE, color="0.6", lw=0.8, ls=":")
    ax.set(xscale="log", xlabel="neurons $n$", ylabel=r"fraction of runs with $\mathrm{err}_2\leq\varepsilon$")
    ax.set(ylim=(-0.03, 1.35), yticks=np.linspace(0, 1, 6))
    ax.set_title(rf"(b) at $\alpha={alpha:g}$", loc="left")
    note = "line: limit, marker: simulation, bars: 95 %"
    look: dict[str, Any] = dict(ncol=4, columnspacing=0.8, handletextpad=0.1)
    ax.legend(loc="upper left", title=note, alignment="left", **look)
