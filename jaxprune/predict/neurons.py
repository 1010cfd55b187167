"""Mean-field networks under noise: metrics ``function``, ``removed_function``, ``scaled_square_error`` of a null target.

Inner axes: ``n``, the width, and ``kappa``, the fraction kept. Theory knows neurons that do not move each other: target
null, the raw time scale, no weight decay, and a type of noise whose norm has a law in closed form.
"""

from typing import Any

from jaxprune.predict.core import Predictor, Value, predictors
from jaxprune.problems.neurons import NULL, NoisyNeurons, index_of
from jaxprune.theory import null_network


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
