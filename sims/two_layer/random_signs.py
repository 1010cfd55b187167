"""Output signs that a coin has drawn and training keeps (guide/two_layer.md, Outputs of any sign).

Neurons of the wrong sign die, and a simplex of the others is left: the loss is that of as many neurons as heads.
"""

from jaxprune.problems import AffineTarget
from jaxprune.simulate import two_layer
from jaxprune.sweep import Experiment

NEURONS = [1, 2, 3, 4, 6]


def make(eta, dim):
    return AffineTarget(dim, eta, "random", 1)


def trial(key, problem):
    return {"loss": two_layer.trials.affine_trial(key, problem, NEURONS)["loss"]}


EXPERIMENT = Experiment(
    "random_signs",
    axes=dict(eta=[0.0], dim=[6]),
    make=make,
    trial=trial,
    inner=dict(neurons=NEURONS),
    seeds=2000,
    block=100,
    smoke=dict(seeds=100),
    describe="where training ends from random output signs that it keeps",
)
