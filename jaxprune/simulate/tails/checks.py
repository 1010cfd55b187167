"""What estimators of a tail index presume of data besides their law: symmetry, continuity, independence, isotropy.

Each check is whether the data speak against it, at a level of 1e-4. Data are numbers (N,) or vectors (N, d).
"""

import math
import statistics

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.tails.extreme import centred, norms

LEVEL = 1e-4
LEVELS = (0.1, 0.5, 0.9)  # of the quantiles that tell skewness
LAGS = 5
TIED = 0.02  # a share of equal data that is no rounding


def _limit(tests: int) -> float:
    """Of that many two-sided normal deviates."""
    return statistics.NormalDist().inv_cdf(1 - LEVEL / (2 * tests))


def _columns(x: Array) -> Array:
    return x[:, None] if x.ndim == 1 else x


def skewed(x: Float[Array, "N *d"]) -> Bool[Array, ""]:
    """Whether some coordinate is not symmetric about its median.

    Its upper and its lower quantile span, 90 % to 50 % and 50 % to 10 %, are too far apart for symmetric data: their log
    ratio against its standard error, by the covariance of sample quantiles with slopes from order statistics two binomial
    deviations to either side. Where the median ties with one of the two, or 2 % of the data equal it, it is known, and
    the signed ranks of the data that differ from it are tested instead (Wilcoxon). Level 1e-4 for all coordinates together.
    """
    columns = _columns(x)
    count, levels = x.shape[0], jnp.asarray(LEVELS, x.dtype)
    half = 2 * jnp.sqrt(levels * (1 - levels) / count)
    places = jnp.concatenate([jnp.clip(levels - half, 0, 1), levels, jnp.clip(levels + half, 0, 1)])
    below, at, above = jnp.quantile(columns, places, axis=0).reshape(3, 3, -1)
    upper, lower = at[2] - at[1], at[1] - at[0]
    slopes = jnp.stack([1 / lower, -1 / upper - 1 / lower, 1 / upper]) * (above - below) / (places[6:] - places[:3])[:, None]
    least, most = jnp.minimum(levels[:, None], levels), jnp.maximum(levels[:, None], levels)
    error = jnp.sqrt(jnp.einsum("ic,ij,jc->c", slopes, least * (1 - most), slopes) / count)
    free = (upper > 0) & (lower > 0) & (jnp.mean(columns == at[1], axis=0) < TIED)
    limit = _limit(columns.shape[1])
    spans = jnp.abs(jnp.log(upper / lower)) > limit * error
    return jnp.any(jnp.where(free, spans, jnp.abs(_signed_ranks(columns - at[1])) > limit))


def _signed_ranks(differences: Float[Array, "N d"]) -> Float[Array, " d"]:
    """Normal deviates of Wilcoxon's signed ranks, zeros left out: their signs are fair coins for symmetric data."""
    ranks = jnp.where(differences == 0, 0.0, _ranks(jnp.abs(differences)) - jnp.mean(differences == 0, axis=0))
    return jnp.sum(jnp.sign(differences) * ranks, axis=0) / jnp.sqrt(jnp.maximum(jnp.sum(ranks**2, axis=0), 1e-30))


def _ranks(columns: Float[Array, "N d"]) -> Float[Array, "N d"]:
    """Ranks over N, equal data sharing the mean of theirs."""

    def one(column):
        order = jnp.sort(column)
        sides = [jnp.searchsorted(order, column, side=side).astype(column.dtype) for side in ("left", "right")]
        return (sides[0] + sides[1]) / (2 * len(column))

    return jax.vmap(one, 1, 1)(columns)


def tied(x: Float[Array, "N *d"]) -> Bool[Array, ""]:
    """Whether 2 % of the data, at least three, are equal (of vectors: their distances from the median): counts, lattices,
    many zeros. Draws from a law with a density never are; numbers that are rounded finely compared with their spread pass."""
    order = jnp.sort(norms(centred(x)))
    run = max(3, math.ceil(TIED * x.shape[0]))
    return jnp.any(order[run - 1 :] == order[: 1 - run])


def dependent(x: Float[Array, "N *d"]) -> Bool[Array, ""]:
    """Whether neighbours in the sample depend on each other: rank correlation of data and those 1 to ``LAGS`` places on, of
    every coordinate and of distances from the median. Time series, sorted data, and data from several sources show in it."""
    series = jnp.concatenate([_columns(x), norms(centred(x))[:, None]], axis=1)
    ranks = _ranks(series)
    ranks = ranks - jnp.mean(ranks, axis=0)
    total = jnp.sum(ranks**2, axis=0)
    lags = range(1, min(LAGS, x.shape[0] - 1) + 1)
    products = jnp.stack([jnp.sum(ranks[lag:] * ranks[:-lag], axis=0) for lag in lags])
    deviates = math.sqrt(x.shape[0]) * (products / jnp.maximum(total, 1e-30) + 1 / x.shape[0])
    return jnp.any((total > 0) & (jnp.abs(deviates) > _limit(deviates.size)))


def uneven(x: Float[Array, "N d"]) -> Bool[Array, ""]:
    """Whether directions from the median are not uniform on the sphere: their second moments (the angles of all pairs), and
    their fourth moments along the axes, which tell independent coordinates. False for one coordinate."""
    count, dim = x.shape
    if dim == 1:
        return jnp.asarray(False)
    rows = centred(x)
    size = norms(rows)[:, None]
    units = rows / jnp.where(size > 0, size, 1.0)
    gram = units.T @ units if dim <= count else units @ units.T
    pairs = (jnp.sum(gram**2) - count) / (count * (count - 1))  # mean squared cosine of two directions
    freedom = (dim + 2) * (dim - 1) / 2
    scaled = (pairs - 1 / dim) * count * dim / 2 * (dim + 2)
    spread = jax.scipy.special.gammaincc(freedom / 2, jnp.maximum(scaled + freedom, 0.0) / 2) < LEVEL / 2
    mean = 3 / (dim + 2)
    variance = (105 + 9 * (dim - 1)) / ((dim + 2) * (dim + 4) * (dim + 6)) - mean**2
    fourth = jnp.mean(jnp.sum(units**4, axis=1)) - mean
    return spread | (jnp.abs(fourth) * math.sqrt(count / variance) > _limit(2))
