"""What rooms hand to each other: metrics, predictions and certificates of them, and the findings of an experiment."""

import dataclasses
import inspect
import math
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

SCALES = ("linear", "logarithm")
DIGITS = 15  # that a float has
KINDS = ("exact", "limit", "tail", "none")
# Of every point of a report; no axis takes one of these names.
FIELDS = ("mean", "se", "median", "low", "high", "prediction", "gap", "z", "resolution", "judged", "kind", "reason")


@dataclasses.dataclass(frozen=True)
class Metric:
    """A number of a trial, or an array of them: what there is to know of it beside its values.

    ``describe``: one line for people. ``scale``: "linear", or "logarithm" for the natural logarithm of a quantity, whose
    gaps are then those of the quantity itself. ``unit``: as printed on an axis, "" for a pure number. ``seeds``: the fewest of
    which a mean says anything.

    Raises ValueError, naming the argument.
    """

    name: str
    describe: str = ""
    scale: str = "linear"
    unit: str = ""
    seeds: int = 2

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"name: {self.name!r} is not an identifier; a metric is named as the trial returns it")
        if self.scale not in SCALES:
            raise ValueError(f"scale: {self.scale!r} of metric {self.name!r}; use one of {', '.join(SCALES)}")
        if isinstance(self.seeds, bool) or not isinstance(self.seeds, int | np.integer) or self.seeds < 2:
            raise ValueError(f"seeds: {self.seeds!r} of metric {self.name!r} is not an integer >= 2")
        if not isinstance(self.describe, str) or not isinstance(self.unit, str):
            raise ValueError(f"describe, unit: those of metric {self.name!r} must be words")

    @property
    def attributes(self) -> dict[str, Any]:
        """For an array of samples: the names are those that xarray puts on the axes of its plots."""
        return dict(long_name=self.describe, units=self.unit, scale=self.scale, fewest_seeds=int(self.seeds))

    @classmethod
    def of(cls, name: str, attributes: Mapping[str, Any]) -> "Metric":
        """The metric that the attributes of an array tell of; a plain linear one where they tell nothing."""
        fields = dict(long_name="describe", units="unit", scale="scale", fewest_seeds="seeds")
        return cls(name, **{fields[key]: value for key, value in attributes.items() if key in fields})


def by_name(whose: str, metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Metrics by their names.

    Args:
        whose: Whose metrics they are, as the error says it.
        metrics: Metrics of different names.

    Returns:
        Name -> metric.

    Raises:
        ValueError: Where one is declared twice.
    """
    found: dict[str, Metric] = {}
    for metric in metrics:
        if metric.name in found:
            raise ValueError(f"{whose}: {metric.name!r} is declared twice; keep one")
        found[metric.name] = metric
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """What theory says of the mean of one metric over seeds; numbers, or arrays over the points of the samples.

    ``mean`` is NaN where nothing is predicted. ``kind`` says how to judge, one word or an array of them: "exact" at this
    size; "limit" for asymptotic theory with a gap O(1/n); "tail" where the mean, or the standard error of a sample mean, does
    not exist or says little; "none" where nothing can be judged. ``error`` is the standard error of a mean that is itself an
    average of draws.
    """

    mean: Any
    kind: Any = "exact"
    error: Any = 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """What theory bounds rather than predicts: ``claim``, in words, says of which quantity; it is at most ``bound``, a number
    or an array, except with probability ``failure``; ``assumes`` says under what conditions.

    Raises ValueError for a bound that is not of real numbers, and for a probability outside [0, 1).
    """

    claim: str
    bound: Any
    failure: float
    assumes: Sequence[str] = ()

    def __post_init__(self):
        if not _is_number(self.failure) or not 0 <= self.failure < 1:
            raise ValueError(f"failure: {self.failure!r} is no probability in [0, 1) of the claim being wrong")
        if np.asarray(self.bound).dtype.kind not in "iuf" or np.any(np.isnan(self.bound)):
            raise ValueError(f"bound: {self.bound!r} is not of real numbers")

    def holds(self, measured: Any) -> Any:
        """Whether it holds for what was measured, elementwise; of what is not finite it does not.

        Raises ValueError where the bounds are not one, nor of the shape of what was measured, or of its last axes."""
        there, own = np.shape(measured), np.shape(self.bound)
        if there and own and own != there[max(len(there) - len(own), 0) :]:
            raise ValueError(f"measured: its shape {there} does not fit the bounds, which have {own}")
        return np.isfinite(measured) & (np.asarray(measured) <= self.bound)

    def spoiled(self, factor: float) -> "Certificate":
        """Its twin, wrong on purpose: the bound times ``factor`` < 1, which enough draws must expose; a negative one is moved
        down by as much.

        Raises ValueError for a factor outside [0, 1), and where this makes no bound stricter: all are 0, or infinite."""
        if not _is_number(factor) or not 0 <= factor < 1:
            raise ValueError(f"factor: {factor!r} is not in [0, 1), and the twin would not be stricter")
        bound = np.asarray(self.bound, float)
        stricter = np.where(np.isinf(bound), bound, bound - (1 - factor) * np.nan_to_num(np.abs(bound)))
        if not np.any(stricter < bound):
            raise ValueError(f"factor: {factor} makes nothing stricter of the bound {self.bound}; state a wrong one yourself")
        return dataclasses.replace(self, bound=stricter)


@dataclasses.dataclass(frozen=True)
class Finding:
    """A number that an experiment states of its samples: a crossing, an exponent, a ratio; and its standard ``error``, 0 for
    what is counted.

    Raises ValueError for what is no finite real number: what was not found is not stated.
    """

    value: float
    error: float = 0.0

    def __post_init__(self):
        for name in ("value", "error"):
            if not _is_number(given := getattr(self, name)):
                raise ValueError(f"{name}: {given!r} of a finding is no real number")
            number = float(given)
            if not math.isfinite(number) or (name == "error" and number < 0):
                raise ValueError(
                    f"{name}: {number} of a finding is no finite number{' >= 0' * (name == 'error')}; leave it out"
                )
            object.__setattr__(self, name, number)

    def __str__(self) -> str:
        """With two digits of the error, 0.0941 ± 0.0061; five digits where there is none. With a power of ten where it would
        take more than 15 digits before or behind the point."""
        if self.error == 0:
            return f"{self.value:.5g}"
        last = math.floor(math.log10(self.error)) - 1
        first = math.floor(math.log10(max(abs(self.value), self.error)))
        if last >= -DIGITS and first < DIGITS:
            digits = max(-last, 0)
            return f"{self.value:.{digits}f} ± {self.error:.{digits}f}"
        return f"{self.value:.{min(first - last, DIGITS)}e} ± {self.error:.1e}"


def _is_number(given: Any) -> bool:
    """Whether it is one real number, of Python or of an array library; a truth value is none."""
    if isinstance(given, numbers.Real):
        return not isinstance(given, bool)
    return np.ndim(given) == 0 and np.asarray(given).dtype.kind in "iuf"


def check_make(make: Callable[..., Any], axes: Iterable[str], whose: str, cure: str) -> None:
    """Check that an experiment's ``make`` takes each of the axes by name and needs nothing else.

    Args:
        make: The function, grid point -> problem.
        axes: Names of the axes.
        whose: Whose axes they are, as the error says it.
        cure: What to do, as the error says it.

    Raises:
        ValueError: Where it does not take them, or needs more.
    """
    signature = inspect.signature(make)
    try:
        signature.bind(**dict.fromkeys(axes))
    except TypeError as error:
        names = ", ".join(axes) or "none"
        raise ValueError(f"make: its arguments are {signature}, {whose} {names}: {error}; {cure}") from None
