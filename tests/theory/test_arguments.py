"""What all of the theory refuses in the same words: shapes that do not fit, integers beyond floats, long values."""

import importlib
import inspect
import pkgutil
import pydoc
from typing import Any

import numpy as np
import pytest

from jaxprune import theory
from jaxprune.theory import arguments, bounds, matrices
from jaxprune.theory.bounds import certificates, codes
from tests import grades as judge

OCCAM: Any = bounds.occam_kl  # of what no array holds, too

MODULES = [importlib.import_module(m.name) for m in pkgutil.walk_packages(theory.__path__, "jaxprune.theory.")]
FUNCTIONS = [
    function
    for module in MODULES
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
]
BROADCASTS = [
    f for f in FUNCTIONS if "of the broadcast shape" in str(f.__doc__) and "arguments are not checked" not in str(f.__doc__)
]


def test_arguments_that_do_not_broadcast_are_named():
    assert len(BROADCASTS) > 90
    for function in BROADCASTS:
        names = [*inspect.signature(function).parameters][:2]
        if len(names) == 2:
            with pytest.raises(
                ValueError, match=r": shapes \(2,\), \(3,\) do not fit each other; give numbers, or arrays"
            ) as error:
                function(*[np.full(2 + i, 0.5) for i in range(2)], *[0.5] * (_needed(function) - 2))
            said = str(error.value).split(":")[0].split(", ")
            assert said == names or function.__module__.endswith("certificates"), function


def _needed(function):
    empty = inspect.Parameter.empty
    return max(2, sum(p.default is empty for p in inspect.signature(function).parameters.values()))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: matrices.discarded_energy(100, [0, 1, 2], [1.5, 3]), r"^s, tail_index: shapes \(3,\), \(2,\)"),
        (lambda: bounds.occam_kl([0.1, 0.2], [100, 200, 300], 50, 0.05), r"^risk, nats: shapes \(2,\), \(3,\)"),
        (lambda: certificates.occam_kl([0.1, 0.2], [1, 2, 3], 50, 0.1), r"^risk, code: shapes \(2,\), \(3,\)"),
        (lambda: codes.choice_nats([1, 2], [1, 2, 3]), r"^counts\[0\], counts\[1\]: shapes"),
        (lambda: OCCAM(0.1, [[1], [2, 3]], 50, 0.1), "^nats: lists of different lengths"),
    ],
)
def test_shapes(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_integers_beyond_those_of_numpy_are_numbers():
    assert bounds.occam_kl(0.1, 100, 10**20, 0.05) == bounds.occam_kl(0.1, 100, 1e20, 0.05)
    judge.exact(bounds.occam_kl(0.1, 100, [10**20, 5], 0.05), bounds.occam_kl(0.1, 100, [1e20, 5.0], 0.05))
    assert arguments.non_negative("noise", 2**64) == 2.0**64
    assert bounds.half_space_bound(1.0, 20, 10**20, 0.1, 6) == bounds.half_space_bound(1.0, 20, 10**20 + 1, 0.1, 6)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: bounds.occam_kl(0.1, 100, 10**400, 0.05), "^m: 10.400 is beyond the largest float"),
        (lambda: bounds.half_space_bound(1.0, 100, 10**5000, 0.1, 6), "^m: 10.5000 is beyond the largest float"),
        (lambda: bounds.half_space_bound(1.0, 100, -(10**300), 0.1, 6), "^m: -10.300 is below 1"),
        (lambda: matrices.discarded_energy(100, 10**300, 3.0), "^s: 10.300 exceeds N = 100"),
        (lambda: OCCAM("a" * 400, 1, 1, 0.1), "^risk: 'aaa"),
        (lambda: OCCAM(0.1, [None] * 400, 1, 0.1), "^nats: .None, "),
    ],
)
def test_no_message_grows_with_the_value(call, words):
    with pytest.raises(ValueError, match=words) as error:
        call()
    assert len(str(error.value)) < 150


def test_help_shows_array_arguments_by_their_name():
    for function in FUNCTIONS:
        head = pydoc.plain(pydoc.render_doc(function)).split("\n")[2]
        assert "Union[" not in head and "_typing" not in head, head
