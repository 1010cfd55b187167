"""What simulations accept, where it is known: a traced number is not looked at. Anything else is a ValueError that names the
argument, the value and the cure. Counts, intervals and types of noise: ``checks``.

A result that depends on a traced number is NaN where the number turns out to be outside, so that a sweep counts it:
``sound_number`` and ``sound_count`` say where that is, and ``or_nan`` puts the NaN."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxprune.checks import Interval, check_count

RELEASED = "released-code"


def traced(*values: Any) -> bool:
    """Whether some of the numbers, or pytrees of numbers, are not known yet, so that they cannot be checked."""
    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(values))


def check_number(name: str, value: Any, interval: str, hint: str = "") -> Any:
    """``value``, a number or an array, as float64, all in an interval as in ``checks.Interval``; a traced one as it is."""
    if traced(value):
        return value
    inside = Interval(interval)
    cure = f"a {inside.named('number')}" + (f": {hint}" if hint else "")
    return inside.check(name, value, cure).astype(float)


def sound_number(name: str, value: Any, interval: str, hint: str = "") -> Any:
    """True for numbers that are all in an interval, and a ValueError otherwise; for traced ones, where they are inside."""
    check_number(name, value, interval, hint)
    return Interval(interval).holds(value) if traced(value) else True


def sound_count(name: str, value: Any, what: str, low: int = 1, high: int | None = None, many: bool = False) -> Any:
    """As ``sound_number``, for one integer >= ``low``, and <= ``high`` where it is given; with ``many``, for an array of them.

    Whole floats are integers here, since a field of a problem may be one."""
    if np.ndim(value) and not many:
        raise ValueError(f"{name}: shape {np.shape(value)} is not one number of {what}; use an integer, and jax.vmap for many")
    if traced(value):
        wide = _wide(value)
        inside = (wide >= low) & (wide == jnp.floor(wide)) & jnp.isfinite(wide)
        return inside if high is None else inside & (wide <= high)
    counts = np.asarray(value)
    if counts.dtype.kind == "f" and np.all(counts == np.floor(counts)) and np.all(np.isfinite(counts)):
        counts = counts.astype(int)
    ends = np.array([counts.min(), counts.max()]) if counts.size and counts.dtype.kind in "iu" else counts.ravel()
    for count in ends.tolist():
        check_count(name, count, what, low, high)
    return True


def or_nan(sound: Any, values: Any) -> Any:
    """A pytree of numbers where ``sound`` is true, NaN in every leaf elsewhere. Axes of ``sound`` are the first axes of every
    leaf. Integers become floats unless ``sound`` is True itself, that is, nothing was traced."""
    if sound is True:
        return values

    def one(leaf):
        return jnp.where(jnp.reshape(sound, np.shape(sound) + (1,) * (np.ndim(leaf) - np.ndim(sound))), leaf, jnp.nan)

    return jax.tree.map(one, values)


def at_most(count: Any, most: int) -> Any:
    """A count, and ``most`` where it is more: one that is known may be more than the integers of a program can hold."""
    return jnp.minimum(_wide(count), most) if traced(count) else np.minimum(count, most)


def _wide(count):
    """Short integers as long ones, since they hold neither the ends of a range nor the number of weights."""
    return count.astype(int) if jnp.issubdtype(count.dtype, jnp.integer) else count


def check_step_size(step_size: Any) -> Any:
    """A finite step size > 0."""
    return check_number("step_size", step_size, "(0, inf)")


def kind(dtype: Any) -> str:
    """The type of numbers in words. JAX may hold other integers than those that were passed, so none are named."""
    return "integers" if jnp.issubdtype(dtype, jnp.integer) else str(dtype)


def summary(leaf: Any) -> Any:
    """Type and shape of an array, the value of a number."""
    array = np.ndim(leaf) or traced(leaf) or not isinstance(leaf, jax.Array | np.ndarray | np.generic | float | int)
    return f"{getattr(leaf, 'dtype', type(leaf).__name__)}{list(np.shape(leaf))}" if array else np.asarray(leaf).item()


def check_arrays(name: str, value: Any) -> None:
    """An array of real numbers, or a tree of some, which may be traced."""
    leaves = jax.tree.leaves(value)
    for leaf in leaves:
        kind = getattr(leaf, "dtype", None)
        if kind is not None and jnp.issubdtype(kind, jnp.complexfloating):
            raise ValueError(f"{name}: an array of {kind}; pass real numbers")
        if not (isinstance(leaf, int | float) or (kind is not None and jnp.issubdtype(kind, jnp.number))):
            raise ValueError(f"{name}: {leaf!r} is no array of numbers; pass an array, or a tree of arrays")
    if not leaves:
        raise ValueError(f"{name}: {value!r} holds no array; pass an array, or a tree of arrays")


def check_shapes(name: str, given: Any, weights: Any) -> None:
    """A tree with the shapes of the weights."""
    if jax.tree.map(jnp.shape, weights) != jax.tree.map(jnp.shape, given):
        raise ValueError(f"{name}: their shapes are not those of the weights; pass one for each weight")


def check_law(name: str, law: Any) -> None:
    """A noise law, by its ``increment``."""
    if isinstance(law, type):
        raise ValueError(f"{name}: {law.__name__} is a class; make a law of it, such as stable.Symmetric(1.5)")
    if not hasattr(law, "increment"):
        raise ValueError(f"{name}: {law!r} is no law; use one of simulate.stable, or one with increment(key, shape, step_size)")


def is_key(key: Any) -> bool:
    """Whether these are typed keys, one or many."""
    return jnp.issubdtype(getattr(key, "dtype", np.dtype(object)), jax.dtypes.prng_key)


def check_key(key: Any, name: str = "key") -> None:
    """One typed key, which may be traced."""
    if not is_key(key):
        what = f"an array of {key.dtype}" if isinstance(key, jax.Array) else repr(key)
        raise ValueError(f"{name}: {what} is no random key; use jax.random.key(seed)")
    if key.shape:
        raise ValueError(f"{name}: keys of shape {key.shape} are many; use one, and jax.vmap over many")


def check_shape(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple; an integer n is (n,)."""
    found = (shape,) if isinstance(shape, int | np.integer) else shape
    if not isinstance(found, Sequence) or not all(isinstance(n, int | np.integer) and n >= 0 for n in found):
        raise ValueError(f"shape: {shape!r} is no shape; use integers >= 0, such as (n, d)")
    return tuple(int(n) for n in found)


def check_compat(compat: str | None) -> None:
    """None, or the quirks of the released code."""
    if compat not in (None, RELEASED):
        raise ValueError(f"compat: {compat!r} is not known; use None or {RELEASED!r}")
