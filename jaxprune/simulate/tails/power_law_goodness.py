"""Whether a fitted power law may be the law of its tail: the semi-parametric bootstrap of Clauset, Shalizi and Newman.

Source: guide/tails.md, Goodness of fit.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.tails import power_law
from jaxprune.simulate.tails.power_law import PowerLaw
from jaxprune.struct import struct


@struct
class Goodness:
    """Share of ``draws`` whose own fit is at least as far from them as the data's is from the data: below 0.1 the power law is
    ruled out, says the rule of Clauset et al. ``error``: of the share, by the number of draws. ``ks``: distances of the
    draws; NaN, and not counted, where one had no fit."""

    p_value: Float[Array | np.ndarray, ""]
    error: Float[Array | np.ndarray, ""]
    draws: Int[Array | np.ndarray, ""]
    ks: Float[Array | np.ndarray, " draws"]


def goodness_of_fit(key: Key[Array, ""], x: ArrayLike, found: PowerLaw, draws: int = 1000) -> Goodness:
    """The p-value of a power law that was found for data, by synthetic data sets.

    Each has N data: with probability tail_count/N one of the fitted law above xmin, otherwise one of the data below xmin, drawn
    with replacement. xmin and exponent are fitted anew to each, by the distance and the number of candidates of ``found``. A
    p-value of 1,000 draws is right to 0.01 or so. Source: guide/tails.md, Goodness of fit.

    Args:
        key: One typed JAX key.
        x: The data, positive numbers (N,).
        found: Their fit.
        draws: Number of synthetic data sets, >= 1.

    Returns:
        The p-value with its error, and the distances.

    Raises:
        ValueError: For data as ``power_law.fit`` does, for a failed fit, a fit of other data, draws < 1, and no typed key.
    """
    check_key(key)
    check_count("draws", draws, "synthetic data sets")
    data = np.sort(power_law.checked(x))
    body = 0 if np.ndim(found.xmin) else int(np.searchsorted(data, float(found.xmin)))
    power_law.check_found(found, len(data), len(data) - body)
    with jax.enable_x64(True):
        law = tuple(jnp.asarray(v, float) for v in (found.xmin, found.tail_index, found.ks))
        drawn = _bootstrap(key, jnp.asarray(data), jnp.asarray(body), law, draws, found.distance, found.grid)
        return power_law.known(drawn)


@functools.partial(jax.jit, static_argnames=("draws", "distance", "candidates"))
def _bootstrap(key, data, body, law, draws, distance, candidates) -> Goodness:
    xmin, index, ks = law

    def one(key) -> Any:
        first, second = jax.random.split(key)
        u = 1 - jax.random.uniform(first, data.shape)  # never 0
        place = jnp.minimum((jax.random.uniform(second, data.shape) * len(data)).astype(int), len(data) - 1)
        # A place among all data says both whether it is one of the body and which.
        drawn = jnp.where(place < body, data[place], xmin * u ** (-1 / index))
        return power_law.fit(drawn, distance, candidates).ks

    found = jax.lax.map(one, jax.random.split(key, draws))
    count, beyond = jnp.sum(~jnp.isnan(found)), jnp.sum(found >= ks)
    shrunk = (beyond + 1) / (count + 2)  # no error of 0 from draws that all agree
    return Goodness(beyond / count, jnp.sqrt(shrunk * (1 - shrunk) / count), count, found)
