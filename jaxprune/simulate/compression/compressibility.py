"""How much of an array, or of a layer, can be removed: relative errors, pruning ratios and masks.

Everything is a function of sizes: absolute values of entries, l2 norms of neurons (rows), or singular values. One sort and
one cumulative sum of the ascending energies give the error at every kept count, right in float32 too, to 3e-7 of itself for a
million entries: sizes are divided by the largest before they are raised to a power, and the sum ascends (the difference of a
descending sum from 1 would lose the tail).

A layer has shape (n, d), one row per neuron with its incoming weights. Of equal sizes the one with the lower index is kept,
so a kept count is always exact. Nothing to measure (all zero, or not finite) is a ValueError where values are known, NaN
inside compiled code, and so is a number that is outside what a function takes. Sources: Wan et al. 2023 and Barsbey et al.
2021, guide/compression.md, Measures.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, Int

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import at_most, check_number, or_nan, sound_count, sound_number, traced
from jaxprune.simulate.sorting import argsort_descending

SHARE = 0.1  # of the energy, that the papers allow to be removed


def sizes(weights: ArrayLike) -> Float[Array, " n"]:
    """l2 norms of the rows of a layer, absolute values of a vector, divided by the largest.

    Args:
        weights: Real numbers (n, d) or (n,).

    Returns:
        Sizes (n,) in [0, 1].

    Raises:
        ValueError: For arrays that are empty, complex, all zero, not finite, or have more than two axes.
    """
    return _sizes(checked("weights", weights))


def energies(weights: ArrayLike, order: ArrayLike = 2.0) -> Float[Array, " n"]:
    """``size^order`` of each row or entry, divided by the largest.

    Args:
        weights: A layer (n, d) or a vector (n,).
        order: Order of the norm, > 0.

    Returns:
        Energies (n,) in [0, 1].

    Raises:
        ValueError: As ``sizes`` does, and for order <= 0.
    """
    sound = sound_number("order", order, "(0, inf)", "the order of a norm")
    return or_nan(sound, sizes(weights) ** order)


def removed_share(weights: ArrayLike, order: ArrayLike = 2.0) -> Float[Array, " m"]:
    """Share of the energy that goes when the m smallest rows or entries are removed, m = 0 .. n; never falls.

    Args:
        weights: A layer (n, d) or a vector (n,).
        order: Order of the norm, > 0.

    Returns:
        Shares (n + 1,), from 0 to 1.

    Raises:
        ValueError: As ``energies`` does.
    """
    return _shares(energies(weights, order))


def relative_error(weights: ArrayLike, kept: ArrayLike | Sequence[int], order: ArrayLike = 2.0) -> Array:
    """``|x - x_kept|_order / |x|_order`` when the largest rows or entries stay.

    Args:
        weights: A layer (n, d) or a vector (n,).
        kept: Numbers of rows or entries that stay, integers >= 0, (k,) or one; a count above n keeps all.
        order: Order of the norm over rows (a row counts with its l2 norm) or entries, > 0.

    Returns:
        Errors in [0, 1], in the shape of ``kept``.

    Raises:
        ValueError: For negative or fractional counts, and as ``energies`` does.
    """
    sound = sound_count("kept", kept, "what is kept", 0, many=True)
    order = or_nan(sound_number("order", order, "(0, inf)", "the order of a norm"), order)  # NaN to the power 1/inf is 1
    found = sizes(weights)
    share = _shares(found**order)
    kept = jnp.asarray(at_most(kept, len(found))).astype(int)
    gone = jnp.maximum(len(found) - kept, 0)
    small = (share[gone] < jnp.finfo(share.dtype).tiny / jnp.finfo(share.dtype).eps) & (gone > 0)
    plain = share[gone] ** (1 / order)
    lost = jax.lax.cond(jnp.any(small), lambda: _by_logarithms(found, gone, order), lambda: plain)
    return or_nan(sound, jnp.where(small, lost, plain))


def _by_logarithms(sizes, gone, order):
    """The same error of the ``gone`` > 0 smallest, where powers of sizes, or their sums, are too small to be numbers; to the
    precision of its logarithm."""
    sums = jax.lax.cumlogsumexp(order * jnp.log(jnp.sort(sizes)))
    return jnp.exp((sums[jnp.maximum(gone - 1, 0)] - sums[-1]) / order)


def removed_count(weights: ArrayLike, share: ArrayLike = SHARE, squared: bool = True) -> Int[Array, ""]:
    """The largest number of neurons (or entries) whose removed share of the energy is at most ``share``.

    Args:
        weights: A layer (n, d) or a vector (n,).
        share: The share of the energy that may go, in (0, 1).
        squared: Whether the share is of squared norms, as the papers take it; otherwise of norms: sqrt(removed energy /
            energy).

    Returns:
        The count, in 0 .. n; 0 in compiled code for a layer without a ratio, and for a share outside (0, 1).

    Raises:
        ValueError: For a share outside (0, 1), and as ``sizes`` does.
    """
    share = or_nan(_sound_share(share), share)
    removed = removed_share(weights)[1:]
    room = 1 + 4 * jnp.finfo(removed.dtype).eps  # a share that is met but for round-off is met
    return jnp.sum(removed <= (share if squared else share**2) * room)


def pruning_ratio(weights: ArrayLike | Sequence[ArrayLike], share: ArrayLike = SHARE, squared: bool = True) -> Float[Array, ""]:
    """Removed parameters / all parameters, where each layer loses ``removed_count`` neurons.

    Args:
        weights: A layer, or a list of layers of different shapes, pooled by parameter count; leave the last layer of a network
            out.
        share: The share of the energy of each layer that may go, in (0, 1).
        squared: Whether the share is of squared norms, or else of norms.

    Returns:
        The ratio in [0, 1); NaN in compiled code when a layer is all zero or not finite, or the share outside (0, 1).

    Raises:
        ValueError: For an empty list, and as ``removed_count`` does.
    """
    layers: Any = weights if isinstance(weights, list | tuple) else [weights]
    if not layers:
        raise ValueError("weights: an empty list has no pruning ratio; pass at least one layer")
    total = sum(np.size(layer) for layer in layers)
    parts = [removed_count(w, share, squared) * (np.size(w) / np.shape(w)[0] / total) for w in layers]
    valid = jnp.stack([jnp.all(jnp.isfinite(sizes(w))) for w in layers])
    return jnp.where(jnp.all(valid) & _sound_share(share), sum(parts), jnp.nan)


def participation(weights: ArrayLike, order: ArrayLike = 2.0) -> Float[Array, ""]:
    """``sum e_i^2 / (sum e_i)^2`` of the energies: 1 when one neuron has everything, 1/n when all are equal.

    Args:
        weights: A layer (n, d) or a vector (n,).
        order: Order of the norm, > 0.

    Returns:
        A number in [1/n, 1].

    Raises:
        ValueError: As ``energies`` does.
    """
    energy = energies(weights, order)
    return jnp.sum(energy**2) / jnp.sum(energy) ** 2


def neuron_mask(weights: ArrayLike, kept: ArrayLike) -> Bool[Array, " n"]:
    """True for exactly the largest neurons (rows) or entries.

    Args:
        weights: A layer (n, d) or a vector (n,).
        kept: How many, an integer >= 0 that may be traced, and keeps nothing where it is none; above n it keeps all.

    Returns:
        The mask (n,).

    Raises:
        ValueError: For a negative or fractional count, and as ``sizes`` does.
    """
    sound = sound_count("kept", kept, "what is kept", 0)
    places = ranks(sizes(weights))
    return (places < at_most(kept, len(places))) & sound


def ratio_mask(weights: ArrayLike, share: ArrayLike = SHARE, squared: bool = True) -> Bool[Array, " n"]:
    """True for the neurons that stay at the papers' pruning ratio.

    Args:
        weights: A layer (n, d) or a vector (n,).
        share: The share of the energy that may go, in (0, 1).
        squared: Whether the share is of squared norms, or else of norms.

    Returns:
        The mask (n,); in compiled code nothing stays at a share outside (0, 1).

    Raises:
        ValueError: As ``removed_count`` does.
    """
    kept = np.shape(weights)[0] - removed_count(weights, share, squared)
    return neuron_mask(weights, kept) & _sound_share(share)


def fraction_masks(weights: ArrayLike, removed: Sequence[Any]) -> Bool[Array, "f n"]:
    """The parameter-ratio criterion: masks after removing fractions of the neurons, rounded down to a count.

    Args:
        weights: A layer (n, d) or a vector (n,).
        removed: The f fractions, in [0, 1].

    Returns:
        Masks (f, n), true for what stays.

    Raises:
        ValueError: For fractions outside [0, 1], and as ``sizes`` does.
    """
    n = np.shape(weights)[0]
    kept = np.array([n - fraction_count(n, f) for f in removed])
    return ranks(sizes(weights))[None, :] < kept[:, None]


def prune(weights: ArrayLike, mask: ArrayLike) -> Float[Array, "n *d"]:
    """Zeros in the rows (or entries) of weights that a mask leaves out.

    Args:
        weights: An array (n, ...).
        mask: Which rows stay, (n,).

    Returns:
        The pruned weights, in their shape.
    """
    weights, mask = jnp.asarray(weights), jnp.asarray(mask)
    return jnp.where(mask.reshape(mask.shape + (1,) * (weights.ndim - mask.ndim)), weights, 0)


def functional_error(pruned: ArrayLike, full: ArrayLike) -> Float[Array, ""]:
    """``|f_pruned - f| / |f|`` over all test inputs and outputs.

    Report it beside the parameter error, which may vanish while this one does not.

    Args:
        pruned: Outputs of the pruned network, any shape.
        full: Outputs of the full network on the same inputs, the same shape.

    Returns:
        The relative l2 error, >= 0.

    Raises:
        ValueError: For outputs of different shapes, and for ``full`` that is empty, all zero or not finite.
    """
    if np.shape(pruned) != np.shape(full):
        raise ValueError(
            f"pruned: shape {np.shape(pruned)} is not that of full, {np.shape(full)}; pass outputs on the same inputs"
        )
    full = checked("full", full, axes=None)
    change, full = _moderate(jnp.stack([jnp.ravel(pruned) - jnp.ravel(full), jnp.ravel(full)]))
    scale = jnp.max(jnp.abs(full))
    return jnp.linalg.norm(change / scale) / jnp.linalg.norm(full / scale)


def kept_count(n: int, kappa: ArrayLike) -> int:
    """``floor(kappa n)``, forgiving round-off in the product.

    Args:
        n: Number of neurons, >= 1.
        kappa: The fraction that is kept, in (0, 1].

    Returns:
        The count, in 1 .. n.

    Raises:
        ValueError: For n < 1, for kappa outside (0, 1] or traced, and where nothing would be kept.
    """
    check_count("n", n, "neurons")
    _check_known("kappa", kappa)
    check_number("kappa", kappa, "(0, 1]", "a fraction kept")
    count = _floor(kappa * n)
    if count == 0:
        raise ValueError(f"kappa: {kappa} of n = {n} keeps nothing; use at least {1 / n:.3g}, or give kept counts")
    return count


def fraction_count(n: int, removed: ArrayLike) -> int:
    """``floor(removed n)``, forgiving round-off in the product.

    Args:
        n: Number of neurons.
        removed: The fraction that is removed, in [0, 1].

    Returns:
        The count, in 0 .. n.

    Raises:
        ValueError: For a fraction outside [0, 1], and one that is traced.
    """
    _check_known("removed", removed)
    check_number("removed", removed, "[0, 1]", "a fraction removed")
    return _floor(removed * n)


def ranks(values: ArrayLike) -> Int[Array, " n"]:
    """Place of each value from the largest, 0, to the smallest; of equal ones the lower index comes first.

    Args:
        values: Real numbers (n,).

    Returns:
        Places (n,) in 0 .. n - 1.
    """
    return _ranks(jnp.asarray(values))


def _floor(product):
    return int(np.floor(product * (1 + 4e-16)))


def _moderate(values):
    """Values times a power of two: a division by the largest may be a product with its reciprocal, which must not vanish."""
    return values * jnp.where(jnp.max(jnp.abs(values)) > 1, 2.0**-60, 2.0**60).astype(values.dtype)


@jax.jit
def _sizes(weights):
    flat = _moderate(jnp.abs(weights))
    if flat.ndim == 2:
        top = jnp.max(flat, axis=1, keepdims=True)
        live = top > 4 * jnp.finfo(flat.dtype).tiny
        flat = top[:, 0] * jnp.linalg.norm(flat / jnp.where(live, top, 1), axis=1)
    return flat / jnp.max(flat)


@jax.jit
def _ranks(values):
    order = argsort_descending(values)
    return jnp.zeros_like(order).at[order].set(jnp.arange(len(order)))


@jax.jit
def _shares(energy):
    sums = jax.lax.cummax(jnp.cumsum(jnp.sort(energy)))  # a parallel sum of terms >= 0 may fall by a rounding
    total = sums[-1:]
    return jnp.concatenate([0 * total, jnp.minimum(sums[:-1] / total, 1), 0 * total + 1])  # x / x need not be 1


def checked(name, value, axes: int | None = 2):
    """The value as a floating-point array; what is known to have no ratio is refused.

    Args:
        name: What an error calls the value.
        value: Real numbers. Integers become floats, half precision becomes float32.
        axes: The most axes that it may have, where it needs one; None allows any shape.

    Returns:
        The array, in its shape.

    Raises:
        ValueError: For a value that is complex, empty, all zero or not finite, or has too many axes.
    """
    value = floating(name, value)
    if jnp.finfo(value.dtype).bits < 32:
        value = value.astype(jnp.float32)  # half precision has no room for energies
    if value.size == 0 or (axes and not 1 <= value.ndim <= axes):
        raise ValueError(f"{name}: shape {value.shape}; pass (n,) or (n, d) with n, d >= 1")
    if not traced(value):
        known = np.asarray(value)  # where a program is traced even known arrays give traced results
        if not np.all(np.isfinite(known)):
            raise ValueError(f"{name}: holds NaN or infinity; leave failed runs out and count them")
        if not np.any(known):
            raise ValueError(
                f"{name}: all of {value.size} numbers are 0, a ratio to their norm does not exist; pass a layer with weights"
            )
    return value


def floating(name, value):
    """The value as a floating-point array.

    Args:
        name: What an error calls the value.
        value: Real numbers; integers become floats.

    Returns:
        The array, in its shape.

    Raises:
        ValueError: For complex numbers.
    """
    value = jnp.asarray(value)
    if jnp.iscomplexobj(value):
        raise ValueError(f"{name}: complex numbers have no such ratio here; pass real ones")
    return value if jnp.issubdtype(value.dtype, jnp.floating) else value.astype(float)


def measurable(value):
    """Whether an array that ``checked`` let pass has a ratio.

    Args:
        value: The array.

    Returns:
        True, since it was looked at; of traced values, whether they are finite and not all zero.
    """
    return jnp.all(jnp.isfinite(value)) & jnp.any(value != 0) if traced(value) else True


def _sound_share(share):
    return sound_number("share", share, "(0, 1)", "a share of the energy")


def _check_known(name, value):
    if traced(value):
        raise ValueError(f"{name}: is traced, and a count that shapes depend on must be known; pass a plain number")
