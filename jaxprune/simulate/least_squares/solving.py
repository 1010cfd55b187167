"""How least squares is solved at many widths: by Gram matrices, by QR, or by rank."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxprune.simulate import linalg
from jaxprune.simulate.least_squares import any_rank
from jaxprune.simulate.platforms import by_platform, each

EXACT = jax.lax.Precision.HIGHEST  # never TF32 or bfloat16 in a Gram matrix


def fit(data, widths, ridge, refine, fewer=None, moments=None):
    """Coefficients (W, d) and condition (W,). ``widths`` (static) choose the branch; ``fewer`` (data) are the
    features used where not so many exist."""
    x, y, method = data.features, data.target, data.method
    counts = jnp.asarray(widths) if fewer is None else fewer
    n = len(y)
    if method == "svd":
        x, y = data.moved()
        coef, _, condition = any_rank.fits(x, y, counts, ridge, n - data.intercept)
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
        found = _fit_wide(x, y, wide, widths[split:], ridge, refine, method, known=fewer is None)
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
    live = jnp.arange(most)[:, None] < counts[None, :]
    solve = _by_gram if method == "cholesky" else _by_qr
    coef, factor, lost, dependent = solve(a, y, live, ridge, refine, moments)
    spread = _spread(factor)[jnp.maximum(counts - 1, 0)]
    coef = jnp.where(jnp.any(live & lost[:, None], axis=0)[None, :], jnp.nan, coef)
    alone = jnp.any(live & (lost | dependent)[:, None], axis=0)
    return jnp.pad(coef.T, ((0, 0), (0, len(x) - most))), jnp.where(alone, jnp.inf, spread)


def _spread(factor):
    """A lower bound (m,) of the condition number of every leading block: of its pivots, and where that is far too small, as it
    is for columns of growing length, by the longest row and the longest column of the inverse, which is short by at most m."""
    pivots = jnp.abs(jnp.diagonal(factor))
    bound = jax.lax.cummax(pivots) / jax.lax.cummin(pivots)
    inverse = linalg.solve_lower(factor, jnp.eye(len(factor), dtype=factor.dtype))
    apart = jnp.sqrt(jnp.max(jnp.cumsum(inverse**2, axis=0), axis=1))
    better = jax.lax.cummax(jnp.linalg.norm(factor, axis=1)) * apart
    return jnp.where(better < 1e3 * bound, bound, better)


def _by_gram(a, y, live, ridge, refine, moments):
    """Coefficients (m, W), the factor, and which features are lost, as no digit of their distance from those before them is
    left, or do not vary: these get a pivot of one, and so the coefficient zero."""
    gram, moment = products(a, y) if moments is None else (m[: len(a), ...] for m in moments)
    gram = gram[:, : len(a)]
    gram = gram + jnp.diag(linalg.pivots_of(jnp.diagonal(gram), ridge))
    factor = linalg.cholesky(gram)

    def finish(half):
        return linalg.solve_upper(factor, jnp.where(live, half, 0))

    coef = finish(linalg.solve_lower(factor, moment[:, None]))
    for _ in range(refine):
        residual = y[None, :] - jnp.matmul(coef.T, a, precision=EXACT)
        coef = coef + finish(linalg.solve_lower(factor, jnp.matmul(a, residual.T, precision=EXACT) - ridge * coef))
    coef, pivots = linalg.rescued(coef, jnp.diagonal(factor), gram, moment, live)
    return coef, factor, lost_pivots(pivots, gram, len(y), refine), jnp.all(a == 0, axis=1)


def lost_pivots(pivots: Float[Array, " m"], gram: Float[Array, "m m"], n: int, refine: int) -> Bool[Array, " m"]:
    """Where squared pivots are round-off, or NaN; refinement needs no more than a digit of them."""
    floor = (1 if refine else 8 * n**0.5) * jnp.finfo(gram.dtype).eps
    return ~(pivots**2 > floor * jnp.diagonal(gram))


def _by_qr(a, y, live, ridge, refine, moments):
    """As ``_by_gram`` without the product: it meets y itself, so nothing is to be refined. Features that depend on those
    before them get the coefficient zero."""
    factor, half, dependent = _qr_factor(a, y, ridge)
    coef = linalg.solve_upper(factor, jnp.where(live, half[:, None], 0))
    return coef, factor, jnp.zeros_like(dependent), dependent


def _qr_factor(a, y, ridge):
    """The lower factor L of ``a a^T + ridge``, ``L^-1 a y``, and which features depend on those before them."""
    distances = jnp.abs(jnp.diagonal(linalg.qr_factor(a.T)))  # of each feature from the span of those before it
    dependent = distances <= 10 * len(y) * jnp.finfo(a.dtype).eps * jnp.linalg.norm(a, axis=1)
    dependent = dependent & (ridge == 0) | jnp.all(a == 0, axis=1)
    pivot = jnp.where(dependent, 1.0, ridge).astype(a.dtype)
    above = jnp.concatenate([jnp.where(dependent[:, None], 0, a).T, y[:, None]], axis=1)
    below = jnp.pad(jnp.diag(jnp.sqrt(pivot)), ((0, 0), (0, 1)))
    triangle = linalg.qr_factor(jnp.concatenate([above, below]))
    return triangle[:-1, :-1].T, triangle[:-1, -1], dependent


def _fit_wide(x, y, counts, widths, ridge, refine, method, known):
    """p > n: the sample Gram matrix, or its factor, grows by blocks of features; one factor per width. On an accelerator all
    Gram matrices are made at once, of what each width adds where the numbers of features are ``known`` while the program is
    made."""
    n, by_gram = len(y), method == "cholesky"

    def solved(state):
        factor = linalg.cholesky(state) if by_gram else state.T
        pivots = jnp.abs(jnp.diagonal(factor))
        spread = jnp.max(pivots) / jnp.min(pivots)
        blurred = 10 * n * jnp.finfo(x.dtype).eps
        singular = jnp.any(lost_pivots(pivots, state, n, refine)) if by_gram else spread * blurred > 1
        dual = jnp.where(singular, jnp.nan, _solve(factor, y))  # dependent samples: flagged, not invented
        return dual, jnp.where(singular, jnp.inf, spread), factor if refine else None

    def one_by_one(x, counts):
        spans = _before(counts), counts
        grow = _growth(x, n, widths, by_gram, known)

        def step(state, span):
            state = grow(state, *span)
            return state, solved(state)

        empty = jnp.eye(n, dtype=x.dtype) * (ridge if by_gram else jnp.sqrt(ridge))
        return jax.lax.scan(step, empty.astype(x.dtype), spans)[1]

    def together(x, counts):
        grams = _grams(x, counts, widths) if known else _grams_anew(x, counts)
        return jax.vmap(solved)(grams + ridge * jnp.eye(n, dtype=x.dtype))

    elsewhere = together if by_gram else one_by_one
    dual, condition, factors = by_platform(x, counts, cpu=one_by_one, elsewhere=elsewhere)
    return _from_dual(x, y, counts, ridge, dual, factors, refine), condition


def _before(counts):
    """The numbers of features of the width before each."""
    return jnp.concatenate([jnp.zeros(1, counts.dtype), counts[:-1]])


def _growth(x, n, widths, by_gram, known):
    """A function of a Gram matrix, or of its factor, and of a span of features: what it is with these too. An accelerator waits
    for the host in a loop whose length its compiler does not know: it takes as many blocks for each span as for the longest."""
    block = _block_size(widths, overhead=16 if by_gram else n)
    most = -(-int(np.max(np.diff([0, *widths]))) // block)
    padded = jnp.pad(x, ((0, block), (0, 0)))

    def grow(state, start, stop):
        def add(k, state):
            first = start + k * block
            rows = jax.lax.dynamic_slice(padded, (first, 0), (block, n))
            rows = jnp.where((first + jnp.arange(block) < stop)[:, None], rows, 0)
            if by_gram:
                return state + jnp.matmul(rows.T, rows, precision=EXACT)
            return linalg.qr_factor(jnp.concatenate([state, rows]))

        count = (stop - start + block - 1) // block
        return by_platform(
            state,
            cpu=lambda state: jax.lax.fori_loop(0, count, add, state),
            elsewhere=lambda state: jax.lax.fori_loop(0, most if known else count, add, state),
        )

    return grow


def _grams(x, counts, widths):
    """Sample Gram matrices (W, n, n) of all widths: sums of those of the features that each has beyond the one before."""
    place = _before(counts)[:, None] + jnp.arange(np.max(np.diff([0, *widths])))
    rows = jnp.where((place < counts[:, None])[..., None], x[jnp.minimum(place, len(x) - 1)], 0)
    return jnp.cumsum(jnp.matmul(jnp.swapaxes(rows, 1, 2), rows, precision=EXACT), axis=0)


def _grams_anew(x, counts):
    """The same, each from all of its features."""
    rows = jnp.where((jnp.arange(len(x)) < counts[:, None])[..., None], x, 0)
    return jnp.matmul(jnp.swapaxes(rows, 1, 2), rows, precision=EXACT)


def _from_dual(x, y, counts, ridge, dual, factors, refine):
    """The coefficients of every width, after ``refine`` solves for the residual of the sample equations."""
    live = jnp.arange(len(x))[None, :] < counts[:, None]
    coef = jnp.where(live, jnp.matmul(dual, x.T, precision=EXACT), 0)
    for _ in range(refine):
        residual = y[None, :] - jnp.matmul(coef, x, precision=EXACT) - ridge * dual
        step = each(lambda pair: _solve(*pair), (factors, residual))
        dual = dual + step
        coef = coef + jnp.where(live, jnp.matmul(step, x.T, precision=EXACT), 0)
    return coef


def _fit_by_rank(x, y, counts, ridge):
    """Any p, any rank: the pseudo-inverse of the sample Gram matrix."""

    def one(count):
        rows = jnp.where((jnp.arange(len(x)) < count)[:, None], x, 0)
        gram = jnp.matmul(rows.T, rows, precision=EXACT) + ridge * jnp.eye(len(y), dtype=x.dtype)
        return jnp.matmul(rows, linalg.pseudo_solve(gram, y[:, None])[:, 0], precision=EXACT)

    return each(one, counts), jnp.full(counts.shape, jnp.nan, x.dtype)


def products(a: Float[Array, "m n"], y: Float[Array, " n"]) -> tuple[Float[Array, "m m"], Float[Array, " m"]]:
    """``a a^T`` and ``a y``."""
    return jnp.matmul(a, a.T, precision=EXACT), jnp.matmul(a, y, precision=EXACT)


def block(matrix: Float[Array, "m m"], chosen: Int[Array, " k"]) -> Float[Array, "k k"]:
    """Rows and columns ``chosen``, whose indices must be in range: where JAX checks each, a CPU takes twice as long."""
    rows = jnp.take(matrix, chosen, axis=0, mode="clip")
    return jnp.take(rows, chosen, axis=1, mode="clip")


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
