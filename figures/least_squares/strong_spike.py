"""Strong spikes: risk of the large and the small model against the energy of the tail, and where they cross."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.judge import Crossing, crossing
from jaxprune.plots import style
from jaxprune.theory.least_squares import propositions
from sims.least_squares import strong_spike as sim

SHOWN = dict(noise=style.last)
SMALL, LARGE = sim.WIDTH
RATIO = sim.KEPT[0]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) Both risks at the largest n; (b) the crossing at every n, extrapolated to 1/n = 0, against the exact one."""
    here = style.shown(samples, SHOWN)
    noise = float(here["noise"])
    exact = propositions.strong_spike_least_tail(RATIO, LARGE, noise)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.6))
        _risks(left, here.sel(n=here["n"].max()), noise, exact)
        _crossings(right, here["n"].values.tolist(), located(here), exact)
        left.set_title(f"(a) $s/n={RATIO:g}$, $p/n={LARGE:g}$, $\\sigma={noise:g}$, $n={int(here['n'].max())}$", loc="left")
        right.set_title("(b) where they cross", loc="left")
    return figure


def located(here: xr.Dataset) -> dict[int, Crossing]:
    """The crossing of large and small at every n, from differences on common draws; sizes without one are left out."""
    large = here["pruned_risk"].sel(width=LARGE, rule="oracle", kept=RATIO)
    gain = (large - here["risk"].sel(width=SMALL)).transpose("n", "seed", "tail").sortby("tail")
    found = {}
    for n in sorted(here["n"].values.tolist()):
        try:
            found[n] = crossing(gain["tail"].values, gain.sel(n=n).values, seed=0)
        except ValueError:  # a quick run: too few seeds to tell the sign
            continue
    return found


def _risks(ax, here: xr.Dataset, noise: float, exact: float) -> None:
    tails = np.linspace(0, 1.05 * float(here["tail"].max()), 200)
    small = [propositions.strong_spike_small(RATIO, t, noise) for t in tails]
    large = [propositions.strong_spike_large(RATIO, LARGE, t, noise) for t in tails]
    values = here["pruned_risk"].sel(width=LARGE, kept=RATIO).transpose("seed", "rule", "tail")
    for index, line, data, label in (
        (0, small, here["risk"].sel(width=SMALL), "small: the spikes alone"),
        (3, large, values.sel(rule="oracle"), "large, pruned to the spikes (OP)"),
        (2, None, values.sel(rule="hessian"), "large, HP"),
    ):
        if line is not None:
            ax.plot(tails, line, color=style.COLOURS[index])
        style.means(ax, data["tail"], data, index, label)
    ax.set(xlabel="energy of the tail $E_t$", ylabel="risk", ylim=(0.4, 2.9))
    ax.plot([exact, exact], [0.4, propositions.strong_spike_small(RATIO, exact, noise)], color="0.6", lw=0.8, ls=":")
    style.note(ax, f"crossing at $E_t={exact:.4g}$", (exact, 0.4), (3, 4))
    ax.legend(title="line: theory, marker: simulation, bars: 95 %", alignment="left", loc="upper left")


def _crossings(ax, asked: list[int], found: dict[int, Crossing], exact: float) -> None:
    if without := ", ".join(str(n) for n in sorted(asked) if n not in found):
        ax.plot([], [], ls="", label=f"none located at n = {without}")
    ax.axhline(exact, color=style.BLACK, lw=0.8, label=f"theory, exact: {exact:.4g}")
    if found:
        sizes = np.array(list(found))
        places, errors = (np.array([getattr(c, f) for c in found.values()]) for f in ("place", "error"))
        ax.errorbar(1 / sizes, places, 1.96 * errors, label="simulation (95 %)", **style.look(0))
        ax.set_xticks([0, *(1 / sizes)], ["0", *(f"1/{n}" for n in sizes)])
    if len(found) > 1:
        place, error = limit(found)
        label = f"$n\\to\\infty$: {place:.3f} $\\pm$ {error:.3f} (standard error)"
        ax.errorbar([0], [place], [1.96 * error], label=label, **style.look(1))
    ax.set(xlabel="$1/n$", ylabel="tail energy at the crossing")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.5 * (high - low))  # room for the legend
    ax.legend(loc="upper left")


def limit(found: dict[int, Crossing]) -> tuple[float, float]:
    """The crossing at 1/n = 0 and its standard error: a straight line in 1/n, weighted by the errors."""
    x = 1 / np.array(list(found), float)
    weight = 1 / np.array([max(c.error, 1e-12) for c in found.values()])
    rows = np.stack([weight, weight * x], axis=1)
    inverse = np.linalg.inv(rows.T @ rows)
    places = np.array([c.place for c in found.values()])
    return float((inverse @ rows.T @ (weight * places))[0]), float(np.sqrt(inverse[0, 0]))
