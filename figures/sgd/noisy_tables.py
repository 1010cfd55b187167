"""Training under noise: the papers' table beside the distribution of the pruning ratio, one row per noise."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

COLUMNS = {
    "train_accuracy": "train\nacc.",
    "test_accuracy": "test\nacc.",
    "pruning_ratio": "pruning\nratio",
    "pruned_train_accuracy": "train acc.\nafter pr.",
    "pruned_test_accuracy": "test acc.\nafter pr.",
    "functional_error": "functional\nerror",
}
PITCH = 0.19  # height of a row in inches
REASONS = ("steps", "accuracy", "not finite", "chance")


def last(here: xr.Dataset, sim: Any) -> tuple[dict[str, Any], Any]:
    """The value of every axis, the last one of those that are rows, and the problem there."""
    axes = {d: np.ravel(here[d].values).tolist()[-1] for d in sim.EXPERIMENT.axes}
    return axes, sim.make(**axes)


def table(here: xr.Dataset, heading: str, note: str, endings: bool = False) -> Figure:
    """Rows: none, then every type at every alpha, largest first. Means over seeds with standard deviations in brackets;
    a filled circle is the median of the ratio, an open one its mean, a bar a single seed. ``note`` stands below the
    numbers, with the count of seeds. ``endings``: also how many steps were made, and what ended the runs."""
    rows = _rows(here)
    top, bottom = -2.2, len(rows) - 0.4
    with style.paper():
        height = 1.0 + PITCH * (bottom - top)  # title, axis and legend, then a row's height for every row
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, height), sharey=True, width_ratios=[3.5 + endings, 1.2])
        _numbers(left, here, rows, endings)
        _ratios(right, here, rows)
        right.set_ylim(bottom, top)
        right.spines["left"].set_bounds(-0.5, bottom)
        left.text(0, bottom + 0.4, f"{_seeds(here)}\n{note}", ha="left", va="top", fontsize=7, linespacing=1.3)
        figure.legend(
            *right.get_legend_handles_labels(), loc="outside lower right", ncols=3, handletextpad=0.2, columnspacing=1
        )
        figure.suptitle(heading)
    return figure


def _seeds(samples: xr.Dataset) -> str:
    """What the numbers are, and of how many seeds."""
    count = samples.sizes["seed"]
    few = "" if count >= 20 else ", too few for a claim about ratios"
    return f"Means (standard deviations) over {count} seed{'s' * (count > 1)}{few}."


def _rows(here: xr.Dataset) -> list[tuple[str, float]]:
    alphas = sorted(here["alpha"].values.tolist(), reverse=True)
    return [(n, a) for n in here["noise"].values.tolist() for a in (alphas[:1] if n == "none" else alphas)]


def _ratios(ax: Any, here: xr.Dataset, rows: list[tuple[str, float]]) -> None:
    for y, (noise, alpha) in enumerate(rows):
        ratios = here["pruning_ratio"].sel(noise=noise, alpha=alpha).dropna("seed").values
        colour = style.NOISE[noise]
        ax.plot(ratios, np.full(len(ratios), y), "|", color=colour, ms=5, mew=0.7)
        if len(ratios):
            ax.plot(np.median(ratios), y, "o", color=colour)
            ax.plot(np.mean(ratios), y, "o", color=colour, mfc="white", mew=0.8)
    ax.set(xlim=(0, 1.02), xlabel="pruning ratio")
    ax.tick_params(axis="y", left=False, labelleft=False)
    ax.plot([], [], "o", color="k", label="median")
    ax.plot([], [], "o", color="k", mfc="white", mew=0.8, label="mean")
    ax.plot([], [], "|", color="k", label="one seed")


def _numbers(ax: Any, here: xr.Dataset, rows: list[tuple[str, float]], endings: bool) -> None:
    places = 0.17 + 0.84 * np.arange(len(COLUMNS) + endings) / (len(COLUMNS) + endings) + 0.06
    look: dict[str, Any] = dict(ha="center", va="center", fontsize=7)
    ax.set(xlim=(0, 1.02))
    ax.axis("off")
    titles = ["noise", "$\\alpha$", *COLUMNS.values(), *["steps,\nended by"] * endings]
    for x, title in zip([0.03, 0.12, *places], titles, strict=True):
        ax.text(x, -1.35, title, **look)
    for y, (noise, alpha) in enumerate(rows):
        if y == 0 or noise != rows[y - 1][0]:
            ax.axhline(y - 0.5, color="0.6", lw=0.4)
        ax.text(0.03, y, noise, **look)
        ax.text(0.12, y, "–" if noise == "none" else f"{alpha:g}", **look)
        row = here.sel(noise=noise, alpha=alpha)
        for x, name in zip(places, COLUMNS, strict=False):
            ax.text(x, y, _mean(row[name].values), **look)
        if endings:
            ax.text(places[-1], y, _ended(row), **look)


def _mean(values: np.ndarray) -> str:
    seen = values[np.isfinite(values)]
    if len(seen) < 2:
        return f"{seen[0]:.3f} (–)" if len(seen) else "–"
    return f"{np.mean(seen):.3f} ({np.std(seen, ddof=1):.3f})"


def _ended(row: xr.Dataset) -> str:
    """The mean number of steps and every reason with its share."""
    reasons = row["stopped_because"].dropna("seed").values.astype(int)
    shares = [f"{name} {np.mean(reasons == i):.0%}" for i, name in enumerate(REASONS) if np.any(reasons == i)]
    return f"{float(row['steps'].mean()):.0f}, " + ", ".join(s.removesuffix(" 100%") for s in shares)
