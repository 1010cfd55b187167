"""``jaxprune guide``: the index, a chapter, and what is no chapter."""

import pytest

from jaxprune.cli.entry import main
from tests.places import ROOT

GUIDE = ROOT / "jaxprune" / "guide"


def call(*argv):
    """Exit status of ``jaxprune guide argv`` in this process."""
    with pytest.raises(SystemExit) as stop:
        main(["guide", *argv])
    return stop.value.code or 0


@pytest.mark.parametrize("argv, file", [([], "README.md"), (["running"], "running.md"), (["tails.md"], "tails.md")])
def test_a_chapter_is_shown_as_it_is(capsys, argv, file):
    assert call(*argv) == 0
    assert capsys.readouterr().out == (GUIDE / file).read_text()


def test_in_a_terminal_it_is_set_for_reading(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert call("first_steps") == 0
    said = capsys.readouterr().out
    assert "First steps" in said and "# First steps" not in said


@pytest.mark.parametrize("topic, words", [("runing", "did you mean running?"), ("xyz", "there are: architecture, bounds, ")])
def test_what_is_no_chapter_is_refused(capsys, topic, words):
    assert call(topic) == 2
    said = capsys.readouterr().err
    assert f"topic: the guide has no chapter {topic!r}; " in said and words in said
