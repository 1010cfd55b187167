"""Files and folders of the command line: selections that do not meet, experiments in any encoding, signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import xarray as xr

from jaxprune.cli import drawing, selection
from jaxprune.cli.declared import axes
from jaxprune.sweep import Store, load_experiments
from tests.cli.test_cli import OWN, call
from tests.places import sim

EXPERIMENT = OWN.replace("PREDICTION", '{"risk": samples["middle"]}').replace("seeds=50", "seeds=20")
MAIN = load_experiments(sim("pruned_double_descent"))[0]
WORDS = load_experiments(sim("network_double_descent"))[0]


def shell(*argv, **env):
    """``python -m jaxprune argv``."""
    command = [sys.executable, "-m", "jaxprune", *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=os.environ | env, check=False)


@pytest.mark.parametrize(
    "changed, name",
    [
        (dict(), ""),
        (dict(n=[200, 50, 100], seeds=400), ""),
        (dict(n=[100, 50]), "n=50,100"),
        (dict(n=[50, 100], seeds=80), "n=50,100_seeds=80"),
        (dict(noise=[1.0, 0.25]), "noise=0.25,1.0"),
    ],
)
def test_a_selection_has_a_folder_whose_name_says_it(changed, name):
    assert selection.folder(MAIN, MAIN.resized(**changed)) == name


def test_odd_words_and_long_lists_have_safe_and_different_names():
    odd = [
        ["npz:a/b"],
        ["npz:a b"],
        ["npz:a_b"],
        ["npz:a-b"],
        [".."],
        ["a", "b"],
        ["a,b"],
        ["é"],
        ["x" * 300],
        [*map(str, range(99))],
    ]
    names = [selection.folder(WORDS, WORDS.resized(data=words)) for words in odd]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and "/" not in name and len(name) < 128 and name.startswith("data=") for name in names)
    assert selection.folder(WORDS, WORDS.resized(data=["b", "a"])) == "data=a,b"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An experiment and a figure that draws the largest of its values, in a folder of their own."""
    for name in ("sims", "figures"):
        (tmp_path / name).mkdir()
    (tmp_path / "sims" / "own.py").write_text(EXPERIMENT)
    (tmp_path / "figures" / "own.py").write_text(
        "import matplotlib.pyplot as plt\nfrom jaxprune.plots import style\nSHOWN = dict(middle=style.largest)\n"
        "def draw(samples, report):\n    figure, ax = plt.subplots()\n"
        '    ax.plot(style.shown(samples, SHOWN)["risk"])\n    return figure\n'
    )
    monkeypatch.chdir(tmp_path)
    return Path("sims") / "own.py"


@pytest.mark.slow
def test_another_selection_overwrites_nothing(project, capsys):
    assert call("run", project, "--workers", 0) == 0
    said = capsys.readouterr().out
    assert "figure at middle=2.0 (left out: middle=1.0); draw another with: jaxprune figure own --middle 1.0" in said
    own = Path("results/own")
    before = {p: p.read_bytes() for p in own.glob("*.*") if p.suffix in (".pdf", ".png", ".csv")}
    assert len(before) == 3
    assert call("run", project, "--middle", 3, 1, "--seeds", 10, "--workers", 0) == 0
    place = own / "middle=1.0,3.0_seeds=10"
    said = capsys.readouterr().out
    assert str(place / "figure.pdf") in said and "--middle 1.0 --seeds 10" in said
    assert {p: p.read_bytes() for p in before} == before and (place / "report_risk.csv").exists()
    assert call("run", project, "--middle", 1, 3, "--seeds", 10, "--workers", 0) == 0
    assert [p.name for p in own.glob("*=*")] == [place.name]
    for argv in ([], ["--middle", 1, 3, "--seeds", 10], ["--middle", 1]):
        assert call("figure", project, *argv) == 0
    assert (own / "middle=1.0" / "figure.pdf").exists()
    capsys.readouterr()
    assert call("figure", project, "--middle", 3) == 2
    assert "1 tasks of this selection are missing" in (said := capsys.readouterr().err)
    assert "run this first: jaxprune run own --middle 3.0" in said
    assert call("figure", project, "--seeds", 100000000000) == 2
    assert "seeds: 100000000000 is more than 2**32" in capsys.readouterr().err


def test_findings_are_printed_and_kept(project, capsys):
    text = project.read_text()
    stated = "lambda s: {'mean of all': Finding(float(s['risk'].mean()), 0.25), 'at two': Finding(float(s['risk'].sel(middle=2.0).mean()))}"
    project.write_text("from jaxprune.contracts import Finding\n" + text.replace("seeds=20", f"seeds=20, findings={stated}"))
    assert call("run", project, "--workers", 0) == 0
    said = capsys.readouterr().out
    assert "findings (± one standard error):" in said and "± 0.25" in said
    kept = json.loads(Path("results/own/findings.json").read_text())
    assert kept["experiment"] == "own" and kept["seeds"] == 20 and kept["findings"]["mean of all"]["error"] == 0.25
    assert float(Store("results/own").read()["risk"].mean()) == kept["findings"]["mean of all"]["value"]
    assert call("run", project, "--middle", 1, "--workers", 0) == 0
    assert (
        "findings: none of these samples: " in capsys.readouterr().out
        and not Path("results/own/middle=1.0/findings.json").exists()
    )


@pytest.mark.parametrize(
    "stated, words",
    [
        ("lambda s: 1.0", "findings: 1.0 is no mapping"),
        ("lambda s: {'a': 1.0}", "findings: 'a' is 1.0; use Finding"),
        ("lambda s: {'a': Finding(float('nan'))}", "findings: the function of 'own' fails: value: nan of a finding"),
        ("lambda s: s['misspelt']", "findings: the function of 'own' fails: "),
    ],
)
def test_findings_that_are_none_end_with_a_sentence(project, capsys, stated, words):
    text = "from jaxprune.contracts import Finding\n" + project.read_text()
    project.write_text(text.replace("seeds=20", f"seeds=20, findings={stated}"))
    assert call("run", project, "--workers", 0) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said


def test_files_that_cannot_be_loaded_are_told_and_the_others_listed(project, capsys):
    (project.parent / "broken.py").write_text("x = (\n")
    (project.parent / "wrong.py").write_text(
        EXPERIMENT.replace("middle=[1.0, 2.0]", "muddle=[1.0, 2.0]").replace('"own"', '"wrong"')
    )
    assert call("list") == 0
    said = capsys.readouterr().out
    assert "sims/broken.py: it cannot be loaded: " in said and "sims/own.py: own" in said and "sims/wrong.py: wrong" in said
    (project.parent / "wrong.py").unlink()
    assert call("verify", "--workers", 0) == 2  # what could not be looked at is no success


def test_names_that_are_not_of_one_file_are_explained(project, capsys):
    (project.parent / "other").mkdir()
    (project.parent / "other" / "own.py").write_text(EXPERIMENT)
    assert call("run", "own") == 2
    assert "file: 2 files have the name own; give the path of one: sims/other/own.py, sims/own.py" in capsys.readouterr().err
    (project.parent / "several.py").write_text(EXPERIMENT.replace('"own"', '"inside"'))
    assert call("run", "inside") == 2
    assert "file: inside is one of the experiments of several; write several --only inside" in capsys.readouterr().err


def test_without_options_the_only_selection_is_drawn(project, capsys):
    assert call("run", project, "--middle", 1, "--workers", 0) == 0
    assert call("figure", project) == 0
    assert str(Path("results/own/middle=1.0/figure.pdf")) in capsys.readouterr().out
    assert call("run", project, "--middle", 5, "--seeds", 10, "--workers", 0) == 0
    assert call("figure", project) == 2
    said = capsys.readouterr().err
    assert "2 selections were run" in said and "--middle 1.0; or: jaxprune figure own --middle 5.0 --seeds 10" in said


@pytest.mark.parametrize("place", ["mine_figure.py", "figures/mine.py", "../figures/mine.py"])
def test_the_figure_of_a_file_elsewhere_stands_beside_it(tmp_path, monkeypatch, capsys, place):
    (tmp_path / "own" / "figures").mkdir(parents=True)
    (tmp_path / "figures").mkdir()
    file, options = tmp_path / "own" / "mine.py", SimpleNamespace(file=tmp_path / "own" / "mine.py")
    file.write_text("LABEL = 'of mine'\n")
    monkeypatch.setattr("sys.path", sys.path[:])
    drawing.draw(options, tmp_path, WORDS, WORDS, None, None)
    said = capsys.readouterr().out
    assert said.startswith(f"no figure: there is no {file.parent}/figures/mine.py or {file.parent}/mine_figure.py or ")
    script = file.parent / place
    script.write_text("import matplotlib.pyplot as plt\ndef draw(samples, report):\n    return plt.figure()\n")
    drawing.draw(options, tmp_path, WORDS, WORDS, None, None)
    assert f"drawing {place.removeprefix('../')}" in capsys.readouterr().out and (tmp_path / "figure.pdf").exists()


def test_a_figure_of_one_s_own_needs_no_style(project, capsys):
    script = project.parents[1] / "figures" / "own.py"
    script.write_text(
        "import matplotlib.pyplot as plt\ndef draw(samples, report):\n    figure, ax = plt.subplots()\n    return figure\n"
    )
    assert call("run", project, "--workers", 0) == 0
    assert Path("results/own/figure.pdf").exists()
    for text, words in (
        ("x = 1\n", "has no function draw(samples, report)"),
        ("def draw(*a):\n    return 1\n", "returned int"),
    ):
        other = project.with_name(f"own{len(text)}.py")
        other.write_text(project.read_text())
        (script.with_name(other.name)).write_text(text)
        assert call("run", other, "--workers", 0) == 2
        assert words in capsys.readouterr().err


def test_helper_modules_are_left_out_of_lists(project, capsys, monkeypatch):
    for name in ("own", "helper"):  # of other tests' folders
        monkeypatch.delitem(sys.modules, name, raising=False)
    (project.parent / "helper.py").write_text("SCALE = 2.0\n")
    again = "from own import EXPERIMENT\nfrom helper import SCALE\nMORE = EXPERIMENT.resized(seeds=9)\n"
    (project.parent / "again.py").write_text(again)
    assert call("list", "sims") == 0
    said = capsys.readouterr().out
    assert "sims/helper.py: no experiment in it" in said and "sims/own.py: own" in said
    assert said.count("sims/again.py") == 1 and "9 seeds" in said  # not the one that it borrowed


@pytest.mark.parametrize("missing", [0, 3])
def test_a_shard_judges_the_samples_that_it_read(project, capsys, monkeypatch, missing):
    """Whatever others do to the store afterwards."""
    from jaxprune import sweep

    honest = sweep.run

    def run(*args, **kwargs):
        samples = honest(*args, **kwargs | dict(shard=(0, 1))).assign_attrs(missing=missing)
        return samples if missing == 0 else xr.full_like(samples, float("nan"))

    monkeypatch.setattr(sweep, "run", run, raising=False)
    assert call("run", project, "--shard", "0/2", "--workers", 0) == 0
    assert ("3 tasks of results/own are left to the others" in capsys.readouterr().out) is (missing == 3)
    assert not Store("results/own").missing()


@pytest.mark.slow
def test_neighbours_of_a_file_are_importable(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a_neighbour.py").write_text(EXPERIMENT)
    (folder / "exp.py").write_text("from a_neighbour import *\n")
    for workers in (0, 1):
        assert call("run", folder / "exp.py", "--workers", workers, "--out", tmp_path / str(workers)) == 0


@pytest.mark.parametrize(
    "text, status, words",
    [
        ("import nothing_of_that_name\n", 2, "line 1: No module named 'nothing_of_that_name'"),
        ("x = 1\nfrom jax import nothing_of_that_name\n", 2, "line 2: cannot import name"),
        ("x = 1\ny = (\n", 2, "line 2: it cannot be read as Python"),
        ("x = 1\n1 / 0\n", 4, "line 2: ZeroDivisionError"),
        ("int('x')\n", 4, "line 1: ValueError: invalid literal"),
        ("open('nowhere')\n", 4, "line 1: FileNotFoundError"),
        (OWN.replace("seeds=50", "seeds=0"), 2, "line 14: seeds: 0 is not an integer >= 1"),
        (OWN.replace("middle=[1.0, 2.0]", "middle=5"), 2, "line 14: middle: 5 is not a list of coordinates"),
    ],
)
def test_an_error_in_a_file_names_its_place(tmp_path, capsys, text, status, words):
    file = tmp_path / "broken.py"
    file.write_text(text)
    assert call("run", file, "--out", tmp_path / "out") == status
    said = capsys.readouterr().err
    assert f"file: {file}, {words}" in said and ("Traceback" in said) is (status == 4)


@pytest.mark.parametrize("encoding, cookie", [("utf-8-sig", ""), ("latin-1", "# coding: latin-1\n")])
def test_files_are_read_in_their_encoding(tmp_path, encoding, cookie):
    file = tmp_path / "own.py"
    file.write_text(f"{cookie}# \u00e9\n{EXPERIMENT}", encoding=encoding)
    assert axes(file) == dict(middle=[[1.0, 2.0]])
    assert load_experiments(file)[0].describe == ""


def test_a_file_in_no_encoding_is_named(tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(f"\n\n\n# \u00e9\n{EXPERIMENT}", encoding="latin-1")
    assert call("run", file) == 2
    assert f"jaxprune: file: {file}" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("env", [dict(), dict(PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")])
def test_a_plain_locale_knows_all_letters(tmp_path, env):
    file = tmp_path / "\u00e9.py"
    text = (
        EXPERIMENT.replace("middle", "\u03c3").replace('"own"', '"\u00e9"').replace("seeds=20", 'seeds=20, describe="\u00e4"')
    )
    text = text.replace("\u03c3=[1.0, 2.0]", "\u03c3=[1.0, 2.0], word=['\u00fc']").replace("make(\u03c3)", "make(\u03c3, word)")
    file.write_text(text, encoding="utf-8")
    argv = ["run", file, "--\u03c3", 1, "--word", "\u00f6", "--workers", 0, "--out", tmp_path / "\u00e4"]
    done = shell(*argv, LC_ALL="C", **env)
    assert done.returncode == 0, done.stderr
    assert "|z| may reach" in done.stdout
    assert shell("run", file, "--help", LC_ALL="C", **env).returncode == 0
    if env:  # where Python itself does not choose UTF-8
        assert shell("list", tmp_path, LC_ALL="C", **env).returncode == 0


@pytest.mark.slow
def test_a_device_that_is_not_here_is_named(tmp_path):
    done = shell("run", sim("relative_error"), "--smoke", "--out", tmp_path, JAX_PLATFORMS="tpu_of_no_kind")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "JAX_PLATFORMS: 'tpu_of_no_kind' does not start here; unset it, or set it to cpu" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number, moments", [(signal.SIGINT, (0.3, 2.5)), (signal.SIGTERM, (1.0, 4.0))])
def test_a_signal_ends_a_command_with_a_sentence(tmp_path, number, moments, interruptible):
    """At any moment: while it starts, imports, sweeps, judges and draws."""
    for index, seconds in enumerate(moments):
        file = tmp_path / f"own{index}.py"
        file.write_text(EXPERIMENT)
        command = [sys.executable, "-m", "jaxprune", "run", str(file), "--out", str(tmp_path / str(index))]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(seconds)
        process.send_signal(number)
        said = process.communicate(timeout=60)[1]
        assert process.returncode in (0, 128 + number, -number), said  # negative: before Python was up
        assert "Traceback" not in said
        assert process.returncode != 128 + number or said.endswith("the same command goes on from there\n")
