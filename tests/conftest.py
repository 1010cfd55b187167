"""Tests import the package as a user would; the environment is set before JAX starts."""

import os

for name, value in {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(name, value)

import jax
import pytest
from jaxtyping import install_import_hook

# Annotated shapes of the simulation are checked while the tests run.
with install_import_hook("jaxprune.simulate", "beartype.beartype"):
    import jaxprune.simulate.architectures
    import jaxprune.simulate.curvature
    import jaxprune.simulate.labelled
    import jaxprune.simulate.least_squares
    import jaxprune.simulate.linalg
    import jaxprune.simulate.network_pruning
    import jaxprune.simulate.networks
    import jaxprune.simulate.pruned_networks
    import jaxprune.simulate.pruning  # noqa: F401


@pytest.fixture
def x64():
    """Double precision for the duration of a test."""
    with jax.enable_x64(True):
        yield
