"""The best narrow networks against the slope of their target (guide/two_layer.md, Outputs of any sign).

With nonnegative outputs neurons stand on a cone about the slope. With outputs of any sign the cone is best up to a slope eta_c;
beyond it neurons are orthonormal, and one more turns its back to one of them.
"""

import numpy as np

from jaxprune.contracts import Finding
from jaxprune.judge import crossing
from jaxprune.problems import AffineTarget
from jaxprune.simulate import two_layer
from jaxprune.sweep import Experiment

NEURONS = [2, 3, 4, 6, 8]
DIM, RESTARTS = 8, 96  # one start in fifteen reaches the optimum of eight neurons where signs are free
METRICS = ("loss", "cosine", "cosine_sd", "tilt", "success", "negative", "gradient", "curvature", "curvature_error")


def make(eta, signs):
    return AffineTarget(DIM, eta, signs, RESTARTS)


def trial(key, problem):
    found = two_layer.trials.affine_trial(key, problem, NEURONS)
    return {name: found[name] for name in METRICS}


def findings(samples):
    """Where the cone is no longer the best: its loss meets that of free signs at the largest slope, which is a plateau."""
    stated = {}
    loss = samples["loss"].transpose("seed", "eta", "signs", "neurons").sortby("eta")
    for neurons in samples["neurons"].values:
        cone, free = (loss.sel(neurons=neurons, signs=signs).values for signs in ("nonnegative", "free"))
        found = crossing(samples["eta"].sortby("eta").values, cone - free[:, -1:], seed=0)
        stated[f"slope beyond which {neurons} neurons leave the cone"] = Finding(found.place, found.error)
    reached = samples["success"].sel(signs="nonnegative").values
    stated["smallest share of random starts that reach the cone"] = Finding(float(np.min(reached)))
    return stated


EXPERIMENT = Experiment(
    "cone",
    axes=dict(
        eta=[0.0, 0.2, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.85, 0.9, 0.95, 1.05, 1.2, 1.3, 1.5, 2.0],
        signs=["nonnegative", "free"],
    ),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(neurons=NEURONS),
    seeds=8,
    block=8,
    smoke=dict(eta=[0.0, 0.7, 1.0, 1.5], seeds=8),
    describe="loss, cosines and signs of the best narrow networks against the slope of an affine target",
)
