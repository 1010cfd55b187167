"""The count of numbers that describe a network, and its sparse version; reference numbers are those of an independent computation."""

import numpy as np
import pytest

from jaxprune.theory.bounds.noise_stability import Stability, effective_parameters, sparse_parameters
from tests import grades as judge

NET = Stability(
    [0.1693897345856401, 0.28406551876862984, 0.3419476663403753],
    [0.2642137545880933, 0.3779644730092272, 0.5773502691896258],
    2.6816035224435124,
    325.73350744651884,
    7,
)


def test_the_count_of_a_reference_network():
    found = effective_parameters(NET, 1.0, 12, 0.05)
    judge.exact(found.total, 5156151549175.641, 1e-12)
    assert not np.any(found.clipped)
    judge.exact(effective_parameters(NET, 1.0, 12, 0.05, constant=32.0).total, 5156151549175.641 * 32 / 72, 1e-12)
    judge.exact(effective_parameters(NET, 1.0, 12, 0.05, factor=4.0).total, 4 * found.total)


def test_more_numbers_than_there_are_are_not_counted():
    found = effective_parameters(NET, 1.0, 12, 0.05, actual=[30, 42, 21])
    assert found.total == 93 and found.layers.tolist() == [30, 42, 21] and np.all(found.clipped)


def test_the_sparse_count_by_hand():
    index = np.array([0.5, 1.0, 1.5])
    base = 72 * NET.contraction**2 * 9 * np.log(12 * 9 * 49 * 12 / 0.05) * 2 * NET.output**2
    inner = base / (np.array(NET.layer) * np.array(NET.interlayer)) ** 2
    expected = np.sin(np.pi * index / 2) / (np.pi * index / 2) * inner ** (index / 2)
    judge.exact(sparse_parameters(NET, index, 1.0, 12, 0.05).layers, expected, 1e-12)
    assert sparse_parameters(NET, 1.0, 1.0, 12, 0.05).total < effective_parameters(NET, 1.0, 12, 0.05).total ** 0.6


@pytest.mark.parametrize(
    "change, more, name",
    [
        (dict(layer=[0.1, 0.0, 0.1]), {}, "layer"), (dict(layer=[0.1, 1.1, 0.1]), {}, "layer"), (dict(layer=[0.1]), {}, "layer, interlayer"),
        (dict(interlayer=[0.1, np.nan, 0.1]), {}, "interlayer"), (dict(contraction=0.9), {}, "contraction"),
        (dict(contraction=np.inf), {}, "contraction"), (dict(output=0.0), {}, "output"), (dict(width=0), {}, "width"),
        ({}, dict(margin=0.0), "margin"), ({}, dict(margin=1000.0), "margin"), ({}, dict(m=0), "m"), ({}, dict(delta=0.0), "delta"),
        ({}, dict(constant=0.0), "constant"), ({}, dict(actual=0), "actual"), ({}, dict(factor=0.0), "factor"),
        ({}, dict(tail_index=2.0), "tail_index"), ({}, dict(tail_index=0.0), "tail_index"),
    ],
)  # fmt: skip
def test_bad_input_is_named(change, more, name):
    arguments = dict(margin=1.0, m=12, delta=0.05) | more
    call = sparse_parameters if "tail_index" in more else effective_parameters
    with pytest.raises(ValueError, match=f"^{name}: "):
        call(NET._replace(**change), **arguments)
