"""Command line: run | status | verify | figure | list | bench. JAX is imported after parsing."""

import ast
import dataclasses
import difflib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxprune import __version__
from jaxprune.options import AGREE, BAD_INPUT, CRASHED, Bench, Figure, Listing, Run, Status, Verify

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

        if isinstance(parsed, Run | Figure):
            _present(parsed.file)
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
        if argv[:1] == ["run"] and argv[1:] and not argv[1].startswith("-"):
            _present(Path(argv[1]))
        return Run
    _present(Path(file))
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


def _present(file: Path) -> None:
    """Refuse a file that is not there, naming one that may be meant."""
    if file.is_file():
        return
    there = {p.stem: p for folder in (Path("sims"), file.parent) for p in sorted(folder.glob("*.py"))}
    close = difflib.get_close_matches(file.stem, there, n=1)
    hint = f"did you mean {there[close[0]]}?" if close else "give the path of an experiment's file, such as sims/NAME.py"
    raise ValueError(f"file: {file} does not exist; {hint}")


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
