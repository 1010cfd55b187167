"""Trained two-layer ReLU networks of one output, narrow networks in their place, and what these do to real inputs.

Inputs have a second moment S = E x x^T. To inputs N(0, S) a network with rows W is what one with rows W S^(1/2) is to N(0, I):
so are all losses, and the narrow network that is best for them is found there. That data are Gaussian is an assumption, and
they are not; what it costs is measured on the inputs themselves. No network here has biases.
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.checks import NoiseType
from jaxprune.problems import HeavyTailedSGD
from jaxprune.simulate import linalg, stable
from jaxprune.simulate.networks import labelled, losses
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sde import integrate as sde
from jaxprune.simulate.sgd import mean_field
from jaxprune.simulate.two_layer import baselines
from jaxprune.simulate.two_layer.losses import EXACT
from jaxprune.simulate.two_layer.objectives import exact
from jaxprune.simulate.two_layer.optimise import Schedule, minimise
from jaxprune.simulate.two_layer.targets import Target

METHODS = ("covariance", "white", "greedy", "k-means", "magnitude", "random")
QUICK = Schedule(adam=200, newton=4, inner=10)  # the last digits of an optimum change nothing on data
NEGLIGIBLE = 1e-10  # eigenvalues of S below this share of the largest are those of inputs that do not vary


class Trained(NamedTuple):
    """``target``: the network, 1/n included; inputs (m, d) and targets (m, 1), -1 or 1, to train on and to test on."""

    target: Target
    train: tuple[Float[Array, "m d"], Float[Array, "m 1"]]
    test: tuple[Float[Array, "k d"], Float[Array, "k 1"]]


class Roots(NamedTuple):
    """Of the second moment of inputs: its symmetric ``root`` and the pseudo-``inverse`` of that, both (d, d)."""

    root: Float[Array, "d d"]
    inverse: Float[Array, "d d"]


def train(problem: HeavyTailedSGD, key: Key[Array, ""]) -> Trained:
    """The mean-field network of ``problem`` with ReLU for tanh, after all its steps: two classes, the logistic loss, output
    weights +1/n and -1/n that stay. Weights of a run that diverged are NaN.

    Raises ValueError for more classes, and for noise that is not of a type."""
    if problem.data.labels.shape[1] != 2:
        raise ValueError(f"data: {problem.data.labels.shape[1]} classes; one output tells two apart, so merge them")
    if not isinstance(problem.noise, NoiseType):
        raise ValueError(f"noise: {problem.noise!r} is not one of the types 'I', 'II', 'III'")
    sample, first, path = jax.random.split(key, 3)
    batches = labelled.split(problem.data, sample)
    learn, test = ((batch.inputs, (batch.labels[:1] - batch.labels[1:]).T.astype(batch.inputs.dtype)) for batch in batches)
    net = mean_field.network(problem.n, activation=jax.nn.relu)
    drift = mean_field.Drift(net, *learn, losses.Logistic(), decay=problem.decay, batch=problem.batch)
    law = stable.neuron_noise(problem.noise, problem.alpha, problem.sigma)
    start = mean_field.initial(net, first, learn[0].shape[1])
    state = sde.euler(drift, law, start, path, step_size=problem.step_size, steps=problem.steps).state
    rows = jnp.where(state.alive, state.value, jnp.nan)
    return Trained(Target(rows, net.outer[:, 0] / net.count), learn, test)


def roots(inputs: Float[Array, "m d"]) -> Roots:
    """Of the second moment E x x^T over the samples, the mean not taken off: the Gaussian has it, and mean 0."""
    eigs, basis = linalg.eigh(jnp.matmul(inputs.T, inputs, precision=EXACT) / len(inputs))
    size = jnp.sqrt(jnp.where(eigs > NEGLIGIBLE * eigs[-1], eigs, 0))
    over = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1), 0)
    return Roots(*(jnp.matmul(basis * scale, basis.T, precision=EXACT) for scale in (size, over)))


def outputs(network: Target, inputs: Float[Array, "m d"]) -> Float[Array, " m"]:
    """``sum_j weights_j relu(<rows_j, x>)`` of every input."""
    return jax.nn.relu(inputs @ network.rows.T) @ network.weights


def best(key: Key[Array, ""], target: Target, widths: Sequence[int], restarts: int, schedule: Schedule = QUICK) -> Target:
    """For each of ``widths`` the best narrow network for inputs N(0, I) that ``restarts`` random starts find, outputs of any
    sign: rows (widths, M, d) and output weights (widths, M), narrower ones padded with zeros to the widest, so that all are one
    program."""
    objective, most = exact(*target), max(widths)

    def one(width):
        live = jnp.arange(most) < width
        run = minimise(objective, key, most, restarts, "free", live, schedule).best()
        return Target(run.rows, jnp.where(live, run.signs, 0))

    return each(one, jnp.asarray(widths))


def narrow(key: Key[Array, ""], target: Target, inputs: Roots, widths: Sequence[int], restarts: int) -> Target:
    """Networks of each of ``METHODS`` and ``widths``, with the output weights that the method gives: rows (methods, widths, M,
    d) and output weights (methods, widths, M), padded with zeros.

    "covariance": best for N(0, S); "white": best for N(0, I), blind to the data; "greedy": neurons of the target by orthogonal
    matching pursuit, weights the best for N(0, S); "k-means", "magnitude", "random": as in ``baselines``, of the rows as they
    are. Raises ValueError for widths beyond that of the target."""
    optimum, cluster, choice = jax.random.split(key, 3)
    most = max(widths)
    seen = Target(jnp.matmul(target.rows, inputs.root, precision=EXACT), target.weights)
    both = Target(*(jnp.stack(pair) for pair in zip(seen, target, strict=True)))
    optimal = each(lambda one: best(optimum, one, widths, restarts), both)
    clusters = [_padded(baselines.k_means(cluster, target, width), most) for width in widths]
    methods = {
        "covariance": Target(jnp.matmul(optimal.rows[0], inputs.inverse, precision=EXACT), optimal.weights[0]),
        "white": Target(optimal.rows[1], optimal.weights[1]),
        "greedy": _greedy(target, seen, widths),
        "k-means": Target(*(jnp.stack(part) for part in zip(*clusters, strict=True))),
        "magnitude": _first(baselines.magnitude(target, most), widths),
        "random": _first(baselines.random(choice, target, most), widths, [most / width for width in widths]),
    }
    return Target(*(jnp.stack(part) for part in zip(*(methods[name] for name in METHODS), strict=True)))


def fitted(network: Target, inputs: Float[Array, "m d"], values: Float[Array, " m"]) -> Target:
    """The same rows, with the output weights whose outputs are nearest to ``values`` on these inputs (least squares)."""
    features = jax.nn.relu(inputs @ network.rows.T)
    gram, aim = (jnp.matmul(part, features, precision=EXACT) for part in (features.T, values))
    return Target(network.rows, baselines.best_weights(gram, aim))


def relative_error(network: Target, target: Target, inputs: Float[Array, "m d"]) -> Float[Array, ""]:
    """Root mean square over the inputs of what the outputs differ by, over that of the target's."""
    wanted = outputs(target, inputs)
    return jnp.sqrt(jnp.mean((outputs(network, inputs) - wanted) ** 2) / jnp.mean(wanted**2))


def classification_error(network: Target, data: tuple[Float[Array, "k d"], Float[Array, "k 1"]]) -> Float[Array, ""]:
    """Share of inputs whose output has the wrong sign."""
    return 1 - losses.accuracy(outputs(network, data[0])[:, None], data[1])


def _greedy(target: Target, seen: Target, widths: Sequence[int]) -> Target:
    """A narrower network has the first neurons of a wider one, and weights of its own."""
    chosen = baselines.greedy(seen, max(widths)).rows
    order = jnp.argmax(jnp.all(chosen[:, None] == seen.rows, axis=-1), axis=1)
    taken = _first(Target(chosen, jnp.ones(len(chosen), chosen.dtype)), widths).rows
    weights = each(lambda rows: baselines.refit(rows, seen).weights, taken)
    return Target(_first(Target(target.rows[order], seen.weights[order]), widths).rows, weights)


def _first(network: Target, widths: Sequence[int], scales: Sequence[float] | None = None) -> Target:
    """The first neurons of a network, as many as each of ``widths``, the others zero; output weights times ``scales``."""
    live = jnp.arange(len(network.weights)) < jnp.asarray(widths)[:, None]
    scale = jnp.ones(len(widths)) if scales is None else jnp.asarray(scales)
    return Target(jnp.where(live[..., None], network.rows, 0), jnp.where(live, scale[:, None] * network.weights, 0))


def _padded(network: Target, most: int) -> Target:
    more = most - len(network.weights)
    return Target(jnp.pad(network.rows, ((0, more), (0, 0))), jnp.pad(network.weights, (0, more)))
