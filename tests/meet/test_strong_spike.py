"""The crossing of guide/least_squares.md, Strong spikes, located in simulation."""

import pytest

from jaxprune.judge import crossing
from jaxprune.sweep import load_experiments, run
from jaxprune.theory.least_squares import propositions
from tests.places import sim


@pytest.mark.slow
def test_the_crossing_is_where_the_exact_condition_says():
    experiment = load_experiments(sim("strong_spike"))[0].resized(seeds=800, n=[100], tail=[0.05, 0.3, 0.5, 0.8])
    samples = run(experiment, root=3, workers=0).isel(n=0, noise=0)
    gain = samples["pruned_risk"].sel(width=2.0, rule="oracle", kept=0.5) - samples["risk"].sel(width=0.5)
    found = crossing(samples["tail"].values, gain.transpose("seed", "tail").values, seed=0)
    exact = propositions.strong_spike_least_tail(0.5, 2.0, 0.5)
    assert abs(found.place - exact) < 4 * found.error
    assert abs(found.place - 0.5**2) > 4 * found.error  # the spoiled twin: without the absorbed fraction
