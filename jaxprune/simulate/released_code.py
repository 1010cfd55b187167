"""What the released code of Wan et al. 2023 does: its network, and its noise with every quirk.

``QUIRKS`` lists where it departs from the paper's setting; ``compat="released-code"`` here and in ``heavy_tailed_sgd.train``
reproduces them. Sections are those of our notes on that paper: 1.2 (the quirks), 6 (the experiments).
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems.checks import noise_type
from jaxprune.simulate import networks, stable
from jaxprune.simulate.architectures import MLP
from jaxprune.simulate.arguments import RELEASED, check_compat
from jaxprune.simulate.batches import check_data, mini_batch
from jaxprune.simulate.losses import Loss
from jaxprune.simulate.networks import Parameters
from jaxprune.struct import static, struct

QUIRKS = (
    "type III is smaller by 2^(-1/2): each coordinate has scale 2^(-1/2)",
    "type III at alpha = 2 is NaN",
    "type I at alpha = 2 is N(0, 1), types II and III are N(0, 2)",
    "on a CPU the noise has no factor sigma eta^(1/alpha)",
    "the noise comes from a generator that the seed does not set",
    "only hidden layers have noise; the last layer is trained too, and the network has no 1/n",
    "the stopping iteration has no noise; evaluation looks at the iterate before its noise",
    "a layer with a side as long as the number of classes has no noise, a hidden one of that width included",
)


@struct
class ReleasedNoise:
    """Noise of one layer as the released code makes it: items 1 to 5 of ``QUIRKS``.

    ``noise``: "I", "II" or "III"; ``index``: alpha or its ``stable.Index``; ``scale``: sigma. ``scaled``: as on a GPU;
    otherwise, as on a CPU, the factor sigma eta^(1/alpha) is missing. ``other``: the state of the generator that the seed
    of a run does not set; two runs of one seed with different values have different noise.
    """

    index: Any
    scale: Any = 1.0
    noise: str = static(default="II")
    scaled: bool = static(default=False)
    other: Any = 0

    def __post_init__(self):
        law = stable.neuron_noise(self.noise, self.index, self.scale)
        object.__setattr__(self, "index", law.index)
        object.__setattr__(self, "noise", noise_type("noise", self.noise))

    def increment(self, key: Key[Array, ""], shape: tuple[int, ...], step_size: Any) -> Float[Array, "n d"]:
        """One step's noise."""
        unit = stable.neuron_noise(self.noise, self.index, 1.0).increment(jax.random.fold_in(key, self.other), shape, 1.0)
        gaussian = self.index.alpha == 2
        if self.noise == "III":
            unit = jnp.where(gaussian, jnp.nan, unit * jnp.asarray(0.5**0.5, unit.dtype))
        elif self.noise == "I":
            unit = jnp.where(gaussian, unit * jnp.asarray(0.5**0.5, unit.dtype), unit)
        return unit * (self.scale * step_size**self.index.inverse) if self.scaled else unit


@struct
class Drift:
    """Minus the gradient of the mean loss of a network without biases in its weight matrices; every layer is trained.

    ``model``: static; ``batch`` None: all samples, otherwise as many, drawn without replacement for every step. The value is
    the tuple of weight matrices. Raises ValueError as ``mean_field.Drift`` does.
    """

    inputs: Any
    targets: Any
    model: MLP = static()
    loss: Loss = static()
    batch: Any = static(default=None)

    def __post_init__(self):
        check_data(self.inputs, self.targets, self.model.classes, self.loss, self.batch)

    @property
    def random(self) -> bool:
        """Whether it draws mini-batches."""
        return self.batch is not None

    def __call__(self, weights: tuple[Array, ...], key: Key[Array, ""] | None = None) -> tuple[Array, ...]:
        """The drift of every weight matrix."""
        inputs, targets = mini_batch(self.inputs, self.targets, self.batch, key)
        slope = jax.grad(lambda w: jnp.mean(self.loss(outputs(self.model, w, inputs), targets)))(weights)
        return jax.tree.map(jnp.negative, slope)


def network(inputs: int, width: int, classes: int, depth: int = 2) -> MLP:
    """The network of the released code: ReLU layers without biases, ``depth`` weight matrices, all hidden ones of one width."""
    return MLP(inputs, (width,) * (depth - 1), classes, biased=False)


def initial(model: MLP, key: Key[Array, ""]) -> tuple[Array, ...]:
    """PyTorch's default: weights uniform in +-1/sqrt(inputs of a unit)."""
    return networks.uniform(model, key).weights


def outputs(model: MLP, weights: Sequence[Array], inputs: Float[Array, "m d"]) -> Float[Array, "m c"]:
    """Logits of a network without biases."""
    return model.apply(Parameters(tuple(weights), ()), inputs).T


def noise(model: MLP, law: Any, compat: str | None = None) -> tuple[Any, ...]:
    """One law per weight matrix, for ``sde.euler``: hidden layers have noise, the last one has none.

    ``compat="released-code"``: a matrix has none if one of its sides is the number of classes (item 8 of ``QUIRKS``).
    Raises ValueError for another ``compat``.
    """
    check_compat(compat)
    shapes = [(out, inner) for out, inner, _ in model.layers()]
    if compat == RELEASED:
        return tuple(None if model.classes in shape else law for shape in shapes)
    return (*[law] * (len(shapes) - 1), None)
