"""Findings from samples: any statistic of seeds with a standard error from the bootstrap, and exponents."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jaxprune.contracts import Finding
from jaxprune.judge.draws import drawn
from jaxprune.judge.kinds import UNSEEN

Array = NDArray[np.float64]
FEWEST = 8  # seeds of which a standard error is worth the name
SIZES = 4  # of which an exponent is read
RESAMPLES = 1000


def estimate(statistic: Callable[..., Any], *samples: ArrayLike, paired: bool = True, resamples: int = RESAMPLES) -> Finding:
    """A statistic of samples, with the standard error that bootstrap samples of the seeds give it.

    The bootstrap samples are the same in every call. Trials that are not finite are left out, all of a seed together.

    Args:
        statistic: Function of as many arrays as there are samples, to one number.
        *samples: Arrays (seeds, ...); of a DataArray the dimension ``seed`` is put first, the others keep their order.
        paired: Whether seed i of all arrays is one draw, so that they are resampled together.
        resamples: How many bootstrap samples, >= 2.

    Returns:
        The ``Finding``: the statistic of the samples, and its standard error.

    Raises:
        ValueError: For fewer than 8 seeds, a DataArray without ``seed``, arrays of different lengths or seeds that are
            paired, and where the statistic is not finite.
    """
    arrays = _finite(samples, paired)
    return Finding(float(statistic(*arrays)), float(np.std(_resampled(statistic, arrays, paired, resamples), ddof=1)))


def _resampled(statistic: Callable[..., Any], arrays: list[Array], paired: bool, resamples: int) -> Array:
    """The statistic of ``resamples`` bootstrap samples of the seeds, along the first axis."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(resamples):
        shared = rng.integers(len(arrays[0]), size=len(arrays[0]))
        picks = [shared if paired else rng.integers(len(values), size=len(values)) for values in arrays]
        draws.append(statistic(*(values[pick] for values, pick in zip(arrays, picks, strict=True))))
    return np.array(draws, float)


def _finite(samples: tuple[Any, ...], paired: bool) -> list[Array]:
    """The seeds of which every number is finite: of all arrays together where they are paired."""
    arrays = [drawn("samples", values) for values in samples]
    if paired:
        _check_pairs(samples)
    if paired and len({len(values) for values in arrays}) > 1:
        raise ValueError(f"samples: {[len(v) for v in arrays]} seeds are not paired; pass paired=False")
    whole = [np.isfinite(values).reshape(len(values), -1).all(1) for values in arrays]
    whole = [np.logical_and.reduce(whole)] * len(arrays) if paired else whole
    arrays = [values[good] for values, good in zip(arrays, whole, strict=True)]
    if min(map(len, arrays)) < FEWEST:
        raise ValueError(f"samples: {min(map(len, arrays))} seeds give no standard error worth the name; use {FEWEST} or more")
    return arrays


def _check_pairs(samples: tuple[Any, ...]) -> None:
    """Seeds that have names must be the same ones."""
    named = [values.indexes["seed"] for values in samples if "seed" in getattr(values, "indexes", ())]
    if any(len(seeds) == len(named[0]) and not seeds.equals(named[0]) for seeds in named):
        raise ValueError("samples: they are of different seeds, which are not paired; pass paired=False")


def mean(samples: ArrayLike) -> Finding:
    """The mean over seeds with its standard error.

    Trials that are not finite are left out. Whole numbers that are all equal may have missed an event: the judge's error of its
    share is theirs.

    Args:
        samples: One number a seed (seeds,), or a DataArray whose only dimension is ``seed``.

    Returns:
        The ``Finding``.

    Raises:
        ValueError: For samples of another dimension, and for fewer than two finite numbers.
    """
    values = drawn("samples", samples)
    if values.ndim != 1:
        said = getattr(samples, "dims", values.shape)
        raise ValueError(f"samples: {said} is more than one number a seed; choose a point (sel), or use estimate")
    values = values[np.isfinite(values)]
    if len(values) < 2:
        raise ValueError(f"samples: {len(values)} finite numbers have no standard error; use more seeds")
    if np.all(values == np.round(values[0])):
        return Finding(values[0], UNSEEN / len(values))
    return Finding(float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5)


def exponent(
    sizes: ArrayLike, *samples: ArrayLike, statistic: Callable[[Array], Any] = np.mean, paired: bool = False
) -> Finding:
    """The e of ``statistic ~ size^e``: the slope of its logarithm by least squares.

    The error is that of the seeds; where they show that the law is no power law, it is more: a parabola is fitted too, and what
    its slope changes by from the middle of the sizes to their ends, less two of that change's standard errors, is added in
    quadrature. So a law that is a power in a limit only has the error of being far from it.

    Args:
        sizes: Sizes (K,), > 0 and different, four or more.
        *samples: For each size an array (seeds,).
        statistic: Function of such an array, to one number > 0.
        paired: Whether seed i of all arrays is one draw, as in ``estimate``.

    Returns:
        The ``Finding`` of e.

    Raises:
        ValueError: For fewer than four sizes, sizes that are not positive and different, another number of samples, a statistic
            that is not positive, and as ``estimate``.
    """
    rows = _slope_and_bend(np.asarray(sizes, float), len(samples))

    def fitted(*drawn: Array) -> Array:
        values = np.array([statistic(values) for values in drawn], float)
        if np.any(values <= 0):
            raise ValueError("samples: a mean is not positive, and has no exponent; use more seeds")
        return rows @ np.log(values)

    arrays = _finite(samples, paired)
    slope, bend = fitted(*arrays)
    of_seeds, of_bend = np.std(_resampled(fitted, arrays, paired, RESAMPLES), axis=0, ddof=1)
    return Finding(float(slope), float(np.hypot(of_seeds, max(0.0, abs(bend) - 2 * of_bend))))


def _slope_and_bend(sizes: Array, count: int) -> Array:
    """Weights (2, sizes) of logarithms: a line's slope, and how far a parabola's slope at either end is from its middle's."""
    if sizes.ndim != 1 or len(sizes) < SIZES or len(sizes) != count:
        raise ValueError(f"sizes: {sizes.size} sizes and {count} samples; an exponent needs {SIZES} or more, one for one")
    if not np.all(sizes > 0) or len(set(sizes)) < len(sizes):
        raise ValueError(f"sizes: {sizes.tolist()} are not positive and different")
    logs = np.log(sizes) - np.log(sizes).mean()
    line, parabola = (np.linalg.pinv(np.vander(logs, degree + 1)) for degree in (1, 2))
    return np.array([line[0], parabola[0] * np.ptp(logs)])
