"""Progress on the host, per finished task: a bar where standard error is a terminal, a line a minute elsewhere."""

import datetime
import sys
import time
from typing import Protocol

LINE_SECONDS = 60.0


class Progress(Protocol):
    """What a run tells as it goes."""

    def start(self, done: int, total: int, seeds_per_task: int) -> None:
        """Before the first task: how many of ``total`` were done already."""

    def step(self, nonfinite: int) -> None:
        """One more task is done, with this many non-finite trials."""

    def say(self, words: str) -> None:
        """Something that those who wait should know."""

    def stop(self) -> None:
        """The run is over, finished or not."""


def shown(name: str) -> Progress:
    """What suits standard error."""
    return Bar(name) if sys.stderr.isatty() else Lines(name)


class Bar:
    """A bar: done / total, trials per second, time left, non-finite trials."""

    def __init__(self, name: str):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tasks, {task.fields[rate]},"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            TextColumn("{task.fields[bad]}"),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(name, total=None, rate="compiling", bad="")
        self._size, self._bad = 1, 0

    def start(self, done: int, total: int, seeds_per_task: int) -> None:
        """Show the bar."""
        self._size = seeds_per_task
        self._bar.update(self._task, completed=done, total=total)
        self._bar.start()

    def step(self, nonfinite: int) -> None:
        """Advance it."""
        self._bad += nonfinite
        self._bar.update(self._task, advance=1, bad=f"[red]{self._bad} non-finite[/red]" if self._bad else "")
        if speed := self._bar.tasks[0].speed:  # unknown until two tasks are done
            self._bar.update(self._task, rate=f"{speed * self._size:.3g} trials/s")

    def say(self, words: str) -> None:
        """Above it."""
        self._bar.console.print(words)

    def stop(self) -> None:
        """Leave it on the screen."""
        self._bar.stop()


class Lines:
    """The same for a log file: a line at the start, and one for the first task that ends a minute after the last line."""

    def __init__(self, name: str):
        self._name, self._size, self._bad = name, 1, 0
        self._held = self._done = self._total = 0
        self._began = self._last = time.monotonic()

    def start(self, done: int, total: int, seeds_per_task: int) -> None:
        """Say what is ahead."""
        self._held, self._done, self._total, self._size = done, done, total, seeds_per_task
        self._began = self._last = time.monotonic()
        self.say(f"{total - done} tasks to do, {done} done before")

    def step(self, nonfinite: int) -> None:
        """Count, and now and then say so."""
        self._done, self._bad, now = self._done + 1, self._bad + nonfinite, time.monotonic()
        if now - self._last < LINE_SECONDS:
            return
        self._last, passed, here = now, now - self._began, self._done - self._held
        bad = f", {self._bad} non-finite" if self._bad else ""
        rate, left = here * self._size / passed, (self._total - self._done) * passed / here
        clock = f"{_clock(passed)} elapsed, {_clock(left)} left"
        self.say(f"{self._done}/{self._total} tasks, {rate:.3g} trials/s, {clock}{bad}")

    def stop(self) -> None:
        """Nothing: what comes of the run is for the caller to tell."""

    def say(self, words: str) -> None:
        """A line of its own."""
        sys.stderr.write(f"{self._name}: {words}\n")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
