"""The tables of Wan et al. 2023 on digits: every type of noise with its own Gaussian control."""

from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from jaxprune.sweep.experiment import load_file

HERE = Path(__file__).resolve()
tables = load_file(HERE.with_name("noisy_tables.py"))
sim = load_file(HERE.parents[1] / "sims" / HERE.name)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """One row per noise, at the last data, strength and step size; below, what the theorem assumes and is not so."""
    axes = {d: samples[d].values.tolist()[-1] for d in sim.EXPERIMENT.axes}
    problem = sim.make(**{**axes, "alpha": min(samples["alpha"].values.tolist())})
    broken = "; ".join(sim.noisy_training.violated(problem)) or "nothing"
    few = "" if samples.sizes["seed"] >= 20 else " (fewer than 20: too few for a claim about ratios)"
    heading = (
        f"{axes['data']}: {problem.n} tanh units, {problem.steps} steps of size {axes['step_size']:g} "
        f"on batches of {problem.batch}, $\\sigma={axes['sigma']:g}$; "
        f"means (standard deviations) over {samples.sizes['seed']} seeds{few}\n"
        f"outside the theorem's assumptions: {broken}"
    )
    return tables.table(samples, heading)
