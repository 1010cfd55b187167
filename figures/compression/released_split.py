"""The released split on trained networks: test accuracy before and after, and the distance of the layer."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from jaxprune.plots import style

SHOWN = dict(width=style.largest, steps=style.largest)
NOISES = dict(none="no noise", heavy="heavy-tailed noise")


def draw(samples: xr.Dataset, report: Any) -> Figure:
    """(a) test accuracy: dashes before, markers after; (b) relative squared error: markers, and dashes from the kept fraction
    and energy. Bars: 95 % over seeds."""
    here = style.shown(samples, SHOWN)
    noises, layers, scales = (here[name].values.tolist() for name in ("noise", "layer", "scale"))
    groups = [(noise, layer) for noise in noises for layer in layers]
    with style.paper():
        figure, (left, right) = plt.subplots(1, 2, figsize=(style.FULL, 2.8))
        for index, scale in enumerate(scales):
            places = np.arange(len(groups)) + 0.18 * style.beside(index, len(scales))
            for place, (noise, layer) in zip(places, groups, strict=True):
                at = here.sel(noise=noise, layer=layer, scale=scale).expand_dims("place")
                label = f"{scale} scale" if place == places[0] else None
                style.means(left, [place], at["split_accuracy"], index, label)
                style.means(right, [place], at["squared_error"], index, label)
                right.hlines(at["expected_error"].mean(), place - 0.15, place + 0.15, color=style.colour(index))
        for place, (noise, _) in enumerate(groups):
            left.hlines(here["test_accuracy"].sel(noise=noise).mean(), place - 0.35, place + 0.35, color=style.BLACK, ls="--")
        for ax in (left, right):
            words = [f"{layer} layer\n{NOISES.get(noise, noise)}" for noise, layer in groups]
            ax.set_xticks(range(len(groups)), words, fontsize=6)
        left.set_title("(a) test accuracy, dashes: before", loc="left")
        right.set_title("(b) squared error / energy", loc="left")
        right.set(ylim=(0, None))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncol=2)
    return figure
