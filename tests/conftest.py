"""Tests import the package as a user would; the environment is set before JAX starts."""

import os

for name, value in {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(name, value)

import importlib
import itertools
import pkgutil
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


MAPS = Path("/proc/self/maps")
MANY = 20_000  # Linux allows 65,530 in a process; a compiled program takes some 200, and without any left LLVM fails or crashes
ended = itertools.count(1)


def pytest_runtest_teardown():
    """A process that has run a thousand tests forgets the programs of those before."""
    if next(ended) % 10 == 0 and MAPS.exists() and MAPS.read_bytes().count(b"\n") > MANY:
        jax.clear_caches()
