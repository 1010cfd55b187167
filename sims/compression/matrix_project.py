"""How often Matrix-Project misses, against the number k of coefficients (Arora et al. 2018, Algorithm 1).

Of unit vectors u, v and a matrix A of n x n Gaussian entries (``relation`` "generic": rho = u'Av/|A|_F is near 0) or A = uv'
("parallel": rho = 1): ``missed``, whether |u'A^v - u'Av| >= eps |A|_F, one draw of A and of the signs a trial, all k nested.
The printed k = log(1/eta)/eps^2 does not have the failure probability eta that is asked for; k = 4 erfcinv(eta)^2/eps^2
("gauss") has it at rho = 1, and log(4/eta)/(eps^2/4 - eps^3/6) ("safe") is far beyond.
Source: guide/compression.md, Matrix-Project.
"""

import math
from statistics import NormalDist
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from jaxprune.contracts import Metric, Prediction
from jaxprune.judge import estimates
from jaxprune.simulate.compression import projection
from jaxprune.struct import count, number, struct
from jaxprune.sweep import Experiment

EPS, ETA = 0.25, 0.01
RULES = {
    "printed": math.ceil(math.log(1 / ETA) / EPS**2),
    "gauss": math.ceil(2 * NormalDist().inv_cdf(1 - ETA / 2) ** 2 / EPS**2),  # erfcinv(eta) is this quantile over sqrt 2
    "safe": math.ceil(math.log(4 / ETA) / (EPS**2 / 4 - EPS**3 / 6)),
}
COUNTS = sorted({10, 20, 40, 120, *RULES.values()})
RELATIONS = {"generic": 0.0, "parallel": 1.0}


@struct
class Form:
    """A bilinear form u'Av of an n x n matrix that is uv' in part (``rho`` = 1) or random (0)."""

    n: int = count("rows and columns")
    rho: Any = number("[0, 1]")


def make(n, relation):
    return Form(n, RELATIONS[relation])


def trial(key, problem):
    draw, signs = jax.random.split(key)
    left, right, *rest = jax.random.normal(draw, (problem.n + 2, problem.n))
    left, right = left / jnp.linalg.norm(left), right / jnp.linalg.norm(right)
    matrix = jnp.stack(rest)
    matrix = jnp.where(problem.rho == 1, jnp.outer(left, right), matrix / jnp.linalg.norm(matrix))
    forms = projection.matrix_project_path(signs, matrix, jnp.asarray(COUNTS), lambda found: left @ found @ right).value
    return {"missed": (jnp.abs(forms - left @ matrix @ right) >= EPS).astype(forms.dtype)}


def chance(k, rho):
    """Of a miss, for large n: the mean of k products of two normal numbers of correlation rho is off by eps. Each product is
    (1 + rho)/2 times a square less (1 - rho)/2 times another; its normal approximation is erfc(eps sqrt(k/(2 (1 + rho^2))))."""
    more, less = stats.chi2(k, scale=(1 + rho) / (2 * k)), stats.chi2(k, scale=max(1 - rho, 1e-12) / (2 * k))
    levels = (np.arange(2000) + 0.5) / 2000
    return float(np.mean(more.sf(rho + EPS + less.ppf(levels)) + more.cdf(rho - EPS + less.ppf(levels))))


def predict(samples):
    """In the limit of large n. Chances below 0.02 are left out: too few misses to judge them by."""
    rho = [RELATIONS[relation] for relation in samples["relation"].values]
    chances = np.array([[chance(k, r) for k in samples["kept"].values] for r in rho])
    mean = samples["missed"].mean("seed").transpose("n", "relation", "kept")
    chances = mean.copy(data=np.broadcast_to(chances, mean.shape))
    return {"missed": Prediction(chances, mean.copy(data=np.where(chances < 0.02, "none", "limit")))}


def findings(samples):
    """Shares of misses at the k of each rule."""
    here = samples["missed"].isel(n=-1)
    return {
        f"missed at k = {k} ({rule}), {relation}": estimates.mean(here.sel(relation=relation, kept=k).values)
        for rule, k in RULES.items()
        for relation in here["relation"].values
    }


EXPERIMENT = Experiment(
    "matrix_project",
    axes=dict(n=[10, 20, 40], relation=list(RELATIONS)),
    make=make,
    trial=trial,
    predict=predict,
    findings=findings,
    inner=dict(kept=COUNTS),
    seeds=2000,
    block=250,
    smoke=dict(n=[5, 10], seeds=50),
    metrics=[Metric("missed", f"share of draws off by {EPS:g} |A| or more")],
    describe="failures of Matrix-Project against the number of coefficients, and the three rules for it",
)
