"""The bound of a network along its pruning curve, with every cost of its code. Source: guide/bounds.md, Along pruning."""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_number
from jaxprune.simulate.bounds import occam
from jaxprune.simulate.compression import compressibility, quantiser, rules
from jaxprune.simulate.platforms import each

Layers = Sequence[Array]
Wrong = Callable[[Layers], Bool[Array, " m"]]


def curve(
    layers: Layers, train: Wrong, test: Wrong, kept: Sequence[int], bits: Sequence[int], delta: float
) -> dict[str, Array]:
    """The bound of a network along its pruning curve: some weights are kept, and rounded to single precision, then to few bits.

    The largest weights stay, one threshold for all layers, each with a sign and ``bits`` on one logarithmic grid. Paid for: how
    many weights are kept of all, which, signs and values, the ends of the grid, and the choice among ``bits``, which is the one
    with the least bound. All results are NaN where a weight is not finite in single precision. Source: guide/bounds.md, Along
    pruning.

    Args:
        layers: Weights of a network without biases, arrays of any shape.
        train, test: Functions of such layers that say on which of the training, or test, samples the network is wrong.
        kept: The k numbers of weights that are kept of all layers together, integers >= 1.
        bits: Bits of the size of a value, beside its sign, integers in 1 .. 24.
        delta: Probability that a bound fails, in (0, 1).

    Returns:
        A dict. By kept counts (k,): ``bound`` (Occam-kl), ``train_error``, ``test_error``, ``nats``, ``value_bits``. ``best``:
        the least bound, and there ``best_kept`` (a share), ``best_test_error``, and ``best_values_only``, the bound without
        what says which weights are kept: none where they were chosen after the data. ``excess``, ``unpaid_excess``: the error
        on all samples together less the least bound, and, of the kept count with the least training error, less the bound of a
        predictor fixed before the data. Training samples drawn without replacement from all samples make the first positive
        with probability ``delta`` at most.

    Raises:
        ValueError: For counts outside 1 .. the number of weights, bits outside 1 .. 24, none of them, no layers, and a delta
            outside (0, 1).
    """
    if not layers or not len(kept) or not len(bits):
        raise ValueError(f"layers, kept, bits: {len(layers)}, {len(kept)} and {len(bits)} of them; give one at least of each")
    check_number("delta", delta, "(0, 1)", "the probability that the bound fails")
    flat, back = rules.flattened(tuple(layers))
    for count in kept:
        check_count("kept", count, "weights of all layers", 1, flat.size)
    for width in bits:
        check_count("bits", width, "bits of a value", 1, 24)
    single = flat.astype(jnp.float32).astype(flat.dtype)  # so that the ends of the grid are what 64 bits can say
    places = compressibility.ranks(jnp.abs(single))

    def measured(count, width):
        chosen = (places < count) & (single != 0)
        small = back(quantiser.on_grid(single, chosen, width))
        return jnp.sum(train(small)), jnp.sum(test(small)), jnp.sum(chosen)

    pairs = [np.ravel(side) for side in np.meshgrid(kept, bits, indexing="ij")]
    seen = each(lambda pair: measured(*pair), tuple(jnp.asarray(p) for p in pairs))
    wrong, missed, live = (each.reshape(len(kept), len(bits)) for each in seen)
    samples, tests = (jax.eval_shape(side, tuple(layers)).size for side in (train, test))
    found = _least(wrong, missed, live, samples, tests, kept, jnp.asarray(bits), flat.size, delta)
    sound = jnp.all(jnp.isfinite(single))
    return {name: jnp.where(sound, value, jnp.nan) for name, value in found.items()}


def _least(wrong, missed, live, samples, tests, kept, bits, total, delta) -> dict[str, Array]:
    """What ``curve`` returns, of errors and live weights (kept, bits)."""
    nats = occam.sparse_nats(live, total, bits) + math.log(len(bits))
    values = live * (1 + bits) * math.log(2)
    risk = wrong / samples
    bounds, _ = occam.bounds(risk, nats, samples, delta)
    at = jnp.argmin(bounds, axis=1)

    def chosen(table):
        return jnp.take_along_axis(table, at[:, None], axis=1)[:, 0]

    bound, everywhere = chosen(bounds), (wrong + missed) / (samples + tests)
    best = jnp.argmin(bound)
    free = occam.kl_inverse(risk, (values - math.log(delta)) / samples)
    alone = jnp.argmin(risk.ravel())
    unpaid = occam.kl_inverse(risk.ravel()[alone], -math.log(delta) / samples)
    return dict(
        bound=bound,
        train_error=chosen(risk),
        test_error=chosen(missed / tests),
        nats=chosen(nats),
        value_bits=chosen(jnp.broadcast_to(bits, nats.shape)).astype(bound.dtype),
        best=bound[best],
        best_kept=jnp.asarray(kept, bound.dtype)[best] / total,
        best_test_error=chosen(missed / tests)[best],
        best_values_only=chosen(free)[best],
        excess=chosen(everywhere)[best] - bound[best],
        unpaid_excess=everywhere.ravel()[alone] - unpaid,
    )
