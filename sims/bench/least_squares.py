"""Speed of the whole surface: 48 widths x 19 kept counts, pruned and retrained, float64, against two peers.

The careful NumPy user makes one ``lstsq`` per width and one per kept count; the naive scikit-learn user fits every
cell anew. The peak is that of a matrix product in the same run. Everything is checked to agree before it is timed.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np
from _record import Bench
from _timing import Work, cores, engine, faster, peak, precision, ready
from threadpoolctl import threadpool_limits

from jaxprune import spectra, teachers
from jaxprune.problems import LinearGaussian
from jaxprune.simulate import least_squares
from jaxprune.simulate.least_squares import pruning
from jaxprune.simulate.platforms import each
from jaxprune.sweep import Experiment

N, DIM = 100, 500
KEPT = list(range(5, 100, 5))
WIDTHS, COUNTS = 48, (6, 12, 24, 48, 96)
BLOCK, PAIRS = 64, 5
QUICK = dict(KEPT=[5, 50], WIDTHS=4, COUNTS=(3, 4), BLOCK=4, PAIRS=2)


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
    return surface(key, problem, widths_of(WIDTHS))


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


def block_of(widths, block):
    """A block of trials in this process."""
    keys = jax.random.split(jax.random.key(1), block)
    return ready(lambda keys, problem: each(lambda k: surface(k, problem, widths), keys), keys, make(0))


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


def limited(threads: int, fit: Callable, *arguments) -> None:
    with threadpool_limits(threads, "blas"):
        fit(*arguments)


def surfaces(bench: Bench, problem, careful: dict[str, Work]) -> None:
    """The whole surface, by all."""
    widths, (x, y, _) = widths_of(WIDTHS), sample(problem)
    works = {"jaxprune, one process": Work(block_of(widths, BLOCK), BLOCK, bound=peak(flops(widths)))}
    inner = {"width": widths, "kept": KEPT}
    experiment = Experiment("bench", {"widths": [WIDTHS]}, make, trial, inner=inner, seeds=4 * BLOCK, block=BLOCK)
    if bench.has("scikit-learn"):
        careful = {**careful, "naive scikit-learn": Work(lambda: limited(1, naive_sklearn, x, y, problem, widths))}
    with engine(bench, experiment) as every:
        what = f"{len(widths)} widths, {len(KEPT)} kept counts"
        bench.race("surface", what, "ms a trial", {**works, **every, **careful}, PAIRS)


def main(bench: Bench) -> None:
    """The surface against its peers, then against the careful one for other numbers of widths."""
    with precision("float64"):
        problem = make(0)
        x, y, _ = sample(problem)

        def careful(threads, widths):
            return functools.partial(limited, threads, careful_numpy, x, y, problem, widths)

        widths = widths_of(WIDTHS)
        bench.agree("largest relative difference from the careful NumPy user", check(problem, widths), 1e-8)
        threads = faster({n: careful(n, widths) for n in sorted({1, cores()})})
        who = f"careful NumPy, {threads} BLAS thread{'s' * (threads > 1)}"
        surfaces(bench, problem, {who: Work(careful(threads, widths))})
        for count in COUNTS:
            some = widths_of(count)
            works = {"jaxprune": Work(block_of(some, 16), 16), who: Work(careful(threads, some))}
            bench.race("number of widths", "", "ms a trial", works, min(PAIRS, 3), size=len(some), along="widths")
