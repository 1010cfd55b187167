"""Where the optima of narrow networks meet their theory."""

import dataclasses

import numpy as np
import pytest

from jaxprune.judge import compare
from jaxprune.predictions import predict
from jaxprune.sweep import load_experiments, run
from jaxprune.theory import two_layer as theory
from tests.places import sim


def judged(name, **size):
    """Samples of an experiment, and reports by theory as it is and 3 % too large."""
    (experiment,) = load_experiments(sim(name))
    samples = run(experiment.resized(**size), workers=0)
    prediction = predict(experiment.make, samples)
    spoiled = {name: dataclasses.replace(p, mean=1.03 * p.mean) for name, p in prediction.items()}
    return samples, compare(samples, prediction), compare(samples, spoiled)


@pytest.mark.slow
def test_optima_of_affine_targets():
    """The best of random starts is the cone, or the plateau, and a minimum; at eta = 1 eight neurons of any sign beat the cone."""
    samples, report, spoiled = judged("cone", eta=[1.0], seeds=8)
    assert report.ok and spoiled.failed
    assert report.points["loss"]["judged"].all()
    free = samples.sel(signs="free", eta=1.0, neurons=8)
    assert theory.cone_optimum(8, 1.0)[0] == pytest.approx(0.15624, abs=5e-6)
    assert float(free["loss"].min()) == pytest.approx(0.07539, abs=5e-6)
    assert np.all(free["negative"] == 1)
    steep = samples["curvature"] > samples["curvature_error"]
    assert np.all(steep.sel(neurons=[3, 4, 6, 8])) and np.all(samples["gradient"] < 1e-12)


@pytest.mark.slow
def test_signs_that_are_kept():
    samples, report, spoiled = judged("random_signs", seeds=2000)
    assert report.ok and spoiled.failed
    known = [1.0, *(theory.simplex_value(k) for k in range(1, 7))]
    found = samples["loss"].isel(neurons=-1).values.ravel()
    assert np.all(np.min(np.abs(found[:, None] - known), axis=1) < 1e-9)  # every run ends at a simplex


@pytest.mark.slow
def test_cosines_of_an_optimum():
    samples, report, spoiled = judged("gram", eta=[0.0], seeds=8)
    assert report.ok and spoiled.failed
    assert np.allclose(samples["gram"].sel(eta=0.0), (8 * np.eye(8) - 1) / 7, atol=1e-9)
