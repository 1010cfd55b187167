"""Strong spikes: risk of the large and the small model against the energy of the tail, and where they cross."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.judge import Crossing
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
        _crossings(right, here["n"].values.tolist(), sim.located(here), exact)
        left.set_title(f"(a) $s/n={RATIO:g}$, $p/n={LARGE:g}$, $\\sigma={noise:g}$, $n={int(here['n'].max())}$", loc="left")
        right.set_title("(b) where they cross", loc="left")
    return figure


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
        at = sim.limit(found)
        label = f"$n\\to\\infty$: {at.value:.3f} $\\pm$ {at.error:.3f} (standard error)"
        ax.errorbar([0], [at.value], [1.96 * at.error], label=label, **style.look(1))
    ax.set(xlabel="$1/n$", ylabel="tail energy at the crossing")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.5 * (high - low))  # room for the legend
    ax.legend(loc="upper left")
