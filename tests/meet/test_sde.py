"""Diffusions: the integrator against exact laws, rates of convergence, and frequencies of divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from jaxprune.problems import BoundedChaos, BoundedDrift, Explosion, LinearChaos, OrnsteinUhlenbeck
from jaxprune.simulate import sde, stable
from jaxprune.simulate.sde import drifts
from jaxprune.theory.sde import explosion, particles
from jaxprune.theory.sde import ornstein_uhlenbeck as theory
from tests import grades as judge

KEY = jax.random.key(109)
ALPHAS = [1.2, 1.5, 1.8]


def grids(alpha, drift, paths, steps, ratios, key=KEY, horizon=1.0):
    """Gaps to the finest grid (grids, paths)."""
    run = jax.jit(
        lambda index, key: sde.gaps(
            drift, stable.Symmetric(index), jnp.zeros(paths), key, step_size=horizon / steps, steps=steps, ratios=ratios
        )
    )
    return np.asarray(run(stable.index(alpha), key))


def slope(x, rows):
    """Least-squares slope of the mean of ``rows`` (draws, x) against log x, and its standard error over draws."""
    centred = np.log(x) - np.mean(np.log(x))
    each = rows @ (centred / np.sum(centred**2))
    return each.mean(), each.std(ddof=1) / np.sqrt(len(each))


def accept_slope(x, rows, expected, within, spoiled):
    """Within the tolerance of the acceptance list; the spoiled exponent is many standard errors away from that."""
    found, error = slope(x, rows)
    assert abs(found - expected) <= within, (found, error)
    assert abs(found - spoiled) > within + stats.norm.isf(judge.LEVEL) * error, (found, error)


def combined(found, error, expected, other, spoil=1.1):
    """Two Monte Carlo values agree within 4 combined standard errors, and would not at ``spoil`` times."""
    scale = np.hypot(error, other)
    assert abs(found - expected) <= 4 * scale, (found, error)
    assert abs(found - spoil * expected) > 4 * scale, "too few samples to notice the spoiled twin"


@pytest.mark.slow
@pytest.mark.parametrize("alpha", ALPHAS)
def test_two_grid_scales(x64, alpha):
    """Within 1 % (acceptance), and no deviation that the draws could tell."""
    gaps = grids(alpha, drifts.Linear(1.0), 400_000, 8, (1, 4))[0]
    logs = np.log(np.abs(gaps))
    exact = theory.two_grid_scale(alpha, 1.0, 1.0, 1 / 8, 8, 4)
    assert abs(theory.scale_from_log(logs.mean(), alpha) / exact - 1) < 0.01
    judge.statistical(1 + logs - theory.mean_log_abs(exact, alpha), 1.0, spoil=1.02)


def test_euler_ends_with_its_exact_scale(x64):
    law = stable.Symmetric(1.5, 0.7)
    end = sde.euler(drifts.Linear(1.0), law, jnp.zeros(40_000), KEY, step_size=0.1, steps=20).state.value
    exact = theory.euler_scale(1.5, 1.0, 0.7, 0.1, 20)
    judge.statistical(1 + np.log(np.abs(end)) - theory.mean_log_abs(exact, 1.5), 1.0, spoil=1.04)


@pytest.mark.parametrize("step", [0.2, 1.6])
def test_stationary_law_with_a_brownian_part(x64, step):
    """Also where the scheme overshoots: E cos(uX) against the exact characteristic function."""
    law = stable.Sum((stable.Symmetric(1.6, 0.7), stable.Gaussian(np.sqrt(2) * 0.5)))
    end = sde.euler(drifts.Linear(1.0), law, jnp.zeros(30_000), KEY, step_size=step, steps=64).state.value
    u = np.array([0.5, 1.0, 2.0])
    size, variance = theory.euler_stationary_scale(1.6, 1.0, 0.7, step), theory.euler_brownian_variance(1.0, 0.5, step)
    exact = np.exp(-((size * u) ** 1.6) - u**2 * variance / 2)
    judge.statistical(np.cos(np.asarray(end)[:, None] * u), exact, spoil=1.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "drift, alpha",
    [(drifts.Linear(1.0), 1.2), (drifts.Tanh(1.0), 1.2), (drifts.Tanh(1.0), 1.8), (drifts.Clipped(1.0), 1.8)],
    ids=["linear-1.2", "tanh-1.2", "tanh-1.8", "clipped-1.8"],
)
def test_the_strong_order_is_one(x64, alpha, drift):
    """And not 1/alpha, by the mean logarithm of the gap to a grid 16 times finer than the finest of the ladder."""
    steps = np.array([16, 32, 64])
    gaps = grids(alpha, drift, 8_000, 16, (1, 2, 4, 64))
    accept_slope(1 / steps, np.log(np.abs(gaps)).T, 1.0, 0.1, 1 / alpha)


@pytest.mark.slow
@pytest.mark.parametrize(
    "drift, mean, error",
    [
        (drifts.Tanh(1.0), 0.008748370967131255, 2.16e-05),  # a loop in NumPy with the textbook sampler, 100,000 paths
        (drifts.Tanh(2.0, slope=3.0), 0.02073717024946204, 0.00012015191380899812),
    ],
    ids=["-tanh x", "-2 tanh 3x"],
)
def test_strong_error_of_a_bounded_drift(x64, drift, mean, error):
    """The mean distance of a grid of 32 steps to one of 512 against independent simulations."""
    gap = np.abs(grids(1.5, drift, 20_000, 32, (1, 16)))[0]
    combined(gap.mean(), gap.std() / np.sqrt(len(gap)), mean, error)


@pytest.mark.slow
def test_lost_fraction_of_the_double_well(x64):
    """Frozen, flagged, counted: against an independent generator, and against theory."""
    runs = 100_000
    state = sde.euler(
        drifts.DoubleWell(), stable.Symmetric(1.5), jnp.zeros(runs), KEY, step_size=0.01, steps=100, rows=True
    ).state
    assert np.all(np.isfinite(state.value)) and np.all(state.alive == (state.first_bad < 0))
    lost = np.asarray(~state.alive | (jnp.abs(state.value) > explosion.explosion_radius(0.01)), float)
    combined(lost.mean(), lost.std() / np.sqrt(runs), 0.00748, 0.0002724710920446424, spoil=1.3)
    judge.statistical(lost, explosion.lost_fraction(1.5, 1.0, 0.01, 100), spoil=1.3)


def chaos(alpha, kind, sizes, trials, steps=50, key=KEY):
    """Distances of particles to their limit (trials, particles, sizes), rate 1, coupling 2, to time 1."""
    counts = jnp.asarray([0, *sizes])

    def trial(index, key):
        start = jnp.zeros((sizes[-1], len(counts)))
        end = sde.euler(kind(1.0, 2.0, counts), stable.Common(index), start, key, step_size=1 / steps, steps=steps).state.value
        return end[:, 1:] - end[:, :1]

    run = jax.jit(lambda index, keys: jax.lax.map(lambda key: trial(index, key), keys, batch_size=10))
    return np.asarray(run(stable.index(alpha), jax.random.split(key, trials)))


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [1.2, 1.8])
def test_chaos_of_linear_interaction(x64, alpha):
    """Exact scale at every size; the slope is -(1 - 1/alpha), not -1/2."""
    sizes = [10, 80]
    logs = np.log(np.abs(chaos(alpha, drifts.LinearInteraction, sizes, 10_000)[:, 0]))
    exact = theory.mean_log_abs(particles.linear_chaos_euler_scale(alpha, 1.0, 2.0, 1.0, sizes, 1 / 50, 50), alpha)
    judge.statistical(1 + logs - exact, np.ones(2), spoil=1.1)
    accept_slope(sizes, logs, particles.linear_chaos_slope(alpha), 0.03, -0.5 if alpha < 1.7 else -0.7)


@pytest.mark.slow
def test_chaos_of_bounded_interaction(x64):
    """Slope -1/2 with the constant of the limit, at the sizes of the reference run."""
    sizes, trials = [20, 80, 320], 1000
    squares = chaos(1.5, drifts.BoundedInteraction, sizes, trials) ** 2
    inside = np.asarray(drifts.members(np.array(sizes), sizes[-1]))
    scaled = np.sum(np.where(inside, squares, 0), axis=1)
    rms, error = np.sqrt(scaled.mean(0)), scaled.std(0, ddof=1) / np.sqrt(trials) / (2 * np.sqrt(scaled.mean(0)))
    combined(rms[-1], error[-1], 0.9079748504753966, 0.0099683547614638)
    limit = particles.bounded_chaos_constant(1.5, 1.0, 2.0, 1.0, 1.0, draws=200_000, seed=113, steps=50)
    combined(limit.value, limit.error, 0.912190582922213, 0.0011898829611617242)
    judge.asymptotic(rms / limit.value - 1, np.hypot(error, limit.error) / limit.value, sizes, spoil=1.3)
    found = np.polyfit(np.log(sizes), np.log(rms) - np.log(sizes) / 2, 1)[0]
    assert abs(found + 0.5) <= 0.03 and abs(found + 1 / 3) > 0.1


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: OrnsteinUhlenbeck(0.0, 1.0, 1.0, 1.0, 8), "alpha: 0.0"),
        (lambda: OrnsteinUhlenbeck(1.5, 1.0, 1.0, 0.0, 8), "horizon: 0.0"),
        (lambda: OrnsteinUhlenbeck(1.5, 1.0, 1.0, 1.0, 8, -0.5), "brownian: -0.5"),
        (lambda: OrnsteinUhlenbeck(1.5, 1.0, 1.0, 1.0, 2.5), "finest: 2.5"),
        (lambda: BoundedDrift(1.5, 1.0, 1.0, 1.0, 8, "sign"), "drift: 'sign'"),
        (lambda: BoundedDrift(1j, 1.0, 1.0, 1.0, 8), "alpha: 1j"),
        (lambda: LinearChaos(2.1, 1.0, 1.0, 1.0, 1.0, 8), "alpha: 2.1"),
        (lambda: LinearChaos(1.5, 1.0, np.inf, 1.0, 1.0, 8), "coupling: inf"),
        (lambda: BoundedChaos(1.5, np.nan, 1.0, 1.0, 1.0, 8), "rate: nan"),
        (lambda: BoundedChaos(1.5, 1.0, 1.0, 1.0, 1.0, 0), "steps: 0"),
        (lambda: Explosion(1.5, -1.0, 1.0), "scale: -1.0"),
    ],
)
def test_bad_problems_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
