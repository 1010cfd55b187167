"""Least squares at every width from one design.

Features are the leading axis: the first p rows of ``Data.features`` are the design of width p, so models of
all widths share one draw. Up to p = n one Cholesky factor serves every width; above, the n x n Gram matrix
grows by blocks of features and is factorised once per width. Source: Chang et al. 2020, sections 1.3 and 13.
"""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from jaxprune.problems import LinearGaussian
from jaxprune.simulate import linalg
from jaxprune.struct import static, struct

Counts = Sequence[int] | np.ndarray  # strictly increasing integers
EXACT = jax.lax.Precision.HIGHEST  # never TF32 or bfloat16 in a Gram matrix


@struct
class Data:
    """``features`` (d, n), ``target`` (n,). ``deficient``: some designs lack rank; solve by pseudo-inverse."""

    features: Float[Array, "d n"]
    target: Float[Array, " n"]
    deficient: bool = static(default=False)


@struct
class Path:
    """Fits at every width: ``coef`` (W, d), zero beyond each width; ``train_error`` (W,) mean squared residual;
    ``condition`` (W,) a lower bound of the condition number of the design (NaN where not factorised)."""

    data: Data
    coef: Float[Array, "W d"]
    train_error: Float[Array, " W"]
    condition: Float[Array, " W"]
    widths: tuple[int, ...] = static()


def draw(problem: LinearGaussian, key: Key[Array, ""]) -> Data:
    """One sample of size n. The first p features are the same numbers whatever the number of features."""
    design_key, noise_key = jax.random.split(key)
    scale = jnp.sqrt(jnp.asarray(problem.eigs))
    white = jax.random.normal(design_key, (len(scale), problem.n), dtype=scale.dtype)
    features = scale[:, None] * white
    if problem.basis is not None:
        features = jnp.matmul(problem.basis, features, precision=EXACT)
    noise = problem.noise * jax.random.normal(noise_key, (problem.n,), dtype=scale.dtype)
    target = jnp.matmul(problem.teacher, features, precision=EXACT) + noise
    return Data(features=features, target=target, deficient=problem.deficient)


def min_norm_path(data: Data, widths: Counts, ridge: float = 0.0, refine: int | None = None) -> Path:
    """Least-squares fits of the first p features, for every p in ``widths``: ordinary up to n, of minimum norm above.

    ``ridge`` >= 0 is the penalty of ``|y - X b|^2 + ridge |b|^2``. ``refine`` steps of corrected semi-normal
    equations follow each fit (default: none in float64, two in float32, where a risk near p = n otherwise
    loses up to 5 %). FLOPs: n^2 d + W n^3 / 3 above n, n m^2 + m^3 / 3 + W m^2 up to n (m the largest width <= n).

    Raises ValueError for widths that are not strictly increasing integers in 1 .. d, and for ridge < 0.
    """
    widths = _check_widths(widths, len(data.features))
    if isinstance(ridge, int | float) and not 0 <= ridge < np.inf:
        raise ValueError(f"ridge: {ridge} is not a penalty; use a finite number >= 0")
    coef, condition = _fit(data, widths, ridge, refine)
    residual = data.target - jnp.matmul(coef, data.features, precision=EXACT)
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
    products where many orders are refitted on one sample.
    """
    kept = _check_kept(kept, len(data.features))
    most = max(kept[-1], 1)
    chosen = order[:most]
    real = jnp.arange(most) < (len(data.features) if width is None else width)
    # A missing feature is a column of zeros, whose least-squares coefficient of minimum norm is zero.
    columns = jnp.where(real[:, None], data.features[chosen], 0)
    if moments is not None:
        gram, moment = moments
        gram = jnp.where(real[:, None] & real, gram[chosen][:, chosen], 0)
        moments = gram, jnp.where(real, moment[chosen], 0)
    counts = jnp.minimum(jnp.asarray(kept), most if width is None else width)
    coef, _ = _fit(Data(columns, data.target, data.deficient), kept, 0.0, None, counts, moments)
    dim = len(data.features)
    return jnp.zeros((len(kept), dim), coef.dtype).at[:, chosen].set(coef, unique_indices=True)


def _fit(data, widths, ridge, refine, fewer=None, moments=None):
    """Coefficients (W, d) and condition (W,). ``widths`` (static) choose the method; ``fewer`` (data) are the
    features used where not so many exist."""
    x, y = data.features, data.target
    counts = jnp.asarray(widths) if fewer is None else fewer
    n = len(y)
    if refine is None:
        refine = 0 if x.dtype == jnp.float64 else 2
    if data.deficient:
        return _fit_by_rank(x, y, counts, ridge)
    split = sum(p <= n for p in widths)
    narrow, wide = counts[:split], counts[split:]
    parts = []
    if split:
        parts.append(_fit_narrow(x, y, narrow, max(widths[split - 1], 1), ridge, refine, moments))
    if split < len(widths):
        found = _fit_wide(x, y, wide, widths[split:], ridge, refine)
        if fewer is not None:  # some of these may turn out narrow
            other = _fit_narrow(x, y, jnp.minimum(wide, n), n, ridge, refine)
            found = tuple(
                jnp.where((wide <= n).reshape(-1, *[1] * (b.ndim - 1)), a, b) for a, b in zip(other, found, strict=True)
            )
        parts.append(found)
    coefs, conditions = zip(*parts, strict=True)
    return jnp.concatenate(coefs), jnp.concatenate(conditions)


def _fit_narrow(x, y, counts, most, ridge, refine, moments=None):
    """p <= n: leading blocks of one Cholesky factor of the feature Gram matrix."""
    a = x[:most]
    gram, moment = _moments(a, y) if moments is None else (moments[0][:most, :most], moments[1][:most])
    diagonal = jnp.diagonal(gram)
    gram = gram + jnp.diag(jnp.where(diagonal > 0, ridge, 1.0).astype(x.dtype))
    factor = linalg.cholesky(gram)
    live = jnp.arange(most)[:, None] < counts

    def solve(right):  # (most, W): one forward solve would serve all widths only for a common right-hand side
        return linalg.solve_upper(factor, jnp.where(live, linalg.solve_lower(factor, right), 0))

    coef = solve(moment[:, None])
    for _ in range(refine):
        residual = y - jnp.matmul(coef.T, a, precision=EXACT)
        coef = coef + solve(jnp.matmul(a, residual.T, precision=EXACT) - ridge * coef)
    pivots = jnp.diagonal(factor)
    spread = jax.lax.cummax(pivots) / jax.lax.cummin(pivots)
    padding = ((0, 0), (0, len(x) - most))
    return jnp.pad(coef.T, padding), spread[jnp.maximum(counts - 1, 0)]


def _fit_wide(x, y, counts, widths, ridge, refine):
    """p > n: the sample Gram matrix grows by blocks of features; one Cholesky factor per width."""
    n, dim = len(y), len(x)
    starts = jnp.concatenate([jnp.zeros(1, counts.dtype), counts[:-1]])
    block = _block_size(widths)
    padded = jnp.pad(x, ((0, block), (0, 0)))

    def grow(gram, span):
        start, stop = span

        def add(k, gram):
            first = start + k * block
            rows = jax.lax.dynamic_slice(padded, (first, 0), (block, n))
            rows = jnp.where((first + jnp.arange(block) < stop)[:, None], rows, 0)
            return gram + jnp.matmul(rows.T, rows, precision=EXACT)

        gram = jax.lax.fori_loop(0, (stop - start + block - 1) // block, add, gram)
        factor = linalg.cholesky(gram + ridge * jnp.eye(n, dtype=x.dtype))
        pivots = jnp.diagonal(factor)
        dual = linalg.solve_upper(factor, linalg.solve_lower(factor, y[:, None]))[:, 0]
        return gram, (dual, jnp.max(pivots) / jnp.min(pivots), factor if refine else None)

    _, (dual, condition, factors) = jax.lax.scan(grow, jnp.zeros((n, n), x.dtype), (starts, counts))
    live = jnp.arange(dim) < counts[:, None]
    coef = jnp.where(live, jnp.matmul(dual, x.T, precision=EXACT), 0)
    for _ in range(refine):
        residual = y - jnp.matmul(coef, x, precision=EXACT) - ridge * dual
        step = jax.lax.map(
            lambda fr: linalg.solve_upper(fr[0], linalg.solve_lower(fr[0], fr[1])), (factors, residual[..., None])
        )[..., 0]
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


def _moments(a, y):
    return jnp.matmul(a, a.T, precision=EXACT), jnp.matmul(a, y, precision=EXACT)


def _block_size(widths) -> int:
    """Features added at a time: the size that wastes the fewest products over these widths (static)."""
    steps = np.diff([0, *widths])
    sizes = np.unique(np.concatenate([steps, 2 ** np.arange(3, 10)]))
    sizes = sizes[sizes <= max(np.max(steps), 8)]
    cost = [np.sum(-(-steps // size)) * (size + 16) for size in sizes]  # 16: the overhead of a product, in features
    return int(sizes[np.argmin(cost)])


def _check_widths(widths, dim: int) -> tuple[int, ...]:
    widths = _integers("widths", widths)
    if not widths or widths[0] < 1 or widths[-1] > dim or any(b <= a for a, b in itertools.pairwise(widths)):
        raise ValueError(f"widths: {widths} must be strictly increasing and lie in 1 .. d = {dim}")
    return widths


def _check_kept(kept, dim: int) -> tuple[int, ...]:
    kept = _integers("kept", kept)
    if not kept or kept[0] < 0 or kept[-1] > dim or any(b <= a for a, b in itertools.pairwise(kept)):
        raise ValueError(f"kept: {kept} must be strictly increasing and lie in 0 .. d = {dim}")
    return kept


def _integers(name: str, values) -> tuple[int, ...]:
    values = np.asarray(values)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"{name}: {values!r} is not a list of integers; round it yourself")
    return tuple(int(v) for v in values)
