"""Progress on the host, per finished task; silent when standard error is not a terminal."""

from typing import Protocol


class Progress(Protocol):
    """What a run tells as it goes."""

    def start(self, done: int, total: int, seeds_per_task: int) -> None:
        """Before the first task: how many of ``total`` were done already."""

    def step(self, nonfinite: int) -> None:
        """One more task is done, with this many non-finite trials."""

    def stop(self) -> None:
        """The run is over, finished or not."""


class Bar:
    """A bar: done / total, trials per second, time left, non-finite trials."""

    def __init__(self, name: str):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        console = Console(stderr=True)
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
            console=console,
            disable=not console.is_terminal,
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
        speed = self._bar.tasks[0].speed
        rate = "" if speed is None else f"{speed * self._size:.3g} trials/s"
        bad = f"[red]{self._bad} non-finite[/red]" if self._bad else ""
        self._bar.update(self._task, advance=1, rate=rate, bad=bad)

    def stop(self) -> None:
        """Leave it on the screen."""
        self._bar.stop()
