"""The report: each number against one computed here, the bound against a code written out, and what is written."""

import csv
import math
import os

import numpy as np
import pytest
from scipy import stats

from jaxprune import weights
from jaxprune.cli.entry import main
from jaxprune.simulate.tails import power_law
from jaxprune.theory import bounds
from jaxprune.theory.matrices import light_tails
from jaxprune.weights import bound, drawing, layers, measure, spectra, writing
from jaxprune.weights.layers import split
from jaxprune.weights.network_report import COLUMNS

RNG = np.random.default_rng(11)
NET = {"a.weight": RNG.standard_t(2.0, (120, 80)), "a.bias": np.ones(120), "b.weight": RNG.standard_normal((10, 120))}


@pytest.fixture(scope="module")
def found():
    return weights.report(NET, samples=10**6, risk=0.1)


def kept(energies, error=0.1):
    """The fraction of the largest that leave at most this relative error."""
    ordered = np.sort(energies)[::-1]
    lost = 1 - np.cumsum(ordered) / np.sum(ordered)
    return (np.argmax(lost <= error**2) + 1) / len(ordered)


def test_numbers_of_a_layer(found):
    layer, matrix = found.layers[0], NET["a.weight"]
    singular = np.linalg.svd(matrix, compute_uv=False)
    assert layer.stable_rank == pytest.approx(np.sum(matrix**2) / singular[0] ** 2, rel=1e-10)
    assert layer.kept["entries"].own == pytest.approx(kept(matrix.ravel() ** 2), abs=1e-9)
    assert layer.kept["rows"].own == pytest.approx(kept(np.sum(matrix**2, axis=1)), abs=1e-9)
    assert layer.kept["singular values"].own == pytest.approx(kept(singular**2), abs=1e-9)
    sizes = np.sort(np.abs(matrix), axis=None)
    assert layer.compressibility[1.0] == pytest.approx(np.sum(sizes[:-960]) / np.sum(sizes), rel=1e-12)
    assert layer.count == round(layer.kept["entries"].own * matrix.size)
    np.testing.assert_allclose(measure.singular_values(matrix)[::-1], singular, rtol=1e-9)


def test_heavy_entries_are_told_from_light_ones(found):
    heavy, light = (layer.tail.extreme["Hill"].value for layer in found.layers)
    assert abs(heavy - 2.0) < 0.6 and light > 3.5
    (heavy, usual), (light, _) = (layer.kept["entries"] for layer in found.layers)
    assert heavy < 0.85 * usual and light == pytest.approx(usual, rel=0.03)


def test_a_planted_spectrum_differs_from_its_controls():
    """Singular values of a power law on random directions: entries look Gaussian, the spectrum does not."""
    left, _ = np.linalg.qr(RNG.standard_normal((300, 300)))
    right, _ = np.linalg.qr(RNG.standard_normal((300, 300)))
    values = (np.arange(1, 301) / 301) ** (-1 / 3.0)  # tail index 3 of singular values, 1.5 of their squares
    (layer,) = weights.report({"w": (left * values) @ right.T}).layers
    own = float(layer.spectral["layer"].fit.pdf_exponent)
    assert abs(own - 2.5) < 0.15
    for control in layer.controls.values():
        assert control.side(own) == -1 and control.exponents[0] > own + 1 and len(control.exponents) + control.failed == 8


def sides(draw, count=24):
    """How many matrices lie below all draws of each control, and how many above."""
    found = {name: np.zeros(2, int) for name in ("shuffled", "gaussian")}
    for i in range(count):
        (layer,), _ = split({f"w{i}": draw((50, 60))})
        fits = spectra.spectra(layer, spectra.singular_values(layer.matrix), 0)
        for name, control in fits.controls.items() if fits.of["layer"] else ():
            side = control.side(float(fits.of["layer"].fit.pdf_exponent))
            found[name] += side < 0, side > 0
    return found


def test_a_layer_without_arrangement_lies_outside_its_controls_by_chance_alone():
    """Of independent entries a layer is exchangeable with its shuffled copies: below all eight in one draw of nine. With heavy
    tails it is unlike Gaussian numbers with the same sizes of rows and columns."""
    rng, most = np.random.default_rng(5), stats.binom(24, 1 / 9).isf(1e-4)
    light, heavy = sides(rng.standard_normal), sides(lambda shape: rng.standard_t(1.5, shape))
    assert max(light["shuffled"]) <= most and max(light["gaussian"]) <= most and max(heavy["shuffled"]) <= most
    assert heavy["gaussian"][1] > most


def test_draws_of_controls():
    """Shuffled: the same entries. Gaussian: the same sizes of rows and columns. Those of another name differ."""
    matrix = RNG.standard_normal((60, 70)) * np.geomspace(1, 100, 60)[:, None]
    (layer,), _ = split({"w": matrix})
    drawn = list(spectra.draw(layer, 0))
    assert len(drawn) == spectra.DRAWS and not np.array_equal(drawn[0].shuffled, drawn[1].shuffled)
    np.testing.assert_array_equal(np.sort(drawn[0].shuffled, axis=None), np.sort(matrix, axis=None))
    rows = np.mean([np.mean(each.gaussian**2, axis=1) for each in drawn], axis=0) / np.mean(matrix**2, axis=1)
    np.testing.assert_allclose(rows, 1, atol=5 * np.sqrt(2 / (70 * 8)))
    (other,), _ = split({"v": matrix})
    assert not np.array_equal(next(spectra.draw(other, 0)).gaussian, drawn[0].gaussian)


def test_large_layers_have_fewer_draws():
    shapes = [(300, 500), (2048, 2048), (5000, 5000), (512, 512, 3, 3)]
    kernels = [layers.Layer("w", shape, *_no_data(shape)) for shape in shapes]
    assert [spectra.draws(layer) for layer in kernels] == [8, 2, 1, 8]


def _no_data(shape):
    matrix = np.broadcast_to(1.0, (shape[0], int(np.prod(shape[1:]))))
    return matrix, layers.at_positions(matrix, int(np.prod(shape[2:])))


def test_the_side_of_a_control():
    control = spectra.Control((2.0, 3.0, 5.0), 1)
    assert [control.side(value) for value in (1.9, 2.0, 4.0, 5.1)] == [-1, 0, 0, 1]
    assert control.median == 3.0 and control.ends == (2.0, 5.0)
    assert spectra.Control((2.0,), 0).side(1.0) == 0 and spectra.Control((), 8).median is None


@pytest.mark.slow
def test_the_error_of_entries_covers_the_choice_of_the_lower_end():
    """Over Pareto matrices the deviates have the variance of a normal law; with xmin held fixed they have not."""
    deviates, fixed = [], []
    for i in range(60):
        sizes = np.sort(np.random.default_rng(i).pareto(1.5, 2400) + 1)
        fit, error, _ = measure._entry_fit(sizes, i)
        deviates.append((fit.tail_index - 1.5) / error)
        fixed.append((fit.tail_index - 1.5) / fit.tail_index_error)
    assert 0.7 < np.std(deviates) < 1.25 and np.std(fixed) > 1.1 * np.std(deviates)


def test_a_spectrum_is_told_at_the_positions_of_a_kernel():
    """Each position has singular values of a power law of its own; of a dense layer there is nothing to tell."""
    kernel = np.empty((120, 120, 2, 2))
    for place in np.ndindex(2, 2):
        left, right = (np.linalg.qr(RNG.standard_normal((120, 120)))[0] for _ in range(2))
        kernel[:, :, *place] = (left * (np.arange(1, 121) / 121) ** (-1 / 3.0)) @ right.T
    row, dense = weights.report({"a.weight": kernel, "b.weight": kernel[:, :, 0, 0]}).rows()[:2]
    pooled = np.concatenate([np.linalg.svd(kernel[:, :, *place], compute_uv=False) for place in np.ndindex(2, 2)])
    assert row["positions"] == pytest.approx(power_law.fit(pooled**2).pdf_exponent, rel=1e-6)
    assert abs(row["positions"] - 2.5) < 0.2 < 0.7 < row["positions_gaussian"] - row["positions"]
    assert dense["positions"] is None and dense["positions_gaussian"] is None
    kernel[:, :, 0, 1] = 0
    assert abs(weights.report({"a.weight": kernel}).rows()[0]["positions"] - 2.5) < 0.2


def test_few_numbers_are_not_fitted():
    (layer,) = weights.report({"w": RNG.standard_normal((6, 8))}).layers
    assert layer.tail is None and layer.entry_fit is None and layer.spectral["layer"] is None
    row = weights.report({"w": RNG.standard_normal((6, 8))}).rows()[0]
    assert row["hill"] is None and row["spectrum"] is None and row["kept_entries"] > 0


def test_a_constant_layer_and_one_of_zeros_stop_nothing():
    net = {"w.weight": NET["b.weight"], "flat.weight": np.full((64, 32), 0.5), "zero.weight": np.zeros((64, 32))}
    found = weights.report(net, samples=10**6, risk=0.1)
    row, words = found.rows()[1], str(found)
    assert [each["layer"] for each in found.rows()] == ["w.weight", "flat.weight", "whole network"]
    assert row["stable_rank"] == pytest.approx(1) and row["kept_values"] == 1 / 32 and row["hill"] is row["entries"] is None
    assert "entries that do not vary: hill, stable of flat.weight" in words and "Left out, all zero: zero.weight." in words
    without = weights.report({name: net[name] for name in list(net)[:2]}, samples=10**6, risk=0.1)
    for point, shorter in zip(found.curve, without.curve, strict=True):
        assert point.nats - shorter.nats == pytest.approx(math.log(64 * 32 + 1), rel=1e-6)


def test_layers_are_left_out_by_name(tmp_path, capsys):
    np.savez(tmp_path / "net.npz", **{"a.weight": NET["b.weight"], "head.weight": np.full((3, 3), np.nan)})
    argv = ["weights", str(tmp_path / "net.npz"), "--out", str(tmp_path), "--leave-out", "head.*"]
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert not stop.value.code and "Left out, as asked: head.weight." in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(argv[:-2])
    assert stop.value.code == 2 and "--leave-out head.weight" in " ".join(capsys.readouterr().err.split())


def test_failed_fits_and_layouts_are_said():
    thin = RNG.standard_normal((120, 8)) @ RNG.standard_normal((8, 80))
    words = str(weights.report({"w": thin, "few": RNG.standard_normal((9, 10))}))
    assert "a fit that failed (the best tail holds fewer than 10 data): spectrum of w." in words
    assert "fewer than 50 singular values: spectrum of few." in words
    assert "Rows are taken as outputs" in words and "Rows are taken" not in str(weights.report(NET))


def test_a_report_is_short_in_python_and_printed_as_its_tables(found):
    assert len(repr(found)) < 100 and len(repr(found.layers)) < 200
    assert str(found) == writing.text(found)


def test_errors_and_ranges_are_printed_and_written(found):
    row = found.rows()[0]
    tail, fit = found.layers[0].tail.extreme["Hill"], found.layers[0].entry_fit
    assert row["hill_error"] == pytest.approx(float(tail.error)) and row["entries_error"] > float(fit.tail_index_error)
    assert row["gaussian_low"] <= row["gaussian"] <= row["gaussian_high"] and row["draws"] == 8
    table = str(found).split("\n\n")
    assert f"{row['hill']:.2f} ± {row['hill_error']:.2f}" in table[0]
    assert f"{row['gaussian']:.3g} ({row['gaussian_low']:.3g} to {row['gaussian_high']:.3g})" in table[1]
    assert r"$\pm$" in writing.latex(found.rows()) and "positions" not in table[1]


def test_how_many_lie_outside_by_chance_is_said(found):
    """One in nine above, and one below, of eight draws."""
    (layer,) = [layer for layer in found.layers if layer.name == "a.weight"]
    fitted = len(layer.controls["gaussian"].exponents)
    side = layer.controls["gaussian"].side(float(layer.spectral["layer"].fit.pdf_exponent))
    (below,) = [words for words in writing.notes(found) if words.startswith("Below all draws")]
    (words,) = [words for words in below[:-1].split("; ") if "gaussian" in words]
    outside = "1 of 1 layers (a.weight)" if side < 0 else "0 of 1 layers"
    assert words == f"spectrum against gaussian {outside}, {1 / (fitted + 1):.2g} by chance"


def test_numbers_have_one_form():
    assert [writing._cell(value) for value in (38393, 3280.4, 999.7, 12.34, 0.5)] == ["38,393", "3,280", "1,000", "12.3", "0.5"]
    assert writing._to_error(2.0001, 0.0058) == "2.0001 ± 0.0058" and writing._to_error(1234.5, 120.0) == "1,234 ± 120"


def test_the_whole_network_compares_the_same_layers():
    """Means of exponents are of layers that have the fit and its controls."""
    thin = RNG.standard_normal((120, 8)) @ RNG.standard_normal((8, 80))
    first, second, whole = weights.report({"a.weight": NET["a.weight"], "b.weight": thin}).rows()
    assert second["spectrum"] is None and whole["spectrum"] == first["spectrum"] and whole["shuffled"] == first["shuffled"]
    assert whole["kept_entries"] == pytest.approx((first["kept_entries"] + second["kept_entries"]) / 2)


def test_the_figure_names_its_layers(found):
    figure = drawing.draw(found)
    spectrum, kept_at, _ = figure.axes
    assert spectrum.get_xlim() == kept_at.get_xlim() == (0.5, 2.5)
    assert [label.get_text() for label in kept_at.get_xticklabels()] == ["a.weight", "b.weight"]
    assert [words.get_text() for words in spectrum.get_legend().get_texts()] == ["layer", "entries shuffled", "Gaussian"]
    (alone,) = drawing.draw(weights.report({"w": NET["b.weight"]})).axes[1:]
    assert all(line.get_marker() in "o_" for line in alone.lines)


@pytest.mark.parametrize(
    "scores, labels, words",
    [
        (np.zeros((5, 3)), [0, 1, 2, 3, 0], "^data: the label 3 is none of the 3 classes"),
        (np.zeros((5, 3)), [0, -1, 2, 1, 0], "^data: the label -1 is none of the 3 classes"),
        (np.zeros((4, 3)), [0, 1, 2, 1, 0], "^data: there are 5 labels, and apply returns scores of 4 samples"),
        (np.full((5, 3), np.nan), [0, 1, 2, 1, 0], "^apply: 15 of 15 scores are NaN or infinite"),
    ],
)
def test_scores_and_labels_that_do_not_fit(scores, labels, words):
    with pytest.raises(ValueError, match=words):
        weights.report({"w": np.eye(3)}, apply=lambda net, inputs: scores, data=(np.zeros(5), np.array(labels)))


def test_light_tails_of_draws():
    draws = RNG.standard_normal((400, 200))
    assert light_tails.gaussian_kept(0.1) == pytest.approx(kept(draws.ravel() ** 2), abs=0.003)
    rows = np.sum(RNG.standard_normal((20_000, 5)) ** 2, axis=1)
    assert light_tails.gaussian_kept(0.3, 5) == pytest.approx(kept(rows, 0.3), abs=0.005)
    for shape in ((400, 200), (300, 300)):
        squares = np.linalg.svd(RNG.standard_normal(shape), compute_uv=False) ** 2
        found = light_tails.marchenko_pastur_kept(0.3, min(shape) / max(shape))
        assert found == pytest.approx(kept(squares, 0.3), abs=0.01)
    assert light_tails.gaussian_kept(0.3, 5) != pytest.approx(light_tails.gaussian_kept(0.3, 4), abs=0.01)


@pytest.mark.parametrize(
    "arguments, name", [((1.5, 0.5), "eps"), ((0.1, 0.0), "aspect"), ((0.1, 1.1), "aspect"), ((0.0, 0.5), "eps")]
)
def test_light_tails_refuse(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        light_tails.marchenko_pastur_kept(*arguments)


def log_binomial(n, k):
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def test_every_number_of_the_bound_is_paid(found):
    """The code written out: per layer which, sign and bits of each, ends of the grid; the bias at 32 bits a number."""
    sizes = np.sort(np.concatenate([np.abs(NET[name]).ravel() for name in ("a.weight", "b.weight")]))[::-1]
    for point in found.curve:
        nats = 120 * 32 * math.log(2)
        for name in ("a.weight", "b.weight"):
            total, s = NET[name].size, int(np.sum(np.abs(NET[name]) >= sizes[point.kept - 1]))
            nats += math.log(total + 1) + log_binomial(total, s) + s * 7 * math.log(2) + (64 * math.log(2) if s else 0)
        assert point.nats == pytest.approx(nats, rel=1e-9)
        assert point.bound == pytest.approx(bounds.occam_kl(0.1, nats, 10**6, 0.05), rel=1e-12)
    assert not found.measured and "nothing is proved" in writing.text(found)


@pytest.mark.slow
def test_risks_are_measured_on_pruned_networks():
    """Scores that see the weights: their zeros, their signs, and their values within the grid's error."""
    seen = []

    def apply(net, inputs):
        seen.append(net)
        return np.stack([inputs, 0.5 - inputs], axis=1)  # the second class below a quarter

    inputs = np.linspace(0, 1, 400)
    labels = (inputs < 0.3).astype(int)
    found = weights.report(NET, apply=apply, data=(inputs, labels))
    wrong = float(np.mean((inputs < 0.25).astype(int) != labels))
    assert found.measured and found.chance == 0.5 and all(point.risk == wrong for point in found.curve)
    for point, net in zip(found.curve, seen, strict=True):
        assert sum(int(np.sum(net[name] != 0)) for name in ("a.weight", "b.weight")) == point.kept
        np.testing.assert_array_equal(net["a.bias"], NET["a.bias"])
        for name in ("a.weight", "b.weight"):
            live = net[name] != 0
            assert np.all(np.sign(net[name][live]) == np.sign(NET[name][live]))
            np.testing.assert_allclose(net[name][live], NET[name][live], rtol=0.2)


def test_what_is_left_out_has_no_more_bits_than_are_paid():
    """A bias in double precision could hold the labels in its last digits."""
    seen = []

    def apply(tree, inputs):
        seen.append(tree)
        return np.zeros((len(inputs), 2))

    bias, matrix = np.array([1 / 3, 2.0]), np.array([[1 / 3, 2.0], [0.1, 0.7]])
    data = (np.zeros((4, 2)), np.array([0, 1, 0, 1]))
    weights.report({"a.weight": matrix, "a.bias": bias}, apply=apply, data=data)
    assert all(np.array_equal(tree["a.bias"], bias.astype(np.float32)) for tree in seen)
    for wrong in (np.array("words"), np.array([1j, 2.0]), np.array([2**40])):
        with pytest.raises(ValueError, match=r"^weights: a\.more"):
            weights.report({"a.weight": matrix, "a.more": wrong}, apply=apply, data=data)


def test_fits_that_failed_are_not_told():
    """Eight singular values of a product of thin matrices; signs with a few outliers."""
    thin = RNG.standard_normal((120, 8)) @ RNG.standard_normal((8, 80))
    assert weights.report({"w": thin}).rows()[0]["spectrum"] is None
    signs = np.sign(RNG.standard_normal((120, 80)))
    signs.ravel()[:9] *= np.geomspace(10, 1000, 9)
    assert weights.report({"w": signs}).rows()[0]["entries"] is None


def test_trees_keep_their_shape():
    tree = {"layers": [NET["a.weight"], NET["b.weight"]]}
    shapes = []
    weights.report(
        tree,
        apply=lambda net, x: (shapes.append([w.shape for w in net["layers"]]), np.zeros((len(x), 2)))[1],
        data=(np.zeros(5), np.array([0, 1, 0, 1, 1])),
    )
    assert set(map(tuple, shapes)) == {((120, 80), (10, 120))}


def test_dicts_keep_their_order():
    net = {"z": {"kernel": NET["a.weight"]}, "a": [NET["b.weight"]]}
    assert [row["layer"] for row in weights.report(net).rows()] == ["z.kernel", "a.0", "whole network"]


def test_precisions_of_one_tree_are_compared_as_one():
    """Half precision beside single: the pruned network keeps the largest of both, as many as are paid."""
    net = {"a": NET["a.weight"].astype(np.float16), "b": NET["b.weight"].astype(np.float32)}
    counts = []

    def apply(pruned, inputs):
        counts.append(sum(np.count_nonzero(array) for array in pruned.values()))
        return np.zeros((len(inputs), 2))

    found = weights.report(net, apply=apply, data=(np.zeros(5), np.array([0, 1, 0, 1, 1])))
    assert counts == [point.kept for point in found.curve]


@pytest.mark.parametrize(
    "given, name",
    [
        (dict(samples=10), "samples, risk"), (dict(risk=0.1), "samples, risk"), (dict(samples=0, risk=0.1), "samples"),
        (dict(samples=2.5, risk=0.1), "samples"), (dict(samples=10, risk=1.5), "risk"), (dict(samples=10, risk=float("nan")), "risk"),
        (dict(apply=lambda w, x: x), "apply, data"), (dict(data=([1], np.array([1]))), "apply, data"),
        (dict(samples=10, risk=0.1, delta=0.0), "delta"), (dict(samples=10, risk=0.1, value_bits=0), "value_bits"),
        (dict(seed=-1), "seed"), (dict(seed=1.5), "seed"), (dict(leave_out=["w", 3]), "leave_out"), (dict(samples=10, risk="a"), "risk"),
        (dict(samples=float("inf"), risk=0.1), "samples"), (dict(apply=lambda w, x: [["a"]], data=([1], [0])), "apply"),
        (dict(apply=lambda w, x: x, data=([1], [0.5])), "data"), (dict(apply=lambda w, x: np.zeros(3), data=(np.zeros(3), np.zeros(3, int))), "apply"),
    ],
)  # fmt: skip
def test_arguments_that_do_not_go_together(given, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        weights.report({"w": np.eye(3)}, **given)


def test_the_command_prints_and_writes(tmp_path, capsys):
    np.savez(tmp_path / "my_net.npz", **NET)
    argv = ["weights", tmp_path / "my_net.npz", "--samples", 50_000, "--risk", 0.02, "--out", tmp_path]
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in argv])
    assert not stop.value.code
    said = capsys.readouterr()
    assert "whole network" in said.out and "Left out, one axis" in said.out and "measuring a.weight" in said.err
    folder = tmp_path / "my_net"
    with (folder / "layers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["layer"] for row in rows] == ["a.weight", "b.weight", "whole network"]
    assert float(rows[0]["kept_entries"]) == pytest.approx(kept(NET["a.weight"].ravel() ** 2), abs=1e-9)
    page = (folder / "report.html").read_text()
    assert "data:image/png;base64," in page and "http" not in page.replace("data:image", "")
    assert r"\toprule" in (folder / "layers.tex").read_text() and (folder / "figure.pdf").stat().st_size > 1000
    assert len((folder / "bound.csv").read_text().splitlines()) > 5
    weights.write(weights.report(NET, name=os.fsdecode(b"net\xff")), folder)
    assert not (folder / "bound.csv").exists() and r"net\udcff" in (folder / "report.html").read_text()


def test_names_are_written_as_they_are_in_latex():
    table = writing.latex([{**dict.fromkeys(COLUMNS), "layer": r"a_{b}^~\c<d>", "shape": ""}])
    assert r"a\_\{b\}\textasciicircum{}\textasciitilde{}\textbackslash{}c\textless{}d\textgreater{}" in table


def test_names_say_nothing_to_a_terminal():
    """Colours, bells and line ends in names of arrays are written out."""
    said = []
    found = weights.report({"\x1b[31mw\n": np.eye(3), "\a\udc80": np.ones(3)}, progress=said.append)
    assert said == [found.layers[0].name] == [r"\x1b[31mw\n"] and r"one axis: a bias, a norm or a scale: \x07\udc80." in str(
        found
    )


def test_a_stable_law_with_infinite_variance_leaves_it_open():
    row = dict(hill=2.6, hill_error=0.2, entries=2.7, entries_error=0.1, stable=1.8, stable_error=0.02)
    assert writing._near_two(row) and not writing._near_two(row | dict(stable=1.999, stable_error=0.005))
    assert not writing._near_two(row | dict(stable=None, stable_error=None))
    assert not writing._near_two(row | dict(hill=1.5, hill_error=0.1, entries=1.6))


def test_what_to_be_wary_of_is_told(found):
    assert not any("more than one a sample" in words for words in writing.notes(found))
    short = weights.report(NET, samples=20, risk=0.0)
    assert min(point.bound for point in short.curve) > 0.63
    assert any("more than one a sample" in words for words in writing.notes(short))
    (words,) = [words for words in writing.notes(found) if "variance" in words]
    assert "a.weight" in words and "b.weight" not in words


def test_the_command_refuses_in_a_sentence(tmp_path, capsys):
    np.savez(tmp_path / "net.npz", b=np.ones(3))
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "net").write_text("a file where the folder of results would be")
    for argv, words in (
        (["weights", tmp_path / "no.npz"], "does not exist"),
        (["weights", tmp_path / "net.npz", "--out", tmp_path / "o"], "no array is a matrix of weights"),
        (["weights", tmp_path / "net.npz", "--out", tmp_path / "p"], "net is not a folder; name another"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in argv])
        assert stop.value.code == 2 and words in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_the_least_bound_is_that_of_the_curve(found):
    assert found.best == min(found.curve, key=lambda point: point.bound)
    layers, left = split(NET)
    assert bound.curve(layers, left, 10, 0.0, fractions=[1e-9])[0].kept == 1
