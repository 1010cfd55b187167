"""Neurons that hold nothing but stable noise."""

from typing import Any, ClassVar

import numpy as np

from jaxprune.checks import check_count, noise_type
from jaxprune.contracts import Metric
from jaxprune.problems.sgd import RATIO
from jaxprune.struct import static, struct


@struct
class StableLayer:
    """``n`` neurons of ``dim`` incoming weights each, all of them noise of index ``alpha``: what heavy-tailed noise leaves of
    a layer, whatever was there before, after a long time.

    ``noise``: "I" one number for all weights of a neuron, "II" independent weights, "III" an isotropic vector; with
    ``dim`` = 1 all are n independent symmetric stable entries. alpha = 2 is Gaussian, the control of the same type.
    Source: our notes on Wan et al. 2023, sections 1.2 and 3.

    Raises ValueError, naming the argument, for alpha outside (0, 2], sizes that are not integers >= 1, another noise type.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        RATIO,
        Metric("squared_error", "squared relative error of keeping a fraction of the neurons"),
        Metric("share_beyond", "share of the energy beyond a kept count"),
        Metric("within", "fraction of runs with at most a relative error"),
        Metric("participation", "participation ratio of the neurons' energies"),
        Metric("squared_spectral_error", "squared relative error of the best approximation of a rank"),
    )
    alpha: Any
    n: int = static()
    dim: int = static(default=1)
    noise: str = static(default="I")

    def __post_init__(self):
        check_count("n", self.n, "neurons")
        check_count("dim", self.dim, "weights of a neuron")
        object.__setattr__(self, "noise", noise_type("noise", self.noise))
        alpha = np.asarray(self.alpha)
        if alpha.dtype.kind not in "fiu" or not 0 < alpha <= 2:
            raise ValueError(f"alpha: {self.alpha!r} is not an index of stability; use a number in (0, 2]")
        if not hasattr(self.alpha, "shape") or alpha.dtype.kind != "f":
            object.__setattr__(self, "alpha", alpha.astype(float))
