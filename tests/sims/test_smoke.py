"""Every experiment at its smoke size, as ``jaxprune verify`` runs it: it ends, and its theory is not contradicted."""

import pytest

from jaxprune.cli import commands
from jaxprune.cli.options import AGREE
from jaxprune.sweep import load_experiments
from tests.places import ROOT, sim

NAMES = sorted(p.stem for p in ROOT.glob("sims/*/*.py") if p.parent.name != "bench")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_theory_is_not_contradicted(name, tmp_path, unchecked):
    for experiment in load_experiments(sim(name)):
        if reason := commands.missing_data(experiment):
            pytest.skip(reason)
        status, said = commands.verified(experiment, tmp_path / experiment.name, workers=0)
        assert status == AGREE, said


def test_none_is_left_out():
    assert len(NAMES) > 50 and "pruned_double_descent" in NAMES
