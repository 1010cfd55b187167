"""Matrices with independent heavy-tailed entries.

Metrics ``discarded`` (inner axis ``kept``, a count), ``entry_participation``, ``entry_gap``, ``output_gap``,
``output_participation``, ``count_above`` (inner axis ``tau``) and ``norm_over_spike``, whose theory is right to about 1 %.

Level sets: ``in_level`` and ``full_level``, inner axis ``level``, both exact.

Exact are energies of Pareto and of stable entries, gaps of Pareto entries, and levels of stable ones. Of other laws the limit
is given and not judged: it is met like N^(1-2/alpha), or more slowly. The limit of ``count_above`` of Pareto entries is judged,
with N^(1-2/alpha) of itself for its error, where that is small.
"""

import functools
from typing import Any

from jaxprune.predictions.core import NONE, Predictor, Value, predictors
from jaxprune.problems import HeavyTailedMatrix, LevelSets
from jaxprune.theory import compression
from jaxprune.theory import matrices as theory

LARGEST_STABLE = 10**6  # entries for which the exact mean of stable energies is had in seconds
BULK, SPIKE_ERROR = 50, 0.02  # rows and columns from which a spike gives the norm, and what it may be off by
WIDEST = 0.05  # relative error of a limit that is judged
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
        kind = "limit" if law == "stable" and problem.rows >= GAPS else "none"  # the second term of the tail is one in 1/n
        return Value(theory.action.gap_mean(index), kind) if index < 2 else NONE

    def above(place: dict[str, Any]) -> Value:
        if index >= 2 or law != "pareto":
            return NONE
        value, doubt = theory.count_above(place["tau"], index), problem.size ** (1 - 2 / index)
        return Value(value, "exact" if doubt <= WIDEST else "none", value * doubt)

    def over_spike(place: dict[str, Any]) -> Value:
        return Value(1.0, "exact", SPIKE_ERROR) if min(problem.rows, problem.columns) >= BULK and 1 <= index <= 5 else NONE

    return {
        "discarded": Predictor(share, {"kept"}),
        "entry_participation": Predictor(participation),
        "entry_gap": Predictor(gap),
        "output_gap": Predictor(output_gap),
        "count_above": Predictor(above, {"tau"}),
        "norm_over_spike": Predictor(over_spike),
        "output_participation": Predictor(participation),
    }


@predictors.register
def _(problem: LevelSets) -> dict[str, Predictor]:
    index, base, sets = float(problem.tail_index), float(problem.base), theory.level_sets

    def inside(place: dict[str, Any]) -> float:
        return sets.exact_level_probability(int(place["level"]), index, base)

    def full(place: dict[str, Any]) -> Value:
        allowed = sets.level_size(int(place["level"]), problem.levels, base)
        return Value(sets.binomial_tail(allowed, problem.entries, inside(place)), "exact")

    return {
        "in_level": Predictor(lambda place: Value(inside(place), "exact"), {"level"}),
        "full_level": Predictor(full, {"level"}),
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
