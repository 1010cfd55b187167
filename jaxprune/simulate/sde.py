"""Euler's scheme for stochastic differential equations driven by Lévy processes, ``dX = b(X) dt + dL``.

There is one integrator: diffusions, particle systems and stochastic gradient descent are its drifts. Noise is drawn
inside the loop from keys folded with the absolute step, so that neither chunks, nor a resume, nor other runs in the
same batch change a bit. Sections are those of our notes on Wan et al. 2023: 2.4 (schemes and their errors), 7 (numerics).
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Int, Key

from jaxprune.struct import static, struct

NOISE, DRIFT = 0, 1  # streams of a step's key
Tree = Any  # an array, or a pytree of arrays
Law = Any  # has ``increment(key, shape, step_size)``


@struct
class Guard:
    """Safeguards of an integration; all but the finiteness of values are off unless asked for, and results carry them.

    ``taming``: the drift is ``b / (1 + step_size |b|)``, entry by entry. ``clip``: largest |entry| of the drift.
    ``radius``: after every step each leaf is projected to the ball of this Euclidean norm around 0, which destroys the
    tail. ``cap``: a run with an entry beyond it counts as diverged.
    Raises ValueError, naming the argument, for bounds that are not positive.
    """

    taming: bool = static(default=False)
    clip: Any = None
    radius: Any = None
    cap: Any = np.inf

    def __post_init__(self):
        for name in ("clip", "radius", "cap"):
            bound = getattr(self, name)
            if bound is not None and not _traced(bound) and not np.all(np.asarray(bound) > 0):
                raise ValueError(f"{name}: {bound} is not a bound; use a number > 0, or leave it out")


@struct
class State:
    """Where a run is: its ``value``, the ``step`` reached, whether it is ``alive``, and ``first_bad``, the first step
    after which its value was not finite or beyond the cap (-1: none). A run that is not alive stays at its last good
    value."""

    value: Tree
    step: Int[Array, "..."]
    alive: Bool[Array, "..."]
    first_bad: Int[Array, "..."]


@struct
class Path:
    """The last ``state``; ``watched``, a pytree with a leading axis of records (at the start, then every so many steps);
    and the ``guard`` that was on."""

    state: State
    watched: Any
    guard: Guard


def euler(
    drift: Callable,
    law: Law,
    start: Tree,
    key: Key[Array, ""],
    *,
    step_size: Any,
    steps: Any,
    watch: Callable[[Tree], Any] | None = None,
    every: int = 1,
    guard: Guard | None = None,
    most: int | None = None,
    rows: bool = False,
) -> Path:
    """``X <- X + step_size * drift(X) + increment``, ``steps`` times, from ``start``: a value, or the ``State`` of a run
    to go on from.

    ``law``: the noise over unit time, one law for every leaf of the value, or a pytree of laws with its structure;
    None: no noise. A drift with ``random = True`` is called ``drift(value, key)``. ``watch(value)`` is recorded at the
    start and after every ``every`` steps. ``step_size``, the numbers in ``law``, ``drift``, ``guard``, and ``start`` can
    be traced and vmapped: seeds, tail indices and step sizes are one program. ``steps`` can be traced too, where
    ``most`` bounds it: then a run rests once it has made them, so that step sizes share a horizon.

    ``rows``: the rows of the value are runs of their own, that live and die on their own (and share a key).
    Otherwise the whole value is one run: one bad entry stops it. Source: sections 2.4 and 7.

    Raises ValueError, naming the argument, for a step size that is not positive, steps or records that are not
    positive integers or do not fit, and values that are not floating-point.
    """
    guard = Guard() if guard is None else guard
    _check(step_size, steps, every, most, watch)
    state = start if isinstance(start, State) else begin(start, guard, rows=rows)
    laws = _laws(law, state.value)
    limit = None if most is None else steps
    count = steps if most is None else most

    def advance(state, _):
        return _step(drift, laws, key, step_size, guard, limit, state), None

    if watch is None:
        return Path(jax.lax.scan(advance, state, length=count)[0], None, guard)

    def record(state, _):
        state, _ = jax.lax.scan(advance, state, length=every)
        return state, watch(state.value)

    first = watch(state.value)
    state, later = jax.lax.scan(record, state, length=count // every)
    return Path(state, jax.tree.map(lambda a, b: jnp.concatenate([jnp.asarray(a)[None], b]), first, later), guard)


def coupled(
    drift: Callable, law: Law, start: Tree, key: Key[Array, ""], *, step_size: Any, steps: int, ratios: Sequence[int]
) -> Tree:
    """Values after time ``steps * step_size`` on grids of step ``step_size / ratio``, all driven by one path: the
    increment of a coarse grid is the sum of its fine ones. One leading axis of ratios.

    One scan over the finest grid, whose noise is that of ``euler`` at its step size; a coarse grid moves once its
    fine ones have, so the work is that of the finest plus a fraction. Sums are compensated, because differences
    of grids are O(step_size) of what may be huge numbers. A run that diverges ends non-finite. Source: sections 2.4c, 7.

    Raises ValueError for what ``euler`` refuses and for ratios that are not increasing integers >= 1, each a multiple
    of the one before.
    """
    _check(step_size, steps, 1, None, None)
    ratios = _chain(ratios)
    value = begin(start).value
    laws, finest, off = _laws(law, value), ratios[-1], Guard()
    nothing = (jax.tree.map(jnp.zeros_like, value),) * 2

    def advance(level, grids, step):
        """One step of a grid and those finer than it: all grids, the number of finest steps, the increment."""
        ratio = ratios[level]
        if ratio == finest:
            noise, step = (increments(laws, key, value, step_size / finest, step), nothing[1]), step + 1
        else:

            def child(carry, _):
                grids, step, total = carry
                grids, step, (noise, lost) = advance(level + 1, grids, step)
                return (grids, step, _add(_add(total, noise), lost)), None

            (grids, step, noise), _ = jax.lax.scan(child, (grids, step, nothing), length=ratios[level + 1] // ratio)
        place, size = grids[level], step_size / ratio
        moves = drifts(drift, place[0], key, step // (finest // ratio) - 1, size, off)
        moved = _add(_add(_add(place, jax.tree.map(lambda b: size * b, moves)), noise[0]), noise[1])
        return (*grids[:level], moved, *grids[level + 1 :]), step, noise

    def whole(carry, _):
        return advance(0, *carry)[:2], None

    first = (((value, nothing[1]),) * len(ratios), jnp.zeros((), jnp.int32))
    (grids, _), _ = jax.lax.scan(whole, first, length=steps * ratios[0])
    return jax.tree.map(lambda *ends: jnp.stack(ends), *(jax.tree.map(jnp.add, *grid) for grid in grids))


def _add(total: tuple[Tree, Tree], term: Tree) -> tuple[Tree, Tree]:
    """A compensated sum: what rounding lost is kept beside it (Knuth's two-sum)."""

    def high(x, y):
        return (x + y).astype(x.dtype)

    def lost(x, y, low):
        s = high(x, y)
        part = s - x
        return low + ((x - (s - part)) + (y.astype(x.dtype) - part))

    return jax.tree.map(high, total[0], term), jax.tree.map(lost, total[0], term, total[1])


def begin(value: Tree, guard: Guard | None = None, *, rows: bool = False) -> State:
    """A run at step 0; one that starts out of bounds is not alive. ``rows`` as in ``euler``."""
    value = jax.tree.map(jnp.asarray, value)
    for leaf in jax.tree.leaves(value):
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise ValueError(f"start: dtype {leaf.dtype} cannot hold a path; pass floating-point numbers")
    flags = (len(jax.tree.leaves(value)[0]),) if rows else ()
    alive = _within(value, (Guard() if guard is None else guard).cap, flags)
    return State(value, jnp.zeros((), jnp.int32), alive, jnp.where(alive, -1, 0).astype(jnp.int32))


def increments(laws: list, key: Key[Array, ""], value: Tree, step_size: Any, step: Any) -> Tree:
    """The noise of one step of a run: a function of the run's key and the absolute step alone."""
    leaves, structure = jax.tree.flatten(value)
    key = jax.random.fold_in(jax.random.fold_in(key, step), NOISE)
    keys = [key] if len(leaves) == 1 else [jax.random.fold_in(key, i) for i in range(len(leaves))]
    return structure.unflatten(
        [
            jnp.zeros_like(leaf) if law is None else law.increment(k, leaf.shape, step_size).astype(leaf.dtype)
            for law, k, leaf in zip(laws, keys, leaves, strict=True)
        ]
    )


def _step(drift, laws, key, step_size, guard, limit, state):
    """One step; a run that is dead, or has made its steps, stays where it is."""
    moves = drifts(drift, state.value, key, state.step, step_size, guard)
    noise = increments(laws, key, state.value, step_size, state.step)
    value = jax.tree.map(lambda x, b, z: (x + step_size * b + z).astype(x.dtype), state.value, moves, noise)
    if guard.radius is not None:
        value = jax.tree.map(lambda x: _projected(x, guard.radius, state.alive.ndim), value)
    good = _within(value, guard.cap, state.alive.shape)
    going = True if limit is None else state.step < limit
    alive = state.alive & (good | ~jnp.asarray(going))
    value = jax.tree.map(lambda new, old: jnp.where(_wide(alive & going, new), new, old), value, state.value)
    first_bad = jnp.where(state.alive & ~alive, state.step + 1, state.first_bad)
    return State(value, state.step + jnp.asarray(going, state.step.dtype), alive, first_bad)


def drifts(drift: Callable, value: Tree, key: Key[Array, ""], step: Any, step_size: Any, guard: Guard) -> Tree:
    """The drift of one step, with the safeguards that act on it."""
    if getattr(drift, "random", False):
        moves = drift(value, jax.random.fold_in(jax.random.fold_in(key, step), DRIFT))
    else:
        moves = drift(value)
    if guard.clip is not None:
        moves = jax.tree.map(lambda b: jnp.clip(b, -guard.clip, guard.clip), moves)
    if guard.taming:
        moves = jax.tree.map(lambda b: b / (1 + step_size * jnp.abs(b)), moves)
    return moves


def _laws(law, value):
    """One law, or None, for every leaf."""
    if law is None or hasattr(law, "increment"):
        return [law] * len(jax.tree.leaves(value))
    try:
        return jax.tree.structure(value).flatten_up_to(law)
    except (ValueError, TypeError) as error:
        raise ValueError(f"law: its structure is not that of the value; use one law, or one per leaf: {error}") from error


def _within(value, cap, shape):
    """Whether all entries, of each row where ``shape`` says so, are finite and not beyond the cap."""
    good = [
        jnp.all(jnp.abs(x) <= jnp.minimum(jnp.asarray(cap, x.dtype), jnp.finfo(x.dtype).max), axis=range(len(shape), x.ndim))
        for x in jax.tree.leaves(value)
    ]
    return jnp.stack(good).all(0) if len(good) > 1 else good[0]


def _projected(x, radius, first):
    """``x`` scaled into the ball, without overflow of squares."""
    axes = tuple(range(first, x.ndim))
    largest = jnp.max(jnp.abs(x), axis=axes, keepdims=True)
    safe = jnp.where(largest > 0, largest, 1)
    norm = safe * jnp.sqrt(jnp.sum((x / safe) ** 2, axis=axes, keepdims=True))
    return jnp.where(norm > radius, x / norm * radius, x)


def _chain(ratios):
    """Ratios as a tuple of integers, each a multiple of the one before."""
    found = tuple(ratios)
    whole = all(isinstance(r, int | np.integer) and not isinstance(r, bool) and r >= 1 for r in found)
    if not found or not whole or any(b <= a or b % a for a, b in zip(found, found[1:], strict=False)):
        raise ValueError(f"ratios: {found} must be increasing integers >= 1, each a multiple of the one before")
    return found


def _wide(flag, like):
    """Flags of runs, against an array of their values."""
    return flag.reshape(flag.shape + (1,) * (like.ndim - flag.ndim))


def _traced(value) -> bool:
    return isinstance(value, Tracer)


def _check(step_size, steps, every, most, watch):
    if not _traced(step_size) and not (np.all(np.asarray(step_size) > 0) and np.all(np.isfinite(step_size))):
        raise ValueError(f"step_size: {step_size} is not a step size; use a finite number > 0")
    if np.ndim(step_size):
        raise ValueError(f"step_size: shape {np.shape(step_size)}; vmap over many step sizes")
    counts = dict(every=every, **(dict(steps=steps) if most is None else dict(most=most)))
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            cure = " (or bound a traced number by most=)" if name == "steps" else ""
            raise ValueError(f"{name}: {value!r} is not a number of steps; use an integer >= 1{cure}")
    count = steps if most is None else most
    if most is not None and not _traced(steps) and not 1 <= steps <= most:
        raise ValueError(f"steps: {steps} is not in 1 .. most = {most}")
    if watch is not None and count % every:
        raise ValueError(f"every: {every} does not divide {count} steps")
