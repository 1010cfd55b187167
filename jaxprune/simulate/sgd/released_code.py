"""What the released code of Wan et al. 2023 does: its network, its noise, its training loop, with every quirk listed here.

``QUIRKS`` lists where that code departs from the paper's setting, or from what one would expect; ``compat="released-code"``
here, in ``training.train`` and ``record``, and in ``noisy_training.released_trial`` reproduces them. Source:
guide/sgd.md, The released code.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from jaxprune.checks import noise_type
from jaxprune.simulate import stable
from jaxprune.simulate.arguments import RELEASED, check_compat, check_key, check_step_size
from jaxprune.simulate.networks import model as networks
from jaxprune.simulate.networks.architectures import MLP
from jaxprune.simulate.networks.losses import Loss
from jaxprune.simulate.networks.model import Parameters
from jaxprune.simulate.networks.parts import in_parts
from jaxprune.simulate.sde.stepping import State, begin, check_drift, increments, per_leaf
from jaxprune.simulate.sgd.batches import check_data, mini_batch
from jaxprune.simulate.sgd.stopping import ACCURATE, ALL_STEPS, BY_CHANCE, NOT_FINITE, RUNNING, Run, Stopping
from jaxprune.simulate.stable.counters import fold
from jaxprune.struct import as_given, static, struct

QUIRKS = (
    "type III is smaller by 2^(-1/2): each coordinate has scale 2^(-1/2)",
    "type III at alpha = 2 is NaN: there for 97 % of the units, which makes every output NaN, here for all",
    "type I at alpha = 2 is N(0, 1), types II and III are N(0, 2)",
    "on a CPU the noise has no factor sigma eta^(1/alpha)",
    "the noise comes from a generator that the seed does not set",
    "only hidden layers have noise; the last layer is trained too, and the network has no 1/n",
    "the stopping iteration has no noise; evaluation looks at the iterate before its noise",
    "a matrix with as many rows as classes has no noise; one with such a side, rows or columns, is not pruned, yet counted as "
    "pruned",
    "evaluation after 1, 1 + every, 1 + 2 every, ... steps: a run can stop at its first, and makes at most steps + 1",
    "mini-batches are shuffled epochs, the last of which may be smaller, and counts as a whole step",
    "of two classes no better than chance is at most 53 %, not 62.5 %; it is asked for from step patience + 2 on, of the last "
    "evaluation: never where steps are no more than the patience",
    "only NaN, in the training or test loss, stops a run as diverged: weights that are not finite go on, and with an infinite "
    "loss no accuracy is enough",
    "runs that end with NaN or by chance are not saved: tables are of the others",
)
TWO_CLASSES = 0.53  # training accuracy of two classes that is chance
ORDER = 2  # stream of an epoch's key, beside the noise and the drift of a step


@struct
class ReleasedNoise:
    """Noise of one layer as the released code makes it: items 1 to 5 of ``QUIRKS``.

    ``noise``: "I", "II" or "III"; ``index``: alpha or its ``stable.Index``; ``scale``: sigma. ``scaled``: as on a GPU;
    otherwise, as on a CPU, the factor sigma eta^(1/alpha) is missing. ``other``: the state of the generator that the seed
    of a run does not set; two runs of one seed with different values have different noise.
    """

    index: Any
    scale: Any = 1.0
    noise: str = static(noise_type, default="II")
    scaled: bool = static(default=False)
    other: Any = 0

    def __post_init__(self):
        object.__setattr__(self, "index", stable.neuron_noise(self.noise, self.index, self.scale).index)

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

    ``inputs`` (m, d), ``targets`` (m, classes); ``model`` and ``loss``: static; ``batch`` None: all samples, otherwise as many,
    drawn without replacement for every step. ``decay``: rate of weight decay; None: none. The value is the tuple of weight
    matrices. Raises ValueError as ``mean_field.Drift`` does.
    """

    inputs: Any
    targets: Any
    model: MLP = static()
    loss: Loss = static()
    batch: Any = static(default=None)
    decay: Any = as_given("[0, inf)", default=None)

    def __post_init__(self):
        check_data(self.inputs, self.targets, self.model.classes, self.loss, self.batch)

    @property
    def random(self) -> bool:
        """Whether it draws mini-batches."""
        return self.batch is not None

    def __call__(self, weights: tuple[Array, ...], key: Key[Array, ""] | None = None) -> tuple[Array, ...]:
        """The drift of every weight matrix."""
        inputs, targets = mini_batch(self.inputs, self.targets, self.batch, key)
        return self._descent(weights, lambda w: jnp.mean(self.loss(outputs(self.model, w, inputs), targets)))

    def shuffled(self, weights: tuple[Array, ...], key: Key[Array, ""], step: Any) -> tuple[Array, ...]:
        """The drift of step 0, 1, ... of a run whose mini-batches are ``shuffled_rows``."""
        rows, counted = shuffled_rows(key, len(self.inputs), self.batch, step)
        inputs, targets = jnp.asarray(self.inputs)[rows], jnp.asarray(self.targets)[rows]

        def mean(weights):
            found = self.loss(outputs(self.model, weights, inputs), targets)
            return jnp.sum(jnp.where(counted, found, 0)) / jnp.sum(counted, dtype=found.dtype)

        return self._descent(weights, mean)

    def _descent(self, weights, mean) -> tuple[Array, ...]:
        slope = jax.grad(mean)(weights)
        if self.decay is None:
            return jax.tree.map(jnp.negative, slope)
        # Without decay no product with it: 0 times an infinite weight is not 0.
        return jax.tree.map(lambda s, w: -s - jnp.where(self.decay > 0, self.decay * w, 0).astype(w.dtype), slope, weights)


def shuffled_rows(
    key: Key[Array, ""], samples: int, batch: int, step: Int[Array, ""] | int
) -> tuple[Int[Array, " b"], Bool[Array, " b"]]:
    """The rows of a mini-batch, where every epoch is a new random order of all samples cut into pieces; and which count.

    The last piece may be smaller: its last row fills it up, and does not count.

    Args:
        key: One typed JAX key, the same for all steps.
        samples: Number of samples.
        batch: b, the size of a piece.
        step: 0, 1, ...; may be traced.

    Returns:
        Rows (b,), and truth values (b,).
    """
    pieces = -(-samples // batch)
    order = jax.random.permutation(fold(fold(key, step // pieces), ORDER), samples)
    place = step % pieces * batch + jnp.arange(batch)
    return order[jnp.minimum(place, samples - 1)], place < samples


def train(
    drift: Callable,
    law: Any,
    start: Any,
    key: Key[Array, ""],
    *,
    step_size: Any,
    stopping: Stopping,
    score: Callable[[Any], tuple[Array, Array]],
) -> Run:
    """``training.train`` as the released code has it: items 7 and 9 to 12 of ``QUIRKS``.

    Every step is a gradient step, perhaps an evaluation, then noise. ``value`` ends as it is, finite (``alive``) or not.

    Args:
        drift: As of ``sde.euler``; one that is random draws its mini-batches by ``shuffled(value, key, step)``.
        law, start: As of ``sde.euler``.
        key: One typed JAX key.
        step_size: Time of one step, > 0.
        stopping: The rule; ``steps`` and ``patience`` are that code's counter, which is one less than the steps made; of two
            classes (``chance`` 1/2) the bound is 53 %, whatever the margin.
        score: Value to loss, NaN where it is NaN on the test set, and accuracy on the training set.

    Returns:
        How the run ended, and its value.

    Raises:
        ValueError: For a drift that draws mini-batches otherwise, and as ``sde.euler`` does.
    """
    check_key(key)
    check_step_size(step_size)
    first = begin(start)
    laws = per_leaf(law, first.value)
    check_drift(drift, first.value, key)
    random = _draws_epochs(drift)

    def descend(state):
        moves = drift.shuffled(state.value, key, state.step) if random else drift(state.value)
        value = jax.tree.map(lambda x, b: (x + step_size * b).astype(x.dtype), state.value, moves)
        return _moved(state, value, state.step + 1)

    def step(state, _):
        noise = increments(laws, key, state.value, step_size, state.step - 1)
        return descend(_moved(state, jax.tree.map(jnp.add, state.value, noise), state.step)), None

    def judged(state):
        return state, decide(stopping, state.step, *score(state.value))

    def to_evaluation(carry):
        return judged(jax.lax.scan(step, carry[0], length=stopping.every)[0])

    state, reason = jax.lax.while_loop(lambda carry: carry[1] == RUNNING, to_evaluation, judged(descend(first)))
    # The code sees that an accuracy is that of chance once its patience is over, which may be later than the evaluation.
    made = jnp.where(reason == BY_CHANCE, jnp.maximum(state.step, stopping.patience + 2), state.step)
    return Run(state.value, made, reason, state.alive, state.first_bad)


def _draws_epochs(drift) -> bool:
    """Whether the drift draws mini-batches, which must be by shuffled epochs."""
    random = getattr(drift, "random", False)
    if random and not hasattr(drift, "shuffled"):
        name = type(drift).__name__
        raise ValueError(f"drift: {name} draws no shuffled epochs, as the released code does; use released_code.Drift")
    return random


def decide(stopping: Stopping, made: Int[Array, ""], loss: Float[Array, ""], right: Float[Array, ""]) -> Array:
    """The reason for which the released code ends a run, or ``RUNNING``.

    Args:
        stopping: The rule.
        made: Steps made before this evaluation.
        loss: Loss on the training set.
        right: Accuracy on the training set, in [0, 1].

    Returns:
        An index into ``sgd.stopping.REASONS``, or -1.
    """
    counter, over = made - 1, stopping.patience + 1
    bound = jnp.where(jnp.asarray(stopping.chance) == 0.5, TWO_CLASSES, stopping.margin * stopping.chance)
    accurate = (right >= stopping.accuracy) & (loss < jnp.inf)
    # No evaluation lies between this one and the first look at its accuracy, when the counter is beyond the patience.
    looked_at = (counter + stopping.every > over) & (over <= stopping.steps) & ~(accurate & (counter < over))
    reason = jnp.where(counter >= stopping.steps, ALL_STEPS, RUNNING)
    reason = jnp.where(accurate, ACCURATE, reason)
    reason = jnp.where(looked_at & (right <= bound), BY_CHANCE, reason)
    return jnp.where(jnp.isnan(loss), NOT_FINITE, reason)


def spared(layer: Array, classes: int) -> bool:
    """Whether the released code takes a matrix for the last layer, and does not prune it: item 8 of ``QUIRKS``.

    Args:
        layer: A matrix (n, d).
        classes: Number of classes.

    Returns:
        True where one of the two sides is the number of classes.
    """
    return classes in layer.shape


def network(inputs: int, width: int, classes: int, depth: int = 2) -> MLP:
    """The network of the released code: ReLU layers without biases.

    Args:
        inputs: Number of inputs.
        width: Units of each hidden layer.
        classes: Number of outputs.
        depth: Number of weight matrices, >= 2.

    Returns:
        The architecture.
    """
    return MLP(inputs, (width,) * (depth - 1), classes, biased=False)


def initial(model: MLP, key: Key[Array, ""]) -> tuple[Array, ...]:
    """PyTorch's default: weights uniform in +-1/sqrt(inputs of a unit).

    Args:
        model: The architecture.
        key: One typed JAX key.

    Returns:
        Weight matrices (outputs, inputs).
    """
    return networks.uniform(model, key).weights


def outputs(model: MLP, weights: Sequence[Array], inputs: Float[Array, "m d"]) -> Float[Array, "m c"]:
    """Logits of a network without biases.

    Args:
        model: The architecture.
        weights: Weight matrices (outputs, inputs), the one that takes the inputs first.
        inputs: Samples (m, d).

    Returns:
        Logits (m, classes).
    """
    return model.apply(Parameters(tuple(weights), ()), inputs).T


def evaluated(model: MLP, weights: Sequence[Array], inputs: Float[Array, "m d"], together: int = 1) -> Float[Array, "m c"]:
    """As ``outputs``, of large sets a part at a time (``networks.parts``): the same up to round-off.

    Args:
        model: The architecture.
        weights: Weight matrices (outputs, inputs), the one that takes the inputs first.
        inputs: Samples (m, d).
        together: Networks that are vmapped over.

    Returns:
        Logits (m, classes).
    """
    units = together * max(int(out) for out, _, _ in model.layers())
    return in_parts(lambda part: outputs(model, weights, part), inputs, units)


def noise(model: MLP, law: Any, compat: str | None = None) -> tuple[Any, ...]:
    """One law per weight matrix, for ``sde.euler``: hidden layers have noise, the last one has none.

    Args:
        model: The architecture.
        law: The noise of a hidden layer over unit time.
        compat: None, or "released-code": a matrix has none if it has as many rows, which are units, as there are classes (item
            8 of ``QUIRKS``).

    Returns:
        Laws, and None where there is no noise.

    Raises:
        ValueError: For another ``compat``.
    """
    check_compat(compat)
    shapes = [(out, inner) for out, inner, _ in model.layers()]
    if compat == RELEASED:
        return tuple(None if rows == model.classes else law for rows, _ in shapes)
    return (*[law] * (len(shapes) - 1), None)


def _moved(state: State, value: Any, step: Any) -> State:
    """The state at a new value, finite or not, after ``step`` steps."""
    good = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(value)]))
    first_bad = jnp.where(state.alive & ~good, step, state.first_bad)
    return State(value, step, state.alive & good, first_bad, state.lost)
