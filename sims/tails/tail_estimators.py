"""Every estimator of a tail index on laws whose index is known, and whether two families of them contradict each other.

``inverse`` estimates 1/alpha, ``claimed`` is its stated standard error. Block sums are unbiased for stable laws and Hill's
estimate is for Pareto's, whatever the number of data: ``block_inverse`` and ``hill_inverse`` are judged. Nothing is
centred, so the shifted law shows what a shift does; ``rejected``: whether the centred sample is told from a stable law.
Source: guide/tails.md, A report.
"""

import jax
import jax.numpy as jnp

from jaxprune.problems import TailSample
from jaxprune.simulate.tails import extreme, samples, stable_fit, stable_model, tail_report
from jaxprune.sweep import Experiment

LAWS = {  # name: family, index, shift
    "stable 1.2": ("stable", 1.2, 0.0),
    "stable 1.5": ("stable", 1.5, 0.0),
    "stable 1.9": ("stable", 1.9, 0.0),
    "normal": ("stable", 2.0, 0.0),
    "stable 1.5, shifted by 1": ("stable", 1.5, 1.0),
    "Student 1.5": ("Student", 1.5, 0.0),
    "Student 3": ("Student", 3.0, 0.0),
    "Pareto 1.5": ("Pareto", 1.5, 0.0),
    "Lomax 1.5": ("Lomax", 1.5, 0.0),
}
MODELS = {
    "block sums": lambda x: stable_model.block_log_moment(x, 10),
    "log variance": stable_model.log_variance,
    "characteristic function": stable_model.characteristic,
    "quantiles": stable_model.quantiles,
    "participation": lambda x: stable_model.participation(x, 100),
}
EXTREMES = {
    "Hill": lambda x: extreme.hill(x, len(x) // 50),
    "moment": lambda x: extreme.moment(x, len(x) // 50),
    "de Haan": lambda x: extreme.de_haan(x, len(x) // 50),
    "Pickands": lambda x: extreme.pickands(x, len(x) // 25),
    "second to first": lambda x: extreme.second_to_first(x, 50),
}


def make(law, n):
    if law not in LAWS:
        raise ValueError(f"law: {law!r} is not one of {', '.join(LAWS)}")
    family, index, shift = LAWS[law]
    return TailSample(index=index, family=family, n=n, shift=shift)


def trial(key, problem):
    sample, shuffle = jax.random.split(key)
    x = samples.draw(problem, sample)
    found = {name: estimate(x) for name, estimate in {**MODELS, **EXTREMES}.items()}
    found["released aggregate"] = stable_model.aggregate(x, shuffle, compat="released-code")
    columns = {f: jnp.stack([getattr(e, f) for e in found.values()]) for f in ("inverse", "inverse_error", "valid")}
    contradiction = tail_report.disagree(found["block sums"], found["moment"])
    return dict(
        block_inverse=found["block sums"].inverse,
        hill_inverse=found["Hill"].inverse,
        inverse=columns["inverse"],
        claimed=columns["inverse_error"],
        valid=columns["valid"].astype(x.dtype),
        disagree=contradiction.astype(x.dtype),
        rejected=stable_fit.fit(extreme.centred(x)).rejected.astype(x.dtype),
    )


EXPERIMENT = Experiment(
    "tail_estimators",
    axes=dict(law=list(LAWS), n=[10000]),
    make=make,
    trial=trial,
    inner=dict(estimator=[*MODELS, *EXTREMES, "released aggregate"]),
    seeds=100,
    block=10,
    smoke=dict(n=[1000], seeds=10),
    describe="estimators of the tail index on stable, Student, Pareto and shifted laws; who contradicts whom; what is rejected",
)
