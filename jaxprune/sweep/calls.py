"""What a call of a device carries: a task on a CPU; on an accelerator blocks of seeds, of many points of one signature."""

import collections
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import jax

from jaxprune.sweep.experiment import Point

MOST_TASKS = 64  # of one call: more gain little, and a kill loses the calls in flight
Task = tuple[Any, Point, int]  # where it is kept, its grid point, its block of seeds


class Batch(NamedTuple):
    """How many grid ``points``, ``blocks`` of seeds of each, and ``seeds`` of a block an accelerator works on at once."""

    points: int
    blocks: int
    seeds: int


class Call(NamedTuple):
    """Grid points, the blocks of seeds of each, as many for each, and where their samples are kept, point by point; None for
    what only fills the batch."""

    points: list[Point]
    blocks: list[list[int]]
    chunks: list[Any]

    @property
    def tasks(self) -> list[Any]:
        """Where samples are kept."""
        return [chunk for chunk in self.chunks if chunk is not None]


def alone() -> bool:
    """Whether a call carries one task, of seeds one after another: on a CPU, where a batched factorisation can hang."""
    return jax.default_backend() == "cpu"


def batches(points: int, blocks: int, seeds: int, devices: int) -> Iterator[Batch]:
    """Batches of ``points`` of one signature with ``blocks`` of ``seeds`` each: from the largest of which there is about one
    for each of the ``devices``, to one seed at a time."""
    most = min(MOST_TASKS, -(-points * blocks // devices))
    wide = _even(blocks, most)
    high = _even(points, max(most // wide, 1))
    while high * wide > 1:
        yield Batch(high, wide, seeds)
        high, wide = (-(-high // 2), wide) if high > 1 else (1, -(-wide // 2))
    yield from (Batch(1, 1, size) for size in range(seeds, 0, -1) if seeds % size == 0)


def _even(total: int, most: int) -> int:
    """The size of the parts of ``total`` things, as equal as can be, with at most ``most`` in each."""
    return -(-total // -(-total // most))


def planned(tasks: Iterable[Task], batch: Batch | None, signature: Callable[[Point], Hashable]) -> Iterator[Call]:
    """The calls that do these tasks, in their order where each is a call of its own. A row or a call that is not full repeats
    its last block or point."""
    if batch is None:
        yield from (Call([point], [[block]], [chunk]) for chunk, point, block in tasks)
        return
    rows: dict[Hashable, dict[tuple, list[Task]]] = collections.defaultdict(lambda: collections.defaultdict(list))
    for task in tasks:
        rows[signature(task[1])][tuple(task[1].items())].append(task)
    for of_points in rows.values():
        short = [part for row in of_points.values() for part in _parts(row, batch.blocks)]
        yield from (_call(part, batch) for part in _parts(short, batch.points))


def _parts(items: Sequence[Any], size: int) -> list[Any]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _call(rows: list[list[Task]], batch: Batch) -> Call:
    points = [row[0][1] for row in rows]
    blocks = [_filled([block for _, _, block in row], batch.blocks) for row in rows]
    chunks = [chunk for row in rows for chunk in [*(task[0] for task in row), *[None] * (batch.blocks - len(row))]]
    spare = [None] * (batch.blocks * (batch.points - len(rows)))
    return Call(_filled(points, batch.points), _filled(blocks, batch.points), chunks + spare)


def _filled(items: list[Any], size: int) -> list[Any]:
    return items + [items[-1]] * (size - len(items))
