"""The same bits from every way to run, in any order, extended, interrupted, damaged."""

import concurrent.futures
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

from jaxprune.sweep import Experiment, Store, StoreError, run
from jaxprune.sweep.executors import LocalProcesses, WorkerDied
from tests.sweep import calls
from tests.sweep.toy import TOY, trial


@pytest.fixture(scope="module")
def reference():
    return run(TOY, workers=0)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The same in a store."""
    place = tmp_path_factory.mktemp("written") / "s"
    run(TOY, workers=0, store=place)
    return place


def same_bits(found, reference):
    assert set(found.data_vars) == set(reference.data_vars)
    for name in reference.data_vars:
        np.testing.assert_array_equal(found[name].values, reference[name].values, err_msg=name)


def test_samples_are_labelled(reference):
    assert reference["risk"].dims == ("noise", "decay", "seed", "width")
    assert reference["draw"].dims == ("noise", "decay", "seed", "place")
    assert dict(reference.sizes) == dict(noise=2, decay=2, seed=12, width=2, place=3)
    assert reference["risk"].dtype == np.float64
    assert {"jax", "commit", "version", "device", "precision", "root", "digest"} <= set(reference.attrs)
    assert int(reference["nonfinite"].sum()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["processes", "threads", "store", "dask"])
def test_every_executor_gives_the_same_bits(how, reference, tmp_path):
    if how == "processes":
        found = run(TOY, workers=2, store=tmp_path / "s")
    elif how == "threads":
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            found = run(TOY, executor=pool)
    elif how == "store":
        found = run(TOY, workers=0, store=tmp_path / "s")
    else:
        distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
        with (
            distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, env={"NPROC": "1"}) as cluster,
            distributed.Client(cluster) as client,
        ):
            found = run(TOY, executor=client.get_executor(pure=False))
    same_bits(found, reference)


@pytest.mark.slow
def test_grid_order_and_extension_change_nothing(reference, tmp_path):
    turned = run(TOY.resized(noise=[0.5, 0.1], decay=[1.0, 0.0]), workers=0)
    same_bits(turned.sel(noise=[0.1, 0.5], decay=[0.0, 1.0]), reference)
    part = TOY.resized(noise=[0.5], decay=[1.0], seeds=6)
    store = tmp_path / "s"
    same_bits(
        run(part, workers=0, store=store),
        reference.sel(noise=[0.5], decay=[1.0]).isel(seed=slice(6)).assign(nonfinite=(("noise", "decay"), [[0]])),
    )
    before = {p.name: p.read_bytes() for p in (store / "receipts").iterdir()}
    same_bits(run(TOY, workers=0, store=store), reference)
    assert all((store / "receipts" / name).read_bytes() == blob for name, blob in before.items()), "a finished task ran again"
    more = run(TOY.resized(noise=[0.1, 0.5, 0.9], seeds=20), workers=0, store=store)
    same_bits(more.sel(noise=[0.1, 0.5]).isel(seed=slice(12)), reference)
    same_bits(
        run(part, workers=0, store=store).drop_vars("nonfinite"),
        reference.sel(noise=[0.5], decay=[1.0]).isel(seed=slice(6)).drop_vars("nonfinite"),
    )


def test_common_random_numbers_along_a_shared_axis(reference):
    shared = run(Experiment(**{**vars(TOY), "share": ["noise"], "smoke": None}), workers=0)
    np.testing.assert_array_equal(shared["draw"].isel(noise=0), shared["draw"].isel(noise=1))
    assert not np.array_equal(reference["draw"].isel(noise=0), reference["draw"].isel(noise=1))


@pytest.mark.slow
def test_single_precision_is_asked_for_by_the_experiment(reference):
    single = run(Experiment(**{**vars(TOY), "precision": "float32", "smoke": None}), workers=0)
    assert single["risk"].dtype == np.float32
    assert run(TOY, workers=0)["risk"].dtype == np.float64
    assert not np.array_equal(single["draw"], reference["draw"].astype("float32"))  # other draws, by design of the generator


def test_another_root_is_another_sample(reference):
    assert not np.any(run(TOY, root=1, workers=0)["draw"].values == reference["draw"].values)


def test_nonfinite_trials_are_counted():
    found = run(TOY.resized(noise=[0.1, 99.0]), workers=0)
    np.testing.assert_array_equal(found["nonfinite"], [[0, 0], [12, 12]])


def test_shards_meet_in_one_store(reference, tmp_path):
    store = tmp_path / "s"
    for k in range(3):
        part = run(TOY, workers=0, store=store, shard=(k, 3))
        assert int(part["nonfinite"].sum()) == 0  # missing is not the same as non-finite
    assert len(Store(store).done()) == 12
    same_bits(run(TOY, workers=0, store=store), reference)


def test_a_store_of_something_else_is_refused(store, tmp_path):
    others = [
        (dict(root=1), "root"),
        (dict(experiment=Experiment(**{**vars(TOY), "block": 3, "smoke": None})), "the block size"),
        (dict(experiment=Experiment(**{**vars(TOY), "trial": _other_trial, "smoke": None})), "the code of make or trial"),
    ]
    for change, word in others:
        with pytest.raises(ValueError, match=f"^store: .*what differs: {word}. Samples of two definitions do not mix"):
            run(change.get("experiment", TOY), workers=0, store=store, root=change.get("root", 0))
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="^store: .* holds no samples"):
        run(TOY, workers=0, store=tmp_path / "t")
    assert (tmp_path / "t" / "notes.txt").read_text() == "mine"


def _other_trial(key, problem):
    return {name: 2 * value for name, value in trial(key, problem).items()}


def test_what_is_no_function_is_refused():
    import functools

    with pytest.raises(ValueError, match=r"^trial: .* is not a function; wrap it in a def"):
        Experiment("x", dict(a=[1.0]), make=lambda a: a, trial=functools.partial(trial))


def test_integers_that_are_missing_are_not_zero(tmp_path):
    counting = Experiment("count", dict(a=[1.0]), make=lambda a: a, trial=lambda key, a: dict(k=jnp.int32(7)), seeds=8, block=4)
    run(counting, workers=0, store=tmp_path / "s", shard=(0, 2))
    half = Store(tmp_path / "s").read()
    assert np.isnan(half["k"].values[0, 4:]).all()
    whole = run(counting, workers=0, store=tmp_path / "s")["k"]
    assert whole.dtype.kind == "i" and np.all(whole == 7)


def test_a_reader_may_be_older_than_the_store(store, reference):
    reader = Store(store)
    run(TOY.resized(seeds=20, noise=[0.1, 0.5, 0.9]), workers=0, store=store)
    same_bits(reader.read(TOY), reference)


@pytest.mark.slow
def test_only_what_was_asked_for_is_missing(reference, tmp_path):
    store = tmp_path / "s"
    run(TOY.resized(noise=[0.1], decay=[0.0], seeds=4), workers=0, store=store)
    run(TOY.resized(noise=[0.5], decay=[1.0], seeds=8), workers=0, store=store)
    held = Store(store)  # 2 * 2 * 2 tasks
    assert held.expected() == [(0, 0, 0), (1, 1, 0), (1, 1, 1)] and not held.missing()
    np.testing.assert_array_equal(np.argwhere(held.asked()), held.expected())
    run(TOY.resized(noise=[0.1], seeds=8), workers=0, store=store, shard=(0, 2))
    held = Store(store)
    assert held.missing() == [(0, 0, 1), (0, 1, 1)] and len(held.run["asked"]) == 2  # more seeds take the place of fewer
    same_bits(run(TOY, workers=0, store=store), reference)
    assert len(Store(store).run["asked"]) == 1 and Store(store).asked().all()


@pytest.mark.slow
def test_a_store_that_does_not_know_what_was_asked_for_is_read(reference, tmp_path):
    store, small = tmp_path / "s", TOY.resized(noise=[0.1], seeds=4)
    run(small, workers=0, store=store)
    run(TOY.resized(decay=[0.0], seeds=4), workers=0, store=store)
    known = json.loads((store / "run.json").read_text())
    del known["asked"]
    (store / "run.json").write_text(json.dumps(known))
    assert Store(store).missing() == [(1, 1, 0)]
    assert "asked" not in run(small, workers=0, store=store).attrs and Store(store).missing() == [(1, 1, 0)]
    same_bits(run(TOY, workers=0, store=store), reference)


def test_xarray_opens_the_store(reference, store):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xr.open_zarr(store / "data.zarr")
    np.testing.assert_array_equal(data["risk"], reference["risk"])
    assert data["done"].dims == ("noise", "decay", "seed") and bool(data["done"].all())


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["truncate", "flip", "delete", "receipt", "empty receipt"])
def test_damage_is_found_and_mended(damage, reference, store):
    chunk = store / "data.zarr" / "draw" / "c" / "1" / "0" / "2" / "0"
    blob = chunk.read_bytes()
    if damage == "truncate":
        chunk.write_bytes(blob[:-1])
    elif damage == "flip":
        chunk.write_bytes(blob[:-5] + bytes([blob[-5] ^ 1]) + blob[-4:])
    elif damage == "delete":
        chunk.unlink()
    elif damage == "receipt":
        (store / "receipts" / "1.0.2.json").write_text('{"task"')
    else:
        (store / "receipts" / "1.0.2.json").write_text('{"chunks": {}, "seconds": 1, "nonfinite": 0}')
        (store / "receipts" / "9.9.9.json").write_text("{}")
        shutil.rmtree(store / "data.zarr" / "noise" / "c")
    assert len(Store(store).done()) == 11
    same_bits(run(TOY, workers=0, store=store), reference)


@pytest.mark.slow
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_an_extension_killed_half_way_harms_nothing(calls, reference, store, monkeypatch):
    """The process ends after so many of the arrays have grown; then the old grid runs, then the new one."""
    import zarr

    done, honest = [], zarr.Array.resize

    def resize(self, *arguments):
        if len(done) == calls:
            raise KeyboardInterrupt
        done.append(1)
        return honest(self, *arguments)

    larger = TOY.resized(noise=[0.1, 0.5, 0.9], seeds=20)
    monkeypatch.setattr(zarr.Array, "resize", resize)
    with pytest.raises(KeyboardInterrupt):
        run(larger, workers=0, store=store)
    monkeypatch.undo()
    same_bits(Store(store).read(TOY), reference)
    same_bits(run(TOY, workers=0, store=store), reference)
    more = run(larger, workers=0, store=store)
    same_bits(more.sel(noise=[0.1, 0.5]).isel(seed=slice(12)), reference)
    assert np.all(np.isfinite(more["risk"]))


def test_roots_differ_in_every_bit():
    single = Experiment(**{**vars(TOY), "precision": "float32", "smoke": None}).resized(noise=[0.1], decay=[1.0], seeds=4)
    draws = [run(single, root=root, workers=0)["draw"].values.tobytes() for root in (0, 1, 2**32, 2**33, 2**63)]
    assert len(set(draws)) == 5
    with pytest.raises(ValueError, match="^root: "):
        run(single, root=2**64, workers=0)


THREADS = """
import concurrent.futures, time
import jax
time.sleep(0.5)
from jaxprune.sweep import Experiment, run

def make(a):
    return a

def trial(key, a):
    return dict(m=a + jax.random.normal(key))

with concurrent.futures.ThreadPoolExecutor(2) as pool:
    print(run(Experiment("script", dict(a=[1.0, 2.0]), make, trial, seeds=20), executor=pool)["m"].shape)
"""


@pytest.mark.slow
def test_threads_share_a_plain_script(tmp_path):
    (tmp_path / "script.py").write_text(THREADS)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "(2, 20)\n", done.stderr


DRIVER = """
import sys, time
from jaxprune.sweep import run
from jaxprune.sweep.executors import InProcess
from tests.sweep.toy import TOY

class Slow(InProcess):
    def submit(self, *call):
        time.sleep(0.05)
        return super().submit(*call)

print("ready", flush=True)
run(TOY, executor=Slow(), store=sys.argv[1])
"""


SIGNALS = int(os.environ.get("JAXPRUNE_SIGNALS", 2))  # of each kind


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_signals_change_nothing(name, reference, tmp_path, interruptible):
    """The driver is ended at random moments, and resumed after each."""
    rng, store, sent, number = random.Random(), tmp_path / "s", 0, signal.Signals[name]
    while sent < SIGNALS:
        shutil.rmtree(store, ignore_errors=True)
        for _ in range(rng.randint(1, min(4, SIGNALS - sent))):
            driver = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(store)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            driver.stdout.readline()
            time.sleep(rng.uniform(0.2, 2.5))
            if driver.poll() is None:
                driver.send_signal(number)
                sent += 1
            _, said = driver.communicate(timeout=60)
            status = driver.returncode
            assert status in dict(SIGKILL=(0, -9), SIGTERM=(0, 143, -15), SIGINT=(0, -2))[name], said
            if name != "SIGKILL":  # -15: after the sweep, when the script is its own master again
                assert status != -15 or len(Store(store).done()) == 12
                assert not list(tmp_path.rglob("*.tmp")), "litter"
        same_bits(run(TOY, workers=0, store=store), reference)


def test_workers_that_die_are_replaced_until_they_are_given_up(tmp_path):
    """One that dies once is; a task that kills its worker every time fails alone."""
    mark = tmp_path / "died"
    with LocalProcesses(1) as pool:
        assert pool.submit(calls.die_once, str(mark)).result(timeout=60) == "alive"
        assert mark.exists()
        bad, good = pool.submit(os._exit, 9), pool.submit(os.getpid)
        with pytest.raises(WorkerDied, match=r"its process died 3 times \(exit status 9"):
            bad.result(timeout=120)
        assert good.result(timeout=60) > 0


def test_a_failing_task_names_itself():
    with pytest.raises(RuntimeError, match="decay 9 always fails"):
        run(TOY.resized(decay=[9.0]), workers=0)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounting a small file system needs root")
def test_a_full_disk_loses_nothing(tmp_path, reference):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("this system does not allow mounting a small file system")
    try:
        with pytest.raises(StoreError, match="No space left on device"):
            run(TOY.resized(seeds=40), workers=0, store=disk / "s")
        done = len(Store(disk / "s").done())
        assert done > 3
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        found = run(TOY.resized(seeds=40), workers=0, store=disk / "s")
        same_bits(found.isel(seed=slice(12)).drop_vars("nonfinite"), reference.drop_vars("nonfinite"))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_one_program_per_shape(monkeypatch):
    traced = []

    def counted(key, problem):
        traced.append(1)
        return trial(key, problem)

    run(Experiment(**{**vars(TOY), "trial": counted, "smoke": None}).resized(noise=[0.1, 0.2, 0.3, 0.4], seeds=4), workers=0)
    assert len(traced) == 1


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="counts memory maps of Linux")
def test_many_programs_do_not_fill_a_process():
    """Every compiled program takes hundreds of memory maps, of which a process may have 65,530."""
    from jaxprune.sweep import program

    program._compiled.clear()
    counts = []
    for i in range(2 * program.HELD + 2):
        run(Experiment("many", dict(a=[1.0]), lambda a: a, lambda key, a, i=i: dict(m=a + i), seeds=2, block=2), workers=0)
        counts.append(Path("/proc/self/maps").read_text().count("\n"))
    assert len(program._compiled) == program.HELD
    assert counts[-1] - counts[program.HELD] < 60 * program.HELD  # 226 each where all are kept
