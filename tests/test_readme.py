"""The README's example prints what it says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


EXAMPLES = re.findall(r"```python\n((?:(?!```).)*)```\n\nprints\n\n```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("code, printed", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_its_numbers(code, printed):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, {})
    assert said.getvalue() == printed


@pytest.mark.slow
def test_the_experiment_runs_as_a_script(tmp_path):
    import subprocess
    import sys

    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    (tmp_path / "mine.py").write_text(code)
    done = subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert "Simulation and theory agree." in done.stdout, done.stderr
