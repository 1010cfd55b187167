"""Who may import whom."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VOCABULARY = {"struct", "spectra", "teachers", "problems", "contracts"}
MAY = {  # our own modules that a room may import
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "simulate": VOCABULARY | {"simulate"},
    "theory": {"theory"},
    "contracts": set(),
    "sweep": {"sweep", "struct", "contracts", "__init__"},
    "predict": {"predict", "problems", "theory", "contracts"},
    "compare": {"kinds", "deviates", "report", "contracts"},
    "kinds": {"deviates"},
    "deviates": set(),
    "report": {"contracts"},
    "crossing": set(),
    "datasets": {"tables"},
    "tables": set(),
    "sims": VOCABULARY | {"simulate", "sweep", "datasets"},
    "figures": {"sweep", "predict", "compare", "crossing", "theory"},
}
LIBRARIES = {
    "theory": {"numpy", "scipy"},
    "contracts": {"numpy"},
    "compare": {"numpy", "scipy", "xarray"},
    "kinds": {"numpy"},
    "deviates": {"numpy", "scipy"},
    "report": {"numpy", "xarray"},
    "crossing": {"numpy", "scipy"},
}
STANDARD = set(__import__("sys").stdlib_module_names)


def imports(path):
    """Dotted names that a file imports, relative ones not allowed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FILES = [p for folder in ("jaxprune", "sims", "figures") for p in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    room = parts[0] if parts[0] != "jaxprune" else parts[1]
    names = list(imports(path))
    for name in names:
        assert not name.startswith("jax._src") and "PRNGKey" not in name, name
        if name.startswith("jaxprune.") and room in MAY and not path.name.startswith("bench_"):
            assert name.split(".")[1] in MAY[room] | {"__version__"}, f"{path.name} imports {name}"
        if room in LIBRARIES and not name.startswith("jaxprune"):
            assert name.split(".")[0] in LIBRARIES[room] | STANDARD, f"{path.name} imports {name}"
    assert "PRNGKey" not in path.read_text()


def test_the_package_imports_nothing_heavy():
    assert not list(imports(ROOT / "jaxprune" / "__init__.py"))
    heavy = {"jax", "xarray", "zarr", "matplotlib", "scipy"}
    top = [n for n in ast.parse((ROOT / "jaxprune" / "cli.py").read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
    assert not heavy & {a.name.split(".")[0] for n in top if isinstance(n, ast.Import) for a in n.names}


@pytest.mark.parametrize("room", ["simulate", "theory"])
def test_the_index_of_a_room_names_every_module_once(room):
    folder = ROOT / "jaxprune" / room
    index = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())).split("::")[1]
    named = sorted(
        w
        for w in re.findall(r"\w+", re.sub(r"^ *\w+( \w+)?  +", "", index, flags=re.M))
        if w not in ("part", "parts", "its", "and")
    )
    assert named == sorted(p.stem for p in folder.glob("*.py") if p.stem != "__init__")
