"""Benchmarks: time of peers over ours, shares of the measured peak, and how costs grow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from jaxprune.plots import style

ROW, PANEL, ACROSS = 0.12, 1.4, 4  # inches of a row and of a panel of growth, and how many of these stand side by side
SMALL = 5.5  # points
OURS = "jaxprune, "


def draw(benches: Sequence[Any]) -> Figure:
    """The figure of all that was measured, records of ``sims/bench``; ratios along a curve of growth stand in the curves."""
    ratios = [(b, [r for r in b.records if r.ratios and r.size is None]) for b in benches]
    shares = [(b, [r for r in b.records if r.share is not None]) for b in benches]
    panels = [(b.name, key, curves) for b in benches for key, curves in b.curves().items()]
    lines = max(sum(1.4 + len(found) for _, found in rows if found) for rows in (ratios, shares))
    parts = [0.5 + ROW * lines, -(-len(panels) // ACROSS) * PANEL]
    figure: Any = Figure(figsize=(style.FULL, sum(parts) + 0.3))
    above, below = figure.subfigures(2, 1, height_ratios=[part + 0.01 for part in parts])
    left, right = above.subfigures(1, 2, width_ratios=[1.2, 1])
    _list(left, ratios, _ratio, "time, or memory, over that of jaxprune", lines)
    _list(right, shares, _share, "share of the measured peak", lines)
    for ax, (name, key, curves) in zip(_grid(below, len(panels)), panels, strict=True):
        _growth(ax, name, key, curves)
    if panels:
        below.supxlabel("growth of what was measured; in brackets the power of the size that it grows like", fontsize=SMALL)
    _headline(figure, benches)
    return figure


def _list(part: Any, rows: Sequence[tuple[Any, list[Any]]], mark: Any, words: str, lines: float) -> None:
    """One line for each record, by benchmarks, in a panel with room for ``lines``; nothing where there is none."""
    rows = [(bench, records) for bench, records in rows if records]
    if not rows:
        return
    ax, y, places, labels = part.subplots(), 0.0, [], []
    for bench, records in rows:
        _heading(ax, y, bench.name, list(records[0].ratios))
        for place, (record, label) in enumerate(zip(records, _names(records), strict=True), 1):
            mark(ax, y + place, record)
            places.append(y + place)
            labels.append(label)
        y += len(records) + 1.4
    ax.set_yticks(places, labels, fontsize=SMALL)
    ax.set_ylim(lines - 0.4, -0.8)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(words, loc="right")
    if mark is _ratio:
        ax.axvline(1, color=style.GREY, lw=0.6, zorder=0)
        ax.set_xscale("log")
        style.ticks(ax.xaxis, most=6)
    else:
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1, 0))


def _heading(ax: Axes, y: float, name: str, ours: Sequence[str]) -> None:
    """The name of a benchmark, and where there are several rows of ours, the colour of each."""
    beside: dict[str, Any] = dict(transform=ax.get_yaxis_transform(), va="center")
    ax.text(-0.02, y, name, ha="right", fontsize=SMALL + 1, weight="bold", **beside)
    for index, who in enumerate(ours if len(ours) > 1 else ()):
        words = f"over {who.removeprefix(OURS)}"
        ax.text(0.02 + 0.5 * index, y, words, fontsize=SMALL - 1, color=style.colour(index), **beside)


def _names(records: Sequence[Any]) -> list[str]:
    """What each record is, without the words that all have in common."""
    parts = [(r.section, r.what, _size(r), r.who.removeprefix(OURS)) for r in records]
    varied = [i for i, column in enumerate(zip(*parts, strict=True)) if len({*column}) > 1]
    return [", ".join(words[i] for i in varied if words[i]) or words[-1] for words in parts]


def _size(record: Any) -> str:
    return "" if record.size is None else f"{record.along} = {record.size:,g}"


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
    names = _names([curve.records[0] for curve in curves])
    for index, (curve, name_of) in enumerate(zip(curves, names, strict=True)):
        x, middle = [r.size for r in curve.records], np.array([r.median for r in curve.records])
        low, high = _ends(curve.records)
        label = f"{name_of} ({curve.power:.2f})" if costs else name_of
        ax.errorbar(x, middle, [middle - low, high - middle], label=label, **{**style.look(index), "ls": "-"})
    ax.set_xscale("log")
    ax.set_yscale("log" if costs else "linear")
    ax.set_title(f"{name}\n{section}", fontsize=SMALL)
    ax.set_xlabel(along, fontsize=SMALL, labelpad=1)
    ax.set_ylabel(unit, fontsize=SMALL, labelpad=3)
    ax.tick_params(labelsize=SMALL)
    ax.margins(0.08, 0.1)
    _room(ax, 0.16 * len(curves), costs)
    style.ticks(ax.xaxis, [r.size for r in curves[0].records])
    if costs:
        style.ticks(ax.yaxis, most=4)
    ax.legend(fontsize=SMALL - 1, handlelength=1, labelspacing=0.2, loc="upper left", borderaxespad=0)


def _room(ax: Axes, share: float, logarithmic: bool) -> None:
    """For the legend, above what is drawn."""
    low, high = ax.get_ylim()
    ax.set_ylim(low, high * (high / low) ** share if logarithmic else high + share * (high - low))


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
