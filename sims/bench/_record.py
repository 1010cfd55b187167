"""What a benchmark measures: a record of each measurement; the table that is made of records, their file, and back."""

import dataclasses
import importlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax
import numpy as np
from _timing import Work, alternate, cores

from jaxprune.sweep.origin import provenance

OURS = "jaxprune"  # how the name of every row of ours begins
SCALE = {"s": 1.0, "ms": 1e3, "µs": 1e6, "ns": 1e9}


@dataclasses.dataclass(frozen=True)
class Record:
    """One thing of one benchmark, by one of those compared, measured once or several times.

    ``values`` are costs in ``unit``, so less is better, unless nothing is compared. ``ratios`` of a peer: row of ours -> pair
    by pair, its value over ours. ``share`` of the peak that ``bound`` names. ``size``: its place on a curve of growth, along
    ``along``. ``error``: the standard error of one value that is a mean.
    """

    section: str
    what: str
    who: str
    unit: str
    values: list[float]
    device: str
    ratios: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    share: float | None = None
    bound: str = ""
    size: float | None = None
    along: str = ""
    error: float | None = None

    @property
    def median(self) -> float:
        """Of the values."""
        return float(np.median(self.values))


class Curve(NamedTuple):
    """Records of growing size, two or more."""

    records: list[Record]

    @property
    def power(self) -> float:
        """Of the size, which the medians grow like: the slope of logarithms."""
        sizes = np.log([record.size or np.nan for record in self.records])
        return float(np.polyfit(sizes, np.log([record.median for record in self.records]), 1)[0])


class Bench:
    """A run of one benchmark: who takes part, what is said, what is measured. ``quick``: at sizes that only try it."""

    def __init__(self, name: str, quick: bool = False):
        self.name, self.quick = name, quick
        self.records: list[Record] = []
        self.said: list[str] = []
        self.absent: list[str] = []
        here: dict[str, Any] = provenance()
        self.versions = {"jaxprune": here.pop("version"), "jax": here.pop("jax"), "numpy": np.__version__}
        threads = os.environ.get("NPROC", "all")
        self.setting = dict(**here, cores=cores(), threads=threads, date=datetime.now(UTC).isoformat(timespec="seconds"))

    def say(self, words: str) -> None:
        """Print, and keep."""
        self.said.append(words)
        print(words, flush=True)

    def agree(self, words: str, gap: float, most: float) -> None:
        """Tell how far results are apart. Raises RuntimeError where that is more than ``most``: other things would be timed."""
        self.say(f"{words}: {gap:.1e}")
        if not gap <= most:
            raise RuntimeError(f"{words}: {gap:.1e} is more than {most:.1e}")

    def has(self, package: str) -> bool:
        """Whether a peer is installed; it is never a dependency."""
        try:
            self.versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            self.absent.append(package)
            self.say(f"without {package}: not installed, pip install {package}")
            return False
        return True

    def peer(self, package: str) -> ModuleType | None:
        """The module of a peer, if it is installed."""
        return importlib.import_module(package) if self.has(package) else None

    def race(self, section: str, what: str, unit: str, works: Mapping[str, Work], repeats: int, **curve: Any) -> None:
        """Time all who do the same, one after another, ``repeats`` times; the unit is a time for one item. ``curve``: as of
        ``keep``."""
        times = alternate(works, repeats, 0 if self.quick else None)
        scale = SCALE[unit.split()[0]]
        self.keep(section, what, unit, {who: [t * scale for t in ts] for who, ts in times.items()}, works=works, **curve)

    def keep(
        self,
        section: str,
        what: str,
        unit: str,
        values: Mapping[str, Sequence[float]],
        *,
        works: Mapping[str, Work] | None = None,
        compared: bool = True,
        size: float | None = None,
        along: str = "",
        error: float | None = None,
    ) -> None:
        """Records of values that were measured in pairs, with ratios to ours where they are ``compared``."""
        ours = {who: some for who, some in values.items() if who.startswith(OURS)}
        for who, some in values.items():
            work = (works or {}).get(who, Work())
            peer = compared and who not in ours
            ratios = {name: [a / b for a, b in zip(some, mine, strict=True)] for name, mine in ours.items() if peer}
            share = work.bound and work.bound.seconds * SCALE[unit.split()[0]] / float(np.median(some))
            words = work.bound.words if work.bound else ""
            device = work.device or (jax.devices()[0].device_kind if who in ours else "cpu")
            self.records.append(
                Record(section, what, who, unit, list(map(float, some)), device, ratios, share, words, size, along, error)
            )

    def curves(self) -> dict[tuple[str, str, str], list[Curve]]:
        """(section, unit, along) of a panel -> its curves of growth."""
        found: dict[tuple[str, str, str], dict[tuple[str, str], Curve]] = {}
        for record in (r for r in self.records if r.size is not None):
            panel = found.setdefault((record.section, record.unit, record.along), {})
            panel.setdefault((record.what, record.who), Curve([])).records.append(record)
        long = {key: [curve for curve in panel.values() if len(curve.records) > 1] for key, panel in found.items()}
        return {key: panel for key, panel in long.items() if panel}

    def line(self) -> str:
        """Versions, cores, device, date."""
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        where = f"{self.setting['cores']} cores, {self.setting['threads']} thread(s) of XLA, {self.setting['device']}"
        return f"{versions}, Python {self.setting['python']}; {where}; {self.setting['date']}, commit {self.setting['commit']}"

    def write(self, file: Path) -> None:
        """All of it as JSON, with the median and the range of every list of values."""
        records = [dataclasses.asdict(r) | dict(median=r.median, range=[min(r.values), max(r.values)]) for r in self.records]
        head = dict(benchmark=self.name, quick=self.quick, versions=self.versions, setting=self.setting)
        whole = dict(**head, absent=self.absent, said=self.said, records=records)
        file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(file: Path) -> Bench:
    """What was written there."""
    held = json.loads(file.read_text(encoding="utf-8"))
    bench, names = Bench(held["benchmark"], held["quick"]), [f.name for f in dataclasses.fields(Record)]
    bench.records = [Record(**{name: record[name] for name in names}) for record in held["records"]]
    bench.said, bench.absent = held["said"], held["absent"]
    bench.versions, bench.setting = held["versions"], held["setting"]
    return bench


def number(x: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"


def told(values: Sequence[float], error: float | None = None) -> str:
    """The median, and from the least to the largest; or the value, and its standard error."""
    middle = number(float(np.median(values)))
    if error is not None:
        return f"{middle} ± {error:.1g}"
    return middle if len(values) == 1 else f"{middle} ({number(min(values))} to {number(max(values))})"


def table(bench: Bench) -> str:
    """All records, by sections: Markdown whose columns also stand under each other in a terminal."""
    quick = ["**Small sizes, which only try the benchmark: no result.**"] if bench.quick else []
    absent = [f"Left out, not installed: {', '.join(bench.absent)}."] if bench.absent else []
    parts = [f"## {bench.name}", *quick, bench.line(), *absent]
    sections: dict[str, list[Record]] = {}
    for record in bench.records:
        sections.setdefault(f"### {record.section}: {record.unit}", []).append(record)
    lines = [curve for panel in bench.curves().values() for curve in panel if curve.records[0].error is None]
    powers = {id(curve.records[-1]): f"{curve.power:.2f}" for curve in lines}
    for title, records in sections.items():
        parts += [title, _rows(records, powers)]
    return "\n\n".join(parts)


def _rows(records: Sequence[Record], powers: Mapping[int, str]) -> str:
    """The table of one section, without columns that are empty."""
    names = dict.fromkeys(name for r in records for name in r.ratios)
    rows = [_row(r) | {f"over {n}": told(r.ratios[n]) for n in names if n in r.ratios} for r in records]
    rows = [row | {"like the power": powers.get(id(r), "")} for row, r in zip(rows, records, strict=True)]
    columns = [c for c in dict.fromkeys(c for row in rows for c in row) if any(row.get(c) for row in rows)]
    cells = [columns, *([row.get(c, "") for c in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def _row(record: Record) -> dict[str, str]:
    at = "" if record.size is None else f"{record.along} = {record.size:,g}"
    share = "" if record.share is None else f"{record.share:.0%} of {record.bound}"
    cells = {"what": ", ".join(filter(None, (record.what, at))), "who": record.who, "on": record.device}
    return cells | {"median (range)": told(record.values, record.error), "share of the peak": share}
