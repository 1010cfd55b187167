"""A frozen dataclass that is also a JAX pytree: numbers are leaves, shapes and choices are static.

Fields say what they accept, and ``struct`` checks and converts what a person builds. What JAX rebuilds around tracers or
stacked leaves is not looked at.
"""

import dataclasses
import re
from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import jax
from jax.core import Tracer

from jaxprune.checks import Interval, check_count

T = TypeVar("T")
FINITE = "(-inf, inf)"


def static(accepts: Callable[[str, Any], Any] | None = None, **options: Any) -> Any:
    """A field that is part of the program (a shape, a choice), not a number that can be swept; its value becomes
    ``accepts(name, value)`` where that is given."""
    return _field(accepts and (lambda name, value, sizes: accepts(name, value)), True, options)


def leaf(accepts: Callable[[str, Any], Any], **options: Any) -> Any:
    """A leaf, or a pytree of leaves, that ``accepts(name, value)`` checks and converts."""
    return _field(lambda name, value, sizes: accepts(name, value), False, options)


def count(what: str, low: int = 1, **options: Any) -> Any:
    """A static integer >= ``low``, the number of ``what``."""

    def accepts(name, value, sizes):
        check_count(name, value, what, low)
        sizes[name] = value
        return value

    return _field(accepts, True, options)


def choice(*words: str, **options: Any) -> Any:
    """One of some words, static."""

    def accepts(name, value, sizes):
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{name}: {value!r} is unknown; use one of {', '.join(words)}")
        return value

    return _field(accepts, True, options)


def number(interval: str = FINITE, shape: str = "()", hint: str = "", **options: Any) -> Any:
    """A real number, kept as float64. ``interval`` as in ``checks.Interval``, ``hint`` more words for the cure.

    ``shape``: "()", "(n, d)" or "() or (d,)". A length that bears the name of a count before it is that count; lengths of
    one name are equal, and none is 0.
    """
    return _numbers(lambda name, value, array: array.astype(float), interval, shape, hint, options)


def floats(interval: str = FINITE, shape: str = "()", hint: str = "", **options: Any) -> Any:
    """As ``number``, but floating-point arrays keep their precision, and arrays of integers are refused."""
    return _numbers(_floating, interval, shape, hint, options)


def as_given(interval: str = FINITE, shape: str = "", hint: str = "", **options: Any) -> Any:
    """Real numbers of any type, and of any shape unless one is asked for, that stay what was given: a Python number is weakly
    typed, and takes the precision of what it meets."""
    return _numbers(lambda name, value, array: value, interval, shape, hint, options)


def _field(accepts, is_static, options) -> Any:
    return dataclasses.field(metadata={"static": is_static, "accepts": accepts}, **options)


def _numbers(convert, interval, shape, hint, options) -> Any:
    inside = Interval(interval)
    one, many = (inside.named(noun) for noun in ("number", "numbers"))
    cure = f"one {one}" if shape == "()" else f"{many} of shape {shape}" if shape else f"a {one}"
    if options.get("default", ...) is None:
        cure += ", or leave it out"
    if hint:
        cure += f": {hint}"

    def accepts(name, value, sizes):
        if isinstance(value, Tracer):
            return value
        array = inside.check(name, value, cure)
        wanted = re.sub(r"\w+", lambda word: str(sizes.get(word[0], word[0])), shape)
        if shape and not any(_fits(form, array.shape, sizes) for form in shape.split(" or ")):
            raise ValueError(f"{name}: shape {array.shape} {'is not ' + wanted if array.size else 'is empty'}; use {cure}")
        return convert(name, value, array)

    return _field(accepts, False, options)


def _fits(shape: str, found: tuple[int, ...], sizes: dict[str, int]) -> bool:
    """Whether lengths are those of a shape; gives a length to names that have none yet."""
    names = re.findall(r"\w+", shape)
    same = (sizes.setdefault(name, size) == size for name, size in zip(names, found, strict=False))
    return len(names) == len(found) and 0 not in found and all(same)


def _floating(name, value, array):
    if array.dtype.kind != "f" and array.ndim:
        raise ValueError(f"{name}: dtype {array.dtype} would be cast silently; pass floating-point numbers")
    return value if hasattr(value, "shape") and array.dtype.kind == "f" else array.astype(float)


@dataclass_transform(
    frozen_default=True, field_specifiers=(static, leaf, count, choice, number, floats, as_given, dataclasses.field)
)
def struct(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen dataclass and a pytree.

    ``__post_init__`` is for what fields cannot say one by one; it finds them checked and converted. A ``__repr__`` that
    ``cls`` has, inherited or not, stays.
    """
    if any(isinstance(value, dataclasses.Field) and value.metadata.get("accepts") for value in vars(cls).values()):
        cls.__post_init__ = _checked_before(getattr(cls, "__post_init__", None))  # type: ignore[attr-defined]
    frozen: Any = dataclasses.dataclass(frozen=True, repr=cls.__repr__ is object.__repr__)(cls)
    fields = dataclasses.fields(frozen)
    leaves = [f.name for f in fields if not f.metadata.get("static")]
    statics = [f.name for f in fields if f.metadata.get("static")]

    def flatten(self):
        children = [(jax.tree_util.GetAttrKey(k), getattr(self, k)) for k in leaves]
        return children, tuple(getattr(self, k) for k in statics)

    def unflatten(aux, children):
        self = object.__new__(frozen)
        for name, value in [*zip(leaves, children, strict=True), *zip(statics, aux, strict=True)]:
            object.__setattr__(self, name, value)
        return self

    jax.tree_util.register_pytree_with_keys(frozen, flatten, unflatten)
    return frozen


def _checked_before(own: Callable[[Any], None] | None) -> Callable[[Any], None]:
    """``__post_init__`` that settles every field, then does what the class's ``own`` does."""

    def __post_init__(self):
        sizes: dict[str, int] = {}
        for field in dataclasses.fields(self):
            accepts = field.metadata.get("accepts")
            if accepts and not (field.default is None and getattr(self, field.name) is None):
                object.__setattr__(self, field.name, accepts(field.name, getattr(self, field.name), sizes))
        if own:
            own(self)

    return __post_init__
