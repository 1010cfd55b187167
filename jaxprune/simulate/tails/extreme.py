"""Tail indices by order statistics: estimators that hold for any regularly varying tail ``P(|X| > x) ~ C x^-alpha``.

They look at the largest magnitudes alone, so they say nothing of the bulk, need many data, and read too large an index
where the tail has not set in yet: on symmetric stable data with alpha = 1.8 Hill's estimate from the top 1 % reads 2.0.
Estimators for stable laws are in ``stable_model``, both together in ``tail_report``. None is shift invariant: use
``centred`` first. Data are numbers (N,), or vectors (N, d) whose norms are taken. Derivations:
guide/tails.md.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import kind
from jaxprune.struct import struct


@struct
class TailEstimate:
    """A tail index with its standard error. ``valid`` is False where it should not be believed: too few or degenerate
    data, a threshold that is not positive, a value that the method cannot give.

    ``inverse`` = 1/alpha with ``inverse_error`` is what most methods estimate (nearly) without bias: average it over
    samples, then invert. It may be <= 0, which says that the tail is lighter than any power; then ``value`` is inf.
    """

    value: Float[Array, "*s"]
    error: Float[Array, "*s"]
    valid: Bool[Array, "*s"]
    inverse: Float[Array, "*s"]
    inverse_error: Float[Array, "*s"]


def from_inverse(inverse: Float[Array, "*s"], error: Float[Array, "*s"], valid: Bool[Array, "*s"]) -> TailEstimate:
    """The estimate of alpha from one of 1/alpha; inf where that is not positive.

    Args:
        inverse: The estimate of 1/alpha, of any shape.
        error: Its standard error, of the same shape.
        valid: Whether it should be believed, of the same shape.

    Returns:
        The estimate; not valid where ``inverse`` or ``error`` is not finite.
    """
    heavy = inverse > 0
    safe = jnp.where(heavy, inverse, 1.0)
    value = jnp.where(heavy, 1 / safe, jnp.where(jnp.isnan(inverse), jnp.nan, jnp.inf))
    spread = jnp.where(heavy, error / safe**2, jnp.where(jnp.isnan(inverse), jnp.nan, jnp.inf))
    return TailEstimate(value, spread, valid & jnp.isfinite(inverse) & jnp.isfinite(error), inverse, error)


def from_value(value: Float[Array, "*s"], error: Float[Array, "*s"], valid: Bool[Array, "*s"]) -> TailEstimate:
    """The estimate of alpha > 0.

    Args:
        value: The estimate of alpha, of any shape.
        error: Its standard error, of the same shape.
        valid: Whether it should be believed, of the same shape.

    Returns:
        The estimate; not valid where ``value`` or ``error`` is not finite.
    """
    return TailEstimate(value, error, valid & jnp.isfinite(value) & jnp.isfinite(error), 1 / value, error / value**2)


def check_sample(x: Float[Array, "*shape"], least: int = 2) -> None:
    """Refuses what is no sample of floating-point numbers or vectors.

    Args:
        x: What is looked at.
        least: The fewest data.

    Raises:
        ValueError: Unless ``x`` is (N,) or (N, d), floating-point, with N >= ``least``.
    """
    if not hasattr(x, "ndim"):
        raise ValueError(f"x: {type(x).__name__} is no array; use jnp.asarray")
    if x.ndim not in (1, 2) or not jnp.issubdtype(x.dtype, jnp.floating):
        raise ValueError(f"x: {kind(x.dtype)} of shape {x.shape}; pass floating-point numbers (N,) or vectors (N, d)")
    if x.shape[0] < least or x.size == 0:
        what = "numbers" if x.ndim == 1 else f"vectors of {x.shape[1]} entries"
        cure = "" if x.ndim == 1 else "; rows are vectors, x.ravel() are its entries as numbers"
        raise ValueError(f"x: {x.shape[0]} {what} are too few; at least {least} are needed{cure}")


def centred(x: Float[Array, "N *d"]) -> Float[Array, "N *d"]:
    """A sample without its median (coordinate by coordinate). A mean may not exist; a shift ruins every estimate.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d).

    Returns:
        The centred sample, in its shape.

    Raises:
        ValueError: For what is no such sample, or has no data.
    """
    check_sample(x, 1)
    return x - jnp.median(x, axis=0)


def norms(x: Float[Array, "N *d"]) -> Float[Array, " N"]:
    """``|x|`` of numbers, Euclidean norms of vectors, without overflow of the squares.

    Args:
        x: Numbers (N,) or vectors (N, d).

    Returns:
        Norms (N,), >= 0.
    """
    if x.ndim == 1:
        return jnp.abs(x)
    largest = jnp.max(jnp.abs(x), axis=1)
    safe = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1.0)[:, None]
    return safe[:, 0] * jnp.sqrt(jnp.sum((x / safe) ** 2, axis=1))


def _log_excesses(x, top):
    """Logarithms (top,) of the largest magnitudes over the next one, and whether that threshold is positive."""
    check_sample(x)
    check_count("top", top, "largest data, below the sample size N", 1, x.shape[0] - 1)
    largest = jax.lax.top_k(norms(x), top + 1)[0]
    good = (largest[-1] > 0) & jnp.isfinite(largest[0])
    return jnp.log(jnp.where(good, largest[:-1] / jnp.where(good, largest[-1], 1.0), jnp.nan)), good


@functools.partial(jax.jit, static_argnames="top")
def hill(x: Float[Array, "N *d"], top: int) -> TailEstimate:
    """Hill: 1/alpha is the mean log-excess of the largest magnitudes over the next one.

    Error ``1/(alpha sqrt(top))``, exact for Pareto data; the bias of other tails, of order top/N for stable ones, is not in it.
    Source: guide/tails.md, Hill.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        top: How many are the largest, in 1 .. N-1.

    Returns:
        The estimate; not valid where the threshold is not positive, or ties with all above it.

    Raises:
        ValueError: For ``top`` outside 1 .. N-1, and what is no sample.
    """
    excess, good = _log_excesses(x, top)
    inverse = jnp.mean(excess)
    return from_inverse(inverse, inverse / jnp.sqrt(top), good & (inverse > 0))


@functools.partial(jax.jit, static_argnames="top")
def moment(x: Float[Array, "N *d"], top: int) -> TailEstimate:
    """The moment estimator (Dekkers, Einmahl, de Haan): ``gamma = m1 + 1 - 1/(2 (1 - m1^2/m2))``.

    It takes the first two moments of the log-excesses of the largest magnitudes; alpha = 1/gamma, inf where gamma <= 0. Error
    of gamma by its asymptotics, ``sqrt((1 + gamma^2)/top)`` above 0. Source: guide/tails.md, Moments of log-excesses.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        top: How many are the largest, in 1 .. N-1.

    Returns:
        The estimate; not valid as for ``hill`` and with ``top`` < 2.

    Raises:
        ValueError: As ``hill`` does.
    """
    excess, good = _log_excesses(x, top)
    first, second = jnp.mean(excess), jnp.mean(excess**2)
    spread = second - first**2
    inside = good & (spread > 4 * jnp.finfo(x.dtype).eps * second) & (top > 1)
    inverse = first + 1 - second / (2 * jnp.where(inside, spread, jnp.nan))
    return from_inverse(inverse, jnp.sqrt(_moment_variance(inverse) / top), inside)


def _moment_variance(gamma):
    """Of sqrt(top) times the moment estimator (Dekkers, Einmahl and de Haan 1989)."""
    g = jnp.minimum(gamma, 0.0)
    inner = 4 - 8 * (1 - 2 * g) / (1 - 3 * g) + (5 - 11 * g) * (1 - 2 * g) / ((1 - 3 * g) * (1 - 4 * g))
    return jnp.where(gamma >= 0, 1 + gamma**2, (1 - g) ** 2 * (1 - 2 * g) * inner)


@functools.partial(jax.jit, static_argnames="top")
def de_haan(x: Float[Array, "N *d"], top: int) -> TailEstimate:
    """De Haan's ratio of moments: ``gamma = m2/(2 m1)`` of the log-excesses of the largest magnitudes.

    Error ``gamma sqrt(2/top)``. Source: guide/tails.md, Moments of log-excesses.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        top: How many are the largest, in 1 .. N-1.

    Returns:
        The estimate; not valid as for ``hill``.

    Raises:
        ValueError: As ``hill`` does.
    """
    excess, good = _log_excesses(x, top)
    first = jnp.mean(excess)
    inverse = jnp.mean(excess**2) / (2 * jnp.where(first > 0, first, jnp.nan))
    return from_inverse(inverse, inverse * jnp.sqrt(2 / top), good & (first > 0))


@functools.partial(jax.jit, static_argnames="top")
def pickands(x: Float[Array, "N *d"], top: int) -> TailEstimate:
    """Pickands: ``gamma = log((x1 - x2)/(x2 - x4))/log 2`` with x1, x2, x4 the k-th, 2k-th and 4k-th largest magnitudes.

    k = floor(top/4); alpha = 1/gamma, inf where gamma <= 0. It alone does not change when the magnitudes are shifted. Error of
    gamma by its asymptotics, ``gamma sqrt(2^(2 gamma + 1) + 1)/(2 (2^gamma - 1) log 2 sqrt(k))``. Source: guide/tails.md,
    Pickands.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        top: How many are the largest, in 4 .. N.

    Returns:
        The estimate; not valid where the three magnitudes are not distinct.

    Raises:
        ValueError: For ``top`` outside 4 .. N, and what is no sample.
    """
    check_sample(x, 4)
    check_count("top", top, "largest data, at least 4", 4, x.shape[0])
    quarter = top // 4
    largest = jax.lax.top_k(norms(x), 4 * quarter)[0]
    first, second, fourth = largest[quarter - 1], largest[2 * quarter - 1], largest[-1]
    inside = (first > second) & (second > fourth) & jnp.isfinite(largest[0])
    upper, lower = jnp.where(inside, first - second, jnp.nan), jnp.where(inside, second - fourth, 1.0)
    inverse = jnp.log(upper / lower) / jnp.log(2.0)
    small = jnp.abs(inverse) < 1e-4  # gamma / (2^gamma - 1) there
    slope = jnp.where(small, 1 / jnp.log(2.0), inverse / jnp.where(small, 1.0, jnp.expm1(inverse * jnp.log(2.0))))
    error = slope * jnp.sqrt((2 * 4.0**inverse + 1) / quarter) / (2 * jnp.log(2.0))
    return from_inverse(inverse, error, inside)


@functools.partial(jax.jit, static_argnames="size")
def second_to_first(x: Float[Array, "N *d"], size: int) -> TailEstimate:
    """Paulauskas and Vaiciulis: the mean Z over blocks of (second largest)/(largest) magnitude gives ``alpha = Z/(1 - Z)``.

    Biased like Hill's estimate from the top N/size. Error by the spread between blocks; data beyond the last whole block are
    left out. Source: guide/tails.md, Second to first.

    Args:
        x: Floating-point numbers (N,) or vectors (N, d), centred.
        size: Data in a block, in 2 .. N/2.

    Returns:
        The estimate; not valid where a block is zero.

    Raises:
        ValueError: Unless blocks have at least 2 data and there are at least 2 of them, and for what is no sample.
    """
    check_sample(x, 4)
    check_count("size", size, "data in a block, of at least 2 blocks", 2, x.shape[0] // 2)
    blocks = x.shape[0] // size
    largest = jax.lax.top_k(norms(x[: blocks * size]).reshape(blocks, size), 2)[0]
    good = largest[:, 0] > 0
    ratio = jnp.where(good, largest[:, 1] / jnp.where(good, largest[:, 0], 1.0), jnp.nan)
    mean = jnp.mean(ratio)
    inside = (mean > 0) & (mean < 1)
    rest = jnp.where(inside, 1 - mean, jnp.nan)
    return from_value(mean / rest, jnp.std(ratio, ddof=1) / jnp.sqrt(blocks) / rest**2, inside)
