"""Least squares on random features of labelled data, one fit per class, tested on the samples left out."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from jaxprune.problems import Labelled
from jaxprune.simulate.least_squares import fit as least_squares
from jaxprune.simulate.least_squares.fit import Counts, Data
from jaxprune.simulate.networks import labelled
from jaxprune.simulate.platforms import each
from jaxprune.simulate.sorting import argsort_live
from jaxprune.struct import struct


@struct
class Split:
    """``features`` (d, n) and ``target`` (classes, n) to train on, ``test_features`` (d, m) and ``test_labels``
    (classes, m) to test on, one-hot; ``offset`` (classes,) is the training mean, taken off the targets."""

    features: Float[Array, "d n"]
    target: Float[Array, "c n"]
    test_features: Float[Array, "d m"]
    test_labels: Float[Array, "c m"]
    offset: Float[Array, " c"]


def draw(problem: Labelled, dim: int, key: Key[Array, ""]) -> Split:
    """A random training set and random ReLU features ``relu(R a)`` with ``R_ij ~ N(0, 1)``.

    The first p features are the same whatever ``dim``, so that models of all widths share one draw.

    Args:
        problem: The labelled data, with inputs (samples, d_in), and n.
        dim: Number of features.
        key: One typed JAX key, for the split and R.

    Returns:
        Features and targets to train and to test on.
    """
    split_key, feature_key = jax.random.split(key)
    train, test = labelled.split(problem, split_key)
    weights = jax.random.normal(feature_key, (dim, train.inputs.shape[1]), train.inputs.dtype)
    features, others = (
        jax.nn.relu(jnp.matmul(weights, batch.inputs.T, precision=least_squares.EXACT)) for batch in (train, test)
    )
    offset = jnp.mean(train.labels, axis=1)
    return Split(features, train.labels - offset[:, None], others, test.labels, offset)


def surfaces(split: Split, widths: Counts, kept: Counts, key: Key[Array, ""]) -> dict[str, Float[Array, "..."]]:
    """Error and square loss on the test set, of every width, budget and treatment.

    Every class is a least-squares problem of its own and keeps as many of its own coefficients, by magnitude or at random.

    Args:
        split: What ``draw`` gave.
        widths: The W numbers of features, strictly increasing integers in 1 .. d.
        kept: The K numbers of coefficients that stay, strictly increasing integers in 0 .. d; one above the width keeps all.
        key: One typed JAX key, for the random order.

    Returns:
        A dict: ``error`` and ``loss`` (W,) of the dense models, ``pruned_error``, ``pruned_loss``, ``retrained_error``,
        ``retrained_loss`` (W, 2, K) of the two rules, and the dense ``train_loss`` (W,). Losses are summed over classes.

    Raises:
        ValueError: For widths or kept counts that are not strictly increasing integers in their range.
    """
    dim = len(split.features)
    widths = least_squares.strictly_increasing("widths", widths, 1, dim)
    kept = least_squares.strictly_increasing("kept", kept, 0, dim)
    shuffled = jax.random.uniform(key, (dim,), split.features.dtype)

    def one_class(target):
        data = Data(split.features, target, "qr")  # real features are badly conditioned
        path = least_squares.min_norm_path(data, widths)
        moments = least_squares.shared_moments(data, 2 * len(widths), kept[-1])

        def treat(coef_and_width):
            coef, width = coef_and_width
            live = jnp.arange(dim) < width
            orders = [argsort_live(score, live) for score in (jnp.abs(coef), shuffled)]
            counts = jnp.minimum(jnp.asarray(kept), width)[:, None]
            pruned = [jnp.where(jnp.argsort(order)[None, :] < counts, coef[None, :], 0) for order in orders]
            refitted = [least_squares.retrain_path(data, order, kept, width, moments) for order in orders]
            return jnp.stack([jnp.stack(pruned), jnp.stack(refitted)]) @ split.test_features

        sparse = each(treat, (path.coef, jnp.asarray(widths)))
        return path.coef @ split.test_features, sparse, path.train_error

    dense, sparse, train = each(one_class, split.target)
    error, loss = _judge(dense, split)
    (pruned_error, retrained_error), (pruned_loss, retrained_loss) = (jnp.moveaxis(m, 1, 0) for m in _judge(sparse, split))
    return {
        "error": error,
        "loss": loss,
        "train_loss": jnp.sum(train, axis=0),
        "pruned_error": pruned_error,
        "pruned_loss": pruned_loss,
        "retrained_error": retrained_error,
        "retrained_loss": retrained_loss,
    }


def _judge(scores, split):
    """Error rate and square loss of scores (classes, ..., m): the largest class wins, a single class at one half."""
    fill = (slice(None), *[None] * (scores.ndim - 2), slice(None))
    scores = scores + split.offset[fill[:-1]][..., None]
    labels = split.test_labels[fill]
    loss = jnp.mean(jnp.sum((scores - labels) ** 2, axis=0), axis=-1)
    if len(scores) == 1:
        wrong = (scores[0] > 0.5) != (labels[0] > 0.5)
    else:
        wrong = jnp.argmax(scores, axis=0) != jnp.argmax(labels, axis=0)
    return jnp.mean(wrong, axis=-1, dtype=loss.dtype), loss
