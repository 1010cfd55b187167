"""Numbers that the guide quotes are those that the experiments state at their default sizes.

``tests/data/findings/NAME.json`` is the ``results/NAME/findings.json`` of a default run; after a change of an experiment run it
again and put its file here.
"""

import json

import pytest

from jaxprune.sweep import load_experiments
from jaxprune.theory.compression import required_width_log10
from tests.figures.test_figures import fake, shapes
from tests.places import ROOT

QUOTES = " ".join((ROOT / "jaxprune" / "guide" / "findings.md").read_text().split())
KEPT = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "tests" / "data" / "findings").glob("*.json"))}
STATING = {e.name: e for p in ROOT.glob("sims/*/*.py") if "findings=" in p.read_text() for e in load_experiments(p)}
PLAIN = "{value:.3f} ± {error:.3f}"
TWO = "{value:.2f} ± {error:.2f}"
SHORT = "{value:.3f}"  # of tables, without the zero before the point
QUOTED = [  # experiment, finding, how it is quoted
    ("equicorrelated", "correlation from which retraining helps", PLAIN),
    ("ar1", "correlation from which retraining helps", PLAIN),
    ("retraining_sample", "same over fresh sample at p = n, isotropic, s/n = 0.5, n = 60", "{value:.2f} ± {error:.2f}"),
    ("retraining_sample", "same over fresh sample at p = n, isotropic, s/n = 0.5, n = 240", "{value:.2f} ± {error:.2f}"),
    ("retraining_sample", "same over fresh sample at p = n, isotropic, s/n = 0.2, n = 240", PLAIN),
    ("strong_spike", "the same, n to infinity", PLAIN),
    ("scaling_laws", "exponent of n, dense, energy 2", "n^{value:.2f}"),
    ("scaling_laws", "exponent of n, dense, energy 1.2", "n^{value:.2f}"),
    ("scaling_laws", "exponent of n, pruned, energy 1.2", "n^{value:.2f}"),
    ("random_feature_regression", "40 features from the start", PLAIN),
    ("random_feature_regression", "40 of 1500 kept by magnitude, retrained", PLAIN),
    ("random_feature_regression", "40 of 1500 kept at random, retrained", PLAIN),
    ("saliencies", "dense, correlation 0.95", PLAIN),
    ("saliencies", "10 kept by magnitude, correlation 0.95", PLAIN),
    ("saliencies", "10 kept by the greedy surgeon, compensated, correlation 0.95", PLAIN),
    ("saliencies", "risk in 3 rounds less that at once, 10 kept, correlation 0.95", "{gain:.3f} ± {error:.3f}"),
    ("saliencies", "risk in 10 rounds less that at once, 10 kept, correlation 0.95", "{gain:.3f} ± {error:.3f}"),
    ("saliencies", "risk in leap, 5 rounds less that at once, 10 kept, correlation 0.95", "{gain:.3f} ± {error:.3f}"),
    ("risk_estimators", "leave-one-out of all steps: min of estimate over risk", "{value:.2f} ± {error:.2f}"),
    ("risk_estimators", "leave-one-out of all steps: max of estimate over risk", "{value:.2f} ± {error:.2f}"),
    ("risk_estimators", "leave-one-out, support fixed: min of estimate over risk", PLAIN),
    ("network_double_descent", "dense, width 128", SHORT),
    ("network_double_descent", "dense, width 16", SHORT),
    *(
        ("network_double_descent", f"width {width} pruned to that of 16 and retrained: {rule}, trained", SHORT)
        for rule in ("magnitude", "hessian", "random")
        for width in (16, 24, 32, 48, 64, 96, 128)
    ),
    ("heavy_tailed_sgd", "pruning_ratio, no noise", SHORT),
    *(
        ("heavy_tailed_sgd", f"{metric}, type {noise}, alpha {alpha}", SHORT)
        for metric in ("pruning_ratio", "test_accuracy", "pruned_test_accuracy")
        for noise in ("I", "II", "III")
        for alpha in ("2", "1.9", "1.8", "1.75", "1.5")
    ),
    ("discarded_energy", "discarded beyond 20, pareto, tail index 1.2", "{value:.4f} ± {error:.4f}"),
    ("discarded_energy", "discarded beyond 20, pareto, tail index 1.6", PLAIN),
    ("operator_norm", "norm over largest entry, tail index 1, n = 200", PLAIN),
    ("operator_norm", "norm over largest entry, tail index 3, n = 200", PLAIN),
    ("operator_norm", "norm over spike, tail index 3, n = 200", PLAIN),
    ("matrix_project", "missed at k = 74 (printed), parallel", PLAIN),
    ("coverage", "failures of Occam-kl, chosen, m = 50", PLAIN),
    ("released_split", "test accuracy, no noise", PLAIN),
    ("released_split", "test accuracy, heavy-tailed noise", PLAIN),
    ("released_split", "split_accuracy, released, first layer, no noise", PLAIN),
    ("released_split", "split_accuracy, released, first layer, heavy-tailed noise", PLAIN),
    *(
        ("half_space", f"exponent of m, Occam-kl, alpha {alpha}, d = 100000", "m^{value:.3f} ± {error:.3f}")
        for alpha in ("0.5", "1", "1.5")
    ),
    *(("bound_along_pruning", f"least bound, no noise, width {width}", PLAIN) for width in (8, 16, 64)),
    *(("bound_along_pruning", f"least bound with noise less that without, width {width}", PLAIN) for width in (16, 64)),
    ("euler_explosion", "lost at a step of 0.1, alpha 1.5", "{value:.4f} ± {error:.4f}"),
    *(
        ("trained_layer_tails", f"index by block sums, {layer} layer, {weights}, step size / batch {ratio}", PLAIN)
        for layer in ("first", "last")
        for weights in ("trained", "equal norms")
        for ratio in ("0.005", "0.03")
    ),
    ("trained_layer_tails", "entries that can be pruned, step size / batch 0.005", "{value:.4f} ± {error:.4f}"),
    ("trained_layer_tails", "entries that can be pruned, step size / batch 0.03", "{value:.4f} ± {error:.4f}"),
    *(
        ("relative_error", f"exponent of n of the squared error, kappa 0.1, alpha {alpha}", "n^{value:.3f} ± {error:.3f}")
        for alpha in ("1.2", "1.5", "1.75")
    ),
    *(("cone", f"slope beyond which {neurons} neurons leave the cone", PLAIN) for neurons in (2, 4, 8)),
    ("many_neurons", "starts that reach it, d = 7, M = 28", PLAIN),
    ("width_exponents", "exponent of M from 7 to 25, d = 2", "M^{value:.3f} ± {error:.3f}"),
    ("width_exponents", "exponent of M from 10 to 37, d = 3", "M^{value:.3f} ± {error:.3f}"),
    ("simplification_rate", "exponent of n of the gap, gaussian", "d^{value:.3f} ± {error:.3f}"),
    ("heavy_tailed_targets", "index at which copying is as good as simplifying, heavy rows, n/M = 16, d = 20", TWO),
    ("heavy_tailed_targets", "index at which copying is as good as simplifying, heavy rows, n/M = 64, d = 20", TWO),
    ("spurious_minima", "starts in the global minimum, d = 8", PLAIN),
    ("spurious_minima", "starts in the global minimum, d = 20", PLAIN),
    ("spurious_minima", "smallest eigenvalue of the symmetric family, d = 5", "{value:.4f}"),
    ("spurious_minima", "smallest eigenvalue of the symmetric family, d = 6", "{value:.4f}"),
    ("trained_network", "test error, dense, no noise", PLAIN),
    ("trained_network", "test error, covariance, M = 8, no noise", PLAIN),
    ("trained_network", "test error, magnitude, M = 8, no noise", PLAIN),
    ("trained_network", "M within one point of dense, k-means, type I, alpha 1.5", "{value:.1f} ± {error:.1f}"),
    ("trained_network", "M within one point of dense, covariance, type I, alpha 1.5", "{value:.1f} ± {error:.1f}"),
]


@pytest.mark.parametrize("experiment, words, form", QUOTED)
def test_the_guide_quotes_what_was_found(experiment, words, form):
    found = KEPT[experiment]["findings"][words]
    quoted = form.format(gain=-found["value"], **found)
    assert (quoted.removeprefix("0") if form == SHORT else quoted) in QUOTES


def test_orders_and_rates_are_those_of_theory():
    orders = [found["value"] for found in KEPT["euler_strong_error"]["findings"].values()]
    assert f"{min(orders):.3f} to {max(orders):.3f}" in QUOTES
    for words, found in KEPT["propagation_of_chaos"]["findings"].items():
        alpha = float(words.rsplit(" ", 1)[1])
        rate = 1 / alpha - 1 if "linear" in words else -0.5
        assert abs(found["value"] - rate) < 0.01 + 5 * found["error"], words
        assert abs(found["value"] - 1.5 * rate) > 0.01 + 5 * found["error"], words


def test_widths_are_those_of_theory():
    for alpha, quoted in ((1.2, "10^3.5"), (1.5, "10^6.0"), (1.75, "10^13")):
        digits = 0 if quoted == "10^13" else 1
        assert f"10^{float(required_width_log10(alpha, 0.1, 0.1)):.{digits}f}" == quoted and quoted in QUOTES


@pytest.mark.parametrize("name", STATING)
def test_what_is_kept_is_of_the_experiment_as_it_is_declared(name):
    assert name in KEPT, f"run {name} at its default size, and put its findings.json here as tests/data/findings/{name}.json"
    assert KEPT[name]["seeds"] == STATING[name].seeds


@pytest.mark.parametrize("name", ["bound_along_pruning", "planted_networks", "level_sets"])
def test_what_is_kept_has_the_names_that_are_stated(name):
    """A share of runs is named as one."""
    experiment = STATING[name]
    assert experiment.findings is not None
    stated = experiment.findings(fake(experiment, experiment.axes, shapes(experiment), 0))
    assert stated.keys() == KEPT[name]["findings"].keys()
    shares = [words for words in stated if "beats" in words or "is full" in words]
    assert shares and all(words.startswith("share of ") for words in shares)
