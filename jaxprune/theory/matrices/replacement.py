"""The released split: entries above one standard deviation stay, the others are replaced by fresh normal numbers.

Derivations: guide/matrices.md, Released split.
"""

from __future__ import annotations  # help shows ArrayLike by its name

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from jaxprune.theory import arguments
from jaxprune.theory.arguments import plain

SCALES = ("released", "matched")


class Split(NamedTuple):
    """Fractions: of entries ``kept``, and of the energy ``discarded``."""

    kept: Any
    discarded: Any


@arguments.broadcasts
def replacement_error(kept: ArrayLike, discarded: ArrayLike, scale: str):
    """E ||A^ - A||_F^2 / ||A||_F^2 over the replacements.

    Equation: discarded + 1 - kept for ``scale`` "released", the standard deviation of the whole matrix; 2 discarded for
    "matched", that of the small part. Regime: exact for any matrix whose mean is 0,
    "matched" where that of the small part is 0. Source: guide/matrices.md, Released split.

    Args:
        kept: Fraction of the entries that stay, in [0, 1].
        discarded: Fraction of the energy in the others, in [0, 1].
        scale: Standard deviation of the replacements, "released" or "matched"; one word.

    Returns:
        The error, in [0, 2], of the broadcast shape; a float for scalars.

    Raises:
        ValueError: For fractions outside [0, 1] and another scale.
    """
    kept = arguments.inside("kept", kept, 0, 1, "[]", "give a fraction of the entries")
    discarded = arguments.inside("discarded", discarded, 0, 1, "[]", "give a fraction of the energy")
    arguments.choice("scale", scale, SCALES)
    return plain(discarded + (1 - kept) if scale == "released" else np.broadcast_arrays(2 * discarded, kept)[0])


def one_sd_split(degrees: ArrayLike) -> Split:
    """What the split keeps of light-tailed entries: Student's t, or normal ones.

    Equation: kept P(|a| > sd), discarded E[a^2; |a| <= sd]/E a^2. Regime: limit of many entries. Up to 2 degrees:
    ``one_sd_kept`` and ``one_sd_discarded``. Source: guide/matrices.md, Released split.

    Args:
        degrees: Degrees of freedom of Student's t, > 2, of any shape; infinite for a normal law.

    Returns:
        The fractions kept and discarded, each of the shape of ``degrees``; floats for a scalar.

    Raises:
        ValueError: Unless 2 < degrees.
    """
    nu = arguments.inside("degrees", degrees, 2, np.inf, "(]", "up to 2 there is no variance, see one_sd_kept")
    normal = np.isinf(nu)
    some = np.where(normal, 3.0, nu)
    far = (some - 2) / (some - 1)  # nu / (nu + sd^2)
    kept = np.where(normal, special.erfc(np.sqrt(0.5)), special.betainc(some / 2, 0.5, far))
    near = np.where(far < 0.5, special.betaincc(some / 2 - 1, 1.5, far), special.betainc(1.5, some / 2 - 1, 1 / (some - 1)))
    below = np.where(normal, special.gammainc(1.5, 0.5), near)
    return Split(plain(kept), plain(below))
