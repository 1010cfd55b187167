"""A bound of the risk along the curve of magnitude pruning: every number that describes the pruned network is paid for.

All layers share one threshold; the largest weights are kept, a sign and ``value_bits`` bits each on a logarithmic grid, and
arrays that are no layers at 32 bits a number. Derivations: guide/bounds.md, Code of a sparse layer; guide/weights.md.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jaxprune.simulate.compression import quantiser
from jaxprune.theory import bounds
from jaxprune.weights.layers import Layer, LeftOut

FRACTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
FLOAT_BITS = 32
Arrays = Mapping[str, np.ndarray]


class Point(NamedTuple):
    """One compressed network: ``fraction`` of its weights, and how many, are ``kept``; ``nats`` describe it; its empirical
    ``risk`` and the ``bound`` of its risk."""

    fraction: float
    kept: int
    nats: float
    risk: float
    bound: float


def curve(
    layers: Sequence[Layer],
    left: Sequence[LeftOut],
    samples: int,
    risk: float | Callable[[float, int], float],
    value_bits: int = 6,
    delta: float = 0.05,
    fractions: Sequence[float] = FRACTIONS,
) -> list[Point]:
    """Bounds that all hold at once with probability 1 - delta, on ``samples`` independent samples: the least of them may be taken.

    ``risk``: the fraction of errors on the samples, of every pruned network, as a function of the threshold and the number of
    kept weights; or one number, and then each bound says what it would be if the pruned network still had that risk.

    Raises ValueError for samples, risks, bits and delta out of range."""
    bounds.samples_for_gap(1.0, 0.5, delta)
    sizes = np.sort(np.concatenate([np.abs(layer.matrix).ravel() for layer in layers]))[::-1]
    extra = _left_nats(left)
    found = []
    for fraction in fractions:
        kept = max(round(fraction * len(sizes)), 1)
        threshold = sizes[kept - 1]
        counts = [int(np.sum(np.abs(layer.matrix) >= threshold)) for layer in layers]
        nats = extra + sum(
            float(bounds.sparse_code_nats(*layer.matrix.shape, count, value_bits))
            for layer, count in zip(layers, counts, strict=True)
        )
        here = risk(float(threshold), sum(counts)) if callable(risk) else risk
        found.append(Point(sum(counts) / len(sizes), sum(counts), nats, here, float(bounds.occam_kl(here, nats, samples, delta))))
    return found


def pruned(arrays: Arrays, names: Sequence[str], threshold: float, value_bits: int) -> dict[str, np.ndarray]:
    """The arrays, those of ``names`` with the magnitudes of ``threshold`` and above on their grid, and zeros."""
    return {name: _coded(array, threshold, value_bits) if name in names else array for name, array in arrays.items()}


def _coded(array: np.ndarray, threshold: float, value_bits: int) -> np.ndarray:
    keep = np.abs(array) >= threshold
    found = np.zeros(array.shape, array.dtype)
    if np.any(keep):
        found[keep] = quantiser.log_grid(np.asarray(array[keep]), value_bits)
    return found


def _left_nats(left: Sequence[LeftOut]) -> float:
    numbers = sum(int(np.prod(array.shape)) for array in left)
    return numbers * FLOAT_BITS * float(np.log(2))
