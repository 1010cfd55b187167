"""One look for every figure: theory is a line, simulation a marker with a 95 % band, colours are safe for the colour-blind."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scipy import stats

BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
GREY = "#888888"
COLOURS = [BLUE, RED, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY]
MARKERS = list("os^Dv<>P")
LETTERS = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]  # of panels
NOISE = dict(none=GREY, I=BLUE, II=RED, III=GREEN)  # types of noise
DIGITS = ((1, 1.5, 2, 3, 4, 5, 7), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))  # of the ticks of a decade, most first
COLUMN, FULL = 3.25, 6.75  # inches: one column and full width of a two-column page
RC: Any = {
    "font.family": "serif",
    "font.serif": ["STIXGeneral", "DejaVu Serif"],
    "mathtext.fontset": "stix",
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "figure.labelsize": 8,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.1,
    "lines.markersize": 3,
    "errorbar.capsize": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 300,
    "figure.constrained_layout.use": True,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
}


def save(figure: Figure, folder: Path) -> list[Path]:
    """Write a figure as PDF (real fonts, no date) and PNG; the same figure gives the same bytes.

    Args:
        figure: Any figure.
        folder: A folder that exists.

    Returns:
        Paths of figure.pdf and figure.png.
    """
    paths = [folder / "figure.pdf", folder / "figure.png"]
    with paper():
        for path, meta in zip(paths, (dict(CreationDate=None, Producer=None), dict(Software=None)), strict=True):
            figure.savefig(path, metadata=meta)
    return paths


@contextlib.contextmanager
def paper():
    """Matplotlib's settings for a paper, for the duration of a block.

    Yields:
        None.
    """
    with plt.rc_context(RC):
        yield


def shade(alpha: float) -> tuple[float, ...]:
    """Colour of a tail index, the same in every figure: dark where tails are heavy, light where they are Gaussian.

    Args:
        alpha: A tail index; below 0.8 and above 2 the colours are those of 0.8 and 2.

    Returns:
        Red, green, blue and opacity, in [0, 1].
    """
    return plt.get_cmap("plasma")(0.8 * np.clip((float(alpha) - 0.8) / 1.2, 0, 1))


def beside(index: int, count: int) -> float:
    """Place of a series around that of its data, so that series do not hide each other.

    Args:
        index: Which series it is, 0 .. count - 1.
        count: How many there are.

    Returns:
        The place, in steps between neighbours, from -(count - 1)/2 to (count - 1)/2.
    """
    return index - (count - 1) / 2


def ticks(axis: Axis, places: Sequence[float] | np.ndarray | None = None, most: int = 7) -> None:
    """Ticks in plain digits, and no minor ones; all of them with powers of ten where one number has many digits.

    Args:
        axis: The axis; its view is final.
        places: Where ticks stand, if in view; None for round places of a logarithmic axis, which is left alone where its view
            reaches 0, as that of an axis with nothing on it.
        most: How many ticks there are at most, without ``places``.
    """
    low, high = sorted(axis.get_view_interval())
    if places is None and low <= 0:
        return
    if places is None:
        decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        choices = [np.outer(decades, digits).ravel() for digits in DIGITS]
        few = decades[:: int(np.ceil(len(decades) / most))]
        places = next((c for c in choices if np.sum((c >= low) & (c <= high)) <= most), few)
    shown = [float(p) for p in places if low <= p <= high]
    plain = all(p == 0 or 1e-3 <= p <= 1e5 for p in shown)
    axis.set_ticks(shown, labels=[f"{p:g}" if plain or p == 0 else _power(p) for p in shown])
    axis.set_minor_locator(NullLocator())


def _power(number: float) -> str:
    """A number > 0 as digits times a power of ten."""
    digits, power = f"{number:.2e}".split("e")
    factor = "" if float(digits) == 1 else rf"{float(digits):g}\times"
    return f"${factor}10^{{{int(power)}}}$"


def note(ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float] = (2, 2), ha: str = "left") -> None:
    """Small text beside a place.

    Args:
        ax: Where it is drawn.
        text: What it says.
        at: The place, in data coordinates.
        offset: From there to the text, in points.
        ha: Which side of the text stands there: "left", "center" or "right".
    """
    ax.annotate(text, at, offset, textcoords="offset points", fontsize=7, color="0.3", ha=ha)


def look(index: int, colour: Any = None, filled: bool = False) -> dict[str, Any]:
    """Markers of simulations with their bars.

    Args:
        index: Which series it is, >= 0: its marker, and its colour where none is given.
        colour: Any colour of Matplotlib; None for that of the series.
        filled: Whether markers are filled, or white.

    Returns:
        Keyword arguments of ``errorbar``.
    """
    colour = COLOURS[index % len(COLOURS)] if colour is None else colour
    face = colour if filled else "white"
    return dict(ls="", marker=MARKERS[index % len(MARKERS)], color=colour, mfc=face, mew=0.8, elinewidth=0.8, zorder=3)


def interval(values) -> tuple[Any, Any]:
    """Mean over the dimension ``seed`` and half its 95 % band (Student's t), without values that are NaN.

    Args:
        values: A DataArray with the dimension ``seed``.

    Returns:
        The mean, NaN where there is no value, and half the band, NaN where there are fewer than two.
    """
    return xr.apply_ufunc(_interval, values.astype(float).compute(), input_core_dims=[["seed"]], output_core_dims=[[], []])


def _interval(values):
    """Along the last axis: in NumPy, since a figure asks for hundreds and each step of xarray takes a millisecond."""
    count = np.sum(~np.isnan(values), axis=-1)
    mean = np.nansum(values, axis=-1) / np.where(count > 0, count, np.nan)
    variance = np.nansum((values - mean[..., None]) ** 2, axis=-1) / np.where(count > 1, count - 1, np.nan)
    return mean, stats.t.ppf(0.975, np.maximum(count - 1, 1)) * np.sqrt(variance / np.maximum(count, 1))


def means(
    ax: Axes, x, values, index: int, label: str | None = None, colour: Any = None, through: Callable[[Any], Any] | None = None
) -> None:
    """Markers at the mean over the dimension ``seed`` with 95 % bands, or at a growing function of it.

    Args:
        ax: Where they are drawn.
        x: Places (points,).
        values: A DataArray of the dimensions ``seed`` and that of ``x``; nothing is drawn where it is empty.
        index, label: Which series it is, >= 0, and its name in the legend; None for none.
        colour: Any colour of Matplotlib; None for that of the series.
        through: The growing function, of an array; None for the mean itself.
    """
    if not values.size:
        return
    mean, half = interval(values)
    low, mid, high = (end if through is None else through(end) for end in (mean - half, mean, mean + half))
    ax.errorbar(x, mid, [mid - low, high - mid], label=label, **look(index, colour))


def root(square):
    """Square root of the positive part: through it go means of squares, whose band may pass 0.

    Args:
        square: Numbers of any shape.

    Returns:
        Their roots, of the same shape.
    """
    return np.sqrt(np.maximum(square, 0))


def quantile(values, level: float):
    """Quantile over the dimension ``seed``, without values that are NaN.

    Args:
        values: A DataArray with the dimension ``seed``.
        level: Probability of the quantile, in [0, 1].

    Returns:
        A DataArray without that dimension; NaN where there is no value.
    """
    return xr.apply_ufunc(lambda array: _quantile(array, level), values.astype(float).compute(), input_core_dims=[["seed"]])


def _quantile(values, level):
    """Along the last axis; NumPy's own for missing values takes them row by row."""
    missing = np.isnan(values)
    if not missing.any():
        return np.quantile(values, level, axis=-1)
    seen = ~missing.all(axis=-1)
    return np.where(seen, np.nanquantile(np.where(seen[..., None], values, 0), level, axis=-1), np.nan)


def medians(ax: Axes, x, values, index: int, label: str | None = None, colour: Any = None) -> None:
    """Filled markers at the median over the dimension ``seed`` with its 95 % interval, where means do not exist.

    Args:
        ax: Where they are drawn.
        x: Places (points,).
        values: A DataArray of the dimensions ``seed`` and that of ``x``; nothing is drawn where it is empty.
        index, label: Which series it is, >= 0, and its name in the legend; None for none.
        colour: Any colour of Matplotlib; None for that of the series.
    """
    if not values.size:
        return
    half = 0.98 / np.sqrt(values.sizes["seed"])
    low, mid, high = (quantile(values, p) for p in (max(0.5 - half, 0), 0.5, min(0.5 + half, 1)))
    ax.errorbar(x, mid, [mid - low, high - mid], label=label, **look(index, colour, filled=True))


def markers(ax: Axes, x, values, heavy, index: int, label: str | None = None) -> None:
    """Means along the dimension ``width``, and medians where a mean, or its standard error, does not exist.

    Args:
        ax: Where they are drawn.
        x: A DataArray of places along ``width``.
        values: A DataArray of the dimensions ``seed`` and ``width``.
        heavy: Where medians are drawn, truth values (W,).
        index, label: Which series it is, >= 0, and its name in the legend; None for none.
    """
    for plot, chosen, name in ((means, ~heavy, label), (medians, heavy, label if np.all(heavy) else None)):
        some = np.flatnonzero(chosen)
        plot(ax, x.isel(width=some), values.isel(width=some), index, name)


def last(samples: xr.Dataset, axis: str) -> Any:
    """The last value of an axis, for ``SHOWN``.

    Args:
        samples: Samples of an experiment.
        axis: Name of one of its axes.

    Returns:
        The value.
    """
    return samples[axis].values.tolist()[-1]


def largest(samples: xr.Dataset, axis: str) -> Any:
    """The largest value of an axis, for ``SHOWN``.

    Args:
        samples: Samples of an experiment.
        axis: Name of one of its axes.

    Returns:
        The value.
    """
    return max(samples[axis].values.tolist())


def ends(samples: xr.Dataset, axis: str) -> list[Any]:
    """The smallest and the largest value of an axis, for ``SHOWN``.

    Args:
        samples: Samples of an experiment.
        axis: Name of one of its axes.

    Returns:
        The two values, or the one where they are equal.
    """
    values = samples[axis].values.tolist()
    return sorted({min(values), max(values)})


def shown(samples: xr.Dataset, choices: Mapping[str, Callable[[xr.Dataset, str], Any]]) -> xr.Dataset:
    """What a figure draws of the samples.

    Args:
        samples: Samples of an experiment.
        choices: Axis -> function of samples and axis, to the value that is drawn or a list of them; axes that the samples
            lack are passed over. A figure declares it as SHOWN, from which the command line tells what is left out.

    Returns:
        The samples at those values.
    """
    where = {}
    for axis, choose in choices.items():
        if axis in samples.dims:
            values, picked = samples[axis].values.tolist(), choose(samples, axis)
            where[axis] = [values.index(v) for v in picked] if isinstance(picked, list) else values.index(picked)
    return samples.isel(where)


def colour(index: int) -> str:
    """Colour of a series; they begin again after the last.

    Args:
        index: Which series it is, >= 0.

    Returns:
        The colour, as "#rrggbb".
    """
    return COLOURS[index % len(COLOURS)]
