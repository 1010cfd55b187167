"""Command line: run | status | verify | figure | list | bench | frame | weights | guide. JAX is imported after parsing."""

import dataclasses
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxprune import __version__
from jaxprune.cli import programs, stop
from jaxprune.cli.declared import axes, file_of, named
from jaxprune.cli.options import AGREE, BAD_INPUT, CRASHED, Bench, Figure, Frame, Guide, Listing, Run, Status, Verify, Weights

COMMANDS = dict(
    run=Run, status=Status, verify=Verify, figure=Figure, list=Listing, bench=Bench, frame=Frame, weights=Weights, guide=Guide
)
REFUSED = (ValueError, OSError, MemoryError, ImportError, SyntaxError)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, then do."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if argv == ["--version"]:
        print(f"jaxprune {__version__}")
        return
    sys.exit(_guarded(argv))


def _guarded(argv: list[str]) -> int:
    """The exit status, whatever happens."""
    try:
        return _do(_parsed(argv))
    except BrokenPipeError:  # the reader of our output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return AGREE
    except REFUSED as error:
        print(f"jaxprune: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(stop.SENTENCE, file=sys.stderr)
        return stop.INTERRUPTED
    except SystemExit as end:
        if end.code == stop.TERMINATED:
            print(stop.SENTENCE, file=sys.stderr)
        raise
    except Exception:
        traceback.print_exc()
        return CRASHED


def _parsed(argv: list[str]) -> Any:
    """The options of the command that was asked for."""
    commands = dict(COMMANDS)
    name = argv[0] if argv else ""
    if name in ("run", "figure") and (at := _file_at(argv, commands[name])) is not None:
        file = str(file_of(argv[at]))
        rest = argv[1 : at - (argv[at - 1] == "--")] + argv[at + 1 :]
        argv = [name, file, *rest]  # the file before the lists of values, which take what follows them
        commands[name] = _with_axes(commands[name], Path(file))
    return tyro.extras.subcommand_cli_from_dict(
        commands, prog="jaxprune", description="Simulation and theory of pruning and over-parameterisation.", args=argv
    )


def _do(parsed: Any) -> int:
    os.environ.setdefault("NPROC", "1")  # before JAX starts: one thread per process, see sweep.executors
    if not isinstance(parsed, Bench) or parsed.quick:  # which tells how long compiling takes
        programs.keep()
    if (out := getattr(parsed, "out", None)) is not None:
        _no_file(out)
    name = type(parsed).__name__.lower()
    if isinstance(parsed, Frame | Weights | Guide):  # each has a file of its own
        return getattr(importlib.import_module(f"jaxprune.cli.{name}"), name)(parsed)
    from jaxprune.cli import commands

    if not isinstance(parsed, Status):
        commands.start_jax()
    return getattr(commands, name)(parsed)


def _no_file(out: Path) -> None:
    """Refuse a file where a folder is meant, or on the way there."""
    for place in (out, *out.parents):
        if place.exists() and not place.is_dir():
            raise ValueError(f"out: {place} is not a folder; name a folder for the results")


def _file_at(argv: Sequence[str], command: type) -> int | None:
    """Where in ``argv`` the experiment stands. Options of the command take one value, flags none, and options that we do not
    know, an axis, all that follows: there the last word that is a file of Python, or names an experiment, is taken."""
    takes = {f"--{f.name}".replace("_", "-"): f.type is not bool for f in dataclasses.fields(command)}
    loose: list[int] = []
    at, in_list = 1, False
    while at < len(argv):
        word = argv[at]
        option = word.replace("_", "-")
        if word.startswith("--") and word != "--":
            at += takes.get(option, False)
            in_list = "=" not in word and option not in takes and option not in ("--help", "--no-smoke")
        elif not word.startswith("-") and not in_list:
            return at
        elif word.endswith(".py") or named(word):
            loose.append(at)
        at += 1
    return loose[-1] if loose else None


def _with_axes(command: type, file: Path) -> type:
    """``command`` with one more option for each axis of ``file``."""
    own = {"help", *(f.name for f in dataclasses.fields(Run))}
    fields = []
    for name, lists in axes(file).items():
        if name in own:
            raise ValueError(f"{file}: the axis {name!r} has the name of an option; rename it")
        kinds = {type(v) for values in lists for v in values}
        kind = float if kinds == {int, float} else type(lists[0][0])
        hint = f"(default: {', or '.join(' '.join(map(str, values)) for values in lists)})"
        note = tyro.conf.arg(
            help=f"Values of the axis {name}.", metavar=f"{kind.__name__.upper()} ...", help_behavior_hint=hint
        )
        fields.append((name, Annotated[tuple[kind, ...] | None, note], dataclasses.field(default=None)))
    words = dict(__doc__=command.__doc__)
    return dataclasses.make_dataclass(command.__name__, fields, bases=(command,), frozen=True, namespace=words)
