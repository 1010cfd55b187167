"""Elementary functions on the ranges that stable laws need.

In float32 they are polynomials (near-minimax, errors below 1e-7) of plain sums and products, so that a compiler turns a
whole draw into one vectorised loop; angles are in quarter turns, logarithms in base 2 and in two parts, integer and rest,
so that a large one keeps the digits of the rest. In float64 they are the library's.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Number = Float[Array, "..."]

SINE = (1.570796318447678, -0.6459637105993462, 0.079689678945501, -0.004673766608843838, 0.00015148512899111738)
LOG2 = (
    *(1.4426950048863902, -0.7213471993824484, 0.4809102800713689, -0.36071625804014107, 0.28793908072294455),
    *(-0.23867580383228987, 0.21521251601689198, -0.20893305922455246, 0.1292626398361867),
)
LOG2_SINC = (
    *(0.6514961254026861, -0.5932841697140965, -0.048801648968786734, -0.007610134832464343),
    *(-0.0015070461968641866, -0.00015768052280029215, -0.00013544109776082415),
)
EXP2 = (
    *(1.0000000005541867, 0.6931472057371985, 0.24022646890480606, 0.055503287770786135),
    *(0.009618488973779475, 0.001339993118283745, 0.00015345807507933729),
)
ONE, BELOW_ONE = 0x3F800000, 0x3F3504F3  # the bits of 1 and of sqrt(1/2)
ZERO, INFINITE = -127, 128  # exponents whose bit patterns are those of 0 and of infinity


def sine(quarters: Number) -> Number:
    """``sin(pi x / 2)`` for x in [-1, 1], relatively exact."""
    if quarters.dtype == jnp.float64:
        return jnp.sin(quarters * (np.pi / 2))
    return quarters * _polynomial(SINE, quarters * quarters)


def minus_log(low: Number, high: Number) -> Number:
    """``-log(low)`` where ``high = 1 - low`` is known to its own digits: relatively exact at both ends."""
    if low.dtype == jnp.float64:
        small = low < 0.5
        return jnp.where(small, -jnp.log(jnp.where(small, low, 0.5)), -jnp.log1p(-jnp.where(small, 0.5, high)))
    exponent, beyond = _split(low)
    beyond = jnp.where(exponent == 0, -high, beyond)
    return -np.log(2) * (exponent + beyond * _polynomial(LOG2, beyond))


def split_log2(x: Number) -> tuple[Number, Number]:
    """Base-2 logarithm of a normal x > 0 as an integer and a rest."""
    if x.dtype == jnp.float64:
        return jnp.zeros_like(x), jnp.log2(x)
    exponent, beyond = _split(x)
    return exponent, beyond * _polynomial(LOG2, beyond)


def split_log2_sine(x: Number) -> tuple[Number, Number]:
    """Base-2 logarithm of ``sin(pi x / 2)``, x in (0, 1], as an integer and a rest."""
    if x.dtype == jnp.float64:
        return split_log2(sine(x))
    exponent, rest = split_log2(x)
    return exponent, rest + _polynomial(LOG2_SINC, x * x)


def scaled_exp2(x: Number, coarse: Number, fine: Number) -> Number:
    """``x 2^(coarse + fine)``; the sum is not rounded."""
    if x.dtype == jnp.float64:
        return x * jnp.exp2(coarse + fine)
    whole = jnp.clip(jnp.round(coarse + fine), ZERO, INFINITE)
    rest = jnp.clip((coarse - whole) + fine, -1, 1)
    return x * _polynomial(EXP2, rest) * _power(whole.astype(jnp.int32))


def _split(x: Number) -> tuple[Number, Number]:
    """``x = 2^k (1 + z)`` with z in [sqrt(1/2) - 1, sqrt(2) - 1]: (k, z). The scaling is a product, for derivatives."""
    exponent = (lax.bitcast_convert_type(x, jnp.int32) - BELOW_ONE) >> 23
    return exponent.astype(x.dtype), x * _power(-exponent) - 1


def _power(exponent) -> Number:
    """``2^exponent`` of an integer in [-126, 127]; 0 below, infinity above."""
    return lax.bitcast_convert_type((exponent << 23) + ONE, jnp.float32)


def _polynomial(coefficients: tuple[float, ...], x: Number) -> Number:
    value = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return jnp.asarray(value)
