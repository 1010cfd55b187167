"""Skewed stable draws from given random numbers, continuous in alpha through 1.

With ``e = 1 - alpha``, ``t = skew tan(pi alpha / 2)``, ``tau = e t`` (finite at alpha = 1) and ``B = atan(t) / alpha``:

    S1:  X = cos(alpha B)^(-1/alpha) sin(alpha (U + B)) / cos(U)^(1/alpha) (cos(e U - alpha B) / W)^(e/alpha)
    S0:  X - t = Y Z^(e/alpha) + tau (Z^(e/alpha) - 1) / e,     Z = k / (W cos U),   k = cos(e U) + t sin(e U),
         Y = tan(U) k - sin(e U) - t (1 - cos(e U))

The second line is the first without the difference of two large numbers; it is used beside alpha = 1.
Source: guide/stable.md, Skewed laws.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate.arguments import traced
from jaxprune.simulate.stable import elementary
from jaxprune.simulate.stable.counters import Angle
from jaxprune.simulate.stable.tail_index import Index
from jaxprune.simulate.stable.transforms import exponent
from jaxprune.struct import struct

BESIDE = 0.1  # |1 - alpha| below which the second form is used
FAR = 50.0  # log magnitude beyond which a shift is below the last digit


@struct
class SkewConstants:
    """Constants of a skewed law, computed on the host in float64 from (alpha, skew); angles in quarter turns."""

    tangent: Any  # t, 0 at alpha = 1
    tau: Any  # (1 - alpha) t
    cosine: Any  # cos(alpha B)
    factor: Any  # cos(alpha B)^(-1/alpha)
    before: Any  # 1 - B, from the left pole to the zero of the sine
    after: Any  # 1 + B, from the zero to the right pole
    right: Any  # 2 - alpha (1 + B)
    left: Any  # 2 - alpha (1 - B)
    low: Any  # the two angles of the cosine at the poles
    high: Any

    def shift(self, index: Index, log: Any) -> Array:
        """``tau (exp(e log / alpha) - 1) / e``."""
        return self.tau * growth(index, jnp.asarray(log))


def skew_constants(index: Index, skew: Any) -> SkewConstants:
    """The constants of ``skew`` in [-1, 1] at an index."""
    xp: Any = jnp if traced(index, skew) else np
    alpha, rest = index.alpha, index.rest
    quarter = np.pi / 2
    safe = xp.where(rest == 0, 0.5, rest)
    edge = xp.minimum(alpha, index.below_two)
    tau = skew * xp.where(rest == 0, 2 / np.pi, safe * xp.sin(quarter * edge) / xp.sin(quarter * safe))  # 0 at alpha = 2
    tangent = xp.where(rest == 0, 0.0, tau / safe)
    turn = xp.where(xp.abs(skew) == 1, xp.sign(tangent) * edge, xp.arctan(tangent) / quarter)
    turn = xp.where(rest == 0, 0.0, turn)  # alpha B
    cosine = 1 / xp.sqrt(1 + tangent**2)
    # Not below 0 by round-off; a maximum would halve the derivative at alpha = 2, where both are 0.
    low, high = (xp.where(end < 0, 0.0, end) for end in (edge - turn, edge + turn))
    before, after = (alpha - turn) / alpha, (alpha + turn) / alpha
    return SkewConstants(
        tangent, tau, cosine, cosine ** (-1 / alpha), before, after, 2 - alpha - turn, 2 - alpha + turn, low, high
    )


def growth(index: Index, log: Array) -> Array:
    """``(exp(e log / alpha) - 1) / e``, and its limit ``log`` at alpha = 1."""
    x = index.power * log
    small = jnp.abs(x) < 0.01
    series = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6 * (1 + x / 7)))))
    safe = jnp.where(small, 1.0, x)
    return log * index.inverse * jnp.where(small, series, jnp.expm1(safe) / safe)


def skewed_from(
    index: Index, constants: SkewConstants, angle: Angle, exponential: Any, parametrisation: str = "S0"
) -> Float[Array, "..."]:
    """The unit skewed draw of given random numbers."""
    dtype = angle.near.dtype
    c, k = jax.tree.map(lambda x: jnp.asarray(x, dtype), (index, constants))
    away = _strict(c, k, angle, exponential)
    beside = _continuous(c, k, angle, exponential)
    if parametrisation == "S1":
        return jnp.where(c.rest == 0, beside, away)
    return jnp.where(jnp.abs(c.rest) < BESIDE, beside, away - k.tangent)


def _poles(angle: Angle) -> tuple[Array, Array]:
    """Distances from the left and from the right pole, in quarter turns; their sum is 2."""
    return jnp.where(angle.right, 1 + angle.far, angle.near), jnp.where(angle.right, angle.near, 1 + angle.far)


def _cosine(c: Index, k: SkewConstants, v, w) -> Array:
    """``cos(e U - alpha B)``, from two angles that sum to a half turn, each a sum of positive numbers."""
    size = jnp.abs(c.rest)
    first, second = jnp.where(c.rest >= 0, v, w), jnp.where(c.rest >= 0, w, v)
    return elementary.sine(jnp.minimum(k.low + size * first, k.high + size * second))


def skewed_log_from(
    index: Index, constants: SkewConstants, angle: Angle, exponential: Any, parametrisation: str
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Sign and log magnitude of the draw of ``skewed_from``, also where that overflows or underflows; of a draw that is 0
    because its digits cancel, half of the last one."""
    dtype = angle.near.dtype
    c, k = jax.tree.map(lambda x: jnp.asarray(x, dtype), (index, constants))
    draw = skewed_from(index, constants, angle, exponential, parametrisation)
    size, coarse, fine = _strict_parts(c, k, angle, exponential)
    least = jnp.finfo(dtype).eps / 4
    log = _log(size, c.alpha * least) + np.log(2) * (coarse + fine) - jnp.log(k.cosine) * c.inverse
    unshifted = (k.tangent == 0) if parametrisation == "S0" else True
    far = (jnp.abs(c.rest) >= BESIDE) & ((log > FAR) | (unshifted & (log < -FAR)))
    sign = jnp.where(jnp.where(far, size, draw) < 0, -1.0, 1.0).astype(dtype)
    return sign, jnp.where(far, log, _log(draw, least))


def _log(x: Array, least: Any) -> Array:
    return jnp.log(jnp.where(x == 0, least, jnp.abs(x)))


def _strict(c: Index, k: SkewConstants, angle: Angle, exponential) -> Array:
    """S1 for alpha != 1."""
    return k.factor * elementary.scaled_exp2(*_strict_parts(c, k, angle, exponential))


def _strict_parts(c: Index, k: SkewConstants, angle: Angle, exponential) -> tuple[Array, Array, Array]:
    """S1 over its constant factor: a sine, and the two parts of the exponent of 2."""
    v, w = _poles(angle)
    turn = c.alpha * jnp.where(angle.right, k.after - w, v - k.before)
    inner = jnp.clip(turn, -1, 1)
    folded = jnp.where(turn > 1, jnp.minimum(k.right + c.alpha * w, 1.0), -jnp.minimum(k.left + c.alpha * v, 1.0))
    numerator = elementary.sine(jnp.where(jnp.abs(turn) <= 1, inner, folded))
    return numerator, *exponent(c, angle.near, _cosine(c, k, v, w), exponential)


def _continuous(c: Index, k: SkewConstants, angle: Angle, exponential) -> Array:
    """S0 beside alpha = 1."""
    side = jnp.where(angle.right, 1.0, -1.0).astype(angle.near.dtype)
    u = side * angle.far * (np.pi / 2)
    cos_u = elementary.sine(angle.near)
    raised = _raised(c, k, angle)
    half = jnp.sin(c.rest * u / 2)
    bend = 2 * half * jnp.where(c.rest == 0, u / 2, half / jnp.where(c.rest == 0, 1.0, c.rest))
    y = side * elementary.sine(angle.far) / cos_u * raised - jnp.sin(c.rest * u) - k.tau * bend
    log = jnp.log(raised / (exponential * cos_u))
    d = growth(c, log)
    return y * (1 + c.rest * d) + k.tau * d


def _raised(c: Index, k: SkewConstants, angle: Angle) -> Array:
    """``cos(e U) + t sin(e U)``, positive; at alpha = 1 its limit ``1 + 2 skew U / pi``."""
    v, w = _poles(angle)
    skew = k.tau * (np.pi / 2)
    limit = (1 - jnp.abs(skew)) + jnp.abs(skew) * jnp.where(skew >= 0, v, w)
    return jnp.where(c.rest == 0, limit, _cosine(c, k, v, w) / jnp.where(c.rest == 0, 1.0, k.cosine))
