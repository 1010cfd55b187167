"""What every benchmark measures with: one run by the clock, the peak of the same run, ratios pair by pair."""

import os
import platform
import time
from collections.abc import Callable, Sequence
from types import ModuleType

import jax
import numpy as np


def seconds(work: Callable[[], object]) -> float:
    """One run, by the clock."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak() -> float:
    """FLOP per second of a matrix product, in the precision and with the threads of this process."""
    a = jax.random.normal(jax.random.key(0), (1024, 1024))
    product = jax.jit(lambda a: a @ a)
    jax.block_until_ready(product(a))
    return 2 * 1024**3 / min(seconds(lambda: jax.block_until_ready(product(a))) for _ in range(7))


def range_of(ratios: Sequence[float] | np.ndarray, digits: int = 1) -> str:
    """Median, and from the least to the largest."""
    return f"{np.median(ratios):.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})"


def optional(name: str) -> ModuleType | None:
    """A peer, if it is installed; it is never a dependency."""
    try:
        return __import__(name)
    except ImportError:
        print(f"without {name}: not installed, pip install {name}")
        return None


def setting(*peers: ModuleType | None) -> str:
    """Versions, cores and device."""
    versions = [f"{module.__name__} {module.__version__}" for module in (jax, np, *peers) if module is not None]
    cores = len(os.sched_getaffinity(0))
    return f"{', '.join(versions)}, Python {platform.python_version()}, {cores} cores, {jax.devices()[0].device_kind}"
