"""Benchmark: ``jaxprune weights`` on one made-up network, against the package weightwatcher: time, memory, and what each says.

Dense and convolutional layers, half of them of Gaussian numbers, half of Student's t with 2.5 degrees of freedom. Each program
is a process of its own, timed with its imports; its memory is the largest it held. Exponents of dense layers are checked to
agree before anything is printed; the package pools the spectra at the positions of a kernel, as the column ``positions`` does.
"""

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _record import Bench
from _timing import Work

DENSE, CONVOLUTIONS = (300, 600, 1000), (64, 128, 256)  # a side; channels of 3 x 3 kernels
REPEATS = 3
QUICK = dict(DENSE=(60,), CONVOLUTIONS=(16,), REPEATS=1)
TELLING = """
import atexit
def tell():
    with open("/proc/self/status") as told:
        print("\\nheld", next(line.split()[1] for line in told if line.startswith("VmHWM")))
atexit.register(tell)
"""  # the system's own account of a child, ru_maxrss, begins with the memory of its parent
OURS = f"{TELLING}import runpy\nrunpy.run_module('jaxprune', run_name='__main__', alter_sys=True)"
THEIRS = f"""{TELLING}
import sys, warnings, logging
warnings.simplefilter("ignore")
import numpy as np, torch, weightwatcher
logging.disable(logging.CRITICAL)
arrays = np.load(sys.argv[1])
def module(w):
    outputs, inputs = w.shape[:2]
    kind = torch.nn.Linear(inputs, outputs) if w.ndim == 2 else torch.nn.Conv2d(inputs, outputs, 3)
    kind.weight.data = torch.tensor(w)
    return kind
print("device", torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu")
model = torch.nn.Sequential(*(module(arrays[name]) for name in arrays))
found = weightwatcher.WeightWatcher(model=model).analyze()
for name, alpha in zip(arrays, found.alpha):
    print("alpha", name, alpha)
"""


class Done(NamedTuple):
    """What a process printed, its seconds, and the largest memory it held, in GiB."""

    said: str
    seconds: float
    gibibytes: float

    def words(self, first: str) -> list[list[str]]:
        """Of the lines that begin with a word, the others."""
        return [line.split()[1:] for line in self.said.splitlines() if line.startswith(f"{first} ")]


def network() -> dict[str, np.ndarray]:
    """Weights by name."""
    rng, found = np.random.default_rng(0), {}
    shapes = {**{f"dense{n}": (n, n) for n in DENSE}, **{f"convolution{n}": (n, n, 3, 3) for n in CONVOLUTIONS}}
    for name, shape in shapes.items():
        for law, draw in (("gaussian", rng.standard_normal(shape)), ("student", rng.standard_t(2.5, shape))):
            found[f"{name}.{law}.weight"] = (draw / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
    return found


def run(code: str, *words: Any) -> Done:
    """A process of Python that runs ``code``."""
    started, env = time.perf_counter(), os.environ | dict(XLA_PYTHON_CLIENT_PREALLOCATE="false")
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, env=env, check=False)
    took = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"a process ended with {done.returncode}: {done.stderr[-1000:]}")
    return Done(done.stdout, took, int(done.stdout.rsplit(maxsplit=1)[-1]) / 2**20)


def ours(file: Path, folder: Path) -> Done:
    """The report of this package."""
    return run(OURS, "weights", file, "--out", folder)


def told(folder: Path) -> dict[str, dict[str, str]]:
    """Our table: layer -> column -> cell."""
    with (folder / "network" / "layers.csv").open() as file:
        return {row["layer"]: row for row in csv.DictReader(file)}


def measured(bench: Bench, file: Path, peer: bool) -> tuple[Done, ...]:
    """Time and memory of both, one after the other; what each did last."""
    pairs = [(ours(file, file.parent), *([run(THEIRS, file)] if peer else [])) for _ in range(REPEATS)]
    device = " ".join(word for line in pairs[0][-1].words("device") for word in line)
    works = {"jaxprune weights": Work(), "weightwatcher": Work(device=device)}
    runs = dict(zip(works, zip(*pairs, strict=True), strict=False))
    for what, unit, column in (("time", "s", "seconds"), ("largest memory", "GiB", "gibibytes")):
        bench.keep(what, "", unit, {who: [getattr(d, column) for d in done] for who, done in runs.items()}, works=works)
    return pairs[-1]


def exponents(bench: Bench, layer: str, row: dict[str, str], theirs: float | None) -> None:
    """What each says of a layer; nothing where a fit failed. Those of dense layers must agree."""
    own, control = row["positions"] or row["spectrum"], row["positions_gaussian"] or row["gaussian"]
    if theirs is not None and own and not row["positions"]:
        bench.agree(f"{layer}: exponents differ by", abs(theirs / float(own) - 1), 1e-3)
    found = {"jaxprune weights": own, "jaxprune weights, Gaussian control": control, "weightwatcher": theirs}
    values = {who: [float(value)] for who, value in found.items() if value not in ("", None)}
    bench.keep("exponents of the squared singular values", layer, "pdf exponent", values, compared=False)


def main(bench: Bench) -> None:
    """Both on one file; without the package, ours alone."""
    weightwatcher, weights = bench.has("weightwatcher"), network()
    bench.say(f"{len(weights)} layers, {sum(w.size for w in weights.values()):,} weights")
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "network.npz"
        np.savez(file, allow_pickle=False, **weights)  # pyright: ignore[reportArgumentType]
        done = measured(bench, file, weightwatcher)
        table = told(file.parent)
    theirs = {name: float(value) for name, value in done[-1].words("alpha")}
    for name in weights:
        exponents(bench, name, table[name], theirs.get(name))
