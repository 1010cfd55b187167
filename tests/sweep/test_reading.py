"""What is read is what was written: every chunk verified, nothing invented, damage told."""

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
import zarr

from jaxprune.cli.entry import main
from jaxprune.sweep import Experiment, Store, StoreError, chunks, layout, run

MIXED = Experiment(
    "mixed",
    dict(a=[1.0, 2.0]),
    make=lambda a: a,
    trial=lambda key, a: {
        "real": a + jax.random.normal(key, (2,)),
        "whole": jnp.int32(7) * jnp.int32(a),
        "long": jnp.int64(2**40) + jnp.int64(a),
        "small": jnp.uint8(3),
        "true": a > 0,
    },
    inner=dict(i=[0, 1]),
    seeds=8,
    block=4,
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    place = tmp_path_factory.mktemp("written") / "s"
    run(MIXED, workers=0, store=place)
    return place


def damage(path, how):
    if how == "truncated":
        os.truncate(path, path.stat().st_size - 1)
    elif how == "emptied":
        os.truncate(path, 0)
    elif how == "flipped":
        blob = bytearray(path.read_bytes())
        blob[-1] ^= 1
        path.write_bytes(blob)
    elif how == "deleted":
        path.unlink()
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "a device":
        path.unlink()
        path.symlink_to("/dev/zero")
    elif how == "a folder":
        path.unlink()
        path.mkdir()
    else:
        other = path.parent.parent.joinpath("0", *path.parts[len(path.parent.parts) :])
        shutil.copy(other, path)


HOWS = ["truncated", "emptied", "flipped", "deleted", "a pipe", "a device", "a folder"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, how", [*(("real", how) for how in [*HOWS, "another chunk"]), ("whole", "flipped"), ("true", "deleted")]
)
def test_a_damaged_chunk_reads_as_missing(store, name, how):
    whole = Store(store).read()
    damage(store.joinpath("data.zarr", name, "c", "1", "1", *(["0"] if name == "real" else [])), how)
    with pytest.warns(UserWarning, match="1 tasks are damaged and read as missing, the first is a=2.0, seeds 4..7"):
        data = Store(store).read()
    assert data.attrs["damaged"] == data.attrs["missing"] == 1 and whole.attrs["missing"] == 0
    for metric in whole.data_vars:
        if metric != "nonfinite":
            assert np.isnan(data[metric].values[1, 4:]).all(), metric
            np.testing.assert_array_equal(data[metric].values[0], whole[metric].values[0].astype(data[metric].dtype))
    assert data["nonfinite"].values.tolist() == [0, 0]
    assert run(MIXED, workers=0, store=store).drop_attrs().identical(whole.drop_attrs())


def test_values_that_were_never_asked_for_are_named(store):
    with pytest.raises(ValueError, match="was never asked for a=3.0, a=4.0; run it there first"):
        Store(store).read(MIXED.resized(a=[1.0, 3.0, 4.0]))


def test_whole_samples_keep_their_types(store):
    kinds = {name: str(v.dtype) for name, v in Store(store).read().data_vars.items() if name != "nonfinite"}
    assert kinds == dict(real="float64", whole="int32", long="int64", small="uint8", true="bool")


def test_values_are_of_the_tasks_whose_receipts_were_seen(store, monkeypatch):
    """A task that ends between the two is missing, never half there."""
    reader, receipts = Store(store), Store.receipts
    last = store / "receipts" / "1.1.json"
    monkeypatch.setattr(Store, "receipts", lambda self: {c: r for c, r in receipts(self).items() if c != (1, 1)})
    data = reader.read()
    assert last.exists() and data.attrs["missing"] == 1 and data.attrs["damaged"] == 0
    assert np.isnan(data["whole"].values[1, 4:]).all() and np.isfinite(data["whole"].values[0]).all()


def test_reading_while_a_run_writes(tmp_path):
    """Whatever moment a reader comes at, it sees finished values or NaN."""
    seen = []

    class Watch:
        def start(self, done, total, size):
            pass

        def step(self, nonfinite):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                seen.append(Store(tmp_path / "s").read())

        def say(self, words):
            pass

        def stop(self):
            pass

    whole = run(MIXED, workers=2, store=tmp_path / "s", progress=Watch())
    assert [4 - data.attrs["missing"] for data in seen] == [1, 2, 3, 4]
    for data in seen:
        for name in MIXED.inner and ("real", "whole", "true"):
            values = data[name].values.astype(float)
            good = np.isnan(values) | (values == whole[name].values)
            assert good.all()


def test_xarray_alone_tells_what_is_done(tmp_path):
    run(MIXED, workers=0, store=tmp_path / "s", shard=(0, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xr.open_zarr(tmp_path / "s" / "data.zarr")
    assert data["done"].values.tolist() == [[True] * 4 + [False] * 4] * 2
    assert "has been run" in data["done"].attrs["description"]
    for name in ("real", "whole", "long"):
        assert np.isnan(data[name].values[:, 4:]).all() and np.isfinite(data[name].values[:, :4]).all(), name
    assert data["long"].values[0, 0] == 2**40 + 1
    np.testing.assert_array_equal(data["real"].values[:, :4], Store(tmp_path / "s").read()["real"].values[:, :4])


def test_chunks_are_the_bytes_that_zarr_writes(tmp_path):
    codec = zarr.codecs.BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
    for kind in ("float64", "float32", "int32", "bool", "uint8", "complex128"):
        values = (3 * np.random.default_rng(0).standard_normal((5, 6))).astype(kind)
        array = zarr.create_array(tmp_path / kind, shape=(5, 6), chunks=(5, 6), dtype=kind, compressors=codec)
        array[...] = values
        theirs = (tmp_path / kind / "c" / "0" / "0").read_bytes()
        sums = chunks.write(tmp_path / "ours", values)
        assert (tmp_path / "ours").read_bytes() == theirs
        np.testing.assert_array_equal(chunks.read(tmp_path / "ours", sums, np.dtype(kind), (5, 6)), values)
        assert chunks.read(tmp_path / "ours", (sums[0] + 1, sums[1]), np.dtype(kind), (5, 6)) is None


def status(path, capfd):
    """Exit status and words of ``jaxprune status``."""
    with pytest.raises(SystemExit) as stop:
        main(["status", str(path)])
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    return stop.value.code or 0, said


def edit(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


NESTED = "[" * 100_000 + "]" * 100_000
PICKLE = {"name": "numcodecs.pickle", "configuration": {}}
DAMAGES = {
    "zarr.json is no JSON": ("data.zarr/real/zarr.json", lambda p: p.write_text("{"), "real/zarr.json is damaged"),
    "zarr.json is gone": ("data.zarr/whole/zarr.json", lambda p: p.unlink(), "whole/zarr.json is damaged"),
    "zarr.json is nested": ("data.zarr/real/zarr.json", lambda p: p.write_text(NESTED), "nested too deeply"),
    "zarr.json is a list": ("data.zarr/real/zarr.json", lambda p: p.write_text("[]"), "not an object"),
    "zarr.json is a pipe": ("data.zarr/real/zarr.json", lambda p: (p.unlink(), os.mkfifo(p)), "not a regular file"),
    "a codec that runs code": (
        "data.zarr/real/zarr.json",
        lambda p: edit(p, lambda v: v.update(codecs=[PICKLE])),
        "is not what a run has written",
    ),
    "other chunks": (
        "data.zarr/real/zarr.json",
        lambda p: edit(p, lambda v: v["chunk_grid"]["configuration"].update(chunk_shape=[1, 8, 2])),
        "is not what a run has written",
    ),
    "a type of objects": (
        "data.zarr/real/zarr.json",
        lambda p: edit(p, lambda v: v.update(data_type="O")),
        "is not what a run",
    ),
    "run.json is no JSON": ("run.json", lambda p: p.write_text("{"), "run.json is damaged"),
    "run.json is nested": ("run.json", lambda p: p.write_text(NESTED), "nested too deeply"),
    "run.json is a number": ("run.json", lambda p: p.write_text("3"), "not an object"),
    "run.json lacks axes": ("run.json", lambda p: edit(p, lambda v: v.pop("axes")), "it lacks 'axes'"),
    "blocks of 1e15": ("run.json", lambda p: edit(p, lambda v: v.update(blocks=10**15)), "more than 100000000 tasks"),
    "blocks of words": ("run.json", lambda p: edit(p, lambda v: v.update(blocks="2")), "blocks is '2'"),
    "axes of numbers": ("run.json", lambda p: edit(p, lambda v: v.update(axes=dict(a=3))), "an axis is no list"),
    "dims out of nowhere": ("run.json", lambda p: edit(p, lambda v: v["dims"].update(real=["x"])), "what is no inner axis"),
    "dims that leave": ("run.json", lambda p: edit(p, lambda v: v.update(dims={"../x": []})), "what is no inner axis"),
    "layouts that are no number": ("run.json", lambda p: edit(p, lambda v: v.update(layout=None)), "layout is None"),
    "half a block": ("run.json", lambda p: edit(p, lambda v: v["asked"][0].update(blocks=1.5)), "1.5 blocks were asked for"),
    "done is gone": ("data.zarr/done/zarr.json", lambda p: p.unlink(), "done/zarr.json is damaged"),
    "done is a device": ("data.zarr/done/zarr.json", lambda p: (p.unlink(), p.symlink_to("/dev/zero")), "not a regular file"),
    "a newer layout": ("run.json", lambda p: edit(p, lambda v: v.update(layout=99)), "written by a newer jaxprune"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_a_sentence(store, name, capfd, tmp_path):
    """The broken store is told, exit status 3, and the store beside it is told too."""
    file, change, words = DAMAGES[name]
    shutil.copytree(store, tmp_path / "t")
    change(store / file)
    code, said = status(tmp_path, capfd)
    assert code == 3 and words in said and f"{tmp_path / 't'}: mixed" in said and "4 done" in said
    with pytest.raises(StoreError, match="damaged|not what a run|newer"):
        Store(store)
    with pytest.raises(StoreError):
        run(MIXED, workers=0, store=store)


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, how",
    [
        *(("a/c/0", how) for how in ["truncated", "emptied", "a pipe", "a device", "deleted"]),
        *(("a/zarr.json", how) for how in ["truncated", "a device", "deleted"]),
        ("seed/c/0", "truncated"),
    ],
)
def test_damaged_coordinates_are_written_again(store, file, how):
    whole = Store(store).read()
    damage(store / "data.zarr" / file, how)
    assert run(MIXED, workers=0, store=store).drop_attrs().identical(whole.drop_attrs())
    assert xr.open_zarr(store / "data.zarr")["a"].values.tolist() == [1.0, 2.0]


def test_a_shape_of_zarr_s_is_not_believed(store):
    whole = Store(store).read()
    edit(store / "data.zarr" / "whole" / "zarr.json", lambda v: v.update(shape=[10**15, 10**15]))
    assert Store(store).read().identical(whole)


RECEIPTS = {
    "a list": "[]",
    "nested": NESTED,
    "no JSON": "{",
    "seconds are words": dict(seconds="1"),
    "seconds are infinite": dict(seconds=float("inf")),
    "seconds are negative": dict(seconds=-1.0),
    "non-finite trials are words": dict(nonfinite="0"),
    "non-finite trials are a truth value": dict(nonfinite=True),
    "chunks are a list": dict(chunks=[1]),
    "sums are words": dict(chunks=dict.fromkeys(("real", "whole", "long", "small", "true", "done"), "ab")),
    "a chunk is lacking": dict(chunks={"real": [1, 2]}),
    "the program is a number": dict(program=3),
}


@pytest.mark.parametrize("name", RECEIPTS)
def test_a_receipt_of_other_types_is_none(store, name, capfd):
    path, change = store / "receipts" / "1.1.json", RECEIPTS[name]
    path.write_text(change) if isinstance(change, str) else edit(path, lambda v: v.update(change))
    code, said = status(store, capfd)
    assert code == 3 and "3 done, 1 missing, 0 corrupt" in said
    assert run(MIXED, workers=0, store=store).attrs["new_tasks"] == 1


@pytest.mark.parametrize("name", ["-1.-1", "1.-1", "01.1", "1_0.1", "1.1.1", "1", "٣.1", "9.9", " 1.1"])
def test_a_receipt_of_another_name_is_none(store, name, capfd):
    (store / "receipts" / "1.1.json").rename(store / "receipts" / f"{name}.json")
    code, said = status(store, capfd)
    assert code == 3 and "3 done, 1 missing, 0 corrupt" in said


def test_files_copied_from_elsewhere_are_not_taken(store, tmp_path):
    """From another place of the store, from a store with another order of values, from a run with another root."""
    whole = Store(store).read()
    turned, other = MIXED.resized(a=[2.0, 1.0]), tmp_path / "other"
    for make in (lambda: None, lambda: run(turned, workers=0, store=other), lambda: run(MIXED, workers=0, store=other, root=1)):
        shutil.rmtree(other, ignore_errors=True)
        make()
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy)
        source, name = (other, "1") if other.exists() else (store, "0")
        for path in [*(source / "data.zarr").glob(f"*/c/{name}/1*"), *(source / "receipts").glob(f"{name}.1.json")]:
            target = copy / str(path.relative_to(source)).replace(f"c/{name}/", "c/1/").replace(f"{name}.1.json", "1.1.json")
            shutil.copytree(path, target, dirs_exist_ok=True) if path.is_dir() else shutil.copy(path, target)
        data = Store(copy).read()
        assert data.attrs["missing"] == 1 and np.isnan(data["real"].values[1, 4:]).all()
        assert run(MIXED, workers=0, store=copy).drop_attrs().identical(whole.drop_attrs())


def test_a_receipt_that_is_a_pipe_is_none(store, capfd):
    (store / "receipts" / "1.1.json").unlink()
    os.mkfifo(store / "receipts" / "1.1.json")
    assert "3 done, 1 missing" in status(store, capfd)[1]


def test_stores_of_the_old_kind_are_read_and_told(store, capfd):
    """As the version before wrote them: no layout number, no ``done``, receipts that know no program."""
    whole = Store(store).read()
    edit(store / "run.json", lambda v: [v.pop(key) for key in ("layout", "sources")])
    edit(store / "run.json", lambda v: v["definition"].update(code="0123456789abcdef"))
    shutil.rmtree(store / "data.zarr" / "done")
    for path in (store / "receipts").iterdir():
        edit(path, lambda v: ([v.pop(key) for key in ("program", "problem", "jax", "device")], v["chunks"].pop("done")))
    old = Store(store).read()
    assert old.drop_attrs().identical(whole.drop_attrs()) and old.attrs["kind"].startswith("old: ")
    code, said = status(store, capfd)
    assert code == 0 and "of the old kind" in said and "4 done" in said
    with pytest.raises(
        ValueError, match=r"^store: .* was written by an earlier version.*Store\(\.\.\.\)\.read\(\) still reads"
    ):
        run(MIXED, workers=0, store=store)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(tmp_path, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError, match=f"{tmp_path} is on a file system without locks .* choose a folder on another one"):
        run(MIXED, workers=0, store=tmp_path / "s")


@pytest.mark.parametrize(
    "number, cure", [(errno.ENOSPC, "free some space"), (errno.EACCES, "make the folder writable"), (errno.EROFS, "read-only")]
)
def test_what_cannot_be_written_names_its_cure(tmp_path, monkeypatch, number, cure):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(chunks, "write", refuse)
    with pytest.raises(StoreError, match=rf"cannot write a=1.0, seeds 0..3 to .*: {os.strerror(number)}\. .*{cure}"):
        run(MIXED, workers=0, store=tmp_path / "s")


def test_no_git_is_no_obstacle(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(MIXED, workers=0).attrs["commit"] == "unknown"


def test_siblings_read_what_is_there(tmp_path):
    """The shard that ends last sees every task; one that ends before is told how many were missing in what it read."""
    store = tmp_path / "s"
    assert run(MIXED, workers=0, store=store, shard=(0, 2)).attrs["missing"] == 2
    assert run(MIXED, workers=0, store=store, shard=(1, 2)).attrs["missing"] == 0


def one_axis(length, seeds, block):
    """A metric of ``length`` numbers a trial."""
    inner = dict(i=range(length // 10), j=range(10))
    trial = lambda key, a: {"m": jnp.full((length // 10, 10), a)}  # noqa: E731
    return Experiment("long", dict(a=[1.0]), lambda a: a, trial, inner, seeds=seeds, block=block)


def test_room_is_asked_for_before_anything_is_made(tmp_path):
    for change, words in (
        (dict(seeds=10**11), "more than 2\\*\\*32"),
        (dict(seeds=2**32), "make 2147483648 tasks, above 100000000"),
    ):
        with pytest.raises(ValueError, match=f"^seeds: .*{words}"):
            run(MIXED.resized(**change), workers=0, store=tmp_path / "s")
    wide = one_axis(10**5, seeds=10**8, block=10)
    with pytest.raises(StoreError, match="the samples need .* GiB, more than"):
        run(wide, workers=0, store=tmp_path / "s")
    long = one_axis(10**8, seeds=4, block=4)
    with pytest.raises(ValueError, match="^block: 4 seeds of metric 'm' are 2.98 GiB, a task can store 2 of each"):
        run(long, workers=0, store=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_the_lock_is_gone_with_its_process(tmp_path):
    with layout.locked(tmp_path / "lock"):
        pass
    code = f"from jaxprune.sweep import layout\nwith layout.locked({str(tmp_path / 'lock')!r}): print('mine')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "mine" in done.stdout


@pytest.mark.parametrize("lost", [False, True])
def test_samples_that_are_read_when_they_are_used(written, tmp_path, monkeypatch, lost):
    """Those in memory, in parts of one place of the inner axis; damaged ones are known before; ones that change later, told."""
    place = shutil.copytree(written, tmp_path / "s")
    if lost:
        (place / "receipts" / "1.0.json").unlink()
        damage(place / "data.zarr" / "small" / "c" / "0" / "1", "flipped")
    monkeypatch.setattr("jaxprune.sweep.reading.SLAB", 1)
    for seeds in (8, 7):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded, lazy = (Store(place).read(MIXED.resized(seeds=seeds), lazy=lazy) for lazy in (False, True))
        assert lazy["real"].chunks == ((1, 1), (seeds,), (1, 1)) and lazy["nonfinite"].chunks is None
        assert lazy.compute().identical(loaded) and lazy.attrs["missing"] == (2 if lost else 0)
    damage(place / "data.zarr" / "real" / "c" / "0" / "0" / "0", "flipped")
    with pytest.raises(StoreError, match="no longer what it was when the samples were opened"):
        lazy["real"].sum().compute()


def test_lazy_samples_count_what_is_not_finite_in_the_seeds_that_are_read(tmp_path):
    def trial(key, a):
        return {"m": jnp.where(jax.random.uniform(key) < 0.5, jnp.nan, a)}

    own = Experiment("own", dict(a=[1.0, 2.0]), make=lambda a: a, trial=trial, seeds=32, block=8)
    run(own, workers=0, store=tmp_path / "s")
    for seeds in (32, 29, 3):
        loaded, lazy = (Store(tmp_path / "s").read(own.resized(seeds=seeds), lazy=lazy) for lazy in (False, True))
        assert lazy["nonfinite"].identical(loaded["nonfinite"]) and 0 < int(loaded["nonfinite"].sum()) < 2 * seeds
