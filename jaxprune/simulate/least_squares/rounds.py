"""Pruning in rounds: prune a little, refit on the training sample, prune by the refitted coefficients, and so on."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key
from numpy.typing import NDArray

from jaxprune.checks import check_count
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.simulate.least_squares.fit import Counts, Path
from jaxprune.simulate.least_squares.pruning import Problem, Rule
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sorting import argsort_live


def geometric(widths: Counts, kept: Counts, rounds: int) -> NDArray[np.int64]:
    """Counts that fall from each width to each kept count by a constant factor, rounded to the nearest integer.

    Args:
        widths: Numbers of features at the start (W,), strictly increasing integers >= 1.
        kept: Numbers of features at the end (K,), strictly increasing integers >= 1; one above the width keeps all in every
            round.
        rounds: Number of rounds, >= 1.

    Returns:
        Counts (W, K, rounds); the last is the kept count, or the width where that is smaller.

    Raises:
        ValueError: For counts that are not strictly increasing integers >= 1, and for rounds < 1.
    """
    check_count("rounds", rounds, "rounds")
    most = np.iinfo(np.int64).max
    width = np.array(least_squares.strictly_increasing("widths", widths, 1, most))[:, None, None]
    target = np.minimum(np.array(least_squares.strictly_increasing("kept", kept, 1, most))[:, None], width)
    return np.rint(width * (target / width) ** (np.arange(1, rounds + 1) / rounds)).astype(np.int64)


def iterative_path(
    path: Path, problem: Problem, schedule: np.ndarray, rule: Rule, key: Key[Array, ""]
) -> Float[Array, "W K d"]:
    """Coefficients of every width at the end of every schedule: in each round a rule prunes, and what is left is refitted.

    Refits are on the training sample, by least squares, of minimum norm while counts exceed n. One round is the retrained model
    of ``rule``. Of saliencies, those that look at one coefficient at a time fit: ``obs`` would go on measuring by the
    covariance of the whole width. A round that ends near n features leaves coefficients at their interpolation threshold, which
    say little about what to prune next.

    Args:
        path: Fits of W widths.
        problem: The population, which the rule may look at.
        schedule: Counts that are kept (W, K, rounds), integers that never rise, in 0 .. width; see ``geometric``.
        rule: The rule that prunes in each round.
        key: One typed JAX key, the same in every round.

    Returns:
        Coefficients (W, K, d), zero where a feature was pruned.

    Raises:
        ValueError: For a schedule of another number of widths, or that rises or leaves 0 .. width.
    """
    schedule = np.asarray(schedule)
    _check(path, schedule)
    data, dim = path.data, problem.dim
    cells, most = len(path.widths) * schedule.shape[1], int(schedule[..., 0].max())
    widths = tuple(np.repeat(path.widths, schedule.shape[1]).tolist())
    moments = least_squares.shared_moments(data, cells * schedule.shape[2], most)

    def refit(cell):
        order, count = cell
        return least_squares.retrain_path(data, order, (most,), count, moments)[0]

    def one_round(state, counts):
        coef, rank, before = state
        scores = pruning.scores(rule, Path(data, coef, unknown, unknown, widths), problem, key)
        order = argsort_live(scores, rank < before[:, None])
        return (each(refit, (order, counts)), jnp.argsort(order, axis=-1), counts), None

    unknown = jnp.full(cells, jnp.nan, path.coef.dtype)
    coef = jnp.repeat(path.coef, schedule.shape[1], axis=0)
    start = (coef, jnp.broadcast_to(jnp.arange(dim), coef.shape), jnp.asarray(widths))
    (coef, _, _), _ = jax.lax.scan(one_round, start, jnp.asarray(schedule.reshape(cells, -1).T))
    return coef.reshape(len(path.widths), -1, dim)


def _check(path, schedule):
    if (
        schedule.ndim != 3
        or not schedule.size
        or len(schedule) != len(path.widths)
        or not np.issubdtype(schedule.dtype, np.integer)
    ):
        raise ValueError(
            f"schedule: {schedule.dtype} of shape {schedule.shape}; use integers ({len(path.widths)}, K, rounds), see geometric"
        )
    first = np.broadcast_to(np.array(path.widths)[:, None, None], (*schedule.shape[:2], 1))
    if np.any(np.diff(schedule, axis=-1, prepend=first) > 0) or np.any(schedule < 0):
        raise ValueError(f"schedule: {schedule.tolist()} must not rise, and lie in 0 .. width; use geometric")
