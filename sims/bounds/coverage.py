"""How often bounds fail, and how often those do that leave out what was chosen after the data.

Two cases: the best of many classifiers on labels that are fair coins, paid with the log of their number or as one; and a
half-space of few features, chosen for their correlation with the labels, whose code says which they are or does not. Above 0
a bound has failed. Source: guide/bounds.md, Coverage.
"""

from jaxprune.contracts import Certificate, Finding, Metric
from jaxprune.judge import count_failures, estimates
from jaxprune.problems import ChosenClassifier, LearntHalfSpace
from jaxprune.simulate.bounds import coverage
from jaxprune.sweep import Experiment

DELTA = 0.05
KEPT = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
CASES = ("chosen", "noise", "half-space")
METRICS = (
    Metric("occam_kl", "risk less the Occam-kl bound"),
    Metric("occam_gap", "risk less the Hoeffding-Occam bound"),
    Metric("unpaid", "risk less the Occam-kl bound that leaves out what was chosen"),
)
CLAIMS = dict(occam_kl="Occam-kl", occam_gap="Hoeffding-Occam", unpaid="what was chosen left out")


def make(case, m):
    if case not in CASES:
        raise ValueError(f"case: {case!r} is unknown; use one of {', '.join(CASES)}")
    if case == "chosen":
        return ChosenClassifier(classifiers=10_000, samples=m, delta=DELTA)
    return LearntHalfSpace(
        tail_index=1.0, dim=100, samples=m, flipped=0.5 if case == "noise" else 0.1, delta=DELTA, value_bits=1
    )


def trial(key, problem):
    if isinstance(problem, ChosenClassifier):
        found = coverage.chosen(key, problem)
        return {"occam_kl": found["occam_kl"], "occam_gap": found["occam_gap"], "unpaid": found["paid_as_one"]}
    found = coverage.learnt(key, problem, KEPT)
    return {"occam_kl": found["occam_kl"], "occam_gap": found["occam_gap"], "unpaid": found["values_only"]}


def findings(samples):
    """The share of data sets on which every bound fails, and whether chance allows so many at the stated probability."""
    stated = {}
    for case in samples["case"].values.tolist():
        for m in samples["m"].values.tolist():
            for metric, words in CLAIMS.items():
                excess = samples[metric].sel(case=case, m=m)
                name = f"{words}, {case}, m = {m}"
                stated[f"failures of {name}"] = estimates.mean((excess > 0).astype(float))
                counted = count_failures(Certificate("risk less the bound", 0.0, DELTA), excess.values)
                stated[f"holds: {name}"] = Finding(float(counted.holds))
    return stated


EXPERIMENT = Experiment(
    "coverage",
    axes=dict(case=list(CASES), m=[50, 100]),
    make=make,
    trial=trial,
    findings=findings,
    metrics=METRICS,
    seeds=400,
    block=100,
    smoke=dict(case=["chosen", "noise"], m=[50], seeds=100),
    describe="failures of bounds that pay for what was chosen after the data, and of their twins that do not",
)
