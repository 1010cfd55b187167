"""Every figure draws every value of an axis, or declares which it draws: then the command line names what is left out."""

import dataclasses
import importlib
import pickle
import pkgutil

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.text import Text

from jaxprune import theory
from jaxprune.judge import crossing
from jaxprune.plots import style
from jaxprune.sweep import load_experiments
from jaxprune.sweep.driver import metric_dims
from tests.places import ROOT, figure, sim

NAMES = sorted({p.stem for p in ROOT.glob("figures/*/*.py")} & {p.stem for p in ROOT.glob("sims/*/*.py")})
FIXED = dict(stopped_because=1.0, diverged=0.0)
MORE = dict(
    tail=[0.05, 0.2, 0.5, 0.8], brownian=[0.0, 0.25, 0.5], energy=[1.2, 1.6, 2.0], noise_of_scaling_laws=[0.0, 0.2, 0.5]
)
LIGHT = dict(  # theory on coarser grids: what is drawn of the samples is tested here
    random_feature_regression=dict(POINTS=3, DRAWS=1, FEATURES=200),
    saliencies=dict(DRAWS=10),
    scaling_laws=dict(SIZES=np.array([50, 100])),
    correlation_decides=dict(_theory=lambda make, here, grid: (None, None, None)),
    phase_diagram=dict(N=20),
    pruning_ratio=dict(POINTS=2),
    sgd_tail_index=dict(POINTS=6),
    ridge_before_pruning=dict(POINTS=5, COUNTS=3),
    layer_compressibility=dict(POINTS=3),
    half_space=dict(POINTS=3),
    relative_error=dict(POINTS=6, EXACT=3),
    entries_needed=dict(_theory=lambda ax, eps, n: None),
    trained_layer_tails=dict(POINTS=3),
)


def imported(name):
    """The module of a figure, as others import it."""
    return importlib.import_module(f"figures.{figure(name).parent.name}.{name}")


def experiments(name):
    return load_experiments(sim(name))


def grid(name, experiment, shown):
    """Two values at least of every axis; more than one would be drawn of those that the figure declares."""
    axes = {}
    for axis, values in experiment.axes.items():
        values = MORE.get(f"{axis}_of_{name}", MORE.get(axis, list(values)))
        if len(values) == 1:
            assert axis in shown, f"{axis} has one value: nothing is known of others"
            (value,) = values
            values = ["another" if isinstance(value, str) else type(value)(value / 2), value]
        needed = axis in shown or {axis, f"{axis}_of_{name}"} & MORE.keys()
        few = 5 if needed else 4  # all of which are tried
        axes[axis] = values if len(values) < few else [values[0], *values[1 : few - 3], values[-1]]
    return axes


def shapes(experiment):
    if experiment.name == "cifar10_resnet":  # no data are needed for the names of its metrics
        experiment = dataclasses.replace(experiment, make=lambda **point: None, trial=no_images)
    with jax.enable_x64(True):
        problem = experiment.make(**experiment.points()[0])
        return jax.eval_shape(lambda key: experiment.trial(key, problem), jax.random.key(0))


def no_images(key, problem):
    """The metrics of networks, with their shapes, without data."""
    (networks,) = experiments("network_double_descent")
    found = shapes(networks)
    lengths = {len(networks.inner[d]): d for d in networks.inner}
    (residual,) = experiments("cifar10_resnet")
    return {name: jnp.zeros([len(residual.inner[lengths[size]]) for size in value.shape]) for name, value in found.items()}


def fake(experiment, axes, found, seed):
    """Samples that fall with n, and cross somewhere."""
    rng, data, dims = np.random.default_rng(seed), {}, metric_dims(experiment, found)
    for metric, shape in found.items():
        names = [*axes, "seed", *dims[metric]]
        size = (*map(len, axes.values()), 40, *shape.shape)
        data[metric] = (names, rng.uniform(0.3, 3) * rng.lognormal(-1, 0.1, size))
    coords = {name: list(v) for name, v in {**axes, "seed": range(40), **(experiment.inner or {})}.items()}
    samples = xr.Dataset(data, coords, dict(name=experiment.name))
    if "n" in axes:
        samples = samples / (samples["n"] / samples["n"].min())
    if "tail" in axes:
        samples = samples / samples.mean("seed")
        samples["pruned_risk"], samples["risk"] = samples["pruned_risk"] * samples["tail"], 0.4 * samples["risk"]
    for metric in FIXED.keys() & found.keys():
        samples[metric] = xr.full_like(samples[metric], FIXED[metric])
    samples.attrs["name"] = experiment.name
    return samples


def replaced(samples, others, axis, value):
    """``samples``, with those of ``others`` at one value of an axis."""
    mixed = {m: xr.where(v[axis] == value, others[m], v).transpose(*v.dims) for m, v in samples.items()}
    return samples.assign(mixed)


def drawing(module, samples):
    """All that a figure shows: places, colours, words."""
    figure = module.draw(samples, None)
    seen = []
    for artist in figure.findobj():
        for what in ("get_xydata", "get_offsets", "get_segments", "get_markerfacecolor", "get_marker"):
            if hasattr(artist, what):
                seen.append(str(np.asarray(getattr(artist, what)(), dtype=object).tolist()))
        seen += [artist.get_text()] if isinstance(artist, Text) else []
    plt.close(figure)
    return seen


def remember_theory(monkeypatch, figure):
    """Theory is computed once for the same arguments, in its own modules and where the figure has taken a function from them."""
    known = {}

    def once(function):
        def call(*args, **kwargs):
            try:
                key = pickle.dumps((function.__module__, function.__qualname__, args, kwargs))
            except Exception:
                return function(*args, **kwargs)
            if key not in known:
                known[key] = function(*args, **kwargs)
            return known[key]

        return call

    modules = [importlib.import_module(found.name) for found in pkgutil.walk_packages(theory.__path__, "jaxprune.theory.")]
    for module in [*modules, figure]:
        for word, value in list(vars(module).items()):
            home = getattr(value, "__module__", None) or ""
            ours = home.startswith("jaxprune.theory.") if module is figure else home == module.__name__
            if callable(value) and ours and not isinstance(value, type):
                monkeypatch.setattr(module, word, once(value))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_figure_draws_what_it_does_not_declare_and_no_more(name, unchecked, monkeypatch):
    module = imported(name)
    remember_theory(monkeypatch, module)
    monkeypatch.setitem(crossing.__kwdefaults__, "resamples", 100)
    shown = getattr(module, "SHOWN", {})
    for file, changed in LIGHT.items():
        for word, value in changed.items():
            monkeypatch.setattr(imported(file), word, value)
    assert set(shown) <= {axis for experiment in experiments(name) for axis in experiment.axes}
    for experiment in experiments(name):
        axes, found = grid(name, experiment, shown), shapes(experiment)
        samples, others = (fake(experiment, axes, found, seed) for seed in (0, 1))
        before = drawing(module, samples)
        picked = {axis: picks(shown[axis](samples, axis)) if axis in shown else values for axis, values in axes.items()}
        left, unseen = [(axis, value) for axis in axes for value in axes[axis] if value not in picked[axis]], samples
        for axis, value in left:
            unseen = replaced(unseen, others, axis, value)
        assert drawing(module, unseen) == before, (experiment.name, left)
        for axis, values in axes.items():
            for value in (value for value in values if value in picked[axis]):
                assert drawing(module, replaced(samples, others, axis, value)) != before, (experiment.name, axis, value)


def picks(found):
    """Values that a figure declares, one or a list."""
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize(
    "view, places, names",
    [
        ((1, 1e5), [1, 100, 1e5], ["1", "100", "100000"]),
        ((1e3, 1e6), [1e3, 1e4, 1e5, 1e6], ["$10^{3}$", "$10^{4}$", "$10^{5}$", "$10^{6}$"]),
        ((5e-4, 1), [5e-4, 1], [r"$5\times10^{-4}$", "$10^{0}$"]),
    ],
)
def test_an_axis_names_all_its_ticks_in_one_way(view, places, names):
    figure, ax = plt.subplots()
    ax.set(xscale="log", xlim=view)
    style.ticks(ax.xaxis, places)
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    plt.close(figure)


def test_the_line_of_the_half_space_is_through_every_number_of_samples():
    module, (experiment,) = imported("half_space"), experiments("half_space")
    samples = fake(experiment, dict(tail_index=[1.0], dim=[50]), shapes(experiment), 0)
    m = samples["samples"].values.tolist()
    figure = module.draw(samples, None)
    (line,) = [line for line in figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) == len(m)]
    assert line.get_xdata().tolist() == m
    for place in (0, 3, len(m) - 1):
        assert line.get_ydata()[place] == module.theory.half_space_bound(1.0, 50, m[place], module.DELTA, module.BITS).bound
    plt.close(figure)
