"""Which arrays are layers, and which way round."""

import numpy as np
import pytest

from jaxprune.weights.layers import layout_of, split

RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


def test_kernels_become_matrices_of_outputs():
    kernel = normal(5, 4, 3, 3)
    (torch,), _ = split({"c": kernel}, "torch")
    (flax,), _ = split({"c": np.moveaxis(kernel, (0, 1), (-1, -2))}, "flax")
    np.testing.assert_array_equal(torch.matrix, kernel.reshape(5, 36))
    np.testing.assert_array_equal(flax.matrix, torch.matrix)
    np.testing.assert_array_equal(flax.positions, torch.positions)
    assert torch.positions.shape == (9, 5, 4)
    np.testing.assert_array_equal(torch.positions[5], kernel[:, :, 1, 2])


def test_dense_layers_and_their_layout():
    dense = normal(4, 3)
    assert split({"w": dense})[0][0].matrix.shape == (4, 3)
    assert split({"params.Dense_0.kernel": dense})[0][0].matrix.shape == (3, 4)
    np.testing.assert_array_equal(split({"kernel": dense})[0][0].matrix, dense.T)


@pytest.mark.parametrize(
    "shapes, layout",
    [
        ([(64, 3, 7, 7)], "torch"), ([(7, 7, 3, 64)], "flax"), ([(64, 64, 1, 1)], "torch"), ([(1, 1, 64, 32)], "flax"),
        ([(8, 8, 3, 3), (32, 8, 3, 3)], "torch"), ([(32, 1, 3, 3)], "torch"), ([(40, 30, 5)], "torch"), ([(5, 30, 40)], "flax"),
    ],
)  # fmt: skip
def test_layouts_are_told_from_kernels(shapes, layout):
    assert layout_of({f"c{i}": np.ones(shape) for i, shape in enumerate(shapes)}) == layout


def test_layouts_that_cannot_be_told_are_asked_for():
    with pytest.raises(ValueError, match="^layout: the shape of c fits PyTorch and Flax; say which"):
        split({"c": normal(3, 3, 3, 3)})
    with pytest.raises(ValueError, match="^layout: some kernels look like PyTorch's"):
        split({"c": normal(64, 3, 3, 3), "d": normal(3, 3, 3, 64)})
    with pytest.raises(ValueError, match="^layout: 'keras' is not known"):
        split({"c": normal(3, 3)}, "keras")


@pytest.mark.parametrize("name", ["Dense_0/kernel", "params.Dense_0.kernel", "dense/kernel:0"])
def test_names_tell_the_layout_however_they_are_joined(name):
    np.testing.assert_array_equal(split({name: normal(3, 4)})[0][0].matrix.shape, (4, 3))


def test_kernels_of_attention_are_dense():
    query, out = normal(16, 2, 4), normal(2, 4, 16)
    arrays = {"query.kernel": query, "query.bias": normal(2, 4), "out.kernel": out, "conv.kernel": normal(3, 16, 5)}
    found, left = split(arrays)
    assert [(layer.matrix.shape, len(layer.positions)) for layer in found] == [((8, 16), 1), ((16, 8), 1), ((5, 48), 3)]
    np.testing.assert_array_equal(found[0].matrix, query.reshape(16, 8).T)
    np.testing.assert_array_equal(found[1].matrix, out.reshape(8, 16).T)
    assert left[0].name == "query.bias" and "by its name" in left[0].reason


def test_what_is_no_layer_is_named_and_left_out():
    found, left = split({"w": normal(3, 2), "b": np.ones(3), "steps": np.array(7), "table": np.ones((2, 2), int)})
    assert [layer.name for layer in found] == ["w"]
    reasons = {array.name: array.reason for array in left}
    assert "bias" in reasons["b"] and "one number" in reasons["steps"] and "no real numbers" in reasons["table"]


def test_layers_of_zeros_and_of_names_are_left_out():
    nan = np.full((2, 2), np.nan)
    arrays = {"a": normal(3, 2), "branch": np.zeros((4, 2)), "head.w": nan, "head.v": nan, "b[0]": nan}
    found, left = split(arrays, leave_out=["head.*", "b[0]"])
    assert [layer.name for layer in found] == ["a"]
    assert [(array.name, array.reason, array.zero) for array in left] == [
        ("branch", "all zero", True), ("head.w", "as asked", False), ("head.v", "as asked", False), ("b[0]", "as asked", False)
    ]  # fmt: skip
    with pytest.raises(ValueError, match="^leave_out: 'tail' is the name of no array; use one of a, branch"):
        split(arrays, leave_out=["tail"])


def test_a_layout_that_nothing_tells_is_not_told():
    assert layout_of({"w": normal(4, 3)}) is None
    assert layout_of({"w.weight": normal(4, 3)}) == "torch"


@pytest.mark.parametrize(
    "arrays, words",
    [
        ({"b": np.ones(3)}, "no array is a matrix of weights"),
        ({"w": np.array([[1.0, np.nan]])}, "1 of w\\[1, 2\\] are NaN or infinite"),
        ({"w": np.array([[1.0, np.nan]])}, r"leave it out by leave_out=\['w'\], --leave-out w"),
        ({"w": np.zeros((2, 2))}, r"w \[2, 2\]: all zero"),
        ({"w": np.full((2, 2), 1e-157)}, "the largest of w\\[2, 2\\] is 1e-157"),
        ({"w": np.ones((2, 2), complex)}, "of complex128"),
        ({"w": np.array([["a", "b"]])}, "no array is a matrix of weights"),
        ({}, "no array is a matrix of weights"),
    ],
)
def test_bad_weights_are_named(arrays, words):
    with pytest.raises(ValueError, match="^weights: ") as error:
        split(arrays)
    assert __import__("re").search(words, str(error.value))
