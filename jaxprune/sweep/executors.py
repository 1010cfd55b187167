"""Ways to run tasks: in this process, or one process per core. Anything else is a ``concurrent.futures.Executor`` too."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from jaxprune.sweep.pipe import Receiver, Sender

# One thread each: several threads in one process are slower, and can hang in a batched factorisation.
ONE_THREAD = {"NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
DEATHS_ALLOWED = 2


class WorkerDied(RuntimeError):
    """A worker process ended without an answer, more often than is forgiven."""


class InProcess(Executor):
    """Runs each task at once, in the calling thread."""

    window = 1

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """A finished future."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class LocalDevices(Executor):
    """A thread for each of several devices of this process: while one waits for its device, the others go on."""

    def __init__(self, devices: Sequence[Any]):
        self.window = 2 * len(devices)
        self._threads = ThreadPoolExecutor(len(devices))
        self._free: queue.SimpleQueue = queue.SimpleQueue()
        for device in devices:
            self._free.put(device)

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Queue one call, for the first device that is free."""
        return self._threads.submit(self._called, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, after the calls that run; with ``cancel_futures`` the queued ones are dropped."""
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _called(self, fn: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
        import jax

        device = self._free.get()
        try:
            with jax.default_device(device):
                return fn(*args, **kwargs)
        finally:
            self._free.put(device)


class _Worker:
    """One process and the two ends of its pipes."""

    def __init__(self) -> None:
        command = [sys.executable, "-P", "-c", "from jaxprune.sweep.worker import main; main()"]
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": path},
            start_new_session=True,  # an interrupt at the keyboard is the driver's to handle
        )
        self._calls: Any = self.process.stdin
        self._sender, self._outcomes = Sender(self._calls), Receiver(self.process.stdout)  # type: ignore[arg-type]

    def call(self, function: Callable, arguments: tuple) -> tuple[bool, Any]:
        """Whether it succeeded, and what it returned or raised. EOFError or OSError when the process is gone."""
        self._sender.send((function, arguments))
        return self._outcomes.receive()

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> int:
        """Let it go; its exit status."""
        with contextlib.suppress(OSError):  # what was not sent has no reader
            self._calls.close()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]
        return self.process.returncode


class LocalProcesses(Executor):
    """``workers`` processes of one thread each, fresh interpreters that never run or import the caller's file.

    A task that takes longer than ``time_limit`` seconds is ended with its process and fails with TimeoutError.
    A task whose process dies is tried again in a new one, at most twice. The processes end with this one.
    """

    def __init__(self, workers: int, time_limit: float | None = None):
        self.window = 2 * workers
        self._limit = time_limit
        self._tasks: queue.SimpleQueue = queue.SimpleQueue()
        self._workers: dict[int, _Worker] = {}
        self._open = True
        self._threads = [threading.Thread(target=self._serve, args=(i,), daemon=True) for i in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Queue one call; ``fn`` must be importable in another process."""
        if kwargs:
            raise TypeError("LocalProcesses passes positional arguments only")
        future: Future = Future()
        self._tasks.put((future, fn, args))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes; with ``cancel_futures`` at once, otherwise after the queued tasks."""
        if cancel_futures:
            self._open = False
            for worker in list(self._workers.values()):
                worker.kill()
        for _ in self._threads:
            self._tasks.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _serve(self, slot: int) -> None:
        while self._open and (item := self._tasks.get()) is not None:
            future, fn, args = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                good, value = self._call(slot, fn, args)
            except Exception as error:
                good, value = False, error
            (future.set_result if good else future.set_exception)(value)
        self._end(slot)

    def _call(self, slot: int, fn: Callable, args: tuple) -> tuple[bool, Any]:
        status = 0
        for _ in range(DEATHS_ALLOWED + 1):
            if not self._open:
                return False, WorkerDied("the run was stopped")
            worker = self._workers.get(slot) or self._workers.setdefault(slot, _Worker())
            if not self._open:
                worker.kill()
            expired = threading.Event()
            timer = threading.Timer(self._limit or 0, lambda w=worker, e=expired: (e.set(), w.kill()))
            timer.daemon = True
            if self._limit:
                timer.start()
            try:
                return worker.call(fn, args)
            except (EOFError, OSError):
                status = self._end(slot)
                if expired.is_set():
                    return False, TimeoutError(f"no answer within {self._limit:g} s; its process was ended")
            except Exception:  # what cannot be pickled: the two ends may no longer agree
                self._end(slot)
                raise
            finally:
                timer.cancel()
        return False, WorkerDied(f"its process died {DEATHS_ALLOWED + 1} times ({ending(status)})")

    def _end(self, slot: int) -> int:
        worker = self._workers.pop(slot, None)
        return worker.end() if worker else 0


def ending(status: int) -> str:
    """How a process ended, and what to try."""
    if status == -signal.SIGKILL:
        return "killed by the system, often for want of memory: try fewer workers, or a smaller problem"
    if status < 0:
        return f"signal {-status}, {signal.strsignal(-status) or 'unknown'}: a crash in compiled code, not an error of Python's"
    return f"exit status {status}: something in the task ended the process"
