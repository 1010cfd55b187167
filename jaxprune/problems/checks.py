"""What problems accept; anything else is a ValueError that names the argument, the value and the cure."""

from typing import Any

import numpy as np


def check_count(name: str, value: Any, what: str) -> None:
    """An integer >= 1."""
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: {value!r} is not a number of {what}; use an integer >= 1")


def check_numbers(problem: Any, names: tuple[str, ...]) -> None:
    """Finite floating-point leaves, among them ``noise``, a standard deviation."""
    if isinstance(problem.noise, int | np.integer) and not isinstance(problem.noise, bool):
        object.__setattr__(problem, "noise", float(problem.noise))
    for name in names:
        value = np.asarray(getattr(problem, name))
        if not hasattr(getattr(problem, name), "shape"):
            object.__setattr__(problem, name, value)
        if not np.issubdtype(value.dtype, np.floating):
            raise ValueError(f"{name}: dtype {value.dtype} would be cast silently; pass floating-point numbers")
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name}: holds NaN or infinity")
    if np.ndim(problem.noise) != 0 or problem.noise < 0:
        raise ValueError(f"noise: {problem.noise} is not a standard deviation; use one number >= 0")
