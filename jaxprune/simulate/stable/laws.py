"""Stable laws: symmetric, skewed, positive, isotropic, and the noise of a neuron.

``E exp(itX) = exp(-|scale t|^alpha)`` for the symmetric law: alpha = 2 is N(0, 2 scale^2), alpha = 1 is Cauchy. The index
alpha is data: a law is a pytree whose leaves may be batched, so that many indices are one program, and the same key gives
the same uniform numbers whatever the index. Draws are by the methods of Chambers, Mallows and Stuck, and of Kanter, with
every angle measured from the nearer pole, so that float32 keeps its digits in the far tails.
Derivations: guide/stable.md.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.checks import noise_type
from jaxprune.simulate.arguments import check_number, check_shape, check_step_size
from jaxprune.simulate.stable import counters, elementary
from jaxprune.simulate.stable.counters import precision, target
from jaxprune.simulate.stable.skewed import skew_constants, skewed_from, skewed_log_from
from jaxprune.simulate.stable.sums import Sum
from jaxprune.simulate.stable.tail_index import (
    Index,
    Law,
    ShortRepr,
    checked_index,
    checked_scale,
    checked_skew,
    index,
    set_checked,
)
from jaxprune.simulate.stable.transforms import (
    angle_from,
    draws,
    log_scale,
    positive_from,
    positive_parts,
    side,
    symmetric_from,
    symmetric_parts,
)
from jaxprune.struct import static, struct

__all__ = [
    "Common",
    "Gaussian",
    "Index",
    "Isotropic",
    "Law",
    "Positive",
    "Skewed",
    "Sum",
    "Symmetric",
    "angle_from",
    "index",
    "neuron_noise",
    "positive_from",
    "skewed_from",
    "symmetric_from",
]


class _Strict(ShortRepr):
    """Strictly stable: the increment is a scaled draw."""

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Float[Array, "..."]:
        """``step_size^(1/alpha)`` times a draw."""
        check_shape(shape)
        law: Any = self
        unit = law.sample(key, shape)
        return _step_size(step_size) ** jnp.asarray(law.index.inverse, unit.dtype) * unit


@struct
class Symmetric(_Strict):
    """Independent symmetric entries of any shape. ``index``: alpha in (0, 2], or an ``Index``. Draws have derivatives in both
    numbers; at alpha = 2 that of log|X| in alpha has no finite mean."""

    index: Any
    scale: Any = 1.0

    def __post_init__(self):
        set_checked(self, index=checked_index(self.index), scale=checked_scale(self.scale))

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        return _times(self.scale, symmetric_from(self.index, angle, exponential)).astype(target(dtype))

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Sign and log magnitude of the draws of ``sample``; no alpha is too small for it."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        size, coarse, fine = symmetric_parts(self.index, angle, exponential)
        log = jnp.log(size) + np.log(2) * (coarse + fine) + log_scale(self.scale, size)
        return side(angle, size), log


@struct
class Skewed(_Strict):
    """Independent skewed entries; ``skew`` in [-1, 1]. S0 is continuous in alpha; S1 = S0 + skew tan(pi alpha/2) for
    alpha != 1, which is strictly stable, and S1 = S0 at alpha = 1. ``scale`` multiplies the draw."""

    index: Any
    skew: Any
    scale: Any = 1.0
    parametrisation: str = static(default="S0")
    constants: Any = dataclasses.field(init=False, default=None)

    def __post_init__(self):
        given = checked_index(self.index)
        skew = checked_skew(self.skew, given, self.parametrisation)
        set_checked(self, index=given, skew=skew, scale=checked_scale(self.scale))
        object.__setattr__(self, "constants", skew_constants(self.index, self.skew))

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        unit = skewed_from(self.index, self.constants, angle, exponential, self.parametrisation)
        return _times(self.scale, unit).astype(target(dtype))

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Sign and log magnitude of the draws of ``sample``; no alpha is too small for it."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        sign, log = skewed_log_from(self.index, self.constants, angle, exponential, self.parametrisation)
        return sign, log + log_scale(self.scale, log)

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Float[Array, "..."]:
        """``step_size^(1/alpha)`` times a draw, and the shift that makes increments of S0, or of alpha = 1, add up."""
        step = _step_size(step_size)
        return _Strict.increment(self, key, shape, step) + self.scale * _drift(self, step)


def _drift(law: Skewed, step) -> Array:
    shift = step * law.constants.shift(law.index, jnp.log(step))
    return shift if law.parametrisation == "S0" else jnp.where(law.index.rest == 0, shift, 0.0)


@struct
class Positive(_Strict):
    """Independent positive entries, ``E exp(-lam A) = exp(-(scale lam)^a)``; ``index``: a in (0, 1], A = scale at 1."""

    index: Any
    scale: Any = 1.0

    def __post_init__(self):
        set_checked(self, index=checked_index(self.index), scale=checked_scale(self.scale))
        check_number("alpha", self.index.alpha, "(0, 1]", "the law is positive")

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        return _times(self.scale, positive_from(self.index, angle, exponential)).astype(target(dtype))

    @draws
    def log_sample(self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None) -> Float[Array, "..."]:
        """Log of the draws of ``sample``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        size, coarse, fine = positive_parts(self.index, angle, exponential)
        log = jnp.log(size) + np.log(2) * (coarse + fine)
        return jnp.where(self.index.rest == 0, 0.0, log) + log_scale(self.scale, size)


@struct
class Gaussian(_Strict):
    """Independent N(0, scale^2) entries: ``Symmetric(2)`` over sqrt 2, with the same random numbers."""

    scale: Any = 1.0

    def __post_init__(self):
        object.__setattr__(self, "scale", checked_scale(self.scale))

    @property
    def index(self) -> Index:
        """2."""
        return index(2.0)

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        size = elementary.sine(angle.far) * jnp.sqrt(2 * exponential)
        return _times(self.scale, jnp.where(angle.right, size, -size)).astype(target(dtype))

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...] = (), dtype: Any = None
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Sign and log magnitude of the draws of ``sample``."""
        angle, exponential = counters.draw(key, shape, precision(dtype))
        log = jnp.log(elementary.sine(angle.far)) + jnp.log(2 * exponential) / 2
        return side(angle, log), log + log_scale(self.scale, log)


@struct
class Isotropic(_Strict):
    """Rotation-invariant vectors along the last axis, ``E exp(i u.X) = exp(-(scale |u|)^alpha)``: ``sqrt(2 A) G`` with
    A positive (alpha/2)-stable and G Gaussian. In float32 A overflows where a norm is above 1e19, about once in 10^8 draws
    at alpha = 0.4 and 10^12 at 0.6; ``log_sample`` never does."""

    index: Any
    scale: Any = 1.0
    mixing: Any = dataclasses.field(init=False, default=None)

    def __post_init__(self):
        set_checked(self, index=checked_index(self.index), scale=checked_scale(self.scale))
        object.__setattr__(self, "mixing", index(self.index.alpha / 2))

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None) -> Float[Array, "*n d"]:
        """``shape[:-1]`` vectors of ``shape[-1]`` entries."""
        outer = _outer(self, shape)
        radius, direction = jax.random.split(key)
        angle, exponential = counters.draw(radius, outer, precision(dtype))
        size = jnp.sqrt(2 * positive_from(self.mixing, angle, exponential))
        vectors = size[..., None] * Gaussian(1.0).sample(direction, shape, precision(dtype))
        return _times(self.scale, vectors).astype(target(dtype))

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None
    ) -> tuple[Float[Array, "*n d"], Float[Array, "*n d"]]:
        """Signs and log magnitudes of the entries of ``sample``; no alpha is too small for it."""
        outer = _outer(self, shape)
        radius, direction = jax.random.split(key)
        sign, log = Gaussian(1.0).log_sample(direction, shape, precision(dtype))
        size = self._log_size(*counters.draw(radius, outer, precision(dtype)))
        return sign, log + size[..., None] + log_scale(self.scale, log)

    def _log_size(self, angle: counters.Angle, exponential: Array) -> Array:
        """``log sqrt(2 A)``."""
        size, coarse, fine = positive_parts(self.mixing, angle, exponential)
        log = jnp.log(size) + np.log(2) * (coarse + fine)
        return (np.log(2) + jnp.where(self.mixing.rest == 0, 0.0, log)) / 2


@struct
class Common(_Strict):
    """One symmetric number for all entries of the last axis."""

    index: Any
    scale: Any = 1.0

    def __post_init__(self):
        set_checked(self, index=checked_index(self.index), scale=checked_scale(self.scale))

    @draws
    def sample(self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None) -> Float[Array, "*n d"]:
        """``shape[:-1]`` numbers, each ``shape[-1]`` times."""
        one = Symmetric(self.index, 1.0).sample(key, _outer(self, shape), dtype)
        return _times(self.scale, jnp.broadcast_to(one[..., None], shape))

    @draws
    def log_sample(
        self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None
    ) -> tuple[Float[Array, "*n d"], Float[Array, "*n d"]]:
        """Signs and log magnitudes of the entries of ``sample``; no alpha is too small for it."""
        one = Symmetric(self.index, self.scale).log_sample(key, _outer(self, shape), dtype)
        sign, log = (jnp.broadcast_to(part[..., None], shape) for part in one)
        return sign, log


def neuron_noise(noise: str | int, index: Any, scale: Any = 1.0) -> Common | Symmetric | Isotropic:
    """Noise on the incoming weights of a neuron (guide/stable.md, Noise of a neuron).

    Args:
        noise: "I" or 1, one number for all of them; "II" or 2, independent numbers; "III" or 3, an isotropic vector.
        index: Index of stability alpha in (0, 2], or its ``Index``.
        scale: Scale of the law, >= 0.

    Returns:
        The law.

    Raises:
        ValueError: For another type.
    """
    laws: dict[str, Any] = {"I": Common, "II": Symmetric, "III": Isotropic}
    return laws[noise_type("noise", noise)](index, scale)


def _times(scale, unit) -> Array:
    scale = jnp.asarray(scale, unit.dtype)
    return jnp.where(scale == 0, 0, scale * unit)  # a draw that overflows is no noise either


def _outer(law: Isotropic | Common, shape: tuple[int, ...]) -> tuple[int, ...]:
    if np.ndim(law.index.alpha) or np.ndim(law.scale):
        raise ValueError(f"index, scale: a batch of {np.shape(law.index.alpha)} laws of vectors; jax.vmap over the laws")
    if len(shape) == 0:
        raise ValueError("shape: () has no last axis for the entries of a vector; use (d,) or (n, d)")
    return shape[:-1]


def _step_size(step_size: Any) -> Any:
    check_step_size(step_size)
    return jnp.asarray(step_size, jnp.result_type(float))
