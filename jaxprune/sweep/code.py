"""What an experiment's functions say: the part of their file that they use, without comments, layout and docstrings."""

import ast
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path


def source_file(function: Callable) -> Path | None:
    """The file in which ``function`` was written, if it is one."""
    path = Path(getattr(sys.modules.get(function.__module__), "__file__", None) or "")
    return path.resolve() if path.is_file() else None


def fingerprint(*functions: Callable) -> str:
    """Changes when the functions, or what they use of their own files, change; not when anything else there does."""
    digest = hashlib.sha256()
    for function in functions:
        path = source_file(function)
        parts = _used(path, function.__qualname__) if path else _compiled(function)
        digest.update("\0".join(parts).encode())
    return digest.hexdigest()[:16]


def _used(path: Path, name: str) -> list[str]:
    """The statements that define ``name`` at the top level of a file, and those that these need, as plain text."""
    definitions: dict[str, ast.stmt] = {}
    for statement in ast.parse(path.read_text()).body:
        definitions.update(dict.fromkeys(_names(statement), statement))
    found: dict[str, str] = {}
    waiting = [name.split(".")[0]]
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in found:
            found[name] = _text(definitions[name])
            waiting += [node.id for node in ast.walk(definitions[name]) if isinstance(node, ast.Name)]
    return [found[name] for name in sorted(found)]


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        return [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    return []


def _text(statement: ast.stmt) -> str:
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(statement)


def _compiled(function: Callable) -> list[str]:
    """For what was typed into a notebook or a prompt."""
    code = function.__code__
    return [code.co_code.hex(), repr([c for c in code.co_consts if not hasattr(c, "co_code")]), repr(code.co_names)]
