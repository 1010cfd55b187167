"""What the tests of sweeps share."""

import jax
import pytest


@pytest.fixture(autouse=True)
def remembers_less():
    """A program holds the lines it was called from, and the same one asked for from two lines would be compiled twice: here
    it holds the innermost ones, which are never those of a test."""
    before = jax.config.jax_traceback_in_locations_limit
    jax.config.update("jax_traceback_in_locations_limit", 3)
    yield
    jax.config.update("jax_traceback_in_locations_limit", before)
