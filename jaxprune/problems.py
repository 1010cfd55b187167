"""Problems: what a grid point is. Numbers are leaves, shapes are static; a problem knows nothing of how it is solved."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.struct import static, struct


def _check_count(name: str, value: Any, what: str) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: {value!r} is not a number of {what}; use an integer >= 1")


def _check_numbers(problem: Any, names: tuple[str, ...]) -> None:
    """Finite floating-point leaves, among them ``noise``, a standard deviation."""
    if isinstance(problem.noise, int | np.integer) and not isinstance(problem.noise, bool):
        object.__setattr__(problem, "noise", float(problem.noise))
    for name in names:
        value = np.asarray(getattr(problem, name))
        if not hasattr(getattr(problem, name), "shape"):
            object.__setattr__(problem, name, value)
        if not np.issubdtype(value.dtype, np.floating):
            raise ValueError(f"{name}: dtype {value.dtype} would be cast silently; pass floating-point numbers")
        if not np.all(np.isfinite(value)):
            raise ValueError(f"{name}: holds NaN or infinity")
    if np.ndim(problem.noise) != 0 or problem.noise < 0:
        raise ValueError(f"noise: {problem.noise} is not a standard deviation; use one number >= 0")


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
        _check_count("n", self.n, "samples")
        _check_numbers(self, ("eigs", "teacher", "noise", *(["basis"] if self.basis is not None else [])))
        if np.ndim(self.eigs) != 1 or np.min(self.eigs, initial=np.inf) < 0 or not np.any(self.eigs):
            raise ValueError("eigs: must be one-dimensional, non-negative and not all zero (a matrix: from_covariance)")
        rows = self.eigs if self.basis is None else self.basis
        if np.ndim(self.teacher) != 1 or len(self.teacher) != len(rows):
            raise ValueError(f"teacher: shape {np.shape(self.teacher)} does not fit {len(rows)} features")
        if self.basis is not None and np.shape(self.basis) != (len(self.teacher), len(self.eigs)):
            raise ValueError(f"basis: shape {np.shape(self.basis)} is not ({len(self.teacher)}, {len(self.eigs)})")
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
        return jnp.matmul(self.basis * self.eigs, self.basis.T, precision=jax.lax.Precision.HIGHEST)

    @property
    def cross(self) -> Float[Array, " d"]:
        """``E[x y]``."""
        return jnp.matmul(self.covariance, self.teacher, precision=jax.lax.Precision.HIGHEST)

    def risk(self, coef: Float[Array, "*batch d"]) -> Float[Array, "*batch"]:
        """Population risk ``noise^2 + (coef - teacher)^T Sigma (coef - teacher)``, exact, without a test set."""
        error = coef - self.teacher
        if self.basis is not None:
            error = jnp.matmul(error, self.basis, precision=jax.lax.Precision.HIGHEST)
        return self.noise**2 + jnp.sum(self.eigs * error**2, axis=-1)


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
        return self.energy + jnp.sum((image - 2 * self.cross) * coef, axis=-1)


PARALLEL = 1e-12  # directions whose cosine is that close to one count as the same


@struct
class RandomFeatures:
    """``y = teacher(a) + noise * z`` with inputs ``a ~ N(0, I)`` of d_in entries, learnt from ``n`` samples by a model
    that is linear in ``dim`` random features ``x = activation(R a)``, where ``R_ij ~ N(0, 1/d_in)``.

    ``teacher`` (d_in,) is a linear one, ``teacher . a``. With ``inner`` (k, d_in), ``teacher`` (k,) holds the outer
    weights of a network, ``teacher . activation(inner a)``. ``weights`` (dim, d_in) fixes R, so that a trial is
    conditioned on it; None: every trial draws its own. ``activation`` is an elementwise function: hand over the same
    object every time (``jax.nn.relu``, not a new lambda), because it is part of the compiled program.
    Source: Chang et al. 2020, section 10.

    Raises ValueError, naming the argument, for wrong shapes, non-finite numbers, and weights with a row that is zero
    or parallel to another (then features depend on each other).
    """

    teacher: Any
    noise: Any
    n: int = static()
    dim: int = static()
    activation: Callable = static(default=jax.nn.relu)
    inner: Any = None
    weights: Any = None

    def __post_init__(self):
        _check_count("n", self.n, "samples")
        _check_count("dim", self.dim, "features")
        if not callable(self.activation):
            raise ValueError(f"activation: {self.activation!r} is not a function; pass one such as jax.nn.relu")
        given = [name for name in ("inner", "weights") if getattr(self, name) is not None]
        _check_numbers(self, ("teacher", "noise", *given))
        if np.ndim(self.teacher) != 1 or self.teacher.shape[0] < 1:
            raise ValueError(f"teacher: shape {np.shape(self.teacher)} is not that of at least one weight")
        if self.inner is not None:
            rows = self.teacher.shape[0]
            if np.ndim(self.inner) != 2 or self.inner.shape[0] != rows or not self.d_in:
                raise ValueError(f"inner: shape {self.inner.shape} is not ({rows}, d_in) with d_in >= 1")
        if self.d_in == 1 and self.dim > 2:
            raise ValueError(f"dim: {self.dim} features of one input are parallel; use more inputs, or at most 2 features")
        if self.weights is not None:
            self._check_weights()

    def _check_weights(self):
        if self.weights.shape != (self.dim, self.d_in):
            raise ValueError(f"weights: shape {self.weights.shape} is not ({self.dim}, {self.d_in})")
        sizes = np.linalg.norm(self.weights, axis=1, keepdims=True)
        if not np.all(sizes):
            raise ValueError(f"weights: row {np.argmin(sizes)} is zero, so its feature does not vary; leave it out")
        rows = self.weights / sizes
        cosine = rows @ rows.T
        np.fill_diagonal(cosine, 0)
        if self.activation is not jax.nn.relu:  # relu(h) and relu(-h) are two features, tanh(h) and tanh(-h) are one
            cosine = np.abs(cosine)
        if np.max(cosine) >= 1 - PARALLEL:
            first, second = sorted(int(i) for i in np.unravel_index(np.argmax(cosine), cosine.shape))
            raise ValueError(f"weights: rows {first} and {second} are parallel; leave one of them out")

    @property
    def d_in(self) -> int:
        """Number of inputs."""
        return self.teacher.shape[-1] if self.inner is None else self.inner.shape[-1]


@struct
class Finite:
    """A data set that is the whole population: ``features`` (N, d), ``target`` (N,), and ``noise`` >= 0, the standard
    deviation of what is added anew to every target that is met. A trial learns from ``n`` of its rows.

    Raises ValueError, naming the argument, for wrong shapes, negative or non-finite numbers.
    """

    features: Any
    target: Any
    noise: Any
    n: int = static()

    def __post_init__(self):
        if np.ndim(self.features) != 2 or not np.all(np.isfinite(self.features)):
            raise ValueError("features: must be a finite (N, d) array")
        if np.shape(self.target) != (len(self.features),) or not np.all(np.isfinite(self.target)):
            raise ValueError(f"target: shape {np.shape(self.target)}; must be finite and ({len(self.features)},)")
        if np.ndim(self.noise) != 0 or not 0 <= self.noise < np.inf:
            raise ValueError(f"noise: {self.noise} is not a standard deviation; use one number >= 0")
        _check_count("n", self.n, "samples")

    @property
    def population(self) -> Population:
        """Its exact second moments, for exact risks over every row. Dependent features are solved by rank."""
        x, y = jnp.asarray(self.features), jnp.asarray(self.target)
        count, product = len(y), functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
        energy = jnp.mean(y**2) + self.noise**2
        return Population(product(x.T, x) / count, product(x.T, y) / count, energy, deficient=True)


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
        if np.ndim(self.labels) != 2 or len(self.labels) != len(self.inputs) or not np.shape(self.labels)[1]:
            raise ValueError(f"labels: shape {np.shape(self.labels)} is not ({len(self.inputs)}, classes)")
        if not np.all((np.asarray(self.labels) == 0) | (np.asarray(self.labels) == 1)):
            raise ValueError("labels: must be one-hot, of zeros and ones; np.eye(classes)[digits] makes them")
        _check_count("n", self.n, "samples")
        if not self.n < len(self.inputs):
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
