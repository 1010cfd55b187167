"""Tests import the package as a user would; the environment is set before JAX starts."""

import gc
import os

for name, value in {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(name, value)

import importlib
import itertools
import pkgutil
import signal
import zlib
from pathlib import Path

import jax
import pytest
from jaxtyping import config, install_import_hook

# Annotated shapes of the simulation are checked while the tests run.
with install_import_hook("jaxprune.simulate", "beartype.beartype"):
    import jaxprune.simulate

    for module in pkgutil.walk_packages(jaxprune.simulate.__path__, "jaxprune.simulate."):
        importlib.import_module(module.name)


@pytest.fixture
def x64():
    """Double precision for the duration of a test."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def unchecked():
    """Without the checks of annotations, as for a user: what is of a wrong type comes as far as the code itself."""
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    yield
    config.update("jaxtyping_disable", before)


@pytest.fixture
def interruptible():
    """As in a terminal: what a shell starts in the background ignores SIGINT, and so do its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="also the slow tests, and those that measure time")
    parser.addoption("--part", metavar="k/K", help="with --all: of the slow tests those of part k of K, 0 <= k < K")


def pytest_collection_modifyitems(config, items):
    """Without --all a newcomer waits for what is quick; what is named on the command line runs whatever it is."""
    if any("::" in word for word in config.args):
        return
    if config.getoption("--all") or config.getoption("markexpr"):
        part, parts = map(int, (config.getoption("--part") or "0/1").split("/"))
        left = [item for item in items if item.get_closest_marker("slow") and _part(item.nodeid, parts) != part]
    else:
        left = [item for item in items if item.get_closest_marker("slow") or item.get_closest_marker("timed")]
    items[:] = [item for item in items if item not in set(left)]
    config.hook.pytest_deselected(items=left)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left"] = len(left)
    else:
        config.stash[LEFT] = len(left)


def _part(name, parts):
    """The same in every process and on every day."""
    return zlib.crc32(name.encode()) % parts


@pytest.hookimpl(optionalhook=True)  # of xdist
def pytest_testnodedown(node, error):
    node.config.stash[LEFT] = getattr(node, "workeroutput", {}).get("left", 0)


def pytest_terminal_summary(terminalreporter, config):
    if count := config.stash.get(LEFT, 0):
        terminalreporter.write_line(
            f"{count} slow tests were left out; pytest --all runs them too (20 to 50 minutes on two cores)"
        )


LEFT = pytest.StashKey[int]()
MAPS = Path("/proc/self/maps")
MANY = 20_000  # Linux allows 65,530 in a process; a compiled program takes some 200, and without any left LLVM fails or crashes
ended = itertools.count(1)


def pytest_runtest_teardown():
    """Programs are forgotten when they are many; and what hundreds of tests have left is searched for garbage seldom."""
    count = next(ended)
    crowded = count % 10 == 0 and MAPS.exists() and MAPS.read_bytes().count(b"\n") > MANY
    if crowded or count % 200 == 0:
        gc.unfreeze()
        if crowded:
            jax.clear_caches()
        gc.collect()
    gc.freeze()
