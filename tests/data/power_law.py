"""Makes power_law.json: what powerlaw 2.0.0 and weightwatcher 0.7.7 find in fixed data.

Neither package is needed to run the tests. To make the file again: in an environment with both, run
``python tests/data/power_law.py`` from the root of the project.

Quirks that the file shows: powerlaw looks for exponents in [0, 3] unless told otherwise, and leaves out candidates beyond
without a word, so both its default and a wide range are kept. weightwatcher leaves out eigenvalues up to 1e-5, whatever the
scale of the matrix; under 20 points it fits 1 + (n - 1)/sum log over tails of 8 points or more; a kernel's matrices are
multiplied by sqrt(height width/2) and their eigenvalues pooled. Of equal data powerlaw takes the empirical distribution
function at the first, weightwatcher counts on as Clauset's code does, and lets a tail begin between two of them. powerlaw's
likelihoods of log-normal laws are wrong where the end of the tail lies many deviates above the mean, and its stretched
exponential stops short of its maximum.
"""

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).with_suffix(".json")
DISTRIBUTIONS = {
    "log-normal": "lognormal",
    "exponential": "exponential",
    "stretched exponential": "stretched_exponential",
    "exponential cut-off": "truncated_power_law",
}


def quantiles(n, tail):
    """Of Pareto's law, in the middle of n equal cells."""
    return (1 - (np.arange(1, n + 1) - 0.5) / n) ** (-1 / tail)


def uniform(n, seed):
    return np.random.default_rng(seed).random(n)


def fixtures():
    """Data by name."""
    return {
        "pareto quantiles 1.5": quantiles(200, 1.5),
        "pareto quantiles 3.2": quantiles(500, 3.2),
        "pareto 2.5": uniform(1000, 1) ** (-1 / 2.5),
        "lomax 1.5": uniform(700, 2) ** (-1 / 1.5) - 1,
        "cauchy": np.abs(np.tan(np.pi * (uniform(600, 3) - 0.5))),
        "exponential": 1 - np.log(uniform(300, 4)),
        "weibull 0.5": np.log(uniform(500, 5)) ** 2,
        "log-normal": np.exp(np.sqrt(-2 * np.log(uniform(400, 6))) * np.cos(2 * np.pi * uniform(400, 7))),
        "magnitudes of normal numbers": np.abs(np.sqrt(-2 * np.log(uniform(400, 8))) * np.cos(2 * np.pi * uniform(400, 9))),
        "ties": np.ceil(uniform(300, 10) ** (-1 / 1.5)),
        "few": uniform(15, 11) ** (-1 / 1.5),
    }


def matrices():
    """Matrices by name; the last has eigenvalues on both sides of 1e-5."""
    signs = np.sign(uniform(4000, 12) - 0.5)
    heavy = (signs * uniform(4000, 13) ** (-1 / 1.2)).reshape(80, 50)
    normal = np.sqrt(-2 * np.log(uniform(4000, 14))) * np.cos(2 * np.pi * uniform(4000, 15))
    return {"heavy": heavy, "normal": normal.reshape(50, 80), "small": 0.1 * heavy[:60, :40] / np.max(heavy)}


def main():
    """Write the file."""
    import powerlaw
    import weightwatcher
    from weightwatcher import WW_powerlaw

    def by_powerlaw(x, **options):
        fit = powerlaw.Fit(x, verbose=False, **options)
        return fit, dict(pdf_exponent=fit.alpha, xmin=fit.xmin, ks=fit.D, tail_count=int(np.sum(x >= fit.xmin)))

    found = dict(versions={m.__name__: m.__version__ for m in (powerlaw, weightwatcher)}, data={}, spectra={})
    for name, x in fixtures().items():
        fit, wide = by_powerlaw(x, parameter_ranges=dict(alpha=(1.0, 100.0)))
        other = WW_powerlaw.Fit(x)
        ratios = {ours: fit.distribution_compare("power_law", theirs) for ours, theirs in DISTRIBUTIONS.items()}
        found["data"][name] = dict(
            sum=float(np.sum(x)),
            powerlaw=wide,
            powerlaw_by_default=by_powerlaw(x)[1],
            weightwatcher=dict(
                pdf_exponent=other.alpha, xmin=other.xmin, ks=other.D, tail_count=len(other.data), error=other.sigma
            ),
            ratios={ours: dict(log_ratio=float(r), p_value=float(p)) for ours, (r, p) in ratios.items()},
        )
    watcher = weightwatcher.WeightWatcher()
    for name, matrix in matrices().items():
        evals = np.sort(np.linalg.svd(matrix, compute_uv=False) ** 2)
        alpha, _, xmin, _, ks, error, spikes, *_ = watcher.fit_powerlaw(evals, plot=False)
        top = np.log10(np.max(evals))
        found["spectra"][name] = dict(
            sum=float(np.sum(matrix)),
            fit=dict(pdf_exponent=alpha, xmin=xmin, ks=ks, pdf_exponent_error=error),
            columns=dict(  # as its apply_norm_metrics computes them
                alpha_weighted=alpha * top,
                log_alpha_norm=np.log10(np.sum(evals**alpha)),
                log_norm=np.log10(np.sum(evals)),
                log_spectral_norm=top,
                stable_rank=np.sum(evals) / np.max(evals),
                num_pl_spikes=spikes,
            ),
            dropped=int(np.sum(evals <= 1e-5)),
        )
    HERE.write_text(json.dumps(found, indent=1, default=float) + "\n")


if __name__ == "__main__":
    main()
