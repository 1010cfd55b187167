"""What Ctrl-C and SIGTERM do to a command. It imports next to nothing, so as to be there before anything heavy."""

import contextlib
import os
import signal

SENTENCE = "stopped; of a run the finished tasks are kept, and the same command goes on from there"
INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def at_once() -> None:
    """From now on a signal ends the program at once, with a sentence. No exception: imports and libraries swallow some."""
    _handle(signal.SIGINT, _end)
    _handle(signal.SIGTERM, _end)


def _handle(number: int, handler) -> None:
    """Unless signals are ignored, as under nohup, or are another thread's."""
    if signal.getsignal(number) is not signal.SIG_IGN:
        with contextlib.suppress(ValueError):
            signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    try:
        os.write(2, f"{SENTENCE}\n".encode())
    finally:
        os._exit(128 + number)


_end.yields = True  # type: ignore[attr-defined]  # to a sweep, which has processes to end and writes to finish
