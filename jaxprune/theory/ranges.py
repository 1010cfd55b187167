"""Numbers and arrays inside an interval, and the way back to a float; anything else is a ValueError."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def inside(name: str, value: ArrayLike, low: float, high: float, ends: str = "()", cure: str = "") -> Array:
    """``value`` as float64, every entry between ``low`` and ``high``; ``ends`` tells which end belongs, as in "(]"."""
    array = np.asarray(value)
    if array.dtype == bool or not np.issubdtype(array.dtype, np.number) or np.iscomplexobj(array):
        raise ValueError(f"{name}: {value!r} is not a real number; give numbers in {ends[0]}{low:g}, {high:g}{ends[1]}")
    array = array.astype(float)
    above = array >= low if ends[0] == "[" else array > low
    below = array <= high if ends[1] == "]" else array < high
    if not np.all(above & below):
        wrong = array[~(above & below)].flat[0]
        raise ValueError(f"{name}: {wrong:g} is outside {ends[0]}{low:g}, {high:g}{ends[1]}; {cure or 'choose one inside'}")
    return array


def whole(name: str, value: ArrayLike, low: int) -> Array:
    """Whole numbers, at least ``low``, as float64."""
    array = inside(name, value, low, np.inf, "[)", f"give a whole number, {low} or more")
    if np.any(array != np.floor(array)):
        raise ValueError(f"{name}: {array[array != np.floor(array)].flat[0]:g} is not a whole number; round it yourself")
    return array


def index(alpha: ArrayLike, gaussian: bool = False) -> Array:
    """A stable index in (0, 2), or (0, 2] where ``gaussian``."""
    return inside("alpha", alpha, 0, 2, "(]" if gaussian else "()", "a stable index is above 0 and at most 2 (2: Gaussian)")


def fraction_kept(kappa: ArrayLike) -> Array:
    """A fraction kept, in (0, 1]."""
    return inside("kappa", kappa, 0, 1, "(]", "give the fraction kept, not the fraction removed")


def kept_of(kappa: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    """A fraction kept and a width of which it keeps at least one."""
    fraction, width = fraction_kept(kappa), whole("n", n, 1)
    if np.any(np.floor(fraction * width * (1 + 1e-12)) < 1):
        raise ValueError(f"kappa: {kappa} of n = {n} keeps none; raise kappa or n")
    return fraction, width


def shaped(value: ArrayLike) -> Any:
    """A float for a single number, else the array."""
    array = np.asarray(value, float)
    return float(array) if array.ndim == 0 else array
