"""What runs on a CPU, and what on any other device: chosen where a program is lowered, not by what this process computes on.

The CPU of a machine that has an accelerator gets what a CPU needs. A process that has nothing but a CPU lowers for it alone, so
that its programs, by whose text samples are known, hold nothing else; ``any_platform`` lowers for others there too.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import jax

_any = contextvars.ContextVar("any", default=False)


def by_platform(*operands: Any, cpu: Callable[..., Any], elsewhere: Callable[..., Any]) -> Any:
    """``cpu(*operands)`` in programs for a CPU, ``elsewhere(*operands)`` in others; both give the same shapes."""
    if jax.default_backend() == "cpu" and not _any.get():
        return cpu(*operands)
    return jax.lax.platform_dependent(*operands, cpu=cpu, default=elsewhere)


@contextlib.contextmanager
def any_platform() -> Iterator[None]:
    """What is traced meanwhile can be exported for any platform, such as for an accelerator from a machine without one."""
    token = _any.set(True)
    try:
        yield
    finally:
        _any.reset(token)
