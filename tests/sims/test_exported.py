"""The program of every experiment for the accelerators, lowered here; nothing of it is run."""

import collections

import jax
import jax.numpy as jnp
import pytest
from jax import export

from jaxprune.cli import commands
from jaxprune.simulate import platforms
from jaxprune.sweep import load_experiments, program
from tests.places import ROOT, sim

NAMES = sorted(p.stem for p in ROOT.glob("sims/*/*.py") if p.parent.name != "bench")
ACCELERATORS = "cuda", "rocm", "tpu"
# Loops whose length the compiler does not know, each pass of which waits for the host. A name that is not here has none.
UNKNOWN = dict(
    matrix_project=1, spectrum_regulariser=1, stable_rank=1, heavy_tailed_sgd=1, released_code=1,
    trained_layer_tails=1, power_law_exponents=2, bound_along_pruning=3, released_split=3,
)  # fmt: skip


def traced(experiment):
    """The trial of the first point of a smoke run, as a function that can be lowered, and its arguments."""
    experiment = experiment.smoke_size()
    problem = experiment.make(**experiment.points()[0])
    structure = jax.tree.structure(problem)

    def one(words, seed, *leaves):
        key = jax.random.fold_in(jax.random.wrap_key_data(words), seed)
        return experiment.trial(key, jax.tree.unflatten(structure, leaves))

    return jax.jit(one), (jnp.zeros(2, jnp.uint32), jnp.uint32(0), *program.leaves(problem))


def primitives(jaxpr):
    """How often each primitive stands in a program, in its loops and branches too."""
    found = collections.Counter(equation.primitive.name for equation in jaxpr.eqns)
    for equation in jaxpr.eqns:
        inner = jax.tree.leaves(list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr"))
        for part in inner:
            if hasattr(part, "jaxpr") or hasattr(part, "eqns"):
                found += primitives(getattr(part, "jaxpr", part))
    return found


def rough(text):
    """Products that an accelerator may make in less than full precision."""
    return [
        line for line in text.splitlines() if "stablehlo.dot_general" in line and "HIGHEST" not in line and "f64" not in line
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_lowers_for_accelerators(name, unchecked):
    """In full precision, without a call to the host, and with no more loops of unknown length than are known here."""
    for experiment in load_experiments(sim(name)):
        if reason := commands.missing_data(experiment):
            pytest.skip(reason)
        full = jax.default_matmul_precision(experiment.matmul_precision)
        with program.pinned(experiment.precision), platforms.for_accelerators(), full:
            function, arguments = traced(experiment)
            assert primitives(function.trace(*arguments).jaxpr.jaxpr)["while"] == UNKNOWN.get(experiment.name, 0)
            for platform in ACCELERATORS:
                text = export.export(function, platforms=[platform])(*arguments).mlir_module()
                assert not rough(text) and "callback" not in text


def test_a_product_of_less_precision_would_be_seen():
    """And a loop of unknown length."""
    square = jax.jit(lambda x: x @ x)
    assert len(rough(export.export(square, platforms=["tpu"])(jnp.eye(3)).mlir_module())) == 1
    loop = jax.jit(lambda x: jax.vmap(lambda y: jax.lax.fori_loop(0, y, lambda i, z: z + i, 0))(x))
    assert primitives(loop.trace(jnp.arange(3)).jaxpr.jaxpr)["while"] == 1
