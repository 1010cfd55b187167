"""Long runs that survive being killed: a state on disk, bound to its configuration, and a loop that goes on from it.

A file is the checksum of what follows, one line of JSON (what the configuration was), and a NumPy archive of the leaves. It is
written beside, flushed to the disk and renamed, so that a kill leaves the old file or the new one. Source:
guide/sde.md, Saved runs.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import is_key
from jaxprune.simulate.sde.integrate import Trajectory
from jaxprune.simulate.sde.stepping import State

SHOWN = 8  # numbers that an error message spells out; longer arrays are told by their digest

WORDS = 80  # letters of a value in an error message


def save(file: str | os.PathLike, state: Any, configuration: Any) -> None:
    """Write a state so that ``load`` accepts it for the same configuration.

    Args:
        file: Where to; a file that is there is replaced.
        state: A pytree of arrays and typed keys.
        configuration: What the state depends on, a pytree of numbers, arrays, keys, strings and truth values.

    Raises:
        ValueError: For a configuration that holds anything else.
    """
    described, packed, file = json.dumps(_describe(configuration)), io.BytesIO(), Path(file)
    np.savez(packed, *[_plain(leaf) for leaf in jax.tree.leaves(state)])
    content = described.encode() + b"\n" + packed.getvalue()
    beside = file.with_name(f".{file.name}.{os.getpid()}.part")
    with open(beside, "wb") as out:
        out.write(_checksum(content) + b"\n" + content)
        out.flush()
        os.fsync(out.fileno())
    os.replace(beside, file)


def load(file: str | os.PathLike, configuration: Any, like: Any) -> Any:
    """The state that ``save`` wrote.

    Args:
        file: Where it is.
        configuration: That for which it was written.
        like: A state of the structure, shapes and types that are expected; an axis of length 0 may have any length in the file.

    Returns:
        The state, with the structure of ``like``.

    Raises:
        ValueError: For another configuration, saying what differs, and for a file that is damaged or holds a state of another
            structure.
    """
    before, data = _read(Path(file))
    if before != (now := _describe(configuration)):
        raise ValueError(f"configuration: {file} was written by another one; {_difference(before, now)}")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        found = [archive[name] for name in archive.files]
    leaves, structure = jax.tree.flatten(like)
    if len(found) != len(leaves) or not all(_fits(a, _plain(b)) for a, b in zip(found, leaves, strict=True)):
        raise ValueError(f"file: {file} holds a state of another structure or shape; start in another file")
    return structure.unflatten([_typed(a, b) for a, b in zip(found, leaves, strict=True)])


def resumable(
    file: str | os.PathLike,
    advance: Callable[[State, Key[Array, "..."], int], Trajectory],
    start: State,
    key: Key[Array, "..."],
    configuration: Any,
    *,
    steps: int,
    chunk: int,
    report: Callable[[int, int, int], None] | None = None,
) -> Trajectory:
    """A path in chunks, saved after each; where its file exists the run goes on from it.

    Neither chunks nor kills change a bit. The file holds state, key and records, so records should be small.

    Args:
        file: Where the run is saved.
        advance: ``(state, key, count)`` to the path of ``count`` steps, a static number: ``euler``, or ``euler`` vmapped over
            runs. It is compiled here.
        start: ``sde.begin(value)``; of vmapped runs ``jax.vmap(sde.begin)(values)``.
        key: One typed JAX key; of vmapped runs one for each in the same axes, or one that ``advance`` shares out.
        configuration: All that the path depends on, save the horizon and the chunks: a later call with more steps extends the
            run.
        steps: Number of steps from ``start``, >= 1.
        chunk: Steps between saves, >= 1. Where ``advance`` keeps records, it and ``steps`` are multiples of its ``every``.
        report: ``(done, steps, dead)``, called on the host after every chunk with the number of runs that have diverged; None:
            nothing is called.

    Returns:
        The path from ``start``, with all its records.

    Raises:
        ValueError: For a start that is no ``State``, keys that are neither one nor one for each run, counts that are not
            integers >= 1, a file that has gone further than ``steps``, and whatever ``load`` refuses.
    """
    for name, value in dict(steps=steps, chunk=chunk).items():
        check_count(name, value, "steps")
    _check_runs(start, key)
    compiled, axis = jax.jit(advance, static_argnums=2), start.step.ndim  # the runs that are vmapped come before time
    none, guard = _nothing(advance, start, key, min(chunk, steps), axis)
    configuration = dict(configuration=configuration, key=key, start=start)
    state, watched = load(file, configuration, (start, none)) if Path(file).exists() else (start, none)
    done = int(np.max(state.step))
    if done > steps:
        raise ValueError(f"steps: {file} has made {done} steps, more than {steps}; ask for at least as many")
    while done < steps:
        path = compiled(state, key, min(chunk, steps - done))
        watched = jax.tree.map(lambda a, b, new=done == 0: _append(a, b, axis, new), watched, path.watched)
        state, done = path.state, int(np.max(path.state.step))
        save(file, (state, watched), configuration)
        if report is not None:
            report(done, steps, int(np.sum(~np.asarray(state.alive))))
    return Trajectory(state, jax.tree.map(jnp.asarray, watched), guard)


def _check_runs(start, key):
    """A state, and a key for each of its runs or one for all."""
    if not isinstance(start, State):
        raise ValueError(f"start: {type(start).__name__} is no State; use sde.begin(value), vmapped over the runs of a batch")
    if not is_key(key):
        raise ValueError(f"key: {type(key).__name__} is no random key; use jax.random.key(seed), or split it for many runs")
    if key.shape not in ((), start.step.shape):
        raise ValueError(f"key: shape {key.shape} is not that of the runs in start, {start.step.shape}; use one key for each")


def _nothing(advance, start, key, count, axis):
    """Records of no step, along ``axis``, and the guard that is on."""
    watched = jax.eval_shape(lambda s, k: advance(s, k, count), start, key).watched
    none = jax.tree.map(lambda a: np.zeros((*a.shape[:axis], 0, *a.shape[axis + 1 :]), a.dtype), watched)
    return none, jax.jit(lambda s, k: advance(s, k, count).guard)(start, key)


def _append(before, later, axis, new):
    """Records of one chunk more, without the first, which is the last of the chunk before."""
    later = np.asarray(later)
    later = later if new else np.delete(later, 0, axis)
    return np.concatenate([np.asarray(before), later], axis)


def _read(file):
    checksum, _, rest = file.read_bytes().partition(b"\n")
    if checksum != _checksum(rest):
        raise ValueError(f"file: {file} is damaged, or none of ours; remove it and run again")
    described, _, data = rest.partition(b"\n")
    return json.loads(described), data


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _describe(configuration: Any) -> dict[str, str]:
    """Place -> value in words; two configurations are the same when these are."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(configuration)
    words = {f"configuration{jax.tree_util.keystr(path)}": _words(path, leaf) for path, leaf in leaves}
    return {**words, "structure": re.sub(r" at 0x[0-9a-f]+", "", str(structure))}


def _words(path, leaf) -> str:
    if isinstance(leaf, np.float64):
        leaf = float(leaf)
    if isinstance(leaf, str | bool | int | float):
        return repr(leaf)
    array = _plain(leaf)
    if array.dtype.kind not in "biufcV":
        raise ValueError(f"configuration{jax.tree_util.keystr(path)}: {leaf!r} is not a number, an array or a string")
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:12]
    return f"{array.dtype}{list(array.shape)} {array.tolist() if array.size <= SHOWN else digest}"


def _difference(before, now) -> str:
    changed = [name for name in (*before, *now) if before.get(name) != now.get(name)]
    values = [name for name in dict.fromkeys(changed) if name != "structure"]
    then, today = ([known.get(n, "absent") for n in values[:SHOWN]] for known in (before, now))
    short = [[w if len(w) <= WORDS else f"{w[:WORDS]}..." for w in words] for words in (then, today)]
    shown = [f"{n}: {a} then, {b} now" for n, a, b in zip(values, *short, strict=False)]
    shown += [f"and {len(values) - SHOWN} more"] if len(values) > SHOWN else []
    return "; ".join(shown or ["the same values in another structure, or other functions or static fields"])


def _plain(leaf) -> np.ndarray:
    """Keys are kept as their numbers."""
    return np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)


def _fits(found, wanted) -> bool:
    same = found.ndim == wanted.ndim and found.dtype == wanted.dtype
    return same and all(w in (0, f) for f, w in zip(found.shape, wanted.shape, strict=True))


def _typed(found, wanted):
    if isinstance(wanted, np.ndarray):
        return found
    if is_key(wanted):
        return jax.random.wrap_key_data(found, impl=jax.random.key_impl(wanted))
    return jnp.asarray(found)
