"""What the theory accepts; anything else is a ValueError that names the argument, the value and the cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Array = NDArray[np.float64]


def vector(name: str, value: ArrayLike) -> Vector:
    """A finite one-dimensional float64 array: nothing is cast."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: is a masked array; choose what the masked entries are, and pass a plain one")
    array = np.asarray(value)
    if array.dtype != np.float64:
        raise ValueError(f"{name}: dtype {array.dtype} is not float64; convert it yourself, theory casts nothing")
    if array.ndim != 1:
        raise ValueError(
            f"{name}: shape {array.shape} is not one-dimensional; these formulas need a diagonal covariance,"
            " theory.correlated takes a matrix"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: holds {array[~np.isfinite(array)][0]}; every entry must be finite")
    return array


def spectrum(eigs: ArrayLike) -> Vector:
    """Non-negative eigenvalues, at least one of them positive."""
    array = vector("eigs", eigs)
    if array.size == 0 or np.min(array) < 0 or not np.any(array):
        smallest = np.min(array) if array.size else "none"
        raise ValueError(f"eigs: must be non-negative and not all zero; the smallest of {array.size} is {smallest}")
    return array


def triple(eigs: ArrayLike, teacher: ArrayLike, noise: float) -> tuple[Vector, Vector, float]:
    """Spectrum, teacher of the same shape, and a standard deviation."""
    eigs, teacher = spectrum(eigs), vector("teacher", teacher)
    if teacher.shape != eigs.shape:
        raise ValueError(f"teacher: shape {teacher.shape} differs from that of eigs, {eigs.shape}")
    return eigs, teacher, non_negative("noise", noise)


def covariance(value: ArrayLike) -> NDArray[np.float64]:
    """A symmetric positive semi-definite float64 matrix, not all zero; nothing is cast or repaired."""
    matrix = np.asarray(value)
    if matrix.dtype != np.float64:
        raise ValueError(f"covariance: dtype {matrix.dtype} is not float64; convert it yourself, theory casts nothing")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"covariance: shape {matrix.shape} is not square; theory.least_squares takes a diagonal")
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"covariance: holds {matrix[~np.isfinite(matrix)][0]}; every entry must be finite")
    scale = np.max(np.abs(matrix))
    if scale == 0:
        raise ValueError("covariance: is all zero")
    if (gap := np.max(np.abs(matrix - matrix.T))) > 1e-10 * scale:
        raise ValueError(f"covariance: not symmetric, entries differ by {gap:.3g}; pass (S + S.T) / 2")
    return matrix


def non_negative(name: str, value: float) -> float:
    """A finite number >= 0."""
    if np.ndim(value) != 0 or not np.issubdtype(np.asarray(value).dtype, np.number) or np.iscomplexobj(value):
        raise ValueError(f"{name}: {value!r} is not a number")
    if not 0 <= value < np.inf:
        raise ValueError(f"{name}: {value!r} is not a finite number >= 0")
    return float(value)


def integer(name: str, value: int, low: int, high: int | None = None) -> int:
    """An integer in low .. high."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name}: {value!r} is not an integer; round it yourself")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name}: {value} is " + (f"below {low}" if high is None else f"outside {low} .. {high}"))
    return int(value)


def kept_counts(kept: ArrayLike, dim: int) -> NDArray[np.int64]:
    """Kept counts: integers in 0 .. dim, of any shape."""
    array = np.asarray(kept)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"kept: {kept!r} is not a count of coefficients; turn a fraction into an integer yourself")
    if array.size and (np.min(array) < 0 or np.max(array) > dim):
        wrong = array[(array < 0) | (array > dim)].flat[0]
        raise ValueError(f"kept: {wrong} is outside 0 .. p = {dim}")
    return array.astype(np.int64)


def choice(name: str, value: str, options: tuple[str, ...]) -> str:
    """One of the given words."""
    if value not in options:
        raise ValueError(f"{name}: {value!r} is unknown; use one of {', '.join(options)}")
    return value


def index(name: str, value: ArrayLike, high: float = 2.0) -> Array:
    """Stability indices in (0, ``high``], of any shape."""
    return numbers(name, value, lambda x: (x > 0) & (x <= high), f"must lie in (0, {high:g}]")


def positive(name: str, value: ArrayLike) -> Array:
    """Finite numbers > 0, of any shape."""
    return numbers(name, value, lambda x: (x > 0) & (x < np.inf), "must be finite and > 0")


def size(name: str, value: ArrayLike) -> Array:
    """Finite numbers >= 0, of any shape."""
    return numbers(name, value, lambda x: (x >= 0) & (x < np.inf), "must be finite and >= 0")


def counts(name: str, value: ArrayLike, low: int = 1) -> Array:
    """Integers >= ``low``, of any shape, as floats."""
    if np.issubdtype(np.asarray(value).dtype, np.floating) or np.asarray(value).dtype == bool:
        raise ValueError(f"{name}: {value!r} is not an integer; round it yourself")
    return numbers(name, value, lambda x: x >= low, f"must be an integer >= {low}")


def numbers(name: str, value: ArrayLike, accepted: Callable[[Array], Any], rule: str) -> Array:
    """Real numbers of any shape that satisfy ``accepted``."""
    array = np.asarray(value)
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"{name}: {value!r} is not a real number; {rule}")
    array = array.astype(np.float64)
    if np.any(wrong := ~np.asarray(accepted(array), bool)):
        raise ValueError(f"{name}: {array[wrong].flat[0]}; {rule}")
    return array


def noise_type(name: str, value: str | int) -> int:
    """A noise type as 1, 2 or 3; "I", "II" and "III" are the same."""
    names = {"I": 1, "II": 2, "III": 3, 1: 1, 2: 2, 3: 3}
    if isinstance(value, bool) or not isinstance(value, str | int | np.integer) or value not in names:
        raise ValueError(f"{name}: {value!r} is unknown; use I, II, III or 1, 2, 3")
    return names[value]
