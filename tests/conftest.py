"""Tests import the package as a user would; the environment is set before JAX starts."""

import os

for name, value in {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu", "MPLBACKEND": "Agg"}.items():
    os.environ.setdefault(name, value)

import jax
import pytest
from jaxtyping import install_import_hook

# Annotated shapes of the simulation are checked while the tests run.
with install_import_hook("jaxprune.simulate", "beartype.beartype"):
    import jaxprune.simulate.designs
    import jaxprune.simulate.iterative
    import jaxprune.simulate.least_squares
    import jaxprune.simulate.leave_one_out
    import jaxprune.simulate.linalg
    import jaxprune.simulate.pruning
    import jaxprune.simulate.risk_estimators
    import jaxprune.simulate.saliency  # noqa: F401


@pytest.fixture
def x64():
    """Double precision for the duration of a test."""
    with jax.enable_x64(True):
        yield
