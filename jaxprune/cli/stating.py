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
    found, why = found_in(experiment, samples)
    if why:
        print(f"findings: none of these samples: {why}")
        return
    wide = max(map(len, found), default=0)
    print("findings (± one standard error):")
    for words, finding in found.items():
        print(f"  {words:{wide}s}  {finding}")
    kept = {words: dict(value=finding.value, error=finding.error) for words, finding in found.items()}
    whole = dict(experiment=experiment.name, seeds=experiment.seeds, findings=kept)
    (folder / FILE).write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"kept: {folder / FILE}")


def found_in(experiment: Experiment, samples) -> tuple[dict[str, Finding], str]:
    """The findings, and why there are none: samples that lack a coordinate, or have too few seeds or sizes.

    Raises TypeError for what is no finding.
    """
    try:
        found = dict(experiment.findings(samples)) if experiment.findings else {}
    except (KeyError, ValueError) as error:
        return {}, str(error.args[0] if error.args else error)
    for words, finding in found.items():
        if not isinstance(finding, Finding):
            raise TypeError(f"findings: {words!r} is {finding!r}, and no Finding (jaxprune.contracts)")
    return found, ""
