"""Least squares: the linear Gaussian problem, and populations given by their moments or by their rows."""

import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.contracts import Metric
from jaxprune.struct import as_given, count, floats, static, struct

RISKS = (
    Metric("risk", "population risk, all coefficients"),
    Metric("pruned_risk", "population risk, pruned"),
    Metric("retrained_same", "population risk, pruned and retrained on the same sample"),
    Metric("retrained_fresh", "population risk, pruned and retrained on a fresh sample"),
    Metric("train_error", "mean squared error on the sample"),
    Metric("condition", "estimated condition number of the solve"),
)


@struct
class LinearGaussian:
    """``y = x . teacher + noise * z`` with ``x ~ N(0, Sigma)``, learnt from ``n`` samples.

    Diagonal covariance: ``eigs`` (d,) are its entries, not all zero, and ``basis`` is None. Any other covariance is
    ``Sigma = basis @ diag(eigs) @ basis.T``, where ``basis`` has orthonormal columns; build it with ``from_covariance``.
    ``noise`` is a standard deviation. Source: Chang et al. 2020; guide/least_squares.md, The problem.

    ``deficient`` is set when some features depend on others, or do not vary.
    """

    metrics: ClassVar[tuple[Metric, ...]] = RISKS
    eigs: Any = floats("[0, inf)", "(r,)", hint="those of a matrix by from_covariance")
    teacher: Any = floats(shape="(d,)")
    noise: Any = floats("[0, inf)")
    n: int = count("samples")
    basis: Any = floats(shape="(features, r)", default=None)
    deficient: bool = static(init=False, default=False)

    def __post_init__(self):
        if not np.any(self.eigs):
            raise ValueError("eigs: all of them are zero, so no feature varies; use at least one that is positive")
        features = len(self.eigs if self.basis is None else self.basis)
        if len(self.teacher) != features:
            raise ValueError(f"teacher: shape {np.shape(self.teacher)} does not fit {features} features")
        if self.basis is not None:
            basis = np.asarray(self.basis)
            if np.max(np.abs(basis.T @ basis - np.eye(len(self.eigs)))) > 1e3 * np.finfo(basis.dtype).eps * len(basis):
                raise ValueError("basis: its columns are not orthonormal; for any covariance use from_covariance")
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

    @property
    def covariance(self) -> Float[Array, "d d"]:
        """The whole covariance."""
        if self.basis is None:
            return jnp.diag(jnp.asarray(self.eigs))
        return jnp.matmul(self.basis * self.eigs[None, :], self.basis.T, precision=jax.lax.Precision.HIGHEST)

    @property
    def cross(self) -> Float[Array, " d"]:
        """``E[x y]``."""
        return jnp.matmul(self.covariance, self.teacher, precision=jax.lax.Precision.HIGHEST)

    def risk(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """Population risk ``noise^2 + (coef - teacher)^T Sigma (coef - teacher)``, exact, without a test set."""
        error = coef - _along(self.teacher, coef)
        if self.basis is not None:
            error = jnp.matmul(error, self.basis, precision=jax.lax.Precision.HIGHEST)
        return self.noise**2 + jnp.sum(_along(self.eigs, error) * error**2, axis=-1)


def _along(values, batch):
    """Values (d,) with as many axes as the batch (*, d), for those who let JAX raise where ranks differ."""
    return jnp.asarray(values).reshape((1,) * (batch.ndim - 1) + (-1,))


@struct
class Population:
    """What a linear model of features x meets, whatever their law: ``covariance`` (d, d) = E[x x^T] (not centred),
    ``cross`` (d,) = E[x y] and ``energy`` = E[y^2]. A trial draws one where features are random.
    """

    covariance: Any
    cross: Any
    energy: Any
    deficient: bool = static(default=False)

    @property
    def dim(self) -> int:
        """Number of features d."""
        return self.cross.shape[-1]

    @property
    def variances(self) -> Float[Array, " d"]:
        """The diagonal of the covariance."""
        return jnp.diagonal(self.covariance)

    def risk(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """Population risk ``E[(y - x . coef)^2]``, exact, without a test set."""
        image = jnp.matmul(coef, self.covariance, precision=jax.lax.Precision.HIGHEST)
        return self.energy + jnp.sum((image - _along(2 * jnp.asarray(self.cross), coef)) * coef, axis=-1)


@struct
class FinitePopulation:
    """A data set that is the whole population: ``features`` and ``target``, one row each, and ``noise``, the standard
    deviation of what is added anew to every target that is met. A trial learns from ``n`` of its rows.
    """

    metrics: ClassVar[tuple[Metric, ...]] = RISKS
    features: Any = as_given(shape="(N, d)")
    target: Any = as_given(shape="(N,)")
    noise: Any = as_given("[0, inf)", "()")
    n: int = count("samples")

    @property
    def population(self) -> Population:
        """Its exact second moments, for exact risks over every row. Dependent features are solved by rank."""
        x, y = jnp.asarray(self.features), jnp.asarray(self.target)
        count, product = len(y), functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
        energy = jnp.mean(y**2) + self.noise**2
        return Population(product(x.T, x) / count, product(x.T, y) / count, energy, deficient=True)
