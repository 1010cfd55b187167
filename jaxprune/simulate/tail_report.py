"""A tail index never comes alone: stable-model and extreme-value estimates side by side, and whether they contradict.

Sections are those of our notes on Wan et al. 2023.
"""

import functools
import statistics
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate import stable_tails, tails
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.tails import Estimate
from jaxprune.struct import struct

DEVIATES = 3.0  # combined errors that the two families may differ by
APART = 5.0  # combined errors that two estimates of the stable model may differ by
LEVEL = 1e-4  # the probability that symmetric data are called skewed
LEVELS = (0.1, 0.5, 0.9)  # of the quantiles that tell skewness


@struct
class Report:
    """Estimates by name, and what speaks against them.

    ``skewed``: some coordinate is not symmetric about its median. The stable model assumes symmetry, so none of its
    estimates is valid then. ``contradict``: two valid estimates of the stable model differ by more than five combined errors
    of 1/alpha, so that the data are not stable. ``disagree``: the block and the moment estimate of 1/alpha differ by more
    than three, so that the data are not stable, or their extremes not yet those of the law. Not valid ones never disagree.
    ``lighter``: none of these, the stable model finds alpha = 2, and the moment estimate lies above 2 by three errors of
    1/alpha: a finite variance, and a tail lighter than that of any stable law, but for an alpha so close to 2 that its power
    law is not seen.
    """

    model: dict[str, Estimate]
    extreme: dict[str, Estimate]
    disagree: Bool[Array, ""]
    skewed: Bool[Array, ""]
    contradict: Bool[Array, ""]
    lighter: Bool[Array, ""]


def report(x: Float[Array, "N *d"], size: int | None = None, top: int | None = None) -> Report:
    """Every estimate that suits numbers (N,) or vectors (N, d), after centring by the median, and whether the data are
    skewed: estimates of the stable model hold for symmetric laws alone.

    ``size`` of the blocks, default 10; ``top`` largest data, default 2 %, at least 20. A stable-model index of 2 means a
    finite variance, with which any tail lighter than alpha = 2 is in agreement.
    Raises ValueError for fewer than 40 data, for data that are not finite or all the same, or as ``block_log_moment`` and
    ``hill`` do. Traced data of that kind have NaN for every estimate, none of them valid. Source: section 4.
    """
    tails.check_sample(x, 40)
    if not traced(x):
        _check_values(x)
    return _report(x, 10 if size is None else size, max(20, x.shape[0] // 50) if top is None else top)


def _check_values(x) -> None:
    if bad := int(jnp.sum(~jnp.isfinite(x))):
        raise ValueError(
            f"x: {bad} of {x.size} numbers are not finite; leave out the runs that diverged, such as by state.alive"
        )
    if bool(jnp.all(x == x[0])):
        raise ValueError(f"x: all {x.shape[0]} data are the same; a tail index needs data that vary")


@functools.partial(jax.jit, static_argnames=("size", "top"))
def _report(x: Float[Array, "N *d"], size: int, top: int) -> Report:
    rows = tails.centred(x)
    model = {"block sums": stable_tails.block_log_moment(rows, size), "log variance": stable_tails.log_variance(rows)}
    if x.ndim == 1:
        model["characteristic function"] = stable_tails.characteristic(rows)
        model["quantiles"] = stable_tails.quantiles(rows)
    extreme = {
        "moment": tails.moment(rows, top),
        "Hill": tails.hill(rows, top),
        "de Haan": tails.de_haan(rows, top),
        "second to first": tails.second_to_first(rows, max(2, x.shape[0] // top)),
    }
    sound, lopsided = jnp.all(jnp.isfinite(x)) & jnp.any(x != x[0]), skewed(x)
    model = {name: _withheld(e, sound, sound & ~lopsided) for name, e in model.items()}
    extreme = {name: _withheld(e, sound, sound) for name, e in extreme.items()}
    apart = jnp.any(jnp.stack([_apart(a, b) for a, b in combinations(model.values(), 2)]))
    against = disagree(model["block sums"], extreme["moment"])
    return Report(model, extreme, against, lopsided, apart, _lighter(model, extreme) & ~(lopsided | apart | against))


def _withheld(e: Estimate, known, valid) -> Estimate:
    """NaN unless the estimate is ``known``, and not valid unless it may be."""
    value, error, inverse, spread = (jnp.where(known, a, jnp.nan) for a in (e.value, e.error, e.inverse, e.inverse_error))
    return Estimate(value, error, e.valid & valid, inverse, spread)


def _lighter(model, extreme) -> Bool[Array, ""]:
    """Whether no estimate of the stable model is below 2, and the moment estimate is above, each by three errors. The other
    extremes will not do: on stable data next to alpha = 2 their bias, which no error tells, passes 2."""
    gaussian = [e.valid & ~_heavy(e) for e in model.values()]
    least = extreme["moment"]
    return jnp.all(jnp.stack(gaussian)) & least.valid & (least.inverse + DEVIATES * least.inverse_error < 0.5)


def _heavy(e: Estimate) -> Bool[Array, "*s"]:
    """Whether alpha is below 2 by three errors of 1/alpha: otherwise the stable law may be Gaussian."""
    return e.inverse > 0.5 + DEVIATES * e.inverse_error


def skewed(x: Float[Array, "N *d"]) -> Bool[Array, ""]:
    """Whether some coordinate has its upper and its lower quantile span, 90 % to 50 % and 50 % to 10 %, too far apart for
    symmetric data: their log ratio against its standard error, at a level of 1e-4 for all coordinates together.

    Error by the covariance of sample quantiles, with slopes from order statistics two binomial deviations to either side.
    """
    columns = x[:, None] if x.ndim == 1 else x
    count, levels = x.shape[0], jnp.asarray(LEVELS, x.dtype)
    half = 2 * jnp.sqrt(levels * (1 - levels) / count)
    places = jnp.concatenate([jnp.clip(levels - half, 0, 1), levels, jnp.clip(levels + half, 0, 1)])
    below, at, above = jnp.quantile(columns, places, axis=0).reshape(3, 3, -1)
    upper, lower = at[2] - at[1], at[1] - at[0]
    slopes = jnp.stack([1 / lower, -1 / upper - 1 / lower, 1 / upper]) * (above - below) / (places[6:] - places[:3])[:, None]
    least, most = jnp.minimum(levels[:, None], levels), jnp.maximum(levels[:, None], levels)
    error = jnp.sqrt(jnp.einsum("ic,ij,jc->c", slopes, least * (1 - most), slopes) / count)
    limit = statistics.NormalDist().inv_cdf(1 - LEVEL / (2 * columns.shape[1]))
    return jnp.any((upper > 0) & (lower > 0) & (jnp.abs(jnp.log(upper / lower)) > limit * error))


def _apart(one: Estimate, other: Estimate) -> Bool[Array, "*s"]:
    error = jnp.hypot(one.inverse_error, other.inverse_error)
    return one.valid & other.valid & (jnp.abs(one.inverse - other.inverse) > APART * error)


def disagree(model: Estimate, extreme: Estimate) -> Bool[Array, "*s"]:
    """Whether a stable-model and an extreme-value estimate contradict each other beyond three combined errors of 1/alpha."""
    gap = model.inverse - extreme.inverse
    beyond = jnp.abs(gap) > DEVIATES * jnp.hypot(model.inverse_error, extreme.inverse_error)
    return model.valid & extreme.valid & beyond & (_heavy(model) | (gap < 0))


def table(found: Report) -> str:
    """The report of one sample for people: a line per estimate, 'not valid' where it should not be believed, and verdicts.

    Raises ValueError for the reports of a batch.
    """
    if jnp.ndim(found.disagree):
        raise ValueError(f"found: {jnp.size(found.disagree)} reports; take one, such as jax.tree.map(lambda a: a[0], found)")
    lines = [f"{'estimator':<24}{'family':<15}{'alpha':>8}{'error':>9}"]
    for family, group in (("stable model", found.model), ("extreme value", found.extreme)):
        for name, e in group.items():
            end = "" if bool(np.asarray(e.valid)) else "  not valid"
            lines.append(f"{name:<24}{family:<15}{float(np.asarray(e.value)):>8.3f}{float(np.asarray(e.error)):>9.3f}{end}")
    return "\n".join([*lines, *_verdicts(found)])


def _verdicts(found: Report) -> list[str]:
    lines = []
    if bool(np.asarray(found.skewed)):
        lines.append("The data are SKEWED: the stable model, which assumes symmetry, does not hold.")
    if bool(np.asarray(found.contradict)):
        lines.append("Estimates of the stable model CONTRADICT each other: not a symmetric stable law.")
    if bool(np.asarray(found.disagree)):
        lines.append("Block sums and moments DISAGREE: not a stable law, or its extremes have not set in.")
    elif not bool(np.asarray(found.model["block sums"].valid & found.extreme["moment"].valid)):
        lines.append("Block sums and moments cannot be compared: not both are valid.")
    else:
        lines.append("Block sums and moments are in agreement.")
    if bool(np.asarray(found.lighter)):
        lines.append("Finite variance: the tail is lighter than that of a stable law.")
    return lines
