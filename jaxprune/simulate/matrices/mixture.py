"""A mixture of two linear regressions by EM, which the released figure of stable ranks draws through its points.

It depends on its start: a likelihood of two lines has many maxima, and a line through few points is one of them. So it is run
from several starts, and all are returned. Source: guide/matrices.md, Stable rank.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_key, check_number
from jaxprune.struct import struct

LINES = 2
LEAST = 3  # points that a line must explain
SHARP = 1e-10  # of the variance of y: residuals below it are those of points on two lines
STILL = 1e-4  # standard deviations of y: change of the lines in an iteration, of one that has settled
REASONS = (
    "",
    f"a line is left with fewer than {LEAST} points",
    "the points lie on the lines, whose likelihood has no limit",
    "the lines still moved in the last iteration",
)


@struct
class Mixture:
    """Fits from all starts (s,), from the largest likelihood on, those that failed last: ``lines`` (s, 2, 2), intercept and
    slope of two lines, the steeper one last; their ``shares`` (s, 2); ``precision``, one over the variance around them;
    ``log_likelihood`` in nats; ``failed``: 0, or a number of ``REASONS`` why this is no fit."""

    lines: Float[Array | np.ndarray, "s 2 2"]
    shares: Float[Array | np.ndarray, "s 2"]
    precision: Float[Array | np.ndarray, " s"]
    log_likelihood: Float[Array | np.ndarray, " s"]
    failed: Int[Array | np.ndarray, " s"]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why each of them failed, in words; empty where it did not."""
        return tuple(REASONS[int(number)] for number in self.failed)

    @property
    def spread(self) -> np.ndarray:
        """How far the slopes (2,) of starts that did not fail lie apart, largest less smallest; NaN of none."""
        slopes = np.asarray(self.lines)[np.asarray(self.failed) == 0, :, 1]
        return np.ptp(slopes, axis=0) if len(slopes) else np.full(LINES, np.nan)


def fit(
    key: Key[Array, ""],
    x: ArrayLike,
    y: ArrayLike,
    starts: int = 20,
    iterations: int = 100,
    regularisation: float = 0.01,
    precision: float = 100.0,
) -> Mixture:
    """Two lines through points, by EM from each of several random starts, in float64.

    Each point is of one of two lines, with the same Gaussian noise around both. Starts are standard normal coefficients. The
    released figure has 100 iterations, a regularisation of 0.01 and a precision of 100. Both numbers are for data of order 1:
    nothing is scaled here. A start that failed is marked. Source: guide/matrices.md, Stable rank.

    Args:
        key: One typed JAX key, for the starts.
        x, y: Coordinates of m >= 6 points, finite numbers (m,).
        starts: Number of starts s, >= 1.
        iterations: Iterations of EM from each start, >= 1.
        regularisation: What is added to the diagonal of the normal equations, > 0.
        precision: One over the variance around the lines at the start, > 0.

    Returns:
        The fits from all starts, of NumPy arrays, the largest likelihood first.

    Raises:
        ValueError: For points that are not finite or fewer than six, fewer than two distinct x, y that are all equal, numbers
            out of range, and no typed key.
    """
    check_key(key)
    check_count("starts", starts, "starts")
    check_count("iterations", iterations, "iterations")
    check_number("regularisation", regularisation, "(0, inf)", "a ridge")
    check_number("precision", precision, "(0, inf)", "one over a variance")
    data = [np.asarray(side, np.float64) for side in (x, y)]
    if data[0].ndim != 1 or data[0].shape != data[1].shape or data[0].size < LINES * LEAST:
        raise ValueError(f"x, y: shapes {data[0].shape} and {data[1].shape}; pass as many of each, {LINES * LEAST} or more")
    if not np.all(np.isfinite(data)):
        raise ValueError("x, y: hold NaN or infinity; leave failed fits out and say so")
    for name, side in zip("xy", data, strict=True):
        if side.min() == side.max():
            raise ValueError(f"{name}: all {side.size} are {side[0]:g}, through which no line is fitted; pass points that vary")
    with jax.enable_x64(True):
        drawn = jax.random.normal(key, (starts, LINES, 2), jnp.float64)
        found = jax.tree.map(np.asarray, _from(drawn, *map(jnp.asarray, data), iterations, regularisation, precision))
    order = np.lexsort((-found.log_likelihood, found.failed > 0))
    return jax.tree.map(lambda leaf: leaf[order], found)


@functools.partial(jax.jit, static_argnames="iterations")
def _from(starts, x, y, iterations: int, regularisation, precision) -> Mixture:
    """A fit from each of the starts (s, 2, 2)."""
    rows = jnp.stack([jnp.ones_like(x), x], axis=1)
    variance = jnp.var(y)

    def step(state, _):
        lines, shares, sharp = state
        weight = jax.nn.softmax(_logs(rows, y, lines, shares, sharp), axis=1)
        new = jax.vmap(lambda w: _line(rows, y, w, regularisation), in_axes=1)(weight)
        square = jnp.mean(jnp.sum(weight * (y[:, None] - rows @ new.T) ** 2, axis=1))
        moved = jnp.max(jnp.abs(rows @ (new - lines).T))
        return (new, jnp.mean(weight, axis=0), 1 / jnp.maximum(square, SHARP * variance)), moved

    def one(lines):
        state = lines, jnp.full(LINES, 1 / LINES), jnp.asarray(precision, y.dtype)
        (lines, shares, sharp), moved = jax.lax.scan(step, state, length=iterations)
        total = jnp.sum(jax.nn.logsumexp(_logs(rows, y, lines, shares, sharp), axis=1))
        few = ~(jnp.min(shares) * len(y) >= LEAST)
        exact = sharp * variance * SHARP >= 1
        unsettled = ~(moved[-1] <= STILL * jnp.sqrt(variance))
        failed = jnp.where(few, 1, jnp.where(exact, 2, jnp.where(unsettled, 3, 0)))
        order = jnp.argsort(lines[:, 1])
        return lines[order], shares[order], sharp, total, failed

    return Mixture(*jax.vmap(one)(starts))


def _logs(rows, y, lines, shares, sharp) -> Array:
    """Log densities (m, 2) of points and lines, shares included."""
    distances = (y[:, None] - rows @ lines.T) ** 2
    return jnp.log(shares) + (jnp.log(sharp / (2 * jnp.pi)) - sharp * distances) / 2


def _line(rows, y, weight, regularisation) -> Any:
    """Intercept and slope of weighted least squares with a ridge, by the 2 x 2 inverse."""
    gram = rows.T @ (weight[:, None] * rows) + regularisation * jnp.eye(2, dtype=y.dtype)
    (a, b), (_, d) = gram
    first, second = rows.T @ (weight * y)
    return jnp.stack([d * first - b * second, a * second - b * first]) / (a * d - b * b)
