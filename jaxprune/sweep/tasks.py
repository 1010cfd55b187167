"""A call: blocks of seeds of grid points. ``execute`` is a pure function of plain values, importable anywhere."""

import os
import threading
import time
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxprune.sweep import keys
from jaxprune.sweep.pipe import Parcel
from jaxprune.sweep.program import Program, compiled, flags, one_thread, pinned, version

_last = threading.local()  # the arguments of a thread's last call, on its device


def execute(common: dict[str, Any], points: Sequence[dict[str, Any]], blocks: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Run seeds ``block * size .. (block + 1) * size`` of every point for each of its blocks: for each block, point by point,
    {"metrics": {name: (size, ...)}, "seconds", ...}.

    ``common``: the lowered ``program`` and the leaves of the ``problems``, as parcels; ``share``, ``precision``,
    ``block``, ``root``, ``budget``, whether the program is ``batched``, and the version of ``jax`` and the ``flags`` that it
    was lowered under. The answer names what has been run. Raises ValueError in a process that would give other bits.
    """
    started = time.perf_counter()
    _check_here(common)
    problems = common["problems"]
    with pinned(common["precision"]):
        words = np.array([keys.point_words(common["root"], point, common["share"]) for point in points])
        first = np.array(blocks, np.uint32) * np.uint32(common["block"])
        call = compiled(common["program"], common["budget"])
        leaves = _placed(problems, common["batched"])
        found = call(words, first, *leaves) if common["batched"] else call(words[0], first[0, 0], *leaves)
        metrics = {name: np.asarray(value) for name, value in found.items()}
    grid = first.shape if common["batched"] else ()
    told = dict(
        seconds=(time.perf_counter() - started) / first.size,
        host=os.uname().nodename,
        pid=os.getpid(),
        program=common["fingerprint"],
        jax=version(),
        device=next(iter(next(iter(found.values())).devices())).device_kind,
    )
    return [
        dict(told, metrics={name: value[place] for name, value in metrics.items()}, problem=problems[(*place, 0)[0]].digest)
        for place in np.ndindex(grid)
    ]


def _placed(problems: Sequence[Parcel], batched: bool) -> list[Any]:
    """The numbers of the problems on the device, where they stay for the next call: blocks of one point follow each other."""
    named = tuple(parcel.digest for parcel in problems), str(jax.config.jax_default_device), batched  # type: ignore[attr-defined]
    if getattr(_last, "name", None) != named:
        _last.name = _last.leaves = None  # before others take their place
        values = [np.stack(v) for v in zip(*(p.value for p in problems), strict=True)] if batched else problems[0].value
        _last.leaves, _last.name = jax.device_put(values), named
    return _last.leaves


def _check_here(common: dict[str, Any]) -> None:
    for what, here in (("jax", version()), ("flags", flags())):
        if common[what] != here:
            raise ValueError(f"executor: the {what} of this worker: {here!r}, of the driver: {common[what]!r}; make them equal")
    if jax.default_backend() == "cpu" and not one_thread():
        raise ValueError(
            "executor: XLA uses several threads in this process, and their number changes last digits; set NPROC=1 in its"
            " environment before JAX starts, or leave executor out"
        )


def describe(experiment: Any, root: int, budget: float | None, program: Program, problems: Sequence[Parcel], batched: bool):
    """What the tasks of a call have in common: see ``execute``."""
    settings = dict(share=list(experiment.share), precision=experiment.precision, block=experiment.block, batched=batched)
    lowered = dict(program=program.parcel, fingerprint=program.fingerprint, jax=version(), flags=flags())
    return dict(lowered, problems=tuple(problems), root=root, budget=budget, **settings)
