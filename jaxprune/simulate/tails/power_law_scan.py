"""Which lower end of a tail fits a power law best: the exact minimum of Kolmogorov's distance over many candidates.

A candidate is a place in sorted data, its tail all data from there on. One cumulative sum gives the exponents of all tails. A
distance takes as many exponentials as the tail has data, so all candidates would take N^2/2 of them. Distances over a few
probes of each tail are lower bounds; the tail with the least bound is measured, the datum where its distance is largest is a
further probe of all others, and so on until the least bound exceeds the least distance found. So 50,000 data take some 10^7
exponentials in place of 10^9, and the minimum is the same number.
Source: guide/tails.md, Fitted power laws.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

MANY, FEW = 1024, 64  # probes of a tail, where candidates are few beside the data and where they are not

Data = Float[Array, " N"]
Places = Int[Array, " c"]


def logarithms(x: Data) -> Data:
    """Logarithms of sorted positive data over a power of 2 near the largest, with errors relative to the distance from it."""
    mantissa, exponent = jnp.frexp(x)
    return jnp.log(mantissa) + (exponent - exponent[-1]) * jnp.log(2.0)


def excesses(logs: Data) -> Data:
    """At every place the sum of the logarithms behind it over its own: a sum of terms >= 0."""
    behind = jnp.arange(len(logs) - 1, 0, -1)
    return jnp.append(jnp.cumsum((jnp.diff(logs) * behind)[::-1])[::-1], 0.0)


def best(logs: Data, rates: Data, places: Places, good: Bool[Array, " c"], two_sided: bool) -> tuple[Any, Any]:
    """The least distance over the ``good`` places and the first place that has it; inf where none is good.

    ``rates``: index of the tail from each place on. ``two_sided``: the distance from the empirical distribution function on
    both sides of each datum, otherwise from its values 0, 1/n, .. (n - 1)/n, as Clauset's code has it.
    """
    probes = MANY if len(logs) > 100 * len(places) else FEW
    sizes = len(logs) - places

    def probe(number, low):
        index = places + (sizes - 1) * number // (probes - 1)
        return jnp.maximum(low, _gaps(logs[index] - logs[places], index, places, sizes, rates[places], two_sided))

    bound = jnp.where(good, jax.lax.fori_loop(0, probes, probe, jnp.zeros(places.shape, logs.dtype)), jnp.inf)
    index = jnp.arange(len(logs))

    def promising(state):
        bound, least, _ = state
        low = jnp.min(bound)
        return jnp.isfinite(low) & (low <= least * (1 + 1e-12))  # equal ones too, whatever their last digit

    def measure(state):
        bound, least, found = state
        which = jnp.argmin(bound)
        place = places[which]
        gaps = _gaps(logs - logs[place], index, place, sizes[which], rates[place], two_sided)
        gaps = jnp.where(index >= place, gaps, 0.0)
        worst, here = jnp.argmax(gaps), jnp.max(gaps)
        inside = worst >= places  # their distance may be largest at the same datum
        known = _gaps(logs[worst] - logs[places], worst, places, sizes, rates[places], two_sided)
        bound = jnp.maximum(bound, jnp.where(inside, known, 0.0)).at[which].set(jnp.inf)
        better = (here < least) | (here == least) & (place < found)
        return bound, jnp.where(better, here, least), jnp.where(better, place, found)

    start = bound, jnp.full((), jnp.inf, logs.dtype), jnp.asarray(len(logs) - 1)
    _, least, found = jax.lax.while_loop(promising, measure, start)
    return least, found


def _gaps(excess, index, place, size, rate, two_sided):
    """Between the fitted distribution function and the empirical one at data in the tail from ``place`` on."""
    fitted = 1 - jnp.exp(-rate * excess)
    gaps = jnp.abs(fitted - (index - place) / size)
    return jnp.maximum(gaps, jnp.abs(fitted - (index - place + 1) / size)) if two_sided else gaps
