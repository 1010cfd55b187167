"""What the theory of two-layer networks accepts; anything else is a ValueError naming the argument, the value and the cure."""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments

Array = NDArray[np.floating]
SIGNS = ("free", "nonnegative")
SLACK = 1e-12  # by which a cosine may be beyond its range
LONGEST = 1e150  # of a vector, whose square is a float
LARGEST = 10**100  # of a count, which becomes a float
UNIT = 1e-10  # by which the length of a row of a frame may differ from 1


def matrix(name: str, value: ArrayLike) -> Array:
    """Real finite float64 numbers (rows, inputs), at least one of each: nothing is cast."""
    array = _array(name, value)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{name}: shape {array.shape} is not (neurons, inputs) with at least one of each")
    return arguments.vector(name, array.ravel()).reshape(array.shape)


def network(rows_name: str, rows: ArrayLike, weights_name: str, weights: ArrayLike) -> tuple[Array, Array]:
    """Rows (M, d) and one output weight for each."""
    rows, array = matrix(rows_name, rows), _array(weights_name, weights)
    if array.dtype != np.float64:
        arguments.vector(weights_name, array)  # says so
    if array.ndim != 1 or len(array) != len(rows):
        raise ValueError(
            f"{weights_name}: shape {array.shape} does not fit {len(rows)} {rows_name}; give one output weight for each row"
        )
    return rows, arguments.vector(weights_name, array)


def each_row(name: str, value: ArrayLike, rows: Array, of: str) -> Array:
    """One number for each row."""
    array = _array(name, value)
    if array.shape != (len(rows),):
        raise ValueError(f"{name}: shape {array.shape} does not fit {len(rows)} {of}; give one for each row")
    return arguments.vector(name, array)


def pair(
    rows: ArrayLike, weights: ArrayLike, target_rows: ArrayLike, target_weights: ArrayLike
) -> tuple[Array, Array, Array, Array]:
    """A network and its target, of the same inputs."""
    rows, weights = network("rows", rows, "weights", weights)
    target_rows, target_weights = network("target_rows", target_rows, "target_weights", target_weights)
    if rows.shape[1] != target_rows.shape[1]:
        raise ValueError(
            f"target_rows: {target_rows.shape[1]} inputs differ from the {rows.shape[1]} of rows; pad the narrower with zeros"
        )
    return rows, weights, target_rows, target_weights


def elements(name: str, value: object) -> list:
    """The entries of something that can be listed, other than a word."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"{name}: {value!r} is not a sequence; give a list")
    return list(value)


def flag(name: str, value: bool) -> bool:
    """True or False, nothing that stands for them."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name}: {value!r} is not a bool; give True or False")
    return bool(value)


def frame(value: ArrayLike, complex_too: bool = False) -> NDArray:
    """Unit rows (M, d); complex ones only where ``complex_too``."""
    array = np.asarray(value)
    if complex_too and np.iscomplexobj(array):
        if array.ndim != 2 or 0 in array.shape or not np.all(np.isfinite(array)):
            raise ValueError(f"frame: shape {array.shape} is not (vectors, d), or some entry is not finite")
    else:
        array = matrix("frame", array)
    length = np.linalg.norm(array, axis=1)
    if (gap := np.max(np.abs(length - 1))) > UNIT:
        row = int(np.argmax(np.abs(length - 1)))
        raise ValueError(f"frame: row {row} has length {length[row]:.12g}, off by {gap:.3g}; divide each row by its length")
    return array


def symmetric(name: str, value: ArrayLike) -> Array:
    """A symmetric matrix, of any signature."""
    array = matrix(name, value)
    if array.shape[0] != array.shape[1]:
        raise ValueError(f"{name}: shape {array.shape} is not square; give a symmetric matrix")
    if (gap := np.max(np.abs(array - array.T))) > 1e-10 * max(np.max(np.abs(array)), np.finfo(float).tiny):
        raise ValueError(f"{name}: not symmetric, entries differ by {gap:.3g}; pass (C + C.T) / 2")
    return array


def count(name: str, value: int, low: int = 1) -> int:
    """An integer >= ``low``, small enough for floats."""
    if isinstance(value, int) and value > LARGEST:
        raise ValueError(f"{name}: is above 10^100; choose a count whose square is a float")
    return arguments.integer(name, value, low)


def vector(name: str, value: ArrayLike, length: int, what: str) -> Array:
    """One number for each of ``length`` dimensions, as the ``what`` has them."""
    array = _array(name, value)
    if array.ndim != 1:
        raise ValueError(f"{name}: shape {array.shape} is not one-dimensional; give one entry for each dimension of the {what}")
    array = arguments.vector(name, array)
    if len(array) != length:
        raise ValueError(f"{name}: length {len(array)} differs from the {length} dimensions of the {what}")
    return array


def number(name: str, value: float, low: float, high: float, ends: str = "[)", cure: str = "") -> float:
    """A number between ``low`` and ``high``."""
    if np.ndim(value) != 0:
        raise ValueError(f"{name}: shape {np.shape(value)} is not that of a number; call once for each")
    return float(arguments.inside(name, value, low, high, ends, cure))


def cosine(value: ArrayLike) -> Array:
    """Cosines; what is beyond -1 or 1 by rounding is brought back."""
    array = arguments.inside("cosine", value, -1 - SLACK, 1 + SLACK, "[]", "give the cosine of an angle")
    return np.clip(array, -1.0, 1.0)


def signs(value: str) -> str:
    """Which output weights are allowed."""
    return arguments.choice("signs", value, SIGNS)


def _array(name: str, value: ArrayLike) -> NDArray:
    """Of one kind of float; what is ragged, of integers, booleans or complex numbers is refused with its cure."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{name}: is a masked array; choose what the masked entries are, and pass a plain one")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name}: its rows have different lengths; give every row one entry for each input") from None
    if np.iscomplexobj(array):
        raise ValueError(f"{name}: dtype {array.dtype} is complex; losses are of real networks, use a real frame")
    return array
