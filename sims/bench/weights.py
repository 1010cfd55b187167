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
from _timing import optional, range_of, setting

DENSE, CONVOLUTIONS = (300, 600, 1000), (64, 128, 256)  # a side; channels of 3 x 3 kernels
REPEATS = 3
THEIRS = """
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


def network() -> dict[str, np.ndarray]:
    """Weights by name."""
    rng, found = np.random.default_rng(0), {}
    shapes = {**{f"dense{n}": (n, n) for n in DENSE}, **{f"convolution{n}": (n, n, 3, 3) for n in CONVOLUTIONS}}
    for name, shape in shapes.items():
        for law, draw in (("gaussian", rng.standard_normal(shape)), ("student", rng.standard_t(2.5, shape))):
            found[f"{name}.{law}.weight"] = (draw / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
    return found


def run(*words: Any) -> Done:
    """One process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{words[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return Done(said, time.perf_counter() - started, used.ru_maxrss / 2**20)


def ours(file: Path, folder: Path) -> Done:
    """The report of this package."""
    return run("-m", "jaxprune", "weights", file, "--out", folder)


def told(folder: Path) -> dict[str, dict[str, str]]:
    """Our table: layer -> column -> cell."""
    with (folder / "network" / "layers.csv").open() as file:
        return {row["layer"]: row for row in csv.DictReader(file)}


def told_or_dash(cell: str) -> str:
    """A number of the table; a dash where the fit failed and is not told."""
    return f"{float(cell):6.2f}" if cell else f"{'-':>6}"


def main() -> None:
    """Print the tables; without the package, ours alone."""
    weightwatcher = optional("weightwatcher")
    print(setting(weightwatcher if hasattr(weightwatcher, "__version__") else None))
    weights = network()
    print(f"{len(weights)} layers, {sum(w.size for w in weights.values()):,} weights; median of {REPEATS} (least to largest)")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.savez(folder / "network.npz", allow_pickle=False, **weights)  # pyright: ignore[reportArgumentType]
        pairs = []
        for _ in range(REPEATS):
            mine = ours(folder / "network.npz", folder)
            pairs.append((mine, run("-c", THEIRS, folder / "network.npz") if weightwatcher else None))
        table = told(folder)
    print(f"jaxprune weights: {range_of([p[0].seconds for p in pairs])} s, {range_of([p[0].gibibytes for p in pairs], 2)} GiB")
    exponents = {}
    if weightwatcher:
        peers = [p[1] for p in pairs]
        print(f"weightwatcher:    {range_of([p.seconds for p in peers])} s, {range_of([p.gibibytes for p in peers], 2)} GiB")
        print(f"ratio of times:   {range_of([p[1].seconds / p[0].seconds for p in pairs])}")
        lines = (line.split() for line in peers[0].said.splitlines() if line.startswith("alpha "))
        exponents = {name: float(value) for _, name, value in lines}
    print("\npdf exponents of squared singular values; controls are shuffled entries and Gaussian numbers")
    for name in weights:
        row = table[name]
        own = row["positions"] or row["spectrum"]
        control = row["positions_gaussian"] or row["gaussian"]
        peer = f"weightwatcher {exponents[name]:6.2f}" if name in exponents else ""
        if name in exponents and own and not row["positions"]:
            assert abs(exponents[name] / float(own) - 1) < 1e-3, (name, exponents[name], own)
        print(f"  {name:28} ours {told_or_dash(own)}, Gaussian control {told_or_dash(control)}   {peer}")


if __name__ == "__main__":
    main()
