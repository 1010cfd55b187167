"""What a layer is like: tails of its entries, its spectrum beside controls without heavy tails, and how well it compresses.

Entries of many layers are looked at through their largest, and tail indices through a sample of fixed size, so that one program
serves layers of any size. Derivations: guide/weights.md.
"""

import dataclasses
from typing import NamedTuple

import jax
import numpy as np

from jaxprune.simulate import tails
from jaxprune.simulate.tails import controls, power_law, spectral_fit
from jaxprune.simulate.tails.power_law import PowerLaw
from jaxprune.simulate.tails.tail_report import TailReport
from jaxprune.theory.matrices import light_tails
from jaxprune.weights.layers import Layer, at_positions

ERROR = 0.1  # relative Frobenius error at which kept fractions are told
SAMPLE = 2**13  # entries that the tail report looks at
LARGEST = 2**17  # entries among which the lower end of a power law is looked for
FEWEST = 100  # entries below which nothing is fitted
SPECTRUM = 50  # eigenvalues below which nothing is fitted
NORMS = (0.5, 1.0, 2.0)  # p of the compressibility in l_p


class Kept(NamedTuple):
    """Fraction that a relative error of 10 % keeps, and the fraction that light tails would keep."""

    own: float
    light: float


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """Of one layer (outputs, inputs), with ``entries`` weights.

    ``tail``: the tail report of a sample of its entries; None where they are too few. ``entry_fit``: the power law
    of its largest magnitudes. ``spectral``: that of its squared singular values, by "layer", and by control: "shuffled" (the
    same entries elsewhere) and "gaussian" (numbers with the same mean squares of rows and columns); of a convolution also by
    "positions" and "positions_gaussian", those of the matrices (outputs, inputs) at all positions of the kernel together; None
    where it failed. ``stable_rank``: energy over its largest share; ``kept`` by "entries", "rows", "singular values" at 10 %.
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
    spectral: dict[str, spectral_fit.Spectral | None]
    stable_rank: float
    kept: dict[str, Kept]
    compressibility: dict[float, float]
    count: int


def measure(layer: Layer, seed: int = 0) -> Measured:
    """Measure one layer; ``seed`` of what is sampled and of the controls."""
    matrix = layer.matrix
    sizes = np.sort(np.abs(matrix), axis=None)
    relative = sizes / sizes[-1]
    singular = singular_values(matrix)
    outputs, inputs = matrix.shape
    energies = np.square(singular / singular[-1])
    count = len(sizes) - dropped(np.square(relative))
    rows = np.sort(np.square(np.linalg.norm(matrix / sizes[-1], axis=1)))
    sample = _sample(matrix, seed)
    return Measured(
        layer.name,
        layer.shape,
        outputs,
        inputs,
        matrix.size,
        int(np.sum(sizes == 0)),
        len(sample),
        tails.report(jax.numpy.asarray(sample)) if len(sample) >= FEWEST else None,
        _entry_fit(sizes),
        _spectra(layer, singular, seed),
        float(np.sum(energies)),
        {
            "entries": Kept(count / len(sizes), float(light_tails.gaussian_kept(ERROR))),
            "rows": Kept(1 - dropped(rows) / len(rows), float(light_tails.gaussian_kept(ERROR, inputs))),
            "singular values": Kept(
                1 - dropped(energies) / len(singular),
                light_tails.marchenko_pastur_kept(ERROR, min(matrix.shape) / max(matrix.shape)),
            ),
        },
        {p: _lost(relative, p) for p in NORMS},
        count,
    )


def singular_values(matrix: np.ndarray) -> np.ndarray:
    """All of them, increasing, by the Gram matrix of the smaller side: those below 1e-8 of the largest are round-off."""
    largest = np.max(np.abs(matrix))
    scaled = matrix / largest
    smaller = scaled if len(scaled) <= scaled.shape[1] else scaled.T
    values = np.linalg.eigvalsh(smaller @ smaller.T)
    return largest * np.sqrt(np.maximum(values, 0))


def _pooled(matrices: np.ndarray) -> np.ndarray:
    """Singular values of all matrices (positions, outputs, inputs) that are not zero, increasing."""
    return np.sort(np.concatenate([singular_values(matrix) for matrix in matrices if np.any(matrix)]))


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


def _entry_fit(sizes: np.ndarray) -> PowerLaw | None:
    """Of the largest non-zero magnitudes."""
    largest = sizes[-LARGEST:]
    return _fit(power_law.fit, largest[largest > 0], FEWEST)


def _spectra(layer: Layer, singular: np.ndarray, seed: int) -> dict[str, spectral_fit.Spectral | None]:
    key = jax.random.key(seed)
    with jax.enable_x64(True):
        numbers = jax.numpy.asarray(layer.matrix)
        controlled = {"shuffled": controls.shuffled(numbers, key), "gaussian": controls.gaussian(numbers, key)[1]}
    of = {name: np.asarray(control) for name, control in controlled.items()}
    spectra = {"layer": singular} | {name: singular_values(control) for name, control in of.items()}
    side = max(layer.matrix.shape)
    if len(layer.positions) > 1:
        drawn = at_positions(of["gaussian"], len(layer.positions))
        spectra |= {"positions": _pooled(layer.positions), "positions_gaussian": _pooled(drawn)}

    def fitted(values):  # squares below this share of the largest are round-off of the Gram matrix
        return spectral_fit.of_singular_values(values, side, cut=side * np.finfo(float).eps * values[-1] ** 2)

    return {name: _fit(fitted, values, SPECTRUM) for name, values in spectra.items()}


def _fit(function, data, fewest: int):
    """None where the data are too few, or do not vary, or the fit failed."""
    if len(data) < fewest:
        return None
    try:
        found = function(data)
    except ValueError:
        return None
    return None if int(getattr(found, "fit", found).failed) else found
