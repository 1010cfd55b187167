"""How many numbers describe a network that is stable to noise: the count of Arora, Ge, Neyshabur and Zhang, and a sparse one.

A network without biases, x^i = A^i relu(x^{i-1}), is described by its layer cushions mu_i, the minima mu_{i->} of its
interlayer cushions and of the root of 1 / outputs, and its activation contraction c (``simulate.bounds`` measures them).
Derivations: guide/bounds.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.theory import arguments
from jaxprune.theory.arguments import Array, plain

CONSTANT = 72.0  # of the paper's lemma


class Parameters(NamedTuple):
    """``total`` numbers, those of every layer (``layers``), and ``clipped``, which layers would have needed more than they
    have."""

    total: float
    layers: Array
    clipped: NDArray[np.bool_]


class Stability(NamedTuple):
    """``layer``: cushions (d,); ``interlayer``: mu_{i->} (d,); ``contraction`` c >= 1; ``output``: largest norm of an output;
    ``width``: of the widest layer."""

    layer: ArrayLike
    interlayer: ArrayLike
    contraction: float
    output: float
    width: int


def effective_parameters(
    stability: Stability,
    margin: float,
    m: int,
    delta: float,
    actual: ArrayLike | None = None,
    factor: ArrayLike = 1.0,
    constant: float = CONSTANT,
) -> Parameters:
    """The numbers that describe a network as well as ``margin`` asks, after random projections that were fixed before the data.

    Equation: constant c^2 d^2 log(m d h/delta)/eps^2 factor_i/(mu_i^2 mu_{i->}^2), eps^2 = margin^2/(2 output^2), for each of d
    layers of at most h outputs; at most ``actual``, which the paper does not ask. Regime: with probability 1 - delta/2 over
    projections, for interlayer smoothness >= 3 d on the sample; a real number. The projection needs about four times more than
    printed. Source: Arora et al. (2018), arXiv 1802.05296, Theorem 4.1; guide/bounds.md, Noise stability.

    Args:
        stability: Cushions, contraction, largest output and width of the network.
        margin: Margin of the outputs, > 0, at most sqrt(2) times the largest output.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).
        actual: Weights that there are, whole and >= 1, one number or (d,); None for no limit.
        factor: beta^2 ceil(kernel/stride)^2 of a convolution with well-distributed Jacobians of constant beta, > 0, one number
            or (d,); 1 for a dense layer.
        constant: The 72 of the paper's lemma, or another number > 0.

    Returns:
        The total, the numbers of every layer (d,), and which layers would have needed more than they have.

    Raises:
        ValueError: For what is outside, and where the margin is so large that all outputs are inside it.
    """
    scale, base = _terms(stability, margin, constant)
    many, failure = arguments.whole("m", m), arguments.probability("delta", delta)
    count = len(base)
    ways = np.log(many) + np.log(count) + np.log(arguments.whole("width", stability.width)) - np.log(failure)
    factor = np.broadcast_to(arguments.positive("factor", factor, "1 for a dense layer"), base.shape)
    return _clipped(scale * ways * factor * base, actual)


def sparse_parameters(
    stability: Stability,
    tail_index: ArrayLike,
    margin: float,
    m: int,
    delta: float,
    actual: ArrayLike | None = None,
    constant: float = CONSTANT,
) -> Parameters:
    """The entries that describe a network with heavy-tailed weights as well, where the small ones are left out.

    Equation: sinc(a_i/2) [constant c^2 d^2 log(12 d^2 h^2 m/delta)/(eps^2 mu_i^2 mu_{i->}^2)]^{a_i/2}, a_i = ``tail_index``,
    sinc(b) = sin(pi b)/(pi b), eps as in ``effective_parameters``. Regime: the mean over weights, for many independent entries
    whose signs do not depend on inputs and Jacobians: exact for linear layers, approximate for ReLU, an assumption for a
    trained network; not counted are the indices. Source: guide/bounds.md, Sparse count.

    Args:
        stability: Cushions, contraction, largest output and width of the network.
        tail_index: Indices of the weights, in (0, 2), one number or (d,).
        margin: Margin of the outputs, > 0, at most sqrt(2) times the largest output.
        m: Number of samples, whole and >= 1.
        delta: Probability of failure, in (0, 1).
        actual: Weights that there are, whole and >= 1, one number or (d,); None for no limit.
        constant: The 72 of the paper's lemma, or another number > 0.

    Returns:
        The total, the numbers of every layer (d,), and which layers would have needed more than they have.

    Raises:
        ValueError: For what is outside, among it an index that is not in (0, 2).
    """
    scale, base = _terms(stability, margin, constant)
    many, failure = arguments.whole("m", m), arguments.probability("delta", delta)
    cure = "energies of a law with a variance are spread over all entries; use effective_parameters"
    half = np.broadcast_to(arguments.inside("tail_index", tail_index, 0, 2, "()", cure) / 2, base.shape)
    width = arguments.whole("width", stability.width)
    ways = np.log(12.0) + 2 * np.log(len(base)) + 2 * np.log(width) + np.log(many) - np.log(failure)
    return _clipped(np.sinc(half) * (scale * ways * base) ** half, actual)


def _terms(stability: Stability, margin: float, constant: float) -> tuple[float, Array]:
    """constant c^2 d^2/eps^2, and 1/(mu_i^2 mu_{i->}^2)."""
    cure = "leave samples out on which a layer is all zero, and count them"
    layer, interlayer = (
        np.atleast_1d(arguments.inside(k, getattr(stability, k), 0, 1, "(]", cure)) for k in ("layer", "interlayer")
    )
    if layer.ndim != 1 or layer.shape != interlayer.shape:
        raise ValueError(f"layer, interlayer: shapes {layer.shape} and {interlayer.shape}; give one cushion a layer, (d,) each")
    contraction = arguments.inside("contraction", stability.contraction, 1, np.inf, "[)", "a ReLU does not lengthen")
    output, margin = float(arguments.positive("output", stability.output)), float(arguments.positive("margin", margin))
    eps = margin / (np.sqrt(2) * output)
    if eps > 1:
        raise ValueError(
            f"margin: {margin:g} exceeds sqrt(2) times the largest output, {output:g}: no sample has it, and the bound"
            " says nothing; lower it"
        )
    scale = arguments.positive("constant", constant) * contraction**2 * len(layer) ** 2 / eps**2
    with np.errstate(over="ignore"):
        return float(scale), (layer * interlayer) ** -2.0


def _clipped(layers: Array, actual: ArrayLike | None) -> Parameters:
    limit = (
        np.full(layers.shape, np.inf) if actual is None else np.broadcast_to(arguments.whole("actual", actual), layers.shape)
    )
    found = np.minimum(layers, limit)
    return Parameters(plain(np.sum(found)), found, layers > limit)
