"""Benchmarks: time of peers over ours, shares of the measured peak, and how costs grow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxprune.plots import style

ROW, PANEL, ACROSS = 0.125, 1.45, 4  # inches of a row and of a panel of growth, and how many of these stand side by side
SMALL = 5.5  # points


def draw(benches: Sequence[Any]) -> Figure:
    """The figure of all that was measured, records of ``sims/bench``."""
    rows = [(b, [r for r in b.records if r.ratios]) for b in benches]
    shares = [(b, [r for r in b.records if r.share is not None]) for b in benches]
    panels = [(b.name, key, curves) for b in benches for key, curves in b.curves().items()]
    parts = [max(_height(rows), _height(shares)), -(-len(panels) // ACROSS) * PANEL]
    figure = Figure(figsize=(style.FULL, sum(parts) + 0.5))
    above, below = figure.subfigures(2, 1, height_ratios=[part + 0.01 for part in parts])
    left, right = above.subfigures(1, 2, width_ratios=[1.25, 1]).ravel()
    _list(left, rows, _ratio, "time, or memory, over that of jaxprune")
    _list(right, shares, _share, "share of the measured peak")
    for ax, (name, key, curves) in zip(_grid(below, len(panels)), panels, strict=True):
        _growth(ax, name, key, curves)
    _headline(figure, benches)
    return figure


def _height(rows: Sequence[tuple[Any, list[Any]]]) -> float:
    """Inches of a list: a line for each record, and for the name of each benchmark."""
    return 0.5 + ROW * sum(1.4 + len(records) for _, records in rows if records)


def _list(part: Any, rows: Sequence[tuple[Any, list[Any]]], mark: Any, words: str) -> None:
    """One line for each record, by benchmarks; nothing where there is none."""
    if not any(records for _, records in rows):
        return
    ax, y, places, labels = part.subplots(), 0.0, [], []
    for bench, records in ((b, records) for b, records in rows if records):
        ax.text(
            -0.02, y, bench.name, transform=ax.get_yaxis_transform(), ha="right", va="center", fontsize=SMALL + 1, weight="bold"
        )
        for record in records:
            y += 1
            mark(ax, y, record)
            places.append(y)
            labels.append(_label(record))
        y += 1.4
    ax.set_yticks(places, labels, fontsize=SMALL)
    ax.set_ylim(y - 0.4, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(words)
    if mark is _ratio:
        ax.axvline(1, color=style.GREY, lw=0.6, zorder=0)
        ax.set_xscale("log")
        style.ticks(ax.xaxis, most=6)
    else:
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1, 0))


def _label(record: Any) -> str:
    """What and who, without what all have in common."""
    size = "" if record.size is None else f"{record.along} {record.size:,g}"
    who = record.who if record.ratios else record.who.removeprefix("jaxprune").strip(", ")
    words = record.section if not record.what else record.what
    return ", ".join(filter(None, (words, size, who)))


def _ratio(ax: Axes, y: float, record: Any) -> None:
    """Median and range against each row of ours: the first filled."""
    for index, values in enumerate(record.ratios.values()):
        low, middle, high = min(values), float(np.median(values)), max(values)
        error = [[middle - low], [high - middle]]
        ax.errorbar(middle, y, xerr=error, **style.look(index, filled=not index))


def _share(ax: Axes, y: float, record: Any) -> None:
    ax.barh(y, record.share, height=0.6, color=style.BLUE if "matrix" in record.bound else style.ORANGE)


def _grid(part: Any, count: int) -> list[Axes]:
    """Panels row by row."""
    if not count:
        return []
    axes = part.subplots(-(-count // ACROSS), ACROSS, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.set_visible(False)
    return list(axes[:count])


def _growth(ax: Axes, name: str, key: tuple[str, str, str], curves: Sequence[Any]) -> None:
    """Curves of one panel: medians and ranges; in the legend the power that each grows like."""
    section, unit, along = key
    costs = curves[0].records[0].error is None
    for index, curve in enumerate(curves):
        x, middle = [r.size for r in curve.records], np.array([r.median for r in curve.records])
        low, high = _ends(curve.records)
        label = curve.label.removeprefix("jaxprune, ").removesuffix(", jaxprune")
        label += f" ({curve.power:.2f})" if costs else ""
        ax.errorbar(x, middle, [middle - low, high - middle], **style.look(index) | dict(ls="-"), label=label)
    ax.set_xscale("log")
    ax.set_yscale("log" if costs else "linear")
    ax.set_title(f"{name}\n{section}", fontsize=SMALL)
    ax.set_xlabel(along, fontsize=SMALL, labelpad=1)
    ax.set_ylabel(unit, fontsize=SMALL, labelpad=1)
    ax.tick_params(labelsize=SMALL)
    ax.margins(0.08, 0.15)
    style.ticks(ax.xaxis, most=4)
    if costs:
        style.ticks(ax.yaxis, most=4)
    ax.legend(fontsize=SMALL - 1.5, handlelength=1, borderpad=0, labelspacing=0.2)


def _ends(records: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The range of every record, or one standard error on either side."""
    spread = [(min(r.values), max(r.values)) if r.error is None else (r.median - r.error, r.median + r.error) for r in records]
    low, high = np.array(spread).T
    return low, high


def _headline(figure: Figure, benches: Sequence[Any]) -> None:
    """Where and when; and that it is no result, where it is none."""
    first, dates = benches[0], sorted(b.setting["date"][:10] for b in benches)
    when = " to ".join(dict.fromkeys((dates[0], dates[-1])))
    where = f"{first.setting['device']}, {first.setting['cores']} cores, jax {first.versions['jax']}"
    if any(b.quick for b in benches):
        figure.suptitle("SMALL SIZES, WHICH ONLY TRY THE BENCHMARKS: NO RESULT", color=style.RED, weight="bold")
    else:
        figure.suptitle(f"{where}, {when}, commit {first.setting['commit']}")
