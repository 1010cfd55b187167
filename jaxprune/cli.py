"""Command line: run | status | verify | figure | list | bench. JAX is imported after parsing."""

import ast
import dataclasses
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxprune import __version__

AGREE, DISAGREE, BAD_INPUT, INCOMPLETE, CRASHED = 0, 1, 2, 3, 4  # exit statuses
Positional = tyro.conf.Positional


def _own(metavar: str, default: str) -> Any:
    """How an option that may be left out is shown."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


@dataclasses.dataclass(frozen=True)
class Run:
    """Run an experiment: sweep, store, compare with theory, draw. Running again goes on where it stopped.

    Every axis of the experiment is an option too, with a list of values (jaxprune run FILE --help shows them).
    Exit status: 0 simulation and theory agree (or there is no theory), 1 they disagree, 2 bad input, 3 some tasks
    failed or are missing, 4 the experiment's own code failed.
    """

    file: Positional[Path]
    """The experiment's file, such as sims/pruned_double_descent.py."""
    only: Annotated[str | None, _own("NAME", "all of the file")] = None
    """One experiment, where the file declares several; jaxprune list names them."""
    smoke: bool = False
    """The quick size, in a folder of its own."""
    seeds: Annotated[int | None, _own("INT", "the experiment's")] = None
    """Trials per grid point."""
    root: int = 0
    """Root of all random numbers."""
    out: Path = Path("results")
    """Folder of the results; samples go to OUT/<experiment>/data.zarr."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU, 0 on an accelerator")] = None
    """Worker processes; 0 runs in this process."""
    shard: str = "0/1"
    """k/K: do only every K-th task, from the k-th on (for job arrays; the shards share OUT)."""
    time_limit: Annotated[float | None, _own("SECONDS", "none")] = None
    """Seconds after which a task counts as hung and is given up; starting a process and compiling count."""
    budget: Annotated[float | None, _own("GIB", "its share of 70 %")] = None
    """GiB of memory that one process may use."""


@dataclasses.dataclass(frozen=True)
class Status:
    """Tell what a folder of samples holds: done, missing, corrupt and non-finite. Exit status 3 unless complete."""

    folder: Positional[Path]
    """A folder of samples, such as results/pruned_double_descent, or one that holds several."""


@dataclasses.dataclass(frozen=True)
class Verify:
    """Run every experiment at its smoke size and print one line each. Exit status 1 when one disagrees.

    An experiment whose data files are missing is skipped, with the reason.
    """

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""
    out: Path = Path("results")
    """Folder of the results."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU")] = None
    """Worker processes."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """Draw an experiment's figure again from its stored samples."""

    file: Positional[Path]
    """The experiment's file."""
    smoke: bool = False
    """Use the samples of the smoke run."""
    out: Path = Path("results")
    """Folder of the results."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """List the experiments, their axes and sizes."""

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """Run a benchmark against its peers; without a name, all of them."""

    name: Positional[str] = ""
    """Such as least_squares, for sims/bench_least_squares.py."""
    sims: Path = Path("sims")
    """Folder of benchmarks."""


COMMANDS = dict(run=Run, status=Status, verify=Verify, figure=Figure, list=Listing, bench=Bench)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, then do."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv == ["--version"]:
        print(f"jaxprune {__version__}")
        return
    try:
        commands = {**COMMANDS, "run": _with_axes(argv)}
    except (ValueError, OSError, SyntaxError, ImportError) as error:
        sys.exit(_fail(error))
    except Exception:
        traceback.print_exc()
        sys.exit(CRASHED)
    parsed = tyro.extras.subcommand_cli_from_dict(
        commands, prog="jaxprune", description="Simulation and theory of pruning and over-parameterisation.", args=argv
    )
    os.environ.setdefault("NPROC", "1")  # before JAX starts: one thread per process, see sweep.executors
    try:
        from jaxprune import commands  # and with it JAX

        status = getattr(commands, type(parsed).__name__.lower())(parsed)
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = AGREE
    except (ValueError, OSError, MemoryError, ImportError, SyntaxError) as error:
        status = _fail(error)
    except KeyboardInterrupt:
        print("stopped; finished tasks are kept, the same command goes on from there", file=sys.stderr)
        status = 130
    except Exception:
        traceback.print_exc()
        status = CRASHED
    sys.exit(status)


def _fail(error: BaseException) -> int:
    print(f"jaxprune: {error}", file=sys.stderr)
    return BAD_INPUT


def _with_axes(argv: Sequence[str]) -> type:
    """``Run`` with one more option for each axis of the file named in ``argv``."""
    file = next((a for a in argv[1:] if a.endswith(".py")), None) if argv[:1] == ["run"] else None
    if file is None:
        return Run
    own = {f.name for f in dataclasses.fields(Run)}
    fields = []
    for name, values in _axes(Path(file)).items():
        if name in own:
            raise ValueError(f"{file}: the axis {name!r} has the name of an option; rename it")
        kinds = {type(v) for v in values}
        kind = float if kinds == {int, float} else type(values[0])
        hint = f"(default: {' '.join(map(str, values))})"
        note = tyro.conf.arg(
            help=f"Values of the axis {name}.", metavar=f"{kind.__name__.upper()} ...", help_behavior_hint=hint
        )
        fields.append((name, Annotated[tuple[kind, ...] | None, note], dataclasses.field(default=None)))
    return dataclasses.make_dataclass("Run", fields, bases=(Run,), frozen=True, namespace=dict(__doc__=Run.__doc__))


def _axes(file: Path) -> dict[str, Sequence[Any]]:
    """The axes declared in a file: read from its text where they are literal, which is fast, else by importing it."""
    calls = [c for c in ast.walk(ast.parse(file.read_text(), str(file))) if isinstance(c, ast.Call)]
    experiments = [c for c in calls if getattr(c.func, "id", "") == "Experiment"]
    declared = [next((k.value for k in c.keywords if k.arg == "axes"), None) for c in experiments]
    axes: dict[str, Sequence[Any]] = {}
    try:
        if not declared:
            raise ValueError
        for node in declared:
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict":  # dict(noise=[0.1, 0.5])
                axes.update({str(k.arg): ast.literal_eval(k.value) for k in node.keywords})
            else:
                axes.update(ast.literal_eval(node or ast.Name("unknown")))
    except (ValueError, TypeError):
        from jaxprune.sweep import load_experiments

        for experiment in load_experiments(file):
            axes.update(experiment.axes)
    return axes
