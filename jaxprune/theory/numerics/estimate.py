"""What a theory returns where an average over draws stands for an integral."""

from typing import Any, NamedTuple


class Estimate(NamedTuple):
    """A mean over draws and its standard error: two numbers, or two arrays of one shape."""

    value: Any
    error: Any
