"""Speed of the whole surface: 48 widths x 19 kept counts, pruned and retrained, float64, against two peers.

The careful NumPy user makes one ``lstsq`` per width and one per kept count; the naive scikit-learn user fits every
cell anew. Each ratio is of two times measured one after the other, the median of several such pairs; the peak is
that of a matrix product in the same run. Everything is checked to agree before it is timed.
"""

import os
from collections.abc import Callable

import jax
import numpy as np
from _timing import peak, range_of, seconds, setting
from threadpoolctl import threadpool_limits

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.sweep import Experiment
from jaxprune.sweep.executors import LocalProcesses
from jaxprune.sweep.prepared import Prepared
from jaxprune.sweep.program import pinned
from jaxprune.sweep.tasks import execute

N, DIM = 100, 500
KEPT = list(range(5, 100, 5))
BLOCK = 64
PAIRS = 5


def widths_of(count: int) -> list[int]:
    """``count`` widths from 10 to 500, none at the threshold; 48 gives the steps of ten."""
    if count == 48:
        return [w for w in range(10, 501, 10) if w not in (N, N + 10)]
    return [int(w) for w in np.linspace(10, DIM, count).astype(int) if w != N]


def make(widths):
    eigs = spectra.constant(DIM)
    return LinearGaussian(eigs=eigs, teacher=teachers.cosine(eigs), noise=0.3, n=N)


def surface(key, problem, widths):
    sample, rule = jax.random.split(key)
    data = least_squares.draw(problem, sample)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, (pruning.magnitude,), rule)
    pruned = pruning.risk_surface(path, problem, order, KEPT)
    retrained = pruning.retrained_surface(data, problem, order, widths, KEPT)
    return {"pruned": pruned[:, 0], "retrained": retrained[:, 0]}


def trial(key, problem):
    return surface(key, problem, widths_of(48))


def careful_numpy(x, y, problem, widths):
    """One fit per width, one refit per kept count, one sort for all kept counts."""
    beta, risks = problem.teacher, np.empty((2, len(widths), len(KEPT)))
    for w, p in enumerate(widths):
        coef = np.linalg.lstsq(x[:, :p], y, rcond=None)[0]
        order = np.argsort(-np.abs(coef), kind="stable")
        for k, s in enumerate(KEPT):
            chosen = order[:s]
            for r, kept in enumerate((coef[chosen], np.linalg.lstsq(x[:, chosen], y, rcond=None)[0])):
                full = np.zeros(DIM)
                full[chosen] = kept
                risks[r, w, k] = problem.noise**2 + np.sum((full - beta) ** 2)
    return risks


def naive_sklearn(x, y, problem, widths):
    """Every cell fits its dense model, prunes it, and fits the pruned one."""
    from sklearn.linear_model import LinearRegression

    risks = np.empty((2, len(widths), len(KEPT)))
    for w, p in enumerate(widths):
        for k, s in enumerate(KEPT):
            coef = LinearRegression(fit_intercept=False).fit(x[:, :p], y).coef_
            chosen = np.argsort(-np.abs(coef), kind="stable")[:s]
            refit = LinearRegression(fit_intercept=False).fit(x[:, chosen], y).coef_
            for r, kept in enumerate((coef[chosen], refit)):
                full = np.zeros(DIM)
                full[chosen] = kept
                risks[r, w, k] = problem.noise**2 + np.sum((full - problem.teacher) ** 2)
    return risks


def flops(widths) -> float:
    """Additions and multiplications of one trial, counted from the algorithm: products, factors, solves, moments."""
    narrow, wide = [p for p in widths if p <= N], [p for p in widths if p > N]
    m, most, count = narrow[-1], KEPT[-1], len(widths)
    fit_narrow = 2 * N * m**2 + m**3 / 3 + len(narrow) * m**2
    fit_wide = 2 * N**2 * wide[-1] + len(wide) * (N**3 / 3 + 2 * N**2 + 2 * N * DIM)
    residuals = 2 * count * N * DIM
    shared = min(2 * N * DIM**2, count * 2 * N * most**2)
    refits = shared + count * (most**3 / 3 + most**2 * (len(KEPT) + 1))
    return fit_narrow + fit_wide + residuals + refits


def compiled(widths, block):
    """Trials of one process: keys -> surfaces, one after another."""
    run = jax.jit(lambda keys, problem: jax.lax.map(lambda k: surface(k, problem, widths), keys))
    keys, problem = jax.random.split(jax.random.key(1), block), make(0)
    jax.block_until_ready(run(keys, problem))
    return lambda: jax.block_until_ready(run(keys, problem))


def sample(problem):
    data = least_squares.draw(problem, jax.random.key(0))
    return np.asarray(data.features).T.copy(), np.asarray(data.target), data


def check(problem, widths) -> float:
    """Largest relative difference between our surface and the careful user's."""
    x, y, data = sample(problem)
    path = least_squares.min_norm_path(data, widths)
    order = pruning.ranking(path, problem, (pruning.magnitude,), jax.random.key(0))
    ours = [pruning.risk_surface(path, problem, order, KEPT), pruning.retrained_surface(data, problem, order, widths, KEPT)]
    theirs = careful_numpy(x, y, problem, widths)
    return float(np.max(np.abs(np.stack(ours)[:, :, 0] / theirs - 1)))


def two_processes(workers: int) -> Callable[[], object]:
    """The engine's own way: warm worker processes, four tasks each."""
    experiment = Experiment("bench", {"widths": [48]}, make, trial, inner={"width": widths_of(48), "kept": KEPT}, block=BLOCK)
    common = Prepared(experiment, 0).common(experiment.points())
    pool = LocalProcesses(workers)
    warm = [pool.submit(execute, common, [{"widths": 48}], [[block]]) for block in range(2 * workers)]
    [f.result() for f in warm]
    return lambda: [f.result() for f in [pool.submit(execute, common, [{"widths": 48}], [[b]]) for b in range(4 * workers)]]


def best_peer(x, y, problem, widths) -> tuple[float, int]:
    """The careful user's time with the better number of BLAS threads, and that number."""
    times = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        with threadpool_limits(threads, "blas"):
            times[threads] = min(seconds(lambda: careful_numpy(x, y, problem, widths)) for _ in range(2))
    threads = min(times, key=lambda t: times[t])
    return times[threads], threads


def main() -> None:
    """Print the tables."""
    cores = len(os.sched_getaffinity(0))
    with pinned("float64"):
        problem, widths = make(0), widths_of(48)
        print(setting())
        print(f"surface: n={N}, {len(widths)} widths 10..{DIM}, {len(KEPT)} kept counts, pruned and retrained, float64")
        print(f"largest relative difference from the careful NumPy user: {check(problem, widths):.1e}")
        x, y, _ = sample(problem)
        _, threads = best_peer(x, y, problem, widths)
        ours, engine = compiled(widths, BLOCK), two_processes(cores)
        rows = []
        for _ in range(PAIRS):
            one = seconds(ours) / BLOCK
            all_cores = seconds(engine) / (4 * cores * BLOCK)
            with threadpool_limits(threads, "blas"):
                rows.append((one, all_cores, seconds(lambda: careful_numpy(x, y, problem, widths))))
        with threadpool_limits(threads, "blas"):
            naive = seconds(lambda: naive_sklearn(x, y, problem, widths))
        one, every, theirs = np.median(rows, axis=0)
        ratios = np.array([(r[2] / r[0], r[2] / r[1]) for r in rows])
        print(f"\nmilliseconds per trial (median of {PAIRS} pairs; NumPy with {threads} BLAS thread(s), its better choice)")
        print(f"  jaxprune, one process      {1e3 * one:9.2f}")
        print(f"  jaxprune, {cores} processes      {1e3 * every:9.2f}")
        beaten = f"ratio {range_of(ratios[:, 0], 0)} to one process, {range_of(ratios[:, 1], 0)} to {cores}"
        print(f"  careful NumPy              {1e3 * theirs:9.1f}   {beaten}")
        beaten = f"ratio {naive / one:.0f} to one process, {naive / every:.0f} to {cores}"
        print(f"  naive scikit-learn         {1e3 * naive:9.1f}   {beaten}")
        top, work = peak(), flops(widths)
        print(f"\n{work / 1e6:.0f} MFLOP per trial; {1 / one:.0f} trials/s on one thread = {work / one / 1e9:.1f} GFLOP/s,")
        print(f"{work / one / top:.0%} of the matrix-product peak of {top / 1e9:.1f} GFLOP/s on one thread")
        print("\nratio to careful NumPy on one process, against the number of widths")
        for count in (6, 12, 24, 48, 96):
            some = widths_of(count)
            run = compiled(some, 16)
            pairs = []
            for _ in range(3):
                mine = seconds(run) / 16
                with threadpool_limits(threads, "blas"):
                    pairs.append(seconds(lambda s=some: careful_numpy(x, y, problem, s)) / mine)
            print(f"  {len(some):3d} widths   {range_of(pairs, 0)}")
