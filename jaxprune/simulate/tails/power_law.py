"""Power laws fitted to tails as Clauset, Shalizi and Newman do: the exponent by maximum likelihood above a lower end xmin, the
lower end by Kolmogorov's distance.

Data are positive numbers: magnitudes of entries, squared singular values. The distance picks a lower end that is right for
data that are Pareto's from some point on; where the power law holds in the limit alone, it picks one too low, and the exponent
is biased, which no standard error tells. So report it beside the estimators of ``extreme``, with ``goodness_of_fit`` and the
rivals of ``power_law_rivals``. Source: guide/tails.md, Fitted power laws.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Int

from jaxprune.checks import check_count
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.tails import power_law_scan as scan
from jaxprune.struct import static, struct

DISTANCES = ("clauset", "two_sided")
EVERY = 50_000  # up to so many data, each of them is a candidate
GRID = 1000  # candidates among more, and once more around the best of them
LEAST = 10  # data in a tail that is worth the name
REASONS = (
    "",
    "the data are not all finite numbers > 0",
    "fewer than two distinct values",
    f"the best tail holds fewer than {LEAST} data",
)


@struct
class PowerLaw:
    """A power law fitted to the largest data: P(X > x) ~ x^-tail_index for x >= ``xmin``, a density ~ x^-pdf_exponent.

    ``pdf_exponent`` = ``tail_index`` + 1, both with the standard error tail_index/sqrt(tail_count), that of a lower end which
    is given: its choice and its bias are not in it. ``tail_count`` of ``count`` data are at or above xmin; ``ks`` is their
    Kolmogorov distance from the fit, the least of that of ``candidates`` distinct lower ends: ``every`` one that there is, or
    else ``grid`` of them in equal steps of log n and some around the best. ``failed``: 0, or a number of ``REASONS`` why this
    is no fit; ``reason`` in words. The exponents are NaN where there is none.
    """

    tail_index: Float[Array | np.ndarray, "*s"]
    tail_index_error: Float[Array | np.ndarray, "*s"]
    pdf_exponent: Float[Array | np.ndarray, "*s"]
    pdf_exponent_error: Float[Array | np.ndarray, "*s"]
    xmin: Float[Array | np.ndarray, "*s"]
    tail_count: Int[Array | np.ndarray, "*s"]
    count: Int[Array | np.ndarray, "*s"]
    ks: Float[Array | np.ndarray, "*s"]
    candidates: Int[Array | np.ndarray, "*s"]
    failed: Int[Array | np.ndarray, "*s"]
    distance: str = static()
    grid: int | None = static()

    @property
    def every(self) -> bool:
        """Whether every distinct value but the largest was tried."""
        return self.grid is None

    @property
    def reason(self) -> str:
        """Why one fit failed, in words; empty where it did not."""
        return REASONS[int(self.failed)]


def fit(x: ArrayLike, ks: str = "clauset", candidates: int | None = None) -> PowerLaw:
    """The power law that fits the largest of the data best, in float64.

    The exponent of a tail of n data is tail_index = n/sum log(x/xmin), over n - 2 in place of n unbiased for Pareto's law.
    Source: guide/tails.md, Fitted power laws.

    Args:
        x: Positive numbers (N,), finite; traced ones must be float64.
        ks: "clauset" compares with the empirical distribution function 0, 1/n, .. (n-1)/n, as Clauset's code, powerlaw and
            weightwatcher do; "two_sided" is Kolmogorov's own distance, from both sides of each step, which may choose another
            xmin.
        candidates: How many lower ends to try, >= 2, in equal steps of log n, and as many again around the best of them. None:
            every distinct value but the largest up to 50,000 data, and 1,000 of more.

    Returns:
        The fit; of traced data for which there is none it is ``failed``.

    Raises:
        ValueError: For data that are not finite positive numbers (N,), for fewer than two distinct values, for an unknown
            distance, and for candidates < 2.
    """
    if ks not in DISTANCES:
        raise ValueError(f"ks: {ks!r} is not known; use {' or '.join(map(repr, DISTANCES))}")
    if candidates is not None:
        check_count("candidates", candidates, "lower ends to try", 2)
    if traced(x):
        data: Any = x
        if data.ndim != 1 or data.shape[0] < 2 or data.dtype != jnp.float64:
            raise ValueError(
                f"x: {data.dtype}{list(data.shape)}; inside a program pass float64 numbers (N,), precision='float64'"
            )
        return of_sorted(jnp.sort(data), 0, ks, _tried(len(data), candidates))
    data = padded(np.sort(checked(x)))
    count = np.size(x)
    with jax.enable_x64(True):
        return known(of_sorted(jnp.asarray(data), len(data) - count, ks, _tried(count, candidates)))


def padded(data: np.ndarray) -> np.ndarray:
    """Increasing data behind copies of the first of them: one program serves many.

    Args:
        data: Increasing numbers (N,).

    Returns:
        Data in 1024 places or one of four lengths in an octave.
    """
    step = 1 << max(len(data).bit_length() - 3, 8)
    size = max(-(-len(data) // step) * step, 1024)
    return np.concatenate([np.full(size - len(data), data[0]), data])


def known(found: Any) -> Any:
    """A pytree of NumPy arrays: outside float64 programs those of JAX lose half their digits in the first operation.

    Args:
        found: A pytree of arrays.

    Returns:
        The same with NumPy's arrays.
    """
    return jax.tree.map(np.asarray, found)


def checked(x: ArrayLike) -> np.ndarray:
    """Data of a power law in float64.

    Args:
        x: Positive numbers (N,), finite, at least two of them distinct.

    Returns:
        The data (N,).

    Raises:
        ValueError: As ``fit`` does.
    """
    data = np.asarray(x)
    if data.ndim != 1 or (data.dtype.kind not in "iuf" and not jnp.issubdtype(data.dtype, jnp.floating)):
        raise ValueError(f"x: {data.dtype} of shape {data.shape}; pass real numbers (N,), such as np.abs(weights).ravel()")
    data = data.astype(np.float64)
    tiny = np.finfo(np.float64).tiny
    if not np.all(np.isfinite(data)):
        raise ValueError(f"x: {np.sum(~np.isfinite(data))} of {data.size} numbers are not finite; leave them out and say so")
    if np.any(data < tiny):
        cure = "take magnitudes, and leave zeros out" if np.any(data <= 0) else "scale them"
        raise ValueError(
            f"x: {np.sum(data < tiny)} of {data.size} numbers are below {tiny:.2g}, the least {data.min():g}; {cure}"
        )
    if data.size < 2 or data.min() == data.max():
        raise ValueError(f"x: {data.size} numbers with fewer than two distinct values have no exponent; pass data that vary")
    return data


def check_found(found: PowerLaw, count: int, tail: int) -> None:
    """Refuses what is not one sound fit to certain data.

    Args:
        found: The fit.
        count: Number of the data.
        tail: How many of them are at or above its xmin.

    Raises:
        ValueError: For a batch of fits, one that failed, and one of other data.
    """
    if np.ndim(found.failed) or int(found.failed):
        raise ValueError(f"found: {'a batch' if np.ndim(found.failed) else found.reason}; pass one fit that did not fail")
    if int(found.count) != count or int(found.tail_count) != tail:
        raise ValueError(f"found: a tail of {found.tail_count} of {found.count} data is not that of {count} x; fit x first")


def _tried(count: int, candidates: int | None) -> int | None:
    """How many candidates; None for every one."""
    if candidates is None:
        return None if count <= EVERY else GRID
    return None if candidates >= count else candidates


@functools.partial(jax.jit, static_argnames=("ks", "candidates"))
def of_sorted(x: Float[Array, " N"], start: Any, ks: str, candidates: int | None = None) -> PowerLaw:
    """The fit to increasing data x[start:].

    Args:
        x: Increasing numbers (N,); before ``start`` the first of them is repeated.
        start: Place of the first of the data; may be traced.
        ks: "clauset" or "two_sided", as of ``fit``.
        candidates: How many lower ends to try; None: every one.

    Returns:
        The fit, ``failed`` where there is none.
    """
    sound = jnp.isfinite(x[-1]) & (x[0] > 0)  # NaN is sorted last
    varied = x[0] < x[-1]
    x = jnp.where(sound & varied, x, 1.0 + jnp.arange(len(x)))
    logs = scan.logarithms(x)
    sums = scan.excesses(logs)
    sizes = len(x) - jnp.arange(len(x))
    rates = sizes / jnp.where(sums > 0, sums, jnp.nan)

    def good(places):
        first = (places == start) | (x[places] > x[places - 1])
        return (places >= start) & first & (sums[places] > 0)

    two_sided = ks == "two_sided"
    if candidates is None:
        places = jnp.arange(len(x))
        ks_found, place = scan.best(logs, rates, places, good(places), two_sided)
        tried = jnp.sum(good(places))
    else:
        places = _grid(x, start, candidates)
        coarse, near = scan.best(logs, rates, places, good(places), two_sided)
        finer = _around(x, places, near, candidates)
        fine, place = scan.best(logs, rates, finer, good(finer), two_sided)
        ks_found, place = jnp.minimum(coarse, fine), jnp.where(fine <= coarse, place, near)
        tried = _distinct(jnp.concatenate([places, finer]), good)
    index, size = rates[place], sizes[place]
    failed = jnp.where(~sound, 1, jnp.where(~varied, 2, jnp.where(size < LEAST, 3, 0)))
    index, xmin, ks_found = (jnp.where(sound & varied, value, jnp.nan) for value in (index, x[place], ks_found))
    error = index / jnp.sqrt(size)
    count = len(x) - jnp.asarray(start)
    return PowerLaw(index, error, index + 1, error, xmin, size, count, ks_found, tried, failed, ks, candidates)


def _grid(x, start, candidates):
    """Places in equal steps of the logarithm of the tail's size, each the first of equal data; increasing."""
    sizes = jnp.exp(jnp.linspace(jnp.log(2.0), jnp.log(1.0 * len(x) - start), candidates))[::-1]
    places = jnp.clip(len(x) - jnp.round(sizes).astype(int), start, len(x) - 1)
    return jnp.searchsorted(x, x[places]).clip(start)


def _around(x, places, near, candidates):
    """Places in equal steps between the neighbours of one of the places; increasing."""
    at = jnp.searchsorted(places, near)
    low = places[jnp.maximum(at - 1, 0)]
    high = places[jnp.minimum(jnp.searchsorted(places, near, side="right"), len(places) - 1)]
    between = low + ((high - low) * jnp.arange(candidates)) // max(candidates - 1, 1)
    return jnp.searchsorted(x, x[between]).clip(low)


def _distinct(places, good):
    """How many different good places there are."""
    ordered = jnp.sort(places)
    new = jnp.concatenate([jnp.ones(1, bool), ordered[1:] > ordered[:-1]])
    return jnp.sum(new & good(ordered))
