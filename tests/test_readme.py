"""The README: its experiment runs, and it stays short."""

import re

import pytest

from tests.places import ROOT

README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_the_experiment_runs_as_a_script(tmp_path):
    import subprocess
    import sys

    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0]
    (tmp_path / "mine.py").write_text(code)
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert "Simulation and theory agree." in done.stdout, done.stderr


def test_it_is_short_and_names_what_is_there():
    """Every experiment, and files that exist."""
    names = {p.stem for p in ROOT.glob("sims/*/*.py") if p.parent.name != "bench"}
    assert len(README.splitlines()) <= 150
    assert names == set(re.findall(r"`(\w+)`", README.split("## What runs")[1].split("## Where")[0])) & names
    links = re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README)
    assert all((ROOT / place).exists() for pair in links for place in pair if place and not place.startswith("http"))
