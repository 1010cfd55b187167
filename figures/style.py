"""One look for every figure: theory is a line, simulation a marker with a 95 % band, colours are safe for the colour-blind."""

import contextlib
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
GREY = "#888888"
COLOURS = [BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY]
MARKERS = list("os^Dv<>P")
COLUMN, FULL = 3.25, 6.75  # inches: one column and full width of a two-column page
RC: Any = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "errorbar.capsize": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 300,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


def save(figure: Figure, folder: Path) -> list[Path]:
    """Write figure.pdf (real fonts, no date) and figure.png; the same figure gives the same bytes."""
    paths = [folder / "figure.pdf", folder / "figure.png"]
    with paper():
        for path, meta in zip(paths, (dict(CreationDate=None, Producer=None), dict(Software=None)), strict=True):
            figure.savefig(path, metadata=meta)
    return paths


@contextlib.contextmanager
def paper():
    """Matplotlib's settings for a paper, for the duration of a block."""
    with plt.rc_context(RC):
        yield


def means(ax: Axes, x, values, index: int, label: str | None = None) -> None:
    """Markers at the mean over the dimension ``seed`` of ``values`` with 95 % bands (normal)."""
    if not values.size:
        return
    mean = values.mean("seed")
    band = 1.96 * values.std("seed", ddof=1) / np.sqrt(values.notnull().sum("seed"))
    look: dict[str, Any] = dict(ls="", marker=MARKERS[index], color=COLOURS[index], mfc="white", mew=0.8, elinewidth=0.8)
    ax.errorbar(x, mean, band, label=label, zorder=3, **look)


def markers(ax: Axes, x, values, heavy, index: int, label: str | None = None) -> None:
    """Means along the dimension ``width``; medians where ``heavy`` (W,) says that the mean, or its standard error, does
    not exist."""
    for plot, chosen, name in ((means, ~heavy, label), (medians, heavy, None)):
        some = np.flatnonzero(chosen)
        plot(ax, x.isel(width=some), values.isel(width=some), index, name)


def beside(index: int, count: int) -> float:
    """Place of a series around that of its data, so that ``count`` series do not hide each other; 0 for a single one."""
    return index - (count - 1) / 2


def medians(ax: Axes, x, values, index: int, label: str | None = None) -> None:
    """Filled markers at the median with the 95 % interval of the median, where means do not exist."""
    if not values.size:
        return
    half = 0.98 / np.sqrt(values.sizes["seed"])
    mid = values.median("seed")
    low, high = values.quantile(max(0.5 - half, 0), "seed"), values.quantile(min(0.5 + half, 1), "seed")
    look: dict[str, Any] = dict(ls="", marker=MARKERS[index], color=COLOURS[index], elinewidth=0.8)
    ax.errorbar(x, mid, [mid - low, high - mid], label=label, zorder=3, **look)
