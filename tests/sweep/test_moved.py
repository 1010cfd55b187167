"""Samples that were stored before the modules of this package moved are gone on with: the program is what it was."""

import shutil

import jax
import numpy as np
import pytest

from jaxprune.sweep import run
from tests.places import ROOT
from tests.sweep.moved import EXPERIMENT

BEFORE = ROOT / "tests" / "data" / "moved"  # noise 0.1 alone, by version 0.2.0 as of commit dc504f1


@pytest.mark.skipif(jax.__version__ != "0.10.2", reason="programs of two versions of jax cannot be compared")
def test_an_old_store_is_gone_on_with(tmp_path):
    shutil.copytree(BEFORE, tmp_path / "moved")
    samples = run(EXPERIMENT, store=tmp_path / "moved", workers=0)
    assert samples.attrs["new_tasks"] == 2
    fresh = run(EXPERIMENT, workers=0)
    for metric, values in fresh.data_vars.items():
        np.testing.assert_allclose(samples[metric], values, rtol=1e-12)
