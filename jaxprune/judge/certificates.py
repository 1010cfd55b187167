"""Certificates against simulation: failures are counted and held against their probability."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from jaxprune.contracts import Certificate
from jaxprune.judge.draws import drawn


class Count(NamedTuple):
    """``failures`` of ``draws``; ``most``, as many as chance allows; ``detectable``, the probability of failure that these
    draws would have exposed in half of all runs."""

    failures: int
    draws: int
    most: int
    detectable: float

    @property
    def holds(self) -> bool:
        """Whether chance allows so many failures."""
        return self.failures <= self.most


def count_failures(certificate: Certificate, measured: ArrayLike, level: float = 1e-6) -> Count:
    """How often a certificate failed in independent draws of what it bounds.

    A draw fails where any of its numbers does. A true certificate is found wrong with probability ``level`` at most.

    Args:
        certificate: What is claimed, with its probability of failure.
        measured: Draws (draws, ...) of what it bounds; of a DataArray the draws are its dimension ``seed``.
        level: Probability with which a true certificate may be found wrong, in (0, 1).

    Returns:
        The ``Count`` of failures.

    Raises:
        ValueError: For a level that is no probability, bounds that do not fit, no draws, and for so few that even if all
            failed the claim could not be found wrong.
    """
    if not isinstance(level, int | float | np.number) or not 0 < level < 1:
        raise ValueError(f"level: {level} is not a probability inside (0, 1)")
    values = drawn("measured", measured)
    if len(values) == 0:
        raise ValueError("measured: no draws; pass (draws,) or (draws, ...) numbers")
    holds = np.asarray(certificate.holds(values))
    draws = len(holds)
    most = int(stats.binom.isf(level, draws, certificate.failure))
    if most >= draws:
        raise ValueError(f"measured: {draws} draws could not show a failure beyond {certificate.failure:g}; use more")
    failures = int(np.sum(~holds.reshape(draws, -1).all(axis=1)))
    detectable = float(
        stats.beta.ppf(0.5, most + 1, draws - most)
    )  # of which half of all runs have more failures than ``most``
    return Count(failures, draws, most, detectable)
