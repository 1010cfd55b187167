"""The population loss of a two-layer network against another, and its gradient.

Networks are sums of a_i s(w_i.x) with rows w_i (M, d) and output weights a_i (M,), inputs x ~ N(0, I_d), no biases. Fold every
output scaling (1/N, 1/sqrt N) into the weights. Derivations: guide/two_layer.md.
"""

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import angles, extended, inputs, kernels, smoothed
from jaxprune.theory.two_layer.inputs import Array

BLOCK = 384  # rows whose pairs are held at once: memory does not grow with the number of neurons
LONGEST = 1e150  # entry of a row whose square is a float
DIGITS = 1e-6  # of the sum of all sizes: smaller losses have cancelled, and are summed anew in twice the precision


def loss(
    rows: ArrayLike,
    weights: ArrayLike,
    target_rows: ArrayLike,
    target_weights: ArrayLike,
    activation: str = "relu",
    slope: float | None = None,
) -> float:
    """The population loss E (f*(x) - f(x))^2 of a network ``rows`` (M, d), ``weights`` (M,) against a target (N, d), (N,).

    Arguments: float64 arrays; ``activation`` one of relu, abs, leaky (max(z, slope z), ``slope`` in [-1, 1)), step and sign
    (1/2 and 0 at zero), relu2, linear, quadratic (z^2), erf, cos, sin, tanh, sigmoid, softplus, gelu (z Phi(z)), silu.
    Equation: a' K a with the rows of both and the target's weights negated, K = E s(v.x) s(w.x), summed degree by degree; pairs
    in blocks, memory O(M + N). Tanh, sigmoid, softplus and silu are sums over a mixture of 29 normal laws (841 terms a pair),
    the others closed forms. Regime: exact at every size and length, to about 1e-15 of a' |K| a; for relu, abs and leaky to
    about 1e-13 of the loss itself, where it is tiny in twice the precision. Infinite above the largest float.
    Source: guide/two_layer.md, Exact loss.

    Raises ValueError for what is not finite float64 or does not fit, an unknown activation, a slope that is missing, outside
    [-1, 1) or not asked for, and entries above 1e150 with softplus, gelu and silu.
    """
    activation = arguments.choice("activation", activation, kernels.ACTIVATIONS)
    slope = _slope(activation, slope)
    every, signed = _joined(activation, *inputs.pair(rows, weights, target_rows, target_weights))
    if activation in kernels.GROWING and (longest := float(np.max(np.abs(every)))) > LONGEST:
        raise ValueError(f"rows: an entry {longest:.3g} is too long for {activation}; use relu, which it is for rows so long")
    return energy(every, signed, activation, slope)


def energy(rows: Array, weights: Array, activation: str = "relu", slope: float | None = None) -> float:
    """E f(x)^2 of one network, of checked arguments; infinite where it is above the largest float."""
    kernel = kernels.of(activation, slope)
    if kernel.degree:
        rows, weights, common = angles.balanced(rows, weights, kernel.degree)
    else:
        common = int(np.max(np.frexp(weights)[1]))
        weights = np.ldexp(weights, -common)
    with np.errstate(over="ignore", under="ignore"):
        return float(np.ldexp(max(_energy(kernel, rows, weights), 0.0), 2 * common))


def _energy(kernel: kernels.Kernel, rows: Array, weights: Array) -> float:
    size, unit = angles.polar(rows)
    gains = weights * size**kernel.degree
    scale = np.ones_like(size) if kernel.degree else size
    total = float(sum(math.fsum(column) ** 2 for column in np.atleast_2d(gains * kernel.mean(scale))))
    if kernel.linear:
        total += kernel.linear**2 * float(np.sum((weights @ rows) ** 2))
    if kernel.square:
        total += kernel.square * float(np.sum(((gains[:, None] * unit).T @ unit) ** 2))
    if kernel.pair is not None:
        total += over_pairs(kernel.pair, unit, scale, gains)
    if kernel.degree == 1 and kernel.pair is not None and total < DIGITS * np.sum(np.abs(gains)) ** 2:
        even, odd = extended.parts(rows, weights)
        return (kernels.ROOT * float(kernel.mean(np.ones(1))[0])) ** 2 * even + kernel.linear**2 * odd
    return total


def loss_gradient(
    rows: ArrayLike, weights: ArrayLike, target_rows: ArrayLike, target_weights: ArrayLike
) -> tuple[float, Array, Array]:
    """The ReLU loss with its derivatives: (loss, with respect to rows (M, d), to weights (M,)).

    Arguments: as for ``loss``. Equation: dL/dv = 2 b sum a dK(v, x)/dv, dK/dv = [|x| sin t v/|v| + (pi - t) x]/(2 pi), over
    the rows of both networks, the target's weights a negated; at v = 0, a cone point, v/|v| is 0 and t = pi/2, which is the
    mean over all directions; dL/db = 2 sum a K. Regime: exact, finite at coincident, antipodal and zero rows.
    Source: guide/two_layer.md, Gradient.

    Raises ValueError as ``loss`` does.
    """
    rows, weights, target_rows, target_weights = inputs.pair(rows, weights, target_rows, target_weights)
    every, signed = np.concatenate([rows, target_rows]), np.concatenate([weights, -target_weights])
    (size, unit), (lengths, others) = angles.polar(rows), angles.polar(every)
    gains, linear = signed * lengths, signed @ every
    along, onto = np.zeros((2, len(rows))), np.zeros_like(rows)
    for here in blocks(len(rows)):
        for there in blocks(len(every)):
            cosine, sine = _angles(unit, others, here, there, len(rows))
            along[0, here] += (sine - 1) @ gains[there]
            along[1, here] += smoothed.rest(cosine, sine) @ gains[there]
            onto[here] += (np.arctan2(cosine, sine) * gains[there]) @ others[there]
    constant = math.fsum(gains) / (2 * np.pi)
    straight = linear / 4 + onto / (2 * np.pi) + (constant + along[0] / (2 * np.pi))[:, None] * unit
    outer = 2 * size * (constant + unit @ linear / 4 + along[1])
    return energy(*_merged(every, signed)), 2 * weights[:, None] * straight, outer


def _angles(unit: Array, others: Array, here: slice, there: slice, count: int) -> tuple[Array, Array]:
    """Between rows of the network and of both; the angle of a row with itself is exactly zero."""
    cosine, sine = angles.between(unit[here], others[there])
    own = np.arange(here.start, min(here.stop, count))
    own = own[(own >= there.start) & (own < there.stop) & np.any(unit[own], axis=1)]
    cosine[own - here.start, own - there.start], sine[own - here.start, own - there.start] = 1.0, 0.0
    return cosine, sine


def over_pairs(function: kernels.PairKernel, unit: Array, size: Array, gains: Array) -> float:
    """The sum over all pairs, each block above the diagonal counted twice."""
    sums = []
    for here in blocks(len(gains)):
        for there in blocks(len(gains)):
            if there.start < here.start:
                continue
            same = here == there
            cosine, sine = angles.between(unit[here], unit[there], same)
            block = function(cosine, sine, size[here, None], size[None, there])
            sums.append((1 if same else 2) * float(gains[here] @ block @ gains[there]))
    return math.fsum(sums)


def blocks(count: int) -> list[slice]:
    """Slices of ``BLOCK`` rows that cover ``count``."""
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def _joined(activation: str, rows: Array, weights: Array, target_rows: Array, target_weights: Array) -> tuple[Array, Array]:
    """The network f - f*; rows of one activation that are equal up to a sign it takes out are one row."""
    every, signed = np.concatenate([rows, target_rows]), np.concatenate([weights, -target_weights])
    if activation in kernels.ODD + kernels.EVEN:
        side = np.where(every @ (1 / np.sqrt(np.arange(every.shape[1]) + 0.7)) < 0, -1.0, 1.0)  # of a plane of no symmetry
        every, signed = every * side[:, None], signed * (side if activation in kernels.ODD else 1.0)
    return _merged(every, signed)


def _merged(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Equal rows as one, with the sum of their weights."""
    distinct, which = np.unique(rows + 0.0, axis=0, return_inverse=True)
    if len(distinct) == len(rows):
        return rows, weights
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.searchsorted(which.ravel()[order], np.arange(len(distinct) + 1))
    return distinct, np.array([math.fsum(weights[order[a:b]]) for a, b in itertools.pairwise(ends)])


def _slope(activation: str, slope: float | None) -> float | None:
    if activation != "leaky":
        if slope is not None:
            raise ValueError(f"slope: {slope!r} is given for {activation}, which has none; leave it out, or use leaky")
        return None
    if slope is None:
        raise ValueError("slope: None, but leaky needs one; give a number in [-1, 1)")
    return inputs.number("slope", slope, -1, 1, "[)", "1 would be linear, and a larger one is a smaller one of the negated net")
