"""Estimates of the risk of pruned and retrained models from the training sample alone.

``whole``: leave-one-out of the whole pipeline: fit, prune and refit without a sample, then predict it. Unbiased for
the risk at n - 1 samples, because the sample left out had no part in choosing the support.
``naive``: leave-one-out with the support that all samples chose. ``gcv``: generalised cross-validation of the fitted
values on that support. Both forget that the support was chosen on the data, and promise too much.
Where means do not exist (p near n, or s near n after refitting) take medians over seeds.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares import left_out as leave_one_out
from jaxprune.simulate.least_squares import pruning, solving
from jaxprune.simulate.least_squares.fit import EXACT, Counts, Data, Path
from jaxprune.simulate.least_squares.left_out import LeftOut
from jaxprune.simulate.least_squares.pruning import Problem, Rule
from jaxprune.simulate.platforms import each
from jaxprune.struct import struct

FOLDS = 32  # refitted at a time where all could be


@struct
class Estimates:
    """Estimated risks (W, K) by leave-one-out of the ``whole`` pipeline, ``naive`` on a fixed support, and by ``gcv``."""

    whole: Float[Array, "W K"]
    naive: Float[Array, "W K"]
    gcv: Float[Array, "W K"]


def estimate(
    fits: LeftOut, problem: Problem | None, rule: Rule, key: Key[Array, ""], kept: Counts
) -> tuple[Estimates, Estimates]:
    """Estimates of the risk of the pruned, and of the pruned and retrained models.

    About n times the cost of pruning and refitting once. Where ``fits`` hold no steps, one width comes after another, and holds
    its own, d n numbers; a rule then meets a single width at a time, which is traced.

    Args:
        fits: From ``leave_one_out``; the dense model's own estimates are its ``loo`` and ``gcv``.
        problem: The population, only handed to ``rule``: None will do for magnitude and the empirical rules, which never look
            at it.
        rule: One rule, such as ``pruning.magnitude``.
        key: One typed JAX key, the same in every pruning.
        kept: Numbers of features that stay (K,), strictly increasing integers in 0 .. d; a count above the width keeps all.

    Returns:
        Estimates (W, K) of the pruned, and of the retrained models.

    Raises:
        ValueError: For kept counts that are not strictly increasing integers in 0 .. d, and for a rule that is no function.
    """
    kept = least_squares.strictly_increasing("kept", kept, 0, fits.coef.shape[-1])
    if not callable(rule):
        raise ValueError(f"rule: {rule!r} is no rule; use one function, such as pruning.magnitude")
    order = pruning.ranking(_path(fits.data, fits.coef, fits.widths), problem, [rule], key)[:, 0]
    if fits.step is None:
        whole, *on_support = _by_width(fits, problem, rule, key, kept, order)
        pruned = Estimates(whole[0], *on_support)
    else:
        whole = _whole(fits, problem, rule, key, kept)
        pruned = Estimates(whole[0], *_pruned_on_support(fits, order, kept))
    retrained = Estimates(whole[1], *_retrained_on_support(fits, order, kept))
    return pruned, retrained


def _path(data, coef, widths):
    unknown = jnp.full(len(widths), jnp.nan, coef.dtype)
    return Path(data, coef, unknown, unknown, widths)


def _counts(fits, kept):
    return jnp.minimum(jnp.asarray(kept)[None, :], jnp.asarray(fits.widths)[:, None])


def _whole(fits, problem, rule, key, kept):
    """Mean squared errors (2, W, K) of the pipeline on the sample that it never saw."""
    x, y, n = fits.data.features, fits.data.target, len(fits.data.target)
    moments = least_squares.shared_moments(fits.data, len(fits.widths) * n, max(kept[-1], 1)) if kept[-1] < n else None
    widths = jnp.asarray(fits.widths)

    def one(i):
        others = jnp.arange(n - 1) + (jnp.arange(n - 1) >= i)
        data = Data(x[:, others], y[others], fits.data.method, fits.data.intercept)
        coef = fits.coef - fits.step[:, :, i] * fits.residual[:, i, None]
        order = pruning.ranking(_path(data, coef, fits.widths), problem, [rule], key)[:, 0]
        mine = x[:, i]
        fewer = None if moments is None else (moments[0] - jnp.outer(mine, mine), moments[1] - mine * y[i])

        def refit(cell):
            chosen, width = cell
            refitted = least_squares.retrain_path(data, chosen, kept, width, fewer)
            return data.offset(refitted) + jnp.matmul(refitted, mine, precision=EXACT)

        pruned = data.offset(coef)[:, None] + _leading_sums(coef * mine[None, :], order, _counts(fits, kept))
        pruned = jnp.where(order[:, :1] < 0, jnp.nan, pruned)
        return (y[i] - jnp.stack([pruned, each(refit, (order, widths))])) ** 2

    return jnp.mean(each(one, jnp.arange(n), FOLDS), axis=0)


def _by_width(fits, problem, rule, key, kept, order):
    """What ``_whole`` and ``_pruned_on_support`` give, with the steps of one width at a time."""
    n = len(fits.data.target)
    moments = least_squares.shared_moments(fits.data, len(fits.widths) * n, max(kept[-1], 1)) if kept[-1] < n else None

    def one(cell):
        width, chosen = cell
        found = leave_one_out.one_width(fits.data, width, fits.ridge)
        fit = LeftOut(fits.data, *(part[None] for part in found), widths=(width,), ridge=fits.ridge)
        errors = each(lambda i: _without(fit, i, problem, rule, key, kept, moments), jnp.arange(n), FOLDS)
        naive, gcv = _pruned_on_support(fit, chosen[None], kept)
        return jnp.mean(errors, axis=0), naive[0], gcv[0]

    whole, naive, gcv = jax.lax.map(one, (jnp.asarray(fits.widths), order))
    return jnp.moveaxis(whole, 1, 0), naive, gcv


def _without(fit, i, problem, rule, key, kept, moments):
    """Squared errors (2, K) of the pipeline of one width on sample i. Of the sample and its moments only the columns that stay
    are copied: whole moments are d x d."""
    x, y, counts = fit.data.features, fit.data.target, _counts(fit, kept)
    others = jnp.arange(len(y) - 1) + (jnp.arange(len(y) - 1) >= i)
    data = Data(x[:, others], y[others], fit.data.method, fit.data.intercept)
    coef = fit.coef - fit.step[:, :, i] * fit.residual[:, i, None]
    order = pruning.ranking(_path(data, coef, fit.widths), problem, [rule], key)[:, 0]
    chosen, mine = order[0, : max(kept[-1], 1)], x[:, i]
    columns = Data(x[chosen][:, others], y[others], fit.data.method, fit.data.intercept)
    seen, fewer = mine[chosen], None
    if moments is not None:
        gram, moment = moments
        fewer = solving.block(gram, chosen) - jnp.outer(seen, seen), moment[chosen] - seen * y[i]
    refitted = least_squares.retrain_path(columns, jnp.arange(len(chosen)), kept, fit.widths[0], fewer)
    retrained = columns.offset(refitted) + jnp.matmul(refitted, seen, precision=EXACT)
    pruned = data.offset(coef)[0] + _leading_sums(coef * mine[None, :], order, counts)[0]
    failed = order[0, 0] < 0
    return (y[i] - jnp.where(failed, jnp.nan, jnp.stack([pruned, retrained]))) ** 2


def _leading_sums(terms, order, counts):
    """Sums (W, K) of the first ``counts`` (W, K) of ``terms`` (W, d) in ``order`` (W, d)."""
    sums = jnp.pad(jnp.cumsum(jnp.take_along_axis(terms, order, axis=-1), axis=-1), ((0, 0), (1, 0)))
    return jnp.take_along_axis(sums, counts, axis=-1)


def _pruned_on_support(fits, order, kept):
    """Naive leave-one-out and GCV (W, K) of the fitted values ``X_S^T b_S = H y``, linear in y while S is fixed. An intercept
    is part of them: ``mean(y) - mean(x) b``."""
    x, y, n = fits.data.features, fits.data.target, len(fits.data.target)
    means = jnp.mean(x, axis=1)

    def one(fit):
        coef, step, residual, dense, chosen, counts, width = fit
        rank = jnp.argsort(chosen)

        def at(count):
            support = jnp.where((rank < count)[:, None], x, 0)
            error, own = y - jnp.matmul(coef, support, precision=EXACT), jnp.sum(support * step, axis=0)
            if fits.data.intercept:
                error = error - fits.data.offset(coef)
                own = own + 1 / n - jnp.matmul(means, step, precision=EXACT)
            gcv = jnp.mean(error**2) / (1 - jnp.mean(own)) ** 2
            whole = count >= width  # nothing is pruned: for an interpolator the ratio is 0 / 0, its limit is known
            return jnp.mean((error + own * residual) ** 2), jnp.where(whole, dense, gcv)

        return each(at, counts)

    counts, widths = _counts(fits, kept), jnp.asarray(fits.widths)
    return each(one, (fits.coef, fits.step, fits.residual, fits.gcv, order, counts, widths))


def _retrained_on_support(fits, order, kept):
    """Leave-one-out and GCV (W, K) of a least-squares fit on the chosen columns."""
    x, y = fits.data.features, fits.data.target

    def one(cell):
        chosen, counts = cell
        failed = chosen[0] < 0
        columns = Data(x[chosen[: max(kept[-1], 1)]], y, fits.data.method, fits.data.intercept)

        def at(count):
            _, _, residual, gcv, _ = leave_one_out.one_width(columns, count)
            return jnp.where(failed, jnp.nan, jnp.mean(residual**2)), jnp.where(failed, jnp.nan, gcv)

        return each(at, counts)

    return each(one, (order, _counts(fits, kept)))
