"""``jaxprune bench``: the arithmetic of a record, its file, the table, failures, and two benchmarks whole."""

import json
import shutil
import sys
from pathlib import Path

import jax
import pytest

from jaxprune.sweep import Experiment, calls
from jaxprune.sweep.experiment import load_file
from tests.cli.test_cli import call
from tests.places import ROOT

sys.path.append(str(ROOT / "sims" / "bench"))  # where a benchmark finds its neighbours

import _record
import _timing
from _record import Bench
from _timing import Bound, Work

PEER = """
from _timing import Work
SLOW, COUNT = 1, 5
QUICK = dict(COUNT=2)
def main(bench):
    bench.has("no-such-peer")
    bench.keep("section", "thing", "ms a step", {"jaxprune": [SLOW] * COUNT, "peer": [3.0 * SLOW] * COUNT})
"""


@pytest.fixture
def bench():
    """Two rows of ours and a peer, measured in three pairs, and a curve that grows like the square."""
    found = Bench("toy")
    works = {"jaxprune, one": Work(bound=Bound(1e-3, "100 GFLOP/s")), "other": Work(device="its own")}
    found.keep(
        "speed", "step", "ms a step", {"jaxprune, one": [4, 2, 5], "jaxprune, all": [1, 2, 1], "other": [8, 8, 5]}, works=works
    )
    for size in (1, 10, 100):
        found.keep("growth", "", "ms a step", {"jaxprune": [size**2]}, size=size, along="n")
    found.keep("accuracy", "risk", "simulated / predicted", {"jaxprune": [0.98]}, compared=False, error=0.01)
    return found


def test_ratios_are_those_of_pairs(bench):
    one, every, other = bench.records[:3]
    assert other.ratios == {"jaxprune, one": [2, 4, 1], "jaxprune, all": [8, 4, 5]}  # of the medians it would be 2 and 8
    assert (other.median, one.median, one.ratios, every.ratios) == (8, 4, {}, {})
    assert (one.share, every.share, one.bound, other.device) == (0.25, None, "100 GFLOP/s", "its own")
    ((panel, (curve,)),) = bench.curves().items()
    assert panel == ("growth", "ms a step", "n") and curve.power == pytest.approx(2)


def test_a_file_gives_back_what_was_written(bench, tmp_path):
    bench.say("checked")
    bench.write(tmp_path / "toy.json")
    back = _record.read(tmp_path / "toy.json")
    assert vars(back) == vars(bench)
    held = json.loads((tmp_path / "toy.json").read_text())
    assert held["records"][2]["median"] == 8 and held["records"][2]["range"] == [5, 8]
    assert {"commit", "date", "cores", "device", "python"} <= set(held["setting"]) and "jax" in held["versions"]


def test_the_table_shows_every_record(bench):
    text = _record.table(bench)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    assert ["step", "other", "its own", "8 (5 to 8)", "", "2 (1 to 4)", "5 (4 to 8)"] in rows
    assert ["step", "jaxprune, one", "cpu", "4 (2 to 5)", "25% of 100 GFLOP/s", "", ""] in rows
    assert ["n = 100", "jaxprune", "cpu", "10,000", "2.00"] in rows and ["risk", "jaxprune", "cpu", "0.98 ± 0.01"] in rows
    assert "no result" not in text
    bench.quick = True
    assert "no result" in _record.table(bench)


def test_an_item_is_one_of_those_that_a_call_does():
    clock = {"jaxprune": Work(lambda: [0] * 4, len)}
    (taken,) = _timing.alternate(clock, 3).values()
    assert len(taken) == 3 and min(taken) > 0
    with pytest.raises(RuntimeError, match="jaxprune: a call did 0 items"):
        _timing.alternate({"jaxprune": Work(list, len)}, 1)


def test_results_that_differ_are_not_timed(bench):
    bench.agree("weights differ by", 1e-9, 1e-6)
    for gap in (1e-5, float("nan")):
        with pytest.raises(RuntimeError, match="weights differ by"):
            bench.agree("weights differ by", gap, 1e-6)


def test_beside_an_accelerator_no_processes_but_its_devices(bench, monkeypatch, capsys):
    """Batches of blocks, in threads for the devices; here the device is a CPU, and only called an accelerator."""
    monkeypatch.setattr(_timing, "accelerated", lambda: True)
    monkeypatch.setattr(_timing, "LocalProcesses", None)
    monkeypatch.setattr(calls, "alone", lambda: False)
    experiment = Experiment("noise", {"scale": [1.0]}, lambda scale: scale, _draw, seeds=6, block=2, precision="float32")
    with _timing.engine(bench, experiment, each=10) as works:
        ((who, work),) = works.items()
        assert who == f"jaxprune, {len(jax.local_devices())} device(s)" and work.items >= 6 * 10
        work.call()
    assert "without worker processes, which compute on the CPU" in capsys.readouterr().out


def _draw(key, scale):
    return {"value": scale * jax.random.normal(key)}


def test_the_memory_of_a_process_is_its_own():
    """That of its parent, in which JAX is, does not count."""
    weights = load_file(ROOT / "sims" / "bench" / "weights.py")
    mine = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line)
    small, large = (weights.run(weights.TELLING + code).gibibytes for code in ("", "held = b'x' * 2**28"))
    assert small < 0.1 < mine / 2**20 and large == pytest.approx(small + 0.25, abs=0.02)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a benchmark that measures, and one that fails."""
    folder = tmp_path / "sims" / "bench"
    folder.mkdir(parents=True)
    for file in (ROOT / "sims" / "bench").glob("_*.py"):
        shutil.copy(file, folder)
    (tmp_path / "figures" / "bench").mkdir(parents=True)
    shutil.copy(ROOT / "figures" / "bench" / "overview.py", tmp_path / "figures" / "bench")
    (folder / "broken.py").write_text("QUICK = {}\ndef main(bench):\n    raise RuntimeError('of its own')\n")
    (folder / "measured.py").write_text(PEER)
    monkeypatch.chdir(tmp_path)
    return Path("results/bench")


def test_a_benchmark_that_fails_is_told_and_the_others_go_on(project, capsys):
    assert call("bench") == 4
    said = capsys.readouterr()
    assert "RuntimeError: of its own" in said.out and said.err == "jaxprune: failed: broken\n"
    assert sorted(p.name for p in project.iterdir()) == ["bench.md", "figure.pdf", "figure.png", "measured.json"]
    assert "without no-such-peer: not installed, pip install no-such-peer" in said.out
    assert "Left out, not installed: no-such-peer." in (project / "bench.md").read_text()
    assert "3 (3 to 3)" in said.out and "no result" not in said.out


def test_small_sizes_are_marked_and_kept_apart(project):
    assert call("bench", "measured", "--quick") == 0
    assert call("bench", "measured") == 0
    quick, whole = (json.loads((folder / "measured.json").read_text()) for folder in (project / "quick", project))
    assert (quick["quick"], whole["quick"]) == (True, False)
    assert [len(held["records"][0]["values"]) for held in (quick, whole)] == [2, 5]
    assert "no result" in (project / "quick" / "bench.md").read_text()
    assert "no result" not in (project / "bench.md").read_text()


def test_what_was_measured_otherwise_is_left_out(project, capsys):
    assert call("bench", "measured") == 0
    held = json.loads((project / "measured.json").read_text())
    held["benchmark"], held["setting"]["commit"] = "older", "another"
    (project / "older.json").write_text(json.dumps(held))
    Path("sims/bench/older.py").touch()
    assert call("bench", "measured") == 0
    assert "not in the table and the figure, since measured otherwise: older (" in capsys.readouterr().out
    assert "## older" not in (project / "bench.md").read_text()


@pytest.mark.slow
def test_two_benchmarks_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    for name in ("least_squares", "power_law"):
        assert call("bench", name, "--quick", "--out", tmp_path) == 0
    out = tmp_path / "quick"
    found = {name: _record.read(out / f"{name}.json") for name in ("least_squares", "power_law")}
    surface = [r for r in found["least_squares"].records if r.section == "surface"]
    ours = [r.who for r in surface if r.who.startswith("jaxprune")]
    assert ours[0] == "jaxprune, one process" and ours[1].endswith("processes") and 0 < surface[0].share < 1
    assert all(len(values) == 2 for r in surface[2:] for values in r.ratios.values()) and len(surface) > 2
    assert set(surface[-1].ratios) == set(ours)
    assert [len(bench.curves()) for bench in found.values()] == [1, 1]
    text = (out / "bench.md").read_text()
    assert "## least_squares" in text and "## power_law" in text and "careful NumPy" in text
    assert all((out / f"figure.{kind}").stat().st_size > 10_000 for kind in ("pdf", "png"))
