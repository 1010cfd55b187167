"""What the samples of a grid depend on: a program for each signature of problem, and the numbers of each problem.

Both are known before anything is computed; a receipt names them, and samples of two of them do not mix.
"""

import hashlib
import json
import math
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxprune.contracts import Metric, by_name, check_make
from jaxprune.sweep import program, tasks
from jaxprune.sweep.experiment import Coordinate, Experiment, Point
from jaxprune.sweep.pipe import Parcel
from jaxprune.sweep.program import VERSION, Metrics, Program
from jaxprune.sweep.sources import changed, installed, sources
from jaxprune.sweep.worker import words_of

KEEP = 2**28  # bytes of problems that are held; others are made again when their turn comes


class Marks(NamedTuple):
    """Of one grid point: digests of its program and of its problem."""

    program: str
    problem: str


class Prepared:
    """The programs and problems of an experiment's grid. ``failed``: point -> why there is nothing to run there."""

    def __init__(self, experiment: Experiment, root: int, budget: float | None = None):
        """Make every problem and lower the trial for every signature of them; nothing is compiled on a CPU.

        Raises ValueError for bad coordinates and bad trials, and what ``make`` or ``trial`` raise when no point is left.
        """
        self._experiment, self._root, self._budget = experiment, root, budget
        self._programs: dict[Any, Program | Exception] = {}
        self._kept: dict[tuple, Parcel] = {}
        self._ready: dict[tuple, tuple[Program, str]] = {}
        self._last: tuple[tuple, Parcel] | None = None
        self.failed: dict[tuple, Exception] = {}
        cure = "give each axis an argument of its name, and a default to what is no axis"
        check_make(experiment.make, experiment.axes, "the axes are", cure)
        self.metrics: Metrics = {}
        self.declared = by_name("metrics", experiment.metrics)
        for point in experiment.points():
            try:
                self._prepare(point)
            except Exception as error:
                if isinstance(error, ValueError) and not isinstance(error, np.linalg.LinAlgError):
                    raise
                self.failed[place(point)] = error
        if not self._ready:
            raise next(iter(self.failed.values()))
        if unknown := [m.name for m in experiment.metrics if m.name not in self.metrics]:
            raise ValueError(f"metrics: {unknown[0]!r} is declared, the trial returns {', '.join(self.metrics)}")
        self._check_randomness()
        self.sources = sources(experiment.make, experiment.trial)

    def _check_randomness(self) -> None:
        """Problems are the same at every call; seeds differ by their keys alone."""
        first = next(point for point in self._experiment.points() if place(point) in self._ready)
        if self.fickle(first):
            raise ValueError(f"make: {FICKLE} (at {first})")
        if self._experiment.seeds > 1 and not any(found.draws for found, _ in self._ready.values()):
            warnings.warn(
                f"trial: that of {self._experiment.name!r} makes no use of its key, so all {self._experiment.seeds} seeds are"
                " one and the same; random numbers come from the key alone (jax.random), never from NumPy or a key of its own",
                stacklevel=4,
            )

    def _prepare(self, point: Point) -> None:
        found, parcel = self._lowered(point)
        if self.metrics and found.metrics != self.metrics:
            both = f"at {point} are {found.metrics}, elsewhere {self.metrics}"
            raise ValueError(f"trial: the metrics {both}; shapes must not depend on the axes")
        self.metrics = found.metrics
        self._ready[place(point)] = found, parcel.digest
        if sum(p.size for p in self._kept.values()) + parcel.size <= KEEP:
            self._kept[place(point)] = parcel

    def _lowered(self, point: Point) -> tuple[Program, Parcel]:
        """The program of a point, and the leaves of its problem."""
        experiment = self._experiment
        with program.pinned(experiment.precision):
            problem = _called("make", experiment.make, **point)
            self.declared = _declared(problem) | self.declared
            arrays = program.leaves(problem)
            mark = program.signature(problem, arrays)
            if mark not in self._programs:
                try:
                    settings = experiment.block, problem, self._budget, experiment.matmul_precision
                    lowered: Any = _called("trial", program.lower, experiment.trial, *settings)
                except Exception as error:
                    lowered = error
                self._programs[mark] = lowered
        found = self._programs[mark]
        if isinstance(found, Exception):
            raise found
        return found, Parcel(program.digest(arrays), arrays, sum(a.nbytes for a in arrays))

    @property
    def attributes(self) -> dict[str, dict[str, Any]]:
        """What is declared of each metric, for the attributes of its samples."""
        return {name: self.declared[name].attributes for name in self.metrics if name in self.declared}

    def common(self, point: Point) -> dict[str, Any]:
        """What the tasks of a point have in common: see ``tasks.execute``."""
        found, _ = self._ready[place(point)]
        return tasks.describe(self._experiment, self._root, self._budget, found, self._problem(point))

    def _problem(self, point: Point) -> Parcel:
        here = place(point)
        if here in self._kept:
            return self._kept[here]
        if self._last is None or self._last[0] != here:
            _, parcel = self._lowered(point)
            if parcel.digest != self._ready[here][1]:
                raise ValueError(f"make: {FICKLE} (at {point})")
            self._last = here, parcel
        return self._last[1]

    def marks(self, point: Point) -> Marks:
        """Digests of the program and the problem, also of a point outside the grid."""
        found, digest = self._ready.get(place(point)) or self._fresh(point)
        return Marks(found.fingerprint, digest)

    def fickle(self, point: Point) -> bool:
        """Whether ``make`` gives another problem when it is called again."""
        return self._fresh(point)[1] != self.marks(point).problem

    def _fresh(self, point: Point) -> tuple[Program, str]:
        found, parcel = self._lowered(point)
        return found, parcel.digest

    @property
    def task_bytes(self) -> int:
        """What one task gives, uncompressed."""
        return self._experiment.block * sum(int(np.prod(s.shape)) * s.dtype.itemsize for s in self.metrics.values())


def _declared(problem: Any) -> dict[str, Metric]:
    """The metrics that a problem declares, if it does."""
    found = getattr(problem, "metrics", ())
    if not isinstance(found, tuple | list):
        return {}
    return by_name(f"metrics of {type(problem).__name__}", [m for m in found if isinstance(m, Metric)])


FICKLE = "it gives another problem at every call; draw random numbers in the trial, from its key"


def place(point: Mapping[str, Coordinate]) -> tuple:
    """A grid point as a key: 1, 1.0 and True are different coordinates."""
    return tuple((name, type(value), value) for name, value in sorted(point.items()))


def _called(name: str, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    try:
        return function(*arguments, **named)
    except SystemExit as stop:
        if getattr(stop, "signal", None):  # ours, see ``interrupts``
            raise
        raise RuntimeError(f"{name} called sys.exit({stop.code!r})") from stop


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
        if receipt["jax"] == VERSION and receipt["program"] != now.program:
            programs.append(point)
        if receipt["problem"] != now.problem:
            problems.append(point)
    news = min((changed(state, prepared.sources) for state in before), key=len, default=list(prepared.sources))
    alien = bool(versions) and VERSION not in versions and (bool(news) or not prepared.sources)
    differing = _differing(programs, problems, news, versions if alien else set())
    return differing + gone[:1], _hint(programs, problems, news, prepared)


def _told(point: Point) -> str:
    return ", ".join(f"{name}={value}" for name, value in point.items())


def _differing(programs: list[Point], problems: list[Point], news: list[str], versions: set[str]) -> list[str]:
    found = []
    if versions:
        old = ", ".join(sorted(versions))
        found.append(f"the version of jax ({old}, here {VERSION}), across which only equal sources show equal programs")
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
