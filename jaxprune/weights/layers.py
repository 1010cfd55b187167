"""Which arrays of a network are matrices of weights, and which way round: rows are outputs.

A dense layer of PyTorch is (outputs, inputs), of Flax (inputs, outputs); a kernel of PyTorch (outputs, inputs, height,
width), of Flax (height, width, inputs, outputs). Flax's attention has (inputs, heads, features) for queries, keys
and values, and (heads, features, outputs) for its output, told by their names. Transposed convolutions of PyTorch, which
nothing tells from others, are (inputs, outputs, height, width): their rows are inputs.
"""

import re
from collections.abc import Mapping
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
    """An array that is no matrix of weights, its size, and why it was left out."""

    name: str
    shape: tuple[int, ...]
    reason: str


def split(arrays: Mapping[str, Any], layout: str | None = None) -> tuple[list[Layer], list[LeftOut]]:
    """Layers, and what was left out: biases and norms (one axis, or their name), integers, what is empty.

    ``layout``: "torch" or "flax"; by default it is told from names, "weight" or "kernel", and from the kernels of convolutions,
    and is PyTorch's where neither tells.

    Raises ValueError for an unknown layout, kernels that tell neither or both, weights that are not finite or all zero, and
    so small or large that their squares are lost, and arrays without any layer."""
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"layout: {layout!r} is not known; use {' or '.join(map(repr, LAYOUTS))}")
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    found, left = [], []
    way = layout or layout_of(arrays)
    for name, array in arrays.items():
        if reason := _no_layer(name, array):
            left.append(LeftOut(name, array.shape, reason))
        else:
            found.append(_layer(name, array, way))
    if not found:
        said = "; ".join(f"{name} {list(shape)}: {reason}" for name, shape, reason in left[:5])
        raise ValueError(f"weights: no array is a matrix of weights ({said})")
    return found, left


def layout_of(arrays: Mapping[str, np.ndarray]) -> str:
    """Told from names, or from kernels: those of PyTorch have their small sides last, those of Flax first."""
    words = {_words(name)[-1] for name in arrays}
    if ("kernel" in words) != ("weight" in words):
        return "flax" if "kernel" in words else "torch"
    kernels = {name: array for name, array in arrays.items() if array.ndim > 2 and not _no_layer(name, array)}
    votes = {side for array in kernels.values() if (side := _side(array))}
    if len(votes) > 1:
        raise ValueError("layout: some kernels look like PyTorch's and some like Flax's; say which, 'torch' or 'flax'")
    if kernels and not votes:
        raise ValueError(f"layout: the shape of {next(iter(kernels))} fits PyTorch and Flax; say which, 'torch' or 'flax'")
    return votes.pop() if votes else "torch"


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
        raise ValueError(
            f"weights: {np.sum(~np.isfinite(array))} of {name}{list(array.shape)} are NaN or infinite; train it again"
        )
    if not np.any(array):
        raise ValueError(f"weights: {name}{list(array.shape)} is all zero; leave it out")
    whole = array.astype(np.float64)
    largest = np.max(np.abs(whole))
    if not 1 / LARGE < largest < LARGE:
        raise ValueError(f"weights: the largest of {name}{list(array.shape)} is {largest:.3g}: squares are lost; scale it")
    if layout == "flax":
        whole = _folded(name, whole)
    outputs_first = whole if layout == "torch" else np.moveaxis(whole, (-1, -2), (0, 1))
    matrix = outputs_first.reshape(len(outputs_first), -1)
    return Layer(name, array.shape, matrix, at_positions(matrix, int(np.prod(outputs_first.shape[2:]))))


def _folded(name: str, array: np.ndarray) -> np.ndarray:
    """A kernel of attention as (inputs, outputs); any other as it is."""
    *_, parent, word = ["", "", *_words(name)]
    if word != "kernel" or array.ndim != 3 or parent not in (*ATTENTION, "out"):
        return array
    return array.reshape(-1, array.shape[-1]) if parent == "out" else array.reshape(len(array), -1)


def at_positions(matrix: np.ndarray, positions: int) -> np.ndarray:
    """The matrices (positions, outputs, inputs) of one (outputs, inputs times positions)."""
    return np.moveaxis(matrix.reshape(len(matrix), -1, positions), -1, 0)
