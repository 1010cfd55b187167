"""Explosion of the Euler scheme: reference number, the map itself, bad input."""

import numpy as np
import pytest
from scipy import integrate, stats

from jaxprune.theory.sde import explosion as theory
from tests import grades as judge


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


@pytest.mark.parametrize("alpha, scale, h, steps", [(1.5, 1.0, 0.1, 10), (1.2, 3.0, 0.5, 4), (1.8, 0.5, 1.5, 6)])
def test_lost_fraction_against_the_scheme(alpha, scale, h, steps):
    """Textbook draws; a path that has been beyond twice the radius stays lost."""
    rng, runs = np.random.default_rng(1), 400_000
    x, gone, radius = np.zeros(runs), np.zeros(runs, bool), theory.explosion_radius(h)
    for _ in range(steps):
        u, w = rng.uniform(-np.pi / 2, np.pi / 2, runs), rng.exponential(size=runs)
        draw = np.sin(alpha * u) / np.cos(u) ** (1 / alpha) * (np.cos((1 - alpha) * u) / w) ** ((1 - alpha) / alpha)
        x = np.where(gone, x, x + h * (x - x**3) + scale * h ** (1 / alpha) * draw)
        gone |= np.abs(x) > 2 * radius
    judge.statistical(np.asarray(gone | (np.abs(x) > radius), float), theory.lost_fraction(alpha, scale, h, steps))


@pytest.mark.parametrize("h, scale", [(0.5, 2.0), (0.9, 0.4), (0.05, 10.0), (0.5, 1e3)])
def test_one_and_two_gaussian_steps_are_integrals(h, scale):
    """alpha = 2: x1 ~ N(0, 2 h scale^2); lost beyond 2 R at once, else by the second step, beyond R."""
    sd, radius = scale * np.sqrt(2 * h), theory.explosion_radius(h)
    judge.exact(theory.lost_fraction(2.0, scale, h, 1), 2 * stats.norm.sf(radius / sd), 1e-9)
    x = np.linspace(0, 2 * radius, 200_001)
    mean = x + h * (x - x**3)
    second = stats.norm.sf((radius - mean) / sd) + stats.norm.sf((radius + mean) / sd)
    expected = 2 * integrate.trapezoid(stats.norm.pdf(x, scale=sd) * second, x) + 2 * stats.norm.sf(2 * radius / sd)
    judge.exact(theory.lost_fraction(2.0, scale, h, 2), expected, 3e-4)


def test_a_reference_at_alpha_two():
    """Scale 2, h = 0.5, 4 steps: 0.712122, by an independent chain on a fine grid."""
    judge.exact(theory.lost_fraction(2.0, 2.0, 0.5, 4), 0.712122, 1e-4)


def test_noise_beneath_the_floats_has_no_fraction():
    assert np.isnan(theory.lost_fraction(0.01, 1.0, 1e-4, 10))


def test_lost_fraction_does_not_depend_on_its_cells(monkeypatch):
    coarse = theory.lost_fraction(1.5, 1.0, 0.02, 50)
    monkeypatch.setattr(theory, "FINE", 40)
    monkeypatch.setattr(theory, "COARSE", 400)
    judge.exact(theory.lost_fraction(1.5, 1.0, 0.02, 50), coarse, 5e-4)


def test_one_jump_is_the_limit_of_small_steps():
    ratio = [theory.lost_fraction(1.5, 1.0, 1 / n, n) / theory.explosion_fraction(1.5, 1.0, 1 / n, 1.0) for n in (10, 40, 160)]
    assert ratio[0] - 1 > 2 * (ratio[1] - 1) > 4 * (ratio[2] - 1) > 0
    assert theory.lost_fraction(1.5, 0.0, 0.1, 10) == 0


def test_step_condition():
    judge.exact(theory.step_condition(1.75, [2000, 10000]), [2000**-1.875, 10000**-1.875], 1e-13)
    judge.exact(theory.step_condition(1.75, [2000, 10000]), [6.5e-7, 3.2e-8], 2e-2, spoil=1.1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: theory.explosion_radius(0.0),
        lambda: theory.explosion_fraction(2.5, 1.0, 0.1, 1.0),
        lambda: theory.explosion_fraction(1.5, -1.0, 0.1, 1.0),
        lambda: theory.lost_fraction(1.5, 1.0, 0.1, 0),
        lambda: theory.lost_fraction(1.5, -1.0, 0.1, 10),
        lambda: theory.lost_fraction(0.0, 1.0, 0.1, 10),
        lambda: theory.step_condition(1.5, 0),
        lambda: theory.step_condition(1.5, 1.5),
    ],
)
def test_bad_input(call):
    with pytest.raises(ValueError, match=r"^\w+: .+; .+"):
        call()
