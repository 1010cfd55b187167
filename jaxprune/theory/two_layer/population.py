"""The population loss of a two-layer network against another, and its gradient.

Networks are sums of a_i s(w_i.x) with rows w_i (M, d) and output weights a_i (M,), inputs x ~ N(0, I_d), biases in
``loss`` only. Fold every output scaling (1/N, 1/sqrt N) into the weights. Derivations: guide/two_layer.md.
"""

from __future__ import annotations  # help shows ArrayLike by its name

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.two_layer import angles, extended, hermite, inputs, kernels, smoothed
from jaxprune.theory.two_layer.inputs import Array
from jaxprune.theory.two_layer.series import FAR, far_pairs

BLOCK = 384  # rows whose pairs are held at once: memory does not grow with the number of neurons
LONGEST = 1e150  # entry of a row whose square is a float
STRAIGHT, SHORT = ("erf", "sin", "tanh"), 1e-10  # odd, and linear to all digits in rows with entries so short
LARGEST = float(np.finfo(float).max)
DIGITS = 1e-4  # of the sizes of all terms: smaller losses have cancelled, and are summed anew in twice the precision


def loss(
    rows: ArrayLike,
    weights: ArrayLike,
    target_rows: ArrayLike,
    target_weights: ArrayLike,
    activation: str | hermite.Function = "relu",
    slope: float | None = None,
    target_energy: float | None = None,
    biases: ArrayLike | None = None,
    target_biases: ArrayLike | None = None,
) -> float:
    """The population loss E (f*(x) - f(x))^2 of a network against a target.

    Equation: a' K a with the rows of both and the target's weights negated, K = E s(v.x) s(w.x), summed degree by degree; pairs
    in blocks, memory O(M + N). Tanh, sigmoid, softplus and silu are mixtures of 29 normal laws: series for |cosine| <= 0.9, 841
    terms for nearer pairs; the others closed forms. With a ``target_energy`` only pairs with a row of the network are summed,
    O(M (M + N)), without the digits of small losses. Regime: exact at every size and length, to about 1e-15 of a' |K| a; for
    relu, abs and leaky to about 1e-12 of the loss itself down to 1e-18 of its terms, where it is tiny in twice the precision,
    and less below (1e-6 at 1e-24); linear to the last digits. Source: guide/two_layer.md, Exact loss.

    With biases, in neurons s(w.x + b), or for a function, Hermite series of 256 degrees are summed. Regime: to 1e-9 of (sum |a|
    sqrt(E s^2))^2, where two rules that differ in their panels agree and what the degrees leave out is bounded; else refused. A
    function may bend or jump at 0 only. What is too narrow for both rules is not seen.
    Source: guide/two_layer.md, Biases and other activations.

    Args:
        rows, weights: The network, float64 (M, d) and (M,).
        target_rows, target_weights: The target, float64 (N, d) and (N,).
        activation: One of relu, abs, leaky (max(z, slope z)), step and sign (1/2 and 0 at zero), relu2, linear, quadratic
            (z^2), erf, cos, sin, tanh, sigmoid, softplus, gelu (z Phi(z)), silu; or an elementwise NumPy function.
        slope: That of leaky, in [-1, 1); None for the others.
        target_energy: What ``two_layer.target_energy`` gives, >= 0, if it is known; None to sum all pairs.
        biases, target_biases: Float64 (M,) and (N,); None for 0.

    Returns:
        The loss, >= 0; infinite above the largest float.

    Raises:
        ValueError: For what is not finite float64 or does not fit, an unknown activation, a slope that is missing, outside [-1,
            1) or not asked for, a target's energy that is no number >= 0, entries above 1e150 with softplus, gelu and silu, and
            entries whose lengths may be no float with erf, cos, sin, tanh and sigmoid; for a function or biases also where the
            error is not bounded as said, and beside a target's energy.
    """
    if callable(activation) or biases is not None or target_biases is not None:
        networks = (rows, weights, target_rows, target_weights)
        return _biased(networks, (biases, target_biases), activation, slope, target_energy)
    activation, slope = _activation(activation, slope)
    rows, weights, target_rows, target_weights = inputs.pair(rows, weights, target_rows, target_weights)
    _no_longer(activation, rows, target_rows)
    every, signed = np.concatenate([rows, target_rows]), np.concatenate([weights, -target_weights])
    if target_energy is not None:
        known = inputs.number("target_energy", target_energy, 0, np.inf, cure="give that of two_layer.target_energy")
        return _energy(every, signed, activation, slope, len(rows), known)
    return energy(*_sided(activation, every, signed), activation, slope)


def _biased(networks, biases, activation: str | hermite.Function, slope, target_energy) -> float:
    """``loss`` of neurons with biases, or of a function."""
    rows, weights, others, outer = inputs.pair(*networks)
    if target_energy is not None:
        raise ValueError("target_energy: is not for biases, nor for a function; leave it out")
    function = activation if callable(activation) else _function(*_activation(activation, slope))
    if callable(activation) and slope is not None:
        raise ValueError(f"slope: {slope!r} is given for a function, which has none; leave it out")
    names = ("biases", rows, "rows"), ("target_biases", others, "target_rows")
    shift = [
        np.zeros(len(given)) if value is None else inputs.each_row(name, value, given, of)
        for value, (name, given, of) in zip(biases, names, strict=True)
    ]
    every, signed = np.concatenate([rows, others]), np.concatenate([weights, -outer])
    every, signed = _merged(np.column_stack([every, np.concatenate(shift)]), signed)
    live = signed != 0
    if not np.any(live):
        return 0.0
    return hermite.energy(function, every[live, :-1], signed[live], every[live, -1])


def _function(activation: str, slope: float | None) -> hermite.Function:
    """A checked activation itself."""
    bend = slope or 0.0
    return (lambda z: np.maximum(z, bend * z)) if activation == "leaky" else hermite.FUNCTIONS[activation]


def target_energy(
    target_rows: ArrayLike, target_weights: ArrayLike, activation: str = "relu", slope: float | None = None
) -> float:
    """The sum over all pairs of target neurons in ``loss``, to be computed once for many networks: it takes O(N^2) of the time.

    Equation: sum a_i a_j of what the kernel has above the degrees that are squared after summation; the remainder R of
    ``factors`` for relu. Regime: exact. Source: guide/two_layer.md, Exact loss.

    Args:
        target_rows, target_weights: The target, float64 (N, d) and (N,).
        activation: One of the words of ``loss``.
        slope: That of leaky, in [-1, 1); None for the others.

    Returns:
        The sum, >= 0; infinite above the largest float.

    Raises:
        ValueError: As ``loss`` does.
    """
    activation, slope = _activation(activation, slope)
    rows, weights = inputs.network("target_rows", target_rows, "target_weights", target_weights)
    _no_longer(activation, rows)
    rows, weights, common, kernel = _scaled(rows, weights, activation, slope)
    if kernel.pair is None or not np.any(weights):
        return 0.0
    size, unit = angles.polar(rows)
    with np.errstate(over="ignore", under="ignore"):
        gains, size = (weights * size**kernel.degree, np.ones_like(size)) if kernel.degree else (weights, size)
        return float(angles.restored(max(over_pairs(kernel, unit, size, gains), 0.0), 2 * common))


def energy(rows: Array, weights: Array, activation: str = "relu", slope: float | None = None) -> float:
    """E f(x)^2 of one network, of checked arguments; infinite where it is above the largest float."""
    return _energy(rows, weights, activation, slope)


def _energy(
    rows: Array, weights: Array, activation: str, slope: float | None, count: int | None = None, known: float = 0.0
) -> float:
    """``energy``; of all pairs beyond the first ``count`` rows only their sum is ``known``."""
    rows, weights, common, kernel = _scaled(rows, weights, activation, slope)
    if count is None:
        rows, weights = _merged(rows, weights)
    live = weights != 0
    if not np.any(live) and not known:
        return 0.0
    count = count if count is None else int(np.count_nonzero(live[:count]))
    with np.errstate(over="ignore", under="ignore"):
        found = _summed(kernel, rows[live], weights[live], count, float(np.ldexp(known, -2 * common)))
        return float(angles.restored(max(found, 0.0), 2 * common))


def _scaled(rows: Array, weights: Array, activation: str, slope: float | None) -> tuple[Array, Array, int, kernels.Kernel]:
    """Rows and weights up to 1 where lengths do not matter or are moved into the weights, and the exponent of these."""
    kernel = kernels.of(activation, slope)
    if activation in STRAIGHT:
        rows, weights = _lengthened(rows, weights)
    even, weights, common = angles.balanced(rows, weights, kernel.degree)
    return rows if activation in kernels.BOUNDED + kernels.GROWING else even, weights, common, kernel


def _lengthened(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Short rows of neurons that are linear there, longer by a power of two, with weights smaller by it: products of lengths
    below the least float would count as zero."""
    largest = np.max(np.abs(rows), axis=1)
    shift = np.where((largest > 0) & (largest < SHORT), np.frexp(SHORT)[1] - np.frexp(largest)[1], 0)
    return np.ldexp(rows, shift[:, None]), np.ldexp(weights, -shift)


def _summed(kernel: kernels.Kernel, rows: Array, weights: Array, count: int | None, known: float) -> float:
    size, unit = angles.polar(rows)
    gains = weights * size**kernel.degree
    scale = np.ones_like(size) if kernel.degree else size
    total = float(sum(math.fsum(column) ** 2 for column in np.atleast_2d(gains * kernel.mean(scale))))
    if kernel.linear:
        total += kernel.linear**2 * extended.straight(rows, weights)
    if kernel.square:
        total += kernel.square * float(np.sum(((gains[:, None] * unit).T @ unit) ** 2))
    if kernel.pair is not None:
        total += over_pairs(kernel, unit, scale, gains, count) + known
    if count is None and kernel.degree == 1 and kernel.pair is not None and _cancelled(kernel, unit, gains, total):
        even, odd = extended.parts(rows, weights)
        return (kernels.ROOT * float(kernel.mean(np.ones(1))[0])) ** 2 * even + kernel.linear**2 * odd
    return total


def _cancelled(kernel: kernels.Kernel, unit: Array, gains: Array, total: float) -> bool:
    """Whether rounding takes more digits than ``DIGITS`` leaves, of pairs or of a sum that is squared."""
    height = float(np.sum(np.abs(gains)))
    if total >= DIGITS * height**2:
        return False
    return total < DIGITS * (
        over_pairs(kernel, unit, np.ones(len(gains)), np.abs(gains)) + 2 * math.sqrt(max(total, 0)) * height
    )


def loss_gradient(
    rows: ArrayLike, weights: ArrayLike, target_rows: ArrayLike, target_weights: ArrayLike
) -> tuple[float, Array, Array]:
    """The ReLU loss with its derivatives with respect to rows and weights.

    Equation: dL/dv = 2 b sum a dK(v, x)/dv, dK/dv = [|x| sin t v/|v| + (pi - t) x]/(2 pi), over the rows of both networks, the
    target's weights a negated; at v = 0, a cone point, v/|v| is 0 and t = pi/2, which is the mean over all directions;
    dL/db = 2 sum a K. Regime: exact, finite at coincident, antipodal and zero rows. Source: guide/two_layer.md, Gradient.

    Args:
        rows, weights: The network, float64 (M, d) and (M,).
        target_rows, target_weights: The target, float64 (N, d) and (N,).

    Returns:
        (loss, derivatives by rows (M, d), derivatives by weights (M,)).

    Raises:
        ValueError: For what is not finite float64 or does not fit.
    """
    rows, weights, target_rows, target_weights = inputs.pair(rows, weights, target_rows, target_weights)
    every, signed = np.concatenate([rows, target_rows]), np.concatenate([weights, -target_weights])
    even, scaled, common = angles.balanced(every, signed, 1)
    lengths, others = angles.polar(even)
    unit, gains, linear = others[: len(rows)], scaled * lengths, scaled @ even
    along, onto = np.zeros((2, len(rows))), np.zeros_like(rows)
    for here in blocks(len(rows)):
        for there in blocks(len(every)):
            cosine, sine = _angles(unit, others, here, there, len(rows))
            along[0, here] += (sine - 1) @ gains[there]
            along[1, here] += smoothed.rest(cosine, sine) @ gains[there]
            onto[here] += (np.arctan2(cosine, sine) * gains[there]) @ others[there]
    constant = math.fsum(gains) / (2 * np.pi)
    straight = linear / 4 + onto / (2 * np.pi) + (constant + along[0] / (2 * np.pi))[:, None] * unit
    outer = lengths[: len(rows)] * (constant + unit @ linear / 4 + along[1])
    shift = np.frexp(np.max(np.abs(rows), axis=1))[1]
    mantissa, exponent = np.frexp(weights)
    straight = angles.restored(mantissa[:, None] * straight, (exponent + common + 1)[:, None])
    return energy(every, signed), straight, angles.restored(outer, shift + common + 1)


def _angles(unit: Array, others: Array, here: slice, there: slice, count: int) -> tuple[Array, Array]:
    """Between rows of the network and of both; the angle of a row with itself is exactly zero."""
    cosine, sine = angles.between(unit[here], others[there])
    own = np.arange(here.start, min(here.stop, count))
    own = own[(own >= there.start) & (own < there.stop) & np.any(unit[own], axis=1)]
    cosine[own - here.start, own - there.start], sine[own - here.start, own - there.start] = 1.0, 0.0
    return cosine, sine


def over_pairs(kernel: kernels.Kernel, unit: Array, size: Array, gains: Array, count: int | None = None) -> float:
    """The sum over all pairs, each block above the diagonal counted twice; only those with one of the first ``count``."""
    sums, (pair, series) = [], (kernel.pair, kernel.series)
    assert pair is not None
    heights = gains * series.moments(size) if series else gains
    first = blocks(len(gains) if count is None else count)
    rest = [] if count is None else [slice(b.start + count, b.stop + count) for b in blocks(len(gains) - count)]
    for k, here in enumerate(first):
        for there in first[k:] + rest:
            cosine, sine = angles.between(unit[here], unit[there], here == there)
            if series:
                i, j = np.nonzero(np.abs(cosine) > FAR)
                near = pair(cosine[i, j], sine[i, j], size[here][i], size[there][j])
                found = float(np.sum(gains[here][i] * near * gains[there][j]))
                found += far_pairs(series, cosine, heights[:, here], heights[:, there])
            else:
                block = pair(cosine, sine, size[here, None], size[None, there])
                found = float(gains[here] @ block @ gains[there])
            sums.append((1 if here == there else 2) * found)
    return math.fsum(sums)


def blocks(count: int) -> list[slice]:
    """Slices of ``BLOCK`` rows that cover ``count``."""
    return [slice(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK)]


def _sided(activation: str, rows: Array, weights: Array) -> tuple[Array, Array]:
    """Rows that are equal up to a sign which the activation takes out, made equal."""
    if activation not in kernels.ODD + kernels.EVEN:
        return rows, weights
    longest = np.max(np.abs(rows), axis=1, keepdims=True)
    across = rows / np.where(longest > 0, longest, 1) @ (1 / np.sqrt(np.arange(rows.shape[1]) + 0.7))
    side = np.where(across < 0, -1.0, 1.0)  # of a plane of no symmetry
    return rows * side[:, None], weights * (side if activation in kernels.ODD else 1.0)


def _merged(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Equal rows as one, with the sum of their weights."""
    distinct, which = np.unique(rows + 0.0, axis=0, return_inverse=True)
    if len(distinct) == len(rows):
        return rows, weights
    order = np.argsort(which.ravel(), kind="stable")
    ends = np.searchsorted(which.ravel()[order], np.arange(len(distinct) + 1))
    return distinct, np.array([math.fsum(weights[order[a:b]]) for a, b in itertools.pairwise(ends)])


def _no_longer(activation: str, *networks: Array) -> None:
    longest = float(max(np.max(np.abs(rows)) for rows in networks))
    if activation in kernels.GROWING and longest > LONGEST:
        raise ValueError(f"rows: an entry {longest:.3g} is too long for {activation}; use relu, which it is for rows so long")
    if activation in kernels.BOUNDED and longest > LARGEST / networks[0].shape[1]:
        raise ValueError(f"rows: an entry {longest:.3g} makes a length that may be no float; scale the longest rows down")


def _activation(activation: str, slope: float | None) -> tuple[str, float | None]:
    activation = arguments.choice("activation", activation, kernels.ACTIVATIONS)
    if activation != "leaky":
        if slope is not None:
            raise ValueError(f"slope: {slope!r} is given for {activation}, which has none; leave it out, or use leaky")
        return activation, None
    if slope is None:
        raise ValueError("slope: None, but leaky needs one; give a number in [-1, 1)")
    cure = "1 would be linear, and a larger one is a smaller one of the negated net"
    return activation, inputs.number("slope", slope, -1, 1, "[)", cure)
