"""Euler's scheme for stochastic differential equations driven by Lévy processes, ``dX = b(X) dt + dL``.

There is one integrator: diffusions, particle systems and stochastic gradient descent are its drifts. Noise is drawn
inside the loop from keys folded with the absolute step, so that neither chunks, nor a resume, nor other runs in the
same batch change a bit. Derivations: guide/sde.md.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_key, check_step_size, summary, traced
from jaxprune.simulate.sde.stepping import (
    Guard,
    Law,
    State,
    Tree,
    begin,
    check_drift,
    drifts,
    increments,
    per_leaf,
    step,
    two_sum,
    unzip,
)
from jaxprune.struct import struct

__all__ = ["Guard", "State", "Trajectory", "begin", "coupled", "euler", "gaps"]


@struct
class Trajectory:
    """The last ``state``: ``state.value`` the numbers, ``state.alive`` whether the run has not diverged, ``state.first_bad``
    the step at which it did (-1: none), ``state.step`` the step reached; ``watched``, a pytree with a leading axis of records
    (at the start, then every so many steps); and the ``guard`` that was on."""

    state: State
    watched: Any
    guard: Guard

    def __repr__(self) -> str:
        state, watched, guard = jax.tree.map(summary, (self.state, self.watched, self.guard))
        return f"Trajectory(state={state}, watched={watched}, guard={guard})"


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
) -> Trajectory:
    """``X <- X + step_size * drift(X) + increment``, many times. Of the path ``path.state.value`` is X at the end.

    ``step_size``, the numbers in ``law``, ``drift``, ``guard``, and ``start`` can be traced and vmapped: seeds, tail indices
    and step sizes are one program. A run that is not alive, as ``path.state.alive`` says, rests at its last good value; leave
    such runs out, ``path.state.value[path.state.alive]``, before a histogram or a mean. Many small runs cost several times less
    as ``rows`` than under ``jax.vmap`` over keys, where every run hashes its own key at every step. Source: guide/sde.md,
    Euler's scheme.

    Args:
        drift: Value to velocity, in the same shapes. One with ``random = True`` is called ``drift(value, key)``.
        law: The noise over unit time, one law for every leaf of the value, or a pytree of laws with its structure; None: no
            noise.
        start: A value (an array, or a pytree of arrays, in the precision of the program), or the ``State`` of a run to go on
            from.
        key: One typed JAX key.
        step_size: Time of one step, > 0.
        steps: How many, >= 1; may be traced where ``most`` bounds it: then a run rests once it has made them, so that step
            sizes share a horizon.
        watch: What is recorded of a value, at the start and after every ``every`` steps; None: nothing.
        every: Steps between records, >= 1; it divides the steps, or ``most``.
        guard: Safeguards; None: only values that are not finite end a run.
        most: The largest number of steps, static; None: ``steps``, which is static then.
        rows: Whether the rows of the value are runs of their own, that live and die on their own (and share a key):
            ``state.alive`` has an entry per row. Otherwise the whole value is one run: one bad entry stops it.

    Returns:
        The path: where the run is, whether it is finite and within the cap, and the records.

    Raises:
        ValueError: For a step size that is not positive, steps or records that are not positive integers or do not fit, values
            that are not floating-point, a list of numbers, what is no law, and a drift that cannot be called or has another
            shape.
    """
    guard = Guard() if guard is None else guard
    count = _check(key, step_size, steps, every, most, watch)
    state = start if isinstance(start, State) else begin(start, guard, rows=rows)
    laws = per_leaf(law, state.value)
    check_drift(drift, state.value, key)
    limit = None if most is None else state.step + steps

    def advance(state, _):
        return step(drift, laws, key, step_size, guard, limit, state), None

    return Trajectory(*_watched(advance, state, watch, count, every), guard)


def _watched(advance, state, watch, count, every) -> tuple[State, Any]:
    """The state after ``count`` steps, and what ``watch`` saw at the start and after every ``every`` steps."""
    if watch is None:
        return jax.lax.scan(advance, state, length=count)[0], None

    def record(carry, place):
        state, seen = carry
        state, _ = jax.lax.scan(advance, state, length=every)
        return (state, jax.tree.map(lambda a, new: a.at[place].set(new), seen, watch(state.value))), None

    # One array, filled in place: to put the first record before those of a scan would hold all of them twice.
    first, records = watch(state.value), count // every
    seen = jax.tree.map(lambda a: jnp.broadcast_to(a, (records + 1, *jnp.shape(a))), first)
    return jax.lax.scan(record, (state, seen), jnp.arange(1, records + 1))[0]


def coupled(
    drift: Callable, law: Law, start: Tree, key: Key[Array, ""], *, step_size: Any, steps: int, ratios: Sequence[Any]
) -> Tree:
    """Values after a time on grids of several step sizes, all driven by one path.

    The increment of a coarse grid is the sum of its fine ones. One scan over the finest grid, whose noise is that of ``euler``
    at its step size; a coarse grid moves once its fine ones have, so the work is that of the finest plus a fraction. A run that
    diverges ends non-finite. Source: guide/sde.md, Two grids.

    Args:
        drift, law, start, key: As of ``euler``.
        step_size: Time of one step of ratio 1, > 0.
        steps: Number of such steps, >= 1: the time is ``steps * step_size``.
        ratios: A grid has steps of ``step_size / ratio``; increasing integers >= 1, each a multiple of the one before.

    Returns:
        Values at the end, with one leading axis of ratios.

    Raises:
        ValueError: For what ``euler`` refuses and for ratios that are not increasing integers >= 1, each a multiple of the one
            before.
    """
    grids = _grids(drift, law, start, key, step_size, steps, ratios)
    return jax.tree.map(lambda *ends: jnp.stack(ends), *(jax.tree.map(jnp.add, *grid) for grid in grids))


def gaps(
    drift: Callable, law: Law, start: Tree, key: Key[Array, ""], *, step_size: Any, steps: int, ratios: Sequence[Any]
) -> Tree:
    """What ``coupled`` gives on every grid, minus that on the finest, without the rounding of either.

    A gap is O(step_size) of what may be a huge number.

    Args:
        drift, law, start, key: As of ``euler``.
        step_size: Time of one step of ratio 1, > 0.
        steps: Number of such steps, >= 1.
        ratios: As of ``coupled``; the last is that of the finest grid.

    Returns:
        Differences at the end, with one leading axis of ratios, less the last.

    Raises:
        ValueError: As ``coupled`` does, and for a single ratio.
    """
    *coarse, finest = _grids(drift, law, start, key, step_size, steps, ratios)
    if not coarse:
        raise ValueError(f"ratios: {tuple(ratios)} has one grid; a gap needs two")
    pairs = [jax.tree.map(lambda a, b, c, d: (a - b) + (c - d), g[0], finest[0], g[1], finest[1]) for g in coarse]
    return jax.tree.map(lambda *ends: jnp.stack(ends), *pairs)


def _grids(drift, law, start, key, step_size, steps, ratios):
    """The value of every grid as a compensated sum: (value, what its rounding lost)."""
    _check(key, step_size, steps, 1, None, None)
    ratios = _chain(ratios)
    value = begin(start).value
    check_drift(drift, value, key)
    laws, finest, off = per_leaf(law, value), ratios[-1], Guard()
    nothing = (jax.tree.map(jnp.zeros_like, value),) * 2

    def advance(level, grids, done):
        """One step of a grid and those finer than it: all grids, the number of finest steps, the increment."""
        ratio = ratios[level]
        if ratio == finest:
            noise, done = (increments(laws, key, value, step_size / finest, done), nothing[1]), done + 1
        else:

            def child(carry, _):
                grids, done, total = carry
                grids, done, (noise, lost) = advance(level + 1, grids, done)
                return (grids, done, _add(_add(total, noise), lost)), None

            (grids, done, noise), _ = jax.lax.scan(child, (grids, done, nothing), length=ratios[level + 1] // ratio)
        place, size = grids[level], step_size / ratio
        moves = drifts(drift, place[0], key, done // (finest // ratio) - 1, size, off)
        moved = _add(_add(_add(place, jax.tree.map(lambda b: size * b, moves)), noise[0]), noise[1])
        return (*grids[:level], moved, *grids[level + 1 :]), done, noise

    def whole(carry, _):
        return advance(0, *carry)[:2], None

    first = (((value, nothing[1]),) * len(ratios), jnp.zeros((), jnp.int32))
    (grids, _), _ = jax.lax.scan(whole, first, length=steps * ratios[0])
    return grids


def _add(total: tuple[Tree, Tree], term: Tree) -> tuple[Tree, Tree]:
    """A compensated sum: what rounding lost is kept beside it, folded back as soon as it can be seen."""

    def one(x, low, y):
        high, lost = two_sum(x, y)
        return two_sum(high, low + lost)

    return unzip(jax.tree.map(one, *total, term), term)


def _chain(ratios):
    """Ratios as a tuple of integers, each a multiple of the one before."""
    found = tuple(ratios)
    whole = all(isinstance(r, int | np.integer) and not isinstance(r, bool) and r >= 1 for r in found)
    if not found or not whole or any(b <= a or b % a for a, b in itertools.pairwise(found)):
        raise ValueError(f"ratios: {found} must be increasing integers >= 1, each a multiple of the one before")
    return found


def _check(key, step_size, steps, every, most, watch) -> int:
    """The static number of steps."""
    check_key(key)
    check_step_size(step_size)
    if np.ndim(step_size):
        raise ValueError(f"step_size: shape {np.shape(step_size)} is not that of one number; vmap over many step sizes")
    check_count("every", every, "steps between records")
    if most is None:
        check_count("steps", steps, "steps known now (a traced one is bounded by most=)")
    else:
        check_count("most", most, "steps")
    count = steps if most is None else most
    if most is not None and not traced(steps):
        check_count("steps", np.asarray(steps).item() if np.ndim(steps) == 0 else steps, "steps", 1, most)
    if watch is not None and count % every:
        raise ValueError(f"every: {every} does not divide {count} steps (of a chunk, in chunks); records must reach the end")
    return count
