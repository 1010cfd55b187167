"""Ctrl-C and SIGTERM while a run is on: never lost, never in the middle of a write."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


class Terminated(SystemExit):
    """SIGTERM, which schedulers send, as an exception: the exit status is that of a process ended by it."""

    signal = signal.SIGTERM

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class Interrupts:
    """Turns signals into exceptions for the duration of a ``with`` block, in the main thread and where nobody else handles
    them. A signal that arrives in a ``held`` block waits for its end; one that other code has swallowed is raised by
    ``check``."""

    def __init__(self) -> None:
        self._received: int | None = None
        self._holding = False
        self._before: dict[int, object] = {}
        self._report = sys.unraisablehook

    def __enter__(self) -> "Interrupts":
        self._report, sys.unraisablehook = sys.unraisablehook, self._swallowed
        if threading.current_thread() is threading.main_thread():
            for number, default in SIGNALS.items():
                if signal.getsignal(number) is default or getattr(signal.getsignal(number), "yields", False):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        sys.unraisablehook = self._report
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, _: FrameType | None) -> None:
        self._received = number
        if not self._holding:
            self.check()

    def _swallowed(self, lost: "sys.UnraisableHookArgs") -> None:
        """Python prints what is raised while it collects garbage, and goes on; of ours ``check`` tells."""
        if self._received is None or not isinstance(lost.exc_value, KeyboardInterrupt | Terminated):
            self._report(lost)

    def check(self) -> None:
        """Raise what has been received: KeyboardInterrupt or Terminated."""
        if self._received is not None:
            raise KeyboardInterrupt if self._received == signal.SIGINT else Terminated

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No exception inside: what is begun is ended first."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        self.check()
