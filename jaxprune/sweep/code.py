"""What the functions of an experiment say: the text of their file, or their compiled code where there is no file."""

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any


def source_file(function: Callable) -> Path | None:
    """The file in which ``function`` was written, if it is one."""
    path = Path(getattr(sys.modules.get(function.__module__), "__file__", None) or "")
    return path.resolve() if path.is_file() else None


def fingerprint(*functions: Callable) -> str:
    """Changes when what the functions might use changes: any statement of their file but declarations of experiments,
    the first call of ``run`` and what follows it, comments, layout and docstrings."""
    digest = hashlib.sha256()
    for function in functions:
        path = source_file(function)
        if path:
            digest.update(_statements(path).encode())
        if path is None or "<" in function.__qualname__:
            digest.update(_compiled(inspect.unwrap(function), set()).encode())
    return digest.hexdigest()[:16]


def _statements(path: Path) -> str:
    kept = []
    for statement in ast.parse(path.read_text()).body:
        called = {getattr(c.func, "id", getattr(c.func, "attr", "")) for c in ast.walk(statement) if isinstance(c, ast.Call)}
        if "run" in called and not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            break
        if "Experiment" not in called:
            kept.append(_text(statement))
    return "\n".join(kept)


def _text(statement: ast.stmt) -> str:
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return ""
    return ast.unparse(statement)


def _compiled(function: Any, seen: set[int]) -> str:
    """For what was typed into a notebook or a prompt: code, defaults, closure, and the plain globals it names."""
    if id(function) in seen:
        return ""
    seen.add(id(function))
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    named = [function.__globals__[name] for name in sorted(_names(function.__code__)) if name in function.__globals__]
    used = [*(function.__defaults__ or ()), *cells, *named]
    values = [_compiled(v, seen) if inspect.isfunction(v) else repr(v) for v in used if _plain(v) or inspect.isfunction(v)]
    return "\0".join([_code(function.__code__), *values])


def _plain(value: Any) -> bool:
    return isinstance(value, int | float | complex | str | bytes | tuple | list | dict | None)


def _names(code: CodeType) -> set[str]:
    nested = [_names(c) for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*nested)


def _code(code: CodeType) -> str:
    constants = [_code(c) if isinstance(c, CodeType) else _constant(c) for c in code.co_consts]
    return "\0".join([code.co_code.hex(), *code.co_names, *constants])


def _constant(value: Any) -> str:
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
