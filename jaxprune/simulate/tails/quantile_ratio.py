"""McCulloch's quantile ratio of symmetric stable laws, nu(alpha) = (q95 - q05) / (q75 - q25), and its inverse.

``alpha log(nu)`` is a smooth function of alpha, here the polynomial through its values at 48 Chebyshev nodes.
Derivations: guide/stable.md, Quantile ratio.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LEAST, MOST = 0.1, 2.0  # below 0.1 the ratio exceeds 10^8
BISECTIONS = 60
# Chebyshev coefficients of alpha log nu on [LEAST, MOST]; a test has them from ``theory.stable``.
# fmt: off
COEFFICIENTS = (
    1.8192893177091167, -0.08991711241772457, 0.004161342461191216, 0.042717815024997795, 0.013218782973641518,
    -0.003929583644897212, -0.002593047661949694, -0.0005426186511035408, 0.00018592751700111988, 0.0002517753856847091,
    0.00013801873057218495, -9.916361811232455e-06, -6.245510463134796e-05, -2.9802672064739577e-05, 8.27489268236223e-06,
    1.4466197335263886e-05, 4.220453162311587e-06, -2.6214781149724864e-06, -2.7682419821923113e-06, -7.047787247971282e-07,
    5.598470478997229e-07, 6.408191479539971e-07, 1.8228274047127346e-07, -1.669979508012176e-07, -1.813340559930765e-07,
    -3.044520063832934e-08, 6.070893422867318e-08, 4.5149125840748816e-08, -5.984623148609647e-10, -1.8309986749009965e-08,
    -9.81238105742313e-09, 1.7596688550725048e-09, 5.037403216778813e-09, 2.2742610572557e-09, -8.21283137851514e-10,
    -1.5105349054911343e-09, -5.162332397494473e-10, 3.905065021347909e-10, 4.5043742173678236e-10, 7.200473550739162e-11,
    -1.5867271645902958e-10, -1.163121265967959e-10, 5.053193974369208e-12, 5.252073775885435e-11, 2.7933836667382028e-11,
    -6.0781379929153445e-12, -1.7013973563351215e-11, -1.0628609103946474e-11,
)
# fmt: on


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
    first, *others = COEFFICIENTS

    def step(state, coefficient):
        after, before = state
        return (coefficient + 2 * place * after - before, after), None

    zero = jnp.zeros_like(place)
    (after, before), _ = jax.lax.scan(step, (zero, zero), jnp.asarray(others[::-1], place.dtype))
    return first + place * after - before
