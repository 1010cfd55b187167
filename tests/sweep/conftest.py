"""What tests of stores share."""

import shutil

import pytest


@pytest.fixture
def store(written, tmp_path):
    """A copy of the store that a module has ``written`` once."""
    return shutil.copytree(written, tmp_path / "s")
