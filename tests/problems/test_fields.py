"""Fields say what they accept; everything else is a ValueError that names the argument, the value and the cure."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.checks import Interval, noise_type
from jaxprune.struct import as_given, choice, count, floats, leaf, number, static, struct


def doubled(name, value):
    if not value:
        raise ValueError(f"{name}: {value!r} is nothing; use something")
    return np.asarray(2.0 * value)


@struct
class Everything:
    positive: Any = number("(0, inf)", default=1.0)
    fraction: Any = number("[0, 1]", default=0.5)
    index: Any = number("(0, 2]", hint="2 is Gaussian", default=2.0)
    any_finite: Any = number(default=-1.0)
    dim: int = count("parameters", default=2)
    depth: int = count("layers", low=3, default=3)
    maybe: int | None = count("steps", default=None)
    word: str = choice("raw", "cooked", default="raw")
    kind: str = static(noise_type, default=1)
    scale: Any = number("[0, inf)", "() or (dim,)", default=0.0)
    rows: Any = floats(shape="(n, dim)", default=None)
    target: Any = floats("[0, inf)", "(n,)", default=None)
    noise: Any = floats("[0, inf)", default=0)
    bound: Any = as_given("(0, inf]", default=np.inf)
    data: Any = as_given(shape="(m, m)", default=None)
    twice: Any = leaf(doubled, default=1)


F32, F16 = (lambda x: np.asarray(x, np.float32)), (lambda x: np.asarray(x, np.float16))
ONES = np.ones((3, 2))


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("positive", 0, "0 is out of range; use one finite number > 0"),
        ("positive", np.inf, "inf is out of range; use one finite number > 0"),
        ("positive", np.nan, "nan is out of range; use one finite number > 0"),
        ("positive", True, "True is not a real number; use one finite number > 0"),
        ("positive", np.array(True), r"array\(True\) is not a real number"),
        ("positive", "1", "'1' is not a real number"),
        ("positive", 1j, "1j is not a real number"),
        ("positive", None, "None is not a real number"),
        ("positive", np.ones(1), r"shape \(1,\) is not \(\); use one finite number > 0"),
        ("positive", np.array(["a"]), "dtype <U1 is not a real number"),
        ("fraction", -1e-9, r"-1e-09 is out of range; use one number in \[0, 1]"),
        ("fraction", np.nextafter(1, 2), "1.0000000000000002 is out of range"),
        ("index", 0.0, r"0.0 is out of range; use one number in \(0, 2]: 2 is Gaussian"),
        ("index", 2.1, "2.1 is out of range"),
        ("any_finite", -np.inf, "-inf is out of range; use one finite number"),
        ("dim", 0, "0 is not a number of parameters; use an integer >= 1"),
        ("dim", 2.0, "2.0 is not a number of parameters"),
        ("dim", True, "True is not a number of parameters"),
        ("dim", "2", "'2' is not a number of parameters"),
        ("dim", None, "None is not a number of parameters"),
        ("depth", 2, "2 is not a number of layers; use an integer >= 3"),
        ("maybe", 0, "0 is not a number of steps"),
        ("word", "burnt", "'burnt' is unknown; use one of raw, cooked"),
        ("word", 1, "1 is unknown"),
        ("word", np.ones(2), r"array\(\[1., 1.\]\) is unknown"),
        ("kind", "IV", "'IV' is not a type of noise"),
        ("scale", np.ones(3), r"shape \(3,\) is not \(\) or \(2,\); use finite numbers >= 0 of shape \(\) or \(dim,\)"),
        ("scale", np.array([1.0, -2.0]), "-2.0 is out of range"),
        ("scale", ONES, r"shape \(3, 2\) is not"),
        ("rows", np.ones(2), r"shape \(2,\) is not \(n, 2\); use finite numbers of shape \(n, dim\), or leave it out"),
        ("rows", np.ones((2, 3)), r"shape \(2, 3\) is not \(n, 2\)"),
        ("rows", np.ones((0, 2)), r"shape \(0, 2\) is empty"),
        ("rows", np.ones((3, 2), int), "dtype int64 would be cast silently; pass floating-point numbers"),
        ("rows", np.full((3, 2), np.nan), "nan is out of range"),
        ("rows", np.ones((3, 2), bool), "dtype bool is not a real number"),
        ("noise", np.ones(2), r"shape \(2,\) is not \(\)"),
        ("bound", np.array([1.0, np.nan]), "nan is out of range; use a number > 0"),
        ("bound", np.zeros(2), "0.0 is out of range"),
        ("data", ONES, r"shape \(3, 2\) is not \(m, m\)"),
        ("twice", 0, "0 is nothing; use something"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_its_cure(name, value, said):
    with pytest.raises(ValueError, match=f"^{name}: {said}"):
        Everything(**{name: value})


def test_lengths_of_one_name_are_equal():
    Everything(rows=ONES, target=np.ones(3))
    with pytest.raises(ValueError, match=r"^target: shape \(2,\) is not \(3,\); use finite numbers >= 0 of shape \(n,\)"):
        Everything(rows=ONES, target=np.ones(2))
    with pytest.raises(ValueError, match=r"^rows: shape \(3, 2\) is not \(n, 4\)"):
        Everything(rows=ONES, dim=4)


@pytest.mark.parametrize(
    "name, value, kind, dtype",
    [
        ("positive", 3, np.ndarray, "float64"), ("positive", F32(0.1), np.ndarray, "float64"),
        ("positive", np.uint8(3), np.ndarray, "float64"), ("positive", jnp.asarray(0.5), np.ndarray, "float64"),
        ("scale", [1, 2], np.ndarray, "float64"), ("scale", F32([1, 2]), np.ndarray, "float64"),
        ("noise", 3, np.ndarray, "float64"), ("noise", np.array(3), np.ndarray, "float64"),
        ("noise", 0.1, np.ndarray, "float64"), ("noise", np.float32(0.1), np.float32, "float32"),
        ("rows", F32(ONES), np.ndarray, "float32"), ("rows", F16(ONES), np.ndarray, "float16"),
        ("rows", ONES.tolist(), np.ndarray, "float64"), ("rows", jnp.ones((3, 2), "float32"), jax.Array, "float32"),
        ("bound", 3, int, None), ("bound", 0.5, float, None), ("bound", np.inf, float, None),
        ("bound", np.array([1, 2]), np.ndarray, "int64"), ("bound", F32([1, 2]), np.ndarray, "float32"),
        ("bound", np.ones((0, 2)), np.ndarray, "float64"),
    ],
)  # fmt: skip
def test_what_leaves_become(name, value, kind, dtype):
    """``number`` is float64; ``floats`` keep the precision of an array; ``as_given`` keeps everything, a Python number too."""
    kept = getattr(Everything(**{name: value}), name)
    assert isinstance(kept, kind) and getattr(kept, "dtype", None) == dtype
    np.testing.assert_array_equal(kept, value)
    assert kept is value or name != "bound"


def test_defaults_are_settled_too():
    default = Everything()
    assert default.positive.dtype == default.noise.dtype == np.float64
    assert default.kind == "I" and default.twice == 2 and default.maybe is None and default.rows is None


@pytest.mark.parametrize(
    "text, inside, words",
    [
        ("(-inf, inf)", [0, 1, 2], "finite number"), ("[-inf, inf]", [-np.inf, 0, 1, 2, np.inf], "number"),
        ("(0, 2)", [1], "number in (0, 2)"), ("[0, 2)", [0, 1], "number in [0, 2)"), ("(0, 2]", [1, 2], "number in (0, 2]"),
        ("(1, inf)", [2], "finite number > 1"), ("[1, inf]", [1, 2, np.inf], "number >= 1"),
    ],
)  # fmt: skip
def test_ends_of_an_interval(text, inside, words):
    interval, values = Interval(text), np.array([-np.inf, 0, 1, 2, np.inf, np.nan])
    assert values[interval.holds(values)].tolist() == inside and interval.named("number") == words
    for value in values:
        if value in inside:
            assert interval.check("x", value, "another") == value
        else:
            with pytest.raises(ValueError, match=f"^x: {value} is out of range; use another"):
                interval.check("x", np.full((2, 1), value), "another")


def test_what_jax_rebuilds_is_not_looked_at():
    """Stacked leaves have other shapes and values out of range, and tracers none at all; statics stay what they are."""
    one = Everything(rows=ONES, target=np.ones(3))
    many = jax.tree.map(lambda leaf: -np.stack([leaf, leaf]), one)
    assert many.positive.tolist() == [-1, -1] and many.rows.shape == (2, 3, 2) and many.word == "raw"
    seen = jax.vmap(lambda each: each.rows.sum() * each.positive)(many)
    np.testing.assert_allclose(seen, [6, 6])
    assert jax.jit(lambda each: each)(many).dim == 2
    nothing = jax.tree.map(lambda leaf: None, one)
    assert nothing.positive is None


def test_a_traced_number_passes_as_it_is():
    def build(x):
        return Everything(positive=x, bound=-x, noise=x).bound * 2

    np.testing.assert_array_equal(jax.vmap(build)(jnp.array([-1.0, 3.0])), [2, -6])
    with pytest.raises(ValueError, match="^dim: .* is not a number of parameters"):
        jax.jit(lambda n: Everything(dim=n).positive)(2)


def test_the_classs_own_checks_find_settled_fields():
    @struct
    class Ordered:
        low: Any = number()
        high: Any = number()

        def __post_init__(self):
            assert self.low.dtype == self.high.dtype == np.float64
            if self.low > self.high:
                raise ValueError(f"low: {self.low} is above {self.high}; use a smaller number")

    Ordered(1, 2)
    with pytest.raises(ValueError, match="^low: 2.0 is above 1.0"):
        Ordered(2, 1)
    with pytest.raises(TypeError, match="high"):
        Ordered(1)  # type: ignore[call-arg]
