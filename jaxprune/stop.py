"""What Ctrl-C and SIGTERM do to a command. It imports next to nothing, so as to be there before anything heavy."""

import os
import signal
import sys

SENTENCE = "stopped; finished tasks are kept, the same command goes on from there"
MOMENT, PATIENCE = 0.05, 5.0  # seconds until an exception that was swallowed, or may have been, is raised again
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def at_once() -> None:
    """From now on a signal ends the program at once, with a sentence. No exception: imports and libraries swallow some."""
    _handle(signal.SIGINT, _end)
    _handle(signal.SIGTERM, _end)


class ByException:
    """Inside, a signal is KeyboardInterrupt or SystemExit, so that a sweep can end its processes.

    An exception in a callback of a library is swallowed, and then raised again a moment later.
    """

    def __enter__(self) -> None:
        self._number, self._hook = signal.SIGINT, sys.unraisablehook
        sys.unraisablehook = self._swallowed
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
        self._before = [(number, _handle(number, self._raise)) for number in wanted]

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number, handler in self._before:
            if handler is not None:
                signal.signal(number, handler)

    def _raise(self, number: int, frame: object) -> None:
        if number != signal.SIGALRM:
            self._number = number
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        if self._number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(TERMINATED)

    def _swallowed(self, unraisable) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt | SystemExit):
            self._hook(unraisable)
            return
        self._number = signal.SIGINT if issubclass(unraisable.exc_type, KeyboardInterrupt) else signal.SIGTERM
        signal.setitimer(signal.ITIMER_REAL, MOMENT)


def _handle(number: int, handler):
    """The handler before; None where it stays, because signals are ignored (as under nohup) or are another thread's."""
    if signal.getsignal(number) is signal.SIG_IGN:
        return None
    try:
        return signal.signal(number, handler)
    except ValueError:
        return None


def _end(number: int, frame: object) -> None:
    try:
        os.write(2, f"{SENTENCE}\n".encode())
    finally:
        os._exit(128 + number)
