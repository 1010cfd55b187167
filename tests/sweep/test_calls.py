"""Calls of an accelerator, which carry many tasks: here on a CPU, of a trial without factorisations."""

import collections
import itertools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.struct import static, struct
from jaxprune.sweep import Experiment, Stopped, calls, read, run
from jaxprune.sweep.calls import Batch, batches, planned


@struct
class Scaled:
    scale: float
    size: int = static()
    weights: jax.Array


def make(scale, size):
    if scale == 9.0:
        raise RuntimeError("no such scale")
    return Scaled(scale, size, np.arange(size, dtype=np.float32))


def trial(key, problem):
    draws = jax.random.normal(key, (problem.size,))
    return {
        "mean": jnp.mean(problem.scale * draws + problem.weights),
        "kept": jnp.sort(draws)[:2],
        "half": jnp.bfloat16(1) * problem.scale.astype(jnp.float32),
        "spread": jnp.where(problem.scale > 3, jnp.inf, jnp.max(draws)),
    }


OWN = Experiment(
    "own", dict(scale=[1.0, 2.0, 4.0], size=[3, 5]), make, trial, inner=dict(place=[0, 1]), seeds=18, block=4, dims=None
)


@pytest.fixture
def together(monkeypatch):
    monkeypatch.setattr(calls, "alone", lambda: False)


def test_batches_shrink_from_one_for_each_device_to_one_seed():
    for points, blocks, seeds, devices in itertools.product([1, 7, 100], [1, 5, 1000], [1, 10], [1, 8]):
        found = list(batches(points, blocks, seeds, devices))
        sizes = [b.points * b.blocks * b.seeds for b in found]
        assert sizes == sorted(sizes, reverse=True) and found[-1] == Batch(1, 1, 1) and len(set(found)) == len(found)
        first = found[0]
        assert first.points <= points and first.blocks <= blocks and first.points * first.blocks <= calls.MOST_TASKS
        parts = -(-points // first.points) * -(-blocks // first.blocks)
        assert parts > min(devices, points * blocks) / 2
        waste = parts * first.points * first.blocks / (points * blocks)
        assert waste < 1.5 or points * blocks <= 2 * calls.MOST_TASKS


def test_every_task_is_in_one_call_with_others_of_its_signature():
    rng = np.random.default_rng(0)
    for batch in (None, Batch(1, 1, 2), Batch(3, 2, 2), Batch(2, 5, 1)):
        tasks = [((i, b), dict(i=i), b) for i in range(7) for b in range(6) if rng.random() < 0.7]
        found = list(planned(tasks, batch, lambda point: point["i"] % 2))
        done = collections.Counter(chunk for call in found for chunk in call.tasks)
        assert done == collections.Counter(chunk for chunk, *_ in tasks)
        for call in found:
            assert len(call.points) == (batch or (1,))[0] and {len(row) for row in call.blocks} == {(batch or (1, 1))[1]}
            assert len({point["i"] % 2 for point in call.points}) == 1
            named = [(point["i"], block) for point, row in zip(call.points, call.blocks, strict=True) for block in row]
            assert all(chunk in (None, name) for chunk, name in zip(call.chunks, named, strict=True))


def test_samples_are_those_of_tasks_alone(tmp_path, monkeypatch):
    """Each under its own key and problem; the same bits after an interruption and an extension."""
    alone = run(OWN, workers=0)
    monkeypatch.setattr(calls, "alone", lambda: False)
    whole = run(OWN, workers=0, store=tmp_path / "s")
    for name in alone.data_vars:
        assert whole[name].dtype == alone[name].dtype
        np.testing.assert_allclose(whole[name], alone[name], rtol=1e-12)
    assert json.loads((tmp_path / "s" / "run.json").read_text())["batch"] == [3, 5, 4]
    for lost in ("0.0.0", "2.1.3", "2.1.4"):
        (tmp_path / "s" / "receipts" / f"{lost}.json").unlink()
    again = run(OWN, workers=0, store=tmp_path / "s")
    assert again.attrs["new_tasks"] == 3 and again.equals(whole)
    more = run(OWN.resized(seeds=40, size=[3, 5, 7]), workers=0, store=tmp_path / "s")
    assert more.sel(size=[3, 5], seed=range(18)).drop_vars("nonfinite").equals(whole.drop_vars("nonfinite"))
    assert read(OWN, tmp_path / "s").equals(whole)


def test_what_fails_at_a_point_leaves_the_others(together, tmp_path):
    own = OWN.resized(scale=[1.0, 9.0], seeds=8)
    with pytest.raises(Stopped, match="4 of 8 tasks failed, 4 are done") as caught:
        run(own, workers=0, store=tmp_path / "s")
    assert all("scale=9.0" in name for name in caught.value.failures)


def test_a_call_fits_the_budget(together, tmp_path):
    def wide(key, problem):
        return {"m": jnp.sum(jnp.sort(jax.random.normal(key, (10**5,))) * problem.scale)}

    own = Experiment("wide", dict(scale=[1.0, 2.0], size=[3]), make, wide, seeds=8, block=2)
    run(own, workers=0, store=tmp_path / "s", budget=8e6)
    batch = Batch(*json.loads((tmp_path / "s" / "run.json").read_text())["batch"])
    assert batch.points * batch.blocks * batch.seeds < 16
    with pytest.raises(MemoryError, match="not even one trial at a time fits"):
        run(own, workers=0, budget=1e5)
    with pytest.raises(Stopped, match="MemoryError"):  # of samples that were begun with a larger one
        run(own.resized(seeds=10), workers=0, store=tmp_path / "s", budget=1e5)
