"""Files of a report: tables as text, CSV and LaTeX, a figure, and one page of HTML that needs nothing else."""

import base64
import csv
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.simulate.tails.power_law import PowerLaw
from jaxprune.weights import drawing
from jaxprune.weights.bound import Point
from jaxprune.weights.network_report import COLUMNS, NetworkReport

SHOWN = ("layer", "shape", "hill", "entries", "spectrum", "shuffled", "gaussian", "stable_rank", "kept_entries", "code_nats")
NARROW = {"kept_entries": "kept at 10 %", "stable_rank": "stable rank", "code_nats": "code, nats"}
TEX = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
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
    """The table as the terminal shows it, what was left out, and the bound."""
    rows = report.rows()
    cells = [[NARROW.get(name, name) for name in SHOWN], *([_with_error(row, name) for name in SHOWN] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(SHOWN))]
    lines = [
        "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in cells
    ]
    return "\n".join([*lines, "", *notes(report)])


def notes(report: NetworkReport) -> list[str]:
    """Sentences below the table."""
    said = [
        "hill, entries: tail indices. spectrum: pdf exponent of squared singular values, beside those of two controls, the same"
        " entries in other places and Gaussian numbers with its rows' and columns' mean squares: only a difference from them is"
        " a property of how the weights are arranged."
    ]
    light = report.rows()[-1]["light_entries"]
    said.append(f"kept: fraction of entries at a relative error of 10 %; of Gaussian entries it is {light:.3f}.")
    missing = [layer.name for layer in report.layers if layer.entry_fit is None or layer.spectral["layer"] is None]
    if missing:
        said.append(f"No power law fitted, since numbers are too few or the fit failed: {_few(missing)}.")
    unsure = [layer.name for layer in report.layers if layer.entry_fit is not None and _near_two(layer.entry_fit)]
    if unsure:
        said.append(f"Whether the variance of entries is finite is open, an index within two errors of 2: {_few(unsure)}.")
    reasons = {left.reason: [a.name for a in report.left if a.reason == left.reason] for left in report.left}
    said += [f"Left out, {reason}: {_few(names)}." for reason, names in reasons.items()]
    if report.curve and (shortest := min(point.nats for point in report.curve)) > report.samples:
        said.append(
            f"The shortest code, {shortest:,.0f} nats, has more than one a sample ({report.samples:,}): no bound is below 0.63."
        )
    return [*said, *_bound_in_words(report)]


def _near_two(fit: PowerLaw) -> bool:
    return bool(abs(fit.tail_index - 2) <= 2 * fit.pdf_exponent_error)


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


def latex(rows: Sequence[dict[str, Any]]) -> str:
    """A table for the package booktabs."""
    head = " & ".join(_tex(NARROW.get(name, name)) for name in SHOWN)
    body = "\n".join(" & ".join(_tex(_cell(row[name])) for name in SHOWN) + r" \\" for row in rows)
    columns = "ll" + "r" * (len(SHOWN) - 2)
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
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.3g}"


def _with_error(row: dict[str, Any], name: str) -> str:
    """The cell of a row; of the spectrum's exponent with its standard error."""
    error = row["spectrum_error"] if name == "spectrum" else None
    return _cell(row[name]) + ("" if error is None else f" ± {error:.2g}")


def _tex(words: str) -> str:
    return "".join(TEX.get(c, f"\\{c}" if c in "_%&#${}" else c) for c in words)
