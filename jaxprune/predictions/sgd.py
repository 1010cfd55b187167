"""Stochastic gradient descent.

SGD on linear regression: metrics ``log_growth``, ``square_norm`` (of the stationary law) and ``step_moment``
(E|M u|^s, inner axis ``order``). Theory knows isotropic inputs alone.

Mean-field networks under noise: metrics ``function``, ``removed_function``, ``scaled_square_error`` of a null target.

Inner axes: ``n``, the width, and ``kappa``, the fraction kept. Theory knows neurons that do not move each other: target
null, the raw time scale, no weight decay, and a type of noise whose norm has a law in closed form.
"""

from typing import Any

import numpy as np

from jaxprune.predictions.core import Predictor, Value, predictors
from jaxprune.problems.sgd import NULL, MultiplicativeSGD, NoisyNeurons, index_of
from jaxprune.theory.compression import null_network
from jaxprune.theory.sgd import linear


@predictors.register
def _(problem: MultiplicativeSGD) -> dict[str, Predictor]:
    if not problem.isotropic:
        return {}
    setting = (float(problem.step_size), problem.batch, problem.dim, float(np.ravel(problem.input_sd)[0]))

    def square_norm(place: dict[str, Any]) -> Value:
        # Its standard error needs the fourth moment.
        kind = "exact" if linear.fourth_moment(*setting) < 1 else "tail"
        return Value(float(linear.stationary_second_moment(*setting, float(problem.noise_sd))), kind)

    return {
        "log_growth": Predictor(lambda place: Value(float(linear.lyapunov(*setting)), "exact")),
        "square_norm": Predictor(square_norm),
        "step_moment": Predictor(lambda place: Value(float(linear.moment(place["order"], *setting)), "exact"), {"order"}),
    }


@predictors.register
def _(problem: NoisyNeurons) -> dict[str, Predictor]:
    alpha, dim, noise = float(index_of(problem)), problem.dim, problem.noise
    if problem.target != NULL or problem.time_scale != "raw" or problem.decay > 0 or (noise == "II" and dim > 1):
        return {}
    scale = float(problem.sigma * problem.horizon ** (1 / alpha))

    def function(place: dict[str, Any]) -> Value:
        return Value(null_network.function_energy(scale, alpha, dim, noise), "limit")

    def removed(place: dict[str, Any]) -> Value:
        return Value(null_network.function_energy(scale, alpha, dim, noise, place["kappa"]), "limit")

    def error(place: dict[str, Any]) -> Value:
        return Value(null_network.error_limit(place["kappa"], alpha, dim, noise), "limit")

    known = {"function": Predictor(function, {"n"}), "removed_function": Predictor(removed, {"n", "kappa"})}
    return known if alpha == 2 else {**known, "scaled_square_error": Predictor(error, {"n", "kappa"})}
