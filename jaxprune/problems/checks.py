"""What problems accept; anything else is a ValueError that names the argument, the value and the cure."""

from typing import Any

import numpy as np

NOISE_TYPES = {"I": "I", "II": "II", "III": "III", 1: "I", 2: "II", 3: "III"}


def check_count(name: str, value: Any, what: str, low: int = 1, high: int | None = None) -> None:
    """An integer >= ``low``, and <= ``high`` where it is given."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        bounds = f">= {low}" if high is None else f"in {low} .. {high}"
        raise ValueError(f"{name}: {value!r} is not a number of {what}; use an integer {bounds}")


def noise_type(name: str, value: Any) -> str:
    """The type of a neuron's noise, "I", "II" or "III", also of 1, 2, 3."""
    if isinstance(value, bool) or not isinstance(value, str | int | np.integer) or value not in NOISE_TYPES:
        raise ValueError(f"{name}: {value!r} is not a type of noise; use 'I', 'II', 'III' or 1, 2, 3")
    return NOISE_TYPES[value]


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
            raise ValueError(f"{name}: holds NaN or infinity; every number must be finite")
    if np.ndim(problem.noise) != 0 or problem.noise < 0:
        raise ValueError(f"noise: {problem.noise} is not a standard deviation; use one number >= 0")
