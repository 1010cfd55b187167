"""How often bounds fail: classifiers that were chosen after the data, paid as they should be, and not. Source: guide/bounds.md,
Coverage."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import ChosenClassifier, LearntHalfSpace
from jaxprune.simulate.arguments import check_key
from jaxprune.simulate.bounds import half_space, occam
from jaxprune.simulate.compression import quantiser
from jaxprune.simulate.platforms import each


def learnt(key: Key[Array, ""], problem: LearntHalfSpace, kept: Sequence[int]) -> dict[str, Float[Array, ""]]:
    """The metrics of ``LearntHalfSpace`` for one data set: risk less bound at the kept count with the least bound. Pure.

    Args:
        key: One typed JAX key.
        problem: The half-space, its samples and the failure probability of the bounds.
        kept: Numbers of features that are kept, integers in 1 .. dim, among which each bound takes its best.

    Returns:
        A dict of scalars: ``occam_kl``, ``occam_gap``, ``values_only``, ``bound``, ``risk``.

    Raises:
        ValueError: For no typed key, and for counts outside 1 .. dim.
    """
    check_key(key)
    for count in kept:
        check_count("kept", count, "features", 1, problem.dim)
    counts = jnp.asarray(kept)
    weight_key, input_key, flip_key = jax.random.split(key, 3)
    normal = half_space.weights(problem, weight_key)
    inputs = jax.random.normal(input_key, (problem.samples, problem.dim))
    flips = jax.random.uniform(flip_key, (problem.samples,)) < problem.flipped
    labels = jnp.sign(inputs @ normal) * jnp.where(flips, -1, 1)
    empirical, risk = _by_count(labels, inputs, normal, counts, problem)
    paid = occam.sparse_nats(counts, problem.dim, problem.value_bits)
    unpaid = counts * (1 + problem.value_bits) * jnp.log(2.0)
    by_kl, by_gap = occam.bounds(empirical, paid, problem.samples, problem.delta)
    by_values, _ = occam.bounds(empirical, unpaid, problem.samples, problem.delta)
    return dict(
        occam_kl=_least(by_kl, risk),
        occam_gap=_least(by_gap, risk),
        values_only=_least(by_values, risk),
        bound=jnp.min(by_kl),
        risk=risk[jnp.argmin(by_kl)],
    )


def chosen(key: Key[Array, ""], problem: ChosenClassifier) -> dict[str, Float[Array, ""]]:
    """The metrics of ``ChosenClassifier``: the risk less bounds at the fewest training errors. Pure.

    Args:
        key: One typed JAX key.
        problem: The classifiers, their risk, the samples and the failure probability of the bounds.

    Returns:
        A dict of scalars: ``occam_kl``, ``occam_gap``, ``paid_as_one``.

    Raises:
        ValueError: For no typed key.
    """
    check_key(key)
    best = _fewest(key, problem) / problem.samples
    by_kl, by_gap = occam.bounds(best, jnp.log(float(problem.classifiers)), problem.samples, problem.delta)
    single, _ = occam.bounds(best, 0.0, problem.samples, problem.delta)
    return dict(occam_kl=problem.risk - by_kl, occam_gap=problem.risk - by_gap, paid_as_one=problem.risk - single)


def _fewest(key, problem):
    """The smallest of independent binomial counts, by inversion of its law P(min > k) = (1 - F(k))^classifiers."""
    chance = jnp.asarray(problem.risk, float)
    likely = jnp.cumsum(_binomial(problem.samples, chance))
    beyond = problem.classifiers * jnp.log1p(-likely / likely[-1])
    return jnp.sum(beyond > jnp.log(jax.random.uniform(key, dtype=chance.dtype)))


def _binomial(samples, chance):
    """Probabilities of 0 .. samples, up to a factor: by ratios of neighbours from the mode on, since logarithms of factorials
    lose all digits of large ones in float32."""
    count = jnp.arange(1, samples + 1)
    ratio = jnp.log((samples + 1 - count) / count) + jnp.log(chance) - jnp.log1p(-chance)
    rises = ratio > 0
    up = jnp.cumsum(jnp.where(rises, ratio, 0)[::-1])[::-1]
    down = jnp.cumsum(jnp.where(rises, 0, ratio))
    return jnp.exp(jnp.append(-up, 0.0) + jnp.append(0.0, down))


def _by_count(labels, inputs, normal, counts, problem):
    """Training errors and risks of the features with the largest correlations, for every number of them."""
    correlation = labels @ inputs / problem.samples
    order = jnp.argsort(-jnp.abs(correlation))
    sizes, signs = jnp.abs(correlation)[order], jnp.sign(correlation)[order]
    ordered, aligned = inputs[:, order] * signs, normal[order] * signs

    def of(count):
        values = quantiser.on_grid(sizes, jnp.arange(problem.dim) < count, problem.value_bits)
        wrong = jnp.mean(labels * (ordered @ values) <= 0, dtype=values.dtype)
        cosine = aligned @ values / jnp.linalg.norm(values) / jnp.linalg.norm(normal)
        return wrong, jnp.arccos(jnp.clip(cosine, -1, 1)) / jnp.pi

    empirical, angle = each(of, counts)
    return empirical, problem.flipped + (1 - 2 * problem.flipped) * angle


def _least(bound, risk):
    place = jnp.argmin(bound)
    return risk[place] - bound[place]
