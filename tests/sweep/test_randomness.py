"""Seeds differ by the keys of their trials, and by nothing else."""

import warnings

import jax
import numpy as np
import pytest

from jaxprune.sweep import Experiment, Store, StoreError, run
from jaxprune.sweep.receipts import name as receipt_of

RNG = np.random.default_rng(0)


def experiment(trial, make=lambda a: a, **more):
    return Experiment("e", dict(a=[1.0, 2.0]), make, trial, **dict(seeds=4, block=2) | more)


def noisy(key, problem):
    return {"m": problem + jax.random.normal(key)}


@pytest.mark.parametrize("noise", [lambda: RNG.normal(), lambda: jax.random.normal(jax.random.key(0))])
def test_a_trial_without_its_key_is_told(noise):
    """All its seeds are one."""
    with pytest.warns(UserWarning, match=r"^trial: that of 'e' makes no use of its key, so all 4 seeds are one"):
        samples = run(experiment(lambda key, problem: {"m": problem + noise()}), workers=0)
    assert samples["m"].std("seed").max() == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(experiment(noisy), workers=0)
        run(experiment(lambda key, problem: {"m": problem}, seeds=1, block=1), workers=0)


def test_a_problem_with_chance_in_it_is_refused():
    with pytest.raises(ValueError, match="^make: it gives another problem at every call"):
        run(experiment(noisy, lambda a: a + RNG.normal()), workers=0)


def test_dimensions_of_no_metric_are_refused():
    """A misspelt name would lay a square metric out the other way."""

    def square(key, problem):
        return {"m": problem + jax.random.normal(key, (2, 2))}

    inner = dict(u=[1, 2], v=[1, 2])
    assert run(experiment(square, inner=inner, dims=dict(m=("v", "u"))), workers=0)["m"].dims[2:] == ("v", "u")
    with pytest.raises(ValueError, match="^dims: 'n' is no metric of the trial, which returns m$"):
        run(experiment(square, inner=inner, dims=dict(n=("v", "u"))), workers=0)


def test_samples_of_another_definition_are_not_read(tmp_path):
    """Axes in another order, of another type, and another name."""
    mine = Experiment("e", dict(a=[1.0, 2.0], b=[1.0, 2.0]), lambda a, b: 10 * a + b, noisy, seeds=2, block=2)
    run(mine, store=tmp_path, workers=0)
    assert abs(float(Store(tmp_path).read(mine)["m"].sel(a=2.0, b=1.0).mean()) - 21) < 6
    for other in (dict(axes=dict(b=[1.0, 2.0], a=[1.0, 2.0])), dict(axes=dict(a=[1, 2], b=[1.0, 2.0])), dict(name="other")):
        with pytest.raises(ValueError, match="were made with another definition"):
            Store(tmp_path).read(mine.replace(**other))


def test_files_of_two_stores_do_not_mix(tmp_path):
    """A task of another program, copied among those of one point."""
    here, there = tmp_path / "here", tmp_path / "there"
    run(experiment(noisy), store=here, workers=0)
    run(experiment(lambda key, problem: {"m": problem + 1000 + jax.random.normal(key)}), store=there, workers=0)
    for part in (f"receipts/{receipt_of((0, 1))}", "data.zarr/m/c/0/1", "data.zarr/done/c/0/1"):
        (here / part).write_bytes((there / part).read_bytes())
    with pytest.raises(StoreError, match="the tasks of one point come from two programs"):
        Store(here).read()
