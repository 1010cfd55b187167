"""Stochastic gradient descent on linear regression: a recursion with multiplicative noise and heavy tails."""

from typing import Any, ClassVar

import numpy as np

from jaxprune.contracts import Metric
from jaxprune.problems.checks import check_count
from jaxprune.struct import static, struct


@struct
class MultiplicativeSGD:
    """Descent on ``(a . x - y)^2 / 2`` with steps ``step_size`` > 0 and fresh batches of ``batch`` samples
    ``a ~ N(0, diag(input_sd^2))`` in R^dim, ``y = noise_sd * z``: the optimum is 0, and
    ``x <- (I - (step_size/batch) sum a a^T) x + (step_size/batch) sum a y``.

    ``input_sd`` is one number > 0 (isotropic), or one for each coordinate (dim,); ``noise_sd`` >= 0. Other covariances are
    diagonal in the basis of their eigenvectors, in which no norm or growth rate changes: ``from_covariance``.
    Source: Gurbuzbalaban, Simsekli and Zhu 2021; our notes on Wan et al. 2023, section 5.

    Raises ValueError, naming the argument, for counts that are not positive integers, a step size or standard deviation
    that is not positive and finite.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("log_growth", "growth rate of |x|, E log|M u|", unit="1/step"),
        Metric("square_norm", "E|x|^2 of the stationary law"),
        Metric("step_moment", "E|M u|^s, the growth of a moment in a step"),
    )
    step_size: Any
    noise_sd: Any
    batch: int = static()
    dim: int = static()
    input_sd: Any = 1.0

    def __post_init__(self):
        check_count("batch", self.batch, "samples in a batch")
        check_count("dim", self.dim, "parameters")
        for name, shapes in (("step_size", [()]), ("noise_sd", [()]), ("input_sd", [(), (self.dim,)])):
            value = np.asarray(getattr(self, name), float)
            if value.shape not in shapes:
                cure = "give one number" if len(shapes) == 1 else f"give one number, or {self.dim}, one for each coordinate"
                raise ValueError(f"{name}: shape {value.shape} does not fit; {cure}")
            if not np.all(np.isfinite(value)) or np.min(value) < 0 or (name != "noise_sd" and not np.all(value > 0)):
                bound = ">= 0; 0 is no label noise" if name == "noise_sd" else "> 0"
                raise ValueError(f"{name}: {getattr(self, name)} is out of range; give finite numbers {bound}")
            object.__setattr__(self, name, value)

    @classmethod
    def from_covariance(cls, covariance: Any, step_size: float, noise_sd: float, batch: int) -> "MultiplicativeSGD":
        """The problem whose inputs have the positive definite ``covariance`` (dim, dim), in its eigenvectors' basis."""
        covariance = np.asarray(covariance, float)
        if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.all(np.isfinite(covariance)):
            raise ValueError(
                f"covariance: shape {covariance.shape} or an entry does not fit; give a square matrix of finite numbers"
            )
        if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-10 * np.max(np.abs(covariance))):
            raise ValueError("covariance: not symmetric; pass (S + S.T) / 2")
        eigs = np.linalg.eigvalsh(covariance)
        if eigs[0] <= len(eigs) * np.finfo(float).eps * eigs[-1]:
            raise ValueError(f"covariance: not positive definite, smallest eigenvalue {eigs[0]:.3g}; leave such directions out")
        return cls(step_size=step_size, noise_sd=noise_sd, batch=batch, dim=len(eigs), input_sd=np.sqrt(eigs))

    @property
    def isotropic(self) -> bool:
        """Whether all coordinates have one standard deviation, as theory needs."""
        return np.ndim(self.input_sd) == 0 or bool(np.all(np.asarray(self.input_sd) == np.ravel(self.input_sd)[0]))
