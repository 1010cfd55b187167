"""What the file of an experiment declares, read from its text where that is enough, which is fast."""

import ast
import difflib
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

BENCH = "bench"  # the folder of benchmarks in one of experiments


SIMS = Path("sims")
WANTED = "give the name of an experiment in sims/, or the path of its file"


def file_of(word: str) -> Path:
    """The file of an experiment that is called by its path, or by its name among those of ``sims/``.

    Raises ValueError where there is none, naming one that may be meant.
    """
    file = Path(word)
    if file.is_file():
        return file
    known = files()
    twins = [p for p in known if p.stem == word]
    if len(twins) == 1:
        return twins[0]
    if twins:
        raise ValueError(f"file: {len(twins)} files have the name {word}; give the path of one: {', '.join(map(str, twins))}")
    if homes := [
        p.stem for p in known if re.search(rf"Experiment\(\s*[\"']{re.escape(word)}[\"']", p.read_text(errors="replace"))
    ]:
        raise ValueError(f"file: {word} is one of the experiments of {homes[0]}; write {homes[0]} --only {word}")
    if file.exists():
        raise ValueError(f"file: {file} is not a file; {WANTED}")
    there = {p.stem: p.stem for p in known} | {p.stem: str(p) for p in sorted(file.parent.glob("*.py"))}
    close = difflib.get_close_matches(file.stem, there, n=1)
    raise ValueError(f"file: {file} does not exist; {f'did you mean {there[close[0]]}?' if close else WANTED}")


def named(word: str) -> Path | None:
    """The only file of that name in ``sims/``, if there is one."""
    found = [p for p in files() if p.stem == word]
    return found[0] if len(found) == 1 else None


def files(sims: Path = SIMS) -> list[Path]:
    """Files of experiments in a folder and those below, without benchmarks and what begins with _."""
    found = sorted(p for p in sims.rglob("*.py") if not p.name.startswith("_"))
    return [p for p in found if BENCH not in p.relative_to(sims).parts[:-1]]


def benchmarks(sims: Path = SIMS) -> dict[str, Path]:
    """Name -> file of the benchmarks of a folder."""
    return {p.stem: p for p in sorted((sims / BENCH).glob("*.py")) if not p.name.startswith("_")}


def axes(file: Path) -> dict[str, list[Sequence[Any]]]:
    """The axes declared in a file, each with the lists of values that its experiments give it: read from its text where they
    are literal, else by importing it."""
    try:
        if found := _merged(_literal(node) for node in _declarations(_tree(file))):
            return found
    except (ValueError, TypeError):  # they are computed, or nothing that an experiment accepts
        pass
    from jaxprune.sweep import load_experiments

    return _merged(experiment.axes for experiment in load_experiments(file))


def _merged(several: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, list[Sequence[Any]]]:
    found: dict[str, list[Sequence[Any]]] = {}
    for name, values in (item for declared in several for item in declared.items()):
        if values not in found.setdefault(name, []):
            found[name].append(values)
    return found


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
