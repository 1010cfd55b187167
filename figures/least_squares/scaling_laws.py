"""Scaling laws: risk against n for each signal, with and without noise, and the local exponents of theory."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory import least_squares as theory
from jaxprune.theory.least_squares import scaling
from sims.least_squares import scaling_laws as sim

SHOWN = dict(decay=style.last, energy=style.ends, noise=style.ends)
SIZES = 2 * np.round(np.geomspace(25, 50000, 34)).astype(int)
CURVES = [("risk", None, "dense", 0), ("pruned_risk", "hessian", "HP", 2), ("pruned_risk", "magnitude", "MP", 1)]
# decay, energy, what, label, look: one of each kind
SLOPES = [
    (1.5, 2.0, "dense", "dense, $b=2$", 0),
    (1.5, 2.0, "magnitude", "MP, $b=2$", 1),
    (1.5, 1.2, "magnitude", "MP, $b=1.2<a$", 4),
    (1.5, 4.0, "dense", "dense, $b=4=2a+1$ (log)", 3),
    (2.0, 8.0, "dense", "dense, $a=2$, $b=8$", 5),
    (2.0, 8.0, "magnitude", "MP, $a=2$, $b=8$", 2),
]


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Three panels of risk, at the last decay, and one of exponents."""
    here = style.shown(samples, SHOWN).isel(width=0, kept=-1)
    low, high = float(here["energy"].min()), float(here["energy"].max())
    quiet, loud = float(here["noise"].min()), float(here["noise"].max())
    decay = float(here["decay"])
    with style.paper():
        figure, axes = plt.subplots(2, 2, figsize=(style.FULL, 5.0))
        settings = [(high, quiet, "(a)"), (low, quiet, "(b)"), (high, loud, "(c)")]
        for ax, (energy, noise, letter) in zip(axes.flat, settings, strict=False):
            _panel(ax, here.sel(energy=energy, noise=noise), decay, energy, noise)
            ax.set_title(f"{letter} $a={decay:g}$, $b={energy:g}$, $\\sigma={noise:g}$", loc="left")
        _slopes(axes[1, 1])
        ratios = f"$p/n={sim.WIDTH[-1]:g}$, $s/n={sim.KEPT[-1]:g}$"
        title = (
            "$\\lambda_i=i^{-a}$, $\\lambda_i\\beta_i^2=i^{-b}$, " + ratios + "; line: theory, marker: simulation, bars: 95 %"
        )
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5, title=title)
    return figure


def _risk(n: int, decay: float, energy: float, noise: float, rule: str | None) -> float:
    problem = sim.make(int(n), decay, energy, noise)
    triple = (problem.eigs, problem.teacher, problem.noise, problem.n)
    return theory.risk(*triple) if rule is None else theory.pruned_risk(*triple, round(sim.KEPT[-1] * problem.n), rule)


def _panel(ax, here: xr.Dataset, decay: float, energy: float, noise: float) -> None:
    for metric, rule, label, look in CURVES:
        risks = np.array([_risk(n, decay, energy, noise, rule) for n in SIZES])
        ax.plot(SIZES, risks, color=style.COLOURS[look])
        values = here[metric] if rule is None else here[metric].sel(rule=rule)
        style.means(ax, here["n"], values.transpose("seed", "n"), look, label)
    if noise == 0:
        law = scaling.dense_constant(decay, energy, sim.WIDTH[-1]) * SIZES ** -scaling.dense_exponent(decay, energy)
        ax.plot(SIZES, law, "k:", lw=1.6, label="dense: constant and exponent of the law")
    else:
        ax.axhline(scaling.noisy_limit(decay, noise, sim.WIDTH[-1]), color="k", ls=":", lw=1.6)
    ax.set(xscale="log", yscale="log", xlabel="samples $n$", ylabel="risk")
    low, high = ax.get_ylim()
    if high < 100 * low:
        style.ticks(ax.yaxis)


def _slopes(ax) -> None:
    """Local exponents of theory without noise, and their predicted limits on the right."""
    for decay, energy, what, label, look in SLOPES:
        rule = None if what == "dense" else what
        found = scaling.local_exponents(SIZES, [_risk(n, decay, energy, 0.0, rule) for n in SIZES])
        width = 3 if rule is None else 1.1  # a thin line may run on a thick one
        ax.plot(np.sqrt(SIZES[1:] * SIZES[:-1]), found, color=style.COLOURS[look], label=label, lw=width)
        limit = scaling.dense_exponent(decay, energy) if rule is None else scaling.pruned_exponent(decay, energy, rule)
        ax.plot(SIZES[-1] * 1.6, limit, "<", color=style.COLOURS[look], ms=4, mfc="white", clip_on=False)
    ax.set(xscale="log", xlabel="samples $n$", ylabel="local exponent of the risk", ylim=(-0.6, 6.6))
    ax.legend(ncols=2, loc="upper left")
    ax.set_title("(d) $\\sigma=0$; triangles: predicted limit", loc="left")
