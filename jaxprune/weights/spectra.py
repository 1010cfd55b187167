"""Power laws of a layer's squared singular values, beside those of several draws of its controls.

One fit says nothing alone: any matrix has one, and that of independent entries changes much from draw to draw. So a layer
stands beside the range of its controls. Derivations: guide/weights.md.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from jaxprune.simulate.tails import spectral_fit
from jaxprune.simulate.tails.spectral_fit import Spectral
from jaxprune.weights.layers import Layer, at_positions

FEWEST = 50  # singular values below which nothing is fitted
DRAWS = 8  # of each control
WORK = 1.28e11  # floating-point operations for one control of a layer, beyond which there are fewer draws: some seconds


class Control(NamedTuple):
    """A control of a layer: the pdf ``exponents`` of its draws, increasing, without those of draws whose fit ``failed``."""

    exponents: tuple[float, ...]
    failed: int

    @property
    def median(self) -> float | None:
        """The middle of the draws; None without any."""
        return float(np.median(self.exponents)) if self.exponents else None

    @property
    def ends(self) -> tuple[float, float] | None:
        """The least and the largest of two draws or more."""
        return (self.exponents[0], self.exponents[-1]) if len(self.exponents) > 1 else None

    def side(self, exponent: float) -> int:
        """-1 where an exponent lies below all draws, 1 where above all, 0 among them or where there is no range. Either has the
        chance 1/(draws + 1) if the layer is like its control."""
        low, high = self.ends or (exponent, exponent)
        return int(exponent > high) - int(exponent < low)


class Drawn(NamedTuple):
    """One draw of the controls of a layer (outputs, inputs times positions): its entries ``shuffled``, and ``gaussian`` numbers
    with the mean squares of its rows and columns, as far as a product of the two can have them."""

    shuffled: np.ndarray
    gaussian: np.ndarray


class Spectra(NamedTuple):
    """Fits ``of`` the "layer" and, for a convolution, of its "positions"; their ``controls`` by name; and why there is none of
    what is ``missing``."""

    of: dict[str, Spectral | None]
    controls: dict[str, Control]
    missing: dict[str, str]


def spectra(layer: Layer, singular: np.ndarray, seed: int) -> Spectra:
    """The fit to a layer's singular values, increasing, and those of its controls; ``seed`` and name decide their draws."""
    places, side = len(layer.positions), max(layer.matrix.shape)
    values = {"layer": singular} | ({"positions": pooled(layer.positions)} if places > 1 else {})
    found, missing = {}, {}
    for which, numbers in values.items():
        found[which], why = fitted(lambda data: _fit(data, side), numbers, FEWEST, "singular values")
        missing |= {which: why} if why else {}
    drawn: dict[str, list[float]] = {}
    for name, numbers in _drawn(layer, [which for which, numbers in values.items() if len(numbers) >= FEWEST], seed):
        fit, _ = fitted(lambda data: _fit(data, side), numbers, FEWEST, "singular values")
        drawn.setdefault(name, []).append(np.nan if fit is None else float(fit.fit.pdf_exponent))
    return Spectra(found, {name: _control(exponents) for name, exponents in drawn.items()}, missing)


def singular_values(matrix: np.ndarray) -> np.ndarray:
    """All of them, increasing, by the Gram matrix of the smaller side: those below 1e-8 of the largest are round-off."""
    largest = np.max(np.abs(matrix))
    scaled = matrix / largest
    smaller = scaled if len(scaled) <= scaled.shape[1] else scaled.T
    with threadpool_limits(1, "blas"):  # on busy cores its threads wait for each other, hundreds of times as long
        values = np.linalg.eigvalsh(smaller @ smaller.T)
    return largest * np.sqrt(np.maximum(values, 0))


def pooled(matrices: np.ndarray) -> np.ndarray:
    """Singular values of all matrices (positions, outputs, inputs) that are not zero, increasing."""
    return np.sort(np.concatenate([singular_values(matrix) for matrix in matrices if np.any(matrix)]))


def draws(layer: Layer) -> int:
    """How many draws of each control there are: fewer for large layers, by their shape alone."""
    places, outputs, inputs = layer.positions.shape
    work = _operations(*layer.matrix.shape) + (places * _operations(outputs, inputs) if places > 1 else 0)
    return int(np.clip(WORK // work, 1, DRAWS))


def draw(layer: Layer, seed: int) -> Iterator[Drawn]:
    """Draws of the controls, one after the other; those of layers of one shape differ."""
    rng = np.random.default_rng([seed, zlib.crc32(layer.name.encode("utf-8", "backslashreplace"))])
    matrix = layer.matrix
    rows = np.sqrt(np.einsum("ij,ij->i", matrix, matrix) / matrix.shape[1])
    columns = np.sqrt(np.einsum("ij,ij->j", matrix, matrix) / len(matrix)) / np.sqrt(np.mean(rows**2))
    for _ in range(draws(layer)):
        normal = rng.standard_normal(matrix.shape)
        normal *= rows[:, None]
        normal *= columns
        yield Drawn(rng.permutation(matrix.ravel()).reshape(matrix.shape), normal)


def fitted(function: Callable[[Any], Any], data: np.ndarray, fewest: int, what: str) -> tuple[Any, str]:
    """The fit, and no words; or None, and why: data are too few, or do not vary, or the fit failed."""
    if len(data) < fewest:
        return None, f"fewer than {fewest} {what}"
    try:
        found = function(data)
    except ValueError:
        return None, f"{what} that do not vary"
    law = getattr(found, "fit", found)
    return (None, f"a fit that failed ({law.reason})") if int(law.failed) else (found, "")


def _fit(values: np.ndarray, side: int) -> Spectral:
    """Squares below this share of the largest are round-off of the Gram matrix."""
    return spectral_fit.of_singular_values(values, side, cut=side * np.finfo(float).eps * values[-1] ** 2)


def _operations(outputs: int, inputs: int) -> float:
    """Of the singular values of a matrix: its Gram matrix, and the eigenvalues of that."""
    small, large = sorted((outputs, inputs))
    return float(small) ** 2 * large + 4 * float(small) ** 3


def _drawn(layer: Layer, wanted: list[str], seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Names and singular values of the draws of the controls of what is wanted."""
    for drawn in draw(layer, seed) if wanted else ():
        if "layer" in wanted:
            yield "shuffled", singular_values(drawn.shuffled)
            yield "gaussian", singular_values(drawn.gaussian)
        if "positions" in wanted:
            yield "positions_gaussian", pooled(at_positions(drawn.gaussian, len(layer.positions)))


def _control(exponents: list[float]) -> Control:
    sound = np.sort([exponent for exponent in exponents if np.isfinite(exponent)])
    return Control(tuple(sound.tolist()), len(exponents) - len(sound))
