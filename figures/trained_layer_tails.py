"""Layers that plain descent has trained: tail indices beside controls, what can be pruned, and whether the tails explain it."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.sweep.experiment import load_file
from jaxprune.theory import compressibility as theory

HERE = Path(__file__).resolve()
style = load_file(HERE.with_name("style.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)

LEARNT = 1  # of stopped_because: the training accuracy was reached
CONTROLS = {"at the start": (style.BLACK, ":"), "equal variance": (style.GREY, "--")}  # the same at every step size
SCATTER = {"trained": style.BLUE, "equal norms": style.GREEN, "equal variance": style.GREY, "at the start": style.BLACK}
NAMES = {
    "trained": "trained",
    "equal norms": "Gaussian, norms of rows and columns",
    "equal variance": "Gaussian, variance of the layer",
    "at the start": "at the start (uniform)",
}
ALPHAS = [2.5, 2, 1.8, 1.6, 1.4]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Above: 1/alpha against step size / batch size, for the first layer, those between, and the last; below: the pruned share
    of the entries against 1/alpha, beside the prediction for stable laws; pruned shares and accuracies. Medians over seeds
    that learnt the training set, with their 95 % intervals."""
    here = samples.isel({name: -1 for name in ("data", "depth", "width")})
    learnt = here.where(here["stopped_because"] == LEARNT)
    with style.paper():
        figure, axes = plt.subplots(2, 3, figsize=(style.FULL, 5.2))
        for ax, layer, letter in zip(axes[0], here["layer"].values.tolist(), "abc", strict=True):
            _indices(ax, learnt.sel(layer=layer), f"({letter}) {layer} layer{'s' * (layer == 'middle')}")
        axes[0, 0].set_ylabel("$1/\\alpha$")
        _alphas(axes[0, 2])
        _shares(axes[1, 0], learnt)
        _removed(axes[1, 1], learnt)
        _accuracies(axes[1, 2], learnt)
        handles = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=3, title=_heading(here))
    return figure


def _heading(here: xr.Dataset) -> str:
    """What was trained, and how many seeds learnt."""
    counts = (here["stopped_because"] == LEARNT).sum("seed")
    count, total = int(counts.sum()), int(counts.size * here.sizes["seed"])
    few = [
        f"{int(c)} at $b={int(c['batch'])}$, {float(c['ratio']):g}"
        for c in counts.stack(point=("batch", "ratio"))
        if int(c) < here.sizes["seed"]
    ]
    missing = f" (of {here.sizes['seed']}: {', '.join(few)})" if few else ""
    return (
        f"{here['data'].item()}: {int(here['depth'])} layers of {int(here['width'])} units, iterates averaged over "
        f"{sim.AVERAGED} steps; {count} of {total} runs learnt{missing}"
    )


def _indices(ax: Any, here: xr.Dataset, title: str) -> None:
    batches = here["batch"].values.tolist()
    width = 0.0004 * max(1.0, float(np.ptp(here["ratio"])) / 0.025)
    series = [("trained", "block sums", 0), ("trained", "moment", 1), ("equal norms", "block sums", 2)]
    for weights, estimator, colour in series:
        for index, batch in enumerate(batches):
            values = here["inverse"].sel(weights=weights, estimator=estimator, batch=batch)
            label = f"{NAMES[weights]}: {estimator}, $b={batch}$"
            place = (colour * len(batches) + index) - (3 * len(batches) - 1) / 2
            _median(ax, here["ratio"] + width * place, values, style.COLOURS[colour], style.MARKERS[index], label)
    for weights, (colour, line) in CONTROLS.items():
        values = here["inverse"].sel(weights=weights, estimator="block sums")
        ax.axhline(float(values.median()), color=colour, ls=line, lw=0.9, label=f"{NAMES[weights]}: block sums")
    ax.axhspan(0.5, 0.76, color="0.94", lw=0, zorder=0)
    ax.set(ylim=(-0.55, 0.76), xlabel="step size / batch size")
    ax.set_title(title, loc="left")


def _alphas(ax: Any) -> None:
    """The index itself, on the right."""
    other = ax.secondary_yaxis("right")
    other.set_yticks([1 / a for a in ALPHAS], [f"{a:g}" for a in ALPHAS])
    other.set_ylabel("$\\alpha$", labelpad=-8)


def _shares(ax: Any, here: xr.Dataset) -> None:
    """A marker for each run and layer position, against the prediction for independent stable entries."""
    width = int(here["width"])
    for weights, colour in SCATTER.items():
        for index, layer in enumerate(here["layer"].values):
            spot = here.sel(weights=weights, layer=layer)
            look: dict[str, Any] = dict(ls="", marker=style.MARKERS[index], ms=1.8, mew=0.4, mfc="none", alpha=0.6)
            x, y = spot["inverse"].sel(estimator="block sums").values.ravel(), spot["entries_removed"].values.ravel()
            ax.plot(x, y, color=colour, **look)
    grid = np.linspace(0.5005, 0.76, 30)
    share = float(here["error"][0]) ** 2
    for count, line in ((width**2, "-"), (10 * width, "--")):
        predicted = theory.pruning_ratio_quantile(0.5, 1 / grid, count, 1, "I", share)
        ax.plot(grid, predicted, color=style.RED, ls=line, label=f"stable, {count} entries")
    ax.plot(0.5, theory.gaussian_pruning_ratio(1, share), "x", color=style.RED, ms=5, label="normal, limit")
    ax.set(ylim=(0.15, 1), xlabel="$1/\\alpha$, block sums", ylabel="pruned share of the entries")
    ax.set_title(f"(d) entries at error {float(here['error'][0]):g}", loc="left")
    ax.legend(loc="upper left")


def _removed(ax: Any, here: xr.Dataset) -> None:
    for index, rule in enumerate(here["rule"].values.tolist()):
        for batch, marker in zip(here["batch"].values.tolist(), style.MARKERS, strict=False):
            values = here["removed"].sel(rule=rule, batch=batch).isel(error=0)
            label = rule if marker == style.MARKERS[0] else None
            _median(ax, here["ratio"], values, style.COLOURS[index + 3], marker, label)
    ax.axhline(0, color="0.3", lw=0.6)
    ax.set(xlabel="step size / batch size", ylabel="pruned share of the parameters")
    ax.set_title(f"(e) all layers at error {float(here['error'][0]):g}", loc="left")
    ax.legend(loc="best")


def _accuracies(ax: Any, here: xr.Dataset) -> None:
    batch = here["batch"].values[0]
    ax.set_title("(f) accuracy", loc="left")


def _median(ax: Any, x, values: xr.DataArray, colour: str, marker: str, label: str | None) -> None:
    """Median over the seeds that are there, with its 95 % interval."""
    seen = values.notnull().sum("seed")
    half = 0.98 / np.sqrt(np.maximum(seen, 1))
    sorted_values = np.sort(values.transpose("ratio", "seed").values, axis=1)
    middle = values.median("seed")
    spans = [np.nanquantile(row, [max(0.5 - h, 0), min(0.5 + h, 1)]) for row, h in zip(sorted_values, half.values, strict=True)]
    low, high = np.transpose(spans)
    look: dict[str, Any] = dict(ls="", marker=marker, color=colour, elinewidth=0.8, ms=2.6)
    ax.errorbar(x, middle, [middle - low, high - middle], label=label, zorder=3, **look)
