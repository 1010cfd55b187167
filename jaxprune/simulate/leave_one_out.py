"""All leave-one-out fits of a linear model from one factorisation.

Without sample i the coefficients are ``b - step_i residual_i``, with ``residual_i`` the error of that fit on sample i:
a rank-one change, exact for least squares, for ridge regression, and for interpolators of minimum norm, where
``residual_i = alpha_i / (K^-1)_ii`` with the dual coefficients alpha = K^-1 y of the sample Gram matrix K.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxprune.simulate import least_squares, linalg
from jaxprune.simulate.least_squares import EXACT, Counts, Data
from jaxprune.struct import static, struct


@struct
class LeftOut:
    """Fits of every width and what becomes of them without one sample. ``coef`` (W, d); ``step`` (W, d, n);
    ``residual`` (W, n), the leave-one-out errors; ``gcv`` (W,), generalised cross-validation of the dense model."""

    data: Data
    coef: Float[Array, "W d"]
    step: Float[Array, "W d n"]
    residual: Float[Array, "W n"]
    gcv: Float[Array, " W"]
    widths: tuple[int, ...] = static()

    @property
    def loo(self) -> Float[Array, " W"]:
        """Leave-one-out estimate of the risk of the dense model: unbiased for n - 1 samples."""
        return jnp.mean(self.residual**2, axis=-1)


def leave_one_out(data: Data, widths: Counts, ridge: float = 0.0) -> LeftOut:
    """The n leave-one-out fits of every width, ``ridge`` >= 0 as in ``min_norm_path``. Up to p = n - 1 by the factor of
    the feature Gram matrix, from p = n on by that of the samples.

    Generalised cross-validation is ``mean(r^2) / (1 - tr H / n)^2`` for residuals r and fitted values H y, and its
    limit ``mean(alpha^2) / (tr K^-1 / n)^2`` for interpolators.
    Raises ValueError for widths that are not strictly increasing integers in 1 .. d, for ridge < 0, for one sample,
    and for designs that are not solved by Cholesky factors.
    """
    widths = least_squares.strictly_increasing("widths", widths, 1, len(data.features))
    least_squares.check_ridge(ridge)
    if data.method != "cholesky":
        raise ValueError(f"data: method {data.method!r} has no rank-one changes; use features of full rank and 'cholesky'")
    x, y, n = data.features, data.target, len(data.target)
    if n < 2:
        raise ValueError(f"data: {n} sample leaves none to fit; use at least 2")
    found = jax.lax.map(lambda p: one_width(x, y, p, ridge), jnp.asarray(widths))
    return LeftOut(data, *found, widths=widths)


def one_width(
    features: Float[Array, "d n"], target: Float[Array, " n"], width: Int[Array, ""], ridge: float = 0.0
) -> tuple[Float[Array, " d"], Float[Array, "d n"], Float[Array, " n"], Float[Array, ""]]:
    """Coefficients, steps, leave-one-out errors and GCV of the first ``width`` features (data, not static; may be 0)."""
    x, y = jnp.where((jnp.arange(len(features)) < width)[:, None], features, 0), target
    narrow = _narrow(x, y, width, ridge)
    if len(x) < len(y):
        return narrow
    return jax.tree.map(lambda a, b: jnp.where(width < len(y), a, b), narrow, _wide(x, y, ridge))


def _narrow(x, y, width, ridge):
    """p < n. Missing features are rows of zeros with a pivot of one."""
    n = len(y)
    a = x[: n - 1]
    pivot = jnp.where(jnp.arange(len(a)) < width, ridge, 1.0).astype(x.dtype)
    factor = linalg.cholesky(jnp.matmul(a, a.T, precision=EXACT) + jnp.diag(pivot))
    step = linalg.solve_upper(factor, linalg.solve_lower(factor, a))
    coef = jnp.matmul(step, y, precision=EXACT)
    residual = y - jnp.matmul(coef, a, precision=EXACT)
    left = 1 - jnp.sum(a * step, axis=0)
    padding = (0, len(x) - len(a))
    gcv = jnp.mean(residual**2) / jnp.mean(left) ** 2
    return jnp.pad(coef, padding), jnp.pad(step, (padding, (0, 0))), residual / left, gcv


def _wide(x, y, ridge):
    """p >= n."""
    identity = jnp.eye(len(y), dtype=x.dtype)
    factor = linalg.cholesky(jnp.matmul(x.T, x, precision=EXACT) + ridge * identity)
    inverse = linalg.solve_upper(factor, linalg.solve_lower(factor, identity))
    dual, left = jnp.matmul(inverse, y, precision=EXACT), jnp.diagonal(inverse)
    coef, step = jnp.matmul(x, dual, precision=EXACT), jnp.matmul(x, inverse, precision=EXACT)
    return coef, step, dual / left, jnp.mean(dual**2) / jnp.mean(left) ** 2
