"""Who may import whom, what a package shows, and that no arrow runs in a circle."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest

from tests.places import ROOT, SUBJECTS

PACKAGE = ROOT / "jaxprune"
VOCABULARY = {"struct", "checks", "spectra", "teachers", "problems", "contracts"}
MAY = {  # our own rooms that a room may import
    "contracts": set(),
    **dict.fromkeys(VOCABULARY - {"contracts"}, VOCABULARY),
    "simulate": VOCABULARY | {"simulate"},
    "theory": {"theory", "contracts"},
    "sweep": {"sweep", "struct", "contracts", "__version__"},
    "predictions": {"predictions", "problems", "theory", "contracts"},
    "judge": {"judge", "contracts"},
    "datasets": {"datasets", "contracts"},
    "plots": {"plots"},
    "sims": VOCABULARY | {"simulate", "sweep", "datasets", "judge"},
    "figures": {"plots", "predictions", "judge", "theory", "contracts"},
}
LIBRARIES = {
    "theory": {"numpy", "scipy", "lazy_loader"},
    "contracts": {"numpy"},
    "judge": {"numpy", "scipy", "xarray", "lazy_loader"},
    "datasets": {"numpy", "sklearn", "lazy_loader"},
    "plots": {"matplotlib", "numpy", "scipy", "xarray", "lazy_loader"},
}
FOUND = {"Count", "Crossing", "count_failures", "crossing", "estimates"}  # what an experiment states findings with
MOST = 11  # names that a package shows; more where an issue has fixed them
FIXED = {
    *("jaxprune.problems", "jaxprune.predictions", "jaxprune", "jaxprune.theory.compression"),
    *("jaxprune.theory.two_layer", "jaxprune.theory.two_layer.frames", "jaxprune.theory.matrices", "jaxprune.theory.bounds"),
}
STANDARD = set(sys.stdlib_module_names)
FILES = [p for folder in ("jaxprune", "sims", "figures") for p in sorted((ROOT / folder).rglob("*.py"))]
FACES = [".".join(p.parent.relative_to(ROOT).parts) for p in sorted(PACKAGE.rglob("__init__.py"))]


def imports(path):
    """Dotted names that a file imports, relative ones not allowed."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    room = parts[0] if parts[0] != "jaxprune" else parts[1]
    if "bench" in parts:
        return
    for name in imports(path):
        first, *rest = name.split(".")
        assert not name.startswith("jax._src"), name
        if first == "jaxprune" and room in MAY:
            assert rest[0] in MAY[room], f"{path.name} imports {name}"
            assert room != "sims" or rest[0] != "judge" or rest[1] in FOUND, f"{path.name} imports {name}"
        elif first in ("sims", "figures"):
            assert room == "figures" or first == room == "sims", f"{path.name} imports {name}"
        elif room in LIBRARIES:
            assert first in LIBRARIES[room] | STANDARD | {"jaxprune"}, f"{path.name} imports {name}"
    assert "PRNGKey" not in path.read_text()


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, jaxprune; print(*{'jax', 'numpy', 'xarray', 'zarr', 'matplotlib', 'scipy'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", FACES)
def test_a_package_shows_few_names_and_all_of_them_are_there(name):
    package = importlib.import_module(name)
    shown = getattr(package, "__all__", [])
    assert len(shown) <= MOST or name in FIXED
    assert all(getattr(package, word) is not None for word in shown)
    assert not shown or sorted(w for w in dir(package) if not w.startswith("_")) == sorted(shown) or name in FIXED


@pytest.mark.parametrize("name", FACES)
def test_nothing_shares_its_name_with_a_module_beside_it(name):
    """Importing the module would replace what a package shows."""
    package = importlib.import_module(name)
    beside = {p.stem for p in (ROOT / name.replace(".", "/")).iterdir()} - {"__init__"}
    for word in beside & {*getattr(package, "__all__", [])}:
        assert getattr(package, word) is importlib.import_module(f"{name}.{word}")


def public(face):
    """Functions that a face shows, or a module that it shows."""
    for word in getattr(face, "__all__", []):
        shown = getattr(face, word)
        inside = vars(shown).values() if inspect.ismodule(shown) else [shown]
        for function in filter(inspect.isfunction, inside):
            if not function.__name__.startswith("_") and (function is shown or function.__module__ == shown.__name__):
                yield inspect.unwrap(function)


def heading(docstring, word):
    """What stands under a heading of a docstring; nothing where it is not there."""
    found = re.search(rf"^{word}:\n((?:    .*\n?|\n)*)", docstring, re.MULTILINE)
    return found.group(1) if found else ""


@pytest.mark.parametrize("name", FACES)
def test_public_functions_tell_arguments_and_results(name):
    for function in public(importlib.import_module(name)):
        said, signature = inspect.getdoc(function) or "", inspect.signature(function)
        told = re.findall(r"^    ([\w*, ]+):", heading(said, "Args"), re.MULTILINE)
        assert {*signature.parameters} <= {word.strip(" *") for line in told for word in line.split(",")}, function
        assert signature.return_annotation in (None, "None") or heading(said, "(?:Returns|Yields)"), function
        assert "Raises" not in said or heading(said, "Raises"), function


@pytest.mark.parametrize("room", ["simulate", "theory"])
def test_subjects_stand_on_each_other_without_a_circle(room):
    stands = {}
    for path in (PACKAGE / room).rglob("*.py"):
        here = path.relative_to(PACKAGE / room).parts[0].removesuffix(".py")
        below = {n.split(".")[2] for n in imports(path) if n.startswith(f"jaxprune.{room}.")}
        stands[here] = stands.get(here, set()) | below - {here}
    TopologicalSorter(stands).prepare()  # raises CycleError


@pytest.mark.parametrize("room", ["simulate", "theory"])
def test_a_subject_is_one_word_in_every_room(room):
    subjects = {p.name for p in (PACKAGE / room).iterdir() if p.is_dir() and not p.name.startswith("_")} - {"numerics"}
    assert subjects <= SUBJECTS
    for folder in ("sims", "figures", f"tests/{room}"):
        assert {p.name for p in (ROOT / folder).iterdir() if p.is_dir() and not p.name.startswith("_")} <= {
            *SUBJECTS,
            "bench",
            "numerics",
        }
    for folder in ("problems", "predictions"):
        assert {p.stem for p in (PACKAGE / folder).glob("*.py")} <= {*SUBJECTS, "__init__", "core"}
