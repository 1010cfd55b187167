"""Draws of stable laws against their exact distribution functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.simulate.stable import laws
from jaxprune.theory import stable as theory
from jaxprune.theory.stable import positive
from tests import grades as judge

TAILS = np.array([0.5, 0.1, 1e-3, 1e-5])


def plausible(counts, size, chances):
    """Two-sided binomial probabilities of counts beyond exact quantiles."""
    below, above = stats.binom.cdf(counts, size, chances), stats.binom.sf(counts - 1, size, chances)
    return np.min(2 * np.minimum(below, above) * len(chances)) > judge.LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.5, 0.9, 1.0, 1.5, 1.9, 1.99, 2.0])
def test_counts_beyond_quantiles(alpha):
    size = 2_000_000
    edges = jnp.asarray([theory.abs_quantile(p, alpha) for p in TAILS], jnp.float32)

    @jax.jit
    def counts(law):
        draws = jnp.abs(law.sample(jax.random.key(1), (size,)))
        return jnp.stack([jnp.sum(draws > edge) for edge in edges])

    assert plausible(np.asarray(counts(laws.Symmetric(alpha))), size, TAILS)
    for spoiled in (laws.Symmetric(alpha, 1.1), laws.Symmetric(alpha - 0.05)):
        assert not plausible(np.asarray(counts(spoiled)), size, TAILS)


@pytest.mark.parametrize("alpha", [0.6, 1.3, 1.8])
def test_distribution(alpha):
    draws = np.asarray(laws.Symmetric(alpha).sample(jax.random.key(2), (20_000,)), float)

    def p_value(scale):
        return stats.kstest(theory.abs_sf(np.abs(draws) * scale, alpha), "uniform").pvalue

    assert p_value(1.0) > judge.LEVEL
    assert p_value(1.1) < judge.LEVEL


@pytest.mark.parametrize("a", [0.5, 0.75, 0.95])
def test_positive_counts(a):
    size = 2_000_000
    edges = [positive.quantile(p, a) for p in TAILS]

    def counts(law):
        draws = np.asarray(law.sample(jax.random.key(3), (size,)), float)
        return np.array([np.sum(draws > edge) for edge in edges])

    assert plausible(counts(laws.Positive(a)), size, TAILS)
    for spoiled in (laws.Positive(a, 1.1), laws.Positive(a - 0.03)):
        assert not plausible(counts(spoiled), size, TAILS)


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 1.9, 1.99])
def test_a_hundred_million_draws(alpha):
    """All finite, and beyond the exact quantile of 10^-6 as many as there should be, in float32."""
    blocks, size = 50, 2_000_000
    edge = jnp.float32(theory.abs_quantile(1e-6, alpha))

    @jax.jit
    def count(law):
        def block(key):
            draws = law.sample(key, (size,))
            return jnp.sum(jnp.abs(draws) > edge), jnp.sum(~jnp.isfinite(draws))

        return jax.lax.map(block, jax.random.split(jax.random.key(4), blocks))

    beyond, broken = (int(np.sum(np.asarray(x, np.int64))) for x in count(laws.Symmetric(alpha)))
    assert broken == 0
    assert abs(beyond - 100) <= 4 * 10
    beyond, _ = count(laws.Symmetric(alpha, 1.1 ** (5 / alpha)))
    assert abs(int(np.sum(np.asarray(beyond))) - 100) > 4 * 10
