"""Which arrays of a network are matrices of weights, and which way round: rows are outputs.

A dense layer of PyTorch is (outputs, inputs), of Flax (inputs, outputs); a kernel of PyTorch (outputs, inputs, height,
width), of Flax (height, width, inputs, outputs). Flax's attention has (inputs, heads, features) for queries, keys
and values, and (heads, features, outputs) for its output, told by their names. Transposed convolutions of PyTorch, which
nothing tells from others, are (inputs, outputs, height, width): their rows are inputs.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

LAYOUTS = ("torch", "flax")
ATTENTION = ("query", "key", "value")  # kernels of Flax with the inputs first, and all other axes outputs
SHIFTS = ("bias", "scale")  # by name, however many axes
LARGE = 1e150
BIGGEST_KERNEL = 16  # on a side; an axis of more is no side of a kernel


class Layer(NamedTuple):
    """A layer's weights: its ``name``, the ``shape`` in which they came, the ``matrix`` (outputs, inputs times positions) in
    float64, and its ``positions``, matrices (positions, outputs, inputs); one of them where it is dense."""

    name: str
    shape: tuple[int, ...]
    matrix: np.ndarray
    positions: np.ndarray


class LeftOut(NamedTuple):
    """An array that is not measured, its size, and why it was left out. ``zero``: it would be a layer, but for its weights
    that are all zero."""

    name: str
    shape: tuple[int, ...]
    reason: str
    zero: bool = False


def split(
    arrays: Mapping[str, Any], layout: str | None = None, leave_out: Sequence[str] = ()
) -> tuple[list[Layer], list[LeftOut]]:
    """Layers, and what was left out: biases and norms (one axis, or their name), integers, what is empty or all zero, and
    arrays whose name is one of ``leave_out``, or fits it as a pattern of the shell.

    ``layout``: "torch" or "flax"; by default it is told from names, "weight" or "kernel", and from the kernels of convolutions,
    and is PyTorch's where neither tells.

    Raises ValueError for an unknown layout, kernels that tell neither or both, names to leave out that no array has, weights
    that are not finite, and so small or large that their squares are lost, and arrays without any layer."""
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"layout: {layout!r} is not known; use {' or '.join(map(repr, LAYOUTS))}")
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for pattern in leave_out:
        if not any(_fits(name, pattern) for name in arrays):
            raise ValueError(f"leave_out: {pattern!r} is the name of no array; use one of {', '.join(list(arrays)[:20])}")
    found, left = [], []
    way = layout or layout_of(arrays) or LAYOUTS[0]
    for name, array in arrays.items():
        if any(_fits(name, pattern) for pattern in leave_out):
            left.append(LeftOut(name, array.shape, "as asked"))
        elif reason := _no_layer(name, array):
            left.append(LeftOut(name, array.shape, reason))
        elif not np.any(array):
            left.append(LeftOut(name, array.shape, "all zero", zero=True))
        else:
            found.append(_layer(name, array, way))
    if not found:
        said = "; ".join(f"{array.name} {list(array.shape)}: {array.reason}" for array in left[:5])
        raise ValueError(f"weights: no array is a matrix of weights ({said})")
    return found, left


def _fits(name: str, pattern: str) -> bool:
    """Whether it is the name, or a pattern of the shell that the name fits; the brackets of names are no pattern."""
    return name == pattern or fnmatchcase(name, pattern)


def layout_of(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Told from names, or from kernels: those of PyTorch have their small sides last, those of Flax first. None where neither
    tells.

    Raises ValueError for kernels that tell neither or both."""
    words = {_words(name)[-1] for name in arrays}
    if ("kernel" in words) != ("weight" in words):
        return "flax" if "kernel" in words else "torch"
    kernels = {name: array for name, array in arrays.items() if array.ndim > 2 and not _no_layer(name, array)}
    votes = {side for array in kernels.values() if (side := _side(array))}
    if len(votes) > 1:
        raise ValueError("layout: some kernels look like PyTorch's and some like Flax's; say which, 'torch' or 'flax'")
    if kernels and not votes:
        raise ValueError(f"layout: the shape of {next(iter(kernels))} fits PyTorch and Flax; say which, 'torch' or 'flax'")
    return votes.pop() if votes else None


def _side(array: np.ndarray) -> str | None:
    """The layout that a kernel's shape allows; None for both."""
    sides = array.ndim - 2
    last, first = (max(part) <= BIGGEST_KERNEL and _near(part) for part in (array.shape[2:], array.shape[:sides]))
    if last == first:
        return None
    return "torch" if last else "flax"


def _near(sides: tuple[int, ...]) -> bool:
    """Sides of kernels are equal, or one of them is 1."""
    return len({side for side in sides if side > 1}) <= 1


def _words(name: str) -> list[str]:
    """Parts of a name: Dense_0.kernel, Dense_0/kernel and dense/kernel:0 end in kernel."""
    return re.split(r"[./]", name.split(":")[0])


def _no_layer(name: str, array: np.ndarray) -> str:
    """Why an array is no matrix of weights; empty where it is one."""
    if array.dtype.kind not in "iub" and not jnp.issubdtype(array.dtype, jnp.floating):
        return f"of {array.dtype}"
    if array.ndim < 2:
        return "one axis: a bias, a norm or a scale" if array.ndim else "one number"
    if array.dtype.kind in "iub":
        return f"of {array.dtype}, no real numbers"
    if _words(name)[-1] in SHIFTS:
        return "a bias or a scale, by its name"
    if array.ndim > 5:
        return f"{array.ndim} axes"
    return "empty" if not array.size else ""


def _layer(name: str, array: np.ndarray, layout: str) -> Layer:
    if not np.all(np.isfinite(array)):
        bad = np.sum(~np.isfinite(array))
        raise ValueError(
            f"weights: {bad} of {name}{list(array.shape)} are NaN or infinite; train it again, or {_without(name)}"
        )
    whole = array.astype(np.float64)
    largest = np.max(np.abs(whole))
    if not 1 / LARGE < largest < LARGE:
        raise ValueError(
            f"weights: the largest of {name}{list(array.shape)} is {largest:.3g}: squares are lost; scale it,"
            f" or {_without(name)}"
        )
    if layout == "flax":
        whole = _folded(name, whole)
    outputs_first = whole if layout == "torch" else np.moveaxis(whole, (-1, -2), (0, 1))
    matrix = outputs_first.reshape(len(outputs_first), -1)
    return Layer(name, array.shape, matrix, at_positions(matrix, int(np.prod(outputs_first.shape[2:]))))


def _without(name: str) -> str:
    """How a layer is left out, in words."""
    return f"leave it out by leave_out=[{name!r}], --leave-out {name} on the command line"


def _folded(name: str, array: np.ndarray) -> np.ndarray:
    """A kernel of attention as (inputs, outputs); any other as it is."""
    *_, parent, word = ["", "", *_words(name)]
    if word != "kernel" or array.ndim != 3 or parent not in (*ATTENTION, "out"):
        return array
    return array.reshape(-1, array.shape[-1]) if parent == "out" else array.reshape(len(array), -1)


def at_positions(matrix: np.ndarray, positions: int) -> np.ndarray:
    """The matrices (positions, outputs, inputs) of one (outputs, inputs times positions)."""
    return np.moveaxis(matrix.reshape(len(matrix), -1, positions), -1, 0)
