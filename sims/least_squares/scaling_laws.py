"""Scaling laws: power-law eigenvalues and signal, risk against n, dense and pruned to half n.

Source: guide/least_squares.md, Scaling laws.

Eigenvalues i^-decay, energies eigs * teacher^2 = i^-energy, p = 4 n features. Without noise risks fall as powers of n,
with noise they do not.
"""

import jax

from jaxprune import spectra
from jaxprune.judge import estimates
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

WIDTH = [4.0]
KEPT = [0.5]
RULES = dict(magnitude=pruning.magnitude, hessian=pruning.hessian)


def make(n, decay, energy, noise):
    if n % 2 or n < 2:
        raise ValueError(f"n: {n} is not a positive even number, half of which is kept")
    dim = round(WIDTH[-1] * n)
    return LinearGaussian(spectra.power(dim, decay), spectra.power(dim, (energy - decay) / 2), noise, n)


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, RULES.values(), rule)
    return {"risk": problem.risk(path.coef), "pruned_risk": pruning.risk_surface(path, problem, order, kept)}


def findings(samples):
    """Exponents of the risk in n, without noise."""
    if 0.0 not in samples["noise"]:
        return {}
    here = samples.isel(decay=-1, width=0).sel(noise=0.0)
    sizes, stated = here["n"].values, {}
    for energy in here["energy"].values:
        point = here.sel(energy=energy)
        pruned = point["pruned_risk"].isel(kept=0).sel(rule="magnitude")
        for words, values in (("dense", point["risk"]), ("pruned", pruned)):
            stated[f"exponent of n, {words}, energy {energy:g}"] = estimates.exponent(
                sizes, *values.transpose("n", "seed").values
            )
    return stated


EXPERIMENT = Experiment(
    "scaling_laws",
    axes=dict(n=[100, 200, 400, 800], decay=[1.5], energy=[1.2, 2.0], noise=[0.0, 0.5]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    dims=dict(risk=["width"], pruned_risk=["width", "rule", "kept"]),
    seeds=40,
    block=10,
    smoke=dict(n=[50, 100], seeds=20),
    describe="risk of dense and pruned models against n, power-law spectra, with theory",
)
