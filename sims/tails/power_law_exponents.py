"""What a fitted power law says of laws whose tail index is known: of entries, and of the spectrum of their matrix.

``tail_index``: that of the fit by Kolmogorov's distance (Clauset, Shalizi and Newman), of the entries and of the squared
singular values, whose own is half that of the entries in the limit, for an index below 2. ``claimed``: its standard error.
``tail_share``: the share of the data at or above the chosen xmin; ``failed``: 1 where the fit failed. Pareto's law is a power
law throughout, Student's only in the limit, stable ones (index below 2) later still.

The choice of xmin is biased. On Pareto entries the spread between samples is above what a fit claims, since xmin is chosen. On
Student's law the fit reaches too far down, and so reads too small an index, the more so the larger it is, with twice the
spread that is claimed. The spectrum reads about half the index up to 1, and twice that and more at 3 and 4, where the bulk is
read as a tail.
Source: guide/tails.md, Fitted power laws.
"""

import jax.numpy as jnp
import numpy as np

from jaxprune.contracts import Metric
from jaxprune.judge import estimates
from jaxprune.problems import TailSample
from jaxprune.simulate.tails import power_law, samples, spectral_fit
from jaxprune.sweep import Experiment

DATA = ["entries", "spectrum"]


def make(family, index, side):
    return TailSample(index=index, family=family, n=side**2)


def trial(key, problem):
    x = samples.draw(problem, key)
    side = round(problem.n**0.5)
    found = [power_law.fit(jnp.abs(x)), spectral_fit.fit(x.reshape(side, side)).fit]
    columns = dict(
        tail_index=[f.tail_index for f in found],
        claimed=[f.tail_index_error for f in found],
        tail_share=[f.tail_count / f.count for f in found],
        failed=[jnp.where(f.failed > 0, 1.0, 0.0) for f in found],
    )
    return {name: jnp.stack(values) for name, values in columns.items()}


def findings(samples):
    """At the largest matrix: mean index of the entries over the true one, the spread between samples over the claimed error,
    and the mean index of the spectrum over half the true one."""
    here, stated = samples.isel(side=-1), {}
    for family in here["family"].values:
        for index in here["index"].values:
            place = here.sel(family=family, index=index)
            entries, claimed = (place[name].sel(data="entries").values for name in ("tail_index", "claimed"))
            words = f"{family}, tail index {index:g}"
            spectrum = place["tail_index"].sel(data="spectrum").values
            stated[f"spectrum over half the truth, {words}"] = estimates.mean(spectrum / (index / 2))
            if family == "Pareto" and index != here["index"].values[0]:
                continue  # the same draws to a power: the ratios are the same numbers
            stated[f"entries over the truth, {words}"] = estimates.mean(entries / index)
            stated[f"spread over claimed error, {words}"] = estimates.estimate(
                lambda x, e: np.std(x, ddof=1) / np.mean(e), entries, claimed
            )
    return stated


EXPERIMENT = Experiment(
    "power_law_exponents",
    axes=dict(family=["Pareto", "Student"], index=[0.75, 1.0, 1.5, 2.0, 3.0, 4.0], side=[100]),
    make=make,
    trial=trial,
    findings=findings,
    inner=dict(data=DATA),
    seeds=50,
    share=("index",),
    block=10,
    smoke=dict(index=[1.0, 3.0], side=[30], seeds=10),
    metrics=[
        Metric("tail_index", "tail index of the fit"),
        Metric("claimed", "its standard error, xmin taken as given"),
        Metric("tail_share", "share of the data at or above xmin"),
        Metric("failed", "fits that failed"),
    ],
    describe="fitted power laws of entries and of spectra against the tail index: bias and spread",
)
