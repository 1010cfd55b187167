"""Networks of d ReLU neurons against the d orthonormal teachers that treat all neurons but one alike, and all teachers but one.

Such rows have five entries: ``diagonal`` and ``off`` of the like neurons among the like teachers, ``last`` of theirs along the
last teacher, and ``across`` and ``corner`` of the last neuron along the like teachers and the last. All permutations of the
like ones leave them as they are, so that a critical point among them is one among all rows. A loss of them costs the same for
every d, and d may be any real number. Here the loss is E(f* - f)^2 / 2, as in the literature on such minima (Arjevani and
Field, arXiv 1912.11939).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate import linalg
from jaxprune.simulate.arc_cosine import kappa
from jaxprune.simulate.lengths import safe_norm
from jaxprune.simulate.two_layer import checks

STEPS = 60  # of Newton; from the start below a dozen are enough, and more change nothing
LONGEST = 0.1  # share of the length of all rows that one step may go
FLAT = 1e-9  # eigenvalues below this share of the largest count as it


class Entries(NamedTuple):
    """The five entries of symmetric rows, each ()."""

    diagonal: Float[Array, ""]
    off: Float[Array, ""]
    last: Float[Array, ""]
    across: Float[Array, ""]
    corner: Float[Array, ""]


class Symmetric(NamedTuple):
    """A critical point: its ``entries``, its ``loss`` E(f* - f)^2 / 2, and ``gradient``, the norm of that in all rows."""

    entries: Entries
    loss: Float[Array, ""]
    gradient: Float[Array, ""]


def zero_loss(dim: Any) -> Float[Array, ""]:
    """The loss of no neurons, E f*^2 / 2: teachers have E relu^2 = 1/2, and orthogonal ones meet in 1/(2 pi)."""
    return jnp.asarray(dim / 4 + dim * (dim - 1) / (4 * np.pi), jnp.result_type(float))


def loss(entries: Entries, dim: Any) -> Float[Array, ""]:
    """E(f* - f)^2 / 2 of symmetric rows in ``dim`` >= 2 inputs; for two neurons ``off`` is no entry."""
    a, b, c, e, f = entries
    like, pairs, rest = dim - 1.0, (dim - 1.0) * (dim - 2), dim - 2.0
    size = safe_norm(jnp.stack([a, jnp.sqrt(rest) * b, c]))
    other, one = safe_norm(jnp.stack([jnp.sqrt(like) * e, f])), jnp.ones_like(size)
    inner = jnp.stack([2 * a * b + (rest - 1) * b**2 + c**2, a * e + rest * b * e + c * f, a, b, c, e, f])
    scale = jnp.stack([size, size, size, size, size, other, other]) * jnp.stack([size, other, one, one, one, one, one])
    often = jnp.stack([jnp.asarray(n, size.dtype) for n in (pairs / 2, like, -like, -pairs, -like, -like, -1.0)])
    pairwise = jnp.sum(often * scale * kappa(jnp.clip(inner / scale, -1, 1)))
    return like * size**2 / 4 + other**2 / 4 + pairwise + zero_loss(dim)


def rows(entries: Entries, dim: int) -> Float[Array, "d d"]:
    """The rows themselves, the last one last, in the basis of the teachers."""
    a, b, c, e, f = entries
    like = jnp.full((dim - 1, dim - 1), b) + (a - b) * jnp.eye(dim - 1)
    top = jnp.concatenate([like, jnp.full((dim - 1, 1), c)], axis=1)
    return jnp.concatenate([top, jnp.append(jnp.full(dim - 1, e), f)[None]])


def minimum(dim: Any, start: Entries | None = None) -> Symmetric:
    """The critical point that Newton's method finds among symmetric rows, a minimum among them; whether it is one among all
    rows is for ``curvature`` to say.

    ``start``: where it begins; by default where the last neuron points away from its teacher and all others lean to that, which
    for two neurons leads to loss 0 and for more to the family of smallest positive loss known from d = 5 on. ``dim`` may be
    traced. Raises ValueError for an integer below 2.
    """
    if isinstance(dim, int):
        checks.check_count("dim", dim, "inputs", low=2)
    kinds = _kinds(dim)
    root = jnp.sqrt(kinds)
    inverse = jnp.where(kinds > 0, 1 / jnp.where(kinds > 0, root, 1), 0)
    begin = Entries(*map(jnp.asarray, (1.0, 0.0, 2 / dim, 2 / dim, -0.6))) if start is None else start

    def objective(scaled):  # by the roots of how often an entry occurs: lengths are those of all rows
        return loss(Entries(*(inverse * scaled)), dim)

    def step(scaled, _):
        gradient, bend = jax.grad(objective)(scaled), jax.hessian(objective)(scaled)
        eigs, basis = linalg.eigh(bend)
        size = jnp.maximum(jnp.abs(eigs), FLAT * jnp.max(jnp.abs(eigs)))
        change = -basis @ (basis.T @ gradient / size)
        far = jnp.linalg.norm(change) / (LONGEST * jnp.linalg.norm(scaled))
        return scaled + change / jnp.maximum(far, 1), None

    scaled = jax.lax.scan(step, root * jnp.asarray(begin, root.dtype), None, length=STEPS)[0]
    found = Entries(*(inverse * scaled))
    return Symmetric(found, loss(found, dim), jnp.linalg.norm(jax.grad(objective)(scaled)))


def _kinds(dim: Any) -> Float[Array, "5"]:
    """How often each entry occurs among the rows."""
    like = jnp.asarray(dim - 1, jnp.result_type(float))
    return jnp.stack([like, like * (like - 1), like, like, jnp.ones_like(like)])
