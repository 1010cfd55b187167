"""Architectures: what ``networks`` trains and ``networks.pruning`` prunes."""

import dataclasses
import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxprune.simulate.networks import curvature
from jaxprune.simulate.networks.model import Layer, Parameters, Width


@dataclasses.dataclass(frozen=True)
class MLP:
    """ReLU layers ``inputs -> hidden[0] -> ... -> classes``; ``hidden`` are the largest widths.

    A width is one number for all hidden layers, or one for each. Not ``biased``: without biases, ``Parameters.biases``
    is empty.
    """

    inputs: int
    hidden: tuple[int, ...]
    classes: int
    biased: bool = True
    large = False

    def __post_init__(self):
        sizes = [self.inputs, *self.hidden, self.classes]
        if not self.hidden or any(not isinstance(s, int | np.integer) or s < 1 for s in sizes):
            raise ValueError(f"inputs, hidden, classes: {sizes} must be integers >= 1, with a hidden layer")

    def layers(self, width: Width = None) -> Sequence[Layer]:
        """(outputs, inputs, ()) of every layer."""
        hidden = self.hidden if width is None else [width[i] if np.ndim(width) else width for i in range(len(self.hidden))]
        sizes = [self.inputs, *hidden, self.classes]
        return [(out, inner, ()) for inner, out in itertools.pairwise(sizes)]

    def apply(self, params: Parameters, inputs: Float[Array, "n d"]) -> Float[Array, "c n"]:
        """Logits. Units come first and samples last, so that the first layers of many networks are one product."""
        return self._signals(params, inputs)[-1]

    def curvature(self, params: Parameters, inputs: Float[Array, "n d"]) -> tuple[Array, ...]:
        """Exact, by one backward pass per class: the Jacobian of a weight is (signal of its output) x (its input), so
        its diagonal is ``mean_n variance_n(signal) * input^2`` with the variance over the classes' probabilities."""
        signals = self._signals(params, inputs)
        chances = jax.nn.softmax(signals[-1], axis=0)
        slope = jnp.broadcast_to(jnp.eye(self.classes, dtype=chances.dtype)[..., None], (self.classes, *chances.shape))
        found = []
        for weights, below in zip(reversed(params.weights), reversed([inputs.T, *signals[:-1]]), strict=True):
            mean = jnp.einsum("an,aun->un", chances, slope)
            spread = jnp.einsum("an,aun->un", chances, (slope - mean) ** 2)
            found.append(spread @ (below**2).T / len(inputs))
            slope = jnp.where(below > 0, jnp.einsum("ui,aun->ain", weights, slope), 0)
        return tuple(reversed(found))

    def _signals(self, params, inputs):
        """Every hidden layer after its ReLU, then the logits; each (units, n)."""
        signals, here = [], inputs.T
        for layer, weights in enumerate(params.weights):
            above = weights @ here
            if self.biased:
                above = above + params.biases[layer][:, None]
            here = jax.nn.relu(above)
            signals.append(here)
        return [*signals[:-1], above]


@dataclasses.dataclass(frozen=True)
class ResNet:
    """A small residual network: a 3 x 3 convolution, three stages of k, 2k, 4k channels with ``blocks`` residual blocks
    of two 3 x 3 convolutions, the mean over pixels, a linear layer. ``blocks=3`` has the shape of ResNet-20. ``widest``: the
    largest k; images have ``channels``, logits ``classes``.

    Without normalisation: every residual branch is scaled by ``(3 * blocks) ** -1/2``, so that the variance grows by a
    bounded factor at any depth (Hayou et al. 2021, Stable ResNet). There is then no state, no further parameter, and
    no statistic over channels or samples, so that a narrow network does not notice the padding. Shortcuts have no
    parameters: between stages pixels are skipped and channels filled with zeros.
    """

    widest: int
    blocks: int = 1
    channels: int = 3
    classes: int = 10
    large = True
    biased = True

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{field.name}: {value!r} is not an integer >= 1")

    def layers(self, width: Width = None) -> Sequence[Layer]:
        """(outputs, inputs, kernel) of every layer."""
        k = self.widest if width is None else width
        found, inner = [(k, self.channels, (3, 3))], k
        for stage in range(3):
            for _ in range(self.blocks):
                found += [(2**stage * k, inner, (3, 3)), (2**stage * k, 2**stage * k, (3, 3))]
                inner = 2**stage * k
        return [*found, (self.classes, inner, ())]

    def apply(self, params: Parameters, inputs: Float[Array, "n h w m"]) -> Float[Array, "c n"]:
        """Logits."""
        layers = zip(params.weights, params.biases, strict=True)
        scale = (3 * self.blocks) ** -0.5
        here = jax.nn.relu(_convolve(inputs, *next(layers), 1))
        for block in range(3 * self.blocks):
            stride = 2 if block and block % self.blocks == 0 else 1
            inside = jax.nn.relu(_convolve(here, *next(layers), stride))
            branch = _convolve(inside, *next(layers), 1)
            here = jax.nn.relu(_shortcut(here, stride, branch.shape[-1]) + scale * branch)
        weights, biases = next(layers)
        return weights @ jnp.mean(here, axis=(1, 2)).T + biases[:, None]

    def curvature(self, params: Parameters, inputs: Float[Array, "n h w m"]) -> tuple[Array, ...]:
        """Exact, from the Jacobian of one sample after another."""
        return curvature.gauss_newton(self.apply, params, inputs)


def _convolve(images, weights, biases, stride):
    """(n, h, w, in) by (out, in, 3, 3), zeros around."""
    return biases + jax.lax.conv_general_dilated(
        images, weights, (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "OIHW", "NHWC")
    )


def _shortcut(images, stride, channels):
    return jnp.pad(images[:, ::stride, ::stride], ((0, 0), (0, 0), (0, 0), (0, channels - images.shape[-1])))
