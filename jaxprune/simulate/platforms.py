"""What runs on a CPU, and what on any other device.

Where there is an accelerator, that is chosen as a program is lowered, since its machine has a CPU too, which gets what a CPU
needs. A process that has nothing but a CPU lowers for it alone, so that its programs, by whose text samples are known, hold
nothing else; ``for_accelerators`` lowers for the others there.
"""

import contextlib
import contextvars
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


@contextlib.contextmanager
def for_accelerators() -> Iterator[None]:
    """What is traced meanwhile is for accelerators, such as to be exported for one by a machine without."""
    token = _accelerators.set(True)
    try:
        yield
    finally:
        _accelerators.reset(token)
