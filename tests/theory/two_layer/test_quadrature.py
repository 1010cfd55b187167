"""The bound by quadrature: no lower than the bound by M and d, below every network, and attained where the guide says."""

import warnings

import numpy as np
import pytest

from jaxprune.theory import two_layer
from jaxprune.theory.two_layer import frames, quadrature_bound
from tests import grades as judge

ATTAINED = {
    (5, 2): lambda: frames.polygons(5),
    (6, 2): lambda: frames.polygons(6),
    (25, 2): lambda: frames.polygons(25),
    (40, 2): lambda: frames.polygons(40),
    (12, 4): frames.hurwitz,
    (36, 6): lambda: frames.exceptional(6),
    (120, 8): lambda: frames.exceptional(8),
    (10, 5): frames.petersen,
    (28, 7): frames.steiner_fano,
}


@pytest.mark.parametrize("size", ATTAINED, ids=str)
def test_frames_attain_it(size):
    frame = ATTAINED[size]()
    assert frame.shape == size and frames.centroid(frame) < 1e-14 and frames.tightness(frame) < 1e-12
    optimum = two_layer.frame_optimum(frame)
    judge.exact(optimum.value, quadrature_bound(*size), tolerance=1e-13, spoil=1 + 1e-9)
    assert optimum.status == "proved"
    assert np.ptp(two_layer.frame_loss(frame).gains) < 1e-9


def test_in_the_plane_the_sum_is_the_quadrature_in_every_number_of_nodes():
    """The plane's rule, and Gauss's as for other dimensions."""
    from jaxprune.theory.two_layer import quadrature

    for M in range(3, 18):
        general = max(quadrature._rules(M, 2))
        judge.exact(general / (1 + general), quadrature_bound(M, 2), tolerance=1e-13, spoil=1 + 1e-9)


def test_it_is_no_lower_than_the_bound_by_size_alone_and_below_every_network():
    rng = np.random.default_rng(0)
    for d in (1, 2, 3, 5, 9):
        for M in (1, 2, d, d + 1, d + 3, 2 * d + 1, 4 * d, 12 * d):
            bound, first = quadrature_bound(M, d), two_layer.lower_bound(M, d)
            assert bound >= first * (1 - 1e-13)
            rows = rng.normal(size=(M, d))
            assert two_layer.frame_loss(rows / np.linalg.norm(rows, axis=1, keepdims=True)).value >= bound * (1 - 1e-13)
    judge.exact(quadrature_bound(8, 4), two_layer.lower_bound(8, 4), tolerance=1e-13)  # one node serves few vectors
    assert quadrature_bound(12, 4) > two_layer.lower_bound(12, 4) * 1.003  # and two serve more


def test_it_falls_with_more_neurons_and_with_more_dimensions():
    for d in (2, 3, 4, 7):
        values = [quadrature_bound(M, d) for M in range(1, 60)]
        assert np.all(np.diff(values) <= 1e-15)
    for M in (12, 30):
        assert np.all(np.diff([quadrature_bound(M, d) for d in range(1, M)]) <= 1e-15)


def test_best_gains_of_a_frame_that_is_turned_the_wrong_way_are_worse():
    """The spoiled twin: the same lines with signs that leave a sum."""
    frame = frames.hurwitz()
    assert two_layer.frame_loss(frame * np.where(np.arange(12) == 0, -1, 1)[:, None]).value > 1.001 * quadrature_bound(12, 4)


def test_bad_input_is_refused_by_name():
    for match, call in {
        "M: 0": lambda: quadrature_bound(0, 3),
        "d: 2.5": lambda: quadrature_bound(3, 2.5),
        "M: 8 is a power of 2": lambda: frames.polygons(8),
        "M: 2": lambda: frames.polygons(2),
        "d: no exceptional": lambda: frames.exceptional(7),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()


@pytest.mark.parametrize("d, few, many", [(2, 21, 201), (3, 25, 110), (4, 60, 250)])
def test_it_falls_with_the_exponent_of_many_neurons(d, few, many):
    """The limit of infinitely many rows, whose losses lie above it."""
    sizes = np.unique(np.geomspace(few, many, 12).astype(int) | (d == 2))
    bounds = [two_layer.limit_of(quadrature_bound(int(M), d), d) for M in sizes]
    slope = np.polynomial.polynomial.polyfit(np.log(sizes), np.log(bounds), 1)[1]
    assert abs(slope - two_layer.scaling_exponent(d)) < 0.06 < abs(slope - two_layer.scaling_exponent(d + 1))


@pytest.mark.parametrize("d", [100, 200, 300, 998, 3000, 10**5])
def test_in_hundreds_of_dimensions_there_is_a_bound(d):
    """The rule in closed form, where round-off takes the others; and frames that meet it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for M in (d + 2, 2 * d, d * d):
            assert two_layer.quadrature_bound(M, d) >= two_layer.lower_bound(M, d) > 0
    assert two_layer.optimum(d + 2, d).status == "bounded"
