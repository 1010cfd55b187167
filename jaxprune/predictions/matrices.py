"""Matrices with independent heavy-tailed entries.

Metrics ``discarded`` (inner axis ``kept``, a count), ``entry_participation``, ``entry_gap``, ``output_gap``,
``output_participation`` and ``in_level`` (inner axis ``level``, with ``base`` beside it).

Exact are energies of Pareto and of stable entries, gaps of Pareto entries, and levels of stable ones. Of other laws the limit is
given and not judged: it is met like N^(1-2/alpha), or more slowly.
"""

import functools
from typing import Any

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import HeavyTailedMatrix
from jaxprune.theory import compression
from jaxprune.theory import matrices as theory

LARGEST_STABLE = 10**6  # entries for which the exact mean of stable energies is had in seconds
GAPS = 100  # coordinates of A x from which their two largest have the limit's gap


@predictors.register
def _(problem: HeavyTailedMatrix) -> dict[str, Predictor]:
    index, law = float(problem.tail_index), problem.law

    def share(place: dict[str, Any]) -> Value:
        return _discarded(law, index, problem.size, int(place["kept"]))

    def participation(place: dict[str, Any]) -> Value:
        return Value(theory.participation(index), "tail") if index < 2 else NONE

    def gap(place: dict[str, Any]) -> Value:
        return Value(theory.action.gap_mean(index), "exact") if law == "pareto" and problem.size > 1 else NONE

    def output_gap(place: dict[str, Any]) -> Value:
        many = problem.rows >= GAPS and index < 2
        return Value(theory.action.gap_mean(index), "none") if many else NONE

    def level(place: dict[str, Any]) -> Value:
        if law != "stable" or index == 2:
            return NONE
        return Value(theory.level_sets.exact_level_probability(int(place["level"]), index, place["base"]), "exact")

    return {
        "discarded": Predictor(share, {"kept"}),
        "entry_participation": Predictor(participation),
        "entry_gap": Predictor(gap),
        "output_gap": Predictor(output_gap),
        "output_participation": Predictor(participation),
        "in_level": Predictor(level, {"level", "base"}),
    }


@functools.cache
def _discarded(law: str, index: float, size: int, kept: int) -> Value:
    if kept > size:
        return NONE
    if law == "pareto":
        return Value(float(theory.expected_discarded_fraction(kept, index, size)), "exact")
    if law == "stable" and size <= LARGEST_STABLE:
        return Value(float(compression.stable_finite(size, kept, index)), "exact")
    return Value(float(theory.expected_discarded_fraction(kept, index)), "none") if index < 2 else NONE
