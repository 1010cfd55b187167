"""A frozen dataclass that is also a JAX pytree: numbers are leaves, shapes and choices are static."""

import dataclasses
from typing import Any, TypeVar, dataclass_transform

import jax

T = TypeVar("T")


def static(**options: Any) -> Any:
    """A field that is part of the program (a shape, a choice), not a number that can be swept."""
    return dataclasses.field(metadata={"static": True}, **options)


@dataclass_transform(frozen_default=True, field_specifiers=(static, dataclasses.field))
def struct(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen dataclass and a pytree.

    ``__post_init__`` validates what a person builds; it does not run when JAX rebuilds an instance
    around tracers or stacked leaves. A ``__repr__`` that ``cls`` has, inherited or not, stays.
    """
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
