"""The figure of a report: spectra beside their controls, what compresses, and the bound along the pruning curve."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from jaxprune.plots import style
from jaxprune.weights.network_report import NetworkReport, Row

ALT = "By layer: exponents of the spectrum and its controls; fractions kept at ten per cent error; the bound by what is kept."
NAMED = 8  # layers whose names stand at the axis; more have their numbers
LONGEST = 18  # letters of a name there
SERIES = (  # column, name in the legend, colour, marker, where beside the layer's place
    ("spectrum", "layer", style.BLUE, "o", 0.0),
    ("shuffled", "entries shuffled", style.ORANGE, "s", -0.15),
    ("gaussian", "Gaussian", style.GREY, "^", 0.15),
    ("positions", "positions of a kernel", style.SKY, "D", -0.3),
    ("positions_gaussian", "their Gaussian", style.BLACK, "v", 0.3),
)


def draw(report: NetworkReport) -> Figure:
    """Two panels, and a third where there is a bound."""
    rows = report.rows()[:-1]
    panels = 3 if report.curve else 2
    figure = Figure(figsize=(style.FULL, 2.9), layout="constrained")
    axes = figure.subplots(1, panels)
    at = np.arange(1, len(rows) + 1)
    _spectra(axes[0], at, rows)
    _kept(axes[1], at, rows)
    for ax in axes[:2]:
        _layers(ax, rows)
    if report.curve:
        _bound(axes[2], report)
    return figure


def _spectra(ax: Axes, at: np.ndarray, rows: Sequence[Row]) -> None:
    for name, words, colour, marker, beside in SERIES:
        values = _column(rows, name)
        if np.all(np.isnan(values)):
            continue
        bars = _range(rows, name) if f"{name}_low" in rows[0] else _column(rows, f"{name}_error")
        above = 2 if f"{name}_low" in rows[0] else 3  # a layer stands before its controls
        look: dict[str, Any] = dict(ls="", marker=marker, color=colour, mfc="none", elinewidth=0.8, zorder=above)
        ax.errorbar(at + beside, values, bars, label=words, **look)
    ax.set(xlabel="layer", ylabel="pdf exponent of the spectrum")
    if ax.get_legend_handles_labels()[1]:
        _legend(ax, "bars: error with xmin fixed;\nof controls, least to largest")
    else:
        ax.set_yticks([])
        style.note(ax, "no spectrum was fitted", (float(np.mean(at)), 0.5), ha="center")


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([np.nan if row[name] is None else row[name] for row in rows])


def _range(rows: Sequence[Row], name: str) -> np.ndarray:
    """Distances from the median to the ends of the draws, (2, layers)."""
    middle, low, high = (_column(rows, name + end) for end in ("", "_low", "_high"))
    return np.stack([middle - low, high - middle])


def _kept(ax: Axes, at: np.ndarray, rows: Sequence[Row]) -> None:
    for short, words, colour in (
        ("entries", "entries", style.BLUE),
        ("rows", "rows", style.GREEN),
        ("values", "singular values", style.PURPLE),
    ):
        ax.plot(at, _column(rows, f"kept_{short}"), "o", color=colour, label=words, mfc="none")
        light = _column(rows, f"light_{short}")
        ax.plot(at, light, "-" if len(at) > 1 else "_", color=colour, lw=0.8, ms=14)
    ax.set(xlabel="layer", ylabel="kept at 10 % error", ylim=(0, 1.05))
    _legend(ax, "lines: Gaussian entries")


def _legend(ax: Axes, title: str) -> None:
    """Above the panel, where no bar runs through it."""
    ax.legend(title=title, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.0, handletextpad=0.4)


def _layers(ax: Axes, rows: Sequence[Row]) -> None:
    """The same range of layers in every panel, and their names where they are few."""
    ax.set_xlim(0.5, len(rows) + 0.5)
    if len(rows) > NAMED:
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        return
    names = [row["layer"] if len(row["layer"]) <= LONGEST else f"…{row['layer'][1 - LONGEST :]}" for row in rows]
    ax.set_xticks(
        range(1, len(rows) + 1), names, rotation=30 if len(rows) > 1 else 0, ha="right" if len(rows) > 1 else "center"
    )
    ax.set_xlabel("")
    for label in ax.get_xticklabels():
        label.set_parse_math(False)


def _bound(ax: Axes, report: NetworkReport) -> None:
    fractions = [point.fraction for point in report.curve]
    ax.semilogx(fractions, [point.bound for point in report.curve], "o-", color=style.RED, label="bound")
    ax.semilogx(fractions, [point.risk for point in report.curve], "s--", color=style.GREY, label="risk on the samples")
    ax.set(xlabel="fraction of weights kept", ylabel="risk", ylim=(0, 1.05))
    ax.legend()
