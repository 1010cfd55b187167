"""Explosion of the Euler scheme: reference number, the map itself, bad input."""

import numpy as np
import pytest

from jaxprune.theory import explosion as theory
from tests import judge


def test_reference():
    judge.exact(theory.explosion_fraction(1.5, 1.0, 0.01, 1.0), 0.007445454683593731, 1e-13)
    assert theory.explosion_fraction(2.0, 1.0, 0.01, 1.0) == theory.explosion_fraction(1.5, 0.0, 0.01, 1.0) == 0


@pytest.mark.parametrize("h", [1e-3, 0.1, 0.9])
def test_radius_is_where_the_map_runs_away(h):
    def last(x):
        for _ in range(2000):
            x = np.clip(x + h * (x - x**3), -1e50, 1e50)
        return abs(x)

    radius = theory.explosion_radius(h)
    assert last(radius * (1 - 1e-6)) <= radius < 1e49 <= last(radius * (1 + 1e-6))


def test_step_condition():
    judge.exact(theory.step_condition(1.75, [2000, 10000]), [2000**-1.875, 10000**-1.875], 1e-13)
    judge.exact(theory.step_condition(1.75, [2000, 10000]), [6.5e-7, 3.2e-8], 2e-2, spoil=1.1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.explosion_radius(0.0),
        lambda: theory.explosion_fraction(2.5, 1.0, 0.1, 1.0),
        lambda: theory.explosion_fraction(1.5, -1.0, 0.1, 1.0),
        lambda: theory.step_condition(1.5, 0),
        lambda: theory.step_condition(1.5, 1.5),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()
