"""What problems and simulations accept; anything else is a ValueError that names the argument, the value and the cure."""

import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

NOISE_TYPES = {"I": "I", "II": "II", "III": "III", 1: "I", 2: "II", 3: "III"}


@jax.tree_util.register_static
class NoiseType(str):
    """A type of noise in a field that may hold a law instead: part of the program, where a law is data."""


class Interval:
    """Real numbers between two ends, as in "(0, 2]". An infinite end is left out unless it is closed: "(0, inf)" are finite."""

    def __init__(self, text: str):
        self.text = text
        self.low, self.high = (float(end) for end in text[1:-1].split(","))
        self.above = operator.ge if text[0] == "[" else operator.gt
        self.below = operator.le if text[-1] == "]" else operator.lt

    def named(self, noun: str) -> str:
        """``noun`` and what is asked of it: "number" may become "finite number > 0"."""
        if self.high < np.inf:
            return f"{noun} in {self.text}"
        finite = noun if self.below is operator.le else f"finite {noun}"
        return finite if self.low == -np.inf else f"{finite} {'>' if self.above is operator.gt else '>='} {self.low:g}"

    def holds(self, values: Any) -> Any:
        """Where values are inside; NaN never is."""
        return self.above(values, self.low) & self.below(values, self.high)

    def check(self, name: str, value: Any, cure: str) -> np.ndarray:
        """``value``, a number or an array, as an array of real numbers that are all inside."""
        array = np.asarray(value)
        if not (jnp.issubdtype(array.dtype, jnp.floating) or jnp.issubdtype(array.dtype, jnp.integer)):
            shown = f"dtype {array.dtype}" if array.ndim else repr(value)
            raise ValueError(f"{name}: {shown} is not a real number; use {cure}")
        # The two extremes stand for all, so that data as large as memory need no mask of their own.
        if array.size and not (self.holds(array.min()) and self.holds(array.max())):
            raise ValueError(f"{name}: {array[~self.holds(array)].flat[0]} is out of range; use {cure}")
        return array


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


def noise_or_law(name: str, value: Any) -> Any:
    """A type of noise, or a law: a pytree with ``increment(key, shape, step_size)``, such as one of ``simulate.stable``."""
    if isinstance(value, type) or not callable(getattr(value, "increment", None)):
        return NoiseType(noise_type(name, value))
    if any(leaf is value for leaf in jax.tree.leaves(value)):
        raise ValueError(f"{name}: {type(value).__name__} is no pytree; decorate the law with jaxprune.struct.struct")
    return value
