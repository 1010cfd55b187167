"""What the command line accepts, and its exit statuses: one frozen dataclass for each command."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import tyro

AGREE, DISAGREE, BAD_INPUT, INCOMPLETE, CRASHED = 0, 1, 2, 3, 4  # exit statuses
Positional = tyro.conf.Positional


def _own(metavar: str, default: str) -> Any:
    """How an option that may be left out is shown."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint=f"(default: {default})")


@dataclasses.dataclass(frozen=True)
class Run:
    """Run an experiment: sweep, store, compare with theory, draw. Running again goes on where it stopped.

    Every axis of the experiment is an option too, with a list of values (jaxprune run NAME --help shows them).
    Exit status: 0 simulation and theory agree (or there is no theory), 1 they disagree, 2 bad input, 3 some tasks
    failed or are missing (the others are done), 4 the experiment's own code failed at every point, or as it was loaded.
    """

    file: Annotated[Positional[Path], tyro.conf.arg(metavar="NAME")]
    """The experiment's name in sims/, such as pruned_double_descent, or the path of its file."""
    only: Annotated[str | None, _own("NAME", "all of the file")] = None
    """One experiment, where the file declares several; jaxprune list names them."""
    smoke: bool = False
    """The quick size, in a folder of its own."""
    seeds: Annotated[int | None, _own("INT", "the experiment's")] = None
    """Trials per grid point."""
    root: int = 0
    """Root of all random numbers."""
    out: Path = Path("results")
    """Folder of the results; samples go to OUT/<experiment>/data.zarr, and what is made of other values or seeds than the
    experiment declares to a folder of its own in there."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU, 0 on an accelerator")] = None
    """Worker processes; 0 runs in this process."""
    shard: str = "0/1"
    """k/K: do only every K-th task, from the k-th on (for job arrays; the shards share OUT)."""
    time_limit: Annotated[float | None, _own("SECONDS", "none")] = None
    """Seconds after which a task counts as hung and is given up; starting a process and compiling count."""
    budget: Annotated[float | None, _own("GIB", "its share of 70 %")] = None
    """GiB of memory that one process may use."""


@dataclasses.dataclass(frozen=True)
class Status:
    """Tell what a folder of samples holds: done, missing, corrupt and non-finite. Exit status 3 unless complete."""

    folder: Positional[Path]
    """A folder of samples, such as results/pruned_double_descent, or one that holds several."""


@dataclasses.dataclass(frozen=True)
class Verify:
    """Run every experiment at its smoke size and print one line each. Exit status 1 when one disagrees.

    An experiment whose data files are missing is skipped, with the reason.
    """

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""
    out: Path = Path("results")
    """Folder of the results."""
    workers: Annotated[int | None, _own("INT", "one per core on a CPU")] = None
    """Worker processes."""


@dataclasses.dataclass(frozen=True)
class Figure:
    """Draw an experiment's figure again from its stored samples.

    The options of a run choose the same samples; without any, what the experiment declares is drawn, or the one other
    selection that is there.
    """

    file: Annotated[Positional[Path], tyro.conf.arg(metavar="NAME")]
    """The experiment's name in sims/, or the path of its file."""
    only: Annotated[str | None, _own("NAME", "all of the file")] = None
    """One experiment, where the file declares several; jaxprune list names them."""
    smoke: bool = False
    """Use the samples of the smoke run."""
    seeds: Annotated[int | None, _own("INT", "the experiment's")] = None
    """Trials per grid point."""
    out: Path = Path("results")
    """Folder of the results."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """List the experiments, their axes and sizes."""

    sims: Positional[Path] = Path("sims")
    """Folder of experiments."""


@dataclasses.dataclass(frozen=True)
class Bench:
    """Measure a benchmark against its peers, in one run; without a name, all of them, one after another.

    Prints its table and writes OUT/NAME.json: the setting, and every value measured. Of all that OUT holds of this commit and
    device, OUT/bench.md and a figure (OUT/figure.pdf, .png) give the ratios to peers (time over ours, pair by pair: median and
    range), shares of the measured peak, and growth curves. Peers that are not installed are told and left out (pip install
    torch diffrax powerlaw weightwatcher scikit-learn). Leave the machine alone meanwhile. On a GPU the command is the same.
    Exit status: 0, 2 for bad input, 4 when a benchmark failed (it is told, and the others go on).
    """

    name: Annotated[Positional[str], _own("NAME", "all")] = ""
    """Such as least_squares, for sims/bench/least_squares.py."""
    out: Path = Path("results/bench")
    """Folder of the results."""
    quick: bool = False
    """Small sizes, in a minute or two: only whether everything runs, marked as no result, in OUT/quick."""
    sims: Path = Path("sims")
    """Folder whose bench/ holds the benchmarks."""


@dataclasses.dataclass(frozen=True)
class Guide:
    """Show the guide: its index, or a chapter such as first_steps, experiments or running."""

    topic: Annotated[Positional[str], tyro.conf.arg(metavar="TOPIC")] = ""
    """A chapter; without it the index of all."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """The best known frame of M unit vectors in R^d: directions of M neurons with nonnegative outputs for compression.

    A wide two-layer ReLU network whose linear part vanishes (E f* = c, E x f* = 0) is compressed best by neurons of these
    directions, up to rotation. Where a best frame is known it is constructed; else the best of random starts is taken, in
    float64. Printed are the loss (L - R)/c^2, R being what no narrow network reaches, its lower bound and their gap ("proved"
    where they meet, else "best found"), tightness, coherence beside Welch's bound, centroid, and the gains at c = 1. The
    frame is written to OUT/frame_M_d.npy, float64 rows of length 1, of shape (M, d). Exit status: 0, or 2 for bad input.
    """

    vectors: Annotated[Positional[int], tyro.conf.arg(metavar="M")]
    """Number of vectors, 1 or more: neurons of the narrow network."""
    dimension: Annotated[Positional[int], tyro.conf.arg(metavar="D")]
    """Dimension of the vectors, 1 or more: inputs."""
    out: Path = Path(".")
    """Folder of frame_M_d.npy."""
    restarts: int = 64
    """Random starts, where no frame is known."""
    seed: int = 0
    """Seed of the random starts."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """Look at a network of your own: what is heavy-tailed, compressible and bounded in it. No code of a file is run.

    Prints its tables, and writes them as CSV and LaTeX, a figure and a page of HTML to OUT/<name of the file>/. From
    Python, with the measured risk of pruned networks: jaxprune.weights.report(tree, apply=, data=).
    """

    file: Annotated[Positional[Path], tyro.conf.arg(metavar="FILE")]
    """Weights: .npz, .npy, .safetensors (needs that package), .pt or .pth (a state_dict; needs torch)."""
    layout: Annotated[str | None, _own("torch|flax", "told from names and kernels")] = None
    """Whether a layer is (outputs, inputs, ...), torch, or (..., inputs, outputs), flax."""
    leave_out: Annotated[tuple[str, ...], _own("NAME...", "none")] = ()
    """Arrays that are not to be measured: their names, or patterns such as 'head.*'."""
    samples: Annotated[int | None, _own("INT", "no bound")] = None
    """How many independent samples the network was trained on, for a bound of its risk; needs --risk."""
    risk: Annotated[float | None, _own("FLOAT", "no bound")] = None
    """The network's fraction of errors on these samples; the bound then supposes that pruned networks have it too."""
    value_bits: int = 6
    """Bits of a kept weight in the code that the bound pays for, beside its sign."""
    delta: float = 0.05
    """The probability with which the bounds may fail, all together."""
    seed: int = 0
    """Of the samples of entries, and of the controls."""
    out: Path = Path("results")
    """Folder of the results."""
