"""A task: one grid point, one block of seeds. ``execute`` is a pure function of a small dict, importable anywhere."""

import contextlib
import functools
import importlib
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from jaxprune.sweep import keys
from jaxprune.sweep.code import source_file
from jaxprune.sweep.experiment import FILE_PREFIX, Experiment, load_file

GIB = 2**30


def describe(experiment: Experiment, root: int, budget: float | None, here: bool) -> dict[str, Any]:
    """What every task of a run has in common. For another process (not ``here``) these are plain values, the
    functions as (file or module, name)."""
    return dict(
        make=experiment.make if here else _reference(experiment.make),
        trial=experiment.trial if here else _reference(experiment.trial),
        share=list(experiment.share),
        precision=experiment.precision,
        block=experiment.block,
        root=root,
        budget=budget,
        path=[p for p in sys.path if p],
    )


def execute(common: dict[str, Any], point: dict[str, Any], block: int) -> dict[str, Any]:
    """Run seeds ``block * size .. (block + 1) * size`` of a point: {"metrics": {name: (size, ...)}, "seconds", ...}."""
    for folder in common["path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    started = time.perf_counter()
    make, trial = _resolve(common["make"]), _resolve(common["trial"])
    with pinned(common["precision"]):
        problem = make(**point)
        key = keys.point_key(common["root"], point, common["share"])
        first = jnp.asarray(block * common["block"], jnp.uint32)
        program = _compiled(trial, common["block"], common["precision"], common["budget"], key, problem, first)
        metrics = {name: np.asarray(value) for name, value in program(key, problem, first).items()}
    return dict(metrics=metrics, seconds=time.perf_counter() - started, host=os.uname().nodename, pid=os.getpid())


@contextlib.contextmanager
def pinned(precision: str):
    """Precision, the counter-based generator and one BLAS thread, for the duration of a run."""
    with jax.enable_x64(precision == "float64"), jax.threefry_partitionable(True), threadpool_limits(1, "blas"):
        yield


def shapes(experiment: Experiment, root: int) -> dict[str, jax.ShapeDtypeStruct]:
    """Shape and type of every metric of one trial, checked to be the same at every point. Nothing is compiled."""
    found: dict[str, Any] = {}
    with pinned(experiment.precision):
        traced: dict[Any, dict] = {}
        for point in experiment.points():
            problem = experiment.make(**point)
            signature = _signature(problem)
            if signature not in traced:
                key = keys.point_key(root, point, experiment.share)
                traced[signature] = _metrics(jax.eval_shape(experiment.trial, key, problem))
            here = traced[signature]
            if found and here != found:
                raise ValueError(
                    f"trial: the metrics at {point} are {here}, elsewhere {found}; shapes must not depend on the axes"
                )
            found = here
    return found


def _metrics(result) -> dict[str, jax.ShapeDtypeStruct]:
    if not isinstance(result, dict) or not result:
        raise ValueError(f"trial: must return a non-empty dict of arrays, not {type(result).__name__}")
    bad = [name for name, value in result.items() if not isinstance(name, str) or not hasattr(value, "shape")]
    if bad:
        raise ValueError(f"trial: metric {bad[0]!r} is not an array under a string name")
    return {name: jax.ShapeDtypeStruct(value.shape, value.dtype) for name, value in result.items()}


def _signature(problem):
    leaves, tree = jax.tree.flatten(problem)
    return tree, tuple((np.shape(leaf), np.asarray(leaf).dtype.str) for leaf in leaves)


_programs: dict[Any, Callable] = {}


def _compiled(trial, size, precision, budget, key, problem, first):
    """The program of a block, compiled once for each shape of problem, its batch chosen to fit the budget."""
    name = (trial, size, precision, budget, _signature(problem))
    if name not in _programs:
        _programs[name] = _fitting(trial, size, budget, (key, problem, first))
    return _programs[name]


def _fitting(trial, size, budget, arguments):
    """The program with the largest batch, a divisor of the block, that fits; batches of one on a CPU."""
    on_cpu = jax.default_backend() == "cpu"
    need = 0.0
    for batch in [1] if on_cpu else [b for b in range(size, 0, -1) if size % b == 0]:
        program = _build(trial, size, batch).lower(*arguments).compile()
        need = _memory(program)
        if budget is None or need <= budget:
            return program
    raise MemoryError(
        f"budget: one trial at a time needs {need / GIB:.3g} GiB, the budget is {budget / GIB:.3g} GiB;"
        " make the problem smaller or the budget larger"
    )


def _build(trial, size, batch):
    """Seeds one after another on a CPU (a batched factorisation can hang there), in batches on an accelerator."""

    def run(key, problem, first):
        def one(seed):
            return trial(jax.random.fold_in(key, seed), problem)

        seeds = first + jnp.arange(size, dtype=jnp.uint32)
        return jax.lax.map(one, seeds, batch_size=None if batch == 1 else batch)

    return jax.jit(run)


def _memory(program) -> float:
    analysis = program.memory_analysis()
    parts = ("temp_size_in_bytes", "output_size_in_bytes", "argument_size_in_bytes")
    return sum(getattr(analysis, part, 0) or 0 for part in parts)


def portable(experiment: Experiment) -> bool:
    """Whether another process can find ``make`` and ``trial``: they stand at the top level of a file or a module."""
    return all("<" not in f.__qualname__ and source_file(f) is not None for f in (experiment.make, experiment.trial))


def _reference(function: Callable) -> tuple[str, str, str]:
    by_file = function.__module__ == "__main__" or function.__module__.startswith(FILE_PREFIX)
    return (
        ("file", str(source_file(function)), function.__qualname__)
        if by_file
        else ("module", function.__module__, function.__qualname__)
    )


def _resolve(reference: Any) -> Callable:
    if callable(reference):
        return reference
    kind, place, name = reference
    module = load_file(place) if kind == "file" else importlib.import_module(place)
    return functools.reduce(getattr, name.split("."), module)
