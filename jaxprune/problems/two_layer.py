"""Compression of a wide two-layer network, or of what many neurons tend to, into a narrow one."""

import warnings
from typing import Any, ClassVar

from jax.core import Tracer

from jaxprune.contracts import Metric
from jaxprune.struct import choice, count, number, struct

ROWS = ("gaussian", "rademacher", "sphere", "uniform", "sparse", "student", "stable")
OUTPUTS = ("constant", "uniform", "gaussian", "rademacher", "student")
SCALINGS = ("mean", "clt", "sum")
SIGNS = ("nonnegative", "free", "random")
OPTIMUM = (  # metrics of the best of random starts
    Metric("cosine", "mean cosine between neurons at the optimum"),
    Metric("cosine_sd", "standard deviation of the cosines at the optimum"),
    Metric("tilt", "mean cosine of neurons to the target's slope"),
    Metric("success", "fraction of random starts that reach the best optimum"),
    Metric("negative", "neurons with a negative output at the optimum"),
    Metric("dead", "neurons that are zero at the optimum"),
    Metric("curvature", "smallest eigenvalue of the Hessian, rotations left out"),
    Metric("curvature_error", "error of that eigenvalue"),
)


@struct
class Compression:
    """A target ``f*(x) = nu sum_i a_i relu(<w_i, x>)`` of ``width`` neurons with random weights and ``dim`` inputs N(0, I), and
    the network of ``neurons`` neurons that is nearest to it, ``restarts`` random starts from which it is looked for.

    ``rows``: law of the entries of w_i, of mean 0 and variance size^2/dim: "gaussian", "rademacher", "uniform"; "sphere", rows
    uniform on it; "sparse", Gaussian with probability ``density``, else 0. Heavy tails with ``tail_index``: "student",
    Student's t with as many degrees of freedom over sqrt(dim), not scaled to a variance; "stable", symmetric stable,
    ``tail_index`` <= 2. ``cosine``: of all rows to one direction, a common mean. ``outputs``: law of a_i with mean
    ``output_mean`` and standard deviation ``output_sd``: "constant" has the mean only, "rademacher" is +1 or -1 and has
    neither, "student" is heavy-tailed with ``tail_index`` (scale ``output_sd``). ``scaling``, nu: "mean" 1/width, "clt"
    1/sqrt(width), "sum" 1. ``signs`` of the narrow network's outputs: "nonnegative" or "free".

    Raises ValueError, naming the argument; warns where an exact copy exists. Source: guide/two_layer.md, Exact loss.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        *OPTIMUM,
        Metric("loss", "smallest loss E(f* - f)^2 found", unit="f^2"),
        Metric("simplified_loss", "smallest simplified loss found", unit="f^2"),
        Metric("simplified_cosine", "mean cosine between neurons at the simplified optimum"),
        Metric("uniform_error", "largest error of the simplification per gain", unit="f"),
        Metric("uniform_error_bound", "bound on it by the largest eigenvalue, nonnegative outputs", unit="f"),
        Metric("gradient", "norm of the gradient at the optimum", unit="f"),
        Metric("mean", "mean of the target", unit="f"),
        Metric("slope", "length of the target's slope", unit="f"),
        Metric("rest", "square of the target beyond its affine part", unit="f^2"),
    )
    dim: int = count("inputs")
    width: int = count("neurons of the target")
    neurons: int = count("neurons of the narrow network")
    rows: str = choice(*ROWS, default="gaussian")
    outputs: str = choice(*OUTPUTS, default="constant")
    scaling: str = choice(*SCALINGS, default="mean")
    signs: str = choice(*SIGNS[:2], default="nonnegative")
    restarts: int = count("restarts", default=32)
    size: Any = number("(0, inf)", default=1.0)
    cosine: Any = number("[-1, 1]", default=0.0)
    output_mean: Any = number(default=1.0)
    output_sd: Any = number("[0, inf)", default=1.0)
    tail_index: Any = number("(0, inf)", default=2.0)
    density: Any = number("(0, 1]", default=0.1)

    def __post_init__(self):
        if self.rows == "stable" and not isinstance(self.tail_index, Tracer) and self.tail_index > 2:
            raise ValueError(f"tail_index: {self.tail_index} is no index of a stable law; use a number in (0, 2], or 'student'")
        if self.neurons >= self.width:
            warnings.warn(
                f"neurons: {self.neurons} are enough for an exact copy of {self.width}; use fewer to compress", stacklevel=4
            )


@struct
class AffineTarget:
    """The affine function ``1 + eta <e, x>`` of ``dim`` inputs N(0, I), e a unit vector: what a network of many neurons looks
    like to a narrow one, in units of its mean; and the ReLU networks that are nearest to it, ``restarts`` random starts from
    which each is looked for.

    ``signs`` of their outputs: "nonnegative"; "free", every number of negative ones among the starts; "random", a fair coin for
    each, and kept. The loss is E(f* - f)^2.

    Raises ValueError, naming the argument. Source: guide/two_layer.md, Simplification.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        *OPTIMUM,
        Metric("loss", "smallest loss E(f* - f)^2 found"),
        Metric("gradient", "norm of the gradient at the optimum"),
    )
    dim: int = count("inputs")
    eta: Any = number("[0, inf)", default=0.0)
    signs: str = choice(*SIGNS, default="nonnegative")
    restarts: int = count("restarts", default=16)


@struct
class Isotropic:
    """A target that prefers no direction, and the best network of ``neurons`` neurons with nonnegative outputs and ``dim``
    inputs, looked for from ``restarts`` random starts.

    ``target``: "affine", a constant of height ``mean`` (the simplified objective of a target without a slope); "limit",
    infinitely many neurons with isotropic rows and that mean. ``room`` neurons fit into the program, so that problems of one
    room share it; by default it is the number of neurons.

    Raises ValueError, naming the argument. Source: guide/two_layer.md, More neurons than dimensions.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("loss", "smallest loss found", unit="f^2"),
        Metric("success", "fraction of random starts that reach the smallest loss"),
        Metric("centroid", "length of the mean direction of the neurons at the optimum"),
        Metric("cosine_spread", "standard deviation of |cosine| of two neurons at the optimum"),
        Metric("gain_spread", "standard deviation of gains over their mean at the optimum"),
        Metric("dead", "neurons that are zero at the optimum"),
        Metric("gradient", "norm of the gradient at the optimum", unit="f"),
        Metric("curvature", "smallest eigenvalue of the Hessian, rotations left out"),
        Metric("curvature_error", "error of that eigenvalue"),
    )
    dim: int = count("inputs")
    neurons: Any = number("[1, inf)", hint="a whole one")
    target: str = choice("affine", "limit", default="affine")
    restarts: int = count("restarts", default=32)
    room: int | None = count("neurons of the program", default=None)
    mean: Any = number("(0, inf)", default=1.0)

    def __post_init__(self):
        if self.neurons != round(float(self.neurons)):
            raise ValueError(f"neurons: {self.neurons} is not whole; use an integer >= 1")
        if self.room is None:
            object.__setattr__(self, "room", int(self.neurons))
        if self.neurons > self.room:
            raise ValueError(f"neurons: {self.neurons:g} do not fit into room = {self.room}; use at most as many")


@struct
class OrthonormalTeachers:
    """``dim`` ReLU neurons of output weight 1 learn the sum of ``dim`` others with orthonormal rows, inputs N(0, I), from
    ``restarts`` random starts. Losses are E(f* - f)^2 / 2, with the half that the literature on spurious minima has, and
    ``Compression`` has not; so are curvatures, the smallest eigenvalues of its Hessian. Source: guide/two_layer.md, Orthonormal
    teachers."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("zero_loss", "loss of the zero network", unit="f^2"),
        Metric("success", "fraction of starts that end in the global minimum, loss 0"),
        Metric("unfinished", "fraction of starts that did not come to rest"),
        Metric("in_family", "fraction of starts that end at the loss of the symmetric family, where that is not 0"),
        Metric("levels", "distinct losses at which starts come to rest"),
        Metric("best", "smallest loss at which starts come to rest", unit="f^2"),
        Metric("worst", "largest loss at which starts come to rest", unit="f^2"),
        Metric("worst_curvature", "smallest eigenvalue of the Hessian at the worst"),
        Metric("worst_curvature_error", "error of that eigenvalue"),
        Metric("symmetric_loss", "loss of the symmetric family", unit="f^2"),
        Metric("symmetric_gradient", "norm of the gradient at it"),
        Metric("symmetric_curvature", "smallest eigenvalue of the whole Hessian at it"),
        Metric("symmetric_curvature_error", "error of that eigenvalue"),
    )
    dim: int = count("inputs", low=2)
    restarts: int = count("restarts", default=32)
