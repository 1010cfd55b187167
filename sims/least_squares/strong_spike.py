"""Strong spikes: large then pruned against small, as the energy of the tail grows (guide/least_squares.md, Strong spikes).

Half n features have a variance a million times that of the others. The large model fits all 2 n features and keeps the
spikes; the small one is fitted to the spikes alone. Both see the same draws at every tail energy, so that the difference
tells where they cross.
"""

import jax
import numpy as np

from jaxprune import spectra
from jaxprune.contracts import Finding
from jaxprune.judge import crossing
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment

SPIKE = 1e6
WIDTH = [0.5, 2.0]
KEPT = [0.5]
RULES = dict(hessian=pruning.hessian, oracle=pruning.oracle)


def make(n, tail, noise):
    if n % 2 or n < 4:
        raise ValueError(f"n: {n} is not an even number >= 4, half of which are spikes")
    head = np.arange(2 * n) < n // 2
    eigs = spectra.spiked(2 * n, count=n // 2, height=SPIKE)
    energy = np.where(head, 1.0 / (n // 2), tail / (2 * n - n // 2))  # the spikes' own energy, 1, drops out
    return LinearGaussian(eigs=eigs, teacher=np.sqrt(energy / eigs), noise=noise, n=n)


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, RULES.values(), rule)
    return {"risk": problem.risk(path.coef), "pruned_risk": pruning.risk_surface(path, problem, order, kept)}


def located(samples):
    """The crossing of large and small at every n, from differences on common draws; sizes without one are left out."""
    large = samples["pruned_risk"].sel(width=WIDTH[1], rule="oracle", kept=KEPT[0])
    gain = (large - samples["risk"].sel(width=WIDTH[0])).transpose("n", "seed", "tail").sortby("tail")
    found = {}
    for n in sorted(samples["n"].values.tolist()):
        try:
            found[n] = crossing(gain["tail"].values, gain.sel(n=n).values, seed=0)
        except ValueError:  # a quick run: too few seeds to tell the sign
            continue
    return found


def limit(found):
    """The crossing at 1/n = 0 and its standard error: a straight line in 1/n, weighted by the errors."""
    x = 1 / np.array(list(found), float)
    weight = 1 / np.array([max(c.error, 1e-12) for c in found.values()])
    rows = np.stack([weight, weight * x], axis=1)
    inverse = np.linalg.inv(rows.T @ rows)
    places = np.array([c.place for c in found.values()])
    return Finding((inverse @ rows.T @ (weight * places))[0], np.sqrt(inverse[0, 0]))


def findings(samples):
    found = located(samples.isel(noise=-1))
    stated = {f"energy of the tail from which large beats small, n = {n}": Finding(c.place, c.error) for n, c in found.items()}
    return stated | ({"the same, n to infinity": limit(found)} if len(found) > 1 else {})


EXPERIMENT = Experiment(
    "strong_spike",
    axes=dict(n=[50, 100, 200], tail=[0.05, 0.2, 0.35, 0.5, 0.65, 0.8], noise=[0.5]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(width=WIDTH, rule=list(RULES), kept=KEPT),
    dims=dict(risk=["width"], pruned_risk=["width", "rule", "kept"]),
    seeds=1500,
    block=50,
    share=["tail"],
    smoke=dict(n=[50, 100], tail=[0.05, 0.35, 0.8], seeds=100),
    describe="strong spikes: large then pruned against small, and the tail energy at which they cross",
)
