"""Stationary laws of an Ornstein-Uhlenbeck process by Euler's scheme, with and without a Brownian part, at all step sizes."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style
from jaxprune.theory.sde import ornstein_uhlenbeck as theory


def _alphas(samples: xr.Dataset, axis: str) -> list[float]:
    """Panel (a) draws all of them, where there are samples without a Brownian part; (b) the last."""
    return samples[axis].values.tolist() if 0 in samples["brownian"] else [style.last(samples, axis)]


def _brownians(samples: xr.Dataset, axis: str) -> list[float]:
    """None in panel (a), the strongest in (b)."""
    values = samples[axis].values.tolist()
    return [v for v in values if v in (0, max(values))]


SHOWN = dict(rate=style.last, scale=style.last, alpha=_alphas, brownian=_brownians)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) The stationary scale against the step size; (b) the characteristic function with a Brownian part."""
    here = style.shown(samples, SHOWN)
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.7))
        for index, alpha in enumerate(here["alpha"].values):
            _scales(left, here.sel(alpha=alpha), index)
        _overshoot(left, float(here["rate"]), float(here["scale"]))
        _cosines(right, here.isel(alpha=-1).sel(brownian=here["brownian"].max()), few=0 in here["brownian"])
    return figure


def _scales(ax, here: xr.Dataset, index: int) -> None:
    """Where there is no Brownian part, by the mean logarithm."""
    alpha, rate, scale = (float(here[name]) for name in ("alpha", "rate", "scale"))
    grid = np.linspace(0.01, 1.9, 300) / rate
    ax.plot(grid, theory.euler_stationary_scale(alpha, rate, scale, grid), color=style.shade(alpha))
    ax.axhline(theory.stationary_scale(alpha, rate, scale), color=style.shade(alpha), lw=0.8, ls=":")
    if 0 in here["brownian"]:
        logs = here["log_size"].sel(brownian=0).isel(steps=-1).transpose("seed", "step_size")
        label, colour = f"$\\alpha={alpha:g}$", style.shade(alpha)
        style.means(ax, logs["step_size"], logs, index, label, colour, lambda x: _scale(x, alpha))


def _scale(mean_log: xr.DataArray, alpha: float) -> np.ndarray:
    """The scale of a mean logarithm; NaN where there is none."""
    return np.where(mean_log.notnull(), theory.scale_from_log(mean_log.fillna(0).values, alpha), np.nan)


def _overshoot(ax, rate: float, scale: float) -> None:
    """Where the scheme's factor changes its sign all laws are one step of noise."""
    ax.set(xlabel="step size $\\eta$", ylabel="stationary scale", yscale="log", ylim=(0.4, 6))
    style.ticks(ax.yaxis, [0.5, 1, 2, 4])
    ax.plot([1 / rate] * 2, [0.4, scale], color="0.6", lw=0.8)
    style.note(ax, "overshoot: $1-\\lambda\\eta<0$", (1 / rate, 0.43), (3, 0))
    title = "line: exact (dotted: $\\eta\\to0$)\nmarker: simulation, bars: 95 %"
    ax.legend(*ax.get_legend_handles_labels(), loc="upper left", title=title, alignment="left")
    ax.set_title("(a) $dX=-\\lambda X\\,dt+\\sigma_1\\,dL^\\alpha$", loc="left")


def _cosines(ax, here: xr.Dataset, few: bool) -> None:
    """With a Brownian part, the law is known by its characteristic function; at a few step sizes, or at all."""
    alpha, rate, scale, brownian = (float(here[name]) for name in ("alpha", "rate", "scale", "brownian"))
    u = np.linspace(0, 1.08 * float(here["frequency"].max()), 200)
    ax.plot(u, theory.stationary_characteristic(u, alpha, rate, scale, brownian), "k:", lw=0.9, label="exact, $\\eta\\to0$")
    steps = here["step_size"].values.tolist()
    chosen = [min(steps, key=lambda step, size=size: abs(step - size)) for size in (0.2, 1.2, 1.6)] if few else steps
    for index, step in enumerate(dict.fromkeys(chosen)):
        size = theory.euler_stationary_scale(alpha, rate, scale, step)
        variance = theory.euler_brownian_variance(rate, brownian, step)
        ax.plot(u, np.exp(-((size * u) ** alpha) - u**2 * variance / 2), color=style.colour(index))
        values = here["cosine"].sel(step_size=step).transpose("seed", "frequency")
        style.means(ax, values["frequency"], values, index, f"$\\eta={step:g}$")
    ax.set(xlabel="frequency $u$", ylabel="$\\mathrm{E}\\,\\cos(uX)$")
    ax.legend(loc="upper right", title="line: exact\nmarker: simulation, bars: 95 %", alignment="left")
    ax.set_title(f"(b) plus $\\sqrt{{2}}\\,\\sigma_2\\,dB$, $\\alpha={alpha:g}$, $\\sigma_2={brownian:g}$", loc="left")
