"""Rivals: what counting parameters, dimensions and norms says of the same network. All of them are for networks without biases.

Derivations: guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.bounds import occam

CONSTANTS = ("explicit", "none")
SINGLE = 32.0  # bits of a weight
Matrices = Sequence[NDArray[np.float64]]


class _Norms(NamedTuple):
    """Of layers: spectral norms, sums of the 2-norms of rows, Frobenius norms, outputs; and the widest layer, inputs
    included."""

    spectral: NDArray[np.float64]
    rows: NDArray[np.float64]
    frobenius: NDArray[np.float64]
    outputs: NDArray[np.float64]
    widest: int


@arguments.broadcasts
def parameter_gap(count: ArrayLike, m: ArrayLike, delta: ArrayLike, bits: ArrayLike = SINGLE):
    """``occam_gap`` of ``count`` weights written down in ``bits`` bits each.

    Equation: sqrt((count bits log 2 + log(1/delta))/(2 m)). Regime: holds at every size with probability 1 - delta for losses
    in [0, 1]. Source: guide/bounds.md, Rivals.

    Args:
        count: Number of weights, whole and >= 1.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).
        bits: Bits of a weight, whole and >= 1.

    Returns:
        The gap, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless count, bits and m are whole and >= 1, and delta is in (0, 1).
    """
    return occam.occam_gap(arguments.whole("count", count) * arguments.whole("bits", bits) * np.log(2), m, delta)


def vc_dimension(widths: Sequence[int]) -> float:
    """A bound of the VC dimension of ReLU networks without biases with one output.

    Equation: L + (sum_i W_i) log2(4 e R log2(2 e R)), W_i the weights up to layer i, R = sum_i i k_i with k_i units in layer
    i = 1 .. L. Regime: holds for every such network. Source: Bartlett, Harvey, Liaw, Mehrabian (2019), arXiv 1703.02930,
    Theorem 7, with explicit constants; guide/bounds.md, Rivals.

    Args:
        widths: Two or more widths, whole and >= 1, from the inputs to the output.

    Returns:
        The bound, a real number.

    Raises:
        ValueError: For fewer than two widths, and unless they are whole and >= 1.
    """
    sizes = arguments.whole("widths", widths)
    if sizes.ndim != 1 or len(sizes) < 2:
        raise ValueError(
            f"widths: {widths!r} are not those of inputs and layers; give two or more, from the inputs to the output"
        )
    weights = np.cumsum(sizes[1:] * sizes[:-1])
    reach = float(np.arange(1, len(sizes)) @ sizes[1:])
    return float(len(weights) + np.sum(weights) * np.log2(4 * np.e * reach * np.log2(2 * np.e * reach)))


@arguments.broadcasts
def vc_gap(dimension: ArrayLike, m: ArrayLike, delta: ArrayLike):
    """How much the error rate of a binary classifier may exceed that on ``m`` samples, by the VC ``dimension`` of its class.

    Equation: sqrt(8 (log growth(2m) + log(4/delta))/m), growth(2m) = (2 e m/dimension)^dimension where dimension <= 2m, else
    4^m. Regime: holds at every size with probability 1 - delta. Source: Vapnik (1998); guide/bounds.md, Rivals.

    Args:
        dimension: VC dimension of the class, or a bound of it, a real number >= 1.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).

    Returns:
        The gap, > 0, of the broadcast shape; a float for scalars.

    Raises:
        ValueError: Unless the dimension is >= 1, m whole and >= 1, and delta in (0, 1).
    """
    dimension = arguments.inside("dimension", dimension, 1, np.inf, "[)", "give a VC dimension")
    m, delta = arguments.whole("m", m), arguments.probability("delta", delta)
    few = np.minimum(dimension, 2 * m)  # of more dimensions Sauer's bound says less than counting all labels
    growth = np.minimum(m * np.log(4), few * (1 + np.log(2 * m / few)))
    return plain(np.sqrt(8 * (growth + np.log(4) - np.log(delta)) / m))


def spectral_gap(
    matrices: Matrices,
    inputs: ArrayLike,
    margin: float,
    delta: float,
    constants: str = "explicit",
    initial: Matrices | None = None,
) -> float:
    """How much the error rate may exceed the share of ``inputs`` with less than ``margin``, by norms of the layers.

    Equation: 8 m^-3/2 + 72 |X|_F log m sqrt(log 2W^2)/(margin m) prod s_i (sum (b_i/s_i)^{2/3})^{3/2} + 3
    sqrt(log(2/delta)/(2m)), s_i spectral norms, b_i sums of the 2-norms of rows, W the widest layer or input.
    constants="none": log m log(weights) prod s_i (sum (b_i/s_i)^{2/3})^{3/2}/(margin sqrt m) with b_i of the distances from
    ``initial``, a measure of complexity and no bound. Regime: with probability 1 - delta where norms, and the margin, were
    fixed before the data. Source: Bartlett, Foster, Telgarsky (2017), arXiv 1706.08498, Theorem 1.1, with a constant
    derived by Dudley's integral; guide/bounds.md, Rivals.

    Args:
        matrices: One float64 matrix (outputs, inputs) for each layer, from the inputs on, none all zero.
        inputs: Training inputs, float64 (m, n), not all zero.
        margin: Margin of the outputs, > 0.
        delta: Probability of failure, in (0, 1).
        constants: Which form, "explicit" or "none".
        initial: Matrices of the same shapes, only with constants="none"; None for zero.

    Returns:
        The gap, or the measure of complexity, >= 0.

    Raises:
        ValueError: For matrices, inputs and numbers that do not fit, for a layer or inputs of zeros, and for ``initial`` with
            explicit constants.
    """
    norms, data, margin, delta = _checked(matrices, inputs, margin, delta)
    away, m = _away(matrices, initial, constants, norms), len(data)
    with np.errstate(divide="ignore"):
        log_ratio = np.log(away.rows) - np.log(norms.spectral)
        per_margin = np.sum(np.log(norms.spectral)) + 1.5 * np.log(np.sum(np.exp(2 / 3 * log_ratio))) - np.log(margin)
    if constants == "none":
        weights = sum(w.size for w in matrices)
        return float(_exp(per_margin) * np.log(m) * np.log(weights) / np.sqrt(m))
    size = 72 * np.sqrt(np.log(2.0 * norms.widest**2)) * np.log(m) / m * _exp(per_margin + _log_length(data))
    return float(8 / m**1.5 + size + 3 * np.sqrt((np.log(2) - np.log(delta)) / (2 * m)))


def spectral_pac_bayes_gap(
    matrices: Matrices,
    inputs: ArrayLike,
    margin: float,
    delta: float,
    constants: str = "explicit",
    initial: Matrices | None = None,
) -> float:
    """As ``spectral_gap``, by a Gaussian perturbation of the weights.

    Equation: 4 sqrt((KL + log(6 m d m^{1/(2d)}/delta))/(m-1)), KL = (42^2 e^2/2) d^2 B^2 h log(4 h d) prod s_i^2 sum
    |A_i|_F^2/s_i^2/margin^2, d layers, h the widest layer or input, B the largest norm of an input. constants="none": d
    prod s_i sqrt(sum h_i |A_i|_F^2/s_i^2)/(margin sqrt m), h_i the outputs of a layer, with distances from ``initial``; no
    bound. Regime: with probability 1 - delta for a margin fixed before the data. Source: Neyshabur, Bhojanapalli, Srebro
    (2018), arXiv 1707.09564, Theorem 1, its constant 42 as recalled; guide/bounds.md, Rivals.

    Args:
        matrices: One float64 matrix (outputs, inputs) for each layer, from the inputs on, none all zero.
        inputs: Training inputs, float64 (m, n), m >= 2, not all zero.
        margin: Margin of the outputs, > 0.
        delta: Probability of failure, in (0, 1).
        constants: Which form, "explicit" or "none".
        initial: Matrices of the same shapes, only with constants="none"; None for zero.

    Returns:
        The gap, or the measure of complexity, >= 0.

    Raises:
        ValueError: As ``spectral_gap`` does, and for fewer than two inputs.
    """
    norms, data, margin, delta = _checked(matrices, inputs, margin, delta)
    away, m, depth = _away(matrices, initial, constants, norms), len(data), len(matrices)
    if m < 2:
        raise ValueError(f"inputs: {m} sample is too few for this bound; give two or more")
    per_margin = np.sum(np.log(norms.spectral)) - np.log(margin)
    with np.errstate(divide="ignore", over="ignore"):
        ratios = _exp(2 * (np.log(away.frobenius) - np.log(norms.spectral)))
    if constants == "none":
        return float(depth * _exp(per_margin) * np.sqrt(np.sum(norms.outputs * ratios) / m))
    widest, longest = norms.widest, max(_log_length(x) for x in data)
    scale = (42 * np.e * depth) ** 2 / 2 * widest * np.log(4 * widest * depth)
    divergence = scale * np.sum(ratios) * _exp(2 * (per_margin + longest))
    ways = np.log(6 * depth) + (1 + 1 / (2 * depth)) * np.log(m) - np.log(delta)
    return float(4 * np.sqrt((divergence + ways) / (m - 1)))


def lipschitz_error(matrices: Matrices, compressed: Matrices, input_norm: float) -> float:
    """How far the outputs of two ReLU networks without biases can be apart for inputs of length ``input_norm``.

    Equation: input_norm sum_i prod_{j>i} |A_j| |A_i - B_i| prod_{j<i} |B_j|, spectral norms. Regime: holds for every such
    input, and for every activation of slope at most 1 with 0 at 0. Source: guide/bounds.md, Propagation.

    Args:
        matrices: A_i, one float64 matrix (outputs, inputs) for each layer.
        compressed: B_i, of the same shapes.
        input_norm: Length of an input, > 0.

    Returns:
        The bound of the distance, >= 0, infinite above the largest float.

    Raises:
        ValueError: For matrices that do not fit each other, and unless the length is finite and > 0.
    """
    first, second = chain("matrices", matrices), chain("compressed", compressed)
    if [a.shape for a in first] != [b.shape for b in second]:
        raise ValueError(
            f"compressed: shapes {[b.shape for b in second]} are not those of matrices, {[a.shape for a in first]}"
        )
    length = float(arguments.positive("input_norm", input_norm, "give the length of an input"))
    above = [_norm(a) for a in first]
    below = [_norm(b) for b in second]
    apart = [_norm(a - b) for a, b in zip(first, second, strict=True)]
    terms = [[*below[:i], gap, *above[i + 1 :]] for i, gap in enumerate(apart)]
    return float(sum(_product([length, *term]) for term in terms))


def chain(name: str, matrices: Matrices) -> list[NDArray[np.float64]]:
    """Finite float64 matrices (outputs, inputs), each taking what the one before gives.

    Args:
        name: Name of the argument, for the message of an error.
        matrices: The matrix of every layer, from the inputs on.

    Returns:
        The same matrices as arrays.

    Raises:
        ValueError: For an empty list, and a matrix that is not finite float64, has no entries, or does not fit the one before.
    """
    found = [np.asarray(w) for w in matrices]
    if not found:
        raise ValueError(f"{name}: an empty list is no network; give the matrix of every layer")
    for place, w in enumerate(found):
        if w.dtype != np.float64:
            raise ValueError(
                f"{name}: dtype {w.dtype} of layer {place} is not float64; convert it yourself, theory casts nothing"
            )
        if w.ndim != 2 or not w.size:
            raise ValueError(f"{name}: shape {w.shape} of layer {place} is no matrix; give (outputs, inputs)")
        if not np.all(np.isfinite(w)):
            raise ValueError(f"{name}: layer {place} holds {w[~np.isfinite(w)][0]}; every entry must be finite")
        if place and w.shape[1] != found[place - 1].shape[0]:
            raise ValueError(
                f"{name}: layer {place} takes {w.shape[1]} inputs, layer {place - 1} gives {found[place - 1].shape[0]}"
            )
    return found


def _checked(matrices: Matrices, inputs: ArrayLike, margin: float, delta: float):
    layers = chain("matrices", matrices)
    norms = _norms(layers)
    if np.any(norms.spectral == 0):
        raise ValueError(f"matrices: layer {int(np.argmin(norms.spectral))} is all zero, and so is the network; leave it out")
    (data,) = chain("inputs", [np.asarray(inputs)])
    if data.shape[1] != layers[0].shape[1]:
        raise ValueError(
            f"inputs: shape {data.shape} has {data.shape[1]} numbers a sample, the first layer takes {layers[0].shape[1]}"
        )
    if not np.any(data):
        raise ValueError("inputs: all are zero, and no bound of this kind says anything; give the training inputs")
    return norms, data, float(arguments.positive("margin", margin)), float(arguments.probability("delta", delta))


def _away(matrices: Matrices, initial: Matrices | None, constants: str, norms: _Norms) -> _Norms:
    """The norms of distances from the initial weights, where these are counted."""
    if arguments.choice("constants", constants, CONSTANTS) == "explicit" or initial is None:
        if initial is not None:
            raise ValueError("initial: the explicit bound is of the weights themselves; use constants='none', or leave it out")
        return norms
    first = chain("initial", initial)
    if [w.shape for w in first] != [np.shape(w) for w in matrices]:
        raise ValueError(f"initial: shapes {[w.shape for w in first]} are not those of matrices")
    return _norms([np.asarray(w) - v for w, v in zip(matrices, first, strict=True)])


def _norms(layers: Matrices) -> _Norms:
    return _Norms(
        np.array([_norm(w) for w in layers]),
        np.array([sum(_exp(_log_length(row)) for row in w) for w in layers]),
        np.array([_exp(_log_length(w)) for w in layers]),
        np.array([float(len(w)) for w in layers]),
        max(layers[0].shape[1], *(len(w) for w in layers)),
    )


def _log_length(array: NDArray[np.float64]) -> float:
    """Log of the 2-norm of all entries, whatever their size."""
    scale = float(np.max(np.abs(array)))
    return float(np.log(scale) + np.log(np.linalg.norm(array / scale))) if scale else -np.inf


def _norm(matrix: NDArray[np.float64]) -> float:
    """The spectral norm."""
    scale = float(np.max(np.abs(matrix)))
    return scale * float(np.linalg.norm(matrix / scale, 2)) if scale else 0.0


def _product(factors: Sequence[float]) -> float:
    """Zero where one factor is, infinite above the largest float."""
    return 0.0 if 0.0 in factors else float(_exp(np.sum(np.log(factors))))


def _exp(logarithm):
    with np.errstate(over="ignore"):
        return np.exp(logarithm)
