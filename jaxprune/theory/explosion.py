"""When the Euler scheme runs away from a super-linear drift, and the step size at which compressibility is proved.

Sections are those of our notes on Wan et al. 2023. Scalars give floats, arrays broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain
from jaxprune.theory.stable import tail_constant


def explosion_radius(step_size: ArrayLike) -> Any:
    """What it predicts: the |x| beyond which the Euler scheme of dX = (X - X^3) dt runs away.

    Equation: sqrt((2 + h)/h), the fixed points of x -> -(x + h (x - x^3)). Regime: exact without noise.
    Source: section 2.4e. Test: tests/theory/test_explosion.py.
    """
    h = arguments.positive("step_size", step_size)
    return plain(np.sqrt((2 + h) / h))


def explosion_fraction(alpha: ArrayLike, scale: ArrayLike, step_size: ArrayLike, horizon: ArrayLike) -> Any:
    """What it predicts: the fraction of paths of dX = (X - X^3) dt + scale dL lost by the Euler scheme up to ``horizon``.

    Equation: 1 - exp(-horizon scale^alpha C_alpha R^-alpha), one jump beyond R = ``explosion_radius``.
    Regime: limit of small steps, where R is far from the wells; 0 for alpha = 2. Source: section 2.4e.
    Test: tests/theory/test_explosion.py.
    """
    alpha, scale = arguments.index("alpha", alpha), arguments.size("scale", scale)
    horizon, radius = arguments.size("horizon", horizon), np.asarray(explosion_radius(step_size))
    return plain(-np.expm1(-horizon * tail_constant(alpha) * (scale / radius) ** alpha))


def step_condition(alpha: ArrayLike, n: ArrayLike) -> Any:
    """What it predicts: the largest step size for which the compressibility of n neurons is proved.

    Equation: n^(-alpha/2 - 1). Regime: a sufficient condition, far below the step sizes in use. Source: section 2.3.
    Test: tests/theory/test_explosion.py.
    """
    return plain(arguments.whole("n", n) ** (-arguments.index("alpha", alpha) / 2 - 1))
