"""Loss against many more neurons than dimensions: infinitely many isotropic neurons compressed to M (the exact limit).

Their function is proportional to |x|, and M neurons are nodes of a quadrature rule of its cosine transform. The exponent of M
is expected to be -(d + 2)/(d - 1) in the end. Where M is large the best start lies some thousandths above the least loss, which
moves an exponent by about 0.002. Source: guide/two_layer.md, Many more neurons.
"""

from jaxprune.judge import estimates
from jaxprune.problems import Isotropic
from jaxprune.simulate.two_layer import Schedule, isotropic
from jaxprune.sweep import Experiment

RESTARTS, PLANE = 24, 128  # random starts, and in the plane, where they are cheap and reach the optimum less often
ROOM = 12  # the largest ``ratio`` that shares a program
SCHEDULE = Schedule(adam=300, newton=24, inner=32)


def neurons(dim, ratio):
    """Of a dimension and a ratio: an odd number in the plane."""
    return ratio * dim + 1


def make(dim, ratio):
    if dim < 2:
        raise ValueError(f"dim: {dim} has no exponent; use an integer >= 2")
    if ratio < 1:
        raise ValueError(f"ratio: {ratio} is no number of neurons per dimension; use an integer >= 1")
    room = neurons(dim, max(ratio, ROOM))
    return Isotropic(dim, neurons(dim, ratio), "limit", PLANE if dim == 2 else RESTARTS, room)


def trial(key, problem):
    best = isotropic.minima(key, problem, SCHEDULE).best()
    return {"loss": best.loss, "gradient": best.gradient}


def findings(samples):
    """Exponents of M in the smallest loss, in each dimension."""
    stated = {}
    for dim in samples["dim"].values.tolist():
        here = samples["loss"].sel(dim=dim).sortby("ratio").transpose("ratio", "seed")
        sizes = [neurons(dim, ratio) for ratio in here["ratio"].values.tolist()]
        stated[f"exponent of M from {sizes[0]} to {sizes[-1]}, d = {dim}"] = estimates.exponent(sizes, *here.values)
    return stated


EXPERIMENT = Experiment(
    "width_exponents",
    axes=dict(dim=[2, 3, 4, 5], ratio=[3, 4, 6, 8, 12]),
    make=make,
    trial=trial,
    findings=findings,
    seeds=8,
    block=8,
    smoke=dict(dim=[2], ratio=[3, 4, 6, 8]),
    describe="loss of M neurons in place of infinitely many, exponent of M for M much larger than d, with theory",
)
