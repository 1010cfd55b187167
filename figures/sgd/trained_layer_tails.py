"""Layers that plain descent has trained: tail indices beside controls, what can be pruned, and whether tails explain it."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import compression as theory
from sims.sgd import trained_layer_tails as sim

SHOWN = dict(data=style.last, depth=style.last, width=style.last, tested=style.last)
LEARNT, FEWEST = 1, 5  # stopped_because, where the training accuracy was reached; runs that make a median
SERIES = [  # weights, estimator, colour, label
    ("trained", "block sums", style.BLUE, "trained: block sums"),
    ("trained", "moment", style.RED, "trained: moment"),
    ("equal norms", "block sums", style.GREEN, "control: block sums"),
]
LINES = {"equal variance": (style.GREY, "--", "Gaussian"), "at the start": (style.BLACK, ":", "at the start")}
RULES = {"entries": style.PURPLE, "nodes": style.ORANGE, "singular values": style.SKY}
TITLES = {"first": "first layer", "middle": "layers between", "last": "last layer"}
ALPHAS = [3, 2.5, 2, 1.8, 1.6, 1.4]
TOP, POINTS = 0.74, 12  # of 1/alpha
AXIS = "step size / batch size"


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Above: 1/alpha of the entries against step size / batch size. Below: the pruned share of the entries against 1/alpha, a
    dot for each layer of each run, beside what stable laws predict; pruned shares; accuracies; the generalisation gap.
    Medians, with 95 % intervals, over the runs that learnt the training set. The control: Gaussian numbers with the norms of
    the layer's rows and columns. A negative pruned share: the factors of a matrix need more room than the matrix."""
    here = style.shown(samples, SHOWN)
    learnt = here.where(here["stopped_because"] == LEARNT)
    with style.paper():
        figure, axes = plt.subplots(2, 4, figsize=(style.FULL, 5.0), height_ratios=(1.35, 1))
        for ax, layer, letter in zip(axes[0], TITLES, "abc", strict=False):
            _indices(ax, learnt.sel(layer=layer), f"({letter}) {TITLES[layer]}")
        axes[0, 0].set_ylabel("$1/\\alpha$", labelpad=0)
        axes[0, 1].set_xlabel(AXIS)
        _key(axes[0, 3], axes[0, 0], here)
        _shares(axes[1, 0], learnt, _sizes(here))
        _removed(axes[1, 1], learnt)
        _accuracies(axes[1, 2], learnt)
        _gap(axes[1, 3], learnt)
        figure.suptitle(_heading(here), fontsize=8)
    return figure


def _heading(here: xr.Dataset) -> str:
    """What was trained."""
    return (
        f"{here['data'].item()}: {int(here['depth'])} weight matrices, {int(here['width'])} units a layer, constant step size, "
        f"iterates averaged over {sim.AVERAGED} steps, {here.sizes['seed']} seeds"
    )


def _indices(ax: Any, here: xr.Dataset, title: str) -> None:
    batches = here["batch"].values.tolist()
    nudge = 0.012 * float(np.max(here["ratio"]))
    for row, (weights, estimator, colour, label) in enumerate(SERIES):
        for index, batch in enumerate(batches):
            values = here["inverse"].sel(weights=weights, estimator=estimator, batch=batch)
            place = nudge * style.beside(row * len(batches) + index, len(SERIES) * len(batches))
            _median(ax, here["ratio"] + place, values, colour, index, f"{label}, $b={batch}$")
    for weights, (colour, line, label) in LINES.items():
        middle = float(here["inverse"].sel(weights=weights, estimator="block sums").median())
        ax.axhline(middle, color=colour, ls=line, lw=0.9, label=f"{label}: block sums", zorder=1)
    ax.axhspan(0.5, TOP, color="0.94", lw=0, zorder=0, label="stable laws, $\\alpha<2$")
    ax.set(ylim=(-0.42, TOP), xlim=(0, None))
    ax.set_title(title, loc="left")
    other = ax.secondary_yaxis("right")
    other.set_yticks([1 / a for a in ALPHAS], [f"{a:g}" for a in ALPHAS])
    other.tick_params(labelsize=6, pad=1, length=2)
    ax.text(1.03, 1.0, "$\\alpha$", transform=ax.transAxes, va="bottom", fontsize=8)


def _key(ax: Any, first: Any, here: xr.Dataset) -> None:
    """The legend of the upper row, and how many runs of each setting learnt."""
    ax.axis("off")
    learnt = (here["stopped_because"] == LEARNT).sum("seed")
    few = [
        f"$b={batch}$, {ratio:g}: {int(learnt.sel(batch=batch, ratio=ratio))}"
        for batch in here["batch"].values
        for ratio in here["ratio"].values
        if learnt.sel(batch=batch, ratio=ratio) < here.sizes["seed"]
    ]
    note = f"control: Gaussian numbers with\nthe norms of rows and columns\n\nruns that learnt, of {here.sizes['seed']}:\n" + (
        "\n".join(few) if few else "all"
    )
    ax.legend(
        *first.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(-0.12, 1.08), fontsize=6.5, labelspacing=0.35
    )
    ax.text(-0.05, 0.0, note, transform=ax.transAxes, va="bottom", fontsize=6.5)


def _sizes(here: xr.Dataset) -> dict[str, int]:
    """Entries of a layer between, and of the last."""
    point = {name: here[name].values.tolist() for name in ("data", "depth", "width")}
    problem = sim.make(**point, batch=int(here["batch"][0]), ratio=float(here["ratio"][0]))
    return {"-": problem.n**2, "--": problem.n * problem.data.labels.shape[1]}


def _shares(ax: Any, here: xr.Dataset, sizes: dict[str, int]) -> None:
    """A run's layers, against the median that is predicted for independent stable entries of each of the ``sizes``."""
    error = float(here["error"][0])
    groups = [("trained", style.BLUE), ("equal norms", style.GREEN), *((name, look[0]) for name, look in LINES.items())]
    for weights, colour in groups:
        spot = here.sel(weights=weights)
        x, y = (
            a.transpose(..., "layer").values.ravel()
            for a in (spot["inverse"].sel(estimator="block sums"), spot["entries_removed"])
        )
        ax.plot(x, y, ".", color=colour, ms=1.6, mew=0, alpha=0.6)
    grid = np.linspace(0.501, TOP, POINTS)
    for line, count in sizes.items():
        predicted = theory.pruning_ratio_quantile(0.5, 1 / grid, count, 1, "I", error**2)
        ax.plot(grid, predicted, color=style.BLACK, ls=line, label=f"stable, {count} entries")
    ax.plot(0.5, theory.gaussian_pruning_ratio(1, error**2), "+", color=style.BLACK, ms=6, label="normal")
    ax.set(ylim=(0.15, 1.1), xlim=(0.38, TOP), xlabel="$1/\\alpha$, block sums", ylabel="pruned share")
    ax.set_title(f"(d) entries, error {error:g}", loc="left")
    ax.legend(loc="upper left")


def _removed(ax: Any, here: xr.Dataset) -> None:
    for rule, colour in RULES.items():
        for index, batch in enumerate(here["batch"].values.tolist()):
            values = here["removed"].sel(rule=rule, batch=batch).isel(error=0)
            _median(ax, here["ratio"], values, colour, index, rule if index == 0 else None)
    ax.axhline(0, color="0.3", lw=0.6)
    ax.set(xlabel=AXIS, xlim=(0, None), ylim=(-0.55, 0.8))
    ax.set_title(f"(e) all layers, error {float(here['error'][0]):g}", loc="left")
    ax.legend(loc="upper left", labelspacing=0.3)


def _accuracies(ax: Any, here: xr.Dataset) -> None:
    """Along growing errors, at the smallest and the largest step size of the first batch size that enough runs learnt."""
    here = here.isel(batch=0)
    enough = here["ratio"].values[here["test_accuracy"].notnull().sum("seed").values >= FEWEST]
    for rule, colour in RULES.items():
        for ratio, line, marker in ((enough[0], ":", "o"), (enough[-1], "-", "s")) if len(enough) else ():
            spot = here.sel(rule=rule, ratio=ratio)
            x, y = (spot[name].median("seed") for name in ("removed", "pruned_test_accuracy"))
            label = f"{ratio:g}" if rule == "entries" else None
            ax.plot(x, y, ls=line, marker=marker, color=colour, mfc="white" if line == ":" else colour, ms=2.4, label=label)
    ax.axhline(float(here["test_accuracy"].median()), color=style.BLACK, lw=0.7, ls="--")
    ax.set(xlabel="pruned share", ylim=(0, 1.03), xlim=(-0.5, 1.02))
    ax.set_title(f"(f) test accuracy, $b={int(here['batch'])}$", loc="left")
    if len(enough):
        ax.legend(loc="lower left", title=f"colours as in (e)\n{AXIS}", title_fontsize=7, alignment="left")


def _gap(ax: Any, here: xr.Dataset) -> None:
    for index, batch in enumerate(here["batch"].values.tolist()):
        spot = here.sel(batch=batch)
        _median(ax, here["ratio"], spot["test_loss"] - spot["train_loss"], style.BLACK, index, f"loss (nats), $b={batch}$")
        _median(ax, here["ratio"], spot["train_accuracy"] - spot["test_accuracy"], style.GREY, index, f"accuracy, $b={batch}$")
    ax.set(xlabel=AXIS, xlim=(0, None), ylim=(0, 0.25))
    ax.set_title("(g) generalisation gap", loc="left")
    ax.legend(loc="upper left", labelspacing=0.3)


def _median(ax: Any, x: xr.DataArray, values: xr.DataArray, colour: str, index: int, label: str | None) -> None:
    """Medians over the runs that are there, at least ``FEWEST`` of them, with their 95 % intervals."""
    look: dict[str, Any] = dict(ls="", marker=style.MARKERS[index % len(style.MARKERS)], color=colour, elinewidth=0.8, ms=2.6)
    look |= dict(mfc=colour if index == 0 else "white", mew=0.7)
    rows = [row[np.isfinite(row)] for row in values.transpose("ratio", "seed").values]
    seen = [(place, row) for place, row in zip(x.values, rows, strict=True) if len(row) >= FEWEST]
    spans = [
        np.quantile(row, np.clip([0.5, 0.5 - 0.98 / len(row) ** 0.5, 0.5 + 0.98 / len(row) ** 0.5], 0, 1)) for _, row in seen
    ]
    middle, low, high = np.reshape(spans, (-1, 3)).T
    ax.errorbar([place for place, _ in seen], middle, [middle - low, high - middle], label=label, zorder=3, **look)
