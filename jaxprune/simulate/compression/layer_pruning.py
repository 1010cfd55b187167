"""Pruning the layers of a network in the three ways of Barsbey et al. 2021: entries, nodes, and singular values.

``amount`` is a removed fraction (``adaptive=False``) or, with ``adaptive=True``, the relative l2 error that each layer may
suffer: the largest set goes whose norm is at most ``amount`` times that of the layer (not squared, unlike the pruning ratio
of ``compressibility``). Only this error may be traced, and gives NaN outside (0, 1). Nodes are rows: hand over the transpose
where they are columns, as the last layer of a network. Source: guide/compression.md, Measures, after the code that Barsbey et
al. released.

``compat="released-code"`` makes that code's choices: a layer is centred by the median before anything, and the
median is added back to what is kept and to what is pruned alike; norms of nodes are centred by their own median, an error
is that of these centred norms, yet nodes go in the order of their signed values; and an adaptive count passes through a
percentile, which rounds it, sometimes down by one.
"""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from jaxprune.simulate import linalg
from jaxprune.simulate.arguments import check_compat, or_nan, sound_number, traced
from jaxprune.simulate.compression import compressibility
from jaxprune.simulate.compression.rules import VALUE_BITS, Compressed, code_length, magnitude

Layers = Sequence[Array | np.ndarray]


def removed_ratio(found: Compressed) -> Float[Array, ""]:
    """Removed / all parameters; negative when the factors of a decomposition need more room than the matrix.

    Args:
        found: What one of the ways of pruning here left.

    Returns:
        The ratio, at most 1; NaN where the pruning is.

    Raises:
        ValueError: For what no reduction left.
    """
    Compressed.check(found)
    return or_nan(~jnp.isnan(found.nats), 1 - found.kept / sum(w.size for w in found.value))


def entries(layers: Layers, amount: ArrayLike, adaptive: bool, scope: str = "local", compat: str | None = None) -> Compressed:
    """Remove the smallest entries, by magnitude: of each layer, or of all together.

    Args:
        layers: Matrices (n, d).
        amount: The removed fraction, in [0, 1]; with ``adaptive`` the relative l2 error, in (0, 1).
        adaptive: Whether ``amount`` is an error, not a fraction.
        scope: "local", each layer for itself, or "global".
        compat: None, or "released-code" for the choices of that code.

    Returns:
        The layers with zeros (or medians) in place of what was removed; ``nats`` pays for which entries stay, and their values.

    Raises:
        ValueError: For unknown choices, for an amount out of range, and for layers that are no matrices, all zero or not
            finite.
    """
    sound = _choices(layers, amount, adaptive, compat)
    if scope not in ("local", "global"):
        raise ValueError(f"scope: {scope!r} is not known; use 'local' or 'global'")
    middles = [jnp.median(w) if compat else jnp.zeros(()) for w in layers]
    flat = [jnp.ravel(w - m) for w, m in zip(layers, middles, strict=True)]
    groups = flat if scope == "local" else [jnp.concatenate(flat)]
    kept = [g.size - _removed(magnitude(None, g), amount, adaptive, compat) for g in groups]
    stay = [compressibility.prune(g, compressibility.neuron_mask(g, k)) for g, k in zip(groups, kept, strict=True)]
    parts = jnp.split(jnp.concatenate(stay), np.cumsum([f.size for f in flat])[:-1])
    back = [p.reshape(jnp.shape(w)) + m for p, w, m in zip(parts, layers, middles, strict=True)]
    nats = sum(code_length(k, g.size, 0) for k, g in zip(kept, groups, strict=True))
    return _compressed(back, sum(kept), nats).nan_unless(sound)


def nodes(layers: Layers, amount: ArrayLike, adaptive: bool, compat: str | None = None) -> Compressed:
    """Remove the rows of smallest l2 norm from each layer.

    Args:
        layers: Matrices (n, d), one row per node.
        amount: The removed fraction, in [0, 1]; with ``adaptive`` the relative l2 error, in (0, 1).
        adaptive: Whether ``amount`` is an error, not a fraction.
        compat: None, or "released-code" for the choices of that code.

    Returns:
        The layers with zeros (or medians) in place of removed rows; ``nats`` pays for which rows stay, and their entries.

    Raises:
        ValueError: As ``entries`` does, but there is no scope.
    """
    sound = _choices(layers, amount, adaptive, compat)
    back, parameters, nats = [], 0, 0.0
    for w in layers:
        middle = jnp.median(w, axis=0) if compat else jnp.zeros(())
        norms = jnp.linalg.norm(w - middle, axis=1) if compat else compressibility.sizes(w)
        norms = norms - jnp.median(norms) if compat else norms
        kept = len(norms) - _removed(jnp.abs(norms), amount, adaptive, compat)
        back.append(compressibility.prune(w - middle, compressibility.ranks(norms) < kept) + middle)
        parameters, nats = parameters + kept * w.shape[1], nats + code_length(kept, len(norms), 0)
    return _compressed(back, parameters, nats).nan_unless(sound)


def singular(layers: Layers, amount: ArrayLike, adaptive: bool, compat: str | None = None) -> Compressed:
    """Remove the smallest singular values of each layer; k of them cost k (rows + columns) parameters.

    Args:
        layers: Matrices (n, d).
        amount: The removed fraction, in [0, 1]; with ``adaptive`` the relative l2 error, in (0, 1).
        adaptive: Whether ``amount`` is an error, not a fraction.
        compat: None, or "released-code" for the choices of that code, which is never adaptive.

    Returns:
        The layers as matrices of a lower rank; ``nats`` pays for the numbers of the factors.

    Raises:
        ValueError: As ``entries`` does, and for ``adaptive`` with the released code.
    """
    sound = _choices(layers, amount, adaptive, compat)
    if compat and adaptive:
        raise ValueError("adaptive: the released code prunes singular values by a fraction only; pass adaptive=False")
    back, parameters = [], 0
    for w in layers:
        middle = jnp.median(w, axis=0) if compat else jnp.zeros(())
        left, values, right = linalg.svd(jnp.asarray(w - middle))
        kept = len(values) - _removed(values, amount, adaptive, compat)
        back.append((left * compressibility.prune(values, jnp.arange(len(values)) < kept)) @ right + middle)
        parameters = parameters + kept * sum(w.shape)
    return _compressed(back, parameters, 0.0).nan_unless(sound)


def singular_errors(matrix: ArrayLike, kept: ArrayLike | Sequence[int], order: ArrayLike = 2.0) -> Float[Array, " k"]:
    """Relative error in a Schatten norm when the largest singular values stay.

    Args:
        matrix: Real numbers (n, d).
        kept: Numbers of singular values that stay, integers >= 0, (k,).
        order: Order of the norm, > 0; 2 is Frobenius'.

    Returns:
        Errors (k,) in [0, 1].

    Raises:
        ValueError: As ``compressibility.relative_error`` does.
    """
    compressibility.sizes(matrix)
    return compressibility.relative_error(linalg.singular_values(jnp.asarray(matrix)), kept, order)


def _removed(values, amount, adaptive, compat):
    """How many of the absolute values go."""
    if not adaptive:
        return int(amount * len(values)) if compat else compressibility.fraction_count(len(values), amount)
    if not compat:
        return compressibility.removed_count(values, amount, squared=False)
    errors = jnp.sqrt(compressibility.removed_share(values)[1:])
    below, upto = jnp.sum(errors < amount), jnp.sum(errors <= amount)
    rounded = np.floor(np.arange(2 * len(values) + 1) * (50.0 / len(values)) / 100 * len(values)).astype(int)
    return jnp.asarray(rounded)[below + upto + (upto > below)]


def _compressed(layers: list[Array], parameters: Any, which: Any) -> Compressed:
    """Layers with zeros (or medians) in place of what was removed; ``which``: nats that say what stays."""
    kept = jnp.asarray(parameters)
    return Compressed(layers, kept, which + kept * VALUE_BITS * math.log(2))


def _choices(layers, amount, adaptive, compat):
    """Checks all, and says where what is traced is inside."""
    check_compat(compat)
    if not isinstance(layers, list | tuple) or not layers or any(np.ndim(w) != 2 for w in layers):
        given = [np.shape(w) for w in layers] if isinstance(layers, list | tuple) else f"{np.shape(layers)} of one array"
        raise ValueError(f"layers: shapes {given}; pass a list of matrices (n, d)")
    if adaptive:
        sound = sound_number("amount", amount, "(0, 1)", "a relative error")
    elif traced(amount):
        raise ValueError("amount: a removed fraction is traced, and its counts must be known; pass a plain number")
    else:
        sound = sound_number("amount", amount, "[0, 1]", "a removed fraction")
    for w in layers:
        compressibility.sizes(w)
        sound = sound & compressibility.measurable(w)
    return sound
