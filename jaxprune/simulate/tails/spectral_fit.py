"""Power laws of the spectra of weight matrices, with the columns of the package weightwatcher.

Eigenvalues are squared singular values of the matrix as it is, not divided by a dimension. Of independent entries with tail
index alpha < 2 their own tail index is alpha/2 in the limit, pdf exponent 1 + alpha/2; at alpha >= 2 a fit to a finite matrix
is far above that, so it is no test of it. Source: guide/tails.md, Spectra.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import check_number, traced
from jaxprune.simulate.tails import power_law
from jaxprune.simulate.tails.power_law import PowerLaw
from jaxprune.struct import struct

SMALL = 1e-150


@struct
class Spectral:
    """The power law ``fit`` of the eigenvalues of a matrix, and, by the names that weightwatcher has for them, ``alpha`` there
    standing for the pdf exponent and lambda for eigenvalues:

    ``alpha_weighted`` = alpha log10 lambda_max, ``log_alpha_norm`` = log10 sum lambda^alpha, ``log_norm`` = log10 sum lambda,
    that of the squared Frobenius norm, ``log_spectral_norm`` = log10 lambda_max, ``stable_rank`` = sum lambda/lambda_max,
    ``num_pl_spikes`` eigenvalues in the fitted tail. The first two change with the scale of the matrix, and are NaN without an
    exponent. ``dropped`` eigenvalues were left out of the fit.
    """

    fit: PowerLaw
    alpha_weighted: Float[Array | np.ndarray, ""]
    log_alpha_norm: Float[Array | np.ndarray, ""]
    log_norm: Float[Array | np.ndarray, ""]
    log_spectral_norm: Float[Array | np.ndarray, ""]
    stable_rank: Float[Array | np.ndarray, ""]
    num_pl_spikes: Int[Array | np.ndarray, ""]
    dropped: Int[Array | np.ndarray, ""]


def fit(weights: ArrayLike, ks: str = "clauset", cut: Any = None) -> Spectral:
    """The spectrum of a matrix, in float64.

    A kernel (height, width, in, out) is not a matrix: weightwatcher pools the eigenvalues of its matrices (in, out), each times
    sqrt(height width/2). Source: guide/tails.md, Spectra.

    Args:
        weights: A floating-point matrix (n, d), n, d >= 2; traced ones must be float64.
        ks: "clauset" or "two_sided", as of ``power_law.fit``.
        cut: Eigenvalues up to it are left out of the fit, >= 0; None: those that round-off may have made, (max(n, d) eps s)^2
            with s the largest singular value. weightwatcher's is 1e-5 whatever the scale; under 20 eigenvalues it fits by
            another formula.

    Returns:
        The fit, and weightwatcher's columns.

    Raises:
        ValueError: For what is no matrix of finite real numbers, for one with fewer than two distinct eigenvalues above the
            cut, for a cut that is not >= 0, and for an unknown distance.
    """
    if ks not in power_law.DISTANCES:
        raise ValueError(f"ks: {ks!r} is not known; use {' or '.join(map(repr, power_law.DISTANCES))}")
    if cut is not None:
        check_number("cut", cut, "[0, inf)", "an eigenvalue")
    if traced(weights):
        matrix: Any = weights
        if matrix.ndim != 2 or min(matrix.shape) < 2 or matrix.dtype != jnp.float64:
            raise ValueError(
                f"weights: {matrix.dtype}{list(matrix.shape)}; inside a program pass a float64 matrix, both sides >= 2"
            )
        return _fit(matrix, ks, cut)
    array = np.asarray(weights)
    if array.ndim != 2 or min(array.shape) < 2 or not jnp.issubdtype(array.dtype, jnp.floating):
        raise ValueError(f"weights: {array.dtype} of shape {array.shape}; pass a floating-point matrix, both sides >= 2")
    if not np.all(np.isfinite(array)):
        raise ValueError("weights: hold NaN or infinity; leave failed runs out and count them")
    if not SMALL <= (largest := float(np.max(np.abs(array)))) <= 1 / SMALL:
        raise ValueError(f"weights: the largest is {largest:g}, and its square leaves the range of floats; scale the matrix")
    array = array.astype(np.float64)
    return of_singular_values(np.linalg.svd(array / largest, compute_uv=False), max(array.shape), largest, ks, cut)


def of_singular_values(values: ArrayLike, side: int, scale: float = 1.0, ks: str = "clauset", cut: Any = None) -> Spectral:
    """As ``fit``, of a matrix whose singular values are known.

    Source: guide/tails.md, Spectra.

    Args:
        values: Singular values over ``scale`` (r,).
        side: The larger side of the matrix.
        scale: What ``values`` are to be multiplied by, > 0.
        ks, cut: As of ``fit``.

    Returns:
        The fit, and weightwatcher's columns.

    Raises:
        ValueError: Where fewer than two distinct eigenvalues lie above the cut.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    room = len(power_law.padded(ordered)) - len(ordered)
    with jax.enable_x64(True):
        found = power_law.known(_columns(jnp.asarray(np.pad(ordered, (room, 0))), room, scale, side, ks, cut))
    if found.fit.failed in (1, 2):
        raise ValueError(f"weights: {found.dropped} of {len(ordered)} eigenvalues are left out, and the rest does not vary")
    return found


def _fit(matrix: Float[Array, "n d"], ks: str, cut: Any) -> Spectral:
    largest = jnp.max(jnp.abs(matrix))
    scale = jnp.where(largest > 0, largest, 1.0)  # squares may leave the range of floats
    return _columns(linalg.singular_values(matrix / scale)[::-1], 0, scale, max(matrix.shape), ks, cut)


@functools.partial(jax.jit, static_argnames="ks")
def _columns(values: Float[Array, " r"], room: Any, scale: Any, side: Any, ks: str, cut: Any) -> Spectral:
    """Of increasing singular values behind ``room`` zeros, to be multiplied by ``scale``; ``side``: the matrix's larger one."""
    squares, round_off = values**2, side * jnp.finfo(values.dtype).eps
    least = round_off**2 * squares[-1] if cut is None else cut / scale**2
    start = jnp.clip(jnp.sum(squares <= least), room, len(squares) - 1)
    same = squares[-1] - squares[start] <= 4 * round_off * squares[-1]
    kept = jnp.where(same, squares[-1], jnp.where(jnp.arange(len(squares)) < start, squares[start], squares))
    found = power_law.of_sorted(kept, start, ks)
    exponent = found.pdf_exponent
    top = jnp.log10(squares[-1]) + 2 * jnp.log10(scale)
    ratios = squares / squares[-1]
    return Spectral(
        fit=dataclasses.replace(found, xmin=found.xmin * scale**2),
        alpha_weighted=exponent * top,
        log_alpha_norm=exponent * top + jnp.log10(jnp.sum(ratios ** jnp.where(jnp.isnan(exponent), 1.0, exponent))),
        log_norm=top + jnp.log10(jnp.sum(ratios)),
        log_spectral_norm=top,
        stable_rank=jnp.sum(ratios),
        num_pl_spikes=jnp.where(jnp.isnan(exponent), 0, found.tail_count),
        dropped=start - room,
    )
