"""``jaxprune`` and ``python -m jaxprune``: what must be settled before anything heavy is imported."""

import io
import os
import sys

from jaxprune.cli import stop


def main() -> None:
    """Settle signals and encodings, then parse and do."""
    _in_unicode()
    stop.at_once()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # there is none after >&-
            # Letters that a terminal lacks are escaped; lines are out when a signal ends the program.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    from jaxprune.cli.entry import main as command

    command()


def _in_unicode() -> None:
    """Start again in UTF-8 where the locale knows ASCII alone, in which neither arguments nor paths have other letters."""
    if sys.getfilesystemencoding() == "ascii":
        command = [sys.executable, "-X", "utf8", *sys.orig_argv[1:]]
        os.execve(sys.executable, command, {**os.environ, "PYTHONUTF8": "1"})


if __name__ == "__main__":
    main()
