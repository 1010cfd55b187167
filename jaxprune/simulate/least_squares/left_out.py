"""All leave-one-out fits of a linear model from one factorisation.

Without sample i the coefficients are ``b - step_i residual_i``, with ``residual_i`` the error of that fit on sample i:
a rank-one change, exact for least squares, for ridge regression, and for interpolators of minimum norm, where
``residual_i = alpha_i / (K^-1)_ii`` with the dual coefficients alpha = K^-1 y of the sample Gram matrix K.
"""

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.least_squares import any_rank, solving
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares.fit import EXACT, Counts, Data
from jaxprune.simulate.platforms import each
from jaxprune.struct import static, struct


@struct
class LeftOut:
    """Fits of every width and what becomes of them without one sample. ``coef`` (W, d); ``step`` (W, d, n), or None where
    they are not held; ``residual`` (W, n), the leave-one-out errors; ``gcv`` (W,), generalised cross-validation of the dense
    model; ``condition`` (W,) as of ``least_squares.Path``; ``ridge``, the penalty."""

    data: Data
    coef: Float[Array, "W d"]
    step: Float[Array, "W d n"] | None
    residual: Float[Array, "W n"]
    gcv: Float[Array, " W"]
    condition: Float[Array, " W"]
    widths: tuple[Any, ...] = static()
    ridge: Any = 0.0

    @property
    def loo(self) -> Float[Array, " W"]:
        """Leave-one-out estimate of the risk of the dense model: unbiased for n - 1 samples."""
        return jnp.mean(self.residual**2, axis=-1)


def leave_one_out(data: Data, widths: Counts, ridge: float = 0.0, steps: bool = True) -> LeftOut:
    """The n leave-one-out fits of every width.

    Up to p = n - 1 by the factor of the feature Gram matrix, from p = n on by that of the samples. Generalised cross-validation
    is ``mean(r^2) / (1 - tr H / n)^2`` for residuals r and fitted values H y, and its limit ``mean(alpha^2) / (tr K^-1 / n)^2``
    for interpolators. An intercept is fitted anew without each sample. A sample that shares a feature with no other has
    leverage 1; then, too, its error is that of the fit of minimum norm to the others.

    Args:
        data: The sample; its method is "cholesky" or "svd".
        widths: Numbers of features (W,), strictly increasing integers in 1 .. d.
        ridge: Penalty as of ``min_norm_path``, >= 0.
        steps: Whether to hold what each sample changes in every coefficient, W d n numbers. Without, one width is solved after
            another, and ``risk_estimators.estimate`` does so once more.

    Returns:
        The fits of every width, and what becomes of them without each sample.

    Raises:
        ValueError: For widths that are not strictly increasing integers in 1 .. d, for ridge < 0, for one sample, for methods
            other than "cholesky" and "svd", and for centred rows where the estimate would be 0 by construction.
    """
    widths = least_squares.strictly_increasing("widths", widths, 1, len(data.features))
    least_squares.check_ridge(ridge)
    if data.method not in ("cholesky", "svd"):
        raise ValueError(f"data: method {data.method!r} has no rank-one changes; use 'cholesky', or 'svd' for any rank")
    if (n := len(data.target)) < 2:
        raise ValueError(f"data: {n} sample leaves none to fit; use at least 2")
    _check_centred(data, widths[-1], ridge)
    if steps:
        found = each(lambda p: one_width(data, p, ridge), jnp.asarray(widths))
        return LeftOut(data, *found, widths=widths, ridge=ridge)

    def alone(width):
        coef, _, *others = one_width(data, width, ridge)
        return coef, *others

    coef, *others = jax.lax.map(alone, jnp.asarray(widths))
    return LeftOut(data, coef, None, *others, widths=widths, ridge=ridge)


def _check_centred(data, width, ridge):
    """Rows and targets that sum to zero: any n - 1 tell the last, which an interpolator then predicts without an error, and
    other fits with too small a one."""
    if data.intercept or traced(data.features, data.target, ridge):
        return
    table = np.vstack([data.features[:width], data.target[None, :]]).astype(float)
    top = np.maximum(np.max(np.abs(table), axis=1, keepdims=True), 1e-300)
    sums = np.abs(np.sum(table / top, axis=1))
    # Means that were taken off leave their own round-off, however large they were beside what is left.
    if np.any(sums > table.shape[1] * np.finfo(data.features.dtype).eps ** 0.5) or not np.any(data.target):
        return
    cure = "; pass them as they were, with least_squares.from_rows(..., intercept=True)"
    if ridge == 0 and width >= len(data.target) - 1:
        raise ValueError(
            f"data: rows were centred, so with {width} features each follows from the others and the estimate would be 0 by"
            f" construction{cure}"
        )
    warnings.warn(f"data: rows were centred, which tells of the sample left out: estimates are too low{cure}", stacklevel=3)


def one_width(
    data: Data, width: Int[Array, ""], ridge: float = 0.0
) -> tuple[Float[Array, " d"], Float[Array, "d n"], Float[Array, " n"], Float[Array, ""], Float[Array, ""]]:
    """Coefficients, steps, leave-one-out errors, GCV and condition number of the first ``width`` features (data, not static;
    may be 0)."""
    if data.method == "svd":
        return any_rank.left_out(*data.moved(), width, ridge, data.intercept)
    x, y = jnp.where((jnp.arange(len(data.features)) < width)[:, None], data.features, 0), data.target
    narrow = _narrow(x, y, width, ridge)
    if len(x) < len(y):
        return narrow
    return jax.tree.map(lambda a, b: jnp.where(width < len(y), a, b), narrow, _wide(x, y, ridge))


def _narrow(x, y, width, ridge):
    """p < n. Missing features are rows of zeros with a pivot of one, as others that do not vary."""
    n = len(y)
    a = x[: n - 1]
    gram = jnp.matmul(a, a.T, precision=EXACT)
    live = jnp.arange(len(a)) < width
    gram = gram + jnp.diag(jnp.where(live, linalg.pivots_of(jnp.diagonal(gram), ridge), 1.0).astype(x.dtype))
    factor = _kept(linalg.cholesky(gram), gram, n)
    step = linalg.solve_upper(factor, linalg.solve_lower(factor, a))
    coef = jnp.matmul(step, y, precision=EXACT)
    residual = y - jnp.matmul(coef, a, precision=EXACT)
    left = 1 - jnp.sum(a * step, axis=0)
    left = jnp.where(left <= 8 * n**0.5 * jnp.finfo(x.dtype).eps, jnp.nan, left)  # no digit is left of it
    padding = (0, len(x) - len(a))
    gcv = jnp.mean(residual**2) / jnp.mean(left) ** 2
    found = jnp.pad(coef, padding), jnp.pad(step, (padding, (0, 0))), residual / left, gcv
    return *found, _spread(factor, live, jnp.any(live & jnp.all(a == 0, axis=1)))


def _wide(x, y, ridge):
    """p >= n."""
    identity = jnp.eye(len(y), dtype=x.dtype)
    gram = jnp.matmul(x.T, x, precision=EXACT) + ridge * identity
    factor = _kept(linalg.cholesky(gram), gram, len(y))
    inverse = linalg.solve_upper(factor, linalg.solve_lower(factor, identity))
    dual, left = jnp.matmul(inverse, y, precision=EXACT), jnp.diagonal(inverse)
    coef, step = jnp.matmul(x, dual, precision=EXACT), jnp.matmul(x, inverse, precision=EXACT)
    condition = _spread(factor, jnp.ones(len(y), bool), False)
    return coef, step, dual / left, jnp.mean(dual**2) / jnp.mean(left) ** 2, condition


def _kept(factor, gram, n):
    """The factor, or NaN where a squared pivot is round-off."""
    return jnp.where(jnp.any(solving.lost_pivots(jnp.diagonal(factor), gram, n, 0)), jnp.nan, factor)


def _spread(factor, live, dependent):
    """A lower bound of the condition number; infinite where the factor failed, or features do not vary."""
    longest = jnp.max(jnp.where(live, jnp.linalg.norm(factor, axis=1), 0))
    inverse = linalg.solve_lower(factor, jnp.eye(len(factor), dtype=factor.dtype))
    apart = jnp.sqrt(jnp.max(jnp.sum(jnp.where(live[:, None], inverse, 0) ** 2, axis=0)))
    return jnp.where(dependent | jnp.isnan(factor[-1, -1]), jnp.inf, longest * apart)
