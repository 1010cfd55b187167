"""The best known frame of M unit vectors in R^d for compression: constructed, or found by descent; printed and written."""

import sys
from typing import NamedTuple

import numpy as np

from jaxprune.cli.options import AGREE, Frame
from jaxprune.theory import two_layer as theory

LARGEST = 1000  # vectors; the bound and the gains take cubes of it
MEMORY = 2**22  # cosines of all starts that descend together
SAME = 1e-9  # of a loss: starts that end at the same one
SURE = 5  # starts at one loss; with fewer, a better one with half the basin would be missed in one search of twelve
EQUAL = 1e-6  # of a gain, or of tightness
SCHEDULE = dict(adam=300, newton=60, inner=48)
SEARCHED = "found by descent from random starts"


class Found(NamedTuple):
    """A frame (M, d), what it is, and of ``starts`` how many ended at its loss; None where it was constructed."""

    frame: np.ndarray
    words: str
    reached: int | None


def frame(options: Frame) -> int:
    """Find, print and write."""
    M, d = options.vectors, options.dimension
    _check(options)
    options.out.mkdir(parents=True, exist_ok=True)
    known = theory.frames.best_known(M, d)
    found = Found(known.frame, known.words, None)
    if known.optimum.status != "proved":
        descended = search(M, d, options.restarts, options.seed)
        if theory.frame_loss(descended.frame).value < known.optimum.value:
            found = descended
    file = options.out / f"frame_{M}_{d}.npy"
    np.save(file, found.frame)
    for words, value in describe(found, options.restarts).items():
        print(f"{words:18s} {value}")
    print(f"written: {file}")
    return AGREE


def _check(options: Frame) -> None:
    for name, value, low, high in (
        ("M", options.vectors, 1, LARGEST),
        ("D", options.dimension, 1, LARGEST),
        ("restarts", options.restarts, 1, 2**20),
        ("seed", options.seed, 0, 2**63 - 1),
    ):
        if not low <= value <= high:
            raise ValueError(f"{name}: {value} is out of range; use an integer from {low} to {high}")


def describe(found: Found, restarts: int) -> dict[str, str]:
    """What is printed of a frame: words -> value."""
    frames, (M, d) = theory.frames, found.frame.shape
    optimum, fit = theory.frame_optimum(found.frame), theory.frame_loss(found.frame)
    span = frames.dimension(found.frame)
    said = {"frame": f"{M} unit vectors in R^{d}: {found.words}"}
    if found.reached is not None:
        rare = "; more of them may find a better one (--restarts)" if found.reached < SURE else ""
        said["starts"] = f"{found.reached} of {restarts} ended at this loss{rare}"
    said["status"] = optimum.status
    said["loss"] = f"{optimum.value:.10g}"
    said["lower bound"] = f"{optimum.bound:.10g}"
    said["gap"] = f"{max(optimum.gap, 0.0):.2g}" + " (round-off)" * (optimum.status == "proved")
    said["limit loss"] = f"{theory.limit_of(optimum.value, d):.10g} (against infinitely many isotropic neurons, over c^2)"
    if span < d:
        said["span"] = f"{span} of {d} dimensions; tightness and Welch's bound are of the span"
    tightness = frames.tightness(found.frame, span=True)
    said["tight"] = f"{'yes' if tightness < EQUAL else 'no'} (distance {tightness:.2g})"
    if M > 1:
        said["coherence"] = f"{frames.coherence(found.frame):.10g}, Welch's bound {frames.welch_bound(M, span):.10g}"
    said["centroid"] = f"{frames.centroid(found.frame):.2g}"
    said["gains"] = _gains(fit.gains)
    return said


def _gains(gains: np.ndarray) -> str:
    """One number where all are equal."""
    if np.ptp(gains) <= EQUAL * np.max(gains):
        return f"{np.mean(gains):.8g}, all equal"
    return f"{np.min(gains):.8g} to {np.max(gains):.8g}: " + " ".join(f"{gain:.6g}" for gain in gains)


def search(M: int, d: int, restarts: int, seed: int) -> Found:
    """The best of random starts."""
    from jaxprune.cli.commands import start_jax

    print(f"no frame is known to be best; descending from {restarts} random starts", file=sys.stderr, flush=True)
    start_jax()
    rows, losses = _descents(M, d, restarts, seed)
    best = int(np.nanargmin(losses))
    size = np.linalg.norm(rows[best], axis=1)
    whole = np.where(size[:, None] > 0, rows[best], rows[best][np.argmax(size)])  # where a dead neuron points is all one
    reached = int(np.sum(losses <= losses[best] + SAME))
    return Found(whole / np.linalg.norm(whole, axis=1, keepdims=True), SEARCHED, reached)


def _descents(M: int, d: int, restarts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (restarts, M, d) and losses (restarts,), by batches that bound the memory."""
    import jax

    from jaxprune.problems import Isotropic
    from jaxprune.simulate.two_layer import Schedule, isotropic

    batch = min(restarts, max(MEMORY // M**2, 1))
    schedule = Schedule(**SCHEDULE)
    with jax.enable_x64(True):
        problem = Isotropic(d, M, restarts=batch)

        @jax.jit
        def program(key):
            runs = isotropic.minima(key, problem, schedule)
            return runs.rows, runs.loss

        key = jax.random.key(seed)
        found = [program(jax.random.fold_in(key, index)) for index in range(-(-restarts // batch))]
    rows, losses = (np.concatenate(part)[:restarts] for part in zip(*found, strict=True))
    return rows, losses
