"""Tasks on an executor: keep it busy, write what it returns, and give up on what fails, hangs, or has nobody to run it."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any

from jaxprune.sweep import tasks
from jaxprune.sweep.calls import Call, Task, planned
from jaxprune.sweep.executors import WorkerDied
from jaxprune.sweep.experiment import Point
from jaxprune.sweep.fingerprint import said
from jaxprune.sweep.interrupts import Interrupts
from jaxprune.sweep.prepared import Prepared, place
from jaxprune.sweep.progress import Progress
from jaxprune.sweep.reading import count_nonfinite

POLL_SECONDS = 0.2
LARGE = 2**27  # bytes of one outcome, above which few wait to be written
SILENT_SECONDS = 60.0  # without an outcome, after which something is said, and a cluster without workers is given up
INDEPENDENT = (TimeoutError, WorkerDied)  # failures that say nothing about the other tasks of a point


MOST_LINES = 20


class Stopped(RuntimeError):
    """Some tasks failed; all others are in the store. ``failures``: {label: error}."""

    def __init__(self, failures: Mapping[str, BaseException], finished: int, total: int):
        self.failures = dict(failures)
        alike: dict[int, list[str]] = {}  # tasks of a point share their error
        for label, error in self.failures.items():
            alike.setdefault(id(error), []).append(label)
        lines = []
        for labels in alike.values():
            more = f" and {len(labels) - 1} more tasks there" if len(labels) > 1 else ""
            lines.append(f"  {labels[0]}{more}: {said(self.failures[labels[0]])}")
        rest = [f"  and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        head = f"{len(self.failures)} of {total} tasks failed, {finished} are done:"
        super().__init__("\n".join([head, *lines[:MOST_LINES], *rest]))


class Drive:
    """One pass over the tasks that are left."""

    def __init__(
        self,
        executor: Executor,
        prepared: Prepared,
        sink: Any,
        time_limit: float | None,
        bar: Progress,
        interrupts: Interrupts,
    ):
        self._executor, self._prepared, self._sink, self._limit = executor, prepared, sink, time_limit
        self._bar, self._interrupts = bar, interrupts
        self._window = getattr(executor, "window", 256)
        batch = prepared.batch
        if prepared.task_bytes * (batch.points * batch.blocks if batch else 1) > LARGE:
            self._window = max(self._window // 2, 1)
        self._pending: dict[Future, tuple[Call, float | None]] = {}
        self._failures: dict[str, BaseException] = {}
        self._lost: dict[tuple, BaseException] = {}  # points at which nothing more is tried
        self._finished = 0
        self._heard = self._told = time.monotonic()
        self._peopled = bool(_workers(executor))

    def run(self, todo: Sequence[Task], held: int) -> None:
        """Do them all. Raises Stopped at the end when some failed."""
        waiting = planned(todo, self._prepared.batch, self._prepared.signature)
        try:
            while self._submit(waiting) or self._pending:
                ready, _ = wait(list(self._pending), timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                self._interrupts.check()
                for future in ready:
                    self._take(future)
                if ready:
                    self._heard = time.monotonic()
                self._give_up()
        finally:
            for future in self._pending:
                future.cancel()
        if self._failures:
            raise Stopped(self._failures, held + self._finished, held + len(todo))

    def _submit(self, waiting: Any) -> bool:
        """Fill the window; whether anything was submitted or refused."""
        while len(self._pending) < self._window:
            if (call := next(waiting, None)) is None:
                return False
            try:
                for point in call.points:
                    self._refuse_lost(point)
                common = self._prepared.common(call.points)
            except Exception as error:
                self._fail(call, error)
                continue
            with self._interrupts.held():  # in this process it computes, and a program that ends meanwhile may crash
                self._pending[self._executor.submit(tasks.execute, common, call.points, call.blocks)] = call, None
        return True

    def _fail(self, call: Call, error: BaseException) -> None:
        self._failures.update({self._sink.label(chunk): error for chunk in call.tasks})

    def _refuse_lost(self, point: Point) -> None:
        error = self._prepared.failed.get(place(point)) or self._lost.get(place(point))
        if error is not None:
            raise error

    def _take(self, future: Future) -> None:
        call, _ = self._pending.pop(future)
        error = WorkerDied("it was cancelled elsewhere") if future.cancelled() else future.exception()
        if error is not None:
            self._fail(call, error)
            if not isinstance(error, INDEPENDENT):
                self._lost.update({place(point): error for point in call.points})
            return
        for chunk, outcome in zip(call.chunks, future.result(), strict=True):
            if chunk is None:
                continue
            with self._interrupts.held():
                self._sink.write(chunk, outcome)
            self._finished += 1
            self._bar.step(count_nonfinite(outcome["metrics"].values()))

    def _give_up(self) -> None:
        """Stop waiting for tasks that hang where the executor does not end them, and for workers that are gone."""
        now = time.monotonic()
        if self._limit is not None:
            patience = 1.5 * self._limit + 5
            quiet = now - self._heard > patience  # an executor may never say that a task is running
            for future, (call, since) in list(self._pending.items()):
                if since is None and future.running():
                    self._pending[future] = call, now
                elif quiet or (since is not None and now - since > patience):
                    self._drop(future, TimeoutError(f"no answer within {self._limit:g} s; it hangs, or no worker is there"))
        if now - max(self._heard, self._told) > SILENT_SECONDS:
            self._told, people = now, _workers(self._executor)
            if people == 0 and (self._peopled or self._finished):
                for future in list(self._pending):
                    self._drop(future, WorkerDied("all workers of the cluster are gone; start some and run again"))
            elif self._limit is None:
                who = "no worker is connected" if people == 0 else "a time limit would give up on tasks that hang"
                self._bar.say(f"no task has ended for {now - self._heard:.0f} s: {who}")

    def _drop(self, future: Future, error: BaseException) -> None:
        future.cancel()
        call, _ = self._pending.pop(future)
        self._fail(call, error)


def _workers(executor: Executor) -> int | None:
    """How many workers a Dask cluster has now; None for other executors."""
    client: Any = getattr(executor, "_client", None)
    if not hasattr(client, "scheduler_info"):
        return None
    try:
        return len(client.scheduler_info()["workers"])
    except Exception:  # the scheduler is gone, and its workers with it
        return 0
