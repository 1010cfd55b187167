"""Declarations: bad ones are refused by name, keys depend on labels only."""

import dataclasses

import jax
import numpy as np
import pytest
import xarray as xr

from jaxprune.contracts import Metric
from jaxprune.problems import StableLayer
from jaxprune.sweep import Experiment, Store, keys, read, run
from jaxprune.sweep.driver import metric_dims
from tests.sweep.toy import TOY, make, trial

GOOD = dict(name="x", axes=dict(a=[1, 2]), make=make, trial=trial)


@pytest.mark.parametrize(
    "change, name",
    [
        (dict(name="a/b"), "name"), (dict(axes=dict(a=[])), "a"), (dict(axes=dict(a=[1, 1])), "a"), (dict(axes=dict(a=[1, "x"])), "a"),
        (dict(axes=dict(a=[np.nan])), "a"), (dict(axes={"a b": [1]}), "axes"), (dict(axes=dict(seed=[1])), "inner, axes"),
        (dict(inner=dict(a=[1])), "inner, axes"), (dict(seeds=0), "seeds"), (dict(seeds=1.5), "seeds"), (dict(block=0), "block"),
        (dict(axes=dict(a=3.0)), "a"), (dict(axes=dict(a="word")), "a"), (dict(axes=None), "axes"), (dict(share=["b"]), "share"), (dict(share="a"), "share"), (dict(precision="half"), "precision"), (dict(matmul_precision="bfloat16"), "matmul_precision"), (dict(smoke=dict(b=[1])), "b"), (dict(smoke=dict(a=["x"])), "a"), (dict(predict={"risk": 1.0}), "predict"),
    ],
)  # fmt: skip
def test_bad_declarations_are_named(change, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        Experiment(**{**GOOD, **change})


def test_mixed_numbers_become_floats_and_new_values_keep_the_type():
    e = Experiment(**{**GOOD, "axes": dict(a=[1, 2.5], b=[1, 2])})
    assert e.axes == dict(a=(1.0, 2.5), b=(1, 2))
    assert e.resized(a=[3]).axes["a"] == (3.0,) and isinstance(e.resized(a=[3]).axes["a"][0], float)
    with pytest.raises(ValueError, match="^b: "):
        e.resized(b=[1.5])
    with pytest.raises(ValueError, match="^c: not an axis"):
        e.resized(c=[1])


def test_ones_own_theory_changes_no_samples():
    """It may be anything callable, and what samples are known by does not know of it."""
    plain, own = Experiment(**GOOD), Experiment(**GOOD, predict=lambda samples: {"risk": 1.0})
    assert own.definition(0) == plain.definition(0) and own.resized(seeds=3).predict is own.predict


def test_keys_are_labels():
    def bits(root, point, share=()):
        return tuple(jax.random.key_data(keys.point_key(root, point, share)).tolist())

    for value in (1.0, 1, True, "1"):  # kept words are those of the same type
        assert tuple(keys.point_words(0, dict(a=value)).tolist()) == bits(0, dict(a=value))
    base = bits(0, dict(a=1.0, b="x"))
    assert base == bits(0, dict(b="x", a=1.0))
    others = [
        bits(1, dict(a=1.0, b="x")),
        bits(0, dict(a=1, b="x")),
        bits(0, dict(a=1.0, b="y")),
        bits(0, dict(a=2.0, b="x")),
        bits(0, dict(a=1.0)),
    ]
    assert len({base, *others}) == 6
    assert bits(0, dict(a=1.0, b="x"), ["a"]) == bits(0, dict(a=2.0, b="x"), ["a"]) == bits(0, dict(b="x"))
    assert len({keys.label(dict(a=float(i))) for i in range(20000)}) == 20000


def test_metrics_find_their_dimensions():
    shape = jax.ShapeDtypeStruct
    inner = dict(w=[1, 2, 3], r=["a", "b"], k=[1, 2])
    e = Experiment(**GOOD, inner=inner)
    assert metric_dims(e, dict(m=shape((3,), float), s=shape((), float), all=shape((3, 2, 2), float))) == dict(
        m=("w",), s=(), all=("w", "r", "k")
    )
    for bad in ((2,), (4,), (2, 3)):
        with pytest.raises(ValueError, match="^dims: metric 'm'"):
            metric_dims(e, dict(m=shape(bad, float)))
    e = Experiment(**GOOD, inner=inner, dims=dict(m=["k"]))
    assert metric_dims(e, dict(m=shape((2,), float))) == dict(m=("k",))


@pytest.mark.parametrize(
    "arguments, name",
    [
        (dict(root=-1), "root"), (dict(root=1.0), "root"), (dict(workers=-1), "workers"), (dict(shard=(2, 2), store="x"), "shard"),
        (dict(shard=(0, 2)), "shard"), (dict(time_limit=0), "time_limit"), (dict(time_limit=5, workers=0), "time_limit"),
        (dict(budget=-1), "budget"), (dict(budget=np.nan), "budget"),
    ],
)  # fmt: skip
def test_bad_runs_are_named_before_anything_happens(tmp_path, monkeypatch, arguments, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^{name}: "):
        run(TOY, **arguments)
    assert not list(tmp_path.iterdir())


def test_bad_trials_are_named():
    for result in ([], {}, {1: 2.0}):
        with pytest.raises(ValueError, match="^trial: "):
            run(Experiment("x", dict(a=[0]), make=lambda a: a, trial=lambda key, a, r=result: r), workers=0)
    with pytest.raises(ValueError, match="^trial: the metrics"):
        run(
            Experiment("x", dict(a=[1, 2]), make=lambda a: np.zeros(a), trial=lambda key, a: dict(m=a), inner=dict(i=[0])),
            workers=0,
        )


@pytest.mark.parametrize("name", ["seed", "nonfinite", "a", "i", "p/q"])
def test_metrics_may_not_take_another_name(name, tmp_path):
    with pytest.raises(ValueError, match="^trial: a metric cannot be called"):
        run(
            Experiment("x", dict(a=[1.0]), make=lambda a: a, trial=lambda key, a: {name: a}, inner=dict(i=[0])),
            workers=0,
            store=tmp_path / "s",
        )
    assert not (tmp_path / "s").exists()


def test_memory_budget_is_kept():
    with pytest.raises(Exception, match="one trial at a time needs .* GiB, the budget is"):
        run(TOY, workers=0, budget=1000)


def test_a_make_of_other_axes_is_named_before_it_is_called():
    def other(noise, decay, depth=3):
        raise AssertionError

    wrong = Experiment("wrong", axes=dict(noise=[1.0], width=[2]), make=other, trial=trial)
    with pytest.raises(ValueError, match=r"^make: its arguments are \(noise, decay, depth=3\), the axes are noise, width: "):
        run(wrong, workers=0)


def test_what_is_declared_of_metrics_comes_with_the_samples(tmp_path):
    """From the problem, unless the experiment says otherwise; in memory, in a store, for bare Zarr, and after a change."""

    def noise(alpha):
        return StableLayer(alpha, 3)

    def draw(key, problem):
        return {"pruning_ratio": problem.alpha, "size": problem.alpha, "plain": problem.alpha}

    declared = Metric("size", "log of a size", scale="logarithm", unit="m")
    mine = Experiment("mine", axes=dict(alpha=[1.5]), make=noise, trial=draw, seeds=2, block=2, metrics=[declared])
    run(mine, store=tmp_path / "s", workers=0)
    bare = xr.open_zarr(tmp_path / "s" / "data.zarr")
    for samples in (run(mine, workers=0), run(mine, store=tmp_path / "s", workers=0), Store(tmp_path / "s").read(), bare):
        assert Metric.of("size", samples["size"].attrs) == declared and samples["size"].attrs["units"] == "m"
        assert Metric.of("pruning_ratio", samples["pruning_ratio"].attrs) == StableLayer.metrics[0]
        assert Metric.of("plain", samples["plain"].attrs) == Metric("plain")
    changed = dataclasses.replace(mine, metrics=[Metric("size", "a size")])
    assert read(changed, tmp_path / "s")["size"].attrs["scale"] == "linear"
    assert Store(tmp_path / "s").read()["size"].attrs["scale"] == "logarithm"
    assert run(changed, store=tmp_path / "s", workers=0).attrs["new_tasks"] == 0
    assert Store(tmp_path / "s").read()["size"].attrs["scale"] == "linear"
    for metrics, words in (
        ([Metric("sise")], "^metrics: 'sise' is declared, the trial returns plain, "),
        (["size"], "^metrics: "),
        ([Metric("size", scale="logarithm"), Metric("size")], "^metrics: 'size' is declared twice"),
    ):
        with pytest.raises(ValueError, match=words):
            run(dataclasses.replace(mine, metrics=metrics), workers=0)


@pytest.mark.parametrize("wrong", [dict(name="a b"), dict(scale="log"), dict(seeds=1), dict(unit=3)])
def test_bad_metrics_are_named(wrong):
    with pytest.raises(ValueError, match=f"^(describe, )?{next(iter(wrong))}"):
        Metric(**{"name": "size", **wrong})


@pytest.mark.parametrize("seeds, block, held", [(8, 5, 4), (8, 20, 8), (20, 10, 10), (400, 200, 200), (1, 10, 1), (7, 3, 3)])
def test_a_smoke_run_computes_what_it_reads(seeds, block, held):
    """Its blocks are as even as they can be: no block has room for a whole one of spare seeds."""
    quick = Experiment(**GOOD, seeds=1000, block=block, smoke=dict(seeds=seeds)).smoke_size()
    assert (quick.seeds, quick.block) == (seeds, held) and quick.blocks * quick.block - seeds < quick.blocks
