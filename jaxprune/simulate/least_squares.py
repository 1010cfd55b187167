"""Least squares at every width from one design.

Features are the leading axis: the first p rows of ``Data.features`` are the design of width p, so models of
all widths share one draw. Up to p = n one Cholesky factor serves every width; above, the n x n Gram matrix
grows by blocks of features and is factorised once per width. Source: Chang et al. 2020, sections 1.3 and 13.
"""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Float, Int, Key

from jaxprune.problems import LinearGaussian
from jaxprune.simulate import any_rank, linalg, rows
from jaxprune.simulate.arguments import check_key
from jaxprune.struct import static, struct

Counts = Sequence[int] | np.ndarray  # strictly increasing integers
EXACT = jax.lax.Precision.HIGHEST  # never TF32 or bfloat16 in a Gram matrix


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
    method: str = static(default="cholesky")
    intercept: bool = static(default=False)

    def __post_init__(self):
        if self.method not in METHODS:
            raise ValueError(f"method: {self.method!r} is unknown; use one of {', '.join(METHODS)}")
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
    """Your own sample: ``inputs`` (n, d), one row per sample, and ``target`` (n,).

    ``intercept``: every fit has one, also each of those without a sample. Do not centre instead: a mean that holds the sample
    left out tells about it, and leave-one-out comes out too low. ``method`` None takes "cholesky" where that keeps nine
    digits at every width up to d < n, and "svd" otherwise; see ``Data``.
    Raises ValueError for other shapes, for numbers that are not finite or do not fit the present precision, and for a method
    that would be wrong on these rows. Warns in float32.
    """
    inputs, target = rows.checked(inputs, target)
    rows.warn_single("inputs", inputs.dtype)
    return Data(jnp.asarray(inputs.T), jnp.asarray(target), rows.choose(inputs, method, intercept), intercept)


@struct
class Path:
    """Fits at every width: ``coef`` (W, d), zero beyond each width; ``train_error`` (W,) mean squared residual;
    ``condition`` (W,) of the design: its condition number by "svd", otherwise a lower bound of it; infinite where features
    (up to n) or samples (above) depend on each other, NaN where nothing was factorised."""

    data: Data
    coef: Float[Array, "W d"]
    train_error: Float[Array, " W"]
    condition: Float[Array, " W"]
    widths: tuple[int, ...] = static()

    @property
    def intercept(self) -> Float[Array, " W"]:
        """That of every width; 0 for data without the option."""
        return self.data.offset(self.coef)


def draw(problem: LinearGaussian, key: Key[Array, ""], entries: Callable[..., Array] = jax.random.normal) -> Data:
    """One sample of size n. The first p features are the same numbers whatever the number of features.

    ``entries(key, shape, dtype)`` draws independent entries of mean 0 and variance 1 in place of Gaussian ones
    (see ``designs``): the covariance, and so every risk, is that of the problem; its law is another.
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
    """Least-squares fits of the first p features, for every p in ``widths``: ordinary up to n, of minimum norm above.

    ``ridge`` >= 0 is the penalty of ``|y - X b|^2 + ridge |b|^2``. ``refine`` steps of corrected semi-normal
    equations follow each fit (default: in float64 none after Cholesky and one after QR; two in float32, where a
    risk near p = n otherwise loses up to 5 %). FLOPs of Cholesky: n^2 d + W n^3 / 3 above n, and
    n m^2 + m^3 / 3 + W m^2 up to n, with m the largest width <= n.

    Raises ValueError for widths that are not strictly increasing integers in 1 .. d, and for ridge < 0.
    """
    widths = strictly_increasing("widths", widths, 1, len(data.features))
    check_ridge(ridge)
    if data.method == "svd":
        found = any_rank.fits(*data.moved(), jnp.asarray(widths), ridge, len(data.target) - data.intercept)
        return Path(data, *found, widths=widths)
    coef, condition = _fit(data, widths, ridge, refine)
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
    products where many orders are refitted on one sample. NaN where ``order`` is -1: the first fit failed.
    """
    kept = strictly_increasing("kept", kept, 0, len(data.features))
    most = max(kept[-1], 1)
    chosen = order[:most]
    real = jnp.arange(most) < (len(data.features) if width is None else width)
    # A missing feature is a column of zeros, whose least-squares coefficient of minimum norm is zero.
    columns = jnp.where(real[:, None], data.features[chosen], 0)
    if moments is not None:
        gram, moment = moments
        gram = jnp.where(real[:, None] & real[None, :], gram[chosen][:, chosen], 0)
        moments = gram, jnp.where(real, moment[chosen], 0)
    counts = jnp.minimum(jnp.asarray(kept), most if width is None else width)
    coef, _ = _fit(Data(columns, data.target, data.method, data.intercept), kept, 0.0, None, counts, moments)
    dim = len(data.features)
    found = jnp.zeros((len(kept), dim), coef.dtype).at[:, chosen].set(coef, unique_indices=True)
    return jnp.where(order[0] < 0, jnp.nan, found)


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

        return jax.lax.map(one, live)
    factor = linalg.cholesky(covariance)
    half = linalg.solve_lower(factor, cross[:, None])
    return linalg.solve_upper(factor, jnp.where(live.T, half, 0)).T


def shared_moments(data: Data, supports: int, most: int) -> tuple[Array, Array] | None:
    """``(X X^T, X y)`` where that is cheaper than a product for each of ``supports`` refits of up to ``most`` features."""
    dim, n = data.features.shape
    cheaper = most <= n and dim**2 < supports * most**2 and data.method == "cholesky"
    return _products(data.features, data.target) if cheaper else None


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


def _fit(data, widths, ridge, refine, fewer=None, moments=None):
    """Coefficients (W, d) and condition (W,). ``widths`` (static) choose the branch; ``fewer`` (data) are the
    features used where not so many exist."""
    x, y, method = data.features, data.target, data.method
    counts = jnp.asarray(widths) if fewer is None else fewer
    n = len(y)
    if method == "svd":
        coef, _, condition = any_rank.fits(*data.moved(), counts, ridge, n - data.intercept)
        return coef, condition
    if refine is None:
        refine = {("cholesky", True): 0, ("qr", True): 1}.get((method, x.dtype == jnp.float64), 2)
    if method == "rank":
        return _fit_by_rank(x, y, counts, ridge)
    split = sum(p <= n for p in widths)
    narrow, wide = counts[:split], counts[split:]
    parts = []
    if split:
        parts.append(_fit_narrow(x, y, narrow, max(widths[split - 1], 1), ridge, refine, method, moments))
    if split < len(widths):
        found = _fit_wide(x, y, wide, widths[split:], ridge, refine, method)
        if fewer is not None:  # some of these may turn out narrow
            other = _fit_narrow(x, y, jnp.minimum(wide, n), n, ridge, refine, method)
            found = tuple(
                jnp.where((wide <= n).reshape(-1, *[1] * (b.ndim - 1)), a, b) for a, b in zip(other, found, strict=True)
            )
        parts.append(found)
    coefs, conditions = zip(*parts, strict=True)
    return jnp.concatenate(coefs), jnp.concatenate(conditions)


def _fit_narrow(x, y, counts, most, ridge, refine, method, moments=None):
    """p <= n: leading blocks of one triangular factor of the feature Gram matrix serve every width."""
    a = x[:most]
    if method == "cholesky":
        factor, moment, lost = _gram_factor(a, y, ridge, refine, moments)
        dependent = lost | jnp.all(a == 0, axis=1)
    else:
        factor, moment, dependent = _qr_factor(a, y, ridge)
        lost = jnp.zeros_like(dependent)
    live = jnp.arange(most)[:, None] < counts[None, :]

    def finish(half):
        return linalg.solve_upper(factor, jnp.where(live, half, 0))

    coef = finish(moment[:, None])
    for _ in range(refine if method == "cholesky" else 0):  # QR met y itself, not a y: nothing was lost
        residual = y[None, :] - jnp.matmul(coef.T, a, precision=EXACT)
        coef = coef + finish(linalg.solve_lower(factor, jnp.matmul(a, residual.T, precision=EXACT) - ridge * coef))
    coef = jnp.where(jnp.any(live & lost[:, None], axis=0)[None, :], jnp.nan, coef)
    pivots = jnp.abs(jnp.diagonal(factor))
    spread = (jax.lax.cummax(pivots) / jax.lax.cummin(pivots))[jnp.maximum(counts - 1, 0)]
    alone = jnp.any(live & dependent[:, None], axis=0)
    return jnp.pad(coef.T, ((0, 0), (0, len(x) - most))), jnp.where(alone, jnp.inf, spread)


def _gram_factor(a, y, ridge, refine, moments):
    """The lower factor L of ``a a^T + ridge``, ``L^-1 a y``, and which features are lost: no digit of their distance from
    those before them is left. One without variance gets a pivot of one, and so the coefficient zero."""
    gram, moment = _products(a, y) if moments is None else (m[: len(a), ...] for m in moments)
    gram = gram[:, : len(a)]
    gram = gram + jnp.diag(linalg.pivots_of(jnp.diagonal(gram), ridge))
    factor, reached = linalg.leading_cholesky(gram)
    lost = lost_pivots(factor, gram, len(y), refine) | (jnp.arange(len(a)) >= reached)
    return factor, linalg.solve_lower(factor, moment[:, None])[:, 0], lost


def lost_pivots(factor, gram, n, refine):
    """Where squared pivots are round-off; refinement needs no more than a digit of them."""
    eps = jnp.finfo(gram.dtype).eps
    return jnp.diagonal(factor) ** 2 <= (1 if refine else 8 * n**0.5) * eps * jnp.diagonal(gram)


def _qr_factor(a, y, ridge):
    """As ``_gram_factor`` without the product, and which features depend on those before them: coefficient zero."""
    distances = jnp.abs(jnp.diagonal(linalg.qr_factor(a.T)))  # of each feature from the span of those before it
    dependent = distances <= 10 * len(y) * jnp.finfo(a.dtype).eps * jnp.linalg.norm(a, axis=1)
    dependent = dependent & (ridge == 0) | jnp.all(a == 0, axis=1)
    pivot = jnp.where(dependent, 1.0, ridge).astype(a.dtype)
    above = jnp.concatenate([jnp.where(dependent[:, None], 0, a).T, y[:, None]], axis=1)
    below = jnp.pad(jnp.diag(jnp.sqrt(pivot)), ((0, 0), (0, 1)))
    triangle = linalg.qr_factor(jnp.concatenate([above, below]))
    return triangle[:-1, :-1].T, triangle[:-1, -1], dependent


def _fit_wide(x, y, counts, widths, ridge, refine, method):
    """p > n: the sample Gram matrix, or its factor, grows by blocks of features; one factor per width."""
    n, dim = len(y), len(x)
    starts = jnp.concatenate([jnp.zeros(1, counts.dtype), counts[:-1]])
    block = _block_size(widths, overhead=16 if method == "cholesky" else n)
    padded = jnp.pad(x, ((0, block), (0, 0)))

    def absorb(state, rows):
        if method == "cholesky":
            return state + jnp.matmul(rows.T, rows, precision=EXACT)
        return linalg.qr_factor(jnp.concatenate([state, rows]))

    def grow(state, span):
        start, stop = span

        def add(k, state):
            first = start + k * block
            rows = jax.lax.dynamic_slice(padded, (first, 0), (block, n))
            return absorb(state, jnp.where((first + jnp.arange(block) < stop)[:, None], rows, 0))

        state = jax.lax.fori_loop(0, (stop - start + block - 1) // block, add, state)
        factor = linalg.cholesky(state) if method == "cholesky" else state.T
        pivots = jnp.abs(jnp.diagonal(factor))
        spread = jnp.max(pivots) / jnp.min(pivots)
        if method == "qr":
            singular = spread * (10 * n * jnp.finfo(x.dtype).eps) > 1
        else:
            singular = jnp.any(lost_pivots(factor, state, n, refine)) | jnp.isnan(spread)
        dual = jnp.where(singular, jnp.nan, _solve(factor, y))  # dependent samples: flagged, not invented
        return state, (dual, jnp.where(singular, jnp.inf, spread), factor if refine else None)

    empty = jnp.eye(n, dtype=x.dtype) * (ridge if method == "cholesky" else jnp.sqrt(ridge))
    _, (dual, condition, factors) = jax.lax.scan(grow, empty.astype(x.dtype), (starts, counts))
    live = jnp.arange(dim)[None, :] < counts[:, None]
    coef = jnp.where(live, jnp.matmul(dual, x.T, precision=EXACT), 0)
    for _ in range(refine):
        residual = y[None, :] - jnp.matmul(coef, x, precision=EXACT) - ridge * dual
        step = jax.lax.map(lambda pair: _solve(*pair), (factors, residual))
        dual = dual + step
        coef = coef + jnp.where(live, jnp.matmul(step, x.T, precision=EXACT), 0)
    return coef, condition


def _fit_by_rank(x, y, counts, ridge):
    """Any p, any rank: the pseudo-inverse of the sample Gram matrix."""

    def one(count):
        rows = jnp.where((jnp.arange(len(x)) < count)[:, None], x, 0)
        gram = jnp.matmul(rows.T, rows, precision=EXACT) + ridge * jnp.eye(len(y), dtype=x.dtype)
        return jnp.matmul(rows, linalg.pseudo_solve(gram, y[:, None])[:, 0], precision=EXACT)

    return jax.lax.map(one, counts), jnp.full(counts.shape, jnp.nan, x.dtype)


def _products(a, y):
    return jnp.matmul(a, a.T, precision=EXACT), jnp.matmul(a, y, precision=EXACT)


def _solve(factor, y):
    """``(L L^T)^-1 y``."""
    return linalg.solve_upper(factor, linalg.solve_lower(factor, y[:, None]))[:, 0]


def _block_size(widths, overhead: int) -> int:
    """Features added at a time: the size that wastes the fewest operations over these widths (static).

    ``overhead``: what a block costs beyond its features, in features.
    """
    steps = np.diff([0, *widths])
    sizes = np.unique(np.concatenate([steps, 2 ** np.arange(3, 10)]))
    sizes = sizes[sizes <= max(np.max(steps), 8)]
    cost = [np.sum(-(-steps // size)) * (size + overhead) for size in sizes]
    return int(sizes[np.argmin(cost)])
