"""Networks whose width is data: parameters of the largest width, of which a mask tells the live ones.

A network of width k is the same network whatever the largest width: its weights are the leading block of the larger
arrays, and what lies beyond is zero and stays zero. So networks of all widths are one batch of one program.
A mask, of live or of kept parameters, is a ``Parameters`` of truth values. Source: guide/networks.md,
Widths as data.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Key

from jaxprune.simulate.networks import parts
from jaxprune.simulate.networks.labelled import Batch
from jaxprune.struct import struct

Width = Any  # an integer, or an integer array
Layer = tuple[Width, Width, tuple[int, ...]]  # outputs, inputs, shape of the kernel
EVALUATED_TOGETHER = 2048  # samples


@struct
class Parameters:
    """``weights``: one array (outputs, inputs, *kernel) per layer, which pruning may remove; ``biases``: one array
    (outputs,) per layer, which it keeps."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


@struct
class Trained:
    """``params``, the optimiser's ``state``, and ``curve`` (steps,), the loss before every step."""

    params: Parameters
    state: Any
    curve: Float[Array, " steps"]


@runtime_checkable
class Model(Protocol):
    """An architecture at its largest width; static, so that it is part of a program.

    ``layers(width)``: sizes of every layer at a width, by default the largest. ``apply(params, inputs)``: logits
    (classes, n). ``curvature(params, inputs)``: for every weight, the Gauss-Newton diagonal of the mean cross
    entropy. ``large``: one network fills the device, so that several run one after another. ``biased``: whether it
    has biases.
    """

    @property
    def large(self) -> bool: ...  # noqa: D102
    @property
    def biased(self) -> bool: ...  # noqa: D102
    def layers(self, width: Width = None) -> Sequence[Layer]: ...  # noqa: D102
    def apply(self, params: Parameters, inputs: Array) -> Array: ...  # noqa: D102
    def curvature(self, params: Parameters, inputs: Array) -> tuple[Array, ...]: ...  # noqa: D102


def weight_count(model: Model, width: Width = None) -> int:
    """Number of weights of the dense network of a width (biases not counted).

    Args:
        model: The architecture.
        width: One width for all hidden layers, or one for each; None: the largest.

    Returns:
        The number.
    """
    return sum(int(out) * int(inner) * int(np.prod(kernel)) for out, inner, kernel in model.layers(width))


def live(model: Model, width: Width) -> Parameters:
    """The mask of the dense network of ``width``."""
    weights, biases = [], []
    for (out, inner, kernel), (outs, inners, _) in zip(model.layers(width), model.layers(), strict=True):
        here, there = jnp.arange(outs) < out, jnp.arange(inners) < inner
        block = (here[:, None] & there).reshape(outs, inners, *[1] * len(kernel))
        weights.append(jnp.broadcast_to(block, (outs, inners, *kernel)))
        biases.append(here)
    return Parameters(tuple(weights), tuple(biases) if model.biased else ())


def noise(model: Model, key: Key[Array, ""]) -> tuple[Array, ...]:
    """N(0, 1) numbers, one for every weight of the largest width.

    A smaller array is the leading block of a larger one, so ``cropped`` noise is that of the smaller model.
    """
    shapes = [(out, inner, *kernel) for out, inner, kernel in model.layers()]
    columns = [int(np.prod(shape[1:])) for shape in shapes]

    def row(layer, unit):
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, layer), unit), (max(columns),))

    # All layers at the size of the largest: one generator in the program compiles faster than one per layer.
    units = jnp.arange(max(shape[0] for shape in shapes))
    drawn = jax.vmap(lambda layer: jax.vmap(lambda unit: row(layer, unit))(units))(jnp.arange(len(shapes)))
    return tuple(d[: s[0], :c].reshape(s) for d, s, c in zip(drawn, shapes, columns, strict=True))


def cropped(values: tuple[Array, ...], model: Model) -> tuple[Array, ...]:
    """The leading blocks, of the size of the weights of a narrower ``model``; further leading axes stay."""
    return tuple(
        v[(..., slice(out), slice(inner), *[slice(None)] * len(kernel))]
        for v, (out, inner, kernel) in zip(values, model.layers(), strict=True)
    )


def init(model: Model, noise: tuple[Array, ...], width: Width) -> Parameters:
    """He initialisation: weights N(0, 2 / live inputs of a unit), biases zero.

    Args:
        model: The architecture.
        noise: N(0, 1) numbers in the shapes of the weights at the largest width, one array per layer.
        width: One width for all hidden layers, or one for each; may be traced.

    Returns:
        Parameters in the shapes of the largest width, zero beyond ``width``.
    """
    mask, weights = live(model, width), []
    for numbers, (_, inner, kernel) in zip(noise, model.layers(width), strict=True):
        weights.append(numbers * jnp.sqrt(2 / (jnp.asarray(inner, numbers.dtype) * int(np.prod(kernel)))))
    return masked(Parameters(tuple(weights), tuple(jnp.zeros(m.shape, noise[0].dtype) for m in mask.biases)), mask)


def uniform(model: Model, key: Key[Array, ""]) -> Parameters:
    """PyTorch's default for linear layers, at the largest width: weights and biases uniform in +-1/sqrt(inputs of a unit).

    Source: guide/networks.md, First weights.
    """
    weights, biases = [], []
    for layer, (out, inner, kernel) in enumerate(model.layers()):
        keys, bound = jax.random.fold_in(key, layer), (int(inner) * int(np.prod(kernel))) ** -0.5
        drawn = jax.random.uniform(keys, (int(out), int(inner) * int(np.prod(kernel)) + 1), minval=-bound, maxval=bound)
        weights.append(drawn[:, 1:].reshape(out, inner, *kernel))
        biases.append(drawn[:, 0])
    return Parameters(tuple(weights), tuple(biases) if model.biased else ())


def masked(params: Parameters, mask: Parameters) -> Parameters:
    """The parameters where the mask is true, zero elsewhere."""
    return jax.tree.map(lambda keep, value: jnp.where(keep, value, 0), mask, params)


def cross_entropy(logits: Float[Array, "c n"], labels: Float[Array, "c n"]) -> Float[Array, ""]:
    """Mean over samples, in nats."""
    return -jnp.mean(jnp.sum(labels * jax.nn.log_softmax(logits, axis=0), axis=0))


def train(
    model: Model,
    params: Parameters,
    mask: Parameters,
    batch: Batch,
    optimiser: optax.GradientTransformation,
    steps: int,
    state: Any = None,
) -> Trained:
    """Full-batch training on the cross entropy; what the mask excludes is zero and has no gradient.

    Args:
        model: The architecture.
        params: Parameters to start from.
        mask: Truth values in their shapes, of what is trained.
        batch: The training set.
        optimiser: What makes steps of gradients.
        steps: Number of steps.
        state: The optimiser's, to go on where an earlier training stopped; None: a new one.

    Returns:
        Parameters at the end, the optimiser's state, and the loss before every step.
    """

    def loss(params):
        return cross_entropy(model.apply(masked(params, mask), batch.inputs), batch.labels)

    def step(carry, _):
        params, state = carry
        value, slope = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(slope, state, params)
        return (jax.tree.map(jnp.add, params, updates), state), value

    first: Any = masked(params, mask)
    state = optimiser.init(first) if state is None else state
    (params, state), curve = jax.lax.scan(step, (first, state), length=steps)
    return Trained(masked(params, mask), state, curve)


def evaluate(model: Model, params: Parameters, batch: Batch) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Error rate and mean cross entropy. Large sets go in parts, the smaller the wider the network, to bound memory; numbers
    are those of the whole up to round-off.

    Args:
        model: The architecture.
        params: Its parameters.
        batch: The samples.

    Returns:
        The share of wrong classes, and the cross entropy in nats.
    """
    count = len(batch.inputs)
    size = min(count, EVALUATED_TOGETHER, parts.together(_widest(model, batch.inputs)))
    whole = count // size * size
    samples = batch.inputs[:whole].reshape(-1, size, *batch.inputs.shape[1:])
    logits = jnp.concatenate(jax.lax.map(lambda part: model.apply(params, part), samples), axis=-1)
    if whole < count:
        logits = jnp.concatenate([logits, model.apply(params, batch.inputs[whole:])], axis=-1)
    wrong: Bool[Array, " n"] = jnp.argmax(logits, axis=0) != jnp.argmax(batch.labels, axis=0)
    return jnp.mean(wrong, dtype=logits.dtype), cross_entropy(logits, batch.labels)


def _widest(model: Model, inputs: Array) -> int:
    """Numbers that a layer makes of one sample, at most: those of pictures have fewer pixels from layer to layer."""
    outputs = [int(out) for out, _, _ in model.layers()]
    return max(*outputs, outputs[0] * int(np.prod(inputs.shape[1:-1])))
