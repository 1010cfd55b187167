"""Roots of increasing functions."""

import numpy as np
import pytest

from jaxprune.theory import arguments
from jaxprune.theory.numerics import roots
from tests import grades as judge


def test_brackets_widen_to_either_side():
    goal = np.array([-7.0, -0.5, 0.0, 0.5, 2.0])
    found = roots.bracketed(lambda x, y: np.sinh(x) - y, np.full(5, 0.2), np.full(5, 0.3), goal)
    judge.exact(found + 1, np.arcsinh(goal) + 1, 1e-13)


def test_both_methods_agree():
    goal = np.array([1e-3, 1.0, 20.0])

    def residual(x, which):
        return x + np.exp(x) - goal[which], 1 + np.exp(x)

    bracketed = roots.bracketed(lambda x, y: x + np.exp(x) - y, np.zeros(3), np.ones(3), goal)
    judge.exact(roots.newton(residual, np.zeros(3), 1.0), bracketed, 1e-13)


def test_whole_numbers_may_be_floats_and_nothing_else():
    assert arguments.whole("n", [1.0, 1e5]).tolist() == [1.0, 1e5] and arguments.whole("n", 3) == 3.0
    for bad in (1.5, 0, np.nan, True, "3", 2j, np.inf):
        with pytest.raises(ValueError, match=r"^n: .+; .+"):
            arguments.whole("n", bad)
