"""A task: one grid point, one block of seeds. ``execute`` is a pure function of plain values, importable anywhere."""

import os
import time
from typing import Any

import jax
import numpy as np

from jaxprune.sweep import keys
from jaxprune.sweep.pipe import Parcel
from jaxprune.sweep.program import VERSION, Program, compiled, flags, one_thread, pinned


def execute(common: dict[str, Any], point: dict[str, Any], block: int) -> dict[str, Any]:
    """Run seeds ``block * size .. (block + 1) * size`` of a point: {"metrics": {name: (size, ...)}, "seconds", ...}.

    ``common``: the lowered ``program`` and the leaves of the ``problem``, both as parcels; ``share``, ``precision``,
    ``block``, ``root``, ``budget``, and the version of ``jax`` and the ``flags`` that it was lowered under. The answer names
    what has been run. Raises ValueError in a process that would give other bits.
    """
    started = time.perf_counter()
    _check_here(common)
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
        program=common["fingerprint"],
        problem=problem.digest,
        jax=VERSION,
        device=jax.devices()[0].device_kind,
    )


def _check_here(common: dict[str, Any]) -> None:
    for what, here in (("jax", VERSION), ("flags", flags())):
        if common[what] != here:
            raise ValueError(f"executor: the {what} of this worker: {here!r}, of the driver: {common[what]!r}; make them equal")
    if jax.default_backend() == "cpu" and not one_thread():
        raise ValueError(
            "executor: XLA uses several threads in this process, and their number changes last digits; set NPROC=1 in its"
            " environment before JAX starts, or leave executor out"
        )


def describe(experiment: Any, root: int, budget: float | None, program: Program, problem: Parcel) -> dict[str, Any]:
    """What the tasks of a point have in common: see ``execute``."""
    settings = dict(share=list(experiment.share), precision=experiment.precision, block=experiment.block)
    lowered = dict(program=program.parcel, fingerprint=program.fingerprint, jax=VERSION, flags=flags())
    return dict(lowered, problem=problem, root=root, budget=budget, **settings)
