"""The mean-field network with one hidden layer, whose neurons are the particles of a stochastic differential equation.

``f(x) = (1/n) sum_i c_i h(<theta_i, x>)``: row i of ``theta`` (n, d) holds the incoming weights of neuron i, and the
outgoing ones c_i (k outputs) stay as they are. Gradient descent on the mean loss, sped up by n, is Euler's scheme for
``d theta_i = b(theta_i, mu) dt`` with mu the empirical law of the neurons, so training is ``sde.euler`` with this drift.

A network of n neurons may be padded to more: padded rows of ``theta`` are zero, and so are their c, and 1/n counts the live
ones. Then networks of all widths are one batch of one program; sums of more terms round differently, so a width has the
same numbers whatever the padding, up to round-off. Derivations: guide/sgd.md.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems.sgd import MEAN_FIELD, TIME_SCALES
from jaxprune.simulate.arguments import traced
from jaxprune.simulate.networks.losses import Loss
from jaxprune.simulate.networks.parts import in_parts
from jaxprune.simulate.sgd.batches import check_data, mini_batch
from jaxprune.struct import as_given, choice, static, struct


@struct
class Network:
    """``outer`` (n, k), the fixed second layer; ``count``, the number of live neurons; ``activation``, elementwise."""

    outer: Float[Array, "n k"]
    count: Any
    activation: Callable = static(default=jnp.tanh)

    def __call__(self, theta: Float[Array, "n d"], inputs: Float[Array, "m d"]) -> Float[Array, "m k"]:
        """Outputs. Units come first and samples last inside, which is the faster order of the products."""
        return (self.outer.T @ self.activation(theta @ inputs.T)).T / self.count

    def evaluated(self, theta: Float[Array, "n d"], inputs: Float[Array, "m d"]) -> Float[Array, "m k"]:
        """Outputs, of large sets a part at a time (``networks.parts``): up to round-off those of a call."""
        return in_parts(lambda part: self(theta, part), inputs, len(self.outer))

    @property
    def live(self) -> Bool[Array, " n"]:
        """Which rows are neurons, and not padding."""
        return jnp.arange(self.outer.shape[0]) < self.count


def network(n: Any, outputs: int = 1, activation: Callable = jnp.tanh, largest: int | None = None) -> Network:
    """Neurons whose signs alternate; pairs take turns at the outputs, so that every output has as many neurons of either sign.

    Args:
        n: Number of neurons, >= 1; may be traced where ``largest`` is given.
        outputs: Number of outputs k, >= 1.
        activation: An elementwise function.
        largest: Rows to which the network is padded, >= n; None: n.

    Returns:
        The network.

    Raises:
        ValueError: For counts that are not integers >= 1, and for n above ``largest``.
    """
    rows = n if largest is None else largest
    for name, value in dict(n=n, largest=rows, outputs=outputs).items():
        if not traced(value):
            check_count(name, np.asarray(value).item() if np.ndim(value) == 0 else value, "neurons or outputs")
    if not traced(n) and n > rows:
        raise ValueError(f"largest: {largest} rows do not hold n = {n} neurons; use at least n")
    place = jnp.arange(rows)
    signs = jnp.where(place % 2 == 0, 1.0, -1.0)[:, None] * jax.nn.one_hot(place // 2 % outputs, outputs)
    return Network(jnp.where((place < n)[:, None], signs, 0.0), jnp.asarray(n, float), activation)


def initial(net: Network, key: Key[Array, ""], dim: int, scale: Any = None) -> Float[Array, "n d"]:
    """First neurons: independent normal entries. A narrower network begins with the same neurons.

    Args:
        net: The network.
        key: One typed JAX key.
        dim: Number of inputs d.
        scale: Standard deviation of the entries; None: 1/sqrt(dim), so that a neuron's norm is about 1.

    Returns:
        Incoming weights (n, d); padding is zero.
    """
    scale = dim**-0.5 if scale is None else scale
    drawn = scale * jax.random.normal(key, (net.outer.shape[0], dim))
    return jnp.where(net.live[:, None], drawn, 0.0)


@struct
class Drift:
    """``b(theta_i) = -(1/m) sum_j loss'(f(x_j), y_j) . c_i h'(<theta_i, x_j>) x_j - decay * theta_i``.

    Of ``network``, with ``inputs`` x_j (m, d) and ``targets`` y_j (m, outputs). ``batch`` None: the mean over all samples, and
    the drift is called with ``theta``. Otherwise it is ``random``, called
    with ``theta`` and a key, and averages over that many samples, drawn without replacement. ``time_scale`` "raw": the
    gradient of the loss as it is, n times smaller. Source: guide/sgd.md, The mean-field network.

    Raises ValueError for targets that do not fit the inputs, the outputs or the loss, and a batch that is larger than the
    data.
    """

    network: Network
    inputs: Any
    targets: Any
    loss: Loss = static()
    decay: Any = as_given("[0, inf)", default=0.0)
    batch: Any = static(default=None)
    time_scale: str = choice(*TIME_SCALES, default=MEAN_FIELD)

    def __post_init__(self):
        check_data(self.inputs, self.targets, self.network.outer.shape[-1], self.loss, self.batch)

    @property
    def random(self) -> bool:
        """Whether it draws mini-batches."""
        return self.batch is not None

    def __call__(self, theta: Float[Array, "n d"], key: Key[Array, ""] | None = None) -> Float[Array, "n d"]:
        """The drift of every neuron."""
        inputs, targets = mini_batch(self.inputs, self.targets, self.batch, key)
        slope = jax.grad(lambda t: jnp.mean(self.loss(self.network(t, inputs), targets)))(theta)
        if self.time_scale == MEAN_FIELD:
            slope = self.network.count * slope
        return -slope - self.decay * theta
