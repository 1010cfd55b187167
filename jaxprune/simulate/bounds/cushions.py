"""How stable a network is to noise: cushions, contraction and smoothness, sample by sample. Source: guide/bounds.md, Cushions.

A network is a list of layers without biases, with a ReLU between them; x^i is what layer i gives, before the ReLU. A layer
is any linear map of an input of any shape, so that a convolution is one too. Nothing is reduced over samples before
``summary``.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from jaxprune.checks import check_count
from jaxprune.problems import Cushions
from jaxprune.simulate.arguments import check_key, check_number, traced
from jaxprune.simulate.bounds import planted
from jaxprune.simulate.lengths import power_of_two, safe_norm

EXACT = 512  # inputs up to which a Jacobian is computed, and not estimated
PROBES = 64
CONSTANT, DELTA = 72.0, 0.05  # of the count of numbers: the lemma's, and its failure probability


class Layer(NamedTuple):
    """A linear map ``apply`` of one input, the ``weights`` whose norm is that of its cushion, and how many ``positions`` of its
    output share them (1 for a dense layer)."""

    apply: Callable[[Array], Array]
    weights: Array
    positions: int = 1


class Stability(NamedTuple):
    """Of S samples and d layers: ``layer`` mu_i; ``interlayer`` mu_{i,j}, NaN for j <= i, with the standard error of its
    estimate (0 where it is exact); ``contraction`` of layers 1 .. d-1; norms of outputs; ``dead``, whether what a layer
    gives is zero or below, so that nothing passes; ``roots`` 1/sqrt(h_i)."""

    layer: Float[Array, "S d"]
    interlayer: Float[Array, "S d d"]
    interlayer_error: Float[Array, "S d d"]
    contraction: Float[Array, "S e"]
    output: Float[Array, " S"]
    dead: Bool[Array, "S d"]
    roots: Float[Array, " d"]


class Summary(NamedTuple):
    """One number for every layer, as theory takes them, over samples that are alive: cushions at a quantile, ``interlayer``
    with 1/sqrt(h_i); ``outliers``, the share of samples that have a smaller cushion or a larger contraction somewhere;
    ``dead`` samples, which are left out."""

    layer: Float[Array, " d"]
    interlayer: Float[Array, " d"]
    contraction: Float[Array, ""]
    output: Float[Array, ""]
    outliers: Float[Array, ""]
    dead: Array


def dense(weights: Float[Array, "outputs inputs"]) -> Layer:
    """A matrix. It may take an image, which is made flat.

    Args:
        weights: Floating-point numbers (outputs, inputs).

    Returns:
        The layer, with one position.

    Raises:
        ValueError: For weights of other than two axes, not floating-point, or not finite.
    """
    matrix = _floats("weights", weights, 2, "(outputs, inputs)")
    return Layer(lambda x: matrix @ jnp.ravel(x), matrix)


def convolution(weights: Float[Array, "outputs inputs h w"], shape: Sequence[int], stride: int = 1) -> Layer:
    """Filters of an image, with zeros around it.

    Args:
        weights: Floating-point numbers (outputs, inputs, height, width).
        shape: That of the image, (inputs, height, width).
        stride: Pixels between neighbouring places of a filter, along both axes, >= 1.

    Returns:
        The layer; its positions are the pixels of its output.

    Raises:
        ValueError: For shapes that do not fit, weights that are not floating-point or not finite, and a stride < 1.
    """
    filters = _floats("weights", weights, 4, "(outputs, inputs, height, width)")
    check_count("stride", stride, "pixels")
    if len(shape) != 3 or shape[0] != filters.shape[1]:
        raise ValueError(f"shape: {tuple(shape)} is no image (channels, height, width) of {filters.shape[1]} channels")

    def apply(image):
        return jax.lax.conv_general_dilated(image[None], filters, (stride, stride), "SAME")[0]

    given = jax.eval_shape(apply, jax.ShapeDtypeStruct(tuple(shape), filters.dtype)).shape
    return Layer(apply, filters, int(np.prod(given[1:])))


def measure(
    layers: Sequence[Layer], inputs: Float[Array, "S ..."], key: Key[Array, ""], probes: int = PROBES, exact: int = EXACT
) -> Stability:
    """The stability of a network on every one of the inputs.

    mu_i = |x^i|/(|A^i|_F |relu(x^{i-1})|), mu_{i,j} = |x^j| sqrt(positions_i)/(|J^{i,j}|_F |x^i|), contraction
    |x^i|/|relu(x^i)|. Jacobians of at most ``exact`` inputs are exact; of larger ones |J|_F^2 is the mean of |J v|^2 over
    ``probes`` random signs v.

    Args:
        layers: The d layers, the one that takes the inputs first.
        inputs: S samples (S, ...), floating-point, in the shape that the first layer takes.
        key: One typed JAX key, for the random signs.
        probes: Number of random vectors of signs for a large Jacobian, >= 2.
        exact: Largest number of inputs of a Jacobian that is computed, not estimated.

    Returns:
        The measures, sample by sample. What is not defined, since a layer is dead, is NaN, and told by ``dead``.

    Raises:
        ValueError: For no layers, layers or inputs that do not fit, samples or layers of zeros, and inputs that are not finite
            floating-point numbers; for no typed key, and fewer than 2 probes.
    """
    check_key(key)
    check_count("probes", probes, "probes", 2)
    start = _checked(layers, inputs)
    keys = jax.random.split(key, len(start))
    found = jax.lax.map(lambda pair: _one(layers, pair[0], pair[1], probes, exact), (start, keys))
    given = jax.eval_shape(lambda x: _signals(layers, x), start[0])
    channels = np.array([x.size / layer.positions for layer, x in zip(layers, given, strict=True)])
    return found._replace(roots=jnp.asarray(channels**-0.5, start.dtype))


def roughness(
    layers: Sequence[Layer], inputs: Float[Array, "S ..."], key: Key[Array, ""], level: Any = 0.01
) -> Float[Array, "S d d"]:
    """1/rho for every sample and pair of layers i < j, by one Gaussian noise for each sample and layer.

    It is |M(x^i + e) - J (x^i + e)| |x^i|/(|e| |x^j|) for a Gaussian e of length ``level`` |x^i|, M the map from x^i to x^j and
    J its Jacobian at x^i; 0 where no unit changes its side. The definition's noise is that of compressed layers; this is a
    proxy for it.

    Args:
        layers: The d layers, the one that takes the inputs first.
        inputs: S samples (S, ...), floating-point, in the shape that the first layer takes.
        key: One typed JAX key, for the noise.
        level: Length of the noise as a share of that of x^i, > 0.

    Returns:
        1/rho (S, d, d); NaN for j <= i.

    Raises:
        ValueError: As ``measure`` does, and unless level > 0.
    """
    check_key(key)
    check_number("level", level, "(0, inf)")
    start = _checked(layers, inputs)
    keys = jax.random.split(key, len(start))
    return jax.lax.map(lambda pair: _rough(layers, pair[0], pair[1], level), (start, keys))


def summary(measured: Stability, quantile: float = 0.0) -> Summary:
    """Cushions at a quantile of the samples that are alive, and the contraction at 1 - quantile: minima at 0, as in theory.

    Args:
        measured: What ``measure`` found.
        quantile: Share of the samples that may have smaller cushions, in [0, 1).

    Returns:
        One number for every layer, or for the network.

    Raises:
        ValueError: For a quantile outside [0, 1), and where no sample is alive.
    """
    check_number("quantile", quantile, "[0, 1)")
    alive = ~jnp.any(measured.dead, axis=1)
    if not traced(alive) and not np.any(np.asarray(alive)):
        raise ValueError(f"measured: a layer is dead on all of {len(alive)} samples; the network is zero there")
    between = jnp.where(jnp.isnan(measured.interlayer), jnp.inf, measured.interlayer)
    smallest = jnp.minimum(jnp.min(between, axis=2), measured.roots)

    def at(values, level):
        return jnp.nanquantile(jnp.where(alive[:, None], values, jnp.nan), level, axis=0)

    layer, interlayer = at(measured.layer, quantile), at(smallest, quantile)
    contraction = at(measured.contraction, 1 - quantile) if measured.contraction.shape[1] else jnp.ones((1,))
    worse = [measured.layer < layer, smallest < interlayer, measured.contraction > contraction]
    outside = jnp.any(jnp.concatenate(worse[: 2 + (measured.contraction.shape[1] > 0)], axis=1), axis=1)
    return Summary(
        layer,
        interlayer,
        jnp.maximum(jnp.max(contraction), 1.0),
        jnp.max(jnp.where(alive, measured.output, 0)),
        jnp.sum(outside & alive) / jnp.sum(alive),
        jnp.sum(~alive),
    )


def trial(key: Key[Array, ""], problem: Cushions, quantiles: Sequence[float]) -> dict[str, Array]:
    """The metrics of ``Cushions`` for one network: at every one of q quantiles of its samples, and of each of d layers. Pure.

    Args:
        key: One typed JAX key, for weights, inputs and probes.
        problem: The network, and how many inputs it is measured on.
        quantiles: The q quantiles, each in [0, 1).

    Returns:
        A dict: ``layer``, ``interlayer`` (q, d); ``contraction``, ``outliers``, ``log_parameters`` (q,); the scalars
        ``layer_mean``, ``layer_variance``, ``dead``.

    Raises:
        ValueError: For quantiles outside [0, 1).
    """
    weight_key, input_key, probe_key = jax.random.split(key, 3)
    layers = [dense(weights) for weights in planted.draw(problem, weight_key)]
    measured = measure(layers, jax.random.normal(input_key, (problem.samples, problem.dim)), probe_key)
    square = problem.dim * measured.layer[:, 0] ** 2
    found = [summary(measured, quantile) for quantile in quantiles]
    return dict(
        layer=jnp.stack([one.layer for one in found]),
        interlayer=jnp.stack([one.interlayer for one in found]),
        contraction=jnp.stack([one.contraction for one in found]),
        outliers=jnp.stack([one.outliers for one in found]),
        layer_mean=jnp.mean(square),
        layer_variance=jnp.var(square, ddof=1),
        dead=found[0].dead.astype(square.dtype),
        log_parameters=jnp.stack([_log_count(one, problem) for one in found]),
    )


def _log_count(found: Summary, problem: Cushions) -> Float[Array, ""]:
    """Log of 72 c^2 d^2 log(m d h/0.05)/eps^2 sum 1/(mu_i mu_{i->})^2 at eps = 1, a margin of sqrt(2) times the largest
    output."""
    widest = max(problem.width, problem.classes)
    ways = math.log(CONSTANT * problem.depth**2 * math.log(problem.samples * problem.depth * widest / DELTA))
    terms = -2 * (jnp.log(found.layer) + jnp.log(found.interlayer))
    return ways + 2 * jnp.log(found.contraction) + jax.scipy.special.logsumexp(terms)


def _signals(layers, x: Any, first=0, before: Any = None):
    """x^{first+1} .. x^d from the input, or from x^first."""
    found, here = [], x if first == 0 else jax.nn.relu(before)
    for layer in layers[first:]:
        found.append(layer.apply(here))
        here = jax.nn.relu(found[-1])
    return found


def _even(layers, x):
    """The same network, whose input and layers are divided by powers of two so that no signal of x is too small or too large
    to be squared; and these powers. Of all measures only the output sees them."""
    powers, found = [power_of_two(jnp.max(jnp.abs(x)))], []
    x = here = x / powers[0]
    for layer in layers:
        given = layer.apply(here)
        power = power_of_two(jnp.max(jnp.abs(given)))
        found.append(layer._replace(apply=lambda z, layer=layer, power=power: layer.apply(z) / power))
        powers.append(power)
        here = jax.nn.relu(given / power)
    return found, x, jnp.stack(powers)


def _norm(x):
    return safe_norm(jnp.ravel(x))


def _one(layers, x, key, probes, exact):
    layers, x, powers = _even(layers, x)
    signals = _signals(layers, x)
    norms = jnp.stack([_norm(s) for s in signals])
    passed = jnp.stack([_norm(jax.nn.relu(s)) for s in signals[:-1]] or [jnp.ones(())])[: len(layers) - 1]
    taken = jnp.concatenate([_norm(x)[None], passed])
    weights = jnp.stack([_norm(layer.weights) for layer in layers]) / powers[1:]
    dead = jnp.concatenate([passed == 0, norms[-1:] == 0])
    squares, errors = _jacobians(layers, signals, key, probes, exact)
    positions = jnp.asarray([layer.positions for layer in layers], norms.dtype)
    between = norms * jnp.sqrt(positions)[:, None] / jnp.sqrt(squares) / norms[:, None]
    return Stability(
        jnp.where(taken > 0, norms / jnp.where(taken > 0, taken, 1) / weights, jnp.nan),
        jnp.where(jnp.isfinite(between), between, jnp.nan),
        between * errors / (2 * squares),
        jnp.where(passed > 0, norms[:-1] / jnp.where(passed > 0, passed, 1), jnp.nan),
        norms[-1] * jnp.prod(powers),
        dead,
        jnp.zeros(len(layers)),
    )


def _jacobians(layers, signals, key, probes, exact):
    """Squared Frobenius norms (d, d) of Jacobians from x^i to x^j, NaN for j <= i, and standard errors of their estimates."""
    depth = len(layers)
    squares, errors = jnp.full((depth, depth), jnp.nan), jnp.full((depth, depth), jnp.nan)
    for i in range(depth - 1):
        start = signals[i]
        _, push = jax.linearize(lambda z, i=i: _signals(layers, None, i + 1, z), start)
        few = start.size <= exact
        signs = jax.random.rademacher(jax.random.fold_in(key, i), (probes, start.size), start.dtype)
        directions = jnp.eye(start.size, dtype=start.dtype) if few else signs
        pushed = jax.vmap(lambda v, push=push, shape=start.shape: [jnp.sum(y**2) for y in push(v.reshape(shape))])(directions)
        for j, values in enumerate(pushed, i + 1):
            squares = squares.at[i, j].set(jnp.sum(values) if few else jnp.mean(values))
            errors = errors.at[i, j].set(0.0 if few else jnp.std(values, ddof=1) / probes**0.5)
    return squares, errors


def _rough(layers, x, key, level):
    layers, x, _ = _even(layers, x)
    signals = _signals(layers, x)
    depth = len(layers)
    found = jnp.full((depth, depth), jnp.nan)
    for i in range(depth - 1):
        start = signals[i]
        noise = jax.random.normal(jax.random.fold_in(key, i), start.shape, start.dtype)
        noise = noise * (level * jnp.linalg.norm(jnp.ravel(start)) / jnp.linalg.norm(jnp.ravel(noise)))
        there, push = jax.linearize(lambda z, i=i: _signals(layers, None, i + 1, z), start)
        moved = _signals(layers, None, i + 1, start + noise)
        for j, (at, to, linear) in enumerate(zip(there, moved, push(noise), strict=True), i + 1):
            apart = jnp.linalg.norm(jnp.ravel(to - at - linear))
            found = found.at[i, j].set(apart / (level * jnp.linalg.norm(jnp.ravel(at))))
    return found


def _checked(layers, inputs):
    """The inputs, as floating-point numbers that fit the layers."""
    if not layers:
        raise ValueError("layers: an empty list is no network; give dense or convolution layers")
    start = _floats("inputs", inputs, None, "(samples, ...)")
    if start.ndim < 2 or not start.size:
        raise ValueError(f"inputs: shape {start.shape} is not (samples, ...); put samples first")
    if not traced(inputs) and np.any(np.all(np.asarray(inputs).reshape(len(start), -1) == 0, axis=1)):
        raise ValueError("inputs: a sample is all zero, where cushions are not defined; leave it out")
    for place, layer in enumerate(layers):
        if not traced(layer.weights) and not np.any(np.asarray(layer.weights)):
            raise ValueError(f"layers: layer {place} is all zero, where cushions are not defined; leave the network out")
    try:
        jax.eval_shape(lambda x: _signals(layers, x), start[0])
    except TypeError as error:
        raise ValueError(f"inputs, layers: they do not fit each other: {str(error).splitlines()[0]}") from None
    return start


def _floats(name, value, rank, shape):
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    if not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"{name}: dtype {dtype} would be cast silently; pass floating-point numbers")
    array = jnp.asarray(value)
    if rank is not None and array.ndim != rank:
        raise ValueError(f"{name}: shape {array.shape} has {array.ndim} axes; use shape {shape}")
    if not traced(value) and not np.all(np.isfinite(np.asarray(value))):
        raise ValueError(f"{name}: has numbers that are not finite; leave them out")
    return array
