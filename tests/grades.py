"""Three grades of agreement. Each rejects a spoiled twin: a prediction made wrong on purpose."""

import numpy as np
from scipy import stats

LEVEL = 1e-6  # the probability that a true statement fails anywhere in one test


def exact(value, expected, tolerance=1e-10, spoil=1.01):
    """An identity: equal to round-off, and the tolerance would notice a factor ``spoil``."""
    value, expected = np.asarray(value, float), np.asarray(expected, float)
    scale = np.max(np.abs(expected))
    assert np.max(np.abs(value - expected)) <= tolerance * scale, (value, expected)
    assert scale == 0 or np.max(np.abs(value - spoil * expected)) > tolerance * scale


def deviates(samples, expected):
    """Normal deviates of the means over the first axis, from Student's t."""
    samples = np.asarray(samples, float)
    count = len(samples)
    t = (samples.mean(0) - expected) / (samples.std(0, ddof=1) / np.sqrt(count))
    return np.abs(stats.norm.isf(stats.t.sf(np.abs(t), count - 1)))


def statistical(samples, expected, spoil=1.1):
    """Unbiased at this size: every mean within the deviate of LEVEL; the spoiled twin is outside for at least one."""
    expected = np.asarray(expected, float)
    limit = stats.norm.isf(LEVEL / (2 * max(expected.size, 1)))
    assert np.max(deviates(samples, expected)) <= limit
    assert np.max(deviates(samples, spoil * expected)) > limit, "too few samples to notice the spoiled twin"


def asymptotic(gaps, errors, sizes, spoil):
    """Relative gaps to a limit on a ladder of sizes: extrapolated to infinite size they vanish, spoiled ones do not."""
    x = 1 / np.asarray(sizes, float)
    weights = np.array([np.prod([b / (b - a) for j, b in enumerate(x) if j != i]) for i, a in enumerate(x)])
    error = np.sqrt(np.sum((weights * errors) ** 2))
    limit = stats.norm.isf(LEVEL / 2)
    assert abs(weights @ np.asarray(gaps)) <= limit * error
    assert abs(weights @ ((1 + np.asarray(gaps)) / spoil - 1)) > limit * error, "too few samples to notice the spoiled twin"
