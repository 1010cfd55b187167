"""The lowered program of a trial: what every process runs, and what the samples are known by.

The driver traces a trial once for each signature of problem and exports the program of one block of seeds (StableHLO).
Workers compile that very program and never import the experiment's file, so nothing of it can differ there.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import re
import sys
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import export
from threadpoolctl import ThreadpoolController

from jaxprune.sweep import keys
from jaxprune.sweep.calls import Batch
from jaxprune.sweep.pipe import Parcel

GIB = 2**30
LIBRARY = importlib.metadata.version("jaxlib")
VERSION = jax.__version__ if jax.__version__ == LIBRARY else f"{jax.__version__} with jaxlib {LIBRARY}"
HARMLESS = ("xla_dump", "xla_force_host_platform_device_count", "xla_gpu_cuda_data_dir")
# Matrix products whose kernels are chosen by timing them have other last digits in the next process.
PINNED = {"gpu": {"xla_gpu_autotune_level": 0}}
KINDS = "biufc"  # of arrays that a store holds
Metrics = dict[str, jax.ShapeDtypeStruct]

_TEXT = r'"(?:[^"\\]|\\.)*"'
_INNER = rf"(?:[^()\"]|{_TEXT})*"
_LOCATION = re.compile(
    rf"({_TEXT})|\s*(?<![\w.$@-])loc\((?:[^()\"]|{_TEXT}|\((?:[^()\"]|{_TEXT}|\((?:[^()\"]|{_TEXT}|\({_INNER}\))*\))*\))*\)"
)
_ALIAS = re.compile(r"^#loc.*\n", re.MULTILINE)
_NAME = rf"@({_TEXT}|[\w.$-]+)"
_DEFINED = re.compile(rf"func\.func [^@\n]*{_NAME}")
_SYMBOL = re.compile(_NAME)


class Program(NamedTuple):
    """One call of one signature. ``fingerprint``: a digest of its text, of the compiler's flags and of the names of
    metrics; ``parcel``: the serialised export; ``metrics``: shape and type of every metric of one trial; ``draws``: whether
    its key has any part in them."""

    fingerprint: str
    parcel: Parcel
    metrics: Metrics
    draws: bool


@contextlib.contextmanager
def pinned(precision: str):
    """Precision, the counter-based generator and one BLAS thread, for the duration of a run. SciPy's BLAS keeps one thread
    afterwards: what was compiled in the run may be called again, and two threads may wait for each other for ever."""
    libraries = _libraries(len(sys.modules))
    borrowed = [found["filepath"] for found in libraries.info() if "scipy" in found["filepath"]]
    libraries.select(filepath=borrowed).limit(limits=1, user_api="blas")  # for good: JAX's factorisations run on it
    blas = libraries.limit(limits=1, user_api="blas")
    with jax.enable_x64(precision == "float64"), jax.threefry_partitionable(True), blas:
        yield


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """The BLAS libraries of this process: looked for again, which takes a millisecond, when more modules have been imported."""
    return ThreadpoolController()


def leaves(problem: Any) -> list[np.ndarray]:
    """The numbers of a problem as arrays of the types in which a program takes them. ValueError for what is no number."""
    return [_number(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(problem)]


def _number(name: str, leaf: Any) -> np.ndarray:
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        raise ValueError(
            f"make: the problem's leaf {name} is a JAX key; a trial has a key of its own, or take jax.random.key_data"
        )
    array = np.asarray(leaf)
    if array.dtype.kind not in KINDS and not jnp.issubdtype(array.dtype, jnp.number):
        raise ValueError(f"make: the problem's leaf {name} is {leaf!r}, not an array of numbers")
    found = np.array(array, jax.dtypes.canonicalize_dtype(array.dtype))  # a copy: make may fill one array again and again
    if array.dtype.kind in "iu" and not np.array_equal(found, array):
        raise ValueError(f"make: the problem's leaf {name} does not fit {found.dtype}; use precision='float64', or a float")
    return found


def digest(arrays: list[np.ndarray]) -> str:
    """One word for the values of all leaves, to the last bit."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def signature(problem: Any, arrays: list[np.ndarray]) -> Any:
    """What decides the program of a problem with these leaves: its structure, its static fields (by their text too: 7 and 7.0
    are equal), shapes and types."""
    found, tree = jax.tree.flatten(problem)
    weak = [isinstance(x, bool | int | float | complex) or getattr(x, "weak_type", False) for x in found]
    return tree, repr(tree), tuple((a.shape, a.dtype.str, w) for a, w in zip(arrays, weak, strict=True))


def version() -> str:
    """Of jax, and the platform where it is no CPU: what is computed elsewhere has other programs and other last digits."""
    platform = export.default_export_platform()
    return VERSION if platform == "cpu" else f"{VERSION} on {platform}"


def lower(
    trial: Callable[..., Any], size: int, problem: Any, batch: Batch | None = None, matmul_precision: str = "highest"
) -> Program:
    """Trace and export one call: a block of seeds, one after another; or a ``batch`` of blocks and problems, with products of
    matrices in ``matmul_precision``.

    Raises ValueError for a trial that returns anything but a dict of arrays, or calls back to the host.
    """
    given, tree = jax.tree.flatten(problem)
    metrics: Metrics = {}

    def one(words, values, seed):
        key = jax.random.fold_in(jax.random.wrap_key_data(words, impl=keys.GENERATOR), seed)
        result = _checked(trial(key, jax.tree.unflatten(tree, values)))
        metrics.update({name: jax.ShapeDtypeStruct(value.shape, value.dtype) for name, value in result.items()})
        return result

    if batch is None:
        exported, blob = _exported(_block(one, size), [jnp.zeros(2, jnp.uint32), jnp.uint32(0), *given])
    else:
        rows = [jax.ShapeDtypeStruct(s, jnp.uint32) for s in ((batch.points, 2), (batch.points, batch.blocks))]
        with jax.default_matmul_precision(matmul_precision):  # a CPU has no other than full precision
            call = jax.vmap(_blocks(one, size, batch.seeds))
            exported, blob = _exported(call, [*rows, *(_stacked(x, batch.points) for x in given)])
    named = (f"{name} {metric.dtype} {metric.shape}" for name, metric in sorted(metrics.items()))
    fixed = [f"{name}={value}" for name, value in _options().items()]
    word = _word("\n".join([plain(exported.mlir_module()), flags(), *named, *fixed]).encode())
    draws = 0 in exported.module_kept_var_idx  # arguments that nothing depends on are left out
    # The export tells from which lines it was made: without them the same program from two places is compiled once.
    name = _word(f"{word} {exported.in_avals} {exported.module_kept_var_idx} {exported.platforms}".encode())
    return Program(word, Parcel(name, blob, len(blob)), dict(sorted(metrics.items())), draws)


def _block(one: Callable[..., Any], size: int) -> Callable[..., Any]:
    """Seeds one after another."""

    def run(words, first, *values):
        seeds = first + jnp.arange(size, dtype=jnp.uint32)
        return jax.lax.map(functools.partial(one, words, values), seeds)

    return run


def _blocks(one: Callable[..., Any], size: int, together: int) -> Callable[..., Any]:
    """Several blocks of a point, all seeds of them or ``together`` at once."""

    def run(words, first, *values):
        seeds = (first[:, None] + jnp.arange(size, dtype=jnp.uint32)).ravel()
        trials = functools.partial(one, words, values)
        found = jax.vmap(trials)(seeds) if together == size else jax.lax.map(trials, seeds, batch_size=together)
        return jax.tree.map(lambda x: x.reshape(len(first), size, *x.shape[1:]), found)

    return run


def _stacked(value: Any, count: int) -> jax.ShapeDtypeStruct:
    """What ``count`` leaves like this one are as one argument, of a number of Python's still a weak type."""
    one = jax.typeof(value)
    return jax.ShapeDtypeStruct((count, *one.shape), one.dtype, weak_type=one.weak_type)


def _exported(run: Callable[..., Any], arguments: list[Any]) -> tuple[export.Exported, bytes]:
    """The program and its bytes."""
    try:
        found = export.export(jax.jit(run))(*arguments)
        return found, bytes(found.serialize())
    except NotImplementedError as error:
        if "callback" not in str(error):
            raise
        raise ValueError(
            "trial: it calls back to the host (jax.debug.print, pure_callback, io_callback); what the host answers cannot be"
            " known from the program, so leave such calls out"
        ) from error


def _word(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()[:16]


def _options() -> dict[str, Any]:
    """What is asked of the compiler on this platform."""
    return PINNED.get(jax.default_backend(), {})


def flags() -> str:
    """The compiler's flags of this process, but for those that cannot change a number."""
    words = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(sorted(word for word in words if not word.lstrip("-").startswith(HARMLESS)))


def _checked(result: Any) -> dict[str, jax.Array]:
    if not isinstance(result, dict) or not result:
        raise ValueError(f"trial: must return a non-empty dict of arrays, not {type(result).__name__}")
    found = {}
    for name, value in result.items():
        if not isinstance(name, str):
            raise ValueError(f"trial: metric {name!r} is not an array under a string name")
        try:
            found[name] = jnp.asarray(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"trial: metric {name!r} is not an array, but {type(value).__name__}") from error
        if found[name].dtype.kind not in KINDS:
            raise ValueError(f"trial: metric {name!r} is of type {found[name].dtype}; convert it, for instance to float32")
    return found


def plain(text: str) -> str:
    """A module's text without places in source files, its functions named in the order in which they appear."""
    text = re.sub(rf"^module {_NAME}", "module", _ALIAS.sub("", text), flags=re.MULTILINE)
    names = {name: f"f{i}" for i, name in enumerate(dict.fromkeys(_DEFINED.findall(text)))}
    text = _SYMBOL.sub(lambda found: "@" + names.get(found.group(1), found.group(1)), text)
    return _LOCATION.sub(lambda found: found.group(1) or "", text)


@functools.cache
def one_thread() -> bool:
    """Whether XLA compiles for one thread in this process: it shows in how it divides a large loop. The number of threads
    changes last digits."""
    own = os.getpid()  # so that none is taken from a cache, where another process has put its own
    program = jax.jit(lambda x: jnp.sin(x) + own).lower(jax.ShapeDtypeStruct((2**20,), jnp.float32)).compile()
    return 'outer_dimension_partitions":["' not in (program.as_text() or "")


_compiled: dict[Any, tuple[Callable[..., Any], float]] = {}  # the last used last
_held = threading.Lock()
HELD = 16  # a process has room for a few hundred; beyond, the system gives it no more memory maps and it crashes


def compiled(parcel: Parcel, budget: float | None) -> Callable[..., dict[str, jax.Array]]:
    """The program, compiled once in a process: (key's words, first seed, *leaves) -> metrics. Raises MemoryError where one
    call needs more bytes than ``budget``, and ValueError for a program of another kind of device."""
    name = (parcel.digest, jax.dtypes.canonicalize_dtype(float), str(jax.config.jax_default_device))  # type: ignore[attr-defined]
    if name not in _compiled:  # a thread has a device of its own, so nobody else is about to compile this
        found = export.deserialize(bytearray(parcel.value))
        if jax.default_backend() not in (platforms := [{"cuda": "gpu", "rocm": "gpu"}.get(p, p) for p in found.platforms]):
            raise ValueError(f"executor: the program is for {platforms[0]}, this worker has {jax.default_backend()}")
        lowered = jax.jit(found.call).lower(*(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in found.in_avals))
        call = lowered.compile(compiler_options=_options())
        _compiled[name] = call, _memory(call)
    with _held:
        call, need = _compiled[name] = _compiled.pop(name)
        while len(_compiled) > HELD * jax.local_device_count():
            del _compiled[next(iter(_compiled))]
    if budget is not None and need > budget:
        raise MemoryError(
            f"budget: one trial at a time needs {need / GIB:.3g} GiB, the budget is {budget / GIB:.3g} GiB;"
            " make the problem smaller or the budget larger"
        )
    return call


def _memory(program: Any) -> float:
    analysis = program.memory_analysis()
    parts = ("temp_size_in_bytes", "output_size_in_bytes", "argument_size_in_bytes")
    return sum(getattr(analysis, part, 0) or 0 for part in parts)
