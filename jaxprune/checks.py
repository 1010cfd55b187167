"""What problems accept; anything else is a ValueError that names the argument, the value and the cure."""

from typing import Any

import jax
import numpy as np

NOISE_TYPES = {"I": "I", "II": "II", "III": "III", 1: "I", 2: "II", 3: "III"}


@jax.tree_util.register_static
class NoiseType(str):
    """A type of noise in a field that may hold a law instead: part of the program, where a law is data."""


def check_count(name: str, value: Any, what: str, low: int = 1, high: int | None = None) -> None:
    """An integer >= ``low``, and <= ``high`` where it is given."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):
        bounds = f">= {low}" if high is None else f"in {low} .. {high}"
        raise ValueError(f"{name}: {value!r} is not a number of {what}; use an integer {bounds}")


def check_schedule(problem: Any) -> None:
    """``steps`` of which every ``every``-th (None: the last) is followed by an evaluation, training ``accuracy`` in (0, 1], and
    a ``batch`` of at most ``data.n`` samples (None: all); fills in ``every``."""
    check_count("steps", problem.steps, "steps")
    if problem.batch is not None:
        check_count("batch", problem.batch, "samples")
        if problem.batch > problem.data.n:
            raise ValueError(f"batch: {problem.batch} of {problem.data.n} training samples without replacement; use fewer")
    every = problem.steps if problem.every is None else problem.every
    check_count("every", every, "steps")
    object.__setattr__(problem, "every", every)
    if problem.steps % every:
        raise ValueError(f"every: {every} does not divide {problem.steps} steps; evaluations must reach the end")
    if not 0 < problem.accuracy <= 1:
        raise ValueError(f"accuracy: {problem.accuracy} is not a fraction of right answers; use a number in (0, 1]")


def noise_type(name: str, value: Any) -> str:
    """The type of a neuron's noise, "I", "II" or "III", also of 1, 2, 3."""
    if isinstance(value, bool) or not isinstance(value, str | int | np.integer) or value not in NOISE_TYPES:
        raise ValueError(f"{name}: {value!r} is not a type of noise; use 'I', 'II', 'III' or 1, 2, 3")
    return NOISE_TYPES[value]


def noise_or_law(name: str, value: Any) -> Any:
    """A type of noise, or a law: a pytree with ``increment(key, shape, step_size)``, such as one of ``simulate.stable``."""
    if isinstance(value, type) or not callable(getattr(value, "increment", None)):
        return NoiseType(noise_type(name, value))
    if any(leaf is value for leaf in jax.tree.leaves(value)):
        raise ValueError(f"{name}: {type(value).__name__} is no pytree; decorate the law with jaxprune.struct.struct")
    return value


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
