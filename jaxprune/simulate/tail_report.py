"""A tail index never comes alone: stable-model and extreme-value estimates side by side, and whether they contradict.

Sections are those of our notes on Wan et al. 2023.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate import stable_tails, tails
from jaxprune.simulate.tails import Estimate
from jaxprune.struct import struct

DEVIATES = 3.0  # combined errors that the two families may differ by


@struct
class Report:
    """Estimates by name; ``disagree``: the block and the moment estimate of 1/alpha differ by more than three combined
    errors, so that the data are not stable, or their extremes not yet those of the law. Not valid ones never disagree."""

    model: dict[str, Estimate]
    extreme: dict[str, Estimate]
    disagree: Bool[Array, ""]


@functools.partial(jax.jit, static_argnames=("size", "top"))
def report(x: Float[Array, "N *d"], size: int | None = None, top: int | None = None) -> Report:
    """Every estimate that suits numbers (N,) or vectors (N, d), after centring by the median.

    ``size`` of the blocks, default 10; ``top`` largest data, default 2 %, at least 20. A stable-model index of 2 means a
    finite variance, with which any tail lighter than alpha = 2 is in agreement.
    Raises ValueError for fewer than 40 data, or as ``block_log_moment`` and ``hill`` do. Source: section 4.
    """
    tails.check_sample(x, 40)
    size, top = 10 if size is None else size, max(20, x.shape[0] // 50) if top is None else top
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
    return Report(model, extreme, disagree(model["block sums"], extreme["moment"]))


def disagree(model: Estimate, extreme: Estimate) -> Bool[Array, "*s"]:
    """Whether a stable-model and an extreme-value estimate contradict each other beyond three combined errors of 1/alpha."""
    gap = model.inverse - extreme.inverse
    beyond = jnp.abs(gap) > DEVIATES * jnp.hypot(model.inverse_error, extreme.inverse_error)
    heavy = model.inverse > 0.5 + DEVIATES * model.inverse_error  # below, the stable law may be Gaussian
    return model.valid & extreme.valid & beyond & (heavy | (gap < 0))


def table(found: Report) -> str:
    """The report of one sample for people: a line per estimate, 'not valid' where it should not be believed."""
    lines = [f"{'estimator':<24}{'family':<15}{'alpha':>8}{'error':>9}"]
    for family, group in (("stable model", found.model), ("extreme value", found.extreme)):
        for name, e in group.items():
            end = "" if bool(np.asarray(e.valid)) else "  not valid"
            lines.append(f"{name:<24}{family:<15}{float(np.asarray(e.value)):>8.3f}{float(np.asarray(e.error)):>9.3f}{end}")
    if bool(np.asarray(found.disagree)):
        verdict = "Block sums and moments DISAGREE: not a stable law, or its extremes have not set in."
    else:
        verdict = "Block sums and moments do not disagree."
    return "\n".join([*lines, verdict])
