"""Runs end well: signals, failures, hung and lost workers; what happened is said, and nothing that was done is lost."""

import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprune.cli.entry import main
from jaxprune.sweep import Experiment, Stopped, Store, drive, progress, run
from jaxprune.sweep.executors import LocalProcesses, ending
from jaxprune.sweep.interrupts import Interrupts
from tests.sweep import calls
from tests.sweep.calls import Mine, Mute

SLOW = """
import sys
import jax, jax.numpy as jnp
from jaxprune.sweep import Experiment, run

def make(n):
    return n

def trial(key, n):  # an hour of one core
    return {"m": jax.lax.fori_loop(0, 10**10 * n, lambda i, x: jnp.sin(x) + i, jax.random.normal(key))}

EXPERIMENT = Experiment("slow", dict(n=[0, 1, 2]), make, trial, seeds=4, block=2, smoke=dict(seeds=2))
if __name__ == "__main__":
    run(EXPERIMENT, workers=2, store=sys.argv[1])
"""


def children(process):
    return subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout.split()


def busy(store, process):
    """Wait until the quick tasks are done and the endless ones run; the driver's children."""
    deadline = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < deadline:
        if len(list((store / "receipts").glob("*.json"))) == 2:
            time.sleep(0.5)
            return children(process)
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def gone(pids, seconds):
    deadline = time.monotonic() + seconds
    while any(os.path.exists(f"/proc/{p}") for p in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not any(os.path.exists(f"/proc/{p}") for p in pids)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["script SIGKILL", "script SIGTERM", "command SIGINT"])
def test_busy_workers_end_with_their_driver(tmp_path, how, interruptible):
    (tmp_path / "slow.py").write_text(SLOW)
    kind, name = how.split()
    store = tmp_path / "slow"
    command = (
        ["-m", "jaxprune", "run", "slow.py", "--workers", "2", "--out", "."] if kind == "command" else ["slow.py", str(store)]
    )
    driver = subprocess.Popen(
        [sys.executable, *command], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    workers = busy(store, driver)
    assert len(workers) == 2
    driver.send_signal(signal.Signals[name])
    said = "".join(driver.communicate(timeout=60))
    assert gone(workers, 30)
    assert driver.returncode == dict(SIGKILL=-9, SIGTERM=143, SIGINT=130)[name]
    assert "Traceback" not in said
    assert ("stopped; of a run the finished tasks are kept, and the same command goes on from there" in said) is (
        kind == "command"
    )
    assert not list(tmp_path.rglob("*.tmp"))
    assert len(Store(store).done()) == 2


class Litter:
    """Signals its own process while it is thrown away, when Python swallows exceptions and prints them."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_while_garbage_is_collected_comes_after_it(interruptible, capsys):
    with Interrupts() as interrupts:
        Litter()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert not capsys.readouterr().err


def point(trial=lambda key, p: {"m": p + jax.random.normal(key)}, make=lambda n: float(n)):
    return Experiment("points", dict(n=[1, 2, 3]), make, trial, seeds=4, block=2)


def failing(error):
    def make(n):
        if n == 2:
            if isinstance(error, SystemExit):
                sys.exit(error.code)
            raise error
        return float(n)

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    "error, words, workers",
    [
        (Mine("my words"), r"Mine: my words \(test_endings.py, line \d+\)", 1),
        (Mine("my words"), r"Mine: my words \(test_endings.py, line \d+\)", 0),
        (Mute(), r"Mute: \(its text cannot be told\) \(test_endings.py, line", 0),
        (SystemExit(9), r"RuntimeError: make called sys.exit\(9\)", 0),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero", 0),
        (np.linalg.LinAlgError("Singular matrix"), "LinAlgError: Singular matrix", 0),
        (MemoryError(), r"MemoryError \(", 0),
        (FileNotFoundError(2, "No such file or directory", "x.npy"), "FileNotFoundError: .*x.npy", 0),
    ],
)
def test_a_point_that_fails_stops_no_other(tmp_path, error, words, workers):
    with pytest.raises(
        Stopped, match=rf"^2 of 6 tasks failed, 4 are done:\n  n=2, seeds 0\.\.1 and 1 more tasks there: {words}"
    ):
        run(point(make=failing(error)), workers=workers, store=tmp_path / "s")
    held = Store(tmp_path / "s").read()
    assert np.isnan(held["m"].sel(n=2)).all() and np.isfinite(held["m"].sel(n=[1, 3])).all()


def test_bad_coordinates_are_refused_before_anything_is_computed(tmp_path):
    with pytest.raises(ValueError, match="^n: two is too many"):
        run(point(make=failing(ValueError("n: two is too many"))), workers=0, store=tmp_path / "s")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("error", [Mine("my words"), KeyError("x")])
def test_where_every_point_fails_the_error_is_the_script_s_own(error):
    def trial(key, p):
        raise error

    with pytest.raises(type(error)):
        run(point(trial=trial), workers=0)


def test_a_trial_that_ends_the_program_is_told():
    with pytest.raises(RuntimeError, match=r"trial called sys.exit\(9\)"):
        run(point(trial=lambda key, p: sys.exit(9)), workers=2)


@pytest.mark.slow
def test_all_that_failed_is_reported_with_exit_status_3(tmp_path, capfd):
    (tmp_path / "exp.py").write_text(
        "from jaxprune.sweep import Experiment\n"
        "class Odd(Exception):\n    pass\n"
        "def make(n):\n    if n % 2:\n        raise Odd(f'{n} is odd')\n    return float(n)\n"
        "def trial(key, p):\n    return {'m': p}\n"
        "E = Experiment('e', dict(n=[0, 1, 2, 3]), make, trial, seeds=4, block=4)\n"
    )
    with pytest.raises(SystemExit) as stop:
        main(["run", str(tmp_path / "exp.py"), "--out", str(tmp_path), "--workers", "0"])
    said = capfd.readouterr().err
    assert stop.value.code == 3 and "2 of 4 tasks failed, 2 are done" in said
    assert "n=1, seeds 0..3: Odd: 1 is odd (exp.py, line 6)" in said and "n=3, seeds 0..3: Odd: 3 is odd" in said


def test_a_point_too_large_for_the_budget_stops_no_other(tmp_path):
    growing = Experiment(
        "growing",
        dict(n=[10, 4000]),
        make=lambda n: np.zeros(n),
        trial=lambda key, p: {"m": jnp.linalg.norm(jnp.sin(jnp.outer(p, p) + jax.random.normal(key, (len(p), len(p)))) @ p)},
        seeds=4,
        block=2,
    )
    with pytest.raises(Stopped, match="2 of 4 tasks failed, 2 are done:\n  n=4000, seeds 0..1 and 1 more .*budget: one trial"):
        run(growing, workers=0, budget=2**26, store=tmp_path / "s")


HANGS = Experiment(
    "hangs",
    dict(n=[1, 2, 3]),
    make=lambda n: float(n),
    trial=lambda key, p: {
        "m": jax.lax.while_loop(lambda x: (p == 2) & (x < 1), lambda x: x - 1, p - 5 + jax.random.uniform(key))
    },
    seeds=4,
    block=4,
)


@pytest.mark.slow
def test_a_hung_task_is_reported_by_its_label(tmp_path):
    started = time.monotonic()
    with pytest.raises(
        Stopped, match=r"1 of 3 tasks failed, 2 are done:\n  n=2, seeds 0..3: TimeoutError: no answer within 15 s"
    ):
        run(HANGS, workers=2, time_limit=15, store=tmp_path / "s")
    assert time.monotonic() - started < 60
    assert len(Store(tmp_path / "s").done()) == 2


@pytest.mark.slow
def test_what_calls_do_in_a_worker_harms_nobody():
    with LocalProcesses(1) as pool:
        assert pool.submit(calls.ask).result(timeout=60) == ("", "input")  # an empty standard input, not the driver's pipe
        assert pool.submit(calls.tell).result(timeout=60) == 7
        for kind, error, words in (
            ("mine", RuntimeError, "Mine: m"),
            ("mute", RuntimeError, "Mute: "),
            ("known", KeyError, "k"),
            ("exit", RuntimeError, r"called sys.exit\(9\)"),
        ):
            with pytest.raises(error, match=words):
                pool.submit(calls.fail, kind).result(timeout=60)
        with pytest.raises(Exception, match="pickle"):
            pool.submit(lambda: 1).result(timeout=60)
        assert pool.submit(os.getpid).result(timeout=60) > 0


def test_the_end_of_a_process_is_told():
    assert "want of memory" in ending(-9) and "signal 11" in ending(-11) and "exit status 9" in ending(9)


@pytest.mark.slow
def test_arrays_are_not_copied_on_their_way(tmp_path):
    """The driver holds a task of 160 MiB about twice (as it came, and compressed), not many times."""
    code = """
import resource, sys
import jax
from jaxprune.sweep import Experiment, run
N = 5 * 2**20
E = Experiment("big", dict(a=[1.0, 2.0]), lambda a: a, lambda k, a: {"m": a + jax.random.normal(k, (N // 2**10, 2**10))},
               dict(i=range(N // 2**10), j=range(2**10)), seeds=4, block=4)
class Peak:
    before = 0
    def start(self, *a): self.before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    def step(self, n): self.after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    def say(self, words): pass
    def stop(self): pass
peak = Peak()
run(E, workers=1, store=sys.argv[1], progress=peak)
print((peak.after - peak.before) / (4 * 8 * N / 2**10))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, text=True, timeout=300, check=False
    )
    assert float(done.stdout) < 4.5, done  # in tasks; one more may have arrived


@pytest.mark.slow
def test_pools_that_fork_are_refused():
    forks, spawns = (multiprocessing.get_context(kind) for kind in ("fork", "spawn"))
    with (
        concurrent.futures.ProcessPoolExecutor(1, mp_context=forks) as pool,
        pytest.raises(ValueError, match=r"^executor: .* hangs .* mp_context=multiprocessing.get_context\('spawn'\)"),
    ):
        run(point(), executor=pool)
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawns) as pool:
        assert run(point(), executor=pool).equals(run(point(), workers=0))


class Deaf(concurrent.futures.Executor):
    """An executor that takes tasks and never answers, nor says that they run."""

    def submit(self, fn, /, *args, **kwargs):
        return concurrent.futures.Future()


@pytest.mark.slow
def test_an_executor_that_never_answers_is_given_up():
    started = time.monotonic()
    with pytest.raises(Stopped, match="6 of 6 tasks failed.*\n.*no answer within 0.1 s; it hangs, or no worker is there"):
        run(point(), executor=Deaf(), time_limit=0.1)
    assert time.monotonic() - started < 20


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    settings = dict(n_workers=1, threads_per_worker=1, dashboard_address=None, env={"NPROC": "1"})
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        yield cluster, client


@pytest.mark.slow
def test_a_cluster_without_workers_is_noticed(cluster, monkeypatch, capfd):
    """Workers that were there and are gone end the run; workers that have not come yet are waited for, aloud."""
    place, client = cluster
    monkeypatch.setattr(drive, "SILENT_SECONDS", 2.0)
    honest, calls = drive.Drive._take, []

    def take(self, future):
        honest(self, future)
        calls.append(1)
        if len(calls) == 1:
            place.scale(0)

    monkeypatch.setattr(drive.Drive, "_take", take)
    slow = point(trial=lambda key, p: {"m": jax.lax.fori_loop(0, 10**8, lambda i, x: jnp.sin(x) + p, p)})
    with pytest.raises(Stopped, match="all workers of the cluster are gone; start some and run again"):
        run(slow, executor=client.get_executor(pure=False))


@pytest.mark.slow
def test_a_hung_task_on_a_cluster_is_given_up(cluster):
    _, client = cluster
    with pytest.raises(Stopped, match=r"TimeoutError: no answer within 0\.1 s"):
        run(HANGS, executor=client.get_executor(pure=False), time_limit=0.1)


@pytest.mark.slow
def test_waiting_is_told(monkeypatch, capfd):
    """Tasks that wait until something has been said."""
    monkeypatch.setattr(drive, "SILENT_SECONDS", 0.3)
    lines, told = progress.shown("points"), threading.Event()
    honest = lines.say

    def say(words):
        honest(words)
        if "no task" in words:
            told.set()

    class Late(concurrent.futures.ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            return super().submit(lambda: (told.wait(60), fn(*args, **kwargs))[1])

    monkeypatch.setattr(lines, "say", say)
    with Late(6) as pool:
        run(point(), executor=pool, progress=lines)
    assert told.is_set() and "no task has ended for" in capfd.readouterr().err
