"""Risk against the number of random features. Lines: the Gaussian equivalent on a fine grid; markers: simulation."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.predictions import TAIL
from jaxprune.theory import random_features
from jaxprune.theory.least_squares import correlated, sampled
from sims.random_features import random_feature_regression as sim

DRAWS, FEATURES = 5, 2000  # draws of the features for a point of a line, fewer where they are many
POINTS = 32

# metric, rule, which kept count, label, look, line of theory
LEFT = [
    ("risk", None, None, "dense", 6, "risk"),
    ("pruned_risk", "magnitude", 0, "MP", 0, "pruned_risk"),
    ("pruned_risk", "magnitude", 1, "MP", 1, "pruned_risk"),
    ("retrained_fresh", "magnitude", 0, "MP + RT, fresh data", 4, "retrained_fresh"),
    ("retrained_fresh", "magnitude", 1, "MP + RT, fresh data", 5, "retrained_fresh"),
]
RIGHT = [
    ("retrained_same", "random", 0, "random + RT, same data", 7, None),
    ("retrained_same", "magnitude", 0, "MP + RT, same data", 2, None),
    ("retrained_fresh", "magnitude", 0, "MP + RT, fresh data", 4, "retrained_fresh"),
    ("retrained_same", "magnitude", 1, "MP + RT, same data", 3, None),
    ("retrained_fresh", "magnitude", 1, "MP + RT, fresh data", 5, "retrained_fresh"),
]
TITLES = ("(a) pruned, and retrained on fresh data", "(b) retrained on the same or on fresh data")

SHOWN = dict(n=style.last, noise=style.last, d_in=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Two panels at the last value of every axis: dense, pruned and retrained; and retraining on the same or fresh data."""
    here = style.shown(samples, SHOWN)
    problem = sim.make(int(here["n"]), float(here["noise"]), int(here["d_in"]))
    kept = [int(s) for s in here["kept"].values]
    lines = curves(problem, grid(int(here["width"].min()), problem.dim, problem.n), kept)
    null = float(np.sum(problem.teacher**2) + problem.noise**2)
    with style.paper():
        figure, axes = plt.subplots(1, 2, figsize=(style.FULL, 3.4))
        for ax, entries, title in zip(axes, (LEFT, RIGHT), TITLES, strict=True):
            for metric, rule, at, label, look, line in entries:
                label = label if at is None else f"{label}, $s={kept[at]}$"
                markers(ax, here, metric, rule, None if at is None else kept[at], look, label)
                if line:
                    ax.plot(lines["width"], lines[line][:, at] if at is not None else lines[line], color=style.COLOURS[look])
            ax.axvline(problem.n, color="0.6", lw=0.8, ls=":")
            ax.axhline(null, color="0.6", lw=0.8, ls="-.")
            ax.set(xscale="log", yscale="log", xlabel="number of features $p$", ylabel="risk")
            style.ticks(ax.xaxis, most=5)
            ax.set_title(title, loc="left")
        axes[0].set_ylim(0.8 * float(lines["risk"][np.isfinite(lines["risk"])].min()), 14)
        axes[1].set_ylim(0.42, 2.5)
        for ax in axes:
            style.ticks(ax.yaxis)
        title = (
            f"$n={problem.n}$, $d_\\mathrm{{in}}={problem.d_in}$, $\\sigma={problem.noise:g}$; line: theory (none for the same "
            "data), marker: simulation, bars: 95 %, dash-dotted: null risk"
        )
        found = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=4, title=title)
    return figure


def grid(low: int, high: int, n: int) -> list[int]:
    """Widths of the lines, closer together about p = n."""
    near = n * (1 + np.array([-0.2, -0.12, -0.07, -0.04, 0, 0.04, 0.07, 0.12, 0.2]))
    widths = np.concatenate([np.geomspace(low, high, POINTS), near])
    return [int(p) for p in np.unique(np.round(widths)) if low <= p <= high]


def curves(problem, widths: list[int], kept: list[int], activation: str = "relu") -> dict[str, Any]:
    """Theory at every width, averaged over nested draws of the features: ``risk`` (W,), ``pruned_risk`` and
    ``retrained_fresh`` (W, K) of magnitude pruning. NaN where a risk is infinite, and below a kept count."""
    found: dict[int, list] = {p: [] for p in widths}
    for seed in range(DRAWS):
        some = [p for p in widths if seed < _draws(p)]
        if some:
            moments = _moments(problem, some[-1], seed, activation)
            for p in some:
                found[p].append(_point(random_features.project(moments, p), problem.n, kept))
    means = [[np.mean(part, axis=0) for part in zip(*found[p], strict=True)] for p in widths]
    width = np.asarray(widths, float)
    risk, *sparse = (np.where(np.isfinite(part), part, np.nan) for part in map(np.stack, zip(*means, strict=True)))
    pruned, fresh = (np.where(width[:, None] >= kept, part, np.nan) for part in sparse)
    return {"width": width, "risk": risk, "pruned_risk": pruned, "retrained_fresh": fresh}


def _moments(problem, dim: int, seed: int, activation: str):
    rng = np.random.default_rng([seed, problem.n])  # a stream of its own: the teacher's neurons are no features
    weights = rng.standard_normal((dim, problem.d_in)) / np.sqrt(problem.d_in)
    inner = None if problem.inner is None else np.asarray(problem.inner)
    return random_features.moments(weights, np.asarray(problem.teacher), float(problem.noise), activation, inner)


def _draws(width: int) -> int:
    return int(np.clip(FEATURES // width, 2, DRAWS))


def _point(same: tuple[Any, Any, float], n: int, kept: list[int]):
    """The three predictions at one width; a count above the width keeps all."""
    covariance, teacher, noise = same
    counts = np.minimum(kept, len(teacher))
    pruned = correlated.pruned_risk(covariance, teacher, noise, n, counts, method="series")
    draws = 400 // _draws(len(teacher))
    fresh = np.full(len(counts), np.inf)  # as it is where n coefficients are refitted
    some = counts != n
    fresh[some] = sampled.retrained_risk(covariance, teacher, noise, n, counts[some], draws=draws, seed=0).value
    return correlated.risk(covariance, teacher, noise, n), pruned, fresh


def markers(ax, here: xr.Dataset, metric: str, rule: str | None, kept: int | None, look: int, label: str | None) -> None:
    """Means with bands; medians (filled) where the mean or its standard error does not exist."""
    values = here[metric] if rule is None else here[metric].sel(rule=rule, kept=kept)
    values = values.where(values["width"] >= (kept or 0), drop=True)
    size = values["width"] if not metric.startswith("retrained") else xr.full_like(values["width"], kept or 0)
    heavy = (abs(size - here["n"]) <= TAIL).values
    style.markers(ax, values["width"], values, heavy, look, label)
