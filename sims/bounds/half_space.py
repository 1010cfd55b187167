"""The bound of a half-space with heavy-tailed weights against the number of samples: what keeping the largest weights is worth.

Training errors are at their mean. Values that are kept are paid for, but as exact as they are; rounded ones need more bits the
heavier the tails, and bits that were chosen are paid for too. The least Occam-kl bound falls like a power of the number
of samples, (2 - alpha)/(2 + alpha), that of Hoeffding like (2 - alpha)/4. Source: guide/bounds.md, Half-space.
"""

import numpy as np

from jaxprune.judge import estimates
from jaxprune.problems import HalfSpace
from jaxprune.simulate.bounds import half_space
from jaxprune.sweep import Experiment

KEPT = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60, 75, 95, 120, 150, 190, 240, 300, 380, 480, 600, 800]
KEPT += [1000]  # as many as there are weights in the smallest problem
SAMPLES = [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000]
MANY = 30_000  # samples from which an exponent is read
TARGET = 0.1  # of the bound, whose number of samples is stated
NAMES = dict(bound_kl="Occam-kl", bound_gap="Hoeffding-Occam", coded_bound="Occam-kl, rounded")
ROOM = 1.3  # by which it must be passed on both sides


def make(tail_index, dim):
    return HalfSpace(tail_index=tail_index, dim=dim)


def trial(key, problem):
    return half_space.trial(key, problem, KEPT, SAMPLES)


def needed(bounds):
    """log10 of the samples at which the mean bound (samples,) of seeds (seeds, samples) is TARGET; NaN where it is not
    among them."""
    mean = np.log(np.mean(bounds, axis=0))
    return np.interp(-np.log(TARGET), -mean, np.log10(SAMPLES))


def findings(samples):
    """Exponents of the number of samples of both bounds, and how many samples a bound of 0.1 takes, by tail index."""
    stated, sizes = {}, np.asarray(samples["samples"].values)
    used = sizes >= MANY
    for dim in samples["dim"].values.tolist():
        for index in samples["tail_index"].values.tolist():
            here = samples.sel(dim=dim, tail_index=index)
            words = f"alpha {index:g}, d = {dim}"
            for metric, name in NAMES.items():
                values = here[metric].transpose("samples", "seed").values
                stated[f"exponent of m, {name}, {words}"] = estimates.exponent(sizes[used], *values[used], paired=True)
            bounds = here["bound_kl"].transpose("seed", "samples").values
            if bounds[:, 0].mean() > ROOM * TARGET and bounds[:, -1].mean() < TARGET / ROOM:
                stated[f"log10 of samples for a bound of {TARGET:g}, {words}"] = estimates.estimate(needed, bounds)
    return stated


EXPERIMENT = Experiment(
    "half_space",
    axes=dict(tail_index=[0.5, 1.0, 1.5], dim=[1000, 100_000]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(kept=KEPT, samples=SAMPLES),
    seeds=200,
    block=50,
    smoke=dict(tail_index=[1.0, 1.5], dim=[1000], seeds=50),
    describe="bounds of a half-space with heavy-tailed weights against the number of samples, and their exponents",
)
