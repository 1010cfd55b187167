"""The table of faults names tests that exist."""

import re
from pathlib import Path

HERE = Path(__file__).parent


def test_every_fault_has_its_test():
    rows = [line for line in (HERE / "faults.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 30
    for row in rows:
        named = re.findall(r"`([\w/.]+)::(\w+)`", row)
        assert named, row
        for file, test in named:
            assert f"def {test}(" in (HERE / file).read_text(), row
