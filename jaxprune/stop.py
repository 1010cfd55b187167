"""What Ctrl-C and SIGTERM do to a command. It imports next to nothing, so as to be there before anything heavy."""

import os
import signal
import sys

SENTENCE = "stopped; finished tasks are kept, the same command goes on from there"
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def at_once() -> None:
    """From now on a signal ends the program at once, with a sentence. No exception: imports and libraries swallow some."""
    _handle(signal.SIGINT, _end)
    _handle(signal.SIGTERM, _end)


class ByException:
    """Inside, a signal is KeyboardInterrupt or SystemExit, so that a sweep can end its processes."""

    def __enter__(self) -> None:
        self._before = [
            (n, _handle(n, how)) for n, how in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, _exit))
        ]

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before:
            if handler is not None:
                signal.signal(number, handler)


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


def _exit(number: int, frame: object) -> None:
    sys.exit(128 + number)
