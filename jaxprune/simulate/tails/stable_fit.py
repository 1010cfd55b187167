"""Are the data stable? The empirical characteristic function against that of the stable law fitted to it.

For symmetric stable numbers, and for every coordinate of isotropic stable vectors, ``log(-log phi(t))`` is a straight line in
log t. At eight arguments, where -log phi runs from 1 % to 3, the line is fitted by generalised least squares with the exact
covariance of the empirical phi, and three things are tested: its *bend* (the index at the tail differs from that at the
centre: Student, Laplace, Pareto, Gaussian numbers times a random scale), what is left beside a parabola (chi-square:
clusters, lattices, a few outliers), and an index above 2 (lighter than Gaussian). After Koutrouvelis and Kellermeier (1981),
A goodness-of-fit test based on the empirical characteristic function when parameters must be estimated, J. R. Stat. Soc. B 43.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.struct import struct

POINTS = 8
TAIL, CENTRE = 0.01, 3.0  # -log phi at the first and the last argument
RARE = 20.0  # data that the first argument looks at, at least
FAINT = 40.0  # -log phi beyond which phi is 0
RIDGE = 1e-4  # of the variances: near alpha = 2 the covariance is singular
DIGITS = 2e4  # a ridge in last digits, of use in float32
LEVEL = 0.01
SHARES = (0.4, 0.4, 0.2)  # of the level: bend, rest, above 2
DRIFT = 0.3  # a difference between the indices of tail and centre that a test should see
SEEN = 4.2  # standard errors at which the bend is found in 9 of 10 samples
LIGHTEST = 1.9  # fits above it are as hard to test as this one
ROUNDS, STEPS = 2, 5


@struct
class StableFit:
    """A stable law fitted to data, and whether they are in agreement.

    ``p_value``: of the test; ``rejected``: it is below 1 %. ``needed``: how many data would show, in nine samples of ten, an
    index that differs by 0.3 between the tail (-log phi = 0.01) and the centre; ``testable``: there are as many.
    """

    index: Float[Array, "*s"]
    p_value: Float[Array, "*s"]
    rejected: Bool[Array, "*s"]
    needed: Float[Array, "*s"]
    testable: Bool[Array, "*s"]


@jax.jit
def fit(x: Float[Array, "N *d"]) -> StableFit:
    """The stable law that fits independent data, with a test of the model. Isotropy of vectors is taken for granted.

    False alarms, by simulation of symmetric stable numbers and isotropic vectors, alpha = .3 to 2, 200 to 100,000 data: at most
    the level of 1 %; about .7 % below alpha = 1.5, .2 % near 2, since the larger of the model's and the sample's variance is
    used. With 40 numbers 1 %; at alpha = .1 up to 3 %. Found, of samples of 1,000 / 5,000 / 20,000 numbers, in %: Student's law
    with 1.5 degrees of freedom 6 / 66 / 100, 2: 16 / 97 / 100, 3 and 4: 30 / 100 / 100, 8: 5 / 99 / 100; Laplace, Lomax, a wide
    and a narrow normal law in equal parts, normal numbers with a lognormal scale: 80 to 100 / 100 / 100; a tenth of normal
    numbers three times as wide: 6 / 97 / 100. Student's law with 0.8 degrees, which reads 0.86, is found in one of ten samples
    of 5,000. Data of which half equal the median are rejected with p = 0.

    Args:
        x: Numbers (N,) or vectors (N, d), already ``extreme.centred``.

    Returns:
        The fit, and whether data and law are in agreement.
    """
    columns = (x[:, None] if x.ndim == 1 else x).astype(jnp.result_type(float))
    count, dim = columns.shape
    middle = jnp.median(jnp.abs(columns))
    most = jnp.finfo(columns.dtype).max ** 0.5
    columns = jnp.clip(columns / jnp.where(middle > 0, middle, 1.0), -most, most)
    (index, log_scale), places, mean, spread = _fitted(columns)
    p_value = jnp.where(middle > 0, _p_value(mean, spread, places, index, log_scale, count, dim), 0.0)
    needed = _needed(mean, places, jnp.minimum(index, LIGHTEST), log_scale, dim)
    return StableFit(index, p_value, ~(p_value >= LEVEL), needed, needed <= count)


def _fitted(columns) -> tuple[tuple[Array, Array], Array, Array, Array]:
    """Index and log scale, the logarithms of the arguments, and what ``_shortfalls`` gives there. Arguments are placed by the
    fit of the round before."""
    first = max(TAIL, min(RARE / columns.shape[0], CENTRE / 4))
    powers = jnp.geomspace(first, CENTRE, POINTS, dtype=columns.dtype)

    def once(_, found):
        index, log_scale = found[0]
        places = jnp.log(powers) / jnp.minimum(index, 2.0) - log_scale
        mean, spread = _shortfalls(columns, jnp.exp(places))
        state = jax.lax.fori_loop(0, STEPS, lambda _, s: _improved(mean, places, s, columns.shape[1]), found[0])
        return state, places, mean, spread

    none = jnp.zeros_like(powers)
    return jax.lax.fori_loop(0, ROUNDS, once, (_start(columns), none, none, jnp.outer(none, none)))


def _start(columns) -> tuple[Array, Array]:
    """Index and log scale by the variance and the mean of log|x|, without zeros."""
    sizes = jnp.abs(columns)
    weights = (sizes > 0) / jnp.maximum(jnp.sum(sizes > 0), 1)
    logs = jnp.log(jnp.where(sizes > 0, sizes, 1.0))
    mean = jnp.sum(weights * logs)
    square = jnp.sum(weights * (logs - mean) ** 2) * 6 / math.pi**2 - 0.5
    index = jnp.clip(1 / jnp.sqrt(jnp.maximum(square, 0.25)), 0.02, 2.0)
    return index, mean - np.euler_gamma * (1 / index - 1)


def _improved(mean, places, state, dim) -> tuple[Array, Array]:
    """A step of Gauss and Newton, not too long."""
    index, log_scale = state
    gap, covariance, slopes = _model(mean, places, index, log_scale, dim)
    turn, shift = _least_squares(covariance, slopes, 2)[0] @ gap
    index = jnp.clip(index + jnp.clip(turn, -index / 3, index / 3), 0.02, 2.5)
    return index, log_scale + jnp.clip(shift, -0.5, 0.5)


def _shortfalls(columns, places) -> tuple[Array, Array]:
    """Means of ``1 - cos(t x)`` over the data, and their covariance for one datum: of vectors, of the mean over entries."""
    each = jax.lax.map(lambda t: jnp.mean(2 * jnp.sin(t * columns / 2) ** 2, axis=1), places)
    mean = jnp.mean(each, axis=1)
    rest = each - mean[:, None]
    return mean, rest @ rest.T / columns.shape[0]


def _model(mean, places, index, log_scale, dim) -> tuple[Array, Array, Array]:
    """Of 1 - phi at exp(places): data less model, the covariance of the model for one datum, and slopes in the index, in the
    log scale, and in the bend, a factor of (log t)^2 in log(-log phi)."""
    logs = jnp.minimum(places + log_scale, math.log(FAINT) / index)
    power = jnp.exp(index * logs)
    slope = jnp.exp(-power) * power
    slopes = jnp.stack([slope * logs, slope * index, slope * logs**2], axis=1)
    return mean + jnp.expm1(-power), _covariance(logs, jnp.minimum(index, 2.0), dim), slopes


def _covariance(logs, index, dim) -> Array:
    """Of the means of cos(t X_j) over the entries of one vector, by ``E cos(u X_1) cos(v X_2) = exp(-|(u, v)|^alpha)``."""
    u, v = logs[:, None], logs
    both = jnp.exp(index * u) + jnp.exp(index * v)
    added = jnp.exp(index * jnp.logaddexp(u, v))
    taken = jnp.exp(index * (jnp.maximum(u, v) + jnp.log(-jnp.expm1(-jnp.abs(u - v)))))
    norm = jnp.exp(index * jnp.logaddexp(2 * u, 2 * v) / 2)
    same = (jnp.expm1(both - added) + jnp.expm1(both - taken)) / 2
    return jnp.exp(-both) * (same + (dim - 1) * jnp.expm1(both - norm)) / dim


def _least_squares(covariance, slopes, number) -> tuple[Array, Array]:
    """The matrices that give the first ``number`` coefficients, and the quadratic form of what is left."""
    eye = jnp.eye(len(covariance), dtype=covariance.dtype)
    ridge = max(RIDGE, DIGITS * float(jnp.finfo(covariance.dtype).eps))
    inverse = _solve(covariance * (1 + ridge * eye), eye)
    weighted = inverse @ slopes[:, :number]
    coefficients = _solve(slopes[:, :number].T @ weighted, weighted.T)
    return coefficients, inverse - weighted @ coefficients


def _solve(matrix, columns) -> Array:
    """Gauss and Jordan's elimination of a small positive matrix: LAPACK under ``jax.vmap`` may hang on a CPU."""
    size = len(matrix)
    rows = jnp.concatenate([matrix, columns], axis=1)

    def eliminate(k, rows):
        pivot = rows[k] / rows[k, k]
        return (rows - rows[:, k, None] * pivot).at[k].set(pivot)

    return jax.lax.fori_loop(0, size, eliminate, rows)[:, size:]


def _p_value(mean, spread, places, index, log_scale, count, dim) -> Array:
    """The least of three, each over its share of the level, with the larger of the variances by model and by sample."""
    gap, covariance, slopes = _model(mean, places, index, log_scale, dim)
    line, _ = _least_squares(covariance, slopes, 2)
    parabola, form = _least_squares(covariance, slopes, 3)
    root = math.sqrt(count)
    error = jnp.max(jnp.stack([parabola[2] @ s @ parabola[2] for s in (covariance, spread)]))
    bend = jax.scipy.special.erfc(jnp.abs(parabola[2] @ gap) * root / jnp.sqrt(2 * error))
    error = jnp.max(jnp.stack([line[0] @ s @ line[0] for s in (covariance, spread)]))
    above = jax.scipy.special.erfc((index - 2) * root / jnp.sqrt(2 * error)) / 2
    rest = jnp.max(jnp.stack([_beyond(count * (gap @ form @ gap), form @ s) for s in (covariance, spread)]))
    shares = jnp.asarray(SHARES, mean.dtype)
    return jnp.minimum(jnp.min(jnp.stack([bend, rest, above]) / shares), 1.0)


def _beyond(value, matrix) -> Array:
    """P(Q > value) of a quadratic form with moments trace(matrix), 2 trace(matrix^2), by a chi-square with the same two."""
    mean, half_variance = jnp.trace(matrix), jnp.sum(matrix * matrix.T)
    return jax.scipy.special.gammaincc(mean**2 / half_variance / 2, value * mean / half_variance / 2)


def _needed(mean, places, index, log_scale, dim) -> Array:
    """Data at which a drift of ``DRIFT`` is ``SEEN`` standard errors."""
    _, covariance, slopes = _model(mean, places, index, log_scale, dim)
    bend = _least_squares(covariance, slopes, 3)[0][2]
    return (SEEN / DRIFT * 2 * math.log(TAIL) / index) ** 2 * (bend @ covariance @ bend)
