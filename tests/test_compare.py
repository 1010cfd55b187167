"""The judge: it accepts what is true, rejects what is spoiled, and refuses what it cannot know."""

import numpy as np
import pytest
import xarray as xr

from jaxprune.compare import compare

RNG = np.random.default_rng(7)


def samples(seeds=400, sizes=(50, 100), width=3, gap=0.0, spread=0.2):
    """Means 2 + gap/n with normal noise."""
    n = np.array(sizes)
    values = 2 + gap / n[:, None, None] + spread * RNG.normal(size=(len(n), seeds, width))
    return xr.Dataset({"risk": (("n", "seed", "width"), values)}, {"n": n, "seed": np.arange(seeds), "width": np.arange(width)})


def test_exact_predictions_are_judged_by_z():
    data = samples()
    assert compare(data, {"risk": 2.0}).ok
    spoiled = compare(data, {"risk": 2.1})
    assert not spoiled.ok
    assert spoiled.worst(1)[0]["metric"] == "risk" and abs(spoiled.worst(1)[0]["z"]) > spoiled.limit
    assert "DISAGREE" in str(spoiled) and "agree" in str(compare(data, {"risk": 2.0}))


def test_the_false_alarm_level_is_that_of_the_whole_report():
    """With level 0.2 and 40 tests, about a fifth of true reports fail, whatever the number of seeds."""
    for seeds in (4, 50):
        failed = sum(not compare(samples(seeds, width=20), {"risk": 2.0}, level=0.2).ok for _ in range(120))
        assert 4 <= failed <= 46  # 24 expected, 5 standard deviations


def test_limits_are_extrapolated_on_the_ladder():
    data = samples(seeds=4000, gap=5.0)
    as_exact = compare(data, {"risk": 2.0})
    assert not as_exact.ok  # a gap of 5 % at n = 100
    limit = xr.Dataset({"risk": 2.0, "risk_kind": "limit"})
    report = compare(data, limit)
    assert report.ok and report.judged == 3
    assert not compare(data, xr.Dataset({"risk": 2.1, "risk_kind": "limit"})).ok
    curved = samples(seeds=4000, sizes=(25, 50, 100), gap=5.0)
    curved["risk"] = curved["risk"] + 200 / curved["n"] ** 2
    assert compare(curved, limit).ok


def test_one_size_cannot_judge_a_limit():
    report = compare(samples(sizes=(50,)), xr.Dataset({"risk": 2.0, "risk_kind": "limit"}))
    assert report.judged == 0 and not report.ok
    assert "need samples at several n" in str(report)


def test_tails_are_judged_by_the_range_of_many_seeds():
    data = xr.Dataset({"risk": (("seed",), np.abs(RNG.standard_cauchy(1000)))})
    for value, good in ((1.0, True), (1e6, False), (1e-6, False)):
        assert compare(data, xr.Dataset({"risk": value, "risk_kind": "tail"})).ok is good
    assert compare(data.isel(seed=slice(50)), xr.Dataset({"risk": 1e6, "risk_kind": "tail"})).judged == 0
    report = compare(data, xr.Dataset({"risk": np.inf, "risk_kind": "tail"}))
    assert report.judged == 0


def test_nonfinite_trials_refuse_unless_allowed_by_name():
    data = samples()
    data["risk"][0, 3, 1] = np.nan
    refused = compare(data, {"risk": 2.0})
    assert not refused.ok and "allow_nonfinite" in str(refused)
    allowed = compare(data, {"risk": 2.0}, allow_nonfinite=["risk"])
    assert allowed.ok and allowed.nonfinite == {"risk": 1}


def test_constants_are_compared_to_round_off():
    data = xr.Dataset({"risk": (("seed",), np.full(5, 1.25))})
    assert compare(data, {"risk": 1.25 * (1 + 1e-13)}).ok
    assert not compare(data, {"risk": 1.2500001}).ok
    assert "DISAGREE" in str(compare(data, {"risk": 1.2500001}))


def test_a_report_tells_what_it_would_have_noticed():
    data = samples(seeds=10000)
    resolution = float(compare(data, {"risk": 2.0}).points["risk"]["resolution"].max())
    assert compare(data, {"risk": 2.0 * (1 + 0.3 * resolution)}).ok
    assert not compare(data, {"risk": 2.0 * (1 + 3 * resolution)}).ok


def test_the_gap_of_a_logarithm_is_that_of_the_quantity():
    """About the logarithm 0 as about any other: a theory of the quantity that is 7 % too large shows a gap of 7 %."""
    data = samples(seeds=4000).rename(risk="log_size") - 2
    for shift in (0.0, 5.0):
        moved, theory = data + shift, {"log_size": shift + np.log(1.07)}
        points = compare(moved, theory).points["log_size"]
        mean = moved["log_size"].mean("seed").values
        np.testing.assert_allclose(points["gap"], np.exp(mean) / (1.07 * np.exp(shift)) - 1, rtol=1e-12)
        np.testing.assert_allclose(points["resolution"], np.expm1(compare(moved, theory).limit * points["se"]), rtol=1e-12)
        assert not compare(moved, theory).ok and compare(moved, {"log_size": shift}).ok


def test_a_gap_to_zero_has_no_size():
    shown = str(compare(samples(), {"risk": 0.0})).splitlines()[2].split()
    assert shown[4] == "-" and shown[-1] == "DISAGREE"
    assert str(compare(samples(), {"risk": 2.0})).splitlines()[2].split()[4].endswith("%")


def test_a_prediction_of_round_off_has_no_size():
    """1e-14 beside samples of spread 1 is a zero; beside samples of its own size it is a number."""
    data = samples() - 2
    for theory, shown in ((0.0, "-"), (1e-14, "-"), (0.01, "%")):
        report = compare(data, {"risk": theory})
        gap, detect = str(report).splitlines()[2].split()[4:6]
        assert gap[-1] == detect[-1] == shown
        assert report.judged == 6 and np.isfinite(report.points["risk"]["z"]).all()
    drowned = compare(data, {"risk": 1e-5})  # below a tenth of the standard error, 0.01; what would be detected stays
    assert str(drowned).splitlines()[2].split()[4] == "-" and np.all(drowned.points["risk"]["resolution"] > 100)
    tiny = compare(1e-14 * samples(), {"risk": 2.2e-14})
    assert not tiny.ok and str(tiny).splitlines()[2].split()[4].endswith("%")


def test_predictions_that_are_nan_are_counted():
    data, theory = samples(), np.full((2, 3), 2.0)
    assert "not finite" not in str(compare(data, {"risk": theory}))
    theory[0, :2] = np.nan
    report = compare(data, {"risk": theory})
    assert report.judged == 4
    assert str(report).endswith("Simulation and theory agree. 2 predictions are not finite (NaN): not judged.")
    silent = np.where(np.isnan(theory), "none", "exact")  # points that theory does not cover
    assert str(compare(data, {"risk": theory, "risk_kind": silent})).endswith("agree.")
    for kind in ("exact", "limit", "tail"):
        with pytest.raises(ValueError, match="^prediction: no prediction of risk is finite"):
            compare(data, {"risk": np.nan, "risk_kind": kind})
    nothing = compare(data, {"risk": np.nan, "risk_kind": "none"})
    assert nothing.judged == 0 and "theory does not cover" in str(nothing)


@pytest.mark.parametrize(
    "seeds, sizes, value, kind, reasons",
    [
        (1, (50, 100), 2.0, "exact", ["2 seeds"]),
        (9, (50,), 2.0, "limit", ["several n"]),
        (1, (50,), 2.0, "limit", ["2 seeds"]),
        (9, (50,), 2.0, "tail", ["200 seeds"]),
        (300, (50,), np.inf, "tail", ["infinite mean"]),
        (9, (50,), [np.inf, 2.0, 2.0], ["tail", "limit", "none"], ["infinite mean", "several n", "not cover"]),
    ],
)
def test_why_nothing_was_judged(seeds, sizes, value, kind, reasons):
    theory = {"risk": np.broadcast_to(value, (len(sizes), 3)), "risk_kind": np.broadcast_to(kind, (len(sizes), 3))}
    said = str(compare(samples(seeds, sizes), theory)).splitlines()[-1]
    every = ["2 seeds", "several n", "200 seeds", "infinite mean", "not cover"]
    assert "Nothing was judged" in said and {r for r in every if r in said} == set(reasons)


def test_extrapolation_is_told_where_it_was_made():
    limit = {"risk": 2.0, "risk_kind": "limit"}
    assert "extrapolated to 1/n = 0" in str(compare(samples(), limit))
    assert "extrapolated" not in str(compare(samples(), {"risk": 2.0}))
    assert "extrapolated" not in str(compare(samples(sizes=(50,)), limit))


def test_what_matches_nothing_is_named():
    data = samples().assign(nonfinite=("seed", np.zeros(samples().sizes["seed"])))
    with pytest.raises(ValueError, match=r"none of \['log'\] is a metric of the samples \['risk'\]"):
        compare(data, {"log": xr.DataArray([2.0], dims=["log"])})
    with pytest.raises(ValueError, match="^prediction: 'log' is a dataset"):
        compare(data, {"log": xr.Dataset({"risk": 2.0})})


def test_a_report_is_a_dataset():
    found = compare(samples(), {"risk": 2.0}).to_dataset()
    assert {"risk_mean", "risk_z", "risk_prediction", "risk_median", "risk_judged"} <= set(found.data_vars)
    assert found["risk_z"].dims == ("n", "width")


def test_bad_input_is_named():
    data = samples()
    for arguments, name in (
        (dict(samples=data, prediction={"other": 1.0}), "prediction"),
        (dict(samples=data.mean("seed"), prediction={"risk": 1.0}), "samples"),
        (dict(samples=data, prediction={"risk": 1.0}, level=0.0), "level"),
        (dict(samples=data, prediction=xr.Dataset({"risk": 2.0, "risk_kind": "exakt"})), "prediction"),
        (dict(samples=data, prediction={"risk": np.ones(7)}), "prediction"),
        (dict(samples=data, prediction={"risk": xr.DataArray([2.0], {"width": [0]}, ["width"])}), "prediction"),
        (dict(samples=data, prediction={"risk": xr.DataArray([2.0], dims=["other"])}), "prediction"),
    ):
        with pytest.raises(ValueError, match=f"^{name}: "):
            compare(**arguments)
    plain = np.full((2, 3), 2.0)
    assert compare(data, {"risk": plain}).ok
    turned = xr.DataArray(plain, {"n": [100, 50], "width": [2, 1, 0]}, ["n", "width"])
    assert compare(data, {"risk": turned}).judged == 6
    plain[0, 0] = np.inf
    assert not compare(data, {"risk": plain}).ok
    assert not compare(data.isel(seed=[0]), {"risk": 2.0}).ok  # one seed has no standard error


def test_no_axis_takes_the_name_of_a_field_of_the_report():
    from jaxprune import report
    from jaxprune.sweep import experiment

    assert experiment.FIELDS == report.FIELDS


def test_what_was_not_run_is_not_called_non_finite():
    values = np.random.default_rng(0).normal(size=(2, 50))
    values[1, 40:] = np.nan
    samples = xr.Dataset({"risk": (("a", "seed"), values)}, {"a": [1.0, 2.0]}, {"missing": 1})
    with pytest.raises(ValueError, match="^samples: 10 trials have not been run"):
        compare(samples, {"risk": 0.0})
    assert compare(samples.sel(a=[1.0]), {"risk": 0.0}).ok  # a part that is complete
