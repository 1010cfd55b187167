"""Files of a report: tables as text, CSV and LaTeX, a figure, and one page of HTML that needs nothing else."""

import base64
import csv
import html
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.weights import drawing
from jaxprune.weights.bound import Point
from jaxprune.weights.network_report import COLUMNS, CONTROLS, FITS, NetworkReport, Row
from jaxprune.weights.spectra import Control

TABLES = (  # of the columns that are printed; those of positions only where a layer is a convolution
    ("layer", "shape", "hill", "stable", "entries", "stable_rank", "kept_entries", "code_nats"),
    ("layer", "spectrum", "shuffled", "gaussian", "positions", "positions_gaussian", "draws"),
)
WORDS = ("layer", "shape")  # columns of words
NARROW = {
    "kept_entries": "kept at 10 %",
    "stable_rank": "stable rank",
    "code_nats": "code, nats",
    "positions_gaussian": "their gaussian",
}
MISSING = {"tail": "hill, stable", "entries": "entries", **{name: column for column, name in FITS.items()}}
TEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "±": r"$\pm$",
}
FEW = 4  # names that a sentence lists
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }}
table {{ border-collapse: collapse; font-size: 13px; }} th, td {{ padding: .2em .6em; text-align: right; }}
th {{ border-bottom: 1px solid; }} td:first-child, th:first-child {{ text-align: left; }} div {{ overflow-x: auto; }}
img {{ max-width: 100%; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111; color: #ddd; }} img {{ background: #fff; }} }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def write(report: NetworkReport, folder: str | Path) -> list[Path]:
    """Write a report to a folder: tables, a figure, and a page of HTML.

    Args:
        report: What ``report`` returns.
        folder: Where to; it is made if need be, and files of these names are replaced, or removed.

    Returns:
        Paths of figure.pdf, figure.png, layers.csv, layers.tex, report.html, and bound.csv where there is a bound.
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    rows = report.rows()
    with style.paper():
        figure = drawing.draw(report)
    written = style.save(figure, place)
    texts = {
        "layers.csv": as_csv(list(COLUMNS), rows),
        "layers.tex": latex(rows),
        "report.html": page(report, figure),
    }
    if report.curve:
        texts["bound.csv"] = as_csv(list(Point._fields), [point._asdict() for point in report.curve])
    else:
        (place / "bound.csv").unlink(missing_ok=True)  # of another report
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")
    return [*written, *(place / name for name in texts)]


def text(report: NetworkReport) -> str:
    """The tables as the terminal shows them, what was left out, and the bound."""
    rows = report.rows()
    return "\n\n".join([*(_aligned(rows, names) for names in _tables(rows)), "\n".join(notes(report))])


def _tables(rows: Sequence[Row]) -> list[list[str]]:
    """Names of the columns of each table that is printed."""
    convolution = any(row["positions"] is not None or row["positions_gaussian"] is not None for row in rows)
    return [[name for name in names if convolution or not name.startswith("positions")] for names in TABLES]


def _aligned(rows: Sequence[Row], names: Sequence[str]) -> str:
    words = sum(name in WORDS for name in names)
    cells = [[NARROW.get(name, name) for name in names], *([_with_error(row, name) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(c.ljust(w) if i < words else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    )


def notes(report: NetworkReport) -> list[str]:
    """Sentences below the tables."""
    rows = report.rows()
    light = rows[-1]["light_entries"]
    said = [
        "hill, stable, entries: tail indices with a standard error; that of entries is by a bootstrap in which the lower end"
        " xmin is chosen anew, and knows nothing of the bias where a power law holds in the limit alone. stable is a dash where"
        " the stable law is rejected, or entries are too few to test it.",
        f"kept: fraction of entries at a relative error of 10 %; of Gaussian entries it is {light:.3f}.",
        "spectrum: pdf exponent of squared singular values. Its ± holds the lower end xmin fixed and is too small to tell a"
        " layer from its controls: look whether it lies in their range, median (least to largest). shuffled: the same entries"
        " in other places; gaussian: Gaussian numbers with the mean squares of rows and columns; draws: how many of each. Heavy"
        " tails of independent entries lie above gaussian, so it is shuffled that tells whether their places matter.",
        *_sides(report),
        *_dashes(report),
    ]
    unsure = [row["layer"] for row in rows[:-1] if _near_two(row)]
    if unsure:
        said.append(
            "Whether the variance of entries is finite is open, hill or entries within two errors of 2, or these and stable on"
            f" either side of it: {_few(unsure)}."
        )
    if report.guessed:
        said.append(
            "Rows are taken as outputs, since neither names nor kernels tell; layout='flax' (--layout flax) says otherwise."
        )
    reasons = {left.reason: [a.name for a in report.left if a.reason == left.reason] for left in report.left}
    said += [f"Left out, {reason}: {_few(names)}." for reason, names in reasons.items()]
    if report.curve and (shortest := min(point.nats for point in report.curve)) > report.samples:
        said.append(
            f"The shortest code, {shortest:,.0f} nats, has more than one a sample ({report.samples:,}): no bound is below 0.63."
        )
    return [*said, *_bound_in_words(report)]


def _sides(report: NetworkReport) -> list[str]:
    """Which exponents lie outside the range of their controls, and of how many that is to be expected by chance."""
    said: dict[str, list[str]] = {"Below": [], "Above": []}
    single: dict[str, None] = {}
    for own, name in ((own, name) for own, names in CONTROLS.items() for name in names):
        known = _compared(report, own, name)
        single |= {layer: None for layer, _, control in known if not control.ends}
        ranged = [(layer, control.side(exponent), control) for layer, exponent, control in known if control.ends]
        chance = sum(1 / (len(control.exponents) + 1) for _, _, control in ranged)
        for side, words in ((-1, said["Below"]), (1, said["Above"])) if ranged else ():
            outside = [layer for layer, where, _ in ranged if where == side]
            listed = f" ({_few(outside)})" if outside else ""
            words.append(f"{own} against {name} {len(outside)} of {len(ranged)} layers{listed}, {chance:.2g} by chance")
    found = [f"{word} all draws: {'; '.join(words)}." for word, words in said.items() if words]
    few = [f"Fewer than two draws of a control have a fit, and so no range: {_few(list(single))}."] if single else []
    return found + few


def _compared(report: NetworkReport, own: str, name: str) -> list[tuple[str, float, Control]]:
    """Layers that have an exponent and a control of it, by name."""
    pairs = ((layer.name, layer.spectral.get(FITS[own]), layer.controls.get(name)) for layer in report.layers)
    return [(layer, float(fit.fit.pdf_exponent), control) for layer, fit, control in pairs if fit and control]


def _dashes(report: NetworkReport) -> list[str]:
    """What was not measured, and why."""
    why: dict[tuple[str, str], list[str]] = {}
    for layer, row in zip(report.layers, report.rows(), strict=False):  # the last row is that of the whole
        for name, reason in layer.missing.items():
            why.setdefault((reason, MISSING[name]), []).append(layer.name)
        if row["failed"]:
            why.setdefault(("fits of draws that failed, and how many", "controls"), []).append(
                f"{layer.name} ({row['failed']})"
            )
        if layer.tail and row["hill"] is None:
            why.setdefault(("an estimate that is not finite", "hill"), []).append(layer.name)
        if layer.entry_fit and row["entries_error"] is None:
            why.setdefault(("resamples without a fit", "error of entries"), []).append(layer.name)
    return [f"Not measured, {reason}: {what} of {_few(names)}." for (reason, what), names in why.items()]


def _near_two(row: Row) -> bool:
    """Whether its tail indices leave open on which side of 2 they are; two estimates, since each has a bias of its own, and the
    stable law, whose index is 2 for normal entries, where it is clearly below."""
    sides = {-1} if row["stable"] is not None and row["stable"] < 2 - 2 * (row["stable_error"] or 0) else set()
    for name in ("hill", "entries"):
        if row[name] is not None:
            error = row[f"{name}_error"]
            sides.add(0 if error is None or abs(row[name] - 2) <= 2 * error else np.sign(row[name] - 2))
    return len(sides) > 1 or 0 in sides


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _bound_in_words(report: NetworkReport) -> list[str]:
    """The least bound where risks were measured; else all of them, and what they lack."""
    best = report.best
    if best is None:
        return []
    if not report.measured:
        told = ", ".join(f"{point.bound:.3f} with {point.fraction:.3g} of the weights" for point in report.curve)
        return [
            f"Bound of the risk, {report.risk}: {told}. What pruned networks risk was not measured, so nothing is proved: use"
            " jaxprune.weights.report(file, apply=, data=) in Python."
        ]
    said = (
        f"Bound of the risk, the least along the pruning curve: {best.bound:.4f} with {best.kept:,} weights"
        f" ({best.fraction:.2%}), {best.nats:,.0f} nats, risk {best.risk:.4f}, {report.risk}."
    )
    if best.bound < report.chance:
        return [said, f"It is below {report.chance:.3f}, the risk of guessing; compare it with that of the largest class."]
    return [said, f"It is not below {report.chance:.3f}, the risk of guessing, and says nothing."]


def as_csv(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Rows of named values; empty where not known."""
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if row[name] is None else row[name] for name in names} for row in rows)
    return out.getvalue()


def latex(rows: Sequence[Row]) -> str:
    """The tables, for the package booktabs."""
    return "\n".join(_tabular(rows, names) for names in _tables(rows))


def _tabular(rows: Sequence[Row], names: Sequence[str]) -> str:
    head = " & ".join(_tex(NARROW.get(name, name)) for name in names)
    body = "\n".join(" & ".join(_tex(_with_error(row, name)) for name in names) + r" \\" for row in rows)
    columns = "".join("l" if name in WORDS else "r" for name in names)
    return f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"


def page(report: NetworkReport, figure: Figure) -> str:
    """One page of HTML, its figure inside."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=150)
    image = base64.b64encode(picture.getvalue()).decode()
    table = _table(list(COLUMNS), report.rows())
    explained = "".join(f"<li><b>{name}</b>: {html.escape(words)}</li>" for name, words in COLUMNS.items())
    body = [*(f"<p>{html.escape(words)}</p>" for words in notes(report)), f"<div>{table}</div>", f"<ul>{explained}</ul>"]
    if report.curve:
        body.append("<h2>Bound along the pruning curve</h2>" + _table(list(Point._fields), [p._asdict() for p in report.curve]))
    body.append(f'<img alt="{html.escape(drawing.ALT)}" src="data:image/png;base64,{image}">')
    return PAGE.format(title=html.escape(f"Weights of {report.name}"), body="\n".join(body))


def _table(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in names)
    lines = ("".join(f"<td>{html.escape(_cell(row[name]))}</td>" for name in names) for row in rows)
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 999.5:  # which three digits would write as 1e+03
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _with_error(row: Row, name: str) -> str:
    """The cell of a row; with its standard error, or with the range of a control's draws."""
    cell, error, low = _cell(row[name]), row.get(f"{name}_error"), row.get(f"{name}_low")
    if low is not None:
        return f"{cell} ({_cell(low)} to {_cell(row[f'{name}_high'])})"
    return cell if error is None else _to_error(row[name], error)


def _to_error(value: float, error: float) -> str:
    """A number with its error, as far as two digits of the error."""
    places = min(max(1 - math.floor(math.log10(error)), 0), 4) if error > 0 else 2
    return f"{value:,.{places}f} ± {error:,.{places}f}"


def _tex(words: str) -> str:
    return "".join(TEX.get(c, f"\\{c}" if c in "_%&#${}" else c) for c in words)
