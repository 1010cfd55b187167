"""Stochastic gradient descent on linear regression as a random recursion ``x <- M x + q``: many chains in one program.

``M = I - (step/batch) sum a a^T`` multiplies the noise. With ``h(s) = lim (E|M_k .. M_1|^s)^(1/k)`` and
``rho = lim (1/k) E log|M_k .. M_1|``: rho < 0 makes a stationary law, whose tail index alpha solves h(alpha) = 1; beyond,
chains grow at the rate rho. Derivations: guide/sgd.md.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jaxprune.checks import check_count
from jaxprune.problems import MultiplicativeSGD
from jaxprune.simulate import stable
from jaxprune.simulate.arguments import check_key, check_number
from jaxprune.simulate.tails.extreme import norms
from jaxprune.struct import as_given, static, struct

CAP = 1e30  # a chain that large counts as diverged
RENORM = 1e6  # powers of two are split off above


@struct
class Rows:
    """Descent on a data set that is met again and again: ``features`` (N, d), ``target`` (N,), batches of ``batch`` rows drawn
    with or without ``replace``ment (anew in every step). Raises ValueError for shapes that do not fit, or a batch larger than
    the data without replacement.
    """

    features: Any
    target: Any
    step_size: Any = as_given("(0, inf)")
    batch: int = static()
    replace: bool = static(default=True)

    def __post_init__(self):
        if jnp.ndim(self.features) != 2 or jnp.shape(self.target) != jnp.shape(self.features)[:1]:
            raise ValueError(
                f"features, target: shapes {jnp.shape(self.features)}, {jnp.shape(self.target)} are not (N, d), (N,)"
            )
        check_count("batch", self.batch, "rows of the data in a batch", 1, 10**9 if self.replace else len(self.features))

    @property
    def dim(self) -> int:
        """Number of parameters."""
        return self.features.shape[1]


Problem = MultiplicativeSGD | Rows


def draw(problem: Problem, key: Key[Array, ""], chains: int) -> tuple[Float[Array, "C b d"], Float[Array, "C b"]]:
    """One batch for each chain: inputs and labels. More chains begin with those of fewer.

    Args:
        problem: Gives the law of the inputs, or the rows, and the batch size b.
        key: One typed JAX key.
        chains: Number of chains C.

    Returns:
        Inputs (C, b, d) and labels (C, b).
    """
    if isinstance(problem, Rows):
        chosen = _chosen(problem, key, chains)
        return jnp.asarray(problem.features)[chosen], jnp.asarray(problem.target)[chosen]
    inputs, labels = jax.random.split(key)
    kind = jnp.result_type(float)
    normal = stable.Gaussian()  # in float32 at a third of the time of JAX's own
    a = normal.sample(inputs, (chains, problem.batch, problem.dim), kind) * jnp.asarray(problem.input_sd, kind)
    return a, jnp.asarray(problem.noise_sd, kind) * normal.sample(labels, (chains, problem.batch), kind)


def _chosen(problem, key, chains):
    """Rows (C, b). Without replacement by Floyd's method: b draws, whatever the size of the data."""
    count, batch = len(problem.features), problem.batch
    if problem.replace:
        return jax.random.randint(key, (chains, batch), 0, count)
    chosen = jnp.full((chains, batch), -1)
    for i in range(batch):
        last = count - batch + i
        one = jax.random.randint(jax.random.fold_in(key, i), (chains,), 0, last + 1)
        taken = jnp.any(chosen == one[:, None], axis=1)
        chosen = chosen.at[:, i].set(jnp.where(taken, last, one))
    return chosen


def _multiply(problem, inputs, x, labels=0.0):
    """``M x + q`` for every chain; ``labels`` 0 gives ``M x``."""
    residual = jnp.sum(inputs * x[:, None, :], axis=-1) - labels
    return x - problem.step_size / problem.batch * jnp.sum(inputs * residual[..., None], axis=1)


@struct
class Chains:
    """Where chains end. ``position`` (C, d): the last iterate below the cap; ``average`` (C, d): the mean iterate of the second
    half of the steps, NaN for chains that passed the cap; ``log_size``: log|x| at the end, finite whatever the growth;
    ``alive`` (C,): never passed the cap; ``first_bad`` (C,): the step at which it did, else the number of steps."""

    position: Float[Array, "C d"]
    average: Float[Array, "C d"]
    log_size: Float[Array, " C"]
    alive: Bool[Array, " C"]
    first_bad: Int[Array, " C"]


@functools.partial(jax.jit, static_argnames=("chains", "steps", "cap"))
def run(problem: Problem, key: Key[Array, ""], *, chains: int, steps: int, cap: float = CAP) -> Chains:
    """Many steps of independent chains from 0 (the optimum of a ``MultiplicativeSGD``).

    Step k uses ``key`` folded with k. Powers of two are split off large iterates, so that a chain without stationary law grows
    on without overflow, at no change of a bit, while its position is frozen at the cap. Time averages over the second half are
    what block sums are applied to in Gurbuzbalaban et al.: sums of a stationary sequence with alpha < 2 are nearly stable.
    Source: guide/sgd.md, Finite data.

    Args:
        problem: The linear regression.
        key: One typed JAX key.
        chains: Number of chains, >= 1.
        steps: Number of steps of each, >= 1.
        cap: Largest coordinate from which on a chain counts as diverged, > 0; may be infinite.

    Returns:
        Where the chains end.

    Raises:
        ValueError: For what is no key, counts that are not positive integers, and a cap that is not positive.
    """
    check_key(key)
    check_count("chains", chains, "chains", 1, 10**9)
    check_count("steps", steps, "steps", 1, 2**31 - 1)
    check_number("cap", cap, "(0, inf]", "beyond it a chain has diverged")
    kind = jnp.result_type(float)
    zero, none = jnp.zeros((chains, problem.dim), kind), jnp.zeros(chains, kind)

    def step(state, k):
        unit, shrink, position, total, alive, first_bad, exponent = state
        inputs, labels = draw(problem, jax.random.fold_in(key, k), chains)
        unit = _multiply(problem, inputs, unit, shrink[:, None] * labels)
        size = jnp.max(jnp.abs(unit), axis=1)
        good = alive & (size < cap * shrink)
        now = jnp.where(good[:, None], unit / jnp.where(good, shrink, 1.0)[:, None], position)
        first_bad = jnp.where(alive & ~good, k, first_bad)
        power = jnp.where(size > RENORM, jnp.frexp(size)[1], 0)
        state = jnp.ldexp(unit, -power[:, None]), jnp.ldexp(shrink, -power), now
        return (*state, total + jnp.where(k >= steps // 2, now, 0.0), good, first_bad, exponent + power), None

    start = (zero, none + 1, zero, zero, jnp.ones(chains, bool), jnp.full(chains, steps), jnp.zeros(chains, jnp.int32))
    (unit, _, position, total, alive, first_bad, exponent), _ = jax.lax.scan(step, start, jnp.arange(steps))
    average = jnp.where(alive[:, None], total / (steps - steps // 2), jnp.nan)
    return Chains(position, average, exponent * math.log(2) + jnp.log(norms(unit)), alive, first_bad)


@functools.partial(jax.jit, static_argnames=("chains", "steps", "burn"))
def growth(problem: Problem, key: Key[Array, ""], *, chains: int, steps: int, burn: int = 0) -> Float[Array, " C"]:
    """Growth rates of ``log|M_k .. M_1 u|`` per step from uniform directions u.

    Their mean is rho: exactly, at any number of steps, for isotropic inputs; after a burn-in for others. The vector is
    normalised in every step. Source: guide/sgd.md, General inputs.

    Args:
        problem: The linear regression.
        key: One typed JAX key.
        chains: Number of chains C, >= 1.
        steps: Number of steps, > ``burn``.
        burn: Steps that are left out at the start, >= 0.

    Returns:
        Rates (C,) per step, between steps ``burn`` and ``steps``.

    Raises:
        ValueError: For what is no key, chains that are not a positive integer, and unless 0 <= burn < steps.
    """
    check_key(key)
    check_count("chains", chains, "chains", 1, 10**9)
    check_count("burn", burn, "steps to leave out, fewer than all", 0, steps - 1)

    def step(state, k):
        unit, total = state
        unit = _multiply(problem, draw(problem, jax.random.fold_in(key, k), chains)[0], unit)
        size = norms(unit)
        return (unit / size[:, None], total + jnp.where(k >= burn, jnp.log(size), 0.0)), None

    start = _directions(problem, jax.random.fold_in(key, steps), chains), jnp.zeros(chains, jnp.result_type(float))
    (_, total), _ = jax.lax.scan(step, start, jnp.arange(steps))
    return total / (steps - burn)


def _directions(problem, key, chains):
    raw = jax.random.normal(key, (chains, problem.dim), jnp.result_type(float))
    return raw / norms(raw)[:, None]


@struct
class Rate:
    """A rate, ``value`` h(s), its standard ``error``, and ``valid``: whether it should be believed."""

    value: Float[Array, "*s"]
    error: Float[Array, "*s"]
    valid: Bool[Array, "*s"]


@functools.partial(jax.jit, static_argnames=("particles", "steps", "burn"))
def moment_growth(
    problem: Problem, order: float | Float[Array, ""], key: Key[Array, ""], *, particles: int, steps: int, burn: int = 20
) -> Rate:
    """``h(order)`` for any inputs by population dynamics.

    Unit vectors u are weighed by ``|M u|^order`` and resampled systematically; h is the geometric mean over steps of the mean
    weight. Error by means over ten blocks of steps after ``burn`` (neighbouring steps share their population); the bias is of
    order 1/particles. Source: guide/sgd.md, General inputs.

    Args:
        problem: The linear regression.
        order: The moment s; a number, which may be traced.
        key: One typed JAX key.
        particles: Size of the population, >= 2.
        steps: Number of steps, >= ``burn`` + 20.
        burn: Steps that are left out at the start, >= 0.

    Returns:
        The rate, with its error.

    Raises:
        ValueError: For what is no key, and unless at least 2 particles and ``steps - burn`` >= 20.
    """
    check_key(key)
    check_count("particles", particles, "particles", 2, 10**9)
    check_count("burn", burn, "steps to leave out of all but 20", 0, steps - 20)

    def step(unit, k):
        batch, resample = jax.random.split(jax.random.fold_in(key, k))
        unit = _multiply(problem, draw(problem, batch, particles)[0], unit)
        size = norms(unit)
        logs = order * jnp.log(size)
        weights = jnp.exp(logs - jnp.max(logs))
        chosen = _systematic(weights, resample)
        return (unit / size[:, None])[chosen], jnp.log(jnp.mean(weights)) + jnp.max(logs)

    start = _directions(problem, jax.random.fold_in(key, steps), particles)
    logs = jax.lax.scan(step, start, jnp.arange(steps))[1][burn:]
    means = jnp.mean(logs[: len(logs) // 10 * 10].reshape(10, -1), axis=1)
    value = jnp.exp(jnp.mean(logs))
    error = value * jnp.std(means, ddof=1) / math.sqrt(10)
    return Rate(value, error, jnp.isfinite(value) & jnp.isfinite(error))


def _systematic(weights, key):
    """Indices of a systematic resample: one uniform shift for all."""
    count = len(weights)
    places = (jnp.arange(count) + jax.random.uniform(key, (), weights.dtype)) / count
    total = jnp.cumsum(weights)
    return jnp.minimum(jnp.searchsorted(total, places * total[-1], side="right", method="sort"), count - 1)


def crossing(orders: Float[Array, " S"], rates: Rate) -> Rate:
    """The tail index of general inputs: where ``log h`` rises through 0, with the error of h carried over.

    ``log h(s)/s`` is drawn as a straight line between neighbours: log h is 0 at 0 and convex. Source: guide/sgd.md, General
    inputs.

    Args:
        orders: Moments (S,), increasing, > 0.
        rates: h at these moments (S,).

    Returns:
        The index. Not valid, and NaN, where log h does not cross 0: no stationary law, or lighter tails.
    """
    slopes = jnp.log(rates.value) / orders
    errors = rates.error / rates.value / orders
    up = (slopes[:-1] <= 0) & (slopes[1:] > 0)
    at = jnp.argmax(up)
    rise = (slopes[at + 1] - slopes[at]) / (orders[at + 1] - orders[at])
    share = -slopes[at] / rise / (orders[at + 1] - orders[at])
    error = jnp.hypot((1 - share) * errors[at], share * errors[at + 1]) / rise
    good = jnp.any(up) & rates.valid[at] & rates.valid[at + 1]
    return Rate(jnp.where(good, orders[at] - slopes[at] / rise, jnp.nan), jnp.where(good, error, jnp.nan), good)
