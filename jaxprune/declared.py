"""What the file of an experiment declares, read from its text where that is enough, which is fast."""

import ast
import difflib
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def present(file: Path) -> None:
    """Refuse a file that is not there, naming one that may be meant."""
    if file.is_file():
        return
    if file.exists():
        raise ValueError(f"file: {file} is not a file; give the path of an experiment's file, such as sims/NAME.py")
    there = {p.stem: p for folder in (Path("sims"), file.parent) for p in sorted(folder.glob("*.py"))}
    close = difflib.get_close_matches(file.stem, there, n=1)
    hint = f"did you mean {there[close[0]]}?" if close else "give the path of an experiment's file, such as sims/NAME.py"
    raise ValueError(f"file: {file} does not exist; {hint}")


def axes(file: Path) -> dict[str, Sequence[Any]]:
    """The axes declared in a file: read from its text where they are literal, else by importing it."""
    found: dict[str, Sequence[Any]] = {}
    try:
        for node in _declarations(_tree(file)):
            found.update(_literal(node))
        if found:
            return found
    except (ValueError, TypeError):  # they are computed, or nothing that an experiment accepts
        pass
    from jaxprune.sweep import load_experiments

    return {name: values for experiment in load_experiments(file) for name, values in experiment.axes.items()}


def _tree(file: Path) -> ast.Module:
    """The syntax of a file, in the encoding that it declares; ValueError, naming it, where it is no Python."""
    try:
        with tokenize.open(file) as text:
            return ast.parse(text.read(), str(file))
    except (SyntaxError, ValueError, RecursionError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        words = getattr(error, "msg", error)
        raise BadFile(f"file: {file}{line}: it cannot be read as Python: {words}") from error
    except OSError as error:
        raise BadFile(f"file: {file} cannot be read: {error.strerror}") from error


class BadFile(OSError):
    """A file that is no Python."""


def _declarations(tree: ast.Module) -> Iterator[ast.expr | None]:
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", getattr(call.func, "attr", "")) == "Experiment":
            yield next((k.value for k in call.keywords if k.arg == "axes"), None)


def _literal(node: ast.expr | None) -> dict[str, Sequence[Any]]:
    """Axes written as a literal, or as dict(noise=[0.1, 0.5]); ValueError where they are not."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "dict" and not node.args:
        found = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
    else:
        found = ast.literal_eval(node or ast.Name("unknown"))
    lists = isinstance(found, dict) and all(isinstance(v, list | tuple) and v for v in found.values())
    if not lists or not all(isinstance(v, int | float | str) for values in found.values() for v in values):
        raise ValueError("not axes")
    return found
