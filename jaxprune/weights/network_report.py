"""The report on a network: a row for every layer and one for the whole, and the bound along the pruning curve."""

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxprune.checks import check_count
from jaxprune.simulate.tails.extreme import TailEstimate
from jaxprune.theory import bounds
from jaxprune.weights import bound, files
from jaxprune.weights.bound import Point
from jaxprune.weights.layers import LeftOut, layout_of, split
from jaxprune.weights.measure import Measured, measure

VALUE_BITS = 6  # of a kept weight, beside its sign
WHOLE = "whole network"
COLUMNS = {  # of the table: name -> what it is
    "layer": "name of the array",
    "shape": "as it came",
    "weights": "how many",
    "hill": "tail index of the entries by Hill's estimator, of a sample of them",
    "hill_error": "its standard error",
    "stable": "tail index of the stable law that fits the sample; empty where the stable model was rejected or not tested",
    "stable_error": "its standard error",
    "entries": "tail index of the power law fitted to the largest magnitudes",
    "entries_error": "its standard error by a bootstrap, in which the lower end xmin is chosen anew",
    "spectrum": "pdf exponent of the power law fitted to the squared singular values",
    "spectrum_error": "its standard error with xmin held fixed, which is too small",
    "shuffled": "median of the same exponent over draws of the same entries in other places",
    "shuffled_low": "the least of them",
    "shuffled_high": "the largest",
    "gaussian": "median of the same exponent over draws of Gaussian numbers with the mean squares of its rows and columns",
    "gaussian_low": "the least of them",
    "gaussian_high": "the largest",
    "positions": "the exponent of the matrices (outputs, inputs) at all positions of a convolution's kernel, fitted together",
    "positions_error": "its standard error with xmin held fixed, which is too small",
    "positions_gaussian": "median of the same exponent over draws of those Gaussian numbers",
    "positions_gaussian_low": "the least of them",
    "positions_gaussian_high": "the largest",
    "draws": "how many draws of each control there are",
    "failed": "how many fits of draws failed, over all controls, and are not in their medians and ranges",
    "stable_rank": "squared Frobenius norm over squared operator norm",
    "kept_entries": "fraction of entries that a relative error of 10 % keeps",
    "light_entries": "the same for Gaussian entries",
    "kept_rows": "fraction of rows that it keeps",
    "light_rows": "the same for Gaussian entries",
    "kept_values": "fraction of singular values that it keeps",
    "light_values": "the same for Gaussian entries",
    "lost_l1": "relative l1 error of keeping the largest tenth",
    "code_nats": f"code length of the entries kept at 10 %, with a sign and {VALUE_BITS} bits each",
}
CONTROLS = {"spectrum": ("shuffled", "gaussian"), "positions": ("positions_gaussian",)}  # of which exponent
FITS = {"spectrum": "layer", "positions": "positions"}  # columns of the spectra, as ``Measured`` names them
Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class NetworkReport:
    """What is known of the network ``name``: its ``layers`` as measured, the arrays ``left`` out, and the ``curve`` of bounds,
    empty where no ``samples`` were given. ``risk``: in words, what the curve's risks are, ``measured``: whether they are those
    of the pruned networks; then ``chance`` is the risk of guessing. ``guessed``: whether nothing told the layout, and rows were
    taken as outputs."""

    name: str
    layers: list[Measured]
    left: list[LeftOut]
    curve: list[Point]
    risk: str = ""
    measured: bool = False
    chance: float = 1.0
    samples: int = 0
    guessed: bool = False

    def __repr__(self) -> str:
        total = sum(layer.entries for layer in self.layers)
        return f"NetworkReport({self.name!r}: {len(self.layers)} layers, {total:,} weights; print it for the table)"

    def __str__(self) -> str:
        from jaxprune.weights import writing  # which needs this module

        return writing.text(self)

    def rows(self) -> list[Row]:
        """A row for every layer, and one for the whole; None where a number is not known."""
        found = [_row(layer) for layer in self.layers]
        return [*found, _whole(self.layers, found)]

    @property
    def best(self) -> Point | None:
        """The least bound of the curve."""
        return min(self.curve, key=lambda point: point.bound, default=None)


def report(
    weights: Any,
    *,
    name: str = "network",
    layout: str | None = None,
    leave_out: str | Sequence[str] = (),
    samples: int | None = None,
    risk: float | None = None,
    apply: Callable[[Any, Any], Any] | None = None,
    data: tuple[Any, Any] | None = None,
    value_bits: int = VALUE_BITS,
    delta: float = 0.05,
    seed: int = 0,
    progress: Callable[[str], None] = lambda words: None,
) -> NetworkReport:
    """Look at a network: its layers, and the bound of its risk along the pruning curve.

    The bound takes ``samples`` and ``risk``, and then says what it would be if pruned networks had that risk too;
    or ``apply`` and ``data``, and then has the measured risk of every pruned network.
    Without either there is none. Source: guide/weights.md.

    Args:
        weights: A file, a mapping of names to arrays, or any tree of arrays.
        name: What the report calls the network.
        layout: "torch" (outputs, inputs, ...) or "flax" (..., inputs, outputs); None tells it from names and kernels.
        leave_out: Names of arrays that are not to be measured, or patterns of the shell, such as "head.*"; a bound pays for
            them at 32 bits a number.
        samples: How many samples the network was trained on, >= 1; together with ``risk``.
        risk: The network's fraction of errors on them, in [0, 1].
        apply: Function of weights, as ``weights`` come (of a file: a mapping), and inputs, to scores (samples, classes).
        data: Inputs and integer labels (samples,), on which the network was trained; together with ``apply``.
        value_bits: Bits of a kept weight, beside its sign, in 1 .. 24.
        delta: Probability with which the bounds may fail, all together, in (0, 1).
        seed: Seed of samples of entries, and of the controls, an integer >= 0.
        progress: Called with the name of every layer in turn.

    Returns:
        The ``NetworkReport``.

    Raises:
        FileNotFoundError: As ``read``.
        ValueError: As ``read``, for arrays without layers, layers with NaN or infinity, and for arguments out of range or that
            do not go together.
        ImportError: As ``read``.
    """
    if isinstance(samples, float) and samples.is_integer():
        samples = int(samples)
    _check(samples, risk, apply, data, seed)
    arrays, rebuild = _arrays(weights)
    layers, left = split(arrays, layout, _patterns(leave_out))
    names = {layer.name for layer in layers}
    curve, words, chance, count = [], "", 1.0, samples or 0
    if apply is not None and data is not None:
        errors = bound.measured(apply, data, lambda t: rebuild(bound.pruned(arrays, names, t, value_bits)))
        count, classes = len(data[1]), len(np.unique(data[1]))
        curve = bound.curve(layers, left, count, errors, value_bits, delta)
        words, chance = f"measured on the {count:,} samples given", 1 - 1 / classes
    elif samples is not None and risk is not None:
        curve = bound.curve(layers, left, samples, risk, value_bits, delta)
        words = f"if pruned networks had the risk {risk:g} on {samples:,} samples"
    found = []
    for layer in layers:
        shown = _printable(layer.name)
        progress(shown)
        found.append(dataclasses.replace(measure(layer, seed), name=shown))
    left = [array._replace(name=_printable(array.name)) for array in left]
    guessed = layout is None and layout_of(arrays) is None
    return NetworkReport(_printable(name), found, left, curve, words, data is not None, chance, count, guessed)


def _patterns(leave_out: Any) -> list[str]:
    """One name, or several, as a list."""
    found = [leave_out] if isinstance(leave_out, str) else leave_out
    if not isinstance(found, list | tuple) or not all(isinstance(pattern, str) for pattern in found):
        raise ValueError(f"leave_out: {leave_out!r} holds no names; use a name or a list of names")
    return list(found)


def _printable(name: str) -> str:
    """Names of files and of arrays in them may hold bytes that are no letters, line ends, and commands to a terminal."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def _check(samples, risk, apply, data, seed) -> None:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: {seed!r} is no seed; use an integer >= 0")
    if (apply is None) != (data is None):
        raise ValueError("apply, data: give both, a function of weights and inputs and (inputs, labels), or neither")
    if (samples is None) != (risk is None):
        raise ValueError("samples, risk: give both, how many samples and the fraction of errors on them, or neither")
    if data is not None and samples is not None:
        raise ValueError("samples, data: with data the risk is measured; leave samples and risk out")
    if data is not None and (np.ndim(data[1]) != 1 or np.asarray(data[1]).dtype.kind not in "iu" or not len(data[1])):
        raise ValueError("data: labels must be integers (samples,), one at least")
    if samples is not None:
        check_count("samples", samples, "samples")
    if risk is not None and (np.ndim(risk) or np.asarray(risk).dtype.kind not in "fiu" or not 0 <= risk <= 1):
        raise ValueError(f"risk: {risk!r} is no fraction of errors in [0, 1]")


def _arrays(weights: Any) -> tuple[dict[str, np.ndarray], Callable[[Mapping[str, np.ndarray]], Any]]:
    """Arrays by name, and how to put others in their places."""
    if isinstance(weights, str | Path):
        return files.read(weights), lambda arrays: arrays
    leaves, tree = _named(weights)
    names = [name for name, _ in leaves]
    if len(set(names)) < len(names):
        raise ValueError("weights: two arrays of the tree have one name; pass a mapping of names to arrays")
    arrays = {name: np.asarray(leaf) for name, leaf in _named(_in_order(weights))[0]}
    return arrays, lambda found: jax.tree.unflatten(tree, [found[name] for name in names])


def _named(tree: Any) -> tuple[list[tuple[str, Any]], Any]:
    leaves, shape = jax.tree_util.tree_flatten_with_path(tree)
    return [(jax.tree_util.keystr(path, simple=True, separator=".") or "weights", leaf) for path, leaf in leaves], shape


def _in_order(tree: Any) -> Any:
    """With its dicts in the order in which they were written, which JAX would sort by name."""
    if type(tree) is dict:
        return collections.OrderedDict((name, _in_order(part)) for name, part in tree.items())
    return [_in_order(part) for part in tree] if type(tree) in (list, tuple) else tree


def _row(layer: Measured) -> Row:
    values: Row = dict.fromkeys(COLUMNS)
    values |= dict(layer=layer.name, shape="x".join(map(str, layer.shape)), weights=layer.entries)
    if layer.tail:
        hill, stable = layer.tail.extreme["Hill"], _stable(layer)
        values |= dict(hill=hill.value, hill_error=hill.error)
        values |= dict(stable=stable.value, stable_error=stable.error) if stable else {}
    if layer.entry_fit:
        values |= dict(entries=layer.entry_fit.tail_index, entries_error=layer.entry_error)
    for column, name in FITS.items():
        if own := layer.spectral.get(name):
            values |= {column: own.fit.pdf_exponent, f"{column}_error": own.fit.pdf_exponent_error}
    for name, control in layer.controls.items():
        values[name], ends = control.median, control.ends
        values |= {f"{name}_low": ends[0], f"{name}_high": ends[1]} if ends else {}
        values |= dict(draws=len(control.exponents) + control.failed, failed=(values["failed"] or 0) + control.failed)
    for words, kept in layer.kept.items():
        short = words.split()[-1]
        values |= {f"kept_{short}": kept.own, f"light_{short}": kept.light}
    values |= dict(stable_rank=layer.stable_rank, lost_l1=layer.compressibility[1.0])
    values["code_nats"] = float(bounds.sparse_code_nats(layer.outputs, layer.inputs, layer.count, VALUE_BITS))
    return {name: _known(value) for name, value in values.items()}


def _stable(layer: Measured) -> TailEstimate | None:
    """None where the law was rejected, or not tested."""
    if layer.tail is None:
        return None
    model = layer.tail.model["characteristic function"]
    return model if bool(model.valid & layer.tail.fit.testable) else None


def _known(value: Any) -> Any:
    """A plain number, or words; None for what is not finite."""
    if value is None or isinstance(value, str | int):
        return value
    number = float(value)
    return number if np.isfinite(number) else None


def _whole(layers: list[Measured], rows: list[Row]) -> Row:
    """Sums, and means over layers weighted by their sizes; of exponents the plain mean over layers that have one and all its
    controls, so that their means are of the same layers."""
    total = sum(layer.entries for layer in layers)
    found: Row = dict.fromkeys(COLUMNS)
    found |= dict(layer=WHOLE, shape="", weights=total, code_nats=sum(row["code_nats"] for row in rows))
    for name in ("kept_entries", "light_entries"):
        found[name] = sum(row[name] * row["weights"] for row in rows) / total
    for own, controls in CONTROLS.items():
        known = [row for row in rows if all(row[name] is not None for name in (own, *controls))]
        for name in (own, *controls) if known else ():
            found[name] = float(np.mean([row[name] for row in known]))
    return found
