"""What a model's risk looks like from its training sample: leave-one-out and GCV after pruning and retraining.

Beside the exact risks of the fit of n samples stand those of the fit of n - 1 (``*_less``): they are what leaving one
out of the whole pipeline estimates without bias. Leaving one out with the support held fixed, and GCV, do not know
that the support was chosen on the data. Source: guide/least_squares.md, Estimates of the risk from the sample.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune import spectra, teachers
from jaxprune.judge import estimates
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.simulate.least_squares.left_out import leave_one_out
from jaxprune.simulate.least_squares.risk_estimators import estimate
from jaxprune.simulate.platforms import each
from jaxprune.sweep import Experiment

WIDTH = [0.1, 0.3, 0.5, 0.7, 0.8, 0.96, 1.04, 1.2, 1.4, 2.0, 3.0, 4.0]
KEPT = [0.1, 0.3]
RIDGE = [0.0, 20.0]
RULES = dict(magnitude=pruning.magnitude)
HELD = 2**24  # numbers: steps of leaving one out that are held together, beyond which one width comes after another


def make(n, noise):
    if n % 50 or n < 1:
        raise ValueError(f"n: {n} is not a positive multiple of 50, which makes every width and kept count an integer")
    eigs = spectra.constant(4 * n)
    return LinearGaussian(eigs=eigs, teacher=teachers.power(eigs, 0.7), noise=noise, n=n)


def exact(problem, data, widths, kept, ridge, key, ending):
    """Exact risks of the dense (W,), pruned and retrained (W, R, K) models of one sample."""
    path = least_squares.min_norm_path(data, widths, ridge)
    return {f"{name}{ending}": value for name, value in pruning.risks(path, problem, RULES.values(), kept, key).items()}


def from_sample(problem, data, widths, kept, ridge, key):
    """The same from the sample alone."""
    fits = leave_one_out(data, widths, ridge, steps=len(widths) * data.features.size <= HELD)
    found = {"risk_whole": fits.loo, "risk_gcv": fits.gcv}
    by_rule = [estimate(fits, problem, rule, key, kept) for rule in RULES.values()]
    for model, parts in zip(("pruned_risk", "retrained_same"), zip(*by_rule, strict=True), strict=True):
        for kind in ("whole", "naive", "gcv"):
            found[f"{model}_{kind}"] = jnp.stack([getattr(part, kind) for part in parts], axis=1)
    return found


def trial(key, problem):
    sample, rule = jax.random.split(key)
    widths = [round(w * problem.n) for w in WIDTH]
    kept = [round(s * problem.n) for s in KEPT]
    data = least_squares.draw(problem, sample)
    less = least_squares.Data(data.features[:, 1:], data.target[1:])

    def one(ridge):
        return {
            **exact(problem, data, widths, kept, ridge, rule, ""),
            **exact(problem, less, widths, kept, ridge, rule, "_less"),
            **from_sample(problem, data, widths, kept, ridge, rule),
        }

    return each(one, jnp.asarray(RIDGE))


FAR = [w for w in WIDTH if not 0.9 < w < 1.1]  # from the threshold, where risks of seeds differ a hundredfold


def findings(samples):
    """Estimate over exact risk, of medians over seeds, without ridge: the least and the largest over the widths of ``FAR``."""
    here = samples.isel(n=-1, noise=-1).sel(ridge=0.0, width=FAR)
    exact, found = here["pruned_risk_less"].sel(rule="magnitude"), {}
    for kind, words in (("whole", "leave-one-out of all steps"), ("naive", "leave-one-out, support fixed")):
        known = here[f"pruned_risk_{kind}"].sel(rule="magnitude")
        for which in (np.min, np.max):
            pair = [v.transpose("seed", "width", "kept").values for v in (known, exact)]
            ratio = estimates.estimate(lambda a, b, w=which: w(np.median(a, axis=0) / np.median(b, axis=0)), *pair)
            found[f"{words}: {which.__name__.removeprefix('a')} of estimate over risk"] = ratio
    return found


EXPERIMENT = Experiment(
    "risk_estimators",
    axes=dict(n=[100], noise=[0.5]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(ridge=RIDGE, width=WIDTH, rule=list(RULES), kept=KEPT),
    seeds=200,
    block=10,
    smoke=dict(n=[50], seeds=10),
    describe="leave-one-out and GCV of dense, pruned and retrained models against their exact risks",
)
