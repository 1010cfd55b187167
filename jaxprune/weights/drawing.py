"""The figure of a report: spectra beside their controls, what compresses, and the bound along the pruning curve."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.weights.network_report import NetworkReport

ALT = "By layer: exponents of the spectrum and its controls; fractions kept at ten per cent error; the bound by what is kept."


def draw(report: NetworkReport) -> Figure:
    """Two panels, and a third where there is a bound."""
    rows = report.rows()[:-1]
    panels = 3 if report.curve else 2
    figure = Figure(figsize=(style.FULL, 2.3), layout="constrained")
    axes = figure.subplots(1, panels)
    at = np.arange(1, len(rows) + 1)
    _spectra(axes[0], at, rows)
    _kept(axes[1], at, rows)
    if report.curve:
        _bound(axes[2], report)
    return figure


def _spectra(ax: Axes, at, rows) -> None:
    for name, words, colour, marker in (
        ("spectrum", "layer", style.BLUE, "o"),
        ("shuffled", "entries shuffled", style.ORANGE, "s"),
        ("gaussian", "Gaussian", style.GREY, "^"),
    ):
        ax.plot(at, [np.nan if row[name] is None else row[name] for row in rows], marker, color=colour, label=words, mfc="none")
    ax.set(xlabel="layer", ylabel="pdf exponent of the spectrum")
    ax.legend()


def _kept(ax: Axes, at, rows) -> None:
    for short, words, colour in (
        ("entries", "entries", style.BLUE),
        ("rows", "rows", style.GREEN),
        ("values", "singular values", style.PURPLE),
    ):
        ax.plot(at, [row[f"kept_{short}"] for row in rows], "o", color=colour, label=words, mfc="none")
        ax.plot(at, [row[f"light_{short}"] for row in rows], "-", color=colour, lw=0.8)
    ax.set(xlabel="layer", ylabel="kept at 10 % error (lines: Gaussian)", ylim=(0, 1.05))
    ax.legend()


def _bound(ax: Axes, report: NetworkReport) -> None:
    fractions = [point.fraction for point in report.curve]
    ax.semilogx(fractions, [point.bound for point in report.curve], "o-", color=style.RED, label="bound")
    ax.semilogx(fractions, [point.risk for point in report.curve], "s--", color=style.GREY, label="risk on the samples")
    ax.set(xlabel="fraction of weights kept", ylabel="risk", ylim=(0, 1.05))
    ax.legend()
