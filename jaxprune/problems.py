"""Problems: what a grid point is. Numbers are leaves, shapes are static; a problem knows nothing of how it is solved."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.struct import static, struct


@struct
class LinearGaussian:
    """``y = x . teacher + noise * z`` with ``x ~ N(0, Sigma)``, learnt from ``n`` samples.

    Diagonal covariance: ``eigs`` (d,) are its entries and ``basis`` is None. Any other covariance is
    ``Sigma = basis @ diag(eigs) @ basis.T`` with ``basis`` (d, r); build it with ``from_covariance``.
    ``teacher`` (d,), ``noise`` >= 0 a standard deviation, ``n`` >= 1 samples. Source: Chang et al. 2020, section 2.

    ``deficient`` is set when some features depend on others, or do not vary.
    Raises ValueError, naming the argument, for wrong shapes, negative or non-finite numbers.
    """

    eigs: Any
    teacher: Any
    noise: Any
    n: int = static()
    basis: Any = None
    deficient: bool = static(init=False, default=False)

    def __post_init__(self):
        if not isinstance(self.n, int | np.integer) or isinstance(self.n, bool) or self.n < 1:
            raise ValueError(f"n: {self.n!r} is not a number of samples; use an integer >= 1")
        if isinstance(self.noise, int | np.integer) and not isinstance(self.noise, bool):
            object.__setattr__(self, "noise", float(self.noise))
        for name in ("eigs", "teacher", "noise", *(["basis"] if self.basis is not None else [])):
            value = np.asarray(getattr(self, name))
            if not hasattr(getattr(self, name), "shape"):
                object.__setattr__(self, name, value)
            if not np.issubdtype(value.dtype, np.floating):
                raise ValueError(f"{name}: dtype {value.dtype} would be cast silently; pass floating-point numbers")
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name}: holds NaN or infinity")
        if np.ndim(self.noise) != 0 or self.noise < 0:
            raise ValueError(f"noise: {self.noise} is not a standard deviation; use one number >= 0")
        if np.ndim(self.eigs) != 1 or np.min(self.eigs, initial=np.inf) < 0 or not np.any(self.eigs):
            raise ValueError("eigs: must be one-dimensional, non-negative and not all zero (a matrix: from_covariance)")
        rows = self.eigs if self.basis is None else self.basis
        if np.ndim(self.teacher) != 1 or len(self.teacher) != len(rows):
            raise ValueError(f"teacher: shape {np.shape(self.teacher)} does not fit {len(rows)} features")
        if self.basis is not None and np.shape(self.basis) != (len(self.teacher), len(self.eigs)):
            raise ValueError(f"basis: shape {np.shape(self.basis)} is not ({len(self.teacher)}, {len(self.eigs)})")
        object.__setattr__(self, "deficient", bool(np.count_nonzero(self.eigs) < len(self.teacher)))

    @classmethod
    def from_covariance(cls, covariance, teacher, noise, n: int) -> "LinearGaussian":
        """The problem with covariance ``covariance`` (d, d); directions of zero variance are left out, by rank."""
        covariance = np.asarray(covariance)
        if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1]:
            raise ValueError(f"covariance: shape {covariance.shape} is not square")
        if not np.issubdtype(covariance.dtype, np.floating) or not np.all(np.isfinite(covariance)):
            raise ValueError("covariance: must hold finite floating-point numbers")
        scale = np.max(np.abs(covariance))
        if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-10 * scale):
            raise ValueError("covariance: not symmetric; pass (S + S.T) / 2")
        precision = len(covariance) * np.finfo(covariance.dtype).eps
        eigs, basis = np.linalg.eigh((covariance + covariance.T).astype(float) / 2)
        if eigs[0] < -max(1e-8, precision) * eigs[-1]:
            raise ValueError(f"covariance: not positive semi-definite, smallest eigenvalue {eigs[0]:.3g}")
        live = eigs > precision * eigs[-1]
        return cls(eigs=eigs[live], teacher=teacher, noise=noise, n=n, basis=basis[:, live])

    @property
    def dim(self) -> int:
        """Number of features d."""
        return self.teacher.shape[-1]

    @property
    def variances(self) -> Float[Array, " d"]:
        """The diagonal of the covariance."""
        return jnp.asarray(self.eigs) if self.basis is None else (jnp.asarray(self.basis) ** 2) @ self.eigs

    def risk(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """Population risk ``noise^2 + (coef - teacher)^T Sigma (coef - teacher)``, exact, without a test set."""
        error = coef - self.teacher
        if self.basis is not None:
            error = jnp.matmul(error, self.basis, precision=jax.lax.Precision.HIGHEST)
        return self.noise**2 + jnp.sum(self.eigs * error**2, axis=-1)


@struct
class Labelled:
    """Labelled data to learn from: ``inputs`` (samples, d_in) or (samples, rows, columns, channels), one-hot ``labels``
    (samples, classes).

    A trial trains on ``n`` of the samples, drawn without replacement, and tests on the others. A fraction
    ``label_noise`` of the training labels is replaced by labels of random samples of the whole set.
    Raises ValueError, naming the argument, when the shapes do not fit, n leaves nothing to test on, or label_noise is
    no fraction.
    """

    inputs: Any
    labels: Any
    n: int = static()
    label_noise: Any = 0.0

    def __post_init__(self):
        if np.ndim(self.inputs) not in (2, 4) or not np.all(np.isfinite(self.inputs)):
            raise ValueError("inputs: must be a finite array (samples, d_in) or (samples, rows, columns, channels)")
        if np.ndim(self.labels) != 2 or len(self.labels) != len(self.inputs):
            raise ValueError(f"labels: shape {np.shape(self.labels)} is not ({len(self.inputs)}, classes)")
        if not 1 <= self.n < len(self.inputs):
            raise ValueError(f"n: {self.n} training samples of {len(self.inputs)} leave no test set")
        if np.ndim(self.label_noise) or not 0 <= self.label_noise <= 1:
            raise ValueError(f"label_noise: {self.label_noise} is not a fraction; use one number in 0 .. 1")
        object.__setattr__(self, "label_noise", np.asarray(self.label_noise, float))


@struct
class Training:
    """Networks trained on ``data``, every training sample in every step: ``steps`` of them before pruning and as many
    after, at learning rate ``rate`` > 0, a leaf.

    Raises ValueError, naming the argument, for a rate or a number of steps that is not positive.
    """

    data: Labelled
    rate: Any
    steps: int = static()

    def __post_init__(self):
        if np.ndim(self.rate) or not 0 < self.rate < np.inf:
            raise ValueError(f"rate: {self.rate} is not a learning rate; use one finite number > 0")
        if not isinstance(self.steps, int | np.integer) or isinstance(self.steps, bool) or self.steps < 1:
            raise ValueError(f"steps: {self.steps!r} is not a number of steps; use an integer >= 1")
        object.__setattr__(self, "rate", np.asarray(self.rate, float))
