"""An experiment made ready: the problem of each grid point, and a program for each signature of problem.

Both are known before anything is computed; a receipt names them.
"""

import collections
import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxprune.contracts import Metric, by_name, check_make
from jaxprune.sweep import calls, program, tasks
from jaxprune.sweep.calls import Batch
from jaxprune.sweep.experiment import Coordinate, Experiment, Point
from jaxprune.sweep.pipe import Parcel
from jaxprune.sweep.program import Metrics, Program
from jaxprune.sweep.sources import sources

KEEP = 2**28  # bytes of problems that are held; others are made again when their turn comes
FICKLE = "it gives another problem at every call; draw random numbers in the trial, from its key"


class Marks(NamedTuple):
    """Of one grid point: digests of its program and of its problem."""

    program: str
    problem: str


class Prepared:
    """The programs and problems of an experiment's grid. ``failed``: point -> why there is nothing to run there; ``batch``:
    what one call carries, None for a task."""

    def __init__(self, experiment: Experiment, root: int, budget: float | None = None, batch: Batch | None = None):
        """Make every problem and lower the trial for every signature of them; nothing is compiled on a CPU. On an accelerator
        ``batch`` is what the samples at hand were made with; None for the largest of which a call fits ``budget``.

        Raises ValueError for bad coordinates and bad trials, MemoryError where not one trial fits, and what ``make`` or
        ``trial`` raise when no point is left.
        """
        self._experiment, self._root, self._budget = experiment, root, budget
        self._programs: dict[Any, Program | Exception] = {}
        self._kept: dict[tuple, Parcel] = {}
        self._ready: dict[tuple, tuple[Program, str]] = {}
        self._last: tuple[tuple, Parcel] | None = None
        self.failed: dict[tuple, Exception] = {}
        self.batch = None if calls.alone() else batch
        cure = "give each axis an argument of its name, and a default to what is no axis"
        check_make(experiment.make, experiment.axes, "the axes are", cure)
        self.metrics: Metrics = {}
        self.declared = by_name("metrics", experiment.metrics)
        made, examples = self._make_all()
        if self.batch is None and made and not calls.alone():
            self._choose_batch(examples, max(collections.Counter(mark for mark, _ in made.values()).values()))
        for point in experiment.points():
            if place(point) in made:
                with self._failing(point):
                    self._prepare(point, *made[place(point)], examples)
        if not self._ready:
            raise next(iter(self.failed.values()))
        if unknown := [m.name for m in experiment.metrics if m.name not in self.metrics]:
            raise ValueError(f"metrics: {unknown[0]!r} is declared, the trial returns {', '.join(self.metrics)}")
        self._check_randomness()
        self.sources = sources(experiment.make, experiment.trial)

    def _make_all(self) -> tuple[dict[tuple, tuple[Any, str]], dict[Any, Any]]:
        """Signature and digest of the problem of each point, and a problem of each signature."""
        made: dict[tuple, tuple[Any, str]] = {}
        examples: dict[Any, Any] = {}
        for point in self._experiment.points():
            with self._failing(point):
                problem, mark, parcel = self._made(point)
                made[place(point)] = mark, parcel.digest
                examples.setdefault(mark, problem)
                if sum(p.size for p in self._kept.values()) + parcel.size <= KEEP:
                    self._kept[place(point)] = parcel
        return made, examples

    @contextlib.contextmanager
    def _failing(self, point: Point) -> Iterator[None]:
        """What goes wrong at one point is kept for it; what is wrong with the experiment is raised."""
        try:
            yield
        except Exception as error:
            if isinstance(error, ValueError) and not isinstance(error, np.linalg.LinAlgError):
                raise
            self.failed[place(point)] = error

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

    def _prepare(self, point: Point, mark: Any, digest: str, examples: Mapping[Any, Any]) -> None:
        found = self._lowered(mark, examples[mark])
        if self.metrics and found.metrics != self.metrics:
            both = f"at {point} are {found.metrics}, elsewhere {self.metrics}"
            raise ValueError(f"trial: the metrics {both}; shapes must not depend on the axes")
        self.metrics = found.metrics
        self._ready[place(point)] = found, digest

    def _made(self, point: Point) -> tuple[Any, Any, Parcel]:
        """The problem of a point, its signature and its leaves."""
        with program.pinned(self._experiment.precision):
            problem = _called("make", self._experiment.make, **point)
            self.declared = _declared(problem) | self.declared
            arrays = program.leaves(problem)
            mark = program.signature(problem, arrays)
        return problem, mark, Parcel(program.digest(arrays), arrays, sum(a.nbytes for a in arrays))

    def _lowered(self, mark: Any, problem: Any) -> Program:
        """The program of a signature, of which ``problem`` is one."""
        if mark not in self._programs:
            experiment = self._experiment
            settings = experiment.trial, experiment.block, problem, self.batch, experiment.matmul_precision
            try:
                with program.pinned(experiment.precision):
                    self._programs[mark] = _called("trial", program.lower, *settings)
            except Exception as error:
                self._programs[mark] = error
        found = self._programs[mark]
        if isinstance(found, Exception):
            raise found
        return found

    def _choose_batch(self, examples: Mapping[Any, Any], points: int) -> None:
        """The largest of which every signature's call fits the budget."""
        experiment = self._experiment
        devices = jax.local_device_count()
        for self.batch in calls.batches(points, experiment.blocks, experiment.block, devices):
            self._programs.clear()
            if self._budget is None or all(self._fits(mark, problem) for mark, problem in examples.items()):
                return
        raise MemoryError(
            f"budget: not even one trial at a time fits {(self._budget or 0) / program.GIB:.3g} GiB; make the problem smaller"
        )

    def _fits(self, mark: Any, problem: Any) -> bool:
        """Also what cannot be lowered or compiled does, unless for want of memory: its points have nothing to run."""
        try:
            parcel = self._lowered(mark, problem).parcel
            with program.pinned(self._experiment.precision):
                program.compiled(parcel, self._budget)
        except MemoryError:
            return False
        except Exception as error:
            return "RESOURCE_EXHAUSTED" not in str(error)
        return True

    @property
    def attributes(self) -> dict[str, dict[str, Any]]:
        """What is declared of each metric, for the attributes of its samples."""
        return {name: self.declared[name].attributes for name in self.metrics if name in self.declared}

    def common(self, points: Sequence[Point]) -> dict[str, Any]:
        """What the tasks of a call have in common: see ``tasks.execute``."""
        found, _ = self._ready[place(points[0])]
        problems = [self._problem(point) for point in points]
        return tasks.describe(self._experiment, self._root, self._budget, found, problems, self.batch is not None)

    def signature(self, point: Point) -> str:
        """Of points that one call can carry: the digest of their program; a word of its own where there is nothing to run."""
        return self._ready[place(point)][0].fingerprint if place(point) in self._ready else f"none at {point}"

    def _problem(self, point: Point) -> Parcel:
        here = place(point)
        if here in self._kept:
            return self._kept[here]
        if self._last is None or self._last[0] != here:
            *_, parcel = self._made(point)
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
        problem, mark, parcel = self._made(point)
        return self._lowered(mark, problem), parcel.digest

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
