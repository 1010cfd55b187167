"""The mean-field network with one hidden layer, whose neurons are the particles of a stochastic differential equation.

``f(x) = (1/n) sum_i c_i h(<theta_i, x>)``: row i of ``theta`` (n, d) holds the incoming weights of neuron i, and the
outgoing ones c_i (k outputs) stay as they are. Gradient descent on the mean loss, sped up by n, is Euler's scheme for
``d theta_i = b(theta_i, mu) dt`` with mu the empirical law of the neurons, so training is ``sde.euler`` with this drift.

A network of n neurons may be padded to more: padded rows of ``theta`` are zero, and so are their c, and 1/n counts the live
ones. Then networks of all widths are one batch of one program; sums of more terms round differently, so a width has the
same numbers whatever the padding, up to round-off. Sections are those of our notes on Wan et al. 2023: 2.1, 2.4d, 7.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int, Key

from jaxprune.simulate.losses import Loss
from jaxprune.struct import static, struct

MEAN_FIELD, RAW = TIME_SCALES = ("mean-field", "raw")
SPARE = 32  # further draws, so that enough of them differ


@struct
class Network:
    """``outer`` (n, k), the fixed second layer; ``count``, the number of live neurons; ``activation``, elementwise."""

    outer: Float[Array, "n k"]
    count: Any
    activation: Callable = static(default=jnp.tanh)

    def __call__(self, theta: Float[Array, "n d"], inputs: Float[Array, "m d"]) -> Float[Array, "m k"]:
        """Outputs. Units come first and samples last inside, which is the faster order of the products."""
        return (self.outer.T @ self.activation(theta @ inputs.T)).T / self.count

    @property
    def live(self) -> Bool[Array, " n"]:
        """Which rows are neurons, and not padding."""
        return jnp.arange(self.outer.shape[0]) < self.count


def network(n: Any, outputs: int = 1, activation: Callable = jnp.tanh, largest: int | None = None) -> Network:
    """``n`` neurons, padded to ``largest`` where it is given (then n may be traced). Their signs alternate; pairs take
    turns at the outputs, so that every output has as many neurons of either sign.

    Raises ValueError for counts that are not integers >= 1, and for n above ``largest``.
    """
    rows = n if largest is None else largest
    for name, value in dict(n=n, largest=rows, outputs=outputs).items():
        if not isinstance(value, Tracer) and (np.ndim(value) or int(value) != value or value < 1):
            raise ValueError(f"{name}: {value!r} is not a count; use an integer >= 1")
    if not isinstance(n, Tracer) and n > rows:
        raise ValueError(f"largest: {largest} rows do not hold n = {n} neurons; use at least n")
    place = jnp.arange(rows)
    signs = jnp.where(place % 2 == 0, 1.0, -1.0)[:, None] * jax.nn.one_hot(place // 2 % outputs, outputs)
    return Network(jnp.where((place < n)[:, None], signs, 0.0), jnp.asarray(n, float), activation)


def initial(net: Network, key: Key[Array, ""], dim: int, scale: Any = None) -> Float[Array, "n d"]:
    """First neurons: entries N(0, ``scale``^2), by default 1/dim, so that a neuron's norm is about 1; padding is zero.

    A narrower network begins with the same neurons.
    """
    scale = dim**-0.5 if scale is None else scale
    drawn = scale * jax.random.normal(key, (net.outer.shape[0], dim))
    return jnp.where(net.live[:, None], drawn, 0.0)


@struct
class Drift:
    """``b(theta_i) = -(1/m) sum_j loss'(f(x_j), y_j) . c_i h'(<theta_i, x_j>) x_j - decay * theta_i``.

    ``batch`` None: the mean over all samples, and the drift is called with ``theta``. Otherwise it is ``random``, called
    with ``theta`` and a key, and averages over that many samples, drawn without replacement. ``time_scale`` "raw": the
    gradient of the loss as it is, n times smaller. Source: section 2.1.

    Raises ValueError for targets that do not fit the inputs, the outputs or the loss, a batch that is larger than the
    data, a decay below 0, and another time scale.
    """

    network: Network
    inputs: Any
    targets: Any
    loss: Loss = static()
    decay: Any = 0.0
    batch: Any = static(default=None)
    time_scale: str = static(default=MEAN_FIELD)

    def __post_init__(self):
        shape, outputs = np.shape(self.targets), self.network.outer.shape[-1]
        if shape != (len(self.inputs), outputs):
            raise ValueError(f"targets: shape {shape} is not ({len(self.inputs)}, {outputs}), inputs and outputs")
        if not isinstance(self.targets, Tracer):
            self.loss.check(self.targets)
        check_batch(self.batch, len(self.inputs))
        if not isinstance(self.decay, Tracer) and not 0 <= self.decay < np.inf:
            raise ValueError(f"decay: {self.decay} is not a rate of weight decay; use a finite number >= 0")
        if self.time_scale not in TIME_SCALES:
            raise ValueError(f"time_scale: {self.time_scale!r}; use 'mean-field' or 'raw'")

    @property
    def random(self) -> bool:
        """Whether it draws mini-batches."""
        return self.batch is not None

    def __call__(self, theta: Float[Array, "n d"], key: Key[Array, ""] | None = None) -> Float[Array, "n d"]:
        """The drift of every neuron."""
        inputs, targets = self.inputs, self.targets
        if self.batch is not None and key is not None:
            chosen = subset(key, len(inputs), self.batch)
            inputs, targets = inputs[chosen], targets[chosen]
        slope = jax.grad(lambda t: jnp.mean(self.loss(self.network(t, inputs), targets)))(theta)
        if self.time_scale == MEAN_FIELD:
            slope = self.network.count * slope
        return -slope - self.decay * theta


def check_batch(batch: Any, samples: int) -> None:
    """Raises ValueError for a batch that is no integer in 1 .. samples, or None."""
    whole = isinstance(batch, int | np.integer) and not isinstance(batch, bool) and batch >= 1
    if batch is not None and (not whole or batch > samples):
        raise ValueError(f"batch: {batch!r} of {samples} samples without replacement; use an integer in 1 .. {samples}")


def subset(key: Key[Array, ""], samples: int, batch: int) -> Int[Array, " b"]:
    """``batch`` different rows of ``samples``, every set of them equally likely.

    Of many draws with replacement, the first ``batch`` different ones; fewer than that among ``2 batch + 32`` draws from
    eight times as many rows has a probability below 1e-14. From fewer rows: a permutation.
    """
    if samples < 8 * batch or batch > 512:
        return jax.random.permutation(key, samples)[:batch]
    drawn = jax.random.randint(key, (2 * batch + SPARE,), 0, samples)
    place = jnp.arange(len(drawn))
    repeated = jnp.any((drawn[:, None] == drawn) & (place < place[:, None]), axis=1)
    return drawn[jnp.argsort(repeated, stable=True)[:batch]]
