"""The sources that functions come from: they say *what* changed, and decide where programs cannot be compared."""

import ast
import functools
import hashlib
import re
import sys
import sysconfig
import tokenize
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = __name__.split(".")[0]
PACKAGE = Path(__file__).resolve().parents[1]
INSTALLED = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}


def sources(*functions: Callable[..., Any]) -> dict[str, str]:
    """File or module -> digest of its text, for those that ``functions`` were written in and, from there on, every module
    that is not installed for all (and of this package) whose names they use. Comments, layout and docstrings do not count.
    What was typed into a notebook or a prompt has no source, and is missing.
    """
    found: dict[str, str] = {}
    waiting = [sys.modules.get(getattr(f, "__module__", "")) for one in functions for f in _layers(one)]
    seen: set[int] = set()
    while waiting:
        module = waiting.pop()
        if module is None or id(module) in seen:
            continue
        seen.add(id(module))
        if (path := _file(module)) is not None:
            text = _text(path, path.stat().st_mtime_ns)
            found[_name(module, path)] = hashlib.sha256(text.encode()).hexdigest()[:16]
            words = set(re.findall(r"\w+", text))
            waiting += [home for value in list(vars(module).values()) for home in _homes(value, words)]
    return dict(sorted(found.items()))


def changed(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The sources that differ, by name."""
    return sorted(name for name in {*before, *now} if before.get(name) != now.get(name))


def _layers(function: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A function, and those that its decorators wrap."""
    layer: Any = function
    while layer is not None:
        yield layer
        layer = getattr(layer, "__wrapped__", None)


def _homes(value: Any, words: set[str]) -> Iterator[ModuleType | None]:
    """The module that a name of a module is, or was defined in. What a package of ours holds is loaded when it is used, so
    that of it those names count that are among the ``words`` of the module that imports it."""
    if isinstance(value, ModuleType) and value.__name__.split(".")[0] == OURS and hasattr(value, "__path__"):
        for name in words.intersection(getattr(value, "__all__", ())):
            yield from _homes(getattr(value, name), words)
    else:
        name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        yield sys.modules.get(name) if isinstance(name, str) else None


def _file(module: ModuleType) -> Path | None:
    """The source file of a module of the user's or of ours."""
    name = getattr(module, "__file__", None)
    if not isinstance(name, str) or not name.endswith(".py") or not Path(name).is_file():
        return None
    path = Path(name).resolve()
    return path if module.__name__.split(".")[0] == OURS or not installed(path) else None


def installed(path: Path) -> bool:
    """Whether a file belongs to Python, an installed library or this package."""
    parents = path.resolve().parents
    return PACKAGE in parents or any(folder in parents for folder in INSTALLED) or path.name.startswith("<")


def _name(module: ModuleType, path: Path) -> str:
    return module.__name__ if module.__name__.split(".")[0] == OURS else path.name


@functools.cache
def _text(path: Path, written: int) -> str:
    """What a file says to Python."""
    try:
        with tokenize.open(path) as file:
            return ast.unparse(_bare(ast.parse(file.read())))
    except (SyntaxError, UnicodeDecodeError):  # as a file that was broken after it had been imported
        return repr(path.read_bytes())


def _bare(tree: ast.Module) -> ast.Module:
    """Without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = node.body[1:] or [ast.Pass()]
    return tree
