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


def estimate(statistic: Callable[..., Any], *samples: ArrayLike, paired: bool = True, resamples: int = 1000) -> Finding:
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
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(resamples):
        shared = rng.integers(len(arrays[0]), size=len(arrays[0]))
        picks = [shared if paired else rng.integers(len(values), size=len(values)) for values in arrays]
        draws.append(float(statistic(*(values[pick] for values, pick in zip(arrays, picks, strict=True)))))
    return Finding(float(statistic(*arrays)), float(np.std(draws, ddof=1)))


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

    A power law is taken for granted; the error is that of the seeds.

    Args:
        sizes: Sizes (K,), > 0, four or more.
        *samples: For each size an array (seeds,).
        statistic: Function of such an array, to one number > 0.
        paired: Whether seed i of all arrays is one draw, as in ``estimate``.

    Returns:
        The ``Finding`` of e.

    Raises:
        ValueError: For fewer than four sizes, another number of samples, a statistic that is not positive, and as ``estimate``.
    """
    logs = np.log(np.asarray(sizes, float))
    if len(logs) < SIZES or len(logs) != len(samples):
        raise ValueError(f"sizes: {len(logs)} sizes and {len(samples)} samples; an exponent needs {SIZES} or more, one for one")
    weights = (logs - logs.mean()) / np.sum((logs - logs.mean()) ** 2)

    def slope(*drawn: Array) -> float:
        values = np.array([statistic(values) for values in drawn])
        if np.any(values <= 0):
            raise ValueError("samples: a mean is not positive, and has no exponent; use more seeds")
        return float(weights @ np.log(values))

    return estimate(slope, *samples, paired=paired)
