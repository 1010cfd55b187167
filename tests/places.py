"""Where the experiments and figures of this project are."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def sim(name):
    """The file of an experiment."""
    (found,) = (p for p in ROOT.glob(f"sims/*/{name}.py") if p.parent.name != "bench")
    return found


def figure(name):
    """The file of a figure."""
    (found,) = ROOT.glob(f"figures/*/{name}.py")
    return found


# Words that are the same in every room.
SUBJECTS = {
    "least_squares",
    "random_features",
    "networks",
    "stable",
    "sde",
    "sgd",
    "compression",
    "tails",
    "two_layer",
    "matrices",
    "bounds",
}
