"""Classifiers with few weights, and what bounds say of them."""

from typing import Any, ClassVar

from jaxprune.contracts import Metric
from jaxprune.struct import choice, count, number, struct

FAMILIES = ("Pareto", "stable", "Student")
ACTIVATIONS = ("relu", "linear")
SCORES = ("magnitude", "activation")
BOUNDS = (  # metrics of every bound: how far the risk lies above it, so that above 0 it has failed
    Metric("occam_kl", "risk less the Occam-kl bound"),
    Metric("occam_gap", "risk less the Hoeffding-Occam bound"),
)


@struct
class HalfSpace:
    """Labels sign(w.x) of ``dim`` isotropic Gaussian inputs, w of independent heavy-tailed weights, and the classifier that
    keeps the largest of them.

    ``family`` of the weights: "Pareto", |w| = u^(-1/tail_index), "stable" (an index below 2), "Student". ``delta``: failure
    probability of the bounds; ``value_bits``: of the quantiser of a kept weight.

    Raises ValueError, naming the argument. Source: guide/bounds.md, Half-space.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("discarded", "share of the energy outside the kept weights"),
        Metric("disagreement", "risk of the kept weights"),
        Metric("coded_disagreement", "risk of the kept weights, rounded to the bits of the quantiser"),
        Metric("bound_kl", "least Occam-kl bound over kept counts, values not rounded, at the mean training error"),
        Metric("bound_gap", "least Hoeffding-Occam bound over kept counts, the same"),
        Metric("coded_bound", "least Occam-kl bound over kept counts and bits of rounded values"),
        Metric("best_kept", "kept weights at the least Occam-kl bound"),
    )
    tail_index: Any = number("(0, inf)")
    dim: int = count("inputs", low=2)
    family: str = choice(*FAMILIES, default="Pareto")
    delta: Any = number("(0, 1)", default=0.05)
    value_bits: Any = number("[1, 24]", default=6.0)

    def __post_init__(self):
        _stable_index(self)
        _whole("value_bits", self.value_bits)


@struct
class LearntHalfSpace:
    """As ``HalfSpace``, from ``samples`` labels of which a fraction ``flipped`` is wrong: the features whose correlation with
    the labels is largest, with these correlations for weights.

    Metrics are risks less bounds at the kept count with the least bound: what is above 0 has failed. "values_only" leaves
    out which features are kept, though that depends on the data.

    Raises ValueError, naming the argument. Source: guide/bounds.md, Coverage.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        *BOUNDS,
        Metric("values_only", "risk less the Occam-kl bound that does not pay for the support"),
        Metric("bound", "least Occam-kl bound over kept counts"),
        Metric("risk", "risk at the least Occam-kl bound"),
    )
    tail_index: Any = number("(0, inf)")
    dim: int = count("inputs", low=2)
    samples: int = count("training samples")
    flipped: Any = number("[0, 0.5]", default=0.0)
    family: str = choice(*FAMILIES, default="Pareto")
    delta: Any = number("(0, 1)", default=0.05)
    value_bits: Any = number("[1, 24]", default=6.0)

    def __post_init__(self):
        _stable_index(self)
        _whole("value_bits", self.value_bits)


@struct
class ChosenClassifier:
    """The best of ``classifiers`` on ``samples`` labels, each wrong with probability ``risk`` on its own.

    Raises ValueError, naming the argument. Source: guide/bounds.md, Coverage.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        *BOUNDS,
        Metric("paid_as_one", "risk less the Occam-kl bound of a single classifier"),
    )
    classifiers: int = count("classifiers", low=2)
    samples: int = count("training samples")
    risk: Any = number("(0, 1)", default=0.5)
    delta: Any = number("(0, 1)", default=0.05)


@struct
class PlantedNetwork:
    """A classifier without biases, ``width`` units in each of ``depth`` - 1 hidden layers and ``classes`` outputs, with
    independent symmetric heavy-tailed weights, that labels ``dim`` Gaussian inputs; and what is left of it when every layer
    keeps as many entries.

    ``activation``: "relu" or "linear". ``score``, by which entries are kept: "magnitude", or "activation", |w| times the
    root mean square of its input over the training ``samples``. ``tail_index`` and ``family`` as of ``HalfSpace``.
    ``tests``: fresh inputs.

    Raises ValueError, naming the argument. Source: guide/bounds.md, Planted networks.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("train_error", "error of the compressed network on the training samples"),
        Metric("test_error", "error of the compressed network on fresh samples"),
        Metric("bound", "Occam-kl bound of the error of the compressed network"),
        Metric("gap_bound", "Hoeffding-Occam bound of the same"),
        Metric("best", "least Occam-kl bound over kept counts"),
        Metric("best_kept", "entries kept at the least bound"),
        Metric("majority", "share of the most frequent label"),
    )
    tail_index: Any = number("(0, inf)")
    dim: int = count("inputs")
    width: int = count("hidden units")
    samples: int = count("training samples")
    depth: int = count("layers", low=1, default=2)
    classes: int = count("classes", low=2, default=10)
    tests: int = count("test samples", default=2000)
    activation: str = choice(*ACTIVATIONS, default="relu")
    score: str = choice(*SCORES, default="magnitude")
    family: str = choice(*FAMILIES, default="Pareto")
    delta: Any = number("(0, 1)", default=0.05)
    value_bits: Any = number("[1, 24]", default=4.0)

    def __post_init__(self):
        _stable_index(self)
        _whole("value_bits", self.value_bits)


@struct
class Cushions:
    """A network as of ``PlantedNetwork``, whose stability to noise is measured on ``samples`` Gaussian inputs.

    Raises ValueError, naming the argument. Source: guide/bounds.md, Cushions.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("layer", "quantiles over samples of the layer cushion"),
        Metric("interlayer", "quantiles over samples of the smallest interlayer cushion"),
        Metric("contraction", "quantiles over samples of the activation contraction, from the largest"),
        Metric("outliers", "share of samples beyond the quantile somewhere"),
        Metric("layer_mean", "mean over samples of n mu^2, n inputs of the first layer and mu its cushion"),
        Metric("layer_variance", "variance over samples of n mu^2"),
        Metric("dead", "samples on which a layer is all zero"),
        Metric("log_parameters", "log of the numbers that describe the network, by quantiles of cushions", scale="logarithm"),
    )
    tail_index: Any = number("(0, inf)")
    dim: int = count("inputs")
    width: int = count("hidden units")
    samples: int = count("samples")
    depth: int = count("layers", low=1, default=3)
    classes: int = count("classes", low=1, default=10)
    family: str = choice(*FAMILIES, default="Pareto")

    def __post_init__(self):
        _stable_index(self)


def _stable_index(problem: Any) -> None:
    if problem.family == "stable" and problem.tail_index > 2:
        raise ValueError(f"tail_index: {problem.tail_index} is no index of a stable law; use a number in (0, 2], or 'Student'")


def _whole(name: str, value: Any) -> None:
    if value != round(float(value)):
        raise ValueError(f"{name}: {value} is not a whole number of bits; use an integer")
