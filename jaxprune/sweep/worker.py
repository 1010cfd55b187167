"""A worker process: takes calls from its driver through a pipe and sends back what they return.

It ends at once when its driver does, busy or not: the pipe closes.
"""

import builtins
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any

from jaxprune.sweep.pipe import Receiver, Sender


def main() -> None:
    """Serve calls until the driver closes the pipe. The calls' own standard input is empty, and what they print goes to
    standard error."""
    calls, outcomes = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    sys.stdin = os.fdopen(0, closefd=False)
    waiting: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(Receiver(calls), waiting), daemon=True).start()
    sender = Sender(outcomes)
    while True:
        call = waiting.get()
        broken = isinstance(call, Exception)
        try:
            sender.send((False, portable(call)) if broken else _called(*call))
        except BrokenPipeError:
            broken = True
        if broken:  # the two ends may no longer agree on their parcels: the driver starts another process
            os._exit(0)


def _listen(receiver: Receiver, waiting: queue.SimpleQueue) -> None:
    """Take calls from the pipe, also while one is busy: so the end of the driver is noticed."""
    while True:
        try:
            waiting.put(receiver.receive())
        except EOFError:
            os._exit(0)
        except Exception as error:  # such as a function that cannot be imported here
            waiting.put(error)


def _called(function: Callable[..., Any], arguments: tuple) -> tuple[bool, Any]:
    try:
        return True, function(*arguments)
    except SystemExit as stop:
        return False, RuntimeError(f"the task called sys.exit({stop.code!r})")
    except Exception as error:
        return False, portable(error)


def portable(error: Exception) -> Exception:
    """The error itself where any process knows its class and can read it, else its class and words."""
    known = type(error).__module__ == "builtins" and getattr(builtins, type(error).__name__, None) is type(error)
    try:
        words = str(error)
        pickle.loads(pickle.dumps(error))
    except Exception:
        known, words = False, words_of(error)
    return error if known else RuntimeError(f"{type(error).__name__}: {words}")


def words_of(error: BaseException) -> str:
    """What an error says, also one whose text cannot be told."""
    try:
        return str(error)
    except Exception:
        return "(its text cannot be told)"
