"""The findings of an experiment: printed, and kept beside its report."""

import json
from collections.abc import Mapping
from pathlib import Path

from jaxprune.contracts import Finding
from jaxprune.sweep import Experiment

FILE = "findings.json"


def state(experiment: Experiment, samples, folder: Path, whole: bool) -> None:
    """Print what the experiment finds in its samples, and write it to a file; say so where it finds nothing in these.

    ``whole``: they are all that it declares, so that nothing is missing. Raises ValueError where it fails all the same, or
    returns what is no finding.
    """
    if experiment.findings is None:
        return
    found, why = found_in(experiment, samples)
    if why and whole:
        raise ValueError(f"findings: the function of {experiment.name!r} fails: {why}")
    if why:
        (folder / FILE).unlink(missing_ok=True)
        print(f"findings: none of these samples: {why}")
        return
    wide = max(map(len, found), default=0)
    size = "findings" if whole else "findings of these samples, which are not all that the experiment declares"
    print(f"{size} (± one standard error):")
    for words, finding in found.items():
        print(f"  {words:{wide}s}  {finding}")
    kept = {words: dict(value=finding.value, error=finding.error) for words, finding in found.items()}
    record = dict(experiment=experiment.name, seeds=experiment.seeds, findings=kept)
    (folder / FILE).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"kept: {folder / FILE}")


def found_in(experiment: Experiment, samples) -> tuple[dict[str, Finding], str]:
    """The findings, and why there are none: samples that lack a coordinate, or have too few seeds or sizes.

    Raises ValueError for what is no finding.
    """
    try:
        found = experiment.findings(samples) if experiment.findings else {}
    except Exception as error:
        return {}, str(error.args[0] if error.args else error) or type(error).__name__
    if not isinstance(found, Mapping):
        raise ValueError(f"findings: {found!r} is no mapping; return {{words: Finding(value, error)}} (jaxprune.contracts)")
    for words, finding in found.items():
        if not isinstance(finding, Finding):
            raise ValueError(f"findings: {words!r} is {finding!r}; use Finding(value, error) of jaxprune.contracts")
    return dict(found), ""
