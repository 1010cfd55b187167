"""Gaussian expectations of neurons: second moments of random features without a test set.

For ``a ~ N(0, I)`` and rows r, s: ``E[f(r.a) f(s.a)]`` depends on |r|, |s| and the cosine between them. ReLU has the
arc-cosine kernel and erf the arcsine kernel; every other activation f goes through its Hermite series
``f(|r| h) = sum_k c_k(|r|) He_k(h) / sqrt(k!)``, so that the moment is ``sum_k c_k(|r|) c_k(|s|) cos^k`` (Mehler).
The series is cut at ``TERMS``. What is left out is at most ``sqrt(lost(r) lost(s)) |cos|^TERMS`` with ``lost`` the part
of ``E f^2`` beyond the cut: an entry for which this exceeds ``TOLERANCE`` of its scale is NaN. So is a row for which
quadrature with panels twice as long gives another ``E f^2``: one with a kink off the origin, or that turns too fast.
Source: guide/random_features.md, Second moments.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.arc_cosine import EXACT, cosines, kappa
from jaxprune.simulate.lengths import polar

TERMS = 64
TOLERANCE = 1e-8
REACH, POINTS = 16, 16  # standard deviations; nodes in a panel. A border lies at the origin, where most kinks are
ERRORS = (jax.scipy.special.erf, jax.lax.erf)

Activation = Callable[[Array], Array]


def second_moments(activation: Activation, rows: Float[Array, "p m"]) -> Float[Array, "p p"]:
    """``E[f(r_i.a) f(r_j.a)]`` of all pairs of rows, not centred; its diagonal is exact."""
    size, unit = polar(rows)
    cosine = jnp.where(jnp.eye(len(rows), dtype=bool), 1, cosines(unit, unit))
    moments = _kernel(activation, size, size, cosine)
    if _closed(activation):
        return moments
    return jnp.where(jnp.eye(len(rows), dtype=bool), _energy(activation, size), moments)


def cross_moments(activation: Activation, rows: Float[Array, "p m"], others: Float[Array, "q m"]) -> Float[Array, "p q"]:
    """``E[f(r_i.a) f(s_j.a)]`` between two sets of rows."""
    (size, unit), (other, direction) = polar(rows), polar(others)
    cosine = cosines(unit, direction)
    return _kernel(activation, size, other, cosine)


def linear_moments(activation: Activation, rows: Float[Array, "p m"], teacher: Float[Array, " m"]) -> Float[Array, " p"]:
    """``E[f(r_i.a) teacher.a]``: by Stein's lemma ``E[f'] r_i.teacher``, here without a derivative."""
    size, unit = polar(rows)
    along = jnp.matmul(unit, teacher, precision=EXACT)
    if activation is jax.nn.relu:
        return size / 2 * along
    slope = _coefficients(activation, size)[:, 1]
    return jnp.where(jnp.isnan(_energy(activation, size)), jnp.nan, slope) * along


class Rows(NamedTuple):
    """What a block of ``second_moments`` is made of: lengths (p,) and directions (p, m) of rows; without a closed form also the
    coefficients (p, TERMS) of their series and ``cut``, ``E f^2`` and the part of it that these do not hold, both (p,)."""

    size: Float[Array, " p"]
    unit: Float[Array, "p m"]
    terms: Any = None
    cut: Any = None


def prepared(activation: Activation, rows: Float[Array, "p m"], block: int) -> Rows:
    """Rows for ``between``. Their series are made ``block`` rows at a time, since each meets a thousand nodes."""
    size, unit = polar(rows)
    if _closed(activation):
        return Rows(size, unit)

    def series(part):
        terms = _coefficients(activation, part)
        return terms, _cut(activation, part, terms)

    return Rows(size, unit, *by_blocks(series, size, block))


def between(activation: Activation, rows: Rows, others: Rows, same: Bool[Array, "p q"]) -> Float[Array, "p q"]:
    """A block of ``second_moments``; ``same`` tells where a row meets itself."""
    cosine = jnp.where(same, 1, cosines(rows.unit, others.unit))
    if _closed(activation):
        return _kernel(activation, rows.size, others.size, cosine)
    moments = _converged(_horner(rows.terms, others.terms, cosine), rows.cut, others.cut, cosine)
    return jnp.where(same, rows.cut[0][:, None], moments)


def energies(activation: Activation, rows: Float[Array, "p m"], block: int) -> Float[Array, " p"]:
    """The diagonal of ``second_moments``, ``block`` rows at a time."""
    if _closed(activation):
        return jax.vmap(lambda row: second_moments(activation, row[None])[0, 0])(rows)
    return by_blocks(lambda part: _energy(activation, polar(part)[0]), rows, block)


def by_blocks(function: Callable[[Array], Any], rows: Float[Array, "p ..."], block: int) -> Any:
    """A function that treats every row alike, of ``block`` rows at a time; the last row fills up the last of them."""
    size = min(block, len(rows))
    padded = jnp.pad(rows, ((0, -len(rows) % size), *[(0, 0)] * (rows.ndim - 1)), mode="edge")
    found = jax.lax.map(function, padded.reshape(-1, size, *rows.shape[1:]))
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:])[: len(rows)], found)


def _closed(activation):
    return activation is jax.nn.relu or activation in ERRORS


def _kernel(activation, size, other, cosine):
    if activation is jax.nn.relu:
        return size[:, None] * other * kappa(cosine)
    if activation in ERRORS:
        return arcsine(size, other, cosine)
    return _series(activation, size, other, cosine)


def arcsine(size: Float[Array, " p"], other: Float[Array, " q"], cosine: Float[Array, "p q"]) -> Float[Array, "p q"]:
    """The kernel of erf(z), of rows with these lengths and cosines."""
    share, opposite = (length / jnp.hypot(length, 0.5**0.5) for length in (size[:, None], other))
    return jnp.arcsin(share * opposite * cosine) * (2 / jnp.pi)


def _series(activation, size, other, cosine):
    left, right = _coefficients(activation, size), _coefficients(activation, other)
    total = _horner(left, right, cosine)
    return _converged(total, _cut(activation, size, left), _cut(activation, other, right), cosine)


def _horner(left, right, cosine):
    def add(k, total):
        return total * cosine + left[:, TERMS - 1 - k, None] * right[:, TERMS - 1 - k]

    return jax.lax.fori_loop(0, TERMS, add, jnp.zeros_like(cosine))


def _converged(total, cut, other_cut, cosine):
    """The sums, NaN where what the terms do not hold shows."""
    (energy, lost), (other_energy, other_lost) = cut, other_cut
    error = jnp.sqrt(lost[:, None] * other_lost) * jnp.abs(cosine) ** TERMS
    return jnp.where(error <= TOLERANCE * jnp.sqrt(energy[:, None] * other_energy), total, jnp.nan)


def _cut(activation, size, coefficients):
    """``E f^2``, and the part of it that the terms do not hold."""
    energy = _energy(activation, size)
    lost = energy - jnp.sum(coefficients**2, axis=-1)
    return energy, jnp.where(lost > TERMS * jnp.finfo(lost.dtype).eps * energy, lost, 0)


def _energy(activation, size):
    """``E f^2``, NaN where two rules tell it apart."""
    rules = _rule(size.dtype), _rule(size.dtype, 1.0)
    fine, coarse = (activation(size[:, None] * nodes) ** 2 @ weights for nodes, weights, _ in rules)
    tolerance = max(TOLERANCE, 100 * float(jnp.finfo(size.dtype).eps))
    return jnp.where(jnp.abs(fine - coarse) <= tolerance * fine, fine, jnp.nan)


def _coefficients(activation, size):
    """c_k(|r_i|) (p, TERMS)."""
    nodes, _, hermite = _rule(size.dtype)
    return jnp.matmul(activation(size[:, None] * nodes), hermite.T, precision=EXACT)


def _rule(dtype, panel=0.5):
    """Nodes (Q,), Gaussian weights (Q,), and weights times the normalised Hermite polynomials (TERMS, Q)."""
    point, weight = np.polynomial.legendre.leggauss(POINTS)
    border = np.arange(-REACH, REACH, panel)[:, None]
    nodes = (border + panel * (point + 1) / 2).ravel()
    weights = np.tile(panel * weight / 2, len(border)) * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    hermite = [np.ones_like(nodes), nodes]
    for k in range(1, TERMS - 1):
        hermite.append((nodes * hermite[k] - np.sqrt(k) * hermite[k - 1]) / np.sqrt(k + 1))
    return tuple(jnp.asarray(v, dtype) for v in (nodes, weights, np.stack(hermite) * weights))
