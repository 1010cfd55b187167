"""Where samples come from: the experiment, the program and the machine."""

import platform
import subprocess
from pathlib import Path
from typing import Any

from jaxprune.sweep.experiment import Experiment


def describe_run(experiment: Experiment, root: int) -> dict[str, Any]:
    """What samples say of their origin."""
    settings = dict(precision=experiment.precision, block=experiment.block)
    return dict(name=experiment.name, root=root, **settings, **provenance())


def provenance() -> dict[str, str]:
    """Versions, commit and device of this process."""
    import jax

    from jaxprune import __version__

    return dict(
        version=__version__,
        commit=_commit(),
        python=platform.python_version(),
        jax=jax.__version__,
        device=jax.devices()[0].device_kind,
    )


def _commit() -> str:
    """Of the checkout that this package is in, where it is in one and there is a git to ask."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        git = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return git.stdout.strip() or "unknown"
