"""The index of stability with the constants of its laws, what a law is, and the checks of what a person gives to a law."""

import dataclasses
import warnings
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from jaxprune.simulate.arguments import check_number, summary, traced
from jaxprune.struct import struct

COARSE = 2.0**-10  # coarse parts are multiples of this, so that a product with an exponent is exact in float32
SMALL_INDEX = 0.4  # below it float32 draws overflow more often than once in 10^15
NEAR_ONE = 1e-3


class ShortRepr:
    """A short ``repr`` of a law: its index, then what else was given, by name; types and shapes of a batch and of tracers."""

    def __repr__(self) -> str:
        law: Any = self
        given = [field for field in dataclasses.fields(law) if field.init]
        shown = [("" if f.name == "index" else f"{f.name}=") + _shown(getattr(self, f.name)) for f in given]
        return f"{type(self).__name__}({', '.join(shown)})"


def _shown(value: Any) -> str:
    found = value if isinstance(value, str) else summary(getattr(value, "alpha", value))
    return f"{found:.7g}" if isinstance(found, float) else str(found)


@struct
class Index:
    """The index alpha in (0, 2] with its constants, computed on the host in float64, so that none is rounded after a
    cancellation. Every leaf has the shape of ``alpha``; ``x = x_coarse + x_fine``."""

    alpha: Any
    inverse: Any  # 1 / alpha
    rest: Any  # 1 - alpha
    below_two: Any  # 2 - alpha
    inverse_coarse: Any
    inverse_fine: Any
    power: Any  # (1 - alpha) / alpha
    power_coarse: Any
    power_fine: Any

    def __repr__(self) -> str:
        return f"Index({_shown(self)})"


@runtime_checkable
class Law(Protocol):
    """A noise law. ``sample``: independent draws; along the first axis a larger draw begins with the smaller one.
    ``increment``: of the Lévy process whose value at time 1 has that law, over a time ``step_size``."""

    @property
    def index(self) -> Index:
        """The index of stability; of a sum, the heaviest."""
        ...

    def sample(self, key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = None) -> Float[Array, "..."]:
        """Draws of ``shape``; ``dtype`` defaults to the precision of the program."""
        ...

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Float[Array, "..."]:
        """Increments of ``shape`` over a time ``step_size``."""
        ...


def index(alpha: Any) -> Index:
    """The index of stability with the constants that draws need.

    A traced alpha is not checked, and its constants have the digits of the program.

    Args:
        alpha: A number or an array in (0, 2], where 2 is Gaussian and 1 is Cauchy; or an ``Index``, which is given back.

    Returns:
        The index, in the shape of ``alpha``.

    Raises:
        ValueError: For an alpha outside (0, 2].
    """
    if isinstance(alpha, Index):
        return alpha
    alpha = check_number("alpha", alpha, "(0, 2]", "2 is Gaussian, 1 is Cauchy")
    inverse, rest = 1 / alpha, 1 - alpha
    inverses, powers = _split(inverse), _split(rest * inverse)
    return Index(alpha, inverse, rest, 2 - alpha, *inverses, rest * inverse, *powers)


def _split(value) -> tuple[Any, Any]:
    coarse = (jnp if traced(value) else np).round(value / COARSE) * COARSE
    return coarse, value - coarse


def checked_scale(scale: Any) -> Any:
    """A scale >= 0, finite; 0 is no noise."""
    return check_number("scale", scale, "[0, inf)", "0 is no noise")


def checked_skew(skew: Any, given: Index, parametrisation: str) -> Any:
    """A skewness in [-1, 1]. Warns beside alpha = 1, and refuses S1 there in float32: its shift grows without bound."""
    if parametrisation not in ("S0", "S1"):
        raise ValueError(f"parametrisation: {parametrisation!r} is not known; use 'S0' (continuous in alpha) or 'S1'")
    value = check_number("skew", skew, "[-1, 1]", "0 is symmetric")
    if not traced(skew, given):
        beside = (np.abs(given.rest) < NEAR_ONE) & (np.asarray(given.rest) != 0) & (value != 0)
        if np.any(beside) and parametrisation == "S1" and jnp.result_type(float) == jnp.float32:
            wrong = np.broadcast_to(given.alpha, beside.shape)[beside].flat[0]
            raise ValueError(f"alpha: the shift of S1 at {wrong} leaves no digits in float32; use S0, or float64")
        if np.any(beside):
            warnings.warn(f"alpha: within {NEAR_ONE} of 1 with skewness, where S1 and S0 are far apart", stacklevel=5)
    return value


def _warn_small(given: Index) -> None:
    """Warns when float32 is likely to overflow."""
    if not traced(given) and np.any(np.asarray(given.alpha) < SMALL_INDEX) and jnp.result_type(float) == jnp.float32:
        text = f"alpha: {np.min(given.alpha)} is below {SMALL_INDEX}, where float32 draws overflow; use float64 or log_sample"
        warnings.warn(text, stacklevel=5)


def set_checked(law: Any, **given: Any) -> None:
    """Set the checked numbers of a law that is being built; on the host they, and each constant of the index, get one
    common shape, so that a batch of laws has batches for leaves. Raises ValueError for shapes that do not match."""
    if not traced(given):
        try:
            shape = np.broadcast_shapes(*(np.shape(leaf) for leaf in jax.tree.leaves(given)))
        except ValueError:
            shapes = {name: np.shape(jax.tree.leaves(value)[0]) for name, value in given.items()}
            raise ValueError(f"{' and '.join(given)}: shapes {shapes} do not match; use numbers or equal shapes") from None
        given = jax.tree.map(lambda leaf: np.broadcast_to(leaf, shape), given)
    for name, value in given.items():
        object.__setattr__(law, name, value)


def checked_index(alpha: Any) -> Index:
    """``index`` with the warning of a law in float32."""
    given = index(alpha)
    _warn_small(given)
    return given
