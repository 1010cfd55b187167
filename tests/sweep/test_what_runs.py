"""What runs is what was meant: the same bits in every process, and a refusal where code or data have changed."""

import contextlib
import functools
import io
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.cli.entry import main
from jaxprune.struct import static, struct
from jaxprune.sweep import Experiment, Store, read, run
from jaxprune.sweep.calls import Batch
from jaxprune.sweep.executors import LocalProcesses
from jaxprune.sweep.experiment import FILE_PREFIX
from jaxprune.sweep.program import lower, pinned, plain

HEAD = """
import functools, os, subprocess, sys
import jax, jax.numpy as jnp, numpy as np
from jaxprune.sweep import Experiment, Store, run

def make(n):
    return float(n)
"""
BOTH = """
from jaxprune.sweep.executors import LocalProcesses
with LocalProcesses(2) as pool:
    for e in EXPERIMENTS:
        here, there = run(e, workers=0), run(e, executor=pool)
        assert here.equals(there), (here, there)
        print(e.name, float(here["m"].values.flat[0]))
"""


def script(folder, body, name="exp.py", head=HEAD, arguments=(), **env):
    """Run a script; what it printed."""
    (folder / name).write_text(head + textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, name, *arguments],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WAYS = """
def scaled(function):
    @functools.wraps(function)
    def wrapper(key, problem):
        return {name: 1000.0 * value for name, value in function(key, problem).items()}
    return wrapper
@scaled
def decorated(key, problem):
    return {"m": problem}
A = Experiment("decorated", dict(n=[1, 2]), make, decorated, seeds=4, block=2)

def twice(key, problem):
    return {"m": problem}
B = Experiment("a_name", dict(n=[1, 2]), make, twice, seeds=4, block=2)
def twice(key, problem):
    return {"m": 100 + problem}
C = Experiment("given_twice", dict(n=[1, 2]), make, twice, seeds=4, block=2)

OF_MAIN = 1.0
D = Experiment("constant_of_the_main_script", dict(n=[1, 2]), make, lambda k, p: {"m": OF_MAIN * p}, seeds=4, block=2)
if __name__ == "__main__":
    OF_MAIN = 1000.0

ARGUMENT = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
def times(key, problem):
    return {"m": ARGUMENT * problem}
E = Experiment("argument_of_the_script", dict(n=[1, 2]), make, times, seeds=4, block=2)

WORD = float(os.environ.get("WORD", 1)) * (1 + len(os.environ.get("NPROC", "")))
class Scaled:
    def __init__(self, by):
        self.by = by
    def trial(self, key, problem, *, also=np.arange(3.0)):
        return {"m": self.by * problem + also.sum() + 0 * WORD}
F = Experiment(
    "lambdas_and_methods", dict(n=[1, 2]), lambda n: n * 1.0, lambda k, p, f=Scaled(5.0).trial: f(k, p), seeds=4, block=2
)

from jaxprune.struct import struct, static
@struct
class Mine:
    value: float
    power: int = static(default=2)
def power(key, problem):
    return {"m": problem.value ** problem.power}
G = Experiment("own_problem", dict(n=[3, 4]), lambda n: Mine(n * 1.0), power, seeds=4, block=2)
EXPERIMENTS = [A, B, C, D, E, F, G]
"""
PRINTED = """decorated 1000.0
a_name 1.0
given_twice 101.0
constant_of_the_main_script 1000.0
argument_of_the_script 7.0
lambdas_and_methods 8.0
own_problem 9.0
"""


@pytest.mark.slow
def test_workers_run_what_this_process_runs(tmp_path):
    """A plain script: a decorator, a name given twice, a constant of the main script, an argument, lambdas and methods with
    keyword-only defaults and the environment, a problem of the script's own."""
    assert script(tmp_path, WAYS + BOTH, arguments=["7"]) == PRINTED


@pytest.mark.slow
def test_a_module_of_a_package_runs_with_workers(tmp_path):
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "own.py").write_text("SCALE = 3.0\n")
    body = """
    from .own import SCALE
    def trial(key, problem):
        return {"m": SCALE * problem}
    EXPERIMENTS = [Experiment("e", dict(n=[1, 2]), make, trial, seeds=4, block=2)]
    """
    (package / "exp.py").write_text(HEAD + textwrap.dedent(body) + BOTH)
    done = subprocess.run(
        [sys.executable, "-m", "pkg.exp"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout == "e 3.0\n", done.stderr


@pytest.fixture(scope="module")
def pool():
    """One other process."""
    with LocalProcesses(1) as pool:
        yield pool


def test_functions_of_a_notebook_run_anywhere(pool):
    local = Experiment(
        "local", dict(a=[1.0]), make=lambda a: a, trial=lambda key, a: dict(m=a + jax.random.normal(key)), seeds=4
    )
    assert run(local, executor=pool).equals(run(local, workers=0))


EDITED = """
import subprocess
import numpy as np
from jaxprune.sweep import Experiment
from own import helper
V = subprocess.run(["true"]).returncode
OTHERS = {"f": np.sin, "g": max}
def make(n):
    return float(n)
def trial(key, p):
    return {"m": helper(p) + 0.0}
E = Experiment("c", axes=dict(n=[1]), make=make, trial=trial, seeds=2, block=2)
"""
OWN = """
def helper(p):
    return 2.0 * p
"""


RUN = ["run", "--out", "o", "--workers", "0"]


def forget():
    """The modules that commands have loaded: each reads the files of its own folder."""
    for name in [name for name in sys.modules if name == "own" or name.startswith(FILE_PREFIX)]:
        del sys.modules[name]


def command(folder, *more, file="c.py"):
    """Exit status and words of a run of the experiment in ``folder``, as in a fresh process."""
    forget()
    said = io.StringIO()
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        pytest.raises(SystemExit) as stop,
    ):
        main([*RUN, file, *map(str, more)])
    return stop.value.code or 0, said.getvalue()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A folder with an experiment, its helper module, and samples of two seeds, which another process has made."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "c.py").write_text(EDITED)
    (folder / "own.py").write_text(OWN)
    done = subprocess.run(
        [sys.executable, "-m", "jaxprune", *RUN, "c.py"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def begun(first, tmp_path, monkeypatch):
    """A copy of it. Files that are edited within a second must not be taken from their bytecode."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "path", sys.path[:])
    forget()
    yield shutil.copytree(first, tmp_path / "begun", ignore=shutil.ignore_patterns("__pycache__"))
    forget()


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, old, new",
    [
        ("c.py", "+ 0.0", "+ 1.0"),
        ("own.py", "2.0 * p", "3.0 * p"),
        ("c.py", "return float(n)", "return float(n) + 1"),
        ("c.py", "def trial", "def twice(f):\n    return lambda k, p: {'m': 2 * f(k, p)['m']}\n@twice\ndef trial"),
    ],
)
def test_changed_code_is_refused(begun, file, old, new):
    text = (begun / file).read_text()
    assert old in text
    (begun / file).write_text(text.replace(old, new))
    status, said = command(begun, "--seeds", 4)
    assert status == 2 and "what differs: the " in said and f"Sources that changed: {file}." in said
    np.testing.assert_array_equal(Store(begun / "o" / "c").read()["m"], [[2.0, 2.0]])


@pytest.mark.slow
@pytest.mark.parametrize(
    "file, old, new",
    [
        ("c.py", "import numpy as np", "import numpy as np, os"),
        ("c.py", "from own import helper", "import own; helper = own.helper"),
        ("c.py", "def trial(key, p):", "def trial(key, p):  # a comment\n    'words'"),
        ("c.py", "helper(p)", "2 * p"),
        ("c.py", "seeds=2", "seeds=4"),
    ],
)
def test_spelling_is_no_change(begun, file, old, new):
    text = (begun / file).read_text()
    assert old in text
    (begun / file).write_text(text.replace(old, new))
    status, said = command(begun, "--seeds", 4)
    assert status == 0, said
    np.testing.assert_array_equal(Store(begun / "o" / "c").read()["m"], [[2.0, 2.0, 2.0, 2.0]])


@pytest.mark.slow
def test_sources_that_were_accepted_are_no_news(begun):
    """Back to the text that made the samples, after another spelling was accepted; then the data change."""
    first = (begun / "c.py").read_text()
    (begun / "c.py").write_text(first.replace("helper(p)", "2 * p"))
    assert command(begun, "--seeds", 4)[0] == 0
    (begun / "c.py").write_text(first.replace("return float(n)", "return float(open('n.txt').read())"))
    (begun / "n.txt").write_text("1")
    assert command(begun, "--seeds", 6)[0] == 0
    (begun / "n.txt").write_text("5")
    status, said = command(begun, "--seeds", 8)
    assert status == 2 and "the problem at n=1" in said and "it may be data that make reads" in said and "c.py" not in said


@pytest.mark.slow
def test_a_moved_experiment_goes_on(begun):
    (begun / "elsewhere").mkdir()
    for name in ("c.py", "own.py"):
        shutil.move(begun / name, begun / "elsewhere" / name)
    status, said = command(begun, "--seeds", 4, file="elsewhere/c.py")
    assert status == 0 and "1 new tasks" in said, said


def test_figures_are_drawn_of_unchanged_code_only(begun):
    from jaxprune.sweep import load_experiments

    (own,) = load_experiments(begun / "c.py")
    np.testing.assert_array_equal(read(own, begun / "o" / "c")["m"], [[2.0, 2.0]])
    with pytest.raises(ValueError, match="what differs: the problem at n=1"):
        read(Experiment(**{**vars(own), "make": lambda n: 2.0 * n}), begun / "o" / "c")


N = 3


def small(trial, make=lambda a: a, **more):
    return Experiment("small", dict(a=[1.0]), make=make, trial=trial, seeds=4, block=4, **more)


def digest(trial, make=lambda a: a):
    with pinned("float64"):
        return lower(trial, 4, make(1.0)).fingerprint


@pytest.mark.parametrize("asked, kept", [("highest", True), ("default", False)])
def test_products_have_full_precision_on_an_accelerator_unless_declared_otherwise(monkeypatch, asked, kept):
    """Its own would be TF32 or bfloat16, three digits. On a CPU the program says nothing of it."""
    texts = []
    monkeypatch.setattr("jaxprune.sweep.program.plain", lambda text: texts.append(text) or plain(text))
    for batch in (None, Batch(1, 1, 4)):
        with pinned("float32"):
            lower(lambda key, a: {"m": a @ a}, 4, np.eye(3, dtype=np.float32), batch, asked)
    assert ["HIGHEST" in text for text in texts] == [False, kept]


@pytest.mark.parametrize("count", [2, 8])
def test_all_devices_of_a_process_give_the_bits_of_one(tmp_path, count):
    """Each in a thread of its own, with a program of its own. Devices of a CPU share threads, which a run refuses, as they divide
    long loops; those here are short."""
    body = """
    from jaxprune.sweep import driver, tasks
    from jaxprune.sweep.executors import LocalDevices
    driver.one_thread = tasks.one_thread = lambda: True

    def trial(key, n):
        x = jax.random.normal(key, (20, 20)) + n
        return {"m": jnp.linalg.norm(x @ x, axis=0)}

    if __name__ == "__main__":
        e = Experiment("own", dict(n=[1, 2, 3]), make, trial, inner=dict(i=list(range(20))), seeds=24, block=2)
        used = set()
        called = LocalDevices._called
        def noted(self, fn, args, kwargs):
            def inner(*a):
                used.add(str(jax.config.jax_default_device))
                return fn(*a)
            return called(self, inner, args, kwargs)
        LocalDevices._called = noted
        found = run(e, workers=0)
        print(len(jax.local_devices()), len(used), found["m"].values.tobytes().hex())
    """
    told = [
        script(tmp_path, body, NPROC="1", XLA_FLAGS=f"--xla_force_host_platform_device_count={n}").split() for n in (1, count)
    ]
    assert told[0][:2] == ["1", "0"] and told[1][:2] == [str(count)] * 2
    assert told[0][2] == told[1][2]


def test_worker_processes_are_refused_beside_an_accelerator(monkeypatch):
    """They would compute on the CPU, and say nothing."""
    toy = Experiment("toy", dict(n=[1, 2]), lambda n: float(n), lambda key, n: {"m": n + jax.random.normal(key)}, seeds=2)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(ValueError, match="^workers: 2 processes would compute on the CPU"):
        run(toy, workers=2)


@jax.jit
def jitted(x):
    return 2 * x


CHANGES = {
    "a keyword-only default": lambda k: lambda key, a, *, s=k: {"m": a + s},
    "a default": lambda k: lambda key, a, s=k: {"m": a + s},
    "a decorator's argument": lambda k: functools.wraps(jitted)(lambda key, a: {"m": jitted(a) + k}),
    "an array of NumPy": lambda k: lambda key, a, s=np.arange(50.0) + k: {"m": a + s.sum()},
    "an array of JAX": lambda k: lambda key, a, s=jnp.arange(3) + k: {"m": a + s[0]},
    "a partial function": lambda k: lambda key, a, f=functools.partial(jnp.power, k): {"m": f(a + 1)},
    "a set": lambda k: lambda key, a, s=frozenset({k, 100}): {"m": a + sum(s)},
    "a dict of functions": lambda k: lambda key, a, s={"f": lambda x: x + k, "g": max}: {"m": s["f"](a)},
    "a large constant": lambda k: lambda key, a, s=np.r_[np.zeros(10**5), k]: {"m": a + jnp.sum(a * s)},
    "an attribute": lambda k: lambda key, a, s=type("C", (), {"k": k}): {"m": a + s.k},
    "the name of a metric": lambda k: lambda key, a: {f"m{k}": a},
    "the type": lambda k: lambda key, a: {"m": jnp.asarray(a, [None, jnp.float32, jnp.int32][k])},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_program_is_known_by_all_it_uses(name):
    assert digest(CHANGES[name](1)) == digest(CHANGES[name](1)) != digest(CHANGES[name](2))


@jax.jit
def loc(x, y):
    return x - y


def test_a_helper_of_any_name_keeps_its_arguments():
    """``loc(`` is also what MLIR calls the place of an operation in its source."""
    one = small(lambda k, p: {"m": loc(jnp.sin(p), jnp.cos(p))})
    other = small(lambda k, p: {"m": (lambda s, c: loc(c, s))(jnp.sin(p), jnp.cos(p))})
    assert digest(one.trial) != digest(other.trial)
    first, second = (float(run(e, workers=0)["m"][0, 0]) for e in (one, other))
    assert first == -second == pytest.approx(np.sin(1) - np.cos(1))


@pytest.mark.parametrize("name", ["größe", "a b", 'quo"te', "at@sign", "loc(x", "<lambda>", "名前"])
def test_names_of_helpers_are_not_part_of_the_program(name):
    def helper(x):
        return 2 * x

    plainly = digest(lambda k, p: {"m": jax.jit(helper)(p) + 1})
    helper.__name__ = helper.__qualname__ = name
    assert digest(lambda k, p: {"m": jax.jit(helper)(p) + 1}) == plainly


@pytest.mark.parametrize(
    "pair, trial, right",
    [
        ((7, 7.0), lambda key, p: {"m": p.x + (10.0 if isinstance(p.s, float) else 0.0)}, [1.0, 11.0]),
        ((0.0, -0.0), lambda key, p: {"m": p.x * float(np.copysign(1, p.s))}, [1.0, -1.0]),
        ((1, True), lambda key, p: {"m": p.x + jnp.sum(jnp.arange(4.0)[p.s])}, [2.0, 7.0]),
    ],
)
def test_static_fields_that_are_equal_may_differ(pair, trial, right):
    @struct
    class Mine:
        x: float
        s: object = static(default=0)

    both = Experiment("both", dict(i=[0, 1]), lambda i: Mine(1.0, pair[i]), trial, seeds=2, block=2)
    assert run(both, workers=0)["m"][:, 0].values.tolist() == right


def test_problems_that_share_an_array_keep_their_numbers(pool):
    """``make`` fills one array again and again."""
    shared = np.zeros(3)

    def make(n):
        shared[:] = n
        return shared

    own = Experiment("own", dict(n=[1, 2, 3]), make, lambda k, p: {"m": p.sum()}, seeds=2, block=2)
    for where in (dict(workers=0), dict(executor=pool)):
        assert run(own, **where)["m"][:, 0].values.tolist() == [3.0, 6.0, 9.0]


def test_numbers_that_do_not_fit_are_refused():
    wide = Experiment("wide", dict(n=[1, 2**40 + 7]), lambda n: n, lambda k, p: {"m": p * 1.0}, precision="float32")
    with pytest.raises(ValueError, match="does not fit int32"):
        run(wide, workers=0)
    with pytest.raises(ValueError, match="^n: integers of a grid have 64 bits at most"):
        wide.resized(n=[2**70])
    with pytest.raises(ValueError, match="is a JAX key"):
        run(small(lambda k, p: {"m": 1.0}, make=lambda a: jax.random.key(0)), workers=0)


KINDS = ["bfloat16", "float16", "int4", "float8_e4m3fn", "complex64", "bool"]


@pytest.mark.slow
def test_leaves_of_every_type_travel(pool):
    own = small(
        lambda k, p: {kind: jnp.sum(leaf.astype(float)) for kind, leaf in p.items()},
        make=lambda a: {kind: jnp.ones(3).astype(kind) for kind in KINDS},
    )
    here = run(own, workers=0)
    assert run(own, executor=pool).equals(here) and all(float(here[kind][0, 0]) == 3.0 for kind in KINDS)


SPLIT = """
import jax, jax.numpy as jnp
from concurrent.futures import ThreadPoolExecutor
from jaxprune.sweep import Experiment, run
E = Experiment("sum", dict(a=[1.0]), lambda a: a, lambda k, a: {"m": jnp.abs(jnp.fft.fft(jax.random.normal(k, (2**16,)))).sum()},
               seeds=4, block=4)
BEGIN
here, there = (run(E, workers=w) for w in (0, 2))
assert here.equals(there), (here.m.values, there.m.values)
with ThreadPoolExecutor(1) as pool:
    try:
        assert run(E, executor=pool).equals(there)
        print("same")
    except Exception as error:
        print(error)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.cpu_count() == 1, reason="needs several cores")
@pytest.mark.parametrize("begin, printed", [("", "same"), ("jnp.zeros(3) + 1", "XLA uses several threads in this process")])
def test_threads_of_xla_change_no_bits(tmp_path, begin, printed):
    """A script whose JAX has started with several threads, and one whose run starts it."""
    clean = {k: v for k, v in os.environ.items() if k not in ("NPROC", "XLA_FLAGS")}
    code = SPLIT.replace("BEGIN", begin)
    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, text=True, timeout=300, check=False)
    assert printed in done.stdout, done


def test_flags_of_the_compiler_are_part_of_the_program(monkeypatch):
    trial = lambda key, a: {"m": a}  # noqa: E731
    first = digest(trial)
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=2 --xla_dump_to=x")
    assert digest(trial) == first
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")
    assert digest(trial) != first


def test_what_cannot_be_made_any_more_is_not_shown(tmp_path):
    own = Experiment("own", dict(n=[1, 2]), lambda n: float(n), lambda k, p: {"m": p}, seeds=2, block=2)
    run(own, workers=0, store=tmp_path / "s")

    def make(n):
        if n == 2:
            raise RuntimeError("gone")
        return float(n)

    now = Experiment(**{**vars(own), "make": make})
    for attempt in (lambda: read(now, tmp_path / "s"), lambda: run(now, workers=0, store=tmp_path / "s")):
        with pytest.raises(ValueError, match=r"the problem at n=2, which cannot be made now \(RuntimeError: gone"):
            attempt()
    assert read(now.resized(n=[1]), tmp_path / "s")["m"].values.tolist() == [[1.0, 1.0]]


@pytest.mark.slow
def test_this_package_is_part_of_the_program(monkeypatch, tmp_path):
    from jaxprune.simulate import least_squares
    from jaxprune.simulate.least_squares import pruning
    from tests.sweep.toy import make

    def trial(key, problem):
        path = least_squares.min_norm_path(least_squares.draw(problem, key), [3, 20])
        return {"score": pruning.scores(pruning.magnitude, path, problem, key)}

    inner = dict(width=[3, 20], k=range(20))
    own = Experiment("own", dict(noise=[0.1], decay=[1.0]), make, trial, inner=inner, seeds=4, block=4)
    run(own, workers=0, store=tmp_path / "s")
    honest = pruning.magnitude
    monkeypatch.setattr(pruning, "magnitude", lambda *a: -honest(*a))
    with pytest.raises(ValueError, match=r"the code of make or trial\. .* No source changed that is known of"):
        run(own, workers=0, store=tmp_path / "s")


@pytest.mark.slow
def test_the_same_hash_in_every_process(tmp_path):
    body = """
    from tests.sweep.toy import make, trial
    from jaxprune.sweep.program import lower, pinned
    from jaxprune.sweep.sources import sources
    with pinned("float64"):
        print(lower(trial, 4, make(0.1, 1.0), None).fingerprint, sources(make, trial))
    """
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    first = script(tmp_path, body, PYTHONHASHSEED="1", PYTHONPATH=root)
    assert first == script(tmp_path, body, PYTHONHASHSEED="2", PYTHONPATH=root) and "jaxprune.simulate.least_squares" in first


def test_the_text_of_a_program_knows_no_names_and_places():
    text = (
        'module @jit_a {\n  func.func public @main(%x: f64 loc("x("(#loc3))) {\n    call @wild(%x) : f64 loc(#loc2)\n'
        "    custom_call @lapack(%x) loc(unknown)\n  }\n  func.func private @wild() loc(#loc1)\n}\n"
        '#loc1 = loc("a)b"("f.py":3:4 to :5))\n'
    )
    other = text.replace("wild", "tame").replace("jit_a", "jit_b").replace("f.py", "g.py").replace("#loc2", "#loc7")
    assert plain(text) == plain(other) and "loc" not in plain(text) and "@lapack" in plain(text)
    assert plain(text) != plain(text.replace("lapack", "other"))


@pytest.mark.parametrize("call", ["print", "pure_callback", "io_callback"])
def test_host_callbacks_are_refused(call):
    from jax.experimental import io_callback

    def trial(key, a):
        if call == "print":
            jax.debug.print("{}", a)
            return {"m": a}
        back = jax.pure_callback if call == "pure_callback" else io_callback
        return {"m": back(lambda x: np.asarray(x), jax.ShapeDtypeStruct((), jnp.float64), a)}

    with pytest.raises(ValueError, match="^trial: it calls back to the host"):
        run(small(trial), workers=0)


def test_data_that_change_are_refused_by_name(tmp_path):
    data = tmp_path / "my.csv"

    def make(file):
        return np.loadtxt(file.partition(":")[2], delimiter=",")

    own = Experiment("own", dict(file=[f"csv:{data}"]), make, lambda key, p: {"m": p.sum()}, seeds=2, block=2)
    data.write_text("1,2\n3,4\n")
    run(own, workers=0, store=tmp_path / "s")
    for text in ("1,2\n3,5\n", "1,2\n3,4\n5,6\n"):  # a number, a row
        data.write_text(text)
        for attempt in (own, own.resized(seeds=4)):
            with pytest.raises(
                ValueError, match=rf"what differs: the problem at file=csv:.* \(the data in {re.escape(str(data))}\)"
            ):
                run(attempt, workers=0, store=tmp_path / "s")
    data.write_text("1, 2\n3, 4.0\n")  # the same numbers
    assert run(own.resized(seeds=4), workers=0, store=tmp_path / "s")["m"].values.tolist() == [[10.0] * 4]


def test_code_that_changed_shows_at_a_point_that_is_not_asked_for(tmp_path):
    """Old points made by old code, new points by new code: no point is shared, and the store would be mixed."""
    one = Experiment("one", dict(n=[1, 2]), lambda n: float(n), lambda key, p: {"m": p}, seeds=2, block=2)
    run(one.resized(n=[1]), workers=0, store=tmp_path / "s")
    two = Experiment(**{**vars(one), "trial": lambda key, p: {"m": 2 * p}})
    with pytest.raises(ValueError, match="the code of make or trial"):
        run(two.resized(n=[2]), workers=0, store=tmp_path / "s")
    assert Store(tmp_path / "s").read()["m"].values.tolist() == [[1.0, 1.0]]


def test_a_problem_that_differs_at_every_call_is_refused(tmp_path):
    """Where the first point does not, on the second run."""
    wild = small(lambda key, a: {"m": a}, make=lambda a: np.random.default_rng(None if a > 1 else 0).normal()).replace(
        axes=dict(a=[1.0, 2.0])
    )
    run(wild, workers=0, store=tmp_path / "s")
    with pytest.raises(ValueError, match="make: it gives another problem at every call"):
        run(wild.resized(seeds=8), workers=0, store=tmp_path / "s")


@pytest.mark.slow
def test_across_versions_of_jax_sources_decide(tmp_path):
    """As if the receipts were written under another jax, where programs have other texts."""
    from tests.sweep.toy import TOY

    one = TOY.resized(noise=[0.1], decay=[1.0])
    run(one, workers=0, store=tmp_path / "s")
    for path in (tmp_path / "s" / "receipts").iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "jax": "0.0.1", "program": "another"}))
    samples = run(one.resized(seeds=20), workers=0, store=tmp_path / "s")
    assert samples.attrs["jax"] == f"0.0.1, {jax.__version__}"
    shutil.rmtree(tmp_path / "s")
    run(one, workers=0, store=tmp_path / "s")
    for path in (tmp_path / "s" / "receipts").iterdir():
        path.write_text(json.dumps({**json.loads(path.read_text()), "jax": "0.0.1"}))
    state = json.loads((tmp_path / "s" / "run.json").read_text())
    state["sources"][0]["toy.py"] = "0"
    (tmp_path / "s" / "run.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match=r"what differs: the version of jax .*Sources that changed: toy\.py"):
        run(one.resized(seeds=20), workers=0, store=tmp_path / "s")


@pytest.mark.slow
def test_samples_say_what_they_depend_on(tmp_path):
    """The digest grows with the grid and is the same from memory and from a store."""
    from tests.sweep.toy import TOY

    one = TOY.resized(noise=[0.1])
    found = [run(e, workers=0, store=s).attrs["digest"] for e in (one, TOY) for s in (None, tmp_path / "s")]
    assert found[0] == found[1] != found[2] == found[3]
    assert run(one, workers=0, root=1).attrs["digest"] != found[0]


@pytest.mark.slow
def test_an_edit_while_a_sweep_runs_changes_nothing(tmp_path):
    """Workers that start after the edit run what was lowered before it."""
    body = """
    import pathlib
    from jaxprune.sweep.executors import LocalProcesses
    def trial(key, problem):
        return {"m": 1.0 + 0 * problem}
    E = Experiment("e", dict(n=[1, 2]), make, trial, seeds=8, block=2)
    class Edits(LocalProcesses):
        count = 0
        def submit(self, *call):
            Edits.count += 1
            if Edits.count == 3:
                text = pathlib.Path(__file__).read_text()
                pathlib.Path(__file__).write_text(text.replace("1.0 +", "2.0 +"))
                for worker in list(self._workers.values()):
                    worker.kill()
            return super().submit(*call)
    with Edits(1) as pool:
        print(np.unique(run(E, executor=pool)["m"]))
    """
    assert script(tmp_path, body) == "[1.]\n"
    assert "2.0 +" in (tmp_path / "exp.py").read_text()
