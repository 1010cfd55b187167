"""A worker process: reads pickled calls from its standard input, writes pickled outcomes to its standard output.

It ends when its driver does: the pipe closes.
"""

import os
import pickle
import struct
from typing import BinaryIO

HEADER = struct.Struct("<Q")


def send(stream: BinaryIO, value: object) -> None:
    """Write one length-prefixed pickle."""
    blob = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    stream.write(HEADER.pack(len(blob)) + blob)
    stream.flush()


def receive(stream: BinaryIO) -> object:
    """Read one; EOFError when the other side is gone."""
    head = stream.read(HEADER.size)
    if len(head) < HEADER.size:
        raise EOFError
    (size,) = HEADER.unpack(head)
    blob = stream.read(size)
    if len(blob) < size:
        raise EOFError
    return pickle.loads(blob)


def main() -> None:
    """Serve calls until the driver closes the pipe. What a task prints goes to standard error."""
    calls, outcomes = os.fdopen(0, "rb", closefd=False), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            function, arguments = receive(calls)  # type: ignore[misc]
        except EOFError:
            return
        try:
            outcome = (True, function(*arguments))
        except Exception as error:
            outcome = (False, _portable(error))
        try:
            send(outcomes, outcome)
        except BrokenPipeError:
            os._exit(0)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
