"""What rows of a person's own data may hold, and how they are best solved: looked at once, in NumPy, where they enter."""

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

LOSS = 1e-9  # relative error from which on a Gram matrix is not the best way
HOPELESS = 1e-3  # from which on it is refused
MARGIN = 1e-4  # the least share of itself that every sample must keep beside the others
MODERATE = (1e-100, 1e100)  # lengths of columns whose squares neither vanish nor overflow


def checked(inputs: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Rows (n, d) and targets (n,) in the present floating-point type; a ValueError names what is no such thing."""
    inputs, target = np.asarray(inputs), np.asarray(target)
    if inputs.ndim != 2 or target.shape != inputs.shape[:1]:
        raise ValueError(f"inputs, target: shapes {inputs.shape} and {target.shape} are not (n, d) and (n,)")
    if not inputs.size:
        raise ValueError(f"inputs: shape {inputs.shape} is empty; pass at least one row and one column")
    return _numbers("inputs", inputs), _numbers("target", target)


def _numbers(name, values):
    if values.dtype.kind not in "fiub" and not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(f"{name}: dtype {values.dtype} holds no real numbers; convert it, text to columns of 0 and 1")
    if not np.all(np.isfinite(values.astype(float))):
        raise ValueError(f"{name}: holds NaN or infinity; leave such samples out")
    with np.errstate(over="ignore", under="ignore"):
        found = values.astype(jnp.zeros(()).dtype)
    tiny = np.finfo(found.dtype).tiny
    lost = ~np.isfinite(found) | ((np.abs(found) < tiny) & (values != 0))
    if np.any(lost):
        raise ValueError(f"{name}: {values[lost].flat[0]} does not fit {found.dtype}; scale it, or use jax.enable_x64(True)")
    return found


def warn_single(name: str, dtype: Any, stacklevel: int = 3) -> None:
    """A warning where numbers become float32, which Python shows once for each line that asks."""
    if dtype == np.float32:
        warnings.warn(
            f"{name}: least squares in float32 loses digits near as many features as samples; for float64 work inside"
            " 'with jax.enable_x64(True):', or with Experiment(precision='float64')",
            stacklevel=stacklevel,
        )


def choose(inputs: np.ndarray, method: str | None, intercept: bool) -> str:
    """ "cholesky" where Gram matrices, and those without a sample, keep nine digits at every width; else "svd".

    Raises ValueError for "cholesky" where they keep none, and for another method than "svd" with an intercept.
    """
    if intercept:
        if method not in (None, "svd"):
            raise ValueError(f"method: {method!r} knows no intercept; leave method out")
        return "svd"
    if method in (None, "cholesky") and inputs.shape[1] < inputs.shape[0]:
        loss, margin = _gram_loss(inputs)
        if method is None:
            return "cholesky" if loss <= LOSS and margin >= MARGIN else "svd"
        if loss > HOPELESS:
            raise ValueError(
                f"method: 'cholesky' would lose all but {max(-np.log10(min(loss, 1)), 0):.0f} digits on these columns, which"
                " nearly depend on each other; leave method out"
            )
    return method or "svd"


def _gram_loss(inputs):
    """Relative error of solving by the Gram matrix of columns of unit length, n > d, and the least 1 - leverage."""
    inputs = inputs[:, np.any(inputs != 0, axis=0)].astype(float)  # a column of zeros takes no part
    if not inputs.size:
        return 0.0, 1.0
    top = np.max(np.abs(inputs), axis=0)
    if np.min(top) < MODERATE[0] or np.max(top) > MODERATE[1]:
        return np.inf, 0.0
    unit = inputs / top
    unit = unit / np.linalg.norm(unit, axis=0)
    q, r = np.linalg.qr(unit)
    sizes = np.linalg.svd(r, compute_uv=False)
    loss = jnp.finfo(jnp.zeros(()).dtype).eps * (sizes[0] / max(sizes[-1], 1e-100)) ** 2
    return float(loss), float(1 - np.max(np.sum(q**2, axis=1)))
