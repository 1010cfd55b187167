"""The Gauss-Newton diagonal of any network, from per-sample Jacobians."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxprune.simulate.networks.model import Parameters


def gauss_newton(
    apply: Callable[[Parameters, Array], Array], params: Parameters, inputs: Float[Array, "n ..."], together: int = 8
) -> tuple[Array, ...]:
    """For every weight w, the diagonal of the Gauss-Newton matrix of the mean cross entropy over ``inputs``:
    ``mean_n sum_a p_na (J_na - sum_b p_nb J_nb)^2`` with J_na = d logit_na / dw and class probabilities p.

    ``together``: samples whose Jacobians (classes x weights each) are held at once.
    """

    def one(sample):
        def logits(weights):
            return apply(Parameters(weights, params.biases), sample[None])[:, 0]

        chances = jax.nn.softmax(logits(params.weights))
        return jax.tree.map(lambda jacobian: _variance(chances, jacobian), jax.jacrev(logits)(params.weights))

    def add(total, start):
        samples = jax.lax.dynamic_slice_in_dim(padded, start, together)
        real = start + jnp.arange(together) < len(inputs)
        found = jax.vmap(one)(samples)
        return jax.tree.map(lambda t, f: t + jnp.sum(jnp.where(_beside(real, f), f, 0), axis=0), total, found), None

    starts = jnp.arange(0, len(inputs), together)
    padded = jnp.pad(inputs, ((0, -len(inputs) % together), *[(0, 0)] * (inputs.ndim - 1)))
    total, _ = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params.weights), starts)
    return jax.tree.map(lambda t: t / len(inputs), total)


def _variance(chances, jacobian):
    """Over the classes, with their probabilities."""
    weights = _beside(chances, jacobian)
    mean = jnp.sum(weights * jacobian, axis=0)
    return jnp.sum(weights * (jacobian - mean) ** 2, axis=0)


def _beside(vector, array):
    return vector.reshape(-1, *[1] * (array.ndim - 1))
