"""A task: one grid point, one block of seeds. ``execute`` is a pure function of plain values, importable anywhere."""

import os
import time
from typing import Any

import jax
import numpy as np

from jaxprune.sweep import keys
from jaxprune.sweep.pipe import Parcel
from jaxprune.sweep.program import compiled, pinned


def execute(common: dict[str, Any], point: dict[str, Any], block: int) -> dict[str, Any]:
    """Run seeds ``block * size .. (block + 1) * size`` of a point: {"metrics": {name: (size, ...)}, "seconds", ...}.

    ``common``: the lowered ``program`` and the leaves of the ``problem``, both as parcels; ``share``, ``precision``,
    ``block``, ``root``, ``budget``, and the version of ``jax`` that lowered it. The answer names what has been run.
    """
    started = time.perf_counter()
    if common["jax"] != jax.__version__:
        raise ValueError(
            f"executor: this worker has jax {jax.__version__}, the driver {common['jax']}; install the same version"
        )
    program, problem = common["program"], common["problem"]
    with pinned(common["precision"]):
        words = keys.point_words(common["root"], point, common["share"])
        call = compiled(program, common["budget"])
        found = call(words, np.uint32(block * common["block"]), *problem.value)
        metrics = {name: np.asarray(value) for name, value in found.items()}
    return dict(
        metrics=metrics,
        seconds=time.perf_counter() - started,
        host=os.uname().nodename,
        pid=os.getpid(),
        program=program.digest,
        problem=problem.digest,
        jax=jax.__version__,
        device=jax.devices()[0].device_kind,
    )


def describe(experiment: Any, root: int, budget: float | None, program: Parcel, problem: Parcel) -> dict[str, Any]:
    """What the tasks of a point have in common: see ``execute``."""
    settings = dict(share=list(experiment.share), precision=experiment.precision, block=experiment.block)
    return dict(program=program, problem=problem, root=root, budget=budget, jax=jax.__version__, **settings)
