"""The judge: it accepts what is true, rejects what is spoiled, and refuses what it cannot know."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from jaxprune.contracts import Metric, Prediction
from jaxprune.judge import REASONS, compare, slabs

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


@pytest.mark.slow
def test_the_false_alarm_level_is_that_of_the_whole_report():
    """With level 0.2 and 40 tests, a fifth of true reports fail where the seeds tell the skewness, and fewer elsewhere."""
    for seeds, fewest in ((4, 0), (2000, 4)):
        failed = sum(compare(samples(seeds, width=20), {"risk": 2.0}, level=0.2).failed for _ in range(120))
        assert fewest <= failed <= 46  # 24 expected, 5 standard deviations


def test_limits_are_extrapolated_on_the_ladder():
    data = samples(seeds=4000, gap=5.0)
    as_exact = compare(data, {"risk": 2.0})
    assert not as_exact.ok  # a gap of 5 % at n = 100
    limit = {"risk": Prediction(2.0, "limit")}
    report = compare(data, limit)
    assert report.ok and report.judged == 3
    assert not compare(data, {"risk": Prediction(2.1, "limit")}).ok
    curved = samples(seeds=4000, sizes=(25, 50, 100), gap=5.0)
    curved["risk"] = curved["risk"] + 200 / curved["n"] ** 2
    assert compare(curved, limit).ok


def test_one_size_cannot_judge_a_limit():
    report = compare(samples(sizes=(50,)), {"risk": Prediction(2.0, "limit")})
    assert report.judged == 0 and not report.ok
    assert "needs samples of it at several n" in str(report) and report.verdict() == "not judged" and not report.failed


def test_tails_are_judged_by_the_range_of_many_seeds():
    data = xr.Dataset({"risk": (("seed",), np.abs(RNG.standard_cauchy(1000)))})
    for value, good in ((1.0, True), (1e6, False), (1e-6, False)):
        report = compare(data, {"risk": Prediction(value, "tail")})
        assert report.verdict() == ("in range" if good else "DISAGREE") and not report.ok and report.failed is not good
    assert compare(data.isel(seed=slice(50)), {"risk": Prediction(1e6, "tail")}).judged == 0
    report = compare(data, {"risk": Prediction(np.inf, "tail")})
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
    data = samples(seeds=4000).rename(risk="size") - 2
    for shift in (0.0, 5.0):
        moved, theory = data + shift, {"size": shift + np.log(1.07)}
        moved["size"].attrs = Metric("size", scale="logarithm").attributes
        report = compare(moved, theory)
        points = report.points["size"]
        mean = moved["size"].mean("seed").values
        np.testing.assert_allclose(points["gap"], np.exp(mean) / (1.07 * np.exp(shift)) - 1, rtol=1e-12)
        assert np.all(points["resolution"] > np.expm1(report.limit * points["se"]))  # Student's t and the doubt of a skewness
        np.testing.assert_allclose(points["resolution"], np.expm1(report.limit * points["se"]), rtol=0.05)
        assert not report.ok and compare(moved, {"size": shift}).ok


def test_a_name_says_nothing():
    """Neither what a metric is, nor that it belongs to another: a theory 30 % off of ``train_error`` is no error of ``train``."""
    data = samples(seeds=4000).rename(risk="train_error")
    data["train"], data["log_rate"] = data["train_error"] + 1, data["train_error"] - 2.03
    report = compare(data, {"train": 3.0, "train_error": 1.3 * 2.0, "log_rate": -0.033})
    assert report.verdict("train") == "agree" and report.verdict("train_error") == "DISAGREE"
    np.testing.assert_allclose(
        report.points["log_rate"]["gap"], data["log_rate"].mean("seed") / -0.033 - 1
    )  # of a rate, itself
    assert compare(data, {"train_error": np.full((2, 3), 2.0)}).ok
    with pytest.raises(ValueError, match="^prediction: 'train_kind' is no metric of the samples"):
        compare(data, {"train": 3.0, "train_kind": "limit"})


def test_a_gap_to_zero_has_no_size():
    shown = str(compare(samples(), {"risk": 0.0})).splitlines()[2].split()
    assert shown[4] == "-" and shown[-1] == "DISAGREE"
    assert str(compare(samples(), {"risk": 2.0})).splitlines()[2].split()[4].endswith("%")


def test_a_prediction_of_round_off_has_no_size():
    """1e-14 beside samples of spread 1 is a zero; beside samples of its own size it is a number."""
    data = samples() - 2
    for theory, shown in ((0.0, "-"), (1e-14, "-"), (0.05, "%")):
        report = compare(data, {"risk": theory})
        gap, detect = str(report).splitlines()[2].split()[4:6]
        assert gap[-1] == detect[-1] == shown
        assert report.judged == 6 and np.isfinite(report.points["risk"]["z"]).all()
    drowned = compare(data, {"risk": 1e-5})  # below three standard errors of 0.01; what would be detected stays
    assert str(drowned).splitlines()[2].split()[4] == "-" and np.all(drowned.points["risk"]["resolution"] > 100)
    tiny = compare(1e-14 * samples(), {"risk": 2.2e-14})
    assert not tiny.ok and str(tiny).splitlines()[2].split()[4].endswith("%")


def test_metrics_that_nothing_is_said_of_are_named():
    data = samples()
    theory = {"risk": np.full((2, 3), 2.0)}
    assert "Without a prediction" not in str(compare(data, theory))
    more = data.assign(other=data["risk"], third=data["risk"], nonfinite=data["risk"].isel(seed=0))
    report = compare(more, theory)
    assert report.unpredicted == ("other", "third")
    assert "Without a prediction, so not compared: other, third.\n" in str(report)


def test_predictions_that_are_nan_are_counted():
    data, theory = samples(), np.full((2, 3), 2.0)
    nan = "have a prediction that is not finite"
    assert nan not in str(compare(data, {"risk": theory}))
    theory[0, :2] = np.nan
    report = compare(data, {"risk": theory})
    assert report.judged == 4
    assert "Not judged: 2 points.\n  2 have a prediction that is not finite (NaN)\n" in str(report)
    assert report.reasons() == {REASONS["nan"]: 2} and report.ok
    silent = np.where(np.isnan(theory), "none", "exact")  # points that theory does not cover
    assert str(compare(data, {"risk": Prediction(theory, silent)})).endswith("agree.")
    for kind in ("exact", "limit", "tail"):
        with pytest.raises(ValueError, match="^prediction: no prediction of risk is finite"):
            compare(data, {"risk": Prediction(np.nan, kind)})
    nothing = compare(data, {"risk": Prediction(np.nan, "none")})
    assert nothing.judged == 0 and nothing.reasons() == {REASONS["silent"]: 6}


@pytest.mark.parametrize(
    "seeds, sizes, value, kind, reasons",
    [
        (1, (50, 100), 2.0, "exact", dict(seeds=6)),
        (9, (50,), 2.0, "limit", dict(several=3)),
        (9, (50, 100, 200), 2.0, "limit", dict(rung=6)),
        (1, (50,), 2.0, "limit", dict(seeds=3)),
        (9, (50,), 2.0, "tail", dict(range=3)),
        (300, (50,), np.inf, "tail", dict(infinite=3)),
        (9, (50,), [np.inf, 2.0, np.nan], ["tail", "limit", "none"], dict(infinite=1, several=1, silent=1)),
        (9, (50,), [2.0, 2.0, np.nan], ["exact", "none", "exact"], dict(fixed=1, nan=1)),
    ],
)
def test_why_points_were_not_judged(seeds, sizes, value, kind, reasons):
    theory = Prediction(*(np.broadcast_to(part, (len(sizes), 3)) for part in (value, kind)))
    report = compare(samples(seeds, sizes), {"risk": theory})
    assert report.reasons() == {REASONS[name]: count for name, count in reasons.items()}
    assert report.judged == 3 * len(sizes) - sum(reasons.values())
    assert all(f"  {count} {REASONS[name]}\n" in str(report) for name, count in reasons.items())


def test_a_metric_says_how_many_seeds_it_needs():
    data = samples(19)
    data["risk"].attrs = Metric("risk", seeds=20).attributes
    assert compare(data, {"risk": 2.0}).reasons() == {REASONS["seeds"]: 6}
    data["risk"].attrs["scale"] = "cubic"
    with pytest.raises(ValueError, match="^scale: 'cubic' of metric 'risk'"):
        compare(data, {"risk": 2.0})


def test_a_range_is_no_agreement():
    """Beside metrics whose means agree it is told; what a range could have shown is its distance."""
    data = samples(300, sizes=(50,))
    data["wild"] = data["risk"] * np.exp(RNG.normal(size=data["risk"].shape))
    report = compare(data, {"risk": 2.0, "wild": Prediction(2.5, "tail")})
    assert report.ok and report.verdict("wild") == "in range"
    assert str(report).endswith(
        "agree. But the predictions of wild lie in the range of the seeds, which is no agreement of means."
    )
    far = report.points["wild"]["resolution"].values
    np.testing.assert_allclose(
        far, np.maximum(data["wild"].max("seed") / 2.5 - 1, 1 - data["wild"].min("seed") / 2.5).values[0][None]
    )
    assert np.all(far > 1) and "No mean was judged" in str(compare(data, {"wild": Prediction(2.5, "tail")}))


def test_extrapolation_is_told_where_it_was_made():
    limit = {"risk": Prediction(2.0, "limit")}
    assert "extrapolated to 1/n = 0" in str(compare(samples(), limit))
    assert "extrapolated" not in str(compare(samples(), {"risk": 2.0}))
    assert "extrapolated" not in str(compare(samples(sizes=(50,)), limit))


def test_what_matches_nothing_is_named():
    data = samples().assign(nonfinite=("seed", np.zeros(samples().sizes["seed"])))
    with pytest.raises(ValueError, match=r"^prediction: 'log' is no metric of the samples, which are \['risk'\]"):
        compare(data, {"log": xr.DataArray([2.0], dims=["log"])})
    with pytest.raises(ValueError, match=r"^prediction: 'rsk' is no metric .*; did you mean 'risk'\?"):
        compare(data, {"risk": 2.0, "rsk": 2.0})
    for wrong, named in ((xr.Dataset({"risk": 2.0}), "'risk' is a dataset"), ("two", "'risk' holds <U3, not real numbers")):
        with pytest.raises(ValueError, match=f"^prediction: {named}"):
            compare(data, {"risk": wrong})
    with pytest.raises(ValueError, match="^prediction: it is empty"):
        compare(data, {})


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
        (dict(samples=data, prediction={"risk": Prediction(2.0, "exakt")}), "prediction"),
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


def test_what_was_not_run_is_not_called_non_finite():
    values = np.random.default_rng(0).normal(size=(2, 50))
    values[1, 40:] = np.nan
    samples = xr.Dataset({"risk": (("a", "seed"), values)}, {"a": [1.0, 2.0]}, {"missing": 1})
    with pytest.raises(ValueError, match="^samples: 10 trials have not been run"):
        compare(samples, {"risk": 0.0})
    assert compare(samples.sel(a=[1.0]), {"risk": 0.0}).ok  # a part that is complete


FRACTIONS = np.array([0.25, 0.5, 0.75, 0.8])


def least_squares(rng, runs, seeds, sizes):
    """Risks of least squares with noise 1 on a fraction of n independent features: 1 + chi2(p) / chi2(n - p + 1), which is skewed, and
    heavy near p = n; and its mean 1 + p / (n - p - 1), of which 1 / (1 - fraction) is the limit."""
    values, exact = [], []
    for n in sizes:
        p = np.rint(FRACTIONS * n)
        values.append(1 + rng.chisquare(p, (runs, seeds, len(p))) / rng.chisquare(n - p + 1, (runs, seeds, len(p))))
        exact.append(1 + p / (n - p - 1))
    theory = xr.DataArray(exact, {"n": np.array(sizes), "width": FRACTIONS}, ["n", "width"])
    found = xr.Dataset({"risk": (("n", "run", "seed", "width"), np.array(values))}, theory.coords)
    return found, {"exact": Prediction(theory), "limit": Prediction(1 / (1 - theory["width"]), "limit")}


@pytest.mark.parametrize("kind", ["exact", "limit"])
@pytest.mark.parametrize("seeds", [10, 40])
def test_true_theories_fail_no_more_often_than_promised(kind, seeds):
    """In 2,000 honest runs of skewed metrics, at every level. By Student's t alone more than 2 % fail at level 0.01."""
    runs = 2000
    found, theories = least_squares(np.random.default_rng(5), runs, seeds, (40, 80, 160))
    points = compare(found, {"risk": theories[kind]}).points["risk"].transpose("run", ...)
    worst = np.nanmax(np.abs(points["z"].values.reshape(runs, -1)), axis=1)
    tests = int(points["judged"].sum()) // runs
    for level in (0.1, 0.01, 1e-6):
        failed = int(np.sum(worst > stats.norm.isf(level / (2 * tests))))
        assert failed <= stats.binom.isf(1e-6, runs, level)
    plain = (points["mean"] - points["prediction"]) / points["se"]
    student = stats.norm.isf(stats.t.sf(np.abs(plain), seeds - 1)).reshape(runs, -1).max(axis=1)
    assert kind == "limit" or np.sum(student > stats.norm.isf(0.01 / (2 * tests))) > 0.02 * runs


def test_a_theory_two_percent_off_is_seen():
    """With seeds enough, above and below, exact and as a limit."""
    found, theories = least_squares(np.random.default_rng(6), 1, 20000, (40, 80, 160))
    for theory in theories.values():
        assert compare(found, {"risk": theory}).ok
        for factor in (0.98, 1.02):
            spoiled = Prediction(theory.mean * factor, theory.kind)
            assert compare(found, {"risk": spoiled}).verdict() == "DISAGREE"


@pytest.mark.parametrize("seeds, spread, seen", [(8, 0.02, 0.9), (20, 0.02, 0.1), (20, 0.05, 0.25), (40, 0.05, 0.1)])
def test_few_seeds_see_what_is_far_off(seeds, spread, seen):
    """At the default level, in nearly normal numbers: what they would detect, and it is what they do detect."""
    values = 1 + spread * np.random.default_rng(12).standard_normal((seeds, 30))
    found = xr.Dataset({"m": (("seed", "at"), values)})
    report = compare(found, {"m": 1.0})
    assert report.ok and report.typical["m"] < seen
    for factor in (1 - 1.3 * seen, 1 + 1.3 * seen, 3.0):
        assert compare(found, {"m": factor}).failed


@pytest.mark.parametrize("chance, seeds", [(0.5, 2), (0.05, 10), (0.95, 10), (0.99, 40), (0.01, 200), (0.001, 400)])
def test_events_that_no_seed_has_met_are_no_disagreement(chance, seeds):
    """Equal seeds have a standard error of zero, which is not that of their mean. A chance that they exclude is found."""
    runs = 2000
    met = np.random.default_rng(8).random((runs, seeds, 1)) < chance
    found = xr.Dataset({"met": (("run", "seed", "at"), met)})
    z = np.abs(compare(found, {"met": chance}).points["met"]["z"].values)
    for level in (0.01, 1e-4):
        assert np.sum(z > stats.norm.isf(level / 2)) <= stats.binom.isf(1e-6, runs, level)
    never = xr.Dataset({"met": ("seed", np.zeros(400))})
    assert compare(never, {"met": 0.001}).verdict() == "weak" and compare(never, {"met": 0.2}).verdict() == "DISAGREE"
    assert 0.02 < compare(never, {"met": 0.001}).points["met"]["resolution"] * 0.001 < 0.2
    rungs = xr.Dataset({"met": (("n", "seed"), np.zeros((2, 20)))}, {"n": [50, 100]})
    assert not compare(rungs, {"met": Prediction(0.03, "limit")}).failed


def test_round_off_is_that_of_the_samples():
    single = xr.Dataset({"m": ("seed", np.full(10, 0.1, np.float32))})
    assert compare(single, {"m": 0.1}).ok and not compare(single, {"m": 0.10001}).ok
    assert not compare(single.astype(float), {"m": 0.1}).ok  # 1.5e-8 off


def test_a_ladder_may_descend_and_must_hold_sizes():
    data = samples(seeds=400, sizes=(50, 100, 200), gap=5.0)
    theory = {"risk": Prediction(2.0, "limit")}
    up, down = compare(data, theory), compare(data.isel(n=slice(None, None, -1)), theory)
    xr.testing.assert_allclose(up.points["risk"], down.points["risk"].sortby("n"))
    assert up.points["risk"]["judged"].sel(n=200).all() and up.judged == 3
    for wrong in ([0, 10, 20], [-1, 1, 2], [1, 2, np.inf], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="^ladder: 'n' holds"):
            compare(data.assign_coords(n=wrong), theory)
    with pytest.raises(ValueError, match="^ladder: 'n' holds"):
        compare(data.drop_vars("n"), theory)
    assert compare(data.assign_coords(n=["a", "b", "c"]), {"risk": 2.0}).judged == 9  # where no limit asks for them


def test_what_is_of_the_next_order_is_allowed_for():
    """Gaps O(1/n) of other forms than a/n, with errors far below them; a theory that is a percent off is still found."""
    n = np.array([50, 100, 200])[:, None, None]
    for gap in (5 / n**2, 1 / n + 40 / n**2, 2 / n - 30 / n**2):
        data = xr.Dataset({"m": (("n", "seed", "a"), 1 + gap + 3e-4 * RNG.normal(size=(3, 400, 2)))}, {"n": n.ravel()})
        for some in (data, data.isel(n=slice(2))):
            assert compare(some, {"m": Prediction(1.0, "limit")}).ok
            assert not compare(some, {"m": Prediction(1.03, "limit")}).ok


def test_rungs_of_one_draw_are_extrapolated_together():
    """Rungs that oppose each other: seeds know their own extrapolation, independent ones would have three quarters of its error."""
    runs, seeds, n = 2000, 200, np.array([100.0, 200.0])
    common = np.random.default_rng(9).normal(size=(runs, seeds, 1))
    found = xr.Dataset({"m": (("run", "seed", "n"), 50 + common * [-1.0, 1.0])}, {"n": n})
    z = np.abs(compare(found, {"m": Prediction(50.0, "limit")}).points["m"]["z"].sel(n=200).values)
    for level in (0.1, 0.01):
        assert np.sum(z > stats.norm.isf(level / 2)) <= stats.binom.isf(1e-6, runs, level)
    apart = np.moveaxis(found["m"].values, -1, 1)
    alone = xr.Dataset({"m": (("run", "n", "seed"), apart)}, {"n": n})
    plain = np.abs(compare(alone, {"m": Prediction(50.0, "limit")}).points["m"]["z"].sel(n=200).values)
    assert np.sum(plain > stats.norm.isf(0.05)) > stats.binom.isf(1e-6, runs, 0.1)  # the spoiled twin


def test_predictions_that_mean_nothing_are_refused():
    data = samples()
    for error in (np.inf, -5.0, np.nan, "x"):
        with pytest.raises(ValueError, match="^prediction: the error of 'risk'"):
            compare(data, {"risk": Prediction(2.0, error=error)})
    with pytest.raises(ValueError, match="^samples: 'risk' holds complex128"):
        compare(data + 1j, {"risk": 2.0})
    with pytest.raises(ValueError, match="^level: x is not a probability"):
        compare(data, {"risk": 2.0}, level="x")
    assert Metric("risk", seeds=np.int64(20)).attributes["fewest_seeds"] == 20


def told(values, coords=None, dims=("at", "seed")):
    """Samples of one metric ``m`` (at, seed)."""
    return xr.Dataset({"m": (dims, np.asarray(values))}, coords)


def test_truth_values_are_labels_and_no_mask():
    rng = np.random.default_rng(0)
    values = np.array([1.0, 5.0])[:, None] + 0.1 * rng.normal(size=(2, 100))
    data = told(values, {"at": [True, False]})
    turned = xr.DataArray([5.0, 1.0], {"at": [False, True]}, ["at"])
    for theory in (np.array([1.0, 5.0]), turned):
        report = compare(data, {"m": theory})
        assert report.ok and report.judged == 2 and list(report.points["m"]["at"].values) == [True, False]
    for theory in (np.array([1.0, 99.0]), turned * [99, 1], turned[::-1].assign_coords(at=[False, True])):
        assert compare(data, {"m": theory}).verdict() == "DISAGREE"
    with pytest.raises(ValueError, match="^prediction: 'm' does not fit .*: it lacks at=True"):
        compare(data, {"m": turned.isel(at=[0])})
    assert compare(data.isel(at=[1]), {"m": turned}).ok
    inner = told(values.T[None], {"n": [10], "flag": [True, False]}, ("n", "seed", "flag"))
    assert compare(inner, {"m": turned.rename(at="flag")}).ok


def test_a_prediction_may_know_more_points_but_no_others():
    data = told(np.array([1.0, 2.0])[:, None] + 0.1 * RNG.normal(size=(2, 100)), {"at": [1, 2], "noise": 0.5})
    finer = xr.DataArray([2.0, 1.5, 1.0], {"at": [2.0, 1.5, 1.0]}, ["at"])
    assert compare(data, {"m": finer}).ok and compare(data, {"m": finer.assign_coords(noise=0.5)}).ok
    for wrong, words in (
        (finer.isel(at=[0, 1]), "it lacks at=1"),
        (finer.assign_coords(at=[1, 2, 2]), "at=2 stands there more than once"),
        (finer.drop_vars("at"), "it has 3 along 'at', they have 2"),
        (finer.assign_coords(noise=0.1), "is of noise=0.1, the samples are of 0.5"),
        (finer.isel(at=0), "is of at=2.0, the samples are of"),
    ):
        with pytest.raises(ValueError, match=f"^prediction: 'm' .*{words}"):
            compare(data, {"m": wrong})


def test_what_is_masked_is_not_predicted():
    data = told(1 + 0.1 * RNG.normal(size=(3, 100)))
    theory = np.ma.masked_array([1.0, 99.0, 1.0], [False, True, False])
    error = np.ma.masked_array([0.01, 0.0, 0.0], [False, True, False])
    for prediction in (theory, Prediction(theory, error=error)):
        report = compare(data, {"m": prediction})
        assert report.ok and report.judged == 2 and report.reasons() == {REASONS["nan"]: 1}
    kinds = np.ma.masked_array(["exact"] * 3, [False, True, False])
    assert compare(data, {"m": Prediction([1.0, np.nan, 1.0], kinds)}).reasons() == {REASONS["silent"]: 1}
    with pytest.raises(ValueError, match="^prediction: the error of 'm'"):
        compare(data, {"m": Prediction(1.0, error=np.ma.masked_array(np.zeros(3), [True, False, False]))})


@pytest.mark.parametrize("scale", [1e-300, 1e-170, 4e-21, 1e160, 1e307])
def test_a_scale_is_no_reason(scale):
    """Neither what is tiny is nothing, nor what is huge without a standard error; exact and as limits."""
    rng = np.random.default_rng(1)
    data = told(scale * (1 + 0.01 * rng.normal(size=(2, 100))), {"at": [50, 100]})
    for theory in (scale, Prediction(scale, "limit")):
        kind = getattr(theory, "kind", "exact")
        assert compare(data, {"m": theory}, ladder="at").ok
        for factor in (0.9, 1.1, 2.0):
            report = compare(data, {"m": Prediction(factor * scale, kind)}, ladder="at")
            assert report.verdict() == "DISAGREE" and not np.isnan(report.worst(1)[0]["z"])
    at_all = compare(data, {"m": scale}).points["m"]
    np.testing.assert_allclose(
        at_all["se"], data["m"].std("seed", ddof=1) / 10 if 1e-150 < scale < 1e150 else 1e-3 * scale, rtol=0.3
    )


def test_zero_is_met_by_next_to_nothing():
    assert compare(told(np.full((1, 9), 1e-21)), {"m": 0.0}).ok
    assert compare(told(np.full((1, 9), 1e-15)), {"m": 0.0}).failed
    assert compare(told(1e-3 * RNG.normal(size=(1, 300))), {"m": Prediction(0.0, "tail")}).verdict() == "in range"
    assert compare(told(4e-21 * (1 + RNG.random((1, 300)))), {"m": Prediction(1e-22, "tail")}).verdict() == "DISAGREE"


@pytest.mark.parametrize(
    "constant, theory, good",
    [(0.0, 0.3, False), (1.0, 1.3, False), (1.0, 1.002, True), (0.99, 0.991, True), (0.99, 1.2, False), (0.0, 0.0, True)],
)
def test_equal_seeds_beside_varying_ones_are_judged_by_the_extent_of_these(constant, theory, good):
    """Whether the constant is a whole number does not matter."""
    rng = np.random.default_rng(2)
    data = told(np.concatenate([1 + 0.01 * rng.normal(size=(50, 20)), np.full((1, 20), constant)]))
    report = compare(data, {"m": np.append(np.ones(50), theory)})
    assert report.judged == 51 and report.failed is not good


def test_what_never_varies_is_deterministic():
    """To round-off, at every point; counts may have missed an event, of about one."""
    optima = np.array([0.125, 0.3, 2.0])[:, None] * (1 + 1e-15 * RNG.normal(size=(3, 8)))
    assert compare(told(optima), {"m": [0.125, 0.3, 2.0]}).ok
    for factor in (1.01, 1 + 1e-7):
        assert compare(told(optima), {"m": [0.125, factor * 0.3, 2.0]}).failed
    optima[0, 3] = 0.13  # an optimum that one seed missed: others may have been lucky
    assert not compare(told(optima), {"m": [0.1256, 0.3004, 2.0]}).failed
    assert compare(told(optima), {"m": [0.1256, 0.5, 2.0]}).failed
    assert compare(told(np.full((1, 40), 100.0)), {"m": 130.0}).failed
    assert not compare(told(np.full((1, 40), 100.0)), {"m": 100.02}).failed
    far = np.stack([np.zeros(40), 1e6 + RNG.normal(size=40)])
    assert compare(told(far), {"m": [5000.0, 1e6]}).failed


def test_what_would_be_detected_of_an_event_is_detected():
    data = told(np.stack([np.zeros(40), RNG.normal(size=40)]))
    for error in (0.0, 0.3):
        ask = Prediction(np.array([0.1, 0.0]), error=np.array([error, 0.0]))
        found = compare(data, {"m": ask})
        seen = float(found.points["m"]["resolution"][0]) * 0.1
        for factor, word in ((0.9, False), (1.1, True)):
            z = compare(data, {"m": Prediction(np.array([factor * seen, 0.0]), error=ask.error)}).points["m"]["z"][0]
            assert bool(abs(z) > found.limit) is word or (error and word is False)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 40])
@pytest.mark.parametrize("jump", ["equal", "lognormal", "counts"])
def test_rare_events_that_are_no_whole_numbers_keep_the_level(jump, seeds):
    """A true theory fails with probability ``level`` at most, in 150 reports of eight chances of an event that moves 0.25 by
    what it likes; errors of zero for equal seeds would fail in more than a fifth of them."""
    rng, runs, level = np.random.default_rng(3), 150, 0.01
    chances = np.array([0.002, 0.01, 0.03, 0.05, 0.1, 0.3, 0.5, 0.9])[:, None]
    draw = dict(
        equal=lambda size: np.full(size, 0.5),
        lognormal=lambda size: rng.lognormal(0, 0.5, size),
        counts=lambda size: rng.poisson(1, size) + 1.0,
    )[jump]
    mean = dict(equal=0.5, lognormal=np.exp(0.125), counts=2.0)[jump]
    base = 0.0 if jump == "counts" else 0.25
    theory = base + mean * chances[:, 0]
    failed = zero = 0
    for _ in range(runs):
        values = base + (rng.random((8, seeds)) < chances) * draw((8, seeds))
        report = compare(told(values), {"m": theory}, level=level)
        failed += report.failed
        zero += bool(np.any(np.ptp(values, axis=1) == 0))
    assert failed <= stats.binom.isf(1e-6, runs, level), failed
    assert zero > 0.2 * runs


def test_samples_too_few_to_say_anything_are_weak():
    """Where an error of 100 % would have gone unseen, also where 0 is predicted; other metrics may still agree."""
    rng = np.random.default_rng(4)
    for theory in (2.0, 0.0):
        report = compare(told(theory + rng.normal(size=(3, 3))), {"m": theory})
        assert report.verdict() == report.verdict("m") == "weak" and not report.ok and not report.failed
        assert str(report).splitlines()[2].endswith("weak") and "the samples are too few to say anything of m" in str(report)
    centred = told(rng.normal(size=(3, 60)))
    report = compare(centred, {"m": 0.0})
    assert report.ok and str(report).splitlines()[2].split()[5] == "-"
    assert "(Few seeds: an error of 10 % would have gone unseen in m.)" in str(report)
    assert str(compare(told(rng.normal(size=(3, 40000))), {"m": 0.0})).endswith("agree.")
    assert compare(told(np.zeros((3, 9))), {"m": 0.0}).ok
    both = told(2 + 0.01 * rng.normal(size=(3, 60))).assign(wide=2 + 50 * centred["m"])
    report = compare(both, {"m": 2.0, "wide": 2.0})
    assert report.ok and report.verdict("wide") == "weak"
    assert str(report).endswith(
        "agree. But the samples are too few to say anything of wide: an error of 100 % would have gone unseen."
    )


def test_stores_that_are_not_finished_are_told_by_done():
    data = told(1 + 0.1 * RNG.normal(size=(2, 50)))
    done = np.ones((2, 50), bool)
    whole = data.assign(done=(("at", "seed"), done), nonfinite=("at", [0, 0]))
    report = compare(whole, {"m": 1.0})
    assert report.ok and not report.unpredicted
    done[1, 30:] = False
    with pytest.raises(ValueError, match="^samples: 20 trials have not been run"):
        compare(data.assign(done=(("at", "seed"), done)), {"m": 1.0})


def test_words_that_say_nothing_are_refused():
    data = told(1 + 0.1 * RNG.normal(size=(2, 50)), {"at": [1, 2], "seed": range(50)})
    for arguments, words in (
        (dict(samples=xr.concat([data] * 3, "seed")), "^samples: seed=0 stands there more than once"),
        (dict(samples=data.assign_coords(at=[1, 1])), "^samples: at=1 stands there more than once"),
        (dict(samples=data.isel(seed=slice(0))), "^samples: the dimension 'seed' is empty"),
        (dict(allow_nonfinite=["nope"]), "^allow_nonfinite: 'nope' is no metric"),
        (dict(ladder="N"), "^ladder: 'N' is no axis"),
        (dict(prediction={"m": Prediction(1.0, "exakt")}), "^prediction: the kind of 'm' is 'exakt' somewhere"),
    ):
        with pytest.raises(ValueError, match=words):
            compare(**dict(samples=data, prediction={"m": 1.0}) | arguments)


def test_lost_trials_are_not_called_few_seeds():
    data = told(np.full((1, 300), np.inf))
    for kind in ("exact", "tail"):
        report = compare(data, {"m": Prediction(1.0, kind)}, allow_nonfinite="m")
        assert report.reasons() == {REASONS["lost"]: 1}


@pytest.mark.parametrize("dims", [("n", "point", "seed", "width"), ("point", "seed", "width", "n"), ("seed",)])
def test_judged_by_parts_or_at_once(monkeypatch, dims):
    """Also where what one part holds decides about another: the widest seeds are at one point, at others all are equal."""
    sizes = dict(n=4, point=3, seed=12, width=7)
    values = RNG.normal(size=[sizes[d] for d in dims]) + 1
    data = xr.Dataset({"risk": (dims, values)}, {d: np.arange(1, sizes[d] + 1) for d in dims})
    if "point" in dims:
        data["risk"].loc[dict(point=2, width=3)] = 5.0
        data["risk"].loc[dict(point=1, width=2, seed=4)] = np.nan
    known = {"risk": Prediction(1.0, "limit" if "n" in dims else "exact")}
    whole = compare(data, known, allow_nonfinite=["risk"])
    monkeypatch.setattr(slabs, "BYTES", 2000)
    parts = compare(data, known, allow_nonfinite=["risk"])
    assert str(parts) == str(whole) and parts.points["risk"].identical(whole.points["risk"])
    assert len(slabs.places(data["risk"].transpose("seed", ...), ["n"])) == (6 if "n" in dims else 1)
