"""Neurons that hold nothing but stable noise."""

from typing import Any, ClassVar

from jaxprune.checks import noise_type
from jaxprune.contracts import Metric
from jaxprune.problems.sgd import RATIO
from jaxprune.struct import count, floats, static, struct


@struct
class StableLayer:
    """``n`` neurons of ``dim`` incoming weights each, all of them noise of index ``alpha``: what heavy-tailed noise leaves of
    a layer, whatever was there before, after a long time.

    ``noise``: "I" one number for all weights of a neuron, "II" independent weights, "III" an isotropic vector; with
    ``dim`` = 1 all are n independent symmetric stable entries. alpha = 2 is Gaussian, the control of the same type.
    Source: guide/compression.md, Noise types.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        RATIO,
        Metric("squared_error", "squared relative error of keeping a fraction of the neurons"),
        Metric("share_beyond", "share of the energy beyond a kept count"),
        Metric("within", "fraction of runs with at most a relative error"),
        Metric("participation", "participation ratio of the neurons' energies"),
        Metric("squared_spectral_error", "squared relative error of the best approximation of a rank"),
    )
    alpha: Any = floats("(0, 2]")
    n: int = count("neurons")
    dim: int = count("weights of a neuron", default=1)
    noise: str = static(noise_type, default="I")
