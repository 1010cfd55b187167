"""Compiled programs are kept between commands."""

import os
import subprocess
import sys

import pytest

from jaxprune.cli import programs
from jaxprune.sweep import Store
from tests.cli.test_cli import OWN

PROBE = "jit__lambda-"  # of ``one_thread``, which no other process may have compiled
DECIDED = ("JAX_COMPILATION_CACHE_DIR", "JAX_ENABLE_COMPILATION_CACHE", *programs.SETTINGS)


@pytest.fixture
def undecided(monkeypatch, tmp_path):
    """Where nobody has said anything of a cache."""
    for name in DECIDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NPROC", "1")
    return tmp_path


def test_they_are_kept_for_this_processor_unless_the_user_decides(undecided, monkeypatch):
    programs.keep()
    place = programs.folder()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == str(place) and place.is_dir()
    monkeypatch.setattr(programs, "_processor", lambda: "another")
    assert programs.folder() != place
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "mine")
    programs.keep()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine" and not programs.folder().exists()


def test_where_nothing_can_be_written_nothing_is_kept(undecided, monkeypatch):
    (undecided / "cache").write_text("a file")
    programs.keep()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_programs_of_several_threads_are_not_kept(undecided, monkeypatch):
    monkeypatch.setenv("NPROC", "2")
    programs.keep()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ


def test_the_oldest_go(tmp_path):
    for age, name in enumerate("abcd"):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    programs.trim(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.slow
def test_a_second_command_compiles_nothing_and_computes_the_same(undecided, monkeypatch):
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")  # every program is kept, however busy the machine
    file = undecided / "own.py"
    file.write_text(OWN.replace("PREDICTION", '{"risk": samples["middle"]}'))
    command = [sys.executable, "-m", "jaxprune", "run", str(file), "--workers", "1", "--out"]
    samples, kept = [], []
    for out in ("first", "second"):
        done = subprocess.run([*command, undecided / out], capture_output=True, text=True, check=True)
        assert "Simulation and theory agree." in done.stdout
        samples.append(Store(undecided / out / "own").read())
        names = {path.name for path in programs.folder().iterdir() if not path.name.endswith("-atime")}
        kept.append({name for name in names if not name.startswith(PROBE)})
    assert samples[0].drop_attrs().identical(samples[1].drop_attrs())
    assert kept[0] and kept[0] == kept[1]
