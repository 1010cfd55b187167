"""The released code's network and noise on digits, with its quirks: the papers' columns, and why training ended."""

from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from jaxprune.sweep.experiment import load_file

HERE = Path(__file__).resolve()
tables = load_file(HERE.with_name("noisy_tables.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row per noise, at the last data, strength, step size and width."""
    axes = {d: samples[d].values.tolist()[-1] for d in sim.EXPERIMENT.axes}
    problem = sim.make(**axes)
    heading = (
        f"{axes['data']}: {problem.n} ReLU units without biases, at most {problem.steps} steps of size "
        f"{axes['step_size']:g} on batches of {problem.batch}, $\\sigma={axes['sigma']:g}$;\n"
        f"means (standard deviations) over {samples.sizes['seed']} seeds. "
        "Type III at $\\alpha=2$ is not a number in the released code: its runs end before they learn."
    )
    return tables.table(samples, heading, endings=True)
