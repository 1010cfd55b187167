"""An experiment: a grid, a problem for each of its points, and a trial. It is declared in a file of ``sims/``."""

import dataclasses
import hashlib
import importlib.util
import inspect
import itertools
import keyword
import math
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from jaxprune.contracts import FIELDS, Finding, Metric, by_name
from jaxprune.sweep.sources import PACKAGE

Coordinate = int | float | str | bool
Point = dict[str, Coordinate]
RESERVED = ("seed", "nonfinite", "done")
MOST_SEEDS = 2**32
PRECISIONS = "float64", "float32"
MATMUL_PRECISIONS = "highest", "high", "default"
FILE_PREFIX = "jaxprune_file_"


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A trial over a grid.

    ``axes``: name -> values; ``make(**point) -> problem``; ``trial(key, problem) -> {metric: array}``, a pure JAX
    function. Metrics may have axes of their own: ``inner`` gives their coordinates, and a metric's dimensions are
    read off its shape, in the order of ``inner``, or given by ``dims[metric]`` where the order is another or lengths leave
    a choice.

    ``seeds`` trials per point, run in tasks of ``block`` seeds. ``share`` names axes along which the same seed
    means the same random numbers. ``precision``: "float64" or "float32". ``matmul_precision``: of products of float32 matrices
    on an accelerator, "highest", or "high" or "default", which are faster and may keep three digits.
    ``smoke``: seeds and axes of a quick run. ``describe``: one line for people.
    ``predict(samples) -> {metric: array or Prediction, ...}``: your own theory, for those
    who judge; a run knows nothing of it, and samples do not depend on it. ``metrics``: what there is to know of the trial's
    metrics that its problem does not declare, or declares otherwise; samples carry it as attributes.
    ``findings(samples) -> {words: Finding}``: the numbers that the experiment states, with their errors.

    Raises ValueError, naming the argument, before anything runs.
    """

    name: str
    axes: Mapping[str, Sequence[Coordinate]]
    make: Callable[..., Any]
    trial: Callable[..., Any]
    inner: Mapping[str, Sequence[Coordinate]] | None = None
    seeds: int = 100
    share: Sequence[str] = ()
    precision: str = "float64"
    smoke: Mapping[str, Any] | None = None
    block: int = 10
    dims: Mapping[str, Sequence[str]] | None = None
    describe: str = ""
    predict: Callable[..., Any] | None = None
    metrics: Sequence[Metric] = ()
    findings: Callable[..., Mapping[str, Finding]] | None = None
    matmul_precision: str = "highest"

    def __post_init__(self):
        if not self.name.replace("-", "_").isidentifier():
            raise ValueError(f"name: {self.name!r} must be letters, digits, '_' or '-': it names a folder")
        if not isinstance(self.axes, Mapping):
            raise ValueError(f"axes: {self.axes!r} is not a mapping from names to lists of values")
        axes = {name: _axis(name, values) for name, values in self.axes.items()}
        inner = {name: _axis(name, values) for name, values in (self.inner or {}).items()}
        taken = (*RESERVED, *FIELDS)
        clash = [name for name in inner if name in axes or name in taken] + [n for n in axes if n in taken]
        if clash:
            raise ValueError(
                f"inner, axes: the name {clash[0]!r} is taken, by another axis, the samples or the report; use another"
            )
        for name in ("make", "trial"):
            if not inspect.isfunction(inspect.unwrap(getattr(self, name))):
                raise ValueError(f"{name}: {getattr(self, name)!r} is not a function; wrap it in a def")
        if not isinstance(self.metrics, Sequence) or not all(isinstance(m, Metric) for m in self.metrics):
            raise ValueError(f"metrics: {self.metrics!r} is no list of Metric (jaxprune.contracts)")
        by_name("metrics", self.metrics)
        for name in ("predict", "findings"):
            if (own := getattr(self, name)) is not None and not callable(own):
                raise ValueError(f"{name}: {own!r} is not a function of the samples; wrap it in a def")
        for name in ("seeds", "block"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: {value!r} is not an integer >= 1")
        if self.seeds > MOST_SEEDS:
            raise ValueError(f"seeds: {self.seeds} is more than 2**32, the number of keys that a point has")
        if isinstance(self.share, str):
            raise ValueError(f"share: {self.share!r} is a word, not a list of axes; write ({self.share!r},)")
        unknown = [name for name in self.share if name not in axes]
        if unknown:
            raise ValueError(f"share: {unknown[0]!r} is not one of the axes {sorted(axes)}")
        for name, known in dict(precision=PRECISIONS, matmul_precision=MATMUL_PRECISIONS).items():
            if (value := getattr(self, name)) not in known:
                raise ValueError(f"{name}: {value!r}; use {' or '.join(map(repr, known))}")
        for name, value in dict(axes=axes, inner=inner, dims=dict(self.dims or {}), share=tuple(self.share)).items():
            object.__setattr__(self, name, value)
        if self.smoke is not None:
            self.resized(**self.smoke)

    def resized(self, *, seeds: int | None = None, **axes: Sequence[Coordinate]) -> "Experiment":
        """The same experiment with other seeds or other values of its axes."""
        unknown = [name for name in axes if name not in self.axes]
        if unknown:
            raise ValueError(f"{unknown[0]}: not an axis of {self.name!r}; its axes are {', '.join(self.axes)}")
        changed = {name: _cast(name, values, self.axes[name]) for name, values in axes.items()}
        seeds = self.seeds if seeds is None else seeds
        return dataclasses.replace(self, axes={**self.axes, **changed}, seeds=seeds, smoke=None)

    def replace(self, **changes: Any) -> "Experiment":
        """The same experiment with other fields: ``mine.replace(trial=another, name="another")``."""
        unknown = [name for name in changes if name not in {f.name for f in dataclasses.fields(self)}]
        if unknown:
            raise ValueError(f"{unknown[0]}: not a field of an experiment; for values of axes use resized")
        return dataclasses.replace(self, **changes)

    def smoke_size(self) -> "Experiment":
        """The quick run: its own ``smoke`` size, or one block of seeds; in blocks that hold its seeds and no spare ones."""
        quick = self.resized(**(self.smoke or dict(seeds=self.block)))
        return dataclasses.replace(quick, block=-(-quick.seeds // quick.blocks))

    def points(self) -> list[Point]:
        """Every grid point, the last axis running fastest."""
        return [dict(zip(self.axes, values, strict=True)) for values in itertools.product(*self.axes.values())]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(len(values) for values in self.axes.values())

    @property
    def blocks(self) -> int:
        """Tasks per grid point; the last one is filled with spare seeds."""
        return -(-self.seeds // self.block)

    def definition(self, root: int) -> dict[str, Any]:
        """What the samples depend on, save their program, their problems and the extents of the grid."""
        return dict(
            name=self.name,
            axes={name: type(values[0]).__name__ for name, values in self.axes.items()},
            inner={name: list(values) for name, values in (self.inner or {}).items()},
            dims={name: list(values) for name, values in (self.dims or {}).items()},
            block=self.block,
            share=sorted(self.share),
            precision=self.precision,
            root=root,
        )


def _axis(name: str, values: Sequence[Coordinate]) -> tuple[Coordinate, ...]:
    """Coordinates of one type (integers among floats become floats), finite, without repetition."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"axes: {name!r} is not an identifier that Python leaves free")
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
        raise ValueError(f"{name}: {values!r} is not a list of coordinates; write [{values!r}]")
    items: list[Any] = np.asarray(values).tolist() if isinstance(values, np.ndarray) else list(values)
    items = [v.item() if isinstance(v, np.generic) else v for v in items]
    kinds = {type(v) for v in items}
    if kinds == {int, float}:
        items, kinds = [float(v) for v in items], {float}
    if len(kinds) != 1 or not kinds <= {int, float, str, bool}:
        raise ValueError(f"{name}: {values!r} must be a non-empty list of numbers, of words or of truth values")
    if kinds == {int} and any(not -(2**63) <= v < 2**63 for v in items):
        raise ValueError(f"{name}: integers of a grid have 64 bits at most; {max(items, key=abs)} is larger")
    if kinds == {float}:
        items = [v + 0.0 for v in items]  # -0.0 and 0.0 are one coordinate
        if not all(math.isfinite(v) for v in items):
            raise ValueError(f"{name}: coordinates must be finite, not {values!r}")
    if len(set(items)) != len(items):
        raise ValueError(f"{name}: {values!r} names a coordinate twice")
    return tuple(items)


def _cast(name, values, declared):
    """New values of an axis, in the type in which the axis was declared."""
    values, kind = _axis(name, values), type(declared[0])
    if kind is int and all(type(v) is float and v.is_integer() for v in values):
        return tuple(map(int, values))  # as where another experiment of the file has floats on an axis of this name
    if any(type(v) is not kind and not (kind is float and type(v) is int) for v in values):
        raise ValueError(f"{name}: {list(values)} must be of type {kind.__name__}, as in {list(declared)}")
    return tuple(kind(v) for v in values)


class NoExperiment(ValueError):
    """A file that declares none."""


class Loading(BaseException):
    """Raised by ``run`` while a file is being loaded for its functions: what stands above the call is enough."""


_loading: list[str] = []
_load_lock = threading.RLock()


def loading() -> bool:
    """Whether a file is being loaded in this process."""
    return bool(_loading)


def load_file(path: str | Path) -> ModuleType:
    """The module in the file ``path``, loaded once in a process whatever the import path.

    A script that calls ``run`` without a main guard is read as far as that call, so that worker processes find
    the functions it defines.
    """
    with _load_lock:
        return _load(Path(path).resolve())


def _load(path: Path) -> ModuleType:
    name = f"{FILE_PREFIX}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None or not path.is_file():
            raise ValueError(f"file: {path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))  # a file finds its neighbours, as it does when Python runs it
        _loading.append(name)
        try:
            spec.loader.exec_module(module)
        except Loading:
            pass
        except BaseException as error:
            del sys.modules[name]
            if isinstance(error, KeyboardInterrupt) or getattr(error, "signal", None):
                raise
            raise _told(path, error) from error
        finally:
            _loading.remove(name)
    return sys.modules[name]


def _told(path: Path, error: BaseException) -> Exception:
    """The error of a file that cannot be loaded, with its place: ValueError where we, or Python, refuse what it says, and
    RuntimeError where its own code fails."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    if isinstance(error, SyntaxError) and error.filename == str(path):
        lines = [error.lineno]
    where = f"file: {path}, line {lines[-1]}" if lines and lines[-1] else f"file: {path}"
    if isinstance(error, SyntaxError | ImportError):
        return ValueError(f"{where}: {error.msg}")
    if isinstance(error, SystemExit):
        return ValueError(f"{where}: it ends with sys.exit({error.code!r}) as it is loaded; put this under a main guard")
    ours = isinstance(error, ValueError | OSError) and frames[-1].filename.startswith(str(PACKAGE))
    return ValueError(f"{where}: {error}") if ours else RuntimeError(f"{where}: {type(error).__name__}: {error}")


def load_experiments(path: str | Path) -> list[Experiment]:
    """The experiments that a file declares.

    Args:
        path: A Python file; it is loaded once in a process, as far as its first ``run`` without a main guard.

    Returns:
        Experiments in the order of the file, without those of its neighbours that it imports, if it declares any itself.

    Raises:
        ValueError: For what is no Python file, for one that declares no experiment, and for what Python or this package
            refuses in it.
        RuntimeError: Where the file's own code fails.
    """
    module = load_file(path)
    beside = [vars(m).values() for m in list(sys.modules.values()) if m is not module and _neighbour(m, module)]
    borrowed = {id(v) for values in beside for v in values if isinstance(v, Experiment)}
    every = [v for v in vars(module).values() if isinstance(v, Experiment)]
    found = [v for v in every if id(v) not in borrowed] or every  # a file that declares some means these
    if not found:
        raise NoExperiment(
            f"file: {path} declares no Experiment; assign one to a name at its top level (benchmarks: jaxprune bench)"
        )
    return found


def _neighbour(other: ModuleType, module: ModuleType) -> bool:
    """Whether ``module`` imported ``other`` from its own folder: the experiments there are declared there."""
    place = getattr(other, "__file__", None)
    own = not getattr(other, "__name__", FILE_PREFIX).startswith((FILE_PREFIX, "__main__"))
    return own and isinstance(place, str) and Path(place).parent == Path(module.__file__ or "").parent
