"""Least squares of any rank, scale and condition, by singular values of columns of unit length.

For rows that a person brings. How long columns are decides nothing while they are independent: the fit is that of columns of
unit length, mapped back. Where they depend on each other, and above n features, the solution of minimum norm in the
coefficients themselves is found in a second step. A penalty is so many more rows. Sources: Golub and Van Loan, Matrix
Computations, chapter 5; for columns of unit length van der Sluis 1969; for samples left out Cook and Weisberg 1982, 2.2.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxprune.simulate import linalg
from jaxprune.simulate.platforms import each

EXACT = jax.lax.Precision.HIGHEST


class Design(NamedTuple):
    """Columns of unit length ``rows / scale = left diag(s) right`` of rank ``rank``, of which ``count`` exist. Directions that
    are absent have zeros for ``left``, ``s`` and ``inverse``."""

    left: Float[Array, "N r"]
    s: Float[Array, " r"]
    inverse: Float[Array, " r"]
    right: Float[Array, "r d"]
    scale: Float[Array, " d"]
    rank: Int[Array, ""]
    count: Int[Array, ""]


def fits(
    x: Float[Array, "d n"], y: Float[Array, " n"], counts: Int[Array, " W"], ridge: float | Array, samples: int
) -> tuple[Float[Array, "W d"], Float[Array, " W"], Float[Array, " W"]]:
    """Coefficients (W, d) of the first ``counts`` features, mean squared residuals (W,) and condition numbers (W,).

    ``samples``: the largest rank that rows may have, one less than there are for rows that were centred.
    """
    small, target = _compressed(x, y)

    def one(count):
        design = _decomposed(small, count, ridge, samples)
        weights = jnp.matmul(design.left.T, padded(target, design), precision=EXACT)
        residual = padded(target, design) - jnp.matmul(design.left, weights, precision=EXACT)
        coef = _coefficients(design, weights[:, None])[:, 0]
        return coef, jnp.sum(residual[: len(target)] ** 2) / len(y), condition(design, samples)

    return each(one, counts)


def left_out(
    x: Float[Array, "d n"], y: Float[Array, " n"], count: Int[Array, ""], ridge: float | Array = 0.0, centred: bool = False
) -> tuple[Float[Array, " d"], Float[Array, "d n"], Float[Array, " n"], Float[Array, ""], Float[Array, ""]]:
    """Coefficients (d,), steps (d, n), leave-one-out errors (n,), GCV and condition number of the first ``count`` features.

    ``1 - H`` is made of what is left of unit vectors beside the fitted directions, squared, so that leverages near 1 keep
    their digits. A sample without which the rank falls has leverage 1; its error is the limit of small penalties,
    ``step . coef / |step|^2``. ``centred``: x and y are deviations from means that each fit makes of its own samples.
    """
    n = len(y)
    design = _decomposed(x, count, ridge, n - centred)
    basis, units = design.left, jnp.eye(len(design.left), n, dtype=x.dtype)
    onto = basis[:n].T
    if centred:
        mean = jnp.where(jnp.arange(len(basis)) < n, n**-0.5, 0).astype(x.dtype)
        basis = jnp.concatenate([basis, mean[:, None]], axis=1)
    solved = _coefficients(design, jnp.concatenate([onto, jnp.matmul(onto, y[:, None], precision=EXACT)], axis=1))
    step, coef = solved[:, :-1], solved[:, -1]
    beside = units
    for _ in range(2):  # twice is enough
        beside = beside - jnp.matmul(basis, jnp.matmul(basis.T, beside, precision=EXACT), precision=EXACT)
    left = jnp.sum(beside**2, axis=0)
    error = jnp.matmul(padded(y, design), beside, precision=EXACT)
    pivotal = left <= (10 * len(basis) * jnp.finfo(x.dtype).eps) ** 2
    size = jnp.max(jnp.abs(step), axis=0)
    unit = step / jnp.where(size > 0, size, 1)[None, :]
    dual, weight = jnp.matmul(coef, unit, precision=EXACT), jnp.sum(unit**2, axis=0)
    residual = jnp.where(pivotal, dual / (weight * size), error / jnp.where(pivotal, 1, left))
    if centred:  # an interpolator's error is then a difference of numbers as large as the square of the condition
        spread = design.s[0] * jnp.max(design.inverse)
        residual = jnp.where(pivotal & (spread**2 * jnp.finfo(x.dtype).eps > 1), jnp.nan, residual)
    top = jnp.max(size)
    limit = jnp.mean((dual * (size / top)) ** 2) / (jnp.mean(weight * (size / top) ** 2) * top) ** 2
    gcv = jnp.where(jnp.all(pivotal), limit, jnp.mean(error**2) / jnp.mean(left) ** 2)
    return coef, step, residual, gcv, condition(design, n - centred)


def condition(design: Design, samples: int | Array) -> Float[Array, ""]:
    """The condition number of the rows themselves, the largest by the smallest singular value; infinite where features (up to
    n) or samples (above) depend on each other in this precision."""
    live = jnp.arange(len(design.scale)) < design.count
    top = jnp.max(jnp.where(live, design.scale, 0))
    bottom = jnp.min(jnp.where(live, design.scale, jnp.inf))
    values = linalg.singular_values(design.s[:, None] * design.right * jnp.where(live, design.scale / top, 0)[None, :])
    inverse = design.right * design.inverse[:, None] * jnp.where(live, bottom / design.scale, 0)[None, :]
    narrow = values[0] * linalg.singular_values(inverse)[0] * (top / bottom)
    wide = values[0] / values[jnp.maximum(design.rank - 1, 0)]
    full = design.rank >= jnp.minimum(design.count, samples)
    return jnp.where(full, jnp.where(design.rank == design.count, narrow, wide), jnp.inf)


def padded(y: Float[Array, " n"], design: Design) -> Float[Array, " N"]:
    """Targets with the zeros of a penalty behind."""
    return jnp.pad(y, (0, len(design.left) - len(y)))


def lengths(columns: Float[Array, "d n"]) -> Float[Array, " d"]:
    """Their l2 norms, also where squares would vanish or overflow; 1 for zeros."""
    top = jnp.max(jnp.abs(columns), axis=1)
    top = jnp.where(top > 0, top, 1)
    return jnp.where(jnp.any(columns != 0, axis=1), top * jnp.linalg.norm(columns / top[:, None], axis=1), 1)


def _compressed(x, y):
    """Rows (d, d + 1) and targets with the same fits and the same sums of squares, where there are more samples."""
    if len(x) + 1 >= len(y):
        return x, y
    scale = lengths(x)
    triangle = linalg.qr_factor(jnp.concatenate([x / scale[:, None], y[None, :]]).T)
    return triangle[:, :-1].T * scale[:, None], triangle[:, -1]


def _decomposed(x, count, ridge, samples):
    live = jnp.arange(len(x)) < count
    rows = jnp.where(live[:, None], x, 0)
    if not (isinstance(ridge, float | int) and ridge == 0):
        samples = samples + len(x)
        penalty = jnp.where(live, jnp.sqrt(jnp.asarray(ridge, x.dtype)), 0)
        rows = jnp.concatenate([rows, jnp.diag(penalty)], axis=1)
    scale = lengths(rows)
    left, s, right = linalg.svd((rows / scale[:, None]).T)
    alive = s > jnp.maximum(max(rows.shape[1], 10), count) * jnp.finfo(x.dtype).eps * s[0]
    alive = alive & (jnp.arange(len(s)) < samples)  # the means took one
    inverse = jnp.where(alive, 1 / jnp.where(alive, s, 1), 0)
    left, right = jnp.where(alive[None, :], left, 0), jnp.where(alive[:, None], right, 0)
    failed = jnp.where(jnp.all(jnp.isfinite(s)), 0, jnp.nan)
    return Design(left + failed, jnp.where(alive, s, 0), inverse, right, scale, jnp.sum(alive), count)


def _coefficients(design, weights):
    """Of minimum norm, for weights (r, k) of the fitted directions; NaN where this precision cannot tell which."""
    inverse = design.inverse[:, None] * weights
    top = jnp.max(design.scale)

    def independent(_):
        return jnp.matmul(design.right.T, inverse, precision=EXACT) / design.scale[:, None]

    def least(_):
        turn, sizes, rows = linalg.svd(design.right * (design.scale / top)[None, :])
        alive = sizes > len(design.scale) * jnp.finfo(sizes.dtype).eps * sizes[0]
        turned = jnp.matmul(turn.T, inverse, precision=EXACT) * jnp.where(alive, 1 / jnp.where(alive, sizes, 1), 0)[:, None]
        found = jnp.matmul(rows.T, turned, precision=EXACT) / top
        return jnp.where(jnp.sum(alive) == design.rank, found, jnp.nan)

    return jax.lax.cond(design.rank == design.count, independent, least, None)
