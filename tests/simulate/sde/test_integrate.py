"""The integrator: bits that depend on nothing but the key, one program for all numbers, divergence, guards, bad input."""

import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.simulate import stable
from jaxprune.simulate.sde import checkpoint, drifts
from jaxprune.simulate.sde import integrate as sde
from tests import grades as judge

KEY = jax.random.key(3)
TANH = drifts.Tanh(1.0)
SETTINGS = dict(step_size=0.1, steps=24)


def compilations(work):
    """How many programs XLA compiles while ``work`` runs."""
    records = []
    handler = logging.Handler()
    handler.emit = lambda record: records.append(record.getMessage())
    logger = logging.getLogger("jax._src.interpreters.pxla")
    logger.addHandler(handler)
    try:
        with jax.log_compiles():
            work()
    finally:
        logger.removeHandler(handler)
    return sum(message.startswith("Compiling") for message in records)


def run(key=KEY, alpha=1.5, start=None, drift=TANH, **options):
    start = jnp.zeros(3) if start is None else start
    return sde.euler(drift, stable.Symmetric(alpha), start, key, **{**SETTINGS, **options})


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def test_the_scheme_is_eulers():
    law, value = stable.Symmetric(1.5, 0.7), jnp.asarray([0.3, -2.0])
    found = sde.euler(drifts.DoubleWell(), law, value, KEY, step_size=0.05, steps=4).state.value
    for step in range(4):
        key = jax.random.fold_in(jax.random.fold_in(KEY, step), 0)
        value = value + 0.05 * (value - value**3) + law.increment(key, (2,), 0.05)
    judge.exact(found, value, 1e-6)


def test_without_noise_it_is_deterministic():
    judge.exact(sde.euler(drifts.Linear(2.0), None, jnp.ones(2), KEY, **SETTINGS).state.value, 0.8 ** np.full(2, 24), 1e-5)


@pytest.mark.parametrize("step_size", [1e-7, 1e-8, 3e-9])
def test_steps_below_the_precision_of_a_value_add_up(step_size):
    """In float32 they would be rounded away, or up: x' = -x for a million steps; and nothing is kept in float64."""
    settings, decay = dict(step_size=step_size, steps=10**6), np.exp(-1e6 * step_size)
    path = jax.jit(lambda x: sde.euler(drifts.Linear(1.0), None, x, KEY, **settings))(jnp.ones(2))
    judge.exact(path.state.value, [decay, decay], 1.2e-7, spoil=1.000001)
    ends = jax.jit(lambda x: sde.coupled(drifts.Linear(1.0), None, x, KEY, **settings, ratios=[1, 2]))(jnp.ones(()))
    judge.exact(ends, [decay, decay], 1.2e-7, spoil=1.000001)
    with jax.enable_x64(True):
        assert sde.begin(dict(a=jnp.ones(2), b=jnp.ones(3))).lost == dict(a=None, b=None)


def test_what_rounding_lost_is_no_secret_of_the_ball():
    """Projected from far away, a value has lost nothing that counts; within the ball small steps add up."""
    ball = sde.Guard(radius=1.0)
    far = sde.euler(lambda x: 1e20 * jnp.ones_like(x) / 3, None, jnp.full(3, 0.1), KEY, step_size=1.0, steps=3, guard=ball)
    judge.exact(far.state.value, np.full(3, 3**-0.5), 1e-6)
    near = sde.euler(drifts.Linear(1.0), None, jnp.ones(1), KEY, step_size=1e-8, steps=10**5, guard=ball)
    judge.exact(near.state.value, [np.exp(-1e-3)], 1.2e-7, spoil=1.000001)


def test_each_leaf_has_its_law_and_its_numbers():
    laws = dict(a=stable.Symmetric(1.5), b=None, c=stable.Gaussian())
    start = dict(a=jnp.zeros(400), b=jnp.zeros(2), c=jnp.zeros(400))
    value = sde.euler(lambda v: jax.tree.map(jnp.zeros_like, v), laws, start, KEY, step_size=1.0, steps=1).state.value
    assert not value["b"].any()
    assert abs(np.corrcoef(np.sign(value["a"]), np.sign(value["c"]))[0, 1]) < 5 / 20


class Noisy:
    """Mini-batches: a drift that draws."""

    random = True

    def __call__(self, value, key):
        return -value * jax.random.bernoulli(key)


def test_a_random_drift_draws_from_a_stream_of_its_own():
    noise = run(drift=lambda x: 0 * x).state.value
    first = run(drift=Noisy()).state.value
    assert not np.array_equal(first, run(drift=drifts.Linear(0.5)).state.value) and np.all(np.isfinite(noise))
    half = run(drift=Noisy(), steps=11).state
    assert same(run(drift=Noisy(), start=half, steps=13).state.value, first)


@pytest.mark.parametrize("chunks", [(1, 23), (5, 12, 7), (23, 1)])
def test_chunks_change_no_bit(chunks):
    whole, state = jax.jit(run)().state, jnp.zeros(3)
    for steps in chunks:
        state = jax.jit(lambda s, steps=steps: run(start=s, steps=steps).state)(state)
    assert same(whole, state)


def test_batches_change_no_bit():
    keys, alphas, sizes = jax.random.split(KEY, 5), jnp.asarray([1.2, 1.5, 1.8, 1.0, 2.0]), jnp.linspace(0.05, 0.2, 5)
    one = lambda k, a, h: run(k, a, step_size=h).state  # noqa: E731
    whole, part = jax.jit(jax.vmap(one))(keys, alphas, sizes), jax.jit(jax.vmap(one))(keys[1:3], alphas[1:3], sizes[1:3])
    assert same(jax.tree.map(lambda x: x[1:3], whole), part)


def test_more_rows_begin_with_the_fewer():
    more, fewer = (run(start=jnp.zeros(n), rows=True).state for n in (9, 4))
    assert same(
        jax.tree.map(lambda x: x[:4], (more.value, more.alive, more.first_bad)), (fewer.value, fewer.alive, fewer.first_bad)
    )


def test_one_program_for_all_numbers():
    @jax.jit
    def program(keys, law, drift, sizes, guard, start):
        one = lambda k, h: sde.euler(drift, law, start, k, step_size=h, steps=8, watch=jnp.sum, every=4, guard=guard)  # noqa: E731
        return jax.vmap(one)(keys, sizes)

    def work(alpha, seed, size, cap):
        law, guard = stable.Symmetric(alpha), sde.Guard(cap=cap)
        keys = jax.random.split(jax.random.key(seed), 3)
        return program(keys, law, drifts.Linear(size), size * jnp.arange(1.0, 4.0), guard, jnp.full(2, size))

    work(1.5, 0, 0.1, 10.0)
    choices = [(1.2, 1, 0.2, 5.0), (1.0, 2, 0.01, 1e3), (2.0, 3, 0.3, np.inf), (0.5, 4, 0.3, 2.0)]
    before = program._cache_size()
    for choice in choices:
        work(*choice)
    assert program._cache_size() == before == 1


def test_compilations_are_counted_by_xla_too():
    program = jax.jit(lambda k, a: run(k, a).state.value)
    program(KEY, jnp.asarray(1.5))
    assert compilations(lambda: program(KEY, jnp.asarray(1.2))) == 0
    assert compilations(lambda: jax.jit(lambda k, a: run(k, a, steps=25).state.value)(KEY, jnp.asarray(1.2))) >= 1


def test_step_sizes_share_a_horizon():
    sizes, counts = jnp.asarray([0.1, 0.05, 0.025]), jnp.asarray([8, 16, 32])
    one = lambda h, n: run(step_size=h, steps=n, most=32, watch=jnp.sum, every=8)  # noqa: E731
    path = jax.jit(jax.vmap(one))(sizes, counts)
    assert path.state.step.tolist() == [8, 16, 32] and path.watched.shape == (3, 5)
    for i, (size, count) in enumerate([(0.1, 8), (0.05, 16), (0.025, 32)]):
        judge.exact(path.state.value[i], run(step_size=size, steps=count).state.value, 1e-5)
    assert np.all(path.watched[0, 1:] == path.watched[0, 1])
    again = run(step_size=0.05, start=run(step_size=0.05, steps=5).state, steps=jnp.asarray(11), most=20).state
    assert int(again.step) == 16


def test_records_stand_at_the_start_and_after_every_few_steps():
    path = run(watch=lambda x: dict(first=x[0]), every=8)
    ends = [0.0, *(float(run(steps=n).state.value[0]) for n in (8, 16, 24))]
    judge.exact(path.watched["first"], ends, 1e-5)


@pytest.mark.parametrize("runs", [None, 2])
def test_records_are_held_once(runs):
    """Beside the records themselves there is less than one of them for every hundred."""

    def temporaries(steps):
        def records(key):
            return run(key, start=jnp.zeros(100), steps=steps, watch=lambda x: x).watched

        keys = KEY if runs is None else jax.random.split(KEY, runs)
        compiled = jax.jit(records if runs is None else jax.vmap(records)).lower(keys).compile().memory_analysis()
        assert compiled.output_size_in_bytes >= (runs or 1) * (steps + 1) * 400
        return compiled.temp_size_in_bytes

    assert temporaries(2000) - temporaries(100) < 1900 * (runs or 1) * 4  # 400 bytes a record


def test_a_run_stops_at_its_last_good_value():
    start = jnp.asarray([[0.5, 0.1], [0.2, 30.0], [0.1, 0.4]])
    one = jax.vmap(lambda x: sde.euler(drifts.DoubleWell(), None, x, KEY, step_size=0.01, steps=30).state)
    state = one(start)
    assert state.alive.tolist() == [True, False, True] and np.all(np.isfinite(state.value))
    assert state.step.tolist() == [30] * 3
    first = int(state.first_bad[1])
    assert state.first_bad.tolist() == [-1, first, -1] and 1 < first < 30
    last = one_row = start[1]
    for _ in range(first):
        last, one_row = one_row, one_row + 0.01 * (one_row - one_row**3)
    assert not np.all(np.isfinite(one_row))
    judge.exact(state.value[1], last, 1e-3)
    again = sde.euler(drifts.DoubleWell(), None, jax.tree.map(lambda x: x[1], state), KEY, step_size=0.01, steps=5).state
    assert same((again.value, again.alive, again.first_bad), (state.value[1], False, first))


def test_rows_die_on_their_own():
    start = jnp.asarray([0.5, 30.0, jnp.nan, 5.0])
    state = sde.euler(
        drifts.DoubleWell(), None, start, KEY, step_size=0.01, steps=30, guard=sde.Guard(cap=20.0), rows=True
    ).state
    assert state.alive.tolist() == [True, False, False, True] and state.first_bad.tolist() == [-1, 0, 0, -1]
    whole = sde.euler(drifts.DoubleWell(), None, start, KEY, step_size=0.01, steps=30).state
    assert not whole.alive and whole.first_bad == 0 and same(whole.value[:2], start[:2])


def test_guards_act_and_are_recorded():
    big = lambda x: jnp.full_like(x, 100.0)  # noqa: E731
    go = lambda guard: sde.euler(big, None, jnp.zeros(2), KEY, step_size=0.1, steps=1, guard=guard)  # noqa: E731
    judge.exact(go(sde.Guard(taming=True)).state.value, np.full(2, 10 / 11), 1e-6)
    judge.exact(go(sde.Guard(clip=3.0)).state.value, np.full(2, 0.3), 1e-6)
    judge.exact(go(sde.Guard(radius=0.5)).state.value, np.full(2, 0.5 / np.sqrt(2)), 1e-6)
    judge.exact(go(None).state.value, np.full(2, 10.0), 1e-6)
    path = jax.jit(go)(sde.Guard(taming=True, radius=0.5))
    assert path.guard.taming and float(path.guard.radius) == 0.5 and path.guard.clip is None
    huge = sde.euler(lambda x: x, None, jnp.asarray([3e30, 4e30]), KEY, step_size=0.1, steps=1, guard=sde.Guard(radius=5.0))
    judge.exact(huge.state.value, [3.0, 4.0], 1e-6)


def test_grids_are_coupled_by_one_path():
    options = dict(step_size=0.25, steps=4)
    grids = sde.coupled(drifts.Tanh(1.0), stable.Symmetric(1.5), jnp.zeros(50), KEY, **options, ratios=(1, 2, 8))
    finest = run(start=jnp.zeros(50), step_size=0.25 / 8, steps=32).state.value
    judge.exact(grids[-1], finest, 1e-5)
    zero = lambda x: 0 * x  # noqa: E731
    still = sde.coupled(zero, stable.Symmetric(1.5), jnp.zeros(50), KEY, **options, ratios=(1, 2, 8))
    judge.exact(still[0], still[2], 1e-6)
    judge.exact(
        grids[0] - grids[2],
        sde.gaps(drifts.Tanh(1.0), stable.Symmetric(1.5), jnp.zeros(50), KEY, **options, ratios=(1, 2, 8))[0],
        1e-4,
    )


def test_gaps_in_float32_keep_their_digits():
    """In float32 the difference of rounded values would often be zero: the gap is 1e-4 of values up to 1e4."""
    options = dict(step_size=1 / 256, steps=256, ratios=(1, 2))
    law, keys = stable.Symmetric(1.2), jax.random.split(KEY, 2000)
    gap = jax.jit(jax.vmap(lambda k: sde.gaps(drifts.Linear(1.0), law, jnp.zeros(()), k, **options)[0]))(keys)
    ends = jax.jit(jax.vmap(lambda k: sde.coupled(drifts.Linear(1.0), law, jnp.zeros(()), k, **options)))(keys)
    assert np.all(gap != 0)
    assert np.median(np.abs((ends[:, 0] - ends[:, 1]) / gap - 1)) < 1e-2


def resumed(file, steps, chunk, kill=None, seed=0):
    law, keys = stable.Symmetric(1.5), jax.random.split(jax.random.key(seed), 3)
    start = jax.vmap(sde.begin)(jnp.zeros((3, 2)))

    def advance(state, key, count):
        one = lambda s, k: sde.euler(drifts.Tanh(1.0), law, s, k, step_size=0.1, steps=count, watch=jnp.sum)  # noqa: E731
        return jax.vmap(one)(state, key)

    def report(done, total, dead):
        assert total == steps and dead == 0
        if done == kill:
            raise KeyboardInterrupt

    return checkpoint.resumable(
        file, advance, start, keys, dict(law=law, step_size=0.1, drift="tanh"), steps=steps, chunk=chunk, report=report
    )


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(tmp_path):
    whole = resumed(tmp_path / "whole", 20, 20)
    with pytest.raises(KeyboardInterrupt):
        resumed(tmp_path / "part", 20, 6, kill=12)
    part = resumed(tmp_path / "part", 20, 5)
    assert same((whole.state, whole.watched), (part.state, part.watched)) and part.watched.shape == (3, 21)
    resumed(tmp_path / "short", 7, 7)
    longer = resumed(tmp_path / "short", 20, 20)
    assert same(whole.watched, longer.watched)
    again = resumed(tmp_path / "part", 20, 5)
    assert same(again, part)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["part", "short", "whole"]
    with pytest.raises(ValueError, match="steps: .*20 steps, more than 10"):
        resumed(tmp_path / "part", 10, 5)


def test_runs_are_states_with_a_key_for_each(tmp_path, unchecked):
    start = jax.vmap(sde.begin)(jnp.zeros((3, 2)))
    bad = [("start: ", jnp.zeros(3), KEY), ("key: int is no", start, 0), ("key: shape", start, jax.random.split(KEY))]
    for words, state, key in bad:
        with pytest.raises(ValueError, match=f"^{words}"):
            checkpoint.resumable(tmp_path / "x", lambda s, k, n: s, state, key, {}, steps=4, chunk=2)
    assert not list(tmp_path.iterdir())


def test_a_long_difference_is_told_briefly(tmp_path):
    checkpoint.save(tmp_path / "x", jnp.zeros(2), dict(more="a" * 500, rule={str(i): i for i in range(30)}))
    with pytest.raises(ValueError, match=r"aaa\.\.\. then, 'b' now.*and 23 more") as error:
        checkpoint.load(tmp_path / "x", dict(more="b", rule={str(i): i + 1 for i in range(30)}), jnp.zeros(2))
    assert len(str(error.value)) < 1000
    with pytest.raises(ValueError, match="another structure") as error:
        checkpoint.load(tmp_path / "x", dict(more="a" * 500, rule={str(i): i for i in range(30)}, also=None), jnp.zeros(2))
    assert "PyTreeDef" not in str(error.value)


def test_the_public_names_are_told():
    assert {"begin", "euler", "coupled", "gaps", "Trajectory", "State", "Guard"} == set(sde.__all__)
    assert all(f"state.{name}" in sde.Trajectory.__doc__ for name in ("value", "alive", "first_bad", "step"))


def test_a_path_prints_shapes_not_numbers():
    path = jax.vmap(lambda k: run(k, guard=sde.Guard(cap=jnp.full(100, jnp.inf)[0]), watch=jnp.sum))(jax.random.split(KEY, 50))
    assert len(repr(path)) < 500 and "float32[50, 3]" in repr(path) and "inf, inf" not in repr(path)
    assert "step=24" in repr(run())


def test_another_configuration_is_refused_with_what_differs(tmp_path):
    file, state = tmp_path / "state", dict(value=jnp.arange(3.0), key=jax.random.key(7))
    configuration = dict(law=stable.Symmetric(1.5), step_size=0.1, rule="none", big=np.arange(100))
    checkpoint.save(file, state, configuration)
    found = checkpoint.load(file, configuration, jax.tree.map(jnp.zeros_like, dict(value=state["value"])) | dict(key=KEY))
    assert same(found["value"], state["value"])
    assert same(jax.random.key_data(found["key"]), jax.random.key_data(state["key"]))
    for change, words in [
        (dict(step_size=0.2), "'step_size'.: 0.1 then, 0.2 now"),
        (dict(law=stable.Symmetric(1.2)), "law"),
        (dict(rule="some"), "'none' then, 'some' now"),
        (dict(big=np.arange(100) + 1), "big"),
        (dict(more=1), "absent then, 1 now"),
    ]:
        with pytest.raises(ValueError, match=words):
            checkpoint.load(file, configuration | change, state)
    with pytest.raises(ValueError, match="another structure"):
        checkpoint.load(file, configuration, dict(value=jnp.zeros(4), key=KEY))
    with pytest.raises(ValueError, match="is not a number"):
        checkpoint.save(file, state, dict(rule=min))


@pytest.mark.parametrize(
    "spoil", [lambda b: b[:-20], lambda b: b[:-200] + b"x" + b[-199:], lambda b: b"", lambda b: b"{}\n" + b]
)
def test_damaged_files_are_refused(tmp_path, spoil):
    file = tmp_path / "state"
    checkpoint.save(file, jnp.arange(30.0), dict(a=1))
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load(file, dict(a=1), jnp.arange(30.0))


@pytest.mark.parametrize(
    "change, words",
    [
        (dict(step_size=0.0), "step_size: 0.0"),
        (dict(step_size=-1.0), "step_size: -1.0"),
        (dict(step_size=np.nan), "step_size: nan"),
        (dict(step_size=np.ones(2)), "step_size: shape"),
        (dict(steps=0), "steps: 0"),
        (dict(steps=2.0), "steps: 2.0"),
        (dict(steps=True), "steps: True"),
        (dict(every=0), "every: 0"),
        (dict(watch=jnp.sum, every=5), "every: 5 does not divide 24"),
        (dict(steps=30, most=20), "steps: 30 is not a number of steps; use an integer in 1 .. 20"),
        (dict(most=0), "most: 0"),
        (dict(start=jnp.zeros(3, int)), "start: integers cannot"),
        (dict(start=jnp.zeros(3, complex)), "start: complex64 cannot"),
        (dict(key=0), "key: 0 is no random key; use jax.random.key"),
        (dict(key=jax.random.split(KEY)), "key: keys of shape"),
        (dict(drift=jnp.sum), r"drift: shape \(\) is not that of the value, \(3,\)"),
        (dict(drift=lambda x: x[:2]), r"drift: shape \(2,\)"),
        (dict(drift=lambda x: (x, x)), "drift: its structure"),
        (dict(drift=lambda x, t: x), r"drift: <lambda> has other arguments; it is called as drift\(value\)"),
        (dict(drift=drifts.Linear), "drift: Linear, a class or no function; use"),
        (dict(drift=1.0), "drift: float, a class or no function; use"),
        (dict(drift=np.sin), r"drift: sin computes in NumPy, which JAX cannot trace; use jax\.numpy"),
        (dict(start=[0.0, 0.0]), r"start: \[0.0, 0.0\] is a list, which is a pytree of numbers; use jnp\.asarray"),
    ],
)
def test_bad_input_is_refused(change, words, unchecked):
    with pytest.raises(ValueError, match=words):
        run(**change)


def test_laws_guards_ratios_and_axes_are_checked():
    with pytest.raises(ValueError, match="start: .*no array"):
        sde.euler(lambda value: value, stable.Symmetric(1.5), (), KEY, **SETTINGS)
    for law, start in [(dict(a=None), jnp.zeros(2)), (dict(b=None), dict(a=jnp.zeros(2))), (1.5, jnp.zeros(2))]:
        with pytest.raises(ValueError, match="law: "):
            sde.euler(jnp.negative, law, start, KEY, **SETTINGS)
    for law, words in [
        (stable.Symmetric, "Symmetric is a class; make a law of it"),
        ((stable.Symmetric(1.5), stable.Gaussian), "Gaussian is a class"),
        ("Cauchy", "'Cauchy' is no law; use"),
    ]:
        start = (jnp.zeros(2), jnp.zeros(2)) if isinstance(law, tuple) else jnp.zeros(2)
        with pytest.raises(ValueError, match=f"^law: {words}"):
            sde.euler(lambda value: value, law, start, KEY, **SETTINGS)
    for name in ("clip", "radius", "cap"):
        with pytest.raises(ValueError, match=f"{name}: -1"):
            sde.Guard(**{name: -1.0})
    for ratios in [(1, 2.5), (2, 1), (2, 3), (), (0, 1), (1, 1)]:
        with pytest.raises(ValueError, match="ratios"):
            sde.coupled(jnp.negative, None, jnp.zeros(2), KEY, **SETTINGS, ratios=ratios)
    with pytest.raises(ValueError, match="a gap needs two"):
        sde.gaps(jnp.negative, None, jnp.zeros(2), KEY, **SETTINGS, ratios=(2,))
    with pytest.raises(ValueError, match="inconsistent sizes"):
        jax.vmap(run)(jax.random.split(KEY, 2), jnp.ones(3))


@pytest.mark.timed
def test_the_loop_costs_what_a_scan_written_by_hand_costs():
    import time

    law, keys = stable.Symmetric(1.5), jax.random.split(KEY, 4)

    def hand(key):
        def step(x, i):
            noise = law.increment(jax.random.fold_in(key, i), x.shape, 0.01)
            return x - 0.01 * jnp.tanh(x) + noise, None

        return jax.lax.scan(step, jnp.zeros(5000), jnp.arange(100))[0]

    ours = jax.jit(jax.vmap(lambda k: run(k, start=jnp.zeros(5000), step_size=0.01, steps=100).state.value))
    theirs = jax.jit(jax.vmap(hand))
    best = {}
    for program in (ours, theirs):
        jax.block_until_ready(program(keys))
    for _ in range(5):
        for name, program in (("ours", ours), ("theirs", theirs)):
            started = time.perf_counter()
            jax.block_until_ready(program(keys))
            best[name] = min(best.get(name, np.inf), time.perf_counter() - started)
    assert best["ours"] < 1.5 * best["theirs"], best


@pytest.mark.parametrize("steps", [2.5, True])
def test_a_bounded_number_of_steps_must_be_an_integer(steps):
    with pytest.raises(ValueError, match="steps"):
        sde.euler(drifts.Linear(1.0), None, jnp.ones(2), jax.random.key(0), step_size=0.1, steps=steps, most=4)


def test_a_configuration_is_the_same_whatever_the_type_of_its_floats(tmp_path):
    checkpoint.save(tmp_path / "run", jnp.ones(2), dict(step_size=0.1))
    assert bool(jnp.all(checkpoint.load(tmp_path / "run", dict(step_size=np.float64(0.1)), jnp.zeros(2)) == 1))
