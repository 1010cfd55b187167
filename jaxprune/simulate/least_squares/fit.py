"""Least squares at every width from one design.

Features are the leading axis: the first p rows of ``Data.features`` are the design of width p, so models of
all widths share one draw. Up to p = n one Cholesky factor serves every width; above, the n x n Gram matrix
grows by blocks of features and is factorised once per width. Source: guide/least_squares.md, Solving at every width.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Int, Key

from jaxprune.problems import LinearGaussian
from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.least_squares import any_rank, rows, solving
from jaxprune.simulate.least_squares.solving import EXACT
from jaxprune.simulate.platforms import each
from jaxprune.struct import choice, static, struct

Counts = Sequence[int] | np.ndarray  # strictly increasing integers


METHODS = ("cholesky", "qr", "rank", "svd")


@struct
class Data:
    """``features`` (d, n), ``target`` (n,), and how to solve for them (static).

    ``method``: "cholesky" of Gram matrices is the fastest, and loses twice the digits of the condition number; NaN marks
    widths where none are left;
    "qr" loses them once, for real or badly scaled features, at some six times the cost, and gives the
    coefficient zero to a feature that depends on those before it; NaN marks widths above n whose samples
    depend on each other; "rank" is a pseudo-inverse, for designs of any rank, in
    which directions below about 1e-7 of the largest singular value count as absent; "svd" is one by the singular values of
    columns of unit length, for any scale and rank, the slowest. ``intercept``: fits have one, which no norm or penalty
    counts and no pruning removes; for "svd" only. ``from_rows`` chooses.
    """

    features: Float[Array, "d n"]
    target: Float[Array, " n"]
    method: str = choice(*METHODS, default="cholesky")
    intercept: bool = static(default=False)

    def __post_init__(self):
        if self.intercept and self.method != "svd":
            raise ValueError(f"intercept: method {self.method!r} knows none; use 'svd', or from_rows")
        for name in ("features", "target"):
            object.__setattr__(self, name, jnp.asarray(getattr(self, name)))
        if self.features.ndim != 2 or self.target.shape != self.features.shape[1:]:
            raise ValueError(
                f"features, target: shapes {self.features.shape} and {self.target.shape} are not (d, n) and (n,);"
                " least_squares.from_rows takes rows of samples"
            )

    def moved(self) -> tuple[Array, Array]:
        """Features and target as they are fitted: with an intercept their deviations from the means of these samples."""
        x, y = self.features, self.target
        for _ in range(2 if self.intercept else 0):  # the second time takes off what the first rounded
            x, y = x - jnp.mean(x, axis=1, keepdims=True), y - jnp.mean(y)
        return x, y

    def offset(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """The intercept of models that were fitted to these samples, from their coefficients; 0 without the option."""
        if not self.intercept:
            return jnp.zeros(coef.shape[:-1], coef.dtype)
        return jnp.mean(self.target) - jnp.matmul(coef, jnp.mean(self.features, axis=1), precision=EXACT)


def from_rows(inputs: ArrayLike, target: ArrayLike, method: str | None = None, intercept: bool = False) -> Data:
    """Your own sample.

    Warns in float32.

    Args:
        inputs: Real, finite numbers (n, d), one row per sample.
        target: Real, finite numbers (n,).
        method: As of ``Data``; None takes "cholesky" where that keeps nine digits at every width up to d < n, and "svd"
            otherwise.
        intercept: Whether every fit has one, also each of those without a sample. Do not centre instead: a mean that holds the
            sample left out tells about it, and leave-one-out comes out too low.

    Returns:
        The sample, with the method that was chosen.

    Raises:
        ValueError: For other shapes, for numbers that are not finite or do not fit the present precision, and for a method that
            would be wrong on these rows.
    """
    inputs, target = rows.checked(inputs, target)
    rows.warn_single("inputs", inputs.dtype)
    return Data(jnp.asarray(inputs.T), jnp.asarray(target), rows.choose(inputs, method, intercept), intercept)


@struct
class Path:
    """Fits at every width: ``coef`` (W, d), zero beyond each width; ``train_error`` (W,) mean squared residual;
    ``condition`` (W,) of the design: its condition number by "svd", otherwise a lower bound of it; infinite where features
    (up to n) or samples (above) depend on each other, NaN where nothing was factorised. ``widths`` are integers; a rule may be
    handed a single traced one (``risk_estimators.estimate``)."""

    data: Data
    coef: Float[Array, "W d"]
    train_error: Float[Array, " W"]
    condition: Float[Array, " W"]
    widths: tuple[Any, ...] = static()

    @property
    def intercept(self) -> Float[Array, " W"]:
        """That of every width; 0 for data without the option."""
        return self.data.offset(self.coef)


def draw(problem: LinearGaussian, key: Key[Array, ""], entries: Callable[..., Array] = jax.random.normal) -> Data:
    """One sample of size n. The first p features are the same numbers whatever the number of features.

    Args:
        problem: Gives covariance, teacher, noise and n.
        key: One typed JAX key, for features and noise.
        entries: ``(key, shape, dtype)`` to independent entries of mean 0 and variance 1, which take the place of Gaussian ones
            (see ``designs``): the covariance, and so every risk, is that of the problem; its law is another.

    Returns:
        The sample, ``features`` (d, n) and ``target`` (n,), solved by rank where features depend on each other.

    Raises:
        ValueError: For no typed key.
    """
    check_key(key)
    design_key, noise_key = jax.random.split(key)
    scale = jnp.sqrt(jnp.asarray(problem.eigs))
    if getattr(problem.eigs, "dtype", None) == np.float64:  # otherwise someone asked for float32
        rows.warn_single("problem", scale.dtype)
    white = entries(design_key, (len(scale), problem.n), scale.dtype)
    features = scale[:, None] * white
    if problem.basis is not None:
        features = jnp.matmul(problem.basis, features, precision=EXACT)
    noise = problem.noise * jax.random.normal(noise_key, (problem.n,), dtype=scale.dtype)
    target = jnp.matmul(problem.teacher, features, precision=EXACT) + noise
    return Data(features=features, target=target, method="rank" if problem.deficient else "cholesky")


def min_norm_path(data: Data, widths: Counts, ridge: float = 0.0, refine: int | None = None) -> Path:
    """Least-squares fits of the first p features, for every width p: ordinary up to n, of minimum norm above.

    FLOPs of Cholesky: n^2 d + W n^3 / 3 above n, and n m^2 + m^3 / 3 + W m^2 up to n, with m the largest width <= n.

    Args:
        data: The sample, and how to solve.
        widths: Numbers p of features (W,), strictly increasing integers in 1 .. d.
        ridge: Penalty of ``|y - X b|^2 + ridge |b|^2``, >= 0.
        refine: Steps of corrected semi-normal equations after each fit by "cholesky", and by "qr" above n; others take none.
            None: in float64 none after Cholesky and one after QR; two in float32, where a risk near p = n otherwise loses up to
            5 %.

    Returns:
        The fits of every width.

    Raises:
        ValueError: For widths that are not strictly increasing integers in 1 .. d, and for ridge < 0.
    """
    widths = strictly_increasing("widths", widths, 1, len(data.features))
    check_ridge(ridge)
    if data.method == "svd":
        found = any_rank.fits(*data.moved(), jnp.asarray(widths), ridge, len(data.target) - data.intercept)
        return Path(data, *found, widths=widths)
    coef, condition = solving.fit(data, widths, ridge, refine)
    residual = data.target[None, :] - jnp.matmul(coef, data.features, precision=EXACT)
    return Path(data, coef, jnp.mean(residual**2, axis=-1), condition, widths)


def retrain_path(
    data: Data,
    order: Int[Array, " d"],
    kept: Counts,
    width: Int[Array, ""] | int | None = None,
    moments: tuple[Array, Array] | None = None,
) -> Float[Array, "K d"]:
    """Coefficients refitted on the first s features of ``order``, for every s in ``kept``; zero elsewhere.

    The supports are nested, so this is ``min_norm_path`` on the columns in that order. Only the first
    ``width`` entries of ``order`` exist: a larger s keeps them all. ``moments = (X X^T, X y)`` saves the
    products where many orders are refitted on one sample. NaN where ``order`` is -1, as the first fit failed, or out of range.
    """
    coef = leading_refits(data, order, kept, width, moments)
    found = jnp.zeros((len(coef), len(data.features)), coef.dtype)
    return found.at[:, order[: coef.shape[1]]].set(coef, unique_indices=True)


def leading_refits(
    data: Data,
    order: Int[Array, " d"],
    kept: Counts,
    width: Int[Array, ""] | int | None = None,
    moments: tuple[Array, Array] | None = None,
) -> Float[Array, "K m"]:
    """The same for the first m features of ``order`` alone, in this order: m is the largest number kept, or 1."""
    kept = strictly_increasing("kept", kept, 0, len(data.features))
    most = max(kept[-1], 1)
    chosen = order[:most]
    real = jnp.arange(most) < (len(data.features) if width is None else width)
    # A missing feature is a column of zeros, whose least-squares coefficient of minimum norm is zero.
    columns = jnp.where(real[:, None], data.features[chosen], 0)
    if moments is not None:
        gram, moment = moments
        gram = jnp.where(real[:, None] & real[None, :], solving.block(gram, chosen), 0)
        moments = gram, jnp.where(real, moment[chosen], 0)
    counts = jnp.minimum(jnp.asarray(kept), most if width is None else width)
    coef, _ = solving.fit(Data(columns, data.target, data.method, data.intercept), kept, 0.0, None, counts, moments)
    found = jnp.all((chosen >= 0) & (chosen < len(data.features)))
    return jnp.where(found, coef, jnp.nan)


def leading_solutions(
    covariance: Float[Array, "m m"], cross: Float[Array, " m"], counts: Int[Array, " K"], deficient: bool = False
) -> Float[Array, "K m"]:
    """``b`` with ``covariance b = cross`` on the first s coordinates and zeros behind, for every s in ``counts``.

    ``deficient``: solve by rank, where leading blocks are singular; the solution is then of minimum norm.
    """
    live = jnp.arange(len(cross))[None, :] < counts[:, None]
    if deficient:

        def one(mask):
            block = jnp.where(mask[:, None] & mask[None, :], covariance, 0)
            return linalg.pseudo_solve(block, jnp.where(mask, cross, 0)[:, None])[:, 0]

        return each(one, live)
    factor = linalg.cholesky(covariance)
    half = linalg.solve_lower(factor, cross[:, None])
    return linalg.solve_upper(factor, jnp.where(live.T, half, 0)).T


def shared_moments(data: Data, supports: int, most: int) -> tuple[Array, Array] | None:
    """``(X X^T, X y)`` where that is cheaper than a product for each of ``supports`` refits of up to ``most`` features."""
    dim, n = data.features.shape
    cheaper = most <= n and dim**2 < supports * most**2 and data.method == "cholesky"
    return solving.products(data.features, data.target) if cheaper else None


def strictly_increasing(name: str, values: Counts, low: int, high: int) -> tuple[int, ...]:
    """``values`` as a tuple; ValueError naming the argument unless they are increasing integers in low .. high."""
    found = np.asarray(values)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"{name}: {values!r} is not a list of integers; round it yourself")
    if not found.size or found[0] < low or found[-1] > high or np.any(np.diff(found) <= 0):
        raise ValueError(f"{name}: {found.tolist()} must be strictly increasing and lie in {low} .. {high}")
    return tuple(found.tolist())


def check_ridge(ridge: float) -> None:
    """ValueError unless ``ridge`` is a finite number >= 0; a traced one cannot be looked at."""
    if not isinstance(ridge, Tracer) and not 0 <= float(ridge) < np.inf:
        raise ValueError(f"ridge: {ridge} is not a penalty; use a finite number >= 0")
