"""A bound of the risk along the curve of magnitude pruning: every number that describes the pruned network is paid for.

All layers share one threshold; the largest weights are kept, a sign and ``value_bits`` bits each on a logarithmic grid, and
arrays that are no layers at 32 bits a number. Derivations: guide/bounds.md, Code of a sparse layer; guide/weights.md.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

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
    with np.errstate(over="ignore"):
        magnitudes = [np.abs(layer.matrix.astype(np.float32)) for layer in layers]  # the precision that is paid for
    sizes = np.sort(np.concatenate([each.ravel() for each in magnitudes]))[::-1].astype(np.float64)
    if not np.isfinite(sizes[0]) or sizes[0] == 0:
        raise ValueError("weights: they are beyond single precision, in which the code counts them; scale the network")
    extra = _left_nats(left, value_bits)
    thresholds = np.unique([sizes[max(round(fraction * len(sizes)), 1) - 1] for fraction in fractions])[::-1]
    found = []
    for threshold in thresholds.tolist():
        counts = [int(np.sum(each >= threshold)) for each in magnitudes]
        sides = ((layer.matrix.shape[0], layer.matrix.shape[1]) for layer in layers)
        codes = (bounds.sparse_code_nats(n1, n2, s, value_bits) for (n1, n2), s in zip(sides, counts, strict=True))
        nats, kept = extra + float(sum(codes)), sum(counts)
        here = risk(threshold) if callable(risk) else risk
        found.append(Point(kept / len(sizes), kept, nats, here, float(bounds.occam_kl(here, nats, samples, delta))))
    return found


def measured(
    apply: Callable[[Any, Any], Any], data: tuple[Any, Any], pruned: Callable[[float], Any]
) -> Callable[[float], float]:
    """The errors on the data of the network that is pruned at a threshold, as a function of it."""
    inputs, labels = data[0], np.asarray(data[1])
    return lambda threshold: _errors(apply(pruned(threshold), inputs), labels)


def _errors(scores: Any, labels: np.ndarray) -> float:
    """The fraction of labels that have not the largest score."""
    scores = np.asarray(scores)
    if scores.ndim != 2 or not (scores.dtype.kind in "iub" or jnp.issubdtype(scores.dtype, jnp.floating)):
        raise ValueError(
            f"apply: it returns {scores.shape} of {scores.dtype}; return scores ({len(labels)} samples, classes), real numbers"
        )
    if len(scores) != len(labels):
        raise ValueError(
            f"data: there are {len(labels)} labels, and apply returns scores of {len(scores)} samples; give one label for each"
        )
    if not np.all(np.isfinite(scores)):
        bad = np.sum(~np.isfinite(scores))
        raise ValueError(f"apply: {bad} of {scores.size} scores are NaN or infinite; return finite scores")
    outside = labels[(labels < 0) | (labels >= scores.shape[1])]
    if len(outside):
        raise ValueError(
            f"data: the label {outside[0]} is none of the {scores.shape[1]} classes that apply scores;"
            f" number them from 0 to {scores.shape[1] - 1}"
        )
    return float(np.mean(np.argmax(scores, axis=1) != labels))


def pruned(arrays: Arrays, names: Collection[str], threshold: float, value_bits: int) -> dict[str, np.ndarray]:
    """Arrays: those of ``names`` with the magnitudes of ``threshold`` and above on their grid, and zeros; the others as they
    are paid for, with 32 bits a number. ValueError for what is no number."""
    return {
        name: _coded(array, threshold, value_bits) if name in names else _paid(name, array) for name, array in arrays.items()
    }


def _paid(name: str, array: np.ndarray) -> np.ndarray:
    """In 32 bits a number: what the risk is measured with has no more than what the code pays for."""
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array.astype(np.float32).astype(array.dtype)
    if array.dtype.kind not in "iub":
        raise ValueError(f"weights: {name} is of {array.dtype}, no real numbers, and cannot be paid for; take it out")
    if not np.array_equal(array.astype(np.int32), array):
        raise ValueError(f"weights: {name} holds whole numbers beyond 32 bits, which no code pays for; take it out")
    return array


def _coded(array: np.ndarray, threshold: float, value_bits: int) -> np.ndarray:
    exact = array.astype(np.float32).astype(np.float64)  # the ends of the grid are paid for in that precision
    kept = np.where(np.abs(exact) >= threshold, exact, 0)
    if not np.any(kept):
        return kept
    with jax.enable_x64(True):
        return np.asarray(quantiser.quantised(Compressed(jnp.asarray(kept), 0, 0.0), value_bits).value)


def _left_nats(left: Sequence[LeftOut], value_bits: int) -> float:
    """Of what is no layer, at 32 bits a number; of layers that are all zero, that none of their entries is kept."""
    zero = sum(float(bounds.sparse_code_nats(int(np.prod(a.shape)), 1, 0, value_bits)) for a in left if a.zero)
    numbers = sum(int(np.prod(array.shape)) for array in left if not array.zero)
    return zero + numbers * FLOAT_BITS * float(np.log(2))
