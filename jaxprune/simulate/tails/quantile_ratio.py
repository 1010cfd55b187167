"""McCulloch's quantile ratio of symmetric stable laws, nu(alpha) = (q95 - q05) / (q75 - q25), and its inverse.

``alpha log(nu)`` is a smooth function of alpha: the host computes it once at Chebyshev nodes, by quadrature in float64, and
compiled code evaluates the polynomial through them. Derivations: guide/stable.md.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

LEAST, MOST = 0.1, 2.0  # below 0.1 the ratio exceeds 10^8
NODES = 48
BISECTIONS = 60


def ratio(index: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """``nu(alpha)`` for alpha in [0.1, 2], decreasing, to about 1e-11 in float64; nu(2) = 2.4387.

    Source: guide/stable.md, Quantile ratio."""
    return jnp.exp(_scaled_log(index) / index)


def inverse(value: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """The alpha in [0.1, 2] with ``nu(alpha) = value``; the nearer end where there is none, NaN for NaN."""
    goal = jnp.log(value)

    def halve(_, ends):
        low, high = ends
        middle = (low + high) / 2
        above = _scaled_log(middle) > goal * middle  # the ratio is still too large: alpha is larger
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    start = jnp.full_like(goal, LEAST), jnp.full_like(goal, MOST)
    low, high = jax.lax.fori_loop(0, BISECTIONS, halve, start)
    found = jnp.where(goal <= _scaled_log(start[1]) / MOST, MOST, jnp.where(goal >= _scaled_log(start[0]) / LEAST, LEAST, low))
    return jnp.where(jnp.isnan(goal) | (low > high), jnp.nan, found)


def _scaled_log(index):
    """``alpha log nu(alpha)`` by Clenshaw's recurrence."""
    place = (2 * index - (MOST + LEAST)) / (MOST - LEAST)
    first, *others = _coefficients()

    def step(state, coefficient):
        after, before = state
        return (coefficient + 2 * place * after - before, after), None

    zero = jnp.zeros_like(place)
    (after, before), _ = jax.lax.scan(step, (zero, zero), jnp.asarray(others[::-1], place.dtype))
    return first + place * after - before


@functools.cache
def _coefficients() -> tuple[float, ...]:
    """Chebyshev coefficients of ``alpha log nu(alpha)`` on [LEAST, MOST]."""
    angles = np.pi * (np.arange(NODES) + 0.5) / NODES
    index = (MOST + LEAST) / 2 + (MOST - LEAST) / 2 * np.cos(angles)
    values = _scaled_log_quantile(0.1, index) - _scaled_log_quantile(0.5, index)
    found = 2 / NODES * np.cos(np.arange(NODES)[:, None] * angles) @ values
    return tuple(float(c) for c in np.where(np.arange(NODES) == 0, found / 2, found))


def _scaled_log_quantile(probability: float, index: NDArray) -> NDArray:
    """``alpha log x`` with ``P(|X| > x) = probability`` for a symmetric stable X of unit scale."""
    low, high = np.full_like(index, -6.0), np.full_like(index, 8.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        above = _survival(middle / index, index) > probability
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


def _survival(log_x: NDArray, index: NDArray) -> NDArray:
    """``P(|X| > x)`` (guide/stable.md, Contour integrals): a mean over the angle w of exp(-E), or of 1 - exp(-E) below 1, with
    ``E = (x/g(w))^(alpha/(alpha-1))``. Double exponential rules meet where E = 1, around which it is steep near alpha = 1."""
    low, high = np.zeros_like(index), np.full_like(index, np.pi / 2)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        above = _log_radius(middle, index) > log_x
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    steps = np.arange(-3.2, 3.25, 1 / 48)
    part = 1 / (1 + np.exp(-np.pi * np.sinh(steps)))  # of the interval, from its left end
    weight = np.pi / 48 * np.cosh(steps) * part * (1 - part)
    cut, total = low[:, None], 0.0
    for left, width in ((np.zeros_like(cut), cut), (cut, np.pi / 2 - cut)):
        exponent = index[:, None] / (index[:, None] - 1)
        log_radius = _log_radius(left + width * part, index[:, None])
        energy = np.exp(np.clip(exponent * (log_x[:, None] - log_radius), -700, 700))
        inside = np.where(index[:, None] > 1, np.exp(-energy), -np.expm1(-energy))
        total = total + width[:, 0] * (inside @ weight)
    return 2 / np.pi * total


def _log_radius(angle: NDArray, index: NDArray) -> NDArray:
    """``log g(w)``: log|X| at the angle w from the vertical, without the exponential variable.

    Source: guide/stable.md, Contour integrals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        top = np.log(np.sin(index * (np.pi / 2 - angle)))
        side = np.log(np.cos((1 - index) * (np.pi / 2 - angle)))
        return top - np.log(np.sin(angle)) / index + (1 - index) / index * side
