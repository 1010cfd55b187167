"""Residual networks on CIFAR-10: error against width, dense, pruned, retrained, and small from the start."""

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from figures.networks import panels as networks
from jaxprune.plots import style

SHOWN = dict(folder=style.last, n=style.last, label_noise=style.last, rate=style.last, steps=style.last)


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """Two panels for each budget, at the last value of every axis."""
    return networks.panels(style.shown(samples, SHOWN), "channels of the first stage")
