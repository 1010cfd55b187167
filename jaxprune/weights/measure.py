"""What a layer is like: tails of its entries, its spectrum beside controls without heavy tails, and how well it compresses.

Entries of many layers are looked at through their largest, and tail indices through a sample of fixed size, so that one program
serves layers of any size. Derivations: guide/weights.md.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.simulate import tails
from jaxprune.simulate.tails import power_law
from jaxprune.simulate.tails.power_law import PowerLaw
from jaxprune.simulate.tails.spectral_fit import Spectral
from jaxprune.simulate.tails.tail_report import TailReport
from jaxprune.theory.matrices import light_tails
from jaxprune.weights.layers import Layer
from jaxprune.weights.spectra import Control, fitted, singular_values, spectra

ERROR = 0.1  # relative Frobenius error at which kept fractions are told
SAMPLE = 2**13  # entries that the tail report looks at
LARGEST = 2**17  # entries among which the lower end of a power law is looked for
FEWEST = 100  # entries below which nothing is fitted
RESAMPLES = 20  # of the bootstrap, which knows an error to 16 % or so
CANDIDATES = 100  # lower ends that it tries
ROOMS = (2**14, LARGEST)  # lengths of its data
NORMS = (0.5, 1.0, 2.0)  # p of the compressibility in l_p


class Kept(NamedTuple):
    """Fraction that a relative error of 10 % keeps, and the fraction that light tails would keep."""

    own: float
    light: float


class Entries(NamedTuple):
    """Of the magnitudes of entries: how many are ``zeros``, the ``count`` kept at 10 % error, what is ``lost`` by p, and the
    power law with the error of its index, or why there is none."""

    zeros: int
    count: int
    lost: dict[float, float]
    fit: PowerLaw | None
    error: float | None
    missing: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Measured:
    """Of one layer (outputs, inputs), with ``entries`` weights.

    ``tail``: the tail report of a sample of its entries. ``entry_fit``: the power law of its largest magnitudes;
    ``entry_error``: the standard error of its index, the choice of xmin included. ``spectral``: the power law of its squared
    singular values, by "layer", and of a convolution by "positions", those of the matrices (outputs, inputs) at all positions
    of the kernel together. ``controls``: their controls' exponents, by "shuffled" (the same entries elsewhere), "gaussian"
    (numbers with the same mean squares of rows and columns) and "positions_gaussian". ``missing``: why there is no "tail",
    "entries", "layer" or "positions", in words; what it names is None.
    ``stable_rank``: energy over its largest share; ``kept`` by "entries", "rows", "singular values" at 10 %.
    ``compressibility``: per p, the relative l_p error of keeping a tenth of the entries. ``count``: entries kept at 10 % error.
    """

    name: str
    shape: tuple[int, ...]
    outputs: int
    inputs: int
    entries: int
    zeros: int
    sampled: int
    tail: TailReport | None
    entry_fit: PowerLaw | None
    entry_error: float | None
    spectral: dict[str, Spectral | None]
    controls: dict[str, Control]
    missing: dict[str, str]
    stable_rank: float
    kept: dict[str, Kept]
    compressibility: dict[float, float]
    count: int

    def __repr__(self) -> str:
        return f"Measured({self.name!r}: {self.outputs} outputs, {self.inputs} inputs)"


def measure(layer: Layer, seed: int = 0) -> Measured:
    """Measure one layer; ``seed`` of what is sampled and of the controls."""
    matrix = layer.matrix
    entries = _entries(matrix, seed)
    singular = singular_values(matrix)
    outputs, inputs = matrix.shape
    energies = np.square(singular / singular[-1])
    rows = np.sort(np.square(np.linalg.norm(matrix / np.max(np.abs(matrix)), axis=1)))
    sample = _sample(matrix, seed)
    tail, no_tail = _tail(matrix, sample)
    spectral, controls, missing = spectra(layer, singular, seed)
    missing |= {name: why for name, why in (("tail", no_tail), ("entries", entries.missing)) if why}
    return Measured(
        layer.name,
        layer.shape,
        outputs,
        inputs,
        matrix.size,
        entries.zeros,
        len(sample),
        tail,
        entries.fit,
        entries.error,
        spectral,
        controls,
        missing,
        float(np.sum(energies)),
        _kept(entries.count / matrix.size, rows, energies, inputs),
        entries.lost,
        entries.count,
    )


def _entries(matrix: np.ndarray, seed: int) -> Entries:
    """In a function of its own, so that nothing of their size is held while spectra are computed."""
    sizes = np.sort(np.abs(matrix), axis=None)
    relative = sizes / sizes[-1]
    count = len(sizes) - dropped(np.square(relative))
    lost = {p: _lost(relative, p) for p in NORMS}
    return Entries(int(np.sum(sizes == 0)), count, lost, *_entry_fit(sizes, seed))


def _kept(entries: float, rows: np.ndarray, energies: np.ndarray, inputs: int) -> dict[str, Kept]:
    """By what is kept, of the fraction of entries and of increasing energies of rows and of singular values."""
    outputs = len(rows)
    aspect = min(outputs, inputs) / max(outputs, inputs)
    return {
        "entries": Kept(entries, float(light_tails.gaussian_kept(ERROR))),
        "rows": Kept(1 - dropped(rows) / outputs, float(light_tails.gaussian_kept(ERROR, inputs))),
        "singular values": Kept(1 - dropped(energies) / len(energies), light_tails.marchenko_pastur_kept(ERROR, aspect)),
    }


def dropped(energies: np.ndarray) -> int:
    """How many of the energies (N,), increasing so that small ones are summed first, may go at a relative error of 10 %."""
    return int(np.searchsorted(np.cumsum(energies), ERROR**2 * np.sum(energies), side="right"))


def _lost(sizes: np.ndarray, p: float) -> float:
    """The relative l_p error of keeping the largest tenth of increasing magnitudes."""
    powers = sizes**p
    return float((np.sum(powers[: len(powers) - max(len(powers) // 10, 1)]) / np.sum(powers)) ** (1 / p))


def _sample(matrix: np.ndarray, seed: int) -> np.ndarray:
    """Entries in random order, as many as a power of two."""
    size = min(SAMPLE, 1 << (matrix.size.bit_length() - 1))
    places = np.random.default_rng(seed).choice(matrix.size, size, replace=False, shuffle=True)
    return matrix.ravel()[places]


def _tail(matrix: np.ndarray, sample: np.ndarray) -> tuple[TailReport | None, str]:
    """The report of a sample, over the largest entry so that single precision holds it; or why there is none."""
    if len(sample) < FEWEST:
        return None, f"fewer than {FEWEST} entries"
    numbers = jnp.asarray(sample / np.max(np.abs(matrix)), jnp.float32)
    return (None, "entries that do not vary") if jnp.all(numbers == numbers[0]) else (tails.report(numbers), "")


def _entry_fit(sizes: np.ndarray, seed: int) -> tuple[PowerLaw | None, float | None, str]:
    """Of the largest non-zero of increasing magnitudes, with its error; or why there is none."""
    largest = sizes[-LARGEST:]
    largest = largest[largest > 0]
    found, why = fitted(power_law.fit, largest, FEWEST, "non-zero entries")
    return found, None if found is None else _error(found, largest, seed), why


def _error(found: PowerLaw, data: np.ndarray, seed: int) -> float | None:
    """Root mean square distance of the tail index from those of data drawn from the data with replacement, each fitted from the
    start, xmin too; None where fewer than half of them have a fit. All lengths share two programs."""
    rng, count = np.random.default_rng(seed), len(data)
    room = next(size for size in ROOMS if size >= count) - count
    indices = []
    for _ in range(RESAMPLES):
        drawn = np.repeat(data, np.bincount(rng.integers(count, size=count), minlength=count))
        with jax.enable_x64(True):
            again = power_law.of_sorted(jnp.asarray(np.pad(drawn, (room, 0), mode="edge")), room, found.distance, CANDIDATES)
            indices += [] if int(again.failed) else [float(again.tail_index)]
    if 2 * len(indices) < RESAMPLES:
        return None
    return float(np.sqrt(np.mean(np.square(np.array(indices) - float(found.tail_index)))))
