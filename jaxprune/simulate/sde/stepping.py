"""One step of Euler's scheme: the state of a run, its noise and drift, the safeguards, and what happens when it diverges.

Source: guide/sde.md, Safeguards.
"""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Key

from jaxprune.simulate.arguments import check_law, kind
from jaxprune.simulate.stable.counters import fold
from jaxprune.struct import as_given, static, struct

NOISE, DRIFT = 0, 1  # streams of a step's key
PARTS = 16
Tree = Any  # an array, or a pytree of arrays
Law = Any  # has ``increment(key, shape, step_size)``


@struct
class Guard:
    """Safeguards of an integration; all but the finiteness of values are off unless asked for, and results carry them.

    ``taming``: the drift is ``b / (1 + step_size |b|)``, entry by entry. ``clip``: largest |entry| of the drift.
    ``radius``: after every step each leaf is projected to the ball of this Euclidean norm around 0, which destroys the
    tail. ``cap``: a run with an entry beyond it counts as diverged.
    """

    taming: bool = static(default=False)
    clip: Any = as_given("(0, inf]", default=None)
    radius: Any = as_given("(0, inf]", default=None)
    cap: Any = as_given("(0, inf]", default=np.inf)


@struct
class State:
    """Where a run is: its ``value``, the ``step`` reached, whether it is ``alive``, and ``first_bad``, the first step
    after which its value was not finite or beyond the cap (-1: none). With ``rows``, ``alive`` and ``first_bad`` have an
    entry per row. A run that is not alive stays at its last good value, which belongs in no histogram. ``lost``: what
    rounding has taken from the value so far, in its structure, which the next step gives back; None in double precision,
    whose rounding 1e12 steps do not show."""

    value: Tree
    step: Int[Array, "..."]
    alive: Bool[Array, "..."]
    first_bad: Int[Array, "..."]
    lost: Tree = None


def begin(value: Tree, guard: Guard | None = None, *, rows: bool = False) -> State:
    """A run at step 0, in the precision of the program: float64 numbers are float32 without ``jax.enable_x64``.

    Args:
        value: Where it starts, an array or any pytree of arrays.
        guard: Safeguards; a run that starts beyond their cap is not alive. None for those of ``Guard()``.
        rows: Whether the first axis of every leaf counts runs, each with flags of its own, as in ``euler``.

    Returns:
        The ``State``.

    Raises:
        ValueError: For a list of numbers, nothing, and what is not floating.
    """
    if isinstance(value, list) and any(isinstance(leaf, float | int) for leaf in jax.tree.leaves(value)):
        raise ValueError(f"start: {value!r} is a list, which is a pytree of numbers; use jnp.asarray")
    value = jax.tree.map(jnp.asarray, value)
    if not jax.tree.leaves(value):
        raise ValueError(f"start: {value!r} holds no array; pass the numbers of a path")
    for leaf in jax.tree.leaves(value):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(f"start: {kind(leaf.dtype)} cannot hold a path; pass floating-point numbers")
    flags = (len(jax.tree.leaves(value)[0]),) if rows else ()
    alive = _within(value, (Guard() if guard is None else guard).cap, flags)
    lost = jax.tree.map(lambda x: jnp.zeros_like(x) if x.dtype.itemsize < 8 else None, value)
    return State(value, jnp.zeros((), jnp.int32), alive, jnp.where(alive, -1, 0).astype(jnp.int32), lost)


def increments(laws: list, key: Key[Array, ""], value: Tree, step_size: Any, step: Any) -> Tree:
    """The noise of one step of a run: a function of the run's key and the absolute step alone."""
    leaves, structure = jax.tree.flatten(value)
    key = fold(fold(key, step), NOISE)
    keys = [key] if len(leaves) == 1 else [jax.random.fold_in(key, i) for i in range(len(leaves))]
    return structure.unflatten(
        [
            jnp.zeros_like(leaf) if law is None else law.increment(k, leaf.shape, step_size).astype(leaf.dtype)
            for law, k, leaf in zip(laws, keys, leaves, strict=True)
        ]
    )


def step(drift: Callable, laws: list, key: Key[Array, ""], step_size: Any, guard: Guard, limit: Any, state: State) -> State:
    """One step; a run that is dead, or at step ``limit`` if there is one, stays where it is."""
    moves = drifts(drift, state.value, key, state.step, step_size, guard)
    noise = increments(laws, key, state.value, step_size, state.step)
    moved = jax.tree.map(lambda x, b, z, low: _moved(x, b, z, low, step_size), state.value, moves, noise, state.lost)
    value, lost = unzip(moved, state.value)
    if guard.radius is not None:
        inside = jax.tree.map(lambda x: _projected(x, guard.radius, state.alive.ndim), value)
        lost = jax.tree.map(lambda x, new, low: None if low is None else jnp.where(new == x, low, 0), value, inside, lost)
        value = inside
    good = _within(value, guard.cap, state.alive.shape)
    going = True if limit is None else state.step < limit
    alive = state.alive & (good | ~jnp.asarray(going))
    value, lost = jax.tree.map(
        lambda new, old: jnp.where(_wide(alive & going, new), new, old), (value, lost), (state.value, state.lost)
    )
    first_bad = jnp.where(state.alive & ~alive, state.step + 1, state.first_bad)
    return State(value, state.step + jnp.asarray(going, state.step.dtype), alive, first_bad, lost)


def _moved(x, b, z, lost, step_size):
    """A value after its drift and noise, and what the rounding of this step has taken."""
    if lost is None:
        return (x + step_size * b + z).astype(x.dtype), None
    return two_sum(x, (lost + step_size * b + z).astype(x.dtype))  # one product at a time: whichever is fused is the same


def two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    """A sum in the precision of ``x``, and exactly what its rounding lost (Knuth, The Art of Computer Programming 2, 4.2.2,
    theorem B)."""
    total = (x + y).astype(x.dtype)
    part = total - x
    return total, (x - (total - part)) + (y.astype(x.dtype) - part)


def unzip(pairs: Tree, like: Tree) -> tuple[Tree, Tree]:
    """A tree of pairs, with the structure of ``like``, as a pair of trees."""
    first, second = (jax.tree.map(lambda _, pair, i=i: pair[i], like, pairs) for i in range(2))
    return first, second


def check_drift(drift: Callable, value: Tree, key: Key[Array, ""]) -> None:
    """Raises ValueError unless the drift can be called, in JAX, and has the structure and the shapes of the value; nothing is
    computed."""
    moves = _shapes(drift, (value, key) if getattr(drift, "random", False) else (value,))
    if jax.tree.structure(moves) != jax.tree.structure(value):
        raise ValueError("drift: its structure is not that of the value; return one array for each of its arrays")
    for b, x in zip(jax.tree.leaves(moves), jax.tree.leaves(value), strict=True):
        if jnp.shape(b) != jnp.shape(x):
            raise ValueError(
                f"drift: shape {jnp.shape(b)} is not that of the value, {jnp.shape(x)}; return one number per entry"
            )


def _shapes(drift, arguments) -> Tree:
    """What the drift gives, as shapes."""
    name = getattr(drift, "__name__", type(drift).__name__)
    if isinstance(drift, type) or not callable(drift):
        raise ValueError(f"drift: {name}, a class or no function; use a function, or an instance such as drifts.Linear(1.0)")
    if not _takes(drift, len(arguments)):
        given = (
            "drift(value, key), as it is random"
            if len(arguments) == 2
            else "drift(value); only one with random = True has a key"
        )
        raise ValueError(f"drift: {name} has other arguments; it is called as {given}")
    try:
        return jax.eval_shape(lambda *given: drift(*given), *arguments)
    except jax.errors.TracerArrayConversionError as error:
        raise ValueError(f"drift: {name} computes in NumPy, which JAX cannot trace; use jax.numpy") from error


def _takes(function, count: int) -> bool:
    """Whether a function can be called with so many arguments; True where it does not tell."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def drifts(drift: Callable, value: Tree, key: Key[Array, ""], step: Any, step_size: Any, guard: Guard) -> Tree:
    """The drift of one step, with the safeguards that act on it."""
    random = getattr(drift, "random", False)
    moves = drift(value, fold(fold(key, step), DRIFT)) if random else drift(value)
    if guard.clip is not None:
        moves = jax.tree.map(lambda b: jnp.clip(b, -guard.clip, guard.clip), moves)
    if guard.taming:
        moves = jax.tree.map(lambda b: b / (1 + step_size * jnp.abs(b)), moves)
    return moves


def per_leaf(law: Law, value: Tree) -> list:
    """One law, or None, for every leaf."""
    if law is None or isinstance(law, type) or hasattr(law, "increment"):
        _check_laws(law)
        return [law] * len(jax.tree.leaves(value))
    try:
        laws = jax.tree.structure(value).flatten_up_to(law)
    except (ValueError, TypeError) as error:
        raise ValueError(f"law: its structure is not that of the value; use one law, or one per leaf: {error}") from error
    _check_laws(*laws)
    return laws


def _check_laws(*laws: Law) -> None:
    for law in laws:
        if law is not None:
            check_law("law", law)


def _within(value, cap, shape):
    """Whether all entries, of each row where ``shape`` says so, are finite and not beyond the cap."""
    limits = [jnp.minimum(jnp.asarray(cap, x.dtype), jnp.finfo(x.dtype).max) for x in jax.tree.leaves(value)]
    good = [_bounded(x.reshape(*shape, -1), limit) for x, limit in zip(jax.tree.leaves(value), limits, strict=True)]
    return jnp.stack(good).all(0) if len(good) > 1 else good[0]


def _bounded(x, limit):
    """Whether no entry along the last axis is NaN or beyond the limit. Parts of the axis meet entry by entry, which
    compiles to a vectorised loop; what is left is small."""
    size = x.shape[-1] // PARTS
    met, rest = jnp.abs(x[..., :size]) <= limit, jnp.abs(x[..., PARTS * size :]) <= limit
    for start in range(size, PARTS * size, size or 1):
        met = met & (jnp.abs(x[..., start : start + size]) <= limit)
    return met.all(-1) & rest.all(-1)


def _projected(x, radius, first):
    """``x`` scaled into the ball, without overflow of squares."""
    axes = tuple(range(first, x.ndim))
    largest = jnp.max(jnp.abs(x), axis=axes, keepdims=True)
    safe = jnp.where(largest > 0, largest, 1)
    norm = safe * jnp.sqrt(jnp.sum((x / safe) ** 2, axis=axes, keepdims=True))
    return jnp.where(norm > radius, x / norm * radius, x)


def _wide(flag, like):
    """Flags of runs, against an array of their values."""
    return flag.reshape(flag.shape + (1,) * (like.ndim - flag.ndim))
