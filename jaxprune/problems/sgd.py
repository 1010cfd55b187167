"""Stochastic gradient descent: networks with injected heavy-tailed noise, and linear regression, whose noise is multiplicative.

Sections are those of our notes on Wan et al. 2023: 1.2 (types of noise), 2 (dynamics), 8 (what is refused).
"""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from jaxprune.checks import NoiseType, check_count, check_schedule, noise_or_law, noise_type
from jaxprune.contracts import Metric
from jaxprune.problems.networks import Labelled
from jaxprune.struct import static, struct

NULL, SIGN = TARGETS = ("null", "sign")
MEAN_FIELD, RAW = TIME_SCALES = ("mean-field", "raw")


RATIO = Metric(
    "pruning_ratio", "largest fraction of hidden units that may go at a relative error", seeds=20
)  # runs differ widely


@struct
class HeavyTailedSGD:
    """A network of ``n`` hidden units learns ``data`` by ``steps`` of descent on mini-batches of ``batch`` samples (None: all
    of them). After every step every hidden unit gets noise: ``sigma step_size^(1/alpha)`` times a unit stable draw, so that
    ``sigma`` is its strength per unit time.

    ``alpha``: index of the noise, or its ``simulate.stable.Index``, computed beforehand so that float32 loses nothing;
    ``noise``: "I" (one number per unit), "II" (one per weight), "III" (isotropic); or a law of your own over unit time, a
    pytree with ``increment(key, shape, step_size)`` such as ``simulate.stable.Sum``: then leave out alpha and sigma, which it
    has itself. ``decay``: rate of weight decay.
    ``accuracy``, ``every``: training ends early once an evaluation, one after every ``every`` steps, finds that training
    accuracy; 1 and ``every`` equal to ``steps``: never.

    Raises ValueError, naming the argument, for numbers out of range, and for a batch that is larger than the training set.
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
    step_size: Any
    n: int = static()
    steps: int = static()
    batch: int | None = static(default=None)
    alpha: Any = None
    sigma: Any = None
    noise: Any = "III"
    decay: Any = 0.0
    accuracy: Any = 1.0
    every: int | None = static(default=None)

    def __post_init__(self):
        object.__setattr__(self, "noise", noise_or_law("noise", self.noise))
        if isinstance(self.noise, NoiseType):
            _index(self)
            _numbers(self, "sigma")
        elif given := [name for name in ("alpha", "sigma") if getattr(self, name) is not None]:
            raise ValueError(f"{given[0]}: {getattr(self, given[0])!r} beside a law, which has its own; leave it out")
        _numbers(self, "step_size", "decay", "accuracy")
        check_count("n", self.n, "hidden units")
        check_schedule(self)


@struct
class NoisyNeurons:
    """The mean-field network with ``dim`` inputs, N(0, I), trained for a time ``horizon`` in ``steps`` of full-batch descent
    with noise as in ``HeavyTailedSGD``, of strength ``sigma`` per unit time, on ``samples`` inputs.

    ``target`` "null": zero, with the squared loss and neurons that start at 0: then, with tanh and signs that
    alternate, the limit of a neuron is sigma times the Lévy process. "sign": the sign of the first input, with the
    logistic loss and neurons that start N(0, 1/dim). ``time_scale`` "raw": n times slower training. ``alpha``, ``noise``,
    ``decay`` as in ``HeavyTailedSGD``.

    Raises ValueError, naming the argument, for numbers out of range.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("function", "n times the mean square of the function"),
        Metric("removed_function", "n times the mean square of what pruning takes from the function"),
        Metric("functional_error", "relative change of the function by pruning"),
        Metric("parameter_error", "relative change of the parameters by pruning"),
        Metric("scaled_square_error", "squared relative error, scaled by its order in the width"),
    )
    alpha: Any
    sigma: Any
    horizon: Any
    decay: Any = 0.0
    dim: int = static(default=8)
    steps: int = static(default=20)
    samples: int = static(default=100)
    noise: str = static(default="III")
    target: str = static(default=NULL)
    time_scale: str = static(default=MEAN_FIELD)

    def __post_init__(self):
        _index(self)
        _numbers(self, "sigma", "horizon", "decay")
        object.__setattr__(self, "noise", noise_type("noise", self.noise))
        for name, what in (("dim", "inputs"), ("steps", "steps"), ("samples", "samples")):
            check_count(name, getattr(self, name), what)
        for name, choices in (("target", TARGETS), ("time_scale", TIME_SCALES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name}: {getattr(self, name)!r}; use one of {', '.join(choices)}")

    @property
    def step_size(self) -> Any:
        """Time of one step."""
        return self.horizon / self.steps


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


def index_of(problem: HeavyTailedSGD | NoisyNeurons) -> Any:
    """The index alpha of a problem's noise, a number."""
    return getattr(problem.alpha, "alpha", problem.alpha)


def _index(problem) -> None:
    """The index checked, a float leaf."""
    alpha = np.asarray(index_of(problem))
    if alpha.dtype.kind not in "fiu" or alpha.ndim or not 0 < alpha <= 2:
        raise ValueError(f"alpha: {index_of(problem)!r} is no index of stability; use one number in (0, 2]")
    if not dataclasses.is_dataclass(problem.alpha):
        object.__setattr__(problem, "alpha", alpha.astype(float))


def _numbers(problem, *names: str) -> None:
    """Numbers as float leaves, checked."""
    for name in names:
        value = np.asarray(getattr(problem, name))
        positive = name not in ("sigma", "decay")
        if value.dtype.kind not in "fiu" or value.ndim or not np.isfinite(value) or value < 0 or (positive and value == 0):
            raise ValueError(
                f"{name}: {getattr(problem, name)!r} is out of range; use one finite number {'> 0' if positive else '>= 0'}"
            )
        object.__setattr__(problem, name, value.astype(float))
