"""What the theory accepts; anything else is a ValueError that names the argument, the value and the cure.

First what least squares takes: arrays of one precision, of which nothing is cast. Then numbers of any shape, which broadcast,
and the ways from them to a result. Whole numbers may come as floats.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]
Array = NDArray[np.float64]
P = ParamSpec("P")
R = TypeVar("R")
_SINGLE = (int, float, str, type(None), np.generic)
_LONGEST = 60  # characters of a value in a message


def shown(value: Any) -> str:
    """A value in a message, whose length does not grow with it."""
    if isinstance(value, int) and value.bit_length() > 64:
        return f"{'-' * (value < 0)}10^{math.log10(abs(value)):.4g}"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def fit(named: Mapping[str, Any]) -> None:
    """Numbers and arrays of shapes that broadcast."""
    shapes = {name: _shape(name, value) for name, value in named.items()}
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError:
        names, found = zip(*((name, str(shape)) for name, shape in shapes.items() if shape), strict=True)
        raise ValueError(
            f"{', '.join(names)}: shapes {', '.join(found)} do not fit each other; give numbers, or arrays that broadcast"
        ) from None


def broadcasts(function: Callable[P, R]) -> Callable[P, R]:
    """For a function whose arguments broadcast: those that do not are refused by name."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def named(*args: P.args, **kwargs: P.kwargs) -> R:
        if not all(isinstance(value, _SINGLE) for value in (*args, *kwargs.values())):
            fit(signature.bind(*args, **kwargs).arguments)
        return function(*args, **kwargs)

    return named


def _shape(name: str, value: Any) -> tuple[int, ...]:
    try:
        return np.shape(value)
    except ValueError:
        raise ValueError(f"{name}: lists of different lengths are no array; give lists of one length") from None


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
            " theory.least_squares.correlated takes a matrix"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: holds {array[~np.isfinite(array)][0]}; every entry must be finite")
    return array


def spectrum(eigs: ArrayLike) -> Vector:
    """Non-negative eigenvalues, at least one of them positive."""
    array = vector("eigs", eigs)
    if array.size == 0 or np.min(array) < 0 or not np.any(array):
        smallest = np.min(array) if array.size else "none"
        raise ValueError(f"eigs: the smallest of {array.size} is {smallest}; they must be non-negative and not all zero")
    return array


def triple(eigs: ArrayLike, teacher: ArrayLike, noise: float) -> tuple[Vector, Vector, float]:
    """Spectrum, teacher of the same shape, and a standard deviation."""
    eigs, teacher = spectrum(eigs), vector("teacher", teacher)
    if teacher.shape != eigs.shape:
        raise ValueError(f"teacher: shape {teacher.shape} differs from that of eigs, {eigs.shape}; give one weight for each")
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
        raise ValueError("covariance: is all zero; give one with a positive variance")
    if (gap := np.max(np.abs(matrix - matrix.T))) > 1e-10 * scale:
        raise ValueError(f"covariance: not symmetric, entries differ by {gap:.3g}; pass (S + S.T) / 2")
    return matrix


def non_negative(name: str, value: float) -> float:
    """A finite number >= 0."""
    if np.ndim(value) != 0:
        raise ValueError(f"{name}: {shown(value)} is not a number; give a finite one >= 0")
    return float(size(name, value, "give a finite number >= 0"))


def integer(name: str, value: int, low: int, high: int | None = None) -> int:
    """An integer in low .. high."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise ValueError(f"{name}: {shown(value)} is not an integer; round it yourself")
    if value < low or (high is not None and value > high):
        reason = f"below {low}" if high is None else f"outside {low} .. {high}"
        raise ValueError(f"{name}: {shown(value)} is {reason}; choose one inside")
    return int(value)


def kept_counts(kept: ArrayLike, dim: int) -> NDArray[np.int64]:
    """Kept counts: integers in 0 .. dim, of any shape."""
    array = np.asarray(kept)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"kept: {shown(kept)} is not a count of coefficients; turn a fraction into an integer yourself")
    if array.size and (np.min(array) < 0 or np.max(array) > dim):
        wrong = array[(array < 0) | (array > dim)].flat[0]
        raise ValueError(f"kept: {wrong} is outside 0 .. p = {dim}; choose one inside")
    return array.astype(np.int64)


def choice(name: str, value: str, options: tuple[str, ...]) -> str:
    """One of the given words."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name}: {shown(value)} is unknown; use one of {', '.join(options)}")
    return value


def inside(name: str, value: ArrayLike, low: float, high: float, ends: str = "()", cure: str = "") -> Array:
    """Real numbers between ``low`` and ``high``, as float64; ``ends`` tells which end belongs, as in "(]"."""
    interval = f"{ends[0]}{low:g}, {high:g}{ends[1]}"
    array = _reals(name, value, f"give numbers in {interval}")
    above = array >= low if ends[0] == "[" else array > low
    below = array <= high if ends[1] == "]" else array < high
    if np.any(wrong := ~(above & below)):
        raise ValueError(f"{name}: {array[wrong].flat[0]} is outside {interval}; {cure or 'choose one inside'}")
    return array


def _reals(name: str, value: ArrayLike, cure: str) -> Array:
    """Real numbers as float64. NumPy has no type for Python's integers from 2^64 on, which are rounded as all others are."""
    _shape(name, value)
    array = np.asarray(value)
    if array.dtype == object and array.size and all(isinstance(x, int) and not isinstance(x, bool) for x in array.flat):
        try:
            return array.astype(np.float64)
        except OverflowError:
            largest = max(array.flat, key=abs)
            raise ValueError(f"{name}: {shown(largest)} is beyond the largest float, about 1e308; {cure}") from None
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise ValueError(f"{name}: {shown(value)} is not a real number; {cure}")
    return array.astype(np.float64)


def positive(name: str, value: ArrayLike, cure: str = "") -> Array:
    """Finite numbers > 0."""
    return inside(name, value, 0, np.inf, cure=cure)


def size(name: str, value: ArrayLike, cure: str = "") -> Array:
    """Finite numbers >= 0."""
    return inside(name, value, 0, np.inf, "[)", cure)


def finite(name: str, value: ArrayLike, cure: str = "") -> Array:
    """Numbers that are neither infinite nor NaN."""
    return inside(name, value, -np.inf, np.inf, cure=cure)


def real(name: str, value: ArrayLike) -> Array:
    """Any numbers but NaN."""
    return inside(name, value, -np.inf, np.inf, "[]")


def probability(name: str, value: ArrayLike, ends: str = "()") -> Array:
    """Probabilities, without 0 and 1 unless ``ends`` says so."""
    return inside(name, value, 0, 1, ends, "give a probability")


def relative_error(name: str, value: ArrayLike) -> Array:
    """Errors relative to a norm, in (0, 1)."""
    return inside(name, value, 0, 1, cure="give a relative error, above 0 and below 1")


def whole(name: str, value: ArrayLike, low: int = 1) -> Array:
    """Whole numbers, at least ``low``."""
    array = inside(name, value, low, np.inf, "[)", f"give a whole number, {low} or more")
    if np.any(wrong := array != np.floor(array)):
        raise ValueError(f"{name}: {array[wrong].flat[0]} is not a whole number; round it yourself")
    return array


def index(name: str, value: ArrayLike, high: float = 2.0, ends: str = "(]") -> Array:
    """Stability indices in (0, ``high``]."""
    return inside(name, value, 0, high, ends, "choose a stability index inside")


def index_ratio(alpha: ArrayLike, order: ArrayLike, otherwise: str) -> Array:
    """a = alpha/q of a tail index and an order q above it; ``otherwise`` tells what holds for the other orders."""
    order, alpha = positive("order", order, "give the q of l_q"), positive("alpha", alpha, "give a tail index")
    if np.any(alpha >= order):
        raise ValueError(f"order: {order} is not above alpha = {alpha}; {otherwise}")
    return alpha / order


def fraction_kept(kappa: ArrayLike, name: str = "kappa") -> Array:
    """Fractions kept, in (0, 1]."""
    return inside(name, kappa, 0, 1, "(]", "give the fraction kept, not the fraction removed")


def kept_of(kappa: ArrayLike, n: ArrayLike) -> tuple[Array, Array]:
    """Fractions kept, and widths of which they keep at least one."""
    fraction, width = fraction_kept(kappa), whole("n", n)
    if np.any(np.floor(fraction * width * (1 + 1e-12)) < 1):
        raise ValueError(f"kappa: {shown(kappa)} of n = {shown(n)} keeps none; raise kappa or n")
    return fraction, width


def noise_type(name: str, value: str | int) -> int:
    """A noise type as 1, 2 or 3; "I", "II" and "III" are the same."""
    names = {"I": 1, "II": 2, "III": 3, 1: 1, 2: 2, 3: 3}
    if isinstance(value, bool) or not isinstance(value, str | int | np.integer) or value not in names:
        raise ValueError(f"{name}: {shown(value)} is unknown; use I, II, III or 1, 2, 3")
    return names[value]


def each(function: Callable[..., Array], index: Array, *others: ArrayLike) -> Any:
    """``function(index, *others)`` for every distinct index of broadcast arrays; a float if all are scalars."""
    arrays = [np.array(a, np.float64) for a in np.broadcast_arrays(index, *others)]
    result = np.empty(arrays[0].shape)
    for value in np.unique(arrays[0]):
        here = arrays[0] == value
        result[here] = function(float(value), *(a[here] for a in arrays[1:]))
    return plain(result)


def half_line(x: Array, below: float, beyond: float, inside: Callable[[Array], Array]) -> Array:
    """``inside(x)`` where 0 < x < inf, else the constants of x <= 0 and of x = inf."""
    result = np.where(x > 0, beyond, below)
    here = (x > 0) & (x < np.inf)
    result[here] = inside(x[here])
    return result


def plain(array: ArrayLike) -> Any:
    """A float of an array without axes."""
    return float(np.asarray(array)) if np.ndim(array) == 0 else np.asarray(array)
