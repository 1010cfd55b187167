"""Stochastic gradient descent: networks with injected heavy-tailed noise, and linear regression, whose noise is multiplicative.

Derivations: guide/sgd.md; types of noise: guide/stable.md, Noise of a neuron.
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from jaxprune.checks import Interval, NoiseType, noise_or_law, noise_type
from jaxprune.contracts import Metric
from jaxprune.problems.networks import Labelled, settle_schedule
from jaxprune.struct import choice, count, leaf, number, static, struct

NULL, SIGN = TARGETS = ("null", "sign")
MEAN_FIELD, RAW = TIME_SCALES = ("mean-field", "raw")


RATIO = Metric(
    "pruning_ratio", "largest fraction of hidden units that may go at a relative error", seeds=20
)  # runs differ widely


def _stability(name: str, value: Any) -> Any:
    """An index of stability as a float leaf, or a ``simulate.stable.Index`` as it is."""
    alpha = Interval("(0, 2]").check(name, getattr(value, "alpha", value), "one number in (0, 2]")
    if alpha.ndim:
        raise ValueError(f"{name}: shape {alpha.shape} is that of many indices of stability; use one number in (0, 2]")
    return value if dataclasses.is_dataclass(value) else alpha.astype(float)


@struct
class HeavyTailedSGD:
    """A network of ``n`` hidden units learns ``data`` by ``steps`` of descent on mini-batches of ``batch`` samples (None: all
    of them). After every step every hidden unit gets noise: ``sigma step_size^(1/alpha)`` times a unit stable draw, so that
    ``sigma`` is its strength per unit time.

    ``alpha``: index of the noise, or its ``simulate.stable.Index``, computed beforehand so that float32 loses nothing;
    ``noise``: "I" (one number per unit), "II" (one per weight), "III" (isotropic); or a law of your own over unit time, a
    pytree with ``increment(key, shape, step_size)`` such as ``simulate.stable.Sum``: then leave out alpha and sigma, which it
    has itself. ``decay``: rate of weight decay.
    ``accuracy``, ``every``: training ends early once an evaluation, one after every ``every`` steps (None: the last), finds
    that training accuracy; by default never.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        RATIO,
        Metric("participation", "participation ratio of the units' energies"),
        Metric("train_accuracy", "fraction of right answers, training set"),
        Metric("test_accuracy", "fraction of right answers, test set"),
        Metric("pruned_train_accuracy", "fraction of right answers when pruned, training set"),
        Metric("pruned_test_accuracy", "fraction of right answers when pruned, test set"),
        Metric("functional_error", "relative change of the function by pruning"),
        Metric("parameter_error", "relative change of the parameters by pruning"),
    )
    data: Labelled
    step_size: Any = number("(0, inf)")
    n: int = count("hidden units")
    steps: int = count("steps")
    batch: int | None = count("samples", default=None)
    alpha: Any = leaf(_stability, default=None)
    sigma: Any = number("[0, inf)", default=None)
    noise: Any = leaf(noise_or_law, default="III")
    decay: Any = number("[0, inf)", default=0.0)
    accuracy: Any = number("(0, 1]", default=1.0)
    every: int | None = count("steps", default=None)

    def __post_init__(self):
        typed = isinstance(self.noise, NoiseType)
        for name, value in (("alpha", self.alpha), ("sigma", self.sigma)):
            if typed and value is None:
                raise ValueError(f"{name}: None beside noise of type {self.noise}, which has none of its own; use a number")
            if not typed and value is not None:
                raise ValueError(f"{name}: {value!r} beside a law, which has its own; leave it out")
        settle_schedule(self)


@struct
class NoisyNeurons:
    """The mean-field network with ``dim`` inputs, N(0, I), trained for a time ``horizon`` in ``steps`` of full-batch descent
    with noise as in ``HeavyTailedSGD``, of strength ``sigma`` per unit time, on ``samples`` inputs.

    ``target`` "null": zero, with the squared loss and neurons that start at 0: then, with tanh and signs that
    alternate, the limit of a neuron is sigma times the Lévy process. "sign": the sign of the first input, with the
    logistic loss and neurons that start N(0, 1/dim). ``time_scale`` "raw": n times slower training. ``alpha``, ``noise``,
    ``decay`` as in ``HeavyTailedSGD``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("function", "n times the mean square of the function"),
        Metric("removed_function", "n times the mean square of what pruning takes from the function"),
        Metric("functional_error", "relative change of the function by pruning"),
        Metric("parameter_error", "relative change of the parameters by pruning"),
        Metric("scaled_square_error", "squared relative error, scaled by its order in the width"),
    )
    alpha: Any = leaf(_stability)
    sigma: Any = number("[0, inf)")
    horizon: Any = number("(0, inf)")
    decay: Any = number("[0, inf)", default=0.0)
    dim: int = count("inputs", default=8)
    steps: int = count("steps", default=20)
    samples: int = count("samples", default=100)
    noise: str = static(noise_type, default="III")
    target: str = choice(*TARGETS, default=NULL)
    time_scale: str = choice(*TIME_SCALES, default=MEAN_FIELD)

    @property
    def step_size(self) -> Any:
        """Time of one step."""
        return self.horizon / self.steps


@struct
class MultiplicativeSGD:
    """Descent on ``(a . x - y)^2 / 2`` with steps ``step_size`` and fresh batches of ``batch`` samples
    ``a ~ N(0, diag(input_sd^2))`` in R^dim, ``y = noise_sd * z``: the optimum is 0, and
    ``x <- (I - (step_size/batch) sum a a^T) x + (step_size/batch) sum a y``.

    ``input_sd`` is one number (isotropic), or one for each coordinate. Other covariances are diagonal in the basis of their
    eigenvectors, in which no norm or growth rate changes: ``from_covariance``.
    Source: Gurbuzbalaban, Simsekli and Zhu 2021; guide/sgd.md, Linear regression.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("log_growth", "growth rate of |x|, E log|M u|", unit="1/step"),
        Metric("square_norm", "E|x|^2 of the stationary law"),
        Metric("step_moment", "E|M u|^s, the growth of a moment in a step"),
    )
    step_size: Any = number("(0, inf)")
    noise_sd: Any = number("[0, inf)", hint="0 is no label noise")
    batch: int = count("samples in a batch")
    dim: int = count("parameters")
    input_sd: Any = number("(0, inf)", "() or (dim,)", default=1.0)

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


def index_of(problem: HeavyTailedSGD | NoisyNeurons) -> Any:
    """The index alpha of a problem's noise, a number."""
    return getattr(problem.alpha, "alpha", problem.alpha)
