"""The papers' pruning ratio of a layer that holds noise of three types, against width and index.

A Gaussian control of the same type tells what heavy tails add: noise of type I is one number per neuron and can be pruned
even when it is Gaussian. The ratio does not set_checked as the layer grows: its distribution stays wide (guide/compression.md,
Pruning ratio). Widths are far apart, so that extrapolation to infinite width costs few seeds.
"""

from jaxprune.problems import StableLayer
from jaxprune.simulate import stable
from jaxprune.simulate.compression import compressibility
from jaxprune.sweep import Experiment

DIM = 64


def make(n, alpha, noise):
    return StableLayer(alpha, n, 1 if noise == "I" else DIM, noise)  # of type I all weights of a neuron are equal


def trial(key, problem):
    law = stable.neuron_noise(problem.noise, problem.alpha)
    weights = law.sample(key, (problem.n, problem.dim))
    return {
        "pruning_ratio": compressibility.pruning_ratio(weights),
        "participation": compressibility.participation(weights),
    }


EXPERIMENT = Experiment(
    "pruning_ratio",
    axes=dict(n=[200, 1000, 5000], alpha=[1.75, 1.8, 1.9, 2.0], noise=["I", "II", "III"]),
    make=make,
    trial=trial,
    seeds=1000,
    share=("alpha",),
    block=50,
    precision="float32",
    smoke=dict(n=[200, 400], alpha=[1.75, 2.0], noise=["I", "III"], seeds=50),
    describe="distribution of the pruning ratio of pure noise of three types, with Gaussian controls",
)
