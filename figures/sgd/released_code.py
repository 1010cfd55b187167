"""The released code's network and noise on digits, with its quirks: the papers' columns, and why training ended."""

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from figures.sgd import noisy_tables as tables
from jaxprune.plots import style
from sims.sgd import released_code as sim

SHOWN = dict(data=style.last, sigma=style.last, step_size=style.last, width=style.last, tested=style.last, batch=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row per noise, at the last data, strength, step size and width."""
    here = style.shown(samples, SHOWN)
    axes, problem = tables.last(here, sim)
    heading = (
        f"{axes['data']}: {problem.n} ReLU units, steps of size $\\eta={axes['step_size']:g}$, $\\sigma={axes['sigma']:g}$"
    )
    note = f"At most {problem.steps + 1} steps; accuracy looked at after 1, {1 + problem.every}, ... of them."
    if "III" in samples["noise"] and 2 in samples["alpha"]:
        note += "\nNoise of type III at $\\alpha=2$ is not a number in the released code: no run learns."
    return tables.table(here, heading, note, endings=True)
