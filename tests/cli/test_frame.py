"""``jaxprune frame``: what it prints, what it writes, what it refuses."""

import subprocess
import sys

import numpy as np
import pytest

from jaxprune.cli import frame
from jaxprune.cli.entry import main
from jaxprune.theory import two_layer


def call(*argv):
    """Exit status of ``jaxprune frame argv`` in this process."""
    with pytest.raises(SystemExit) as stop:
        main(["frame", *map(str, argv)])
    return stop.value.code or 0


def said(capsys):
    """What was printed: words -> value."""
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    return {line[0]: line[1] for line in lines}


@pytest.mark.parametrize("M, d", [(10, 5), (12, 4), (6, 2), (4, 3), (3, 5), (1, 1), (3, 1)])
def test_known_frames_are_proved_and_written(M, d, tmp_path, capsys):
    assert call(M, d, "--out", tmp_path / "new") == 0
    printed = said(capsys)
    rows = np.load(tmp_path / "new" / f"frame_{M}_{d}.npy")
    assert rows.shape == (M, d) and rows.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-14)
    assert printed["status"] == "proved" and printed["tight"].startswith("yes")
    assert float(printed["loss"]) == pytest.approx(two_layer.optimum(M, d).bound, rel=1e-9)
    assert float(printed["centroid"]) == pytest.approx(two_layer.frames.centroid(rows), abs=1e-2)


def test_a_frame_of_lines_meets_the_welch_bound(tmp_path, capsys):
    assert call(16, 6, "--out", tmp_path) == 0
    printed = said(capsys)
    coherence, welch = printed["coherence"].split(", Welch's bound ")
    assert coherence == welch == "0.3333333333" and printed["gains"].endswith("all equal")


def test_proved_frames_need_no_jax(tmp_path):
    code = f"import sys, jaxprune.cli.entry as c\ntry: c.main(['frame', '10', '5', '--out', {str(tmp_path)!r}])\nexcept SystemExit: pass\nassert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.slow
def test_other_frames_are_found_by_descent(tmp_path, capsys):
    assert call(5, 3, "--out", tmp_path, "--restarts", 8) == 0
    printed = said(capsys)
    assert printed["status"] == "best found" and "descent" in printed["frame"] and "of 8 ended" in printed["starts"]
    assert abs(float(printed["loss"]) - 0.154796487) < 1e-9  # guide/two_layer.md, More neurons than dimensions
    assert float(printed["gap"]) == pytest.approx(float(printed["loss"]) - two_layer.quadrature_bound(5, 3), rel=0.05)
    rows = np.load(tmp_path / "frame_5_3.npy")
    assert abs(two_layer.frame_loss(rows).value - float(printed["loss"])) < 1e-9
    gains = [float(gain) for gain in printed["gains"].split(": ")[1].split()]
    assert min(gains) / max(gains) == pytest.approx(0.45, abs=0.01)
    assert call(5, 3, "--out", tmp_path, "--restarts", 8) == 0
    np.testing.assert_array_equal(rows, np.load(tmp_path / "frame_5_3.npy"))  # the same seed


def test_a_loss_that_few_starts_reach_asks_for_more_of_them():
    rows = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    for reached, asked in ((1, True), (4, True), (5, False), (64, False)):
        assert ("--restarts" in frame.describe(frame.Found(rows, frame.SEARCHED, reached), 64)["starts"]) == asked


def test_what_cannot_be_written_is_not_printed(tmp_path, capsys):
    (tmp_path / "frame_4_3.npy").mkdir()
    assert call(4, 3, "--out", tmp_path) != 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "argv, words",
    [
        ((0, 3), "M: 0 is out of range; use an integer from 1 to 1000"),
        ((3, 0), "D: 0 is out of range"),
        ((1001, 3), "M: 1001 is out of range"),
        ((6, 3, "--restarts", 0), "restarts: 0 is out of range"),
        ((6, 3, "--seed", -1), "seed: -1 is out of range"),
        ((6, "x"), "Error parsing D"),
        ((6, 2.5), "Error parsing D"),
        ((6,), "Missing from jaxprune frame"),
    ],
)
def test_bad_input_ends_with_a_sentence(argv, words, capsys, tmp_path):
    assert call(*argv, "--out", tmp_path) == 2
    caught = capsys.readouterr()
    assert words in caught.out + caught.err and "Traceback" not in caught.err
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert call(10, 5, "--out", tmp_path / "file") == 2
    assert "out: " in capsys.readouterr().err
