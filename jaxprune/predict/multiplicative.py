"""SGD on linear regression: metrics ``log_growth``, ``square_norm`` (of the stationary law) and ``step_moment``
(E|M u|^s, inner axis ``order``). Theory knows isotropic inputs alone.
"""

from typing import Any

import numpy as np

from jaxprune.predict.core import Predictor, Value, predictors
from jaxprune.problems import MultiplicativeSGD
from jaxprune.theory import kesten


@predictors.register
def _(problem: MultiplicativeSGD) -> dict[str, Predictor]:
    if not problem.isotropic:
        return {}
    setting = (float(problem.step_size), problem.batch, problem.dim, float(np.ravel(problem.input_sd)[0]))

    def square_norm(place: dict[str, Any]) -> Value:
        # Its standard error needs the fourth moment.
        kind = "exact" if kesten.fourth_moment(*setting) < 1 else "tail"
        return Value(float(kesten.stationary_second_moment(*setting, float(problem.noise_sd))), kind)

    return {
        "log_growth": Predictor(lambda place: Value(float(kesten.lyapunov(*setting)), "exact")),
        "square_norm": Predictor(square_norm),
        "step_moment": Predictor(lambda place: Value(float(kesten.moment(place["order"], *setting)), "exact"), {"order"}),
    }
