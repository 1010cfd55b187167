"""Retraining at p = n: on the same sample a dip between two peaks, seen in simulation."""

import numpy as np
import pytest

from jaxprune.sweep import load_experiments, run
from tests import grades as judge
from tests.places import sim


@pytest.mark.slow
def test_the_dip_at_the_threshold():
    """One might expect one peak at p = n; there are two, and the fresh risk between them."""
    experiment = load_experiments(sim("retraining_sample"))[0].resized(seeds=160, n=[60], problem=["isotropic"])
    samples = run(experiment, root=1, workers=0).isel(n=0, problem=0).sel(rule="magnitude", kept=0.2)
    same = samples["retrained_same"].transpose("seed", "width")
    fall = np.stack([same.sel(width=1.0) - same.sel(width=w) for w in (0.9, 1.1)], axis=1)
    assert np.all(fall.mean(0) < 0)
    assert np.min(judge.deviates(fall, np.zeros(2))) > 5
    rise = np.asarray(samples["retrained_fresh"].sel(width=1.0) - samples["retrained_fresh"].sel(width=0.9))
    assert judge.deviates(rise, 0.0) < 5  # the spoiled twin: nothing of the kind on a fresh sample
