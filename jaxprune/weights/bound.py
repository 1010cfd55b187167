"""A bound of the risk along the curve of magnitude pruning: every number that describes the pruned network is paid for.

All layers share one threshold; the largest weights are kept, a sign and ``value_bits`` bits each on a logarithmic grid, and
arrays that are no layers at 32 bits a number. Derivations: guide/bounds.md, Code of a sparse layer; guide/weights.md.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxprune.simulate.compression import quantiser
from jaxprune.simulate.compression.rules import Compressed
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
    risk: float | Callable[[float], float],
    value_bits: int = 6,
    delta: float = 0.05,
    fractions: Sequence[float] = FRACTIONS,
) -> list[Point]:
    """Bounds that all hold at once with probability 1 - delta, on ``samples`` independent samples: the least may be taken.

    ``risk``: the fraction of errors on the samples, of every pruned network, as a function of the threshold; or one number,
    and then each bound says what it would be if the pruned network had that risk.

    Raises ValueError for samples, risks, bits and delta out of range."""
    bounds.samples_for_gap(1.0, 0.5, delta)
    sizes = np.sort(np.concatenate([np.abs(layer.matrix).ravel() for layer in layers]))[::-1]
    extra = _left_nats(left)
    thresholds = np.unique([sizes[max(round(fraction * len(sizes)), 1) - 1] for fraction in fractions])[::-1]
    found = []
    for threshold in thresholds.tolist():
        counts = [int(np.sum(np.abs(layer.matrix) >= threshold)) for layer in layers]
        sides = ((layer.matrix.shape[0], layer.matrix.shape[1]) for layer in layers)
        codes = (bounds.sparse_code_nats(n1, n2, s, value_bits) for (n1, n2), s in zip(sides, counts, strict=True))
        nats, kept = extra + float(sum(codes)), sum(counts)
        here = risk(threshold) if callable(risk) else risk
        found.append(Point(kept / len(sizes), kept, nats, here, float(bounds.occam_kl(here, nats, samples, delta))))
    return found


def pruned(arrays: Arrays, names: Collection[str], threshold: float, value_bits: int) -> dict[str, np.ndarray]:
    """The arrays, those of ``names`` with the magnitudes of ``threshold`` and above on their grid, and zeros."""
    return {name: _coded(array, threshold, value_bits) if name in names else array for name, array in arrays.items()}


def _coded(array: np.ndarray, threshold: float, value_bits: int) -> np.ndarray:
    kept = np.where(np.abs(array) >= threshold, array, 0).astype(np.float64)
    if not np.any(kept):
        return kept
    with jax.enable_x64(True):
        return np.asarray(quantiser.quantised(Compressed(jnp.asarray(kept), 0, 0.0), value_bits).value)


def _left_nats(left: Sequence[LeftOut]) -> float:
    numbers = sum(int(np.prod(array.shape)) for array in left)
    return numbers * FLOAT_BITS * float(np.log(2))
