"""Phase diagrams. Colour: theory; black line: its sign change; markers: what simulation says, at three standard errors."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from jaxprune.plots import style
from jaxprune.theory import least_squares as theory
from sims.least_squares import phase_diagram as sim

RULE, SPIKE, NOISE, WIDTH, KEPT = "hessian", 25.0, 0.5, 10.0, 0.5  # what a map holds fixed while it varies the others
N = 100  # of the maps: theory depends on ratios alone
SHOWN = dict(n=style.largest)
CLIP, MOST = 0.6, 1e3  # of what is coloured, and of what contours interpolate
CERTAIN = 3.0  # standard errors
TITLES = ["pruned large model / best small one", "retrained on the same sample / not retrained"]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Rows: pruning against the best small model, and retraining. Columns: over (p/n, s/n), and over (spike, noise)."""
    here = style.shown(samples, SHOWN).sel(rule=RULE)
    left, right = _width_map(), _noise_map()
    spike, noise = nearest(here["spike"], SPIKE), nearest(here["noise"], NOISE)
    with style.paper():
        figure, axes = plt.subplots(2, 2, figsize=(style.FULL, 5.4), sharex="col", sharey="col")
        for row, title in enumerate(TITLES):
            image = _map(axes[row, 0], *left[:2], left[2 + row])
            _map(axes[row, 1], *right[:2], right[2 + row])
            _width_marks(axes[row, 0], here.sel(spike=spike, noise=noise), row)
            _noise_marks(axes[row, 1], here, row)
            figure.colorbar(image, ax=axes[row], label="relative difference of risk", extend="both", aspect=30)
            for ax, letter in zip(axes[row], "ab" if row == 0 else "cd", strict=True):
                ax.set_title(f"({letter}) {title}", loc="left")
        axes[1, 0].set_xlabel(f"overparameterisation $p/n$ (spike {spike:g}, $\\sigma={noise:g}$)")
        axes[1, 1].set_xlabel(f"height of the spikes ($p/n={WIDTH:g}$, $s/n={KEPT:g}$)")
        for row in axes:
            row[0].set_ylabel("kept $s/n$")
            row[1].set_ylabel("noise $\\sigma$")
        names = ("better", "worse", "undecided")
        marks: list[Any] = [
            Line2D([], [], label=f"simulation: {k}", **_look(v)) for k, v in zip(names, (-1, 1, 0), strict=True)
        ]
        title = (
            f"Hessian rule; colour: theory, black line: its sign change; markers at $n={int(here['n'])}$, three standard errors"
        )
        figure.legend(handles=marks, loc="outside upper center", ncols=3, title=title)
    return figure


def nearest(axis: xr.DataArray, value: float) -> float:
    """The coordinate nearest to ``value``."""
    return float(axis[int(np.argmin(np.abs(axis.values - value)))])


def best_small(problem, sizes: np.ndarray) -> np.ndarray:
    """Least risk of the dense models of the first p <= s features, the null model included, for every s in ``sizes`` < n."""
    energy = np.asarray(problem.eigs) * np.asarray(problem.teacher) ** 2
    counts = np.arange(problem.n)
    unused = np.concatenate([[0.0], np.cumsum(energy[: problem.n - 1])])
    risks = (problem.noise**2 + np.sum(energy) - unused) / (1 - counts / problem.n)
    return np.minimum.accumulate(risks)[sizes]


def _gains(problem, width: int, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Relative differences of risk at every kept count: pruned to small, retrained to pruned."""
    reduced = (*theory.reduce(problem.eigs, problem.teacher, problem.noise, width), problem.n)
    pruned = theory.pruned_risk(*reduced, sizes, RULE)
    return pruned / best_small(problem, sizes) - 1, theory.retrained_risk(*reduced, sizes, RULE) / pruned - 1


def _width_map():
    """x = p/n, y = s/n and both gains (y, x); NaN where s > p. At p = n the pruned risk alone is infinite."""
    problem = sim.make(N, SPIKE, NOISE)
    widths = np.unique(np.round(np.geomspace(0.1 * N, 10 * N, 110)).astype(int))
    sizes = np.arange(2, N - 2, 2)
    maps = np.full((2, len(sizes), len(widths)), np.nan)
    for column, width in enumerate(widths):
        rows = sizes < width
        if np.any(rows):
            maps[:, rows, column] = np.minimum(_gains(problem, int(width), sizes[rows]), MOST)
    return widths / N, sizes / N, *maps


def _noise_map():
    """x = spike, y = noise and both gains (y, x)."""
    spikes, noises = np.geomspace(0.8, 190, 36), np.geomspace(0.08, 1.25, 36)
    sizes, width = np.array([round(KEPT * N)]), round(WIDTH * N)
    cells = [[_gains(sim.make(N, spike, noise), width, sizes) for spike in spikes] for noise in noises]
    return spikes, noises, *np.moveaxis(np.array(cells)[..., 0], -1, 0)


def _map(ax, x, y, gain):
    levels = np.linspace(-CLIP, CLIP, 25)
    image = ax.contourf(x, y, np.clip(gain, -CLIP, CLIP), levels=levels, cmap="RdBu_r", extend="both")
    ax.contour(x, y, gain, levels=[0.0], colors="k", linewidths=1.0)
    ax.set(xscale="log", yscale="log" if x[-1] > 20 else "linear")
    style.ticks(ax.xaxis)
    if x[-1] > 20:
        style.ticks(ax.yaxis)
    return image


def _difference(here: xr.Dataset, width: float, kept: float, row: int) -> xr.DataArray:
    """Paired over seeds: pruned - best small by its mean (a number where that is the null model), or retrained - pruned."""
    pruned, same = (here[name].sel(width=width, kept=kept, drop=True) for name in ("pruned_risk", "retrained_same"))
    if row == 1:
        return same - pruned
    small = here["risk"].sel(width=[w for w in sim.KEPT if w <= kept])
    best = small.isel(width=int(small.mean("seed").argmin("width")), drop=True)
    null = float(here["noise"]) ** 2 + 1.0
    return pruned - (best if float(best.mean()) < null else null)


def _verdict(difference: xr.DataArray) -> int:
    mean, error = float(difference.mean()), float(difference.std(ddof=1)) / np.sqrt(difference.size)
    return 0 if abs(mean) <= CERTAIN * error else int(np.sign(mean))


def _look(verdict: int) -> dict[str, Any]:
    marker, face = {-1: ("v", style.GREEN), 1: ("^", style.ORANGE), 0: ("o", "white")}[verdict]
    return dict(ls="", marker=marker, mfc=face, mec="k", mew=0.5, ms=4.5, clip_on=False, zorder=5)


def _width_marks(ax, inside: xr.Dataset, row: int) -> None:
    for width in inside["width"].values:
        for kept in inside["kept"].values[inside["kept"].values < width]:
            ax.plot(width, kept, **_look(_verdict(_difference(inside, width, kept, row))))


def _noise_marks(ax, here: xr.Dataset, row: int) -> None:
    for spike in here["spike"].values:
        for noise in here["noise"].values:
            cell = here.sel(spike=spike, noise=noise)
            ax.plot(spike, noise, **_look(_verdict(_difference(cell, WIDTH, KEPT, row))))
