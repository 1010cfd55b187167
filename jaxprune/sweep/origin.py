"""Where samples come from: the experiment, the program and the machine."""

import platform
import subprocess
from pathlib import Path
from typing import Any

from jaxprune.sweep.experiment import Experiment


def describe_run(experiment: Experiment, root: int) -> dict[str, Any]:
    """What samples say of their origin."""
    settings = dict(precision=experiment.precision, block=experiment.block)
    return dict(name=experiment.name, digest=experiment.digest(root), root=root, **settings, **provenance())


def provenance() -> dict[str, str]:
    """Versions, commit and device of this process."""
    import jax

    from jaxprune import __version__

    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    git = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return dict(
        version=__version__,
        commit=git.stdout.strip() or "unknown",
        python=platform.python_version(),
        jax=jax.__version__,
        device=jax.devices()[0].device_kind,
    )
