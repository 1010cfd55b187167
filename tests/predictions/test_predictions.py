"""From problems to predictions: what is predicted, how it is to be judged, and what is left alone."""

import numpy as np
import pytest
import xarray as xr

from jaxprune import spectra, teachers
from jaxprune.predictions import least_squares, predict
from jaxprune.predictions import sde as diffusions
from jaxprune.predictions.core import predictors
from jaxprune.problems import AffineTarget, BoundedChaos, Explosion, LinearChaos, LinearGaussian, OrnsteinUhlenbeck
from jaxprune.theory import least_squares as theory


def make(noise):
    eigs = spectra.power(60, 0.5)
    return LinearGaussian(eigs, teachers.cosine(eigs), noise, 20)


def samples(name, noise=0.5, **inner):
    shape = [1, 3, *(len(v) for v in inner.values())]
    return xr.Dataset({name: (("noise", "seed", *inner), np.zeros(shape))}, {"noise": [noise], **inner})


def test_integers_are_counts_and_floats_are_fractions():
    counts, fractions = predict(make, samples("risk", width=[5, 50])), predict(make, samples("risk", width=[0.25, 2.5]))
    np.testing.assert_array_equal(counts["risk"].mean.values, fractions["risk"].mean.values)
    assert counts["risk"].kind.values.tolist() == [["exact", "none"]]  # fixed counts have no ladder of n
    assert fractions["risk"].kind.values.tolist() == [["exact", "limit"]]


def test_widths_near_the_threshold_are_tails_unless_nothing_is_noisy():
    found = predict(make, samples("risk", width=[12, 13, 20, 27, 28]))
    assert found["risk"].kind.values.tolist() == [["exact", "tail", "tail", "tail", "none"]]
    assert found["risk"].mean.values[0, 2] == np.inf
    # all 60 features, no noise: nothing is noisy; fewer features: the others are noise
    quiet = predict(make, samples("risk", noise=0.0, width=[18]))
    assert quiet["risk"].kind.item() == "tail"


@pytest.mark.parametrize("sample", ["same", "fresh"])
@pytest.mark.parametrize("correlated", [False, True])
def test_what_is_retrained_at_the_threshold_is_finite(sample, correlated):
    """Equal variances, unit signal, noise 0.5, a fifth kept of p = n: 1.3125; pruned or dense, or all refitted: infinite."""

    def equal(noise):
        basis = np.eye(20)[::-1] if correlated else None
        return LinearGaussian(np.ones(20), np.full(20, 20**-0.5), noise, 20, basis=basis)

    inner = dict(rule=["magnitude", "hessian", "oracle"], kept=[4, 20])
    found = predict(equal, samples(f"retrained_{sample}", width=[20], **inner))
    predicted = found[f"retrained_{sample}"]
    values, kinds = predicted.mean.values[0, 0], predicted.kind.values[0, 0]
    np.testing.assert_allclose(values[:2, 0], 1.3125, rtol=1e-12)
    assert np.all(values[:, 1] == np.inf) and kinds[:, 1].tolist() == ["tail"] * 3
    assert kinds[:, 0].tolist() == ["none", "none", "exact"]  # counts
    fractions = predict(equal, samples(f"retrained_{sample}", width=[1.0], rule=["hessian"], kept=[0.2]))
    assert fractions[f"retrained_{sample}"].kind.item() == ("limit" if sample == "fresh" else "none")
    assert predict(equal, samples("pruned_risk", width=[20], **inner))["pruned_risk"].mean.values.min() == np.inf
    quiet = predict(equal, samples(f"retrained_{sample}", noise=0.0, width=[20], **inner))[f"retrained_{sample}"].mean.values
    np.testing.assert_allclose(quiet[0, 0, :2], [[1.0, 0.0]] * 2, atol=1e-12)  # 0.8 / 0.8


@pytest.mark.parametrize("eigs", [np.ones(6), np.array([0, 0, 1.0, 1, 0, 1]), np.eye(6)[0]])
@pytest.mark.parametrize("basis", [None, np.eye(6)])
@pytest.mark.parametrize("n", [1, 3, 6])
def test_whatever_a_linear_problem_accepts_has_a_prediction_or_none(eigs, basis, n, monkeypatch):
    monkeypatch.setattr(least_squares, "DRAWS", 3)
    for noise in (0.0, 0.5):
        problem = LinearGaussian(eigs, np.full(6, 0.4), noise, n, basis=basis)
        inner = dict(width=[1, 3, 6], rule=["magnitude", "oracle", "random", "mine"], kept=[0, 1, 3, 6], ridge=[0.0, 1.0])
        for name in ("risk", "pruned_risk", "retrained_same", "retrained_fresh"):
            some = inner if name != "risk" else {k: inner[k] for k in ("width", "ridge")}
            found = predict(lambda noise, p=problem: p, samples(name, noise, **some))
            assert np.all(~np.isnan(found[name].mean.values) | (found[name].kind.values == "none"))
        if not eigs[0]:  # the first feature does not vary: nothing is learnt, nothing is random
            null = noise**2 + 0.16 * np.sum(eigs)
            lone = predict(lambda noise, p=problem: p, samples("risk", noise, width=[1]))["risk"]
            assert lone.mean.item() == pytest.approx(null) and lone.kind.item() == "exact"


EXTREMES = [(0.05, -30.0, 0.0), (0.3, 0.0, 1.0), (1.0, -1.0, 1e6), (1.5, 2.0, 0.0), (2.0, -40.0, 1.0), (1.9, 300.0, 1.0)]


@pytest.mark.parametrize("alpha, rate, scale", EXTREMES)
@pytest.mark.parametrize("horizon", [1e-6, 1.0, 50.0])
def test_whatever_a_diffusion_accepts_has_a_prediction_or_none(alpha, rate, scale, horizon, monkeypatch):
    """Negative rates and couplings, no noise, schemes that overflow, grids that are not nested."""
    monkeypatch.setattr(diffusions, "DRAWS", 50)
    one = OrnsteinUhlenbeck(alpha, rate, scale, horizon, finest=64)
    chaos = [kind(alpha, rate, c, scale, horizon, steps=20) for kind in (LinearChaos, BoundedChaos) for c in (-3.0, 0.0, 2.0)]
    cases = [
        (one, "log_size", dict(steps=[1, 64])),
        (one, "log_gap", dict(steps=[1, 3, 64])),
        (one, "cosine", dict(frequency=[0.0, 1.0])),
    ]
    cases += [(p, "log_error" if isinstance(p, LinearChaos) else "scaled_square", dict(n=[1, 9])) for p in chaos]
    cases += [(Explosion(alpha, scale, horizon), "lost", dict(steps=[1, 30]))]
    for problem, name, inner in cases:
        found = predict(lambda noise, p=problem: p, samples(name, **inner))
        if found is not None:
            assert np.all(np.isfinite(found[name].mean.values) | (found[name].kind.values == "none"))


@pytest.mark.parametrize("name", ["risk", "pruned_risk", "retrained_same"])
def test_a_ridge_axis_is_understood(name):
    inner = {"width": [3.0], "ridge": [0.0, 2.0]}
    inner = inner if name == "risk" else {**inner, "rule": ["hessian"], "kept": [0.25]}
    found = predict(make, samples(name, **inner))[name].mean.values.ravel()
    problem = make(0.5)
    plain = (problem.eigs, problem.teacher, 0.5, 20)
    call = dict(
        risk=lambda d: theory.risk(*plain, d),
        pruned_risk=lambda d: theory.pruned_risk(*plain, 5, "hessian", d),
        retrained_same=lambda d: theory.retrained_risk(*plain, 5, "hessian", "same", d),
    )[name]
    np.testing.assert_allclose(found, [call(0.0), call(2.0)], rtol=1e-12)
    assert found[0] != found[1]


def test_what_is_not_known_is_left_alone():
    assert predict(make, samples("other", width=[5])) is None
    assert predict(make, samples("risk", width=[5], dropout=[0.1])) is None
    assert predict(make, samples("risk")) is None
    assert predict(make, samples("pruned_risk", width=[5])) is None
    assert predict(make, samples("pruned_risk", width=[5], rule=["mine"], kept=[2])) is None


def test_a_rotation_changes_no_dense_prediction():
    """The same eigenvalues in random directions; a choice by the fit has no theory on the same sample."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((60, 60)))[0]
    plain = LinearGaussian(spectra.power(60, 1.0), teachers.cosine(np.ones(60)), 0.5, 20)
    turned = LinearGaussian.from_covariance((turn * plain.eigs) @ turn.T, turn @ plain.teacher, 0.5, 20)
    for metric, inner in (("risk", {}), ("retrained_same", dict(rule=["oracle"], kept=[60])), ("train_error", {})):
        here = samples(metric, width=[60], **inner)
        one, other = predict(lambda noise: plain, here), predict(lambda noise: turned, here)
        if one is None:
            assert other is None
        else:
            np.testing.assert_allclose(one[metric].mean, other[metric].mean, rtol=1e-10)
            assert not np.allclose(1.001 * one[metric].mean, other[metric].mean, rtol=1e-10)
    assert predict(lambda noise: turned, samples("retrained_same", width=[60], rule=["magnitude"], kept=[5])) is None
    fresh = predict(lambda noise: turned, samples("retrained_fresh", width=[3.0], rule=["magnitude"], kept=[0.25]))
    assert float(fresh["retrained_fresh"].error.max()) > 0


def test_a_selection_is_predicted_like_the_whole():
    whole = samples("pruned_risk", width=[5, 8], rule=["oracle", "random"], kept=[4])
    part = whole.sel(rule="random", noise=0.5)
    expected = predict(make, whole)["pruned_risk"].mean.sel(rule="random", noise=0.5)
    np.testing.assert_array_equal(predict(make, part)["pruned_risk"].mean, expected)


def test_a_budget_above_the_width_keeps_all():
    found = predict(make, samples("pruned_risk", width=[4], rule=["oracle"], kept=[4, 9]))["pruned_risk"].mean.values.ravel()
    assert found[0] == found[1]


def test_every_prediction_is_of_a_declared_metric():
    """The names in ``predict`` are those that the problems declare."""
    from jaxprune import problems
    from jaxprune.predictions import predictors

    declared = [
        make(0.5),
        problems.StableLayer(1.5, 10),
        problems.TailSample(1.5, "stable", 10),
        problems.MultiplicativeSGD(0.1, 1.0, 2, 3),
        problems.NoisyNeurons(1.5, 1.0, 1.0, time_scale="raw"),
        problems.OrnsteinUhlenbeck(1.5, 1.0, 1.0, 1.0, 8),
        problems.LinearChaos(1.5, 1.0, 1.0, 1.0, 1.0, 8),
        problems.BoundedChaos(1.5, 1.0, 1.0, 1.0, 1.0, 8),
        problems.Explosion(1.5, 1.0, 1.0),
    ]
    for problem in declared:
        known = predictors(problem)
        assert known and set(known) <= {metric.name for metric in problem.metrics}, type(problem)


def test_a_make_of_other_axes_is_named():
    with pytest.raises(
        ValueError, match=r"^make: its arguments are \(noise, extra\), the samples have the axes noise: .*'extra'"
    ):
        predict(lambda noise, extra: make(noise), samples("risk", width=[5]))


def test_two_neurons_of_one_input_are_not_foretold():
    """Half of all starts stay on one side, and end at the loss of one neuron."""
    for signs in ("nonnegative", "free", "random"):
        found = [
            predictors(AffineTarget(dim, 0.0, signs))["loss"].value(dict(neurons=neurons)).value
            for dim, neurons in ((1, 1), (1, 2), (2, 3))
        ]
        assert np.isfinite(found).tolist() == [True, False, True]
