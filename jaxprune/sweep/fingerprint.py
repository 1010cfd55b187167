"""What the samples of a grid depend on: a program for each signature of problem, and the numbers of each problem.

Samples of two of them do not mix.
"""

import hashlib
import json
import math
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxprune.sweep.experiment import Coordinate, Point
from jaxprune.sweep.prepared import FICKLE, Prepared
from jaxprune.sweep.program import version
from jaxprune.sweep.sources import changed, installed
from jaxprune.sweep.worker import words_of


def said(error: BaseException) -> str:
    """An error in a line: its class, its words, and where in the user's own files it came from."""
    words = words_of(error)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not installed(Path(f.filename))]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {words}{where}" if words else f"{type(error).__name__}{where}"


Known = Iterable[tuple[bool, Point, Mapping[str, Any]]]


def check_same(known: Known, prepared: Prepared, before: Sequence[Mapping[str, str]]) -> tuple[list[str], str]:
    """What differs between finished tasks and what would be run now, in words, and a hint; nothing where all is the same.

    ``known``: whether it is asked for now, grid point and receipt of finished tasks; ``before``: the states of the sources
    that they came from.
    Of points that are not asked for, one of each program is looked at.
    """
    settled: set[str] = set()
    programs, problems, versions, gone = [], [], set(), []
    for asked, point, receipt in sorted(known, key=lambda one: not one[0]):
        if not asked and receipt["program"] in settled:
            continue
        settled.add(receipt["program"])
        try:
            now = prepared.marks(point)
        except Exception as error:
            if asked:  # of others nothing is shown, and nothing new is mixed with them
                gone.append(f"the problem at {_told(point)}, which cannot be made now ({said(error)})")
            continue
        versions.add(receipt["jax"])
        if receipt["jax"] == version() and receipt["program"] != now.program:
            programs.append(point)
        if receipt["problem"] != now.problem:
            problems.append(point)
    news = min((changed(state, prepared.sources) for state in before), key=len, default=list(prepared.sources))
    alien = bool(versions) and version() not in versions and (bool(news) or not prepared.sources)
    differing = _differing(programs, problems, news, versions if alien else set())
    return differing + gone[:1], _hint(programs, problems, news, prepared)


def _told(point: Point) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items())


def _differing(programs: list[Point], problems: list[Point], news: list[str], versions: set[str]) -> list[str]:
    found = []
    if versions:
        old = ", ".join(sorted(versions))
        found.append(f"the version of jax ({old}, here {version()}), across which only equal sources show equal programs")
    if programs and (news or any(point not in problems for point in programs)):
        found.append("the code of make or trial")
    if problems and not (programs and news):
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        files = [f for f in map(_data_file, problems[0].values()) if f is not None]
        data = f" (the data in {', '.join(map(str, files))})" if files else ""
        found.append(f"the problem at {_told(problems[0])}{more}{data}")
    return found


def _hint(programs: list[Point], problems: list[Point], news: list[str], prepared: Prepared) -> str:
    if news:
        return f" Sources that changed: {', '.join(news)}."
    if problems and prepared.fickle(problems[0]):
        return f" Of make: {FICKLE}."
    if problems:
        return " No source that is known of changed: it may be data that make reads, or a number that it takes from elsewhere."
    if programs and not prepared.sources:
        return " They were typed in, or what they use: it was defined anew, or has another value now."
    if programs:
        return (
            " No source changed that is known of: it may be a constant that is set as the file runs, an environment variable,"
            " or another version of a library."
        )
    return ""


def _data_file(value: Coordinate) -> Path | None:
    """The file that a coordinate names, alone or after a word and a colon, as in "csv:FILE"."""
    words = str(value)
    for text in (words, words.partition(":")[2]):
        if isinstance(value, str) and text and Path(text).exists():
            return Path(text)
    return None


def summary(receipts: Iterable[tuple[Point, Mapping[str, Any]]], definition: Mapping[str, Any]) -> dict[str, Any]:
    """What samples say of the tasks that they came from: versions and devices, time, and a digest of all they depend on."""
    receipts = list(receipts)
    marks = sorted({(json.dumps(p, sort_keys=True), r.get("program", ""), r.get("problem", "")) for p, r in receipts})
    text = json.dumps([definition, marks], sort_keys=True)
    words = {name: ", ".join(sorted({r[name] for _, r in receipts if name in r})) for name in ("jax", "device")}
    seconds = math.fsum(r["seconds"] for _, r in receipts)
    return dict(
        {name: word for name, word in words.items() if word},
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
        compute_seconds=round(seconds, 3),
    )
