"""Kernels ``K(v, w) = E sigma(v.x) sigma(w.x)``, ``x ~ N(0, I)``, of many activations: closed forms, and quadrature.

A kernel takes the lengths |v| (M,) and |w| (N,) and the cosines (M, N). Smooth activations without a closed form take the
trapezoid rule, whose error falls geometrically: with ``NODES`` nodes it is round-off up to lengths of ``LONGEST``, and NaN
beyond. Source: guide/two_layer.md, Logistic activations.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate import kernels
from jaxprune.simulate.arc_cosine import kappa, sine, turn
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.lengths import polar, safe_norm

REACH, NODES = 9.5, 401
STEP = 2 * REACH / (NODES - 1)
LONGEST = 0.27 / STEP  # poles of tanh and of the sigmoid lie that near
VANISHED = 1e15  # length of a row; longer waves have nothing in common but with rows that are equal
DEGREE = {"relu": 1, "abs": 1, "leaky": 1, "linear": 1, "relu2": 2, "quadratic": 2}  # of homogeneity
STRAIGHT = ("erf", "sin", "tanh")  # odd, and linear to all digits in short rows

Kernel = Callable[[Float[Array, " M"], Float[Array, " N"], Float[Array, "M N"]], Float[Array, "M N"]]


def kernel_of(activation: str, slope: Any = None) -> Kernel:
    """The kernel of an activation by name; ``leaky``, which is ``max(z, slope z)``, needs its slope in [-1, 1).

    Raises ValueError for another name, a slope that is missing or out of range, or one where there is none."""
    if activation not in FUNCTIONS:
        raise ValueError(f"activation: {activation!r} is unknown; use one of {', '.join(FUNCTIONS)}")
    _check_slope(activation, slope)
    if activation == "leaky":
        return lambda size, other, cosine: _leaky(slope, size[:, None] * other, cosine)
    if activation in SMOOTH:
        return lambda size, other, cosine: _trapezoid(FUNCTIONS[activation], size, other, cosine)
    return CLOSED[activation]


def function_of(activation: str, slope: Any = None) -> Callable[[Array], Array]:
    """The activation itself, elementwise; step is 1/2 at 0."""
    kernel_of(activation, slope)
    return (lambda z: jnp.maximum(z, slope * z)) if activation == "leaky" else FUNCTIONS[activation]


def balanced(activation: str, rows: Float[Array, "M d"], weights: Float[Array, " M"]) -> tuple[Array, Array]:
    """The same network with rows whose squares and products are floats: lengths that only scale a neuron are in its output
    weight, and so is what an odd neuron with a short row is shorter than ``sqrt(eps)/1000``."""
    size = safe_norm(rows)
    if activation in DEGREE:
        return polar(rows)[1], weights * size ** DEGREE[activation]
    if activation not in STRAIGHT:
        return rows, weights
    short = 1e-3 * float(jnp.finfo(rows.dtype).eps) ** 0.5
    scale = jax.lax.stop_gradient(jnp.where((size > 0) & (size < short), size / short, 1))
    return rows / scale[:, None], weights * scale


def _check_slope(activation, slope):
    if (activation == "leaky") != (slope is not None):
        raise ValueError(f"slope: {slope!r} beside {activation}; leaky has one in [-1, 1), and no other activation")
    if slope is not None and not traced(slope) and not -1 <= slope < 1:
        raise ValueError(f"slope: {slope!r} is out of range; use a number in [-1, 1)")


def _absolute(cosine):
    return 2 * (kappa(cosine) + kappa(-cosine))


def _leaky(slope, scale, cosine):
    return scale * (((1 + slope) / 2) ** 2 * cosine + ((1 - slope) / 2) ** 2 * _absolute(cosine))


def _squared_relu(size, other, cosine):
    angular = 3 * sine(cosine) * cosine + turn(cosine) * (1 + 2 * cosine**2)
    return (size[:, None] * other) ** 2 * angular / (2 * np.pi)


def _gelu(size, other, cosine):
    """Source: guide/two_layer.md, Kernels."""
    inner, square, other_square = size[:, None] * other * cosine, size[:, None] ** 2, other**2
    wide = square + other_square + square * other_square * sine(cosine) ** 2
    root = jnp.sqrt(1 + wide)
    linear = square / (1 + square) * (other_square / (1 + other_square)) * (1 + cosine**2 + wide) / root
    return inner / 4 + (linear + inner * jnp.arctan2(inner, root)) / (2 * np.pi)


def _cosine_wave(size, other, cosine):
    near, far, _ = _waves(size, other, cosine)
    return (near + far) / 2


def _sine_wave(size, other, cosine):
    """Without cancellation where rows are short or nearly orthogonal."""
    near, far, inner = _waves(size, other, cosine)
    small = jnp.abs(inner) < 1
    short = jnp.exp(-(size[:, None] ** 2 + other**2) / 2) * jnp.sinh(jnp.where(small, inner, 0))
    return jnp.where(small, short, (near - far) / 2)


def _waves(size, other, cosine):
    """``exp(-|v - w|^2 / 2)``, ``exp(-|v + w|^2 / 2)`` and the inner product."""
    size, other = jnp.minimum(size[:, None], VANISHED), jnp.minimum(other, VANISHED)
    inner, apart = size * other * cosine, (size - other) ** 2 / 2
    return jnp.exp(-apart - (size * other - inner)), jnp.exp(-apart - (size * other + inner)), inner


def _trapezoid(function, size, other, cosine):
    nodes = np.linspace(-REACH, REACH, NODES)
    density = np.exp(-(nodes**2) / 2) * STEP / np.sqrt(2 * np.pi)
    x, weights = jnp.asarray(nodes, cosine.dtype), jnp.asarray(density, cosine.dtype)
    opposite = sine(cosine)[..., None] * x  # (M, N, nodes)

    def add(total, node):
        point, weight = node
        inner = function(other[:, None] * (cosine[..., None] * point + opposite)) @ weights
        return total + weight * function(size * point)[:, None] * inner, None

    total = jax.lax.scan(add, jnp.zeros_like(cosine), (x, weights))[0]
    # A factor, so that derivatives are NaN beyond, too.
    return total * jnp.where(jnp.maximum(size[:, None], other) <= LONGEST, 1, jnp.nan)


def _softplus(z):
    return jnp.logaddexp(z, 0)


def _exact_gelu(z):
    return jax.nn.gelu(z, approximate=False)


SMOOTH = ("tanh", "sigmoid", "softplus", "silu")
FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "abs": jnp.abs,
    "leaky": jnp.abs,  # with a slope; see function_of
    "step": lambda z: (jnp.sign(z) + 1) / 2,
    "sign": jnp.sign,
    "relu2": lambda z: jax.nn.relu(z) ** 2,
    "linear": lambda z: z,
    "quadratic": lambda z: z**2,
    "erf": jax.lax.erf,
    "cos": jnp.cos,
    "sin": jnp.sin,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "softplus": _softplus,
    "gelu": _exact_gelu,
    "silu": jax.nn.silu,
}
CLOSED: dict[str, Kernel] = {
    "relu": lambda size, other, cosine: size[:, None] * other * kappa(cosine),
    "abs": lambda size, other, cosine: size[:, None] * other * _absolute(cosine),
    "step": lambda size, other, cosine: turn(cosine) / (2 * np.pi),
    "sign": lambda size, other, cosine: jnp.where((size[:, None] > 0) & (other > 0), 2 * turn(cosine) / np.pi - 1, 0),
    "relu2": _squared_relu,
    "linear": lambda size, other, cosine: size[:, None] * other * cosine,
    "quadratic": lambda size, other, cosine: (size[:, None] * other) ** 2 * (1 + 2 * cosine**2),
    "erf": kernels.arcsine,
    "gelu": _gelu,
    "cos": _cosine_wave,
    "sin": _sine_wave,
}
