"""A tail index never comes alone: stable-model and extreme-value estimates side by side, and whether they contradict.

Derivations: guide/tails.md.
"""

import functools
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxprune.simulate.arguments import traced
from jaxprune.simulate.tails import extreme as tails
from jaxprune.simulate.tails import stable_fit, stable_model
from jaxprune.simulate.tails.checks import dependent, skewed, tied, uneven
from jaxprune.simulate.tails.extreme import TailEstimate
from jaxprune.simulate.tails.stable_fit import StableFit
from jaxprune.struct import static, struct

DEVIATES = 3.0  # combined errors that the two families may differ by
APART = 5.0  # combined errors that two estimates of the stable model may differ by
AGAINST = {  # checks of the data, by name
    "skewed": "The data are SKEWED: the stable model, which assumes symmetry, does not hold.",
    "tied": "Many data are EQUAL: the stable model, a law with a density, does not hold.",
    "uneven": "The vectors are NOT ISOTROPIC: the stable model assumes that directions are uniform.",
    "dependent": "Neighbours DEPEND on each other: block sums are wrong, errors too small, the stable model is not tested.",
}


@struct
class TailReport:
    """Estimates by name, how the data were read, and what speaks against the estimates.

    ``count`` data of ``dim`` entries, None for numbers. The stable model presumes independent draws of a symmetric stable
    law, or of isotropic stable vectors. None of its estimates is valid where ``fit.rejected``: the law fitted to the
    characteristic function is not that of the data (``stable_fit``: false alarms, power); or where the data are ``skewed``,
    ``tied``, ``uneven`` (not isotropic) or ``dependent`` (``checks``). Where not ``fit.testable``, data are too few to
    tell: valid estimates hold if the law is stable. ``contradict``: two estimates
    of the stable model differ by more than five combined errors of 1/alpha: then none is valid either. ``disagree``: the
    block and the moment estimate of 1/alpha differ by more than three, so that the data are not stable, or their extremes
    not yet those of the law.
    ``lighter``: none of these, the stable model finds alpha = 2, and the moment estimate lies above 2 by three errors of
    1/alpha: a finite variance, and a tail lighter than that of any stable law, but for an alpha so close to 2 that its power
    law is not seen.
    """

    model: dict[str, TailEstimate]
    extreme: dict[str, TailEstimate]
    fit: StableFit
    disagree: Bool[Array, ""]
    skewed: Bool[Array, ""]
    tied: Bool[Array, ""]
    uneven: Bool[Array, ""]
    dependent: Bool[Array, ""]
    contradict: Bool[Array, ""]
    lighter: Bool[Array, ""]
    count: int = static()
    dim: int | None = static()


def report(x: Float[Array, "N *d"], size: int | None = None, top: int | None = None) -> TailReport:
    """Every estimate that suits the data, and what the data say about the law that it presumes.

    Data are centred by the median. A stable-model index of 2 means a finite variance, with which any tail lighter than alpha =
    2 is in agreement. Source: guide/tails.md, A report.

    Args:
        x: Floating-point numbers (N,), or vectors (N, d), one a row, N >= 40. A column (N, 1) is read as numbers; for the
            entries of a matrix pass ``x.ravel()``.
        size: Data in a block, in 2 .. N/2; None: 10.
        top: How many are the largest, in 1 .. N-1; None: 2 %, at least 20.

    Returns:
        The estimates, and what speaks against them. Traced data that are refused where they are known have NaN for every
        estimate, none of them valid.

    Raises:
        ValueError: For fewer than 40 data, for data that are not finite or all the same, or as ``block_log_moment`` and
            ``hill`` do.
    """
    if getattr(x, "ndim", 0) == 2 and x.shape[1] == 1:
        x = x[:, 0]
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
def _report(x: Float[Array, "N *d"], size: int, top: int) -> TailReport:
    rows = _near_one(tails.centred(x))
    found = stable_fit.fit(rows)
    sound = jnp.all(jnp.isfinite(rows)) & jnp.any(x != x[0])
    checks = dict(skewed=skewed(rows), tied=tied(rows), dependent=dependent(rows))
    checks["uneven"] = uneven(rows) if x.ndim == 2 else jnp.asarray(False)
    model = {name: _withheld(e, sound, sound & ~checks["skewed"]) for name, e in _model(rows, size).items()}
    extreme = {name: _withheld(e, sound, sound) for name, e in _extreme(rows, top).items()}
    apart = jnp.any(jnp.stack([_apart(a, b) for a, b in combinations(model.values(), 2)]))
    against = disagree(model["block sums"], extreme["moment"])
    wrong = found.rejected | apart | jnp.any(jnp.stack(list(checks.values())))
    model = {name: _withheld(e, True, ~wrong) for name, e in model.items()}
    lighter = _lighter(model, extreme) & ~against
    dim = x.shape[1] if x.ndim == 2 else None
    return TailReport(model, extreme, found, against, **checks, contradict=apart, lighter=lighter, count=x.shape[0], dim=dim)


def _near_one(rows: Float[Array, "N *d"]) -> Float[Array, "N *d"]:
    """Scaled by a power of 2, which changes no digit, so that neither sums overflow nor small numbers vanish."""
    middle = jnp.median(jnp.abs(rows))
    exponent = jnp.frexp(jnp.where((middle > 0) & jnp.isfinite(middle), middle, 1.0))[1]
    return jnp.ldexp(rows, -exponent)


def _model(rows, size) -> dict[str, TailEstimate]:
    model = {"block sums": stable_model.block_log_moment(rows, size), "log variance": stable_model.log_variance(rows)}
    if rows.ndim == 1:
        model["characteristic function"] = stable_model.characteristic(rows)
        model["quantiles"] = stable_model.quantiles(rows)
    return model


def _extreme(rows, top) -> dict[str, TailEstimate]:
    return {
        "moment": tails.moment(rows, top),
        "Hill": tails.hill(rows, top),
        "de Haan": tails.de_haan(rows, top),
        "second to first": tails.second_to_first(rows, max(2, len(rows) // top)),
    }


def _withheld(e: TailEstimate, known, valid) -> TailEstimate:
    """NaN unless the estimate is ``known``, and not valid unless it may be."""
    value, error, inverse, spread = (jnp.where(known, a, jnp.nan) for a in (e.value, e.error, e.inverse, e.inverse_error))
    return TailEstimate(value, error, e.valid & valid, inverse, spread)


def _lighter(model, extreme) -> Bool[Array, ""]:
    """Whether no estimate of the stable model is below 2, and the moment estimate is above, each by three errors. The other
    extremes will not do: on stable data next to alpha = 2 their bias, which no error tells, passes 2."""
    gaussian = [e.valid & ~_heavy(e) for e in model.values()]
    least = extreme["moment"]
    return jnp.all(jnp.stack(gaussian)) & least.valid & (least.inverse + DEVIATES * least.inverse_error < 0.5)


def _heavy(e: TailEstimate) -> Bool[Array, "*s"]:
    """Whether alpha is below 2 by three errors of 1/alpha: otherwise the stable law may be Gaussian."""
    return e.inverse > 0.5 + DEVIATES * e.inverse_error


def _apart(one: TailEstimate, other: TailEstimate) -> Bool[Array, "*s"]:
    error = jnp.hypot(one.inverse_error, other.inverse_error)
    return one.valid & other.valid & (jnp.abs(one.inverse - other.inverse) > APART * error)


def disagree(model: TailEstimate, extreme: TailEstimate) -> Bool[Array, "*s"]:
    """Whether two estimates contradict each other beyond three combined errors of 1/alpha.

    Args:
        model: A stable-model estimate.
        extreme: An extreme-value estimate of the same data.

    Returns:
        Truth values in their shape; False where one of them is not valid.
    """
    gap = model.inverse - extreme.inverse
    beyond = jnp.abs(gap) > DEVIATES * jnp.hypot(model.inverse_error, extreme.inverse_error)
    return model.valid & extreme.valid & beyond & (_heavy(model) | (gap < 0))


def table(found: TailReport) -> str:
    """The report of one sample for people.

    Args:
        found: The report.

    Returns:
        Lines: how the data were read, one per estimate with the law that it presumes, 'not valid' where it should not be
        believed, 'if stable' where the data are too few to test that, and verdicts.

    Raises:
        ValueError: For the reports of a batch.
    """
    if jnp.ndim(found.disagree):
        raise ValueError(f"found: {jnp.size(found.disagree)} reports; take one, such as jax.tree.map(lambda a: a[0], found)")
    stable, power = "symmetric stable" if found.dim is None else "isotropic stable", "power-law tail"
    untested = "" if bool(np.asarray(found.fit.testable)) else "  if stable"
    lines = [_read(found), f"{'estimator':<24}{'law presumed':<17}{'alpha':>8}{'error':>9}"]
    for law, group, ends in ((stable, found.model, untested), (power, found.extreme, "")):
        for name, e in group.items():
            end = ends if bool(np.asarray(e.valid)) else "  not valid"
            lines.append(f"{name:<24}{law:<17}{float(np.asarray(e.value)):>8.3f}{float(np.asarray(e.error)):>9.3f}{end}")
    return "\n".join([*lines, *_verdicts(found)])


def _read(found: TailReport) -> str:
    if found.dim is None:
        return f"Read: {found.count:,} independent numbers. For vectors pass an array (N, d), one vector a row."
    return (
        f"Read: {found.count:,} independent vectors of {found.dim} entries, one a row; tails are those of their norms. "
        "For the entries as numbers pass x.ravel()."
    )


def _verdicts(found: TailReport) -> list[str]:
    lines = [text for name, text in AGAINST.items() if bool(np.asarray(getattr(found, name)))]
    lines += [] if lines or _unsound(found) else [_tested(found)]
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


def _unsound(found: TailReport) -> bool:
    return bool(np.all([np.isnan(np.asarray(e.inverse)) for e in (*found.model.values(), *found.extreme.values())]))


def _tested(found: TailReport) -> str:
    chance = f"p = {float(np.asarray(found.fit.p_value)):.2g}"
    if bool(np.asarray(found.fit.rejected)):
        return f"The stable model is REJECTED ({chance}): its alpha is not the index of the tail."
    if not bool(np.asarray(found.fit.testable)):
        needed = f"{float(np.asarray(found.fit.needed)):,.0f}"
        return f"The stable model was NOT TESTABLE: {found.count:,} data are too few to tell, about {needed} would do."
    return f"The stable model was tested and not rejected ({chance})."
