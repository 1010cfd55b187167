"""What runs on a CPU, and what on any other device.

Where there is an accelerator, that is chosen as a program is lowered, since its machine has a CPU too, which gets what a CPU
needs. A process that has nothing but a CPU lowers for it alone, so that its programs, by whose text samples are known, hold
nothing else; ``for_accelerators`` lowers for the others there.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax

_accelerators = contextvars.ContextVar("accelerators", default=False)


def by_platform(*operands: Any, cpu: Callable[..., Any], elsewhere: Callable[..., Any]) -> Any:
    """``cpu(*operands)`` in programs for a CPU, ``elsewhere(*operands)`` in others; both give the same shapes."""
    if _accelerators.get():
        return elsewhere(*operands)
    if jax.default_backend() == "cpu":
        return cpu(*operands)
    return jax.lax.platform_dependent(*operands, cpu=cpu, default=elsewhere)


def each(function: Callable[[Any], Any], values: Any, together: int | None = None) -> Any:
    """``function`` of every slice along the first axis of ``values``: one after another on a CPU, whose cache each fills;
    elsewhere all at once, or ``together`` at a time where more would need much memory."""
    in_turn = functools.partial(jax.lax.map, function)
    at_once = jax.vmap(function) if together is None else functools.partial(in_turn, batch_size=together)
    return by_platform(values, cpu=in_turn, elsewhere=at_once)


@contextlib.contextmanager
def for_accelerators() -> Iterator[None]:
    """What is traced meanwhile is for accelerators, such as to be exported for one by a machine without."""
    token = _accelerators.set(True)
    try:
        yield
    finally:
        _accelerators.reset(token)
