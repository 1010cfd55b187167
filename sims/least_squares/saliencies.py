"""Which coefficient may go when features are correlated? (guide/least_squares.md, Saliencies for correlated features.)

Autoregressive features of unequal variances, a teacher of six active groups of ten neighbours, one width p = 300
learnt from n = 150. Scores: magnitude, hessian, the surgeon's saliency (obs) and its greedy form, magnitude of groups
of five and of ten. What is left is kept as it is (``pruned``), lets the kept coefficients answer for the pruned ones
(``compensated``), or is refitted on the training sample (``retrained``). ``iterative`` prunes by magnitude and refits,
in rounds; schedules that end a round near n = 150 features pass through the interpolation threshold.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import spectra
from jaxprune.judge import estimates
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning, saliency
from jaxprune.simulate.least_squares import rounds as iterative
from jaxprune.sweep import Experiment

DIM, N = 300, 150
KEPT = [10, 20, 30, 40, 60, 80, 100, 120, 180, 240, 300]
ROUNDS = ["1 round", "3 rounds", "10 rounds", "leap, 5 rounds"]
RULES = {
    "magnitude": pruning.magnitude,
    "hessian": pruning.hessian,
    "obs": saliency.obs,
    "obs_greedy": saliency.obs_greedy,
    "groups of 5": pruning.grouped(pruning.magnitude, 5),
    "groups of 10": pruning.grouped(pruning.magnitude, 10),
}


def make(rho, noise):
    scale = np.sqrt(spectra.power(DIM, 0.5, 10.0))
    covariance = spectra.ar1(DIM, rho) * np.outer(scale, scale)
    index = np.arange(DIM)
    teacher = np.where(index % 50 < 10, np.cos((index + 1.0) ** 2), 0.0)
    return LinearGaussian.from_covariance(covariance, teacher / np.sqrt(teacher @ covariance @ teacher), noise, N)


def schedules():
    """Geometric ones of 1, 3 and 10 rounds, and one whose first round leaps over the threshold, to half of n."""
    low = np.maximum(N // 2, KEPT)[:, None]
    leap = np.rint(low * (np.array(KEPT)[:, None] / low) ** (np.arange(5) / 4)).astype(int)
    return [*(iterative.geometric([DIM], KEPT, rounds) for rounds in (1, 3, 10)), leap[None]]


def trial(key, problem):
    sample, rule = jax.random.split(key)
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, [DIM])
    order = pruning.ranking(path, problem, RULES.values(), rule)
    return {
        "dense": problem.risk(path.coef)[0],
        "pruned": pruning.risk_surface(path, problem, order, KEPT)[0],
        "compensated": saliency.compensated_surface(path, problem, order, KEPT)[0],
        "retrained": pruning.retrained_surface(data, problem, order, [DIM], KEPT)[0],
        "iterative": problem.risk(
            jnp.concatenate([iterative.iterative_path(path, problem, s, pruning.magnitude, rule) for s in schedules()])
        ),
    }


def findings(samples):
    here, few = samples.isel(noise=-1, rho=-1), KEPT[0]
    rho = f"correlation {float(here['rho'])}"
    stated = {
        f"dense, {rho}": estimates.mean(here["dense"]),
        f"{few} kept by magnitude, {rho}": estimates.mean(here["pruned"].sel(rule="magnitude", kept=few)),
        f"{few} kept by the greedy surgeon, compensated, {rho}": estimates.mean(
            here["compensated"].sel(rule="obs_greedy", kept=few)
        ),
    }
    at_once = here["iterative"].sel(rounds="1 round", kept=few).values
    for rounds in ROUNDS[1:]:
        worse = estimates.mean(here["iterative"].sel(rounds=rounds, kept=few).values - at_once)
        stated[f"risk in {rounds} less that at once, {few} kept, {rho}"] = worse
    return stated


EXPERIMENT = Experiment(
    "saliencies",
    axes=dict(rho=[0.0, 0.5, 0.8, 0.95], noise=[0.3]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(rule=list(RULES), rounds=ROUNDS, kept=KEPT),
    dims=dict(pruned=["rule", "kept"], compensated=["rule", "kept"], retrained=["rule", "kept"], iterative=["rounds", "kept"]),
    seeds=100,
    block=10,
    smoke=dict(rho=[0.8], seeds=4),
    describe="risk against kept count for saliencies of correlated features, with compensation, in groups, in rounds",
)
