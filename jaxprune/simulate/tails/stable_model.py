"""Tail indices by models: estimators that are right for symmetric stable numbers, or isotropic stable vectors.

They use all the data and are sharp, but report a heavy tail that is not there when the law is not stable: on Student's law
with three degrees of freedom, whose variance is finite, they read 1.65. Set an extreme-value estimate of ``extreme`` beside
them (``tail_report``). Data are numbers (N,) or vectors (N, d), already ``extreme.centred``. Derivations:
guide/tails.md.
"""

import functools
import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_compat
from jaxprune.simulate.platforms import each
from jaxprune.simulate.tails import quantile_ratio
from jaxprune.simulate.tails.extreme import TailEstimate, check_sample, from_inverse, from_value, norms

CANDIDATES = (2, 5, 10, 20, 50, 100, 500, 1000)  # block sizes of the released code
CAP = 2.0


@functools.partial(jax.jit, static_argnames="size")
def block_log_moment(x: Float[Array, "N *d"], size: int) -> TailEstimate:
    """Block sums (Mohammadi et al. 2015): ``1/alpha = (mean log|Y| - mean log|X|)/log(size)``, Y the sums of blocks.

    ``inverse`` is unbiased at any sample size for strictly stable laws of any dimension. The rows must be independent: shuffle
    them where they are not. Data beyond the last whole block are left out. Error by the spread between blocks, ``Var(log|Y| -
    mean log|X| of its block)/blocks/log(size)^2``, which is the exact variance for independent rows. Source: guide/tails.md,
    Block sums.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        size: Consecutive data in a block, in 2 .. N/2.

    Returns:
        The estimate; not valid with a zero vector or sum.

    Raises:
        ValueError: For ``size`` < 2 or fewer than 2 blocks, and for what is no sample.
    """
    check_sample(x, 4)
    check_count("size", size, "data in a block, of at least 2 blocks", 2, x.shape[0] // 2)
    differences = _block_differences(x, size, 0.0)
    error = jnp.std(differences, ddof=1) / jnp.sqrt(len(differences))
    return from_inverse(jnp.mean(differences) / math.log(size), error / math.log(size), jnp.mean(differences) > 0)


def _block_differences(x, size, floor):
    """``log|Y|`` less the mean ``log|X|`` of the block, for every block; ``floor`` is added to the norms."""
    count = x.shape[0] // size
    rows = x[: count * size]
    sums = jnp.sum(rows.reshape(count, size, *x.shape[1:]), axis=1)
    logs = jnp.log(norms(rows) + floor).reshape(count, size)
    return jnp.log(norms(sums) + floor) - jnp.mean(logs, axis=1)


@functools.partial(jax.jit, static_argnames=("compat", "shuffles"))
def aggregate(
    x: Float[Array, "N *d"], key: Key[Array, ""], *, compat: Literal["released-code"] | None = None, shuffles: int = 5
) -> TailEstimate:
    """The aggregate of the released code: the median of the block estimates over ``block_sizes(N)``, and of random orders.

    The estimates of different sizes and shuffles are far from independent: the error is the median of the errors of the single
    block estimates, somewhat too large, infinite for those with a sum that is zero (as that of the two central data of an even
    sample, centred by its median). Source: guide/tails.md, Block sums.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        key: One typed JAX key, for the orders.
        compat: "released-code" caps each at 2, which hides light tails, and adds 2.2e-16 to the norms, so that zero vectors
            count; None does neither.
        shuffles: Random orders of the rows, >= 1, over which the median is taken.

    Returns:
        The estimate.

    Raises:
        ValueError: For an N without block sizes (a prime), what is no sample, fewer than 1 shuffle, and another ``compat``.
    """
    check_sample(x, 4)
    check_count("shuffles", shuffles, "random orders", 1, 10**6)
    check_compat(compat)
    floor = float(np.spacing(1)) if compat else 0.0

    def once(order):
        rows, found = x[order], []
        for size in block_sizes(x.shape[0]):
            part = _block_differences(rows, size, floor)
            scale = math.log(size)
            error = jnp.std(part, ddof=1) / jnp.sqrt(len(part)) / scale
            found.append((jnp.mean(part) / scale, jnp.where(jnp.isnan(error), jnp.inf, error)))
        inverse, error = (jnp.stack(part) for part in zip(*found, strict=True))
        value = jnp.median(1 / inverse)
        return jnp.minimum(value, CAP) if compat else value, jnp.median(error)

    orders = jax.vmap(lambda k: jax.random.permutation(k, x.shape[0]))(jax.random.split(key, shuffles))
    values, errors = each(once, orders)
    value = jnp.median(values)
    return from_value(value, jnp.median(errors) * value**2, value > 0)


def block_sizes(count: int) -> tuple[int, ...]:
    """The released code's block sizes: each of 2, 5, ..., 1000 up to N/2, lowered to a divisor of N, and one near sqrt(N).

    The latter is the largest divisor up to the square root. 2 and 5 for ten data. The released code stops where lowering ends
    at 1; here such a size is left out.

    Args:
        count: N, the number of data.

    Returns:
        The sizes, increasing, all above 1.

    Raises:
        ValueError: If none is left.
    """
    if count == 10:
        return (2, 5)
    lowered = [_divisor(count, c) for c in CANDIDATES if c <= count / 2]
    sizes = sorted({*lowered, _divisor(count, math.isqrt(count))} - {1})
    if not sizes:
        raise ValueError(f"x: {count} data have no block size that divides them; leave one out")
    return tuple(sizes)


def _divisor(count, most):
    return next(m for m in range(most, 0, -1) if count % m == 0)


@jax.jit
def log_variance(x: Float[Array, "N *d"]) -> TailEstimate:
    """From ``Var log|X| = (pi^2/6)(1/alpha^2 - 1/4) + psi'(d/2)/4``, d = 1 for numbers, for isotropic stable vectors.

    Error by the fourth moment of log|X|. Source: guide/tails.md, Log variance.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), N >= 4, centred.

    Returns:
        The estimate; not valid where the variance is too small for any alpha, or a vector is zero.

    Raises:
        ValueError: For what is no sample.
    """
    check_sample(x, 4)
    logs = jnp.log(norms(x))
    logs = logs - jnp.mean(logs)
    count, dim = x.shape[0], x.shape[1] if x.ndim == 2 else 1
    variance = jnp.sum(logs**2) / (count - 1)
    square = (variance - jax.scipy.special.polygamma(1, jnp.asarray(dim / 2, x.dtype)) / 4) * 6 / jnp.pi**2 + 0.25
    error = jnp.sqrt((jnp.mean(logs**4) - variance**2) / count) * 6 / jnp.pi**2
    inverse = jnp.sqrt(jnp.where(square > 0, square, jnp.nan))
    return from_inverse(inverse, error / (2 * inverse), square > 0)


def characteristic(
    x: Float[Array, " N"], low: float | Float[Array, ""] = 0.2, high: float | Float[Array, ""] = 0.8, *, modulus: bool = False
) -> TailEstimate:
    """Two points of the empirical characteristic function phi: ``alpha = log(log phi(high)/log phi(low))/log(high/low)``.

    The sharpest for symmetric stable numbers. Error by the delta method with the median held fixed (for stable laws it has no
    effect at first order). Source: guide/tails.md, Characteristic function.

    Args:
        x: Floating-point numbers (N,), N >= 4, centred.
        low, high: Arguments of phi, in units of one over the median of |x|, 0 < low < high.
        modulus: Whether to take |phi|, which a shift does not change; else its real part.

    Returns:
        The estimate; not valid where phi is outside (0, 1), the median is 0, or all data are equal.

    Raises:
        ValueError: Unless 0 < low < high where they are plain numbers, and for what is no sample of numbers.
    """
    check_sample(x, 4)
    if x.ndim != 1:
        raise ValueError(f"x: shape {x.shape}; the characteristic function is that of numbers (N,), use one coordinate")
    if isinstance(low, float | int) and isinstance(high, float | int) and not 0 < low < high < math.inf:
        raise ValueError(f"low, high: {low}, {high} are not 0 < low < high; use 0.2 and 0.8")
    return _characteristic(x, low, high, modulus)


@functools.partial(jax.jit, static_argnames="modulus")
def _characteristic(x, low, high, modulus) -> TailEstimate:
    median = jnp.median(jnp.abs(x))
    places = jnp.stack([jnp.asarray(low, x.dtype), jnp.asarray(high, x.dtype)])
    angles = places[:, None] * x / jnp.where(median > 0, median, jnp.nan)
    real, imaginary = jnp.mean(jnp.cos(angles), axis=1), jnp.mean(jnp.sin(angles), axis=1)
    phi = jnp.hypot(real, imaginary) if modulus else real
    inside = jnp.all((phi > 0) & (phi < 1)) & jnp.any(x != x[0])
    safe = jnp.where((phi > 0) & (phi < 1), phi, 0.5)
    each = jnp.cos(angles)
    if modulus:
        each = (real[:, None] * each + imaginary[:, None] * jnp.sin(angles)) / safe[:, None]
    parts = (each - safe[:, None]) / (safe * jnp.log(safe))[:, None]
    span = jnp.log(places[1] / places[0])
    value = jnp.log(jnp.log(safe[1]) / jnp.log(safe[0])) / span
    error = jnp.std(parts[1] - parts[0]) / span / math.sqrt(x.shape[0])
    return from_value(value, error, inside & (value > 0) & (jnp.min(x) < jnp.max(x)))


@jax.jit
def quantiles(x: Float[Array, " N"]) -> TailEstimate:
    """McCulloch: ``(q95 - q05)/(q75 - q25)`` of the data, inverted for alpha exactly (``quantile_ratio``). Shift invariant.

    Capped at 2, where the ratio is smallest. Error by the covariance of sample quantiles with slopes from order statistics two
    binomial deviations to either side. Source: guide/tails.md, Quantiles.

    Args:
        x: Floating-point numbers (N,), N >= 4.

    Returns:
        The estimate; not valid with fewer than 100 data, quartiles that coincide, a ratio below nu(2) by more than four errors,
        or an alpha below 0.1.

    Raises:
        ValueError: For what is no sample of numbers.
    """
    check_sample(x, 4)
    if x.ndim != 1:
        raise ValueError(f"x: shape {x.shape}; quantiles are those of numbers (N,), use one coordinate")
    levels = jnp.asarray([0.05, 0.25, 0.75, 0.95], x.dtype)
    half = 2 * jnp.sqrt(levels * (1 - levels) / x.shape[0])
    spread = [jnp.clip(levels - half, 0, 1), levels, jnp.clip(levels + half, 0, 1)]
    below, at, above = jnp.quantile(x, jnp.concatenate(spread)).reshape(3, 4)
    outer, inner = at[3] - at[0], at[2] - at[1]
    good = (inner > 0) & (x.shape[0] >= 100)
    ratio = outer / jnp.where(good, inner, jnp.nan)
    slopes = jnp.asarray([-1.0, 1.0, -1.0, 1.0], x.dtype) / jnp.stack([outer, inner, inner, outer])
    slopes = slopes * (above - below) / (spread[2] - spread[0])
    least, most = jnp.minimum(levels[:, None], levels), jnp.maximum(levels[:, None], levels)
    error = jnp.sqrt(slopes @ (least * (1 - most)) @ slopes / x.shape[0])  # of log ratio
    value = quantile_ratio.inverse(ratio)
    slope = jax.grad(lambda a: jnp.log(quantile_ratio.ratio(a)))(value)
    two = quantile_ratio.ratio(jnp.asarray(quantile_ratio.MOST, x.dtype))
    inside = good & (jnp.log(ratio / two) > -4 * error) & (value > quantile_ratio.LEAST)
    return from_value(value, error / jnp.abs(slope), inside)


@functools.partial(jax.jit, static_argnames=("groups", "order"))
def participation(x: Float[Array, "N *d"], groups: int, order: float = 2.0) -> TailEstimate:
    """``alpha = q (1 - sum|x|^2q/(sum|x|^q)^2)``, averaged over groups of consecutive data.

    In one group it tends to a random limit whose mean is alpha < q as the group grows (a Poisson-Dirichlet law), so the error,
    by the spread between groups, falls with their number alone. Source: guide/tails.md, Participation.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        groups: Number of groups, in 2 .. N/2.
        order: q, finite and > 0, above every alpha in question.

    Returns:
        The estimate; not valid where the value exceeds 0.9 q, which light tails give too, or a group is zero.

    Raises:
        ValueError: For fewer than 2 groups or 2 data in each, ``order`` <= 0, and what is no sample.
    """
    check_sample(x, 4)
    check_count("groups", groups, "groups of at least 2 data", 2, x.shape[0] // 2)
    if not 0 < order < math.inf:
        raise ValueError(f"order: {order} is not a moment; use a number above every alpha in question, such as 2")
    size = x.shape[0] // groups
    parts = norms(x[: groups * size]).reshape(groups, size)
    largest = jnp.max(parts, axis=1, keepdims=True)
    energies = (parts / jnp.where(largest > 0, largest, jnp.nan)) ** order
    found = order * (1 - jnp.sum(energies**2, axis=1) / jnp.sum(energies, axis=1) ** 2)
    value = jnp.mean(found)
    return from_value(value, jnp.std(found, ddof=1) / math.sqrt(groups), (value > 0) & (value <= 0.9 * order))
