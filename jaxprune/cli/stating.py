"""The findings of an experiment: printed, and kept beside its report."""

import json
from pathlib import Path

from jaxprune.contracts import Finding
from jaxprune.sweep import Experiment

FILE = "findings.json"


def state(experiment: Experiment, samples, folder: Path) -> None:
    """Print what the experiment finds in its samples, and write it to a file; say so where it finds nothing in these."""
    if experiment.findings is None:
        return
    (folder / FILE).unlink(missing_ok=True)
    try:
        found = found_in(experiment, samples)
    except (KeyError, ValueError) as error:
        print(f"findings: none of these samples: {error.args[0] if error.args else error}")
        return
    wide = max(map(len, found), default=0)
    print("findings (± one standard error):")
    for words, finding in found.items():
        print(f"  {words:{wide}s}  {finding}")
    kept = {words: dict(value=finding.value, error=finding.error) for words, finding in found.items()}
    whole = dict(experiment=experiment.name, seeds=experiment.seeds, findings=kept)
    (folder / FILE).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"kept: {folder / FILE}")


def found_in(experiment: Experiment, samples) -> dict[str, Finding]:
    """The findings, checked. Raises ValueError for what is none, and KeyError where samples lack a coordinate."""
    found = experiment.findings(samples) if experiment.findings else {}
    for words, finding in found.items():
        if not isinstance(finding, Finding):
            raise ValueError(f"{words}: {finding!r} is no Finding (jaxprune.contracts)")
    return dict(found)
